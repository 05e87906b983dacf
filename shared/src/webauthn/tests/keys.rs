use super::{
    super::{cbor::Reader, key::PublicKey},
    forge::{Authenticator, Parts, es256, rs256},
    *,
};

fn read(cose: &[u8]) -> Option<PublicKey> {
    let mut reader = Reader::new(cose);
    let key = PublicKey::read(&mut reader).ok()?;
    reader.end().ok().map(|()| key)
}

/// A point on P-256: its generator.
const G: ([u8; 32], [u8; 32]) = (
    [
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77,
        0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    ],
    [
        0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b,
        0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    ],
);

#[test]
fn a_key_is_kept_in_the_one_form_whatever_order_and_length_it_came_in() {
    for authenticator in Authenticator::all() {
        let cose = authenticator.cose();
        let text = String::from(read(&cose).unwrap());
        let kept = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &text).unwrap();
        assert_eq!(read(&kept), read(&cose));
        assert_eq!(PublicKey::try_from(text.clone()), Ok(read(&cose).unwrap()));
        assert!(PublicKey::try_from(format!("{text}AAAA")).is_err());
    }
    let (x, y) = G;
    let usual = es256(&x, &y);
    // y first, and the algorithm in two bytes more than it needs.
    let odd =
        [&[0xa5, 0x22, 0x58, 32][..], &y, &[0x21, 0x58, 32], &x, &[3, 0x39, 0, 6, 1, 2, 0x20, 1]].concat();
    assert_eq!(String::from(read(&odd).unwrap()), String::from(read(&usual).unwrap()));
    assert_eq!(
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &usual),
        String::from(read(&odd).unwrap())
    );
}

#[test]
fn a_key_of_p256_is_a_point_on_the_curve_and_says_nothing_more() {
    let (x, y) = G;
    let right = es256(&x, &y);
    assert!(read(&right).is_some());
    let mut off = y;
    off[31] ^= 1;
    let change = |at: usize, byte: u8| {
        let mut changed = right.clone();
        changed[at] = byte;
        changed
    };
    for (what, cose) in [
        ("not on the curve", es256(&x, &off)),
        ("the point at infinity", es256(&[0; 32], &[0; 32])),
        ("x beyond the field", es256(&[0xff; 32], &y)),
        ("another type of key", change(2, 1)),
        ("another algorithm", change(4, 0x27)),
        ("another curve", change(6, 2)),
        ("a member twice", [&[0xa6], &right[1..], &[3, 0x26]].concat()),
        ("a member more", [&[0xa6], &right[1..], &[4, 0x41, 2]].concat()),
        ("a member less", [&[0xa4], &right[1..right.len() - 35]].concat()),
        ("compressed", [&[0xa5], &right[1..right.len() - 34], &[0xf5]].concat()),
        ("a short x", [&right[..8], &[0x58, 31], &x[1..], &right[42..]].concat()),
        ("a text as label", [&[0xa5, 0x61, b'1'], &right[2..]].concat()),
    ] {
        assert!(read(&cose).is_none(), "{what}");
    }
}

#[test]
fn a_key_of_ed25519_has_32_bytes_on_its_own_curve() {
    let right = Authenticator::ed_dsa().cose();
    assert!(read(&right).is_some());
    let x = &right[10..];
    for (what, cose) in [
        ("ed448", [&right[..6], &[7], &right[7..]].concat()),
        ("x25519", [&right[..6], &[4], &right[7..]].concat()),
        ("31 bytes", [&right[..8], &[0x58, 31], &x[1..]].concat()),
        ("33 bytes", [&right[..8], &[0x58, 33], x, &[0]].concat()),
        ("a y", [&[0xa5], &right[1..], &[0x22, 0x41, 0]].concat()),
    ] {
        assert!(read(&cose).is_none(), "{what}");
    }
}

#[test]
fn a_key_of_rsa_has_2048_to_4096_bits_and_an_odd_exponent() {
    let n = |length: usize| {
        let mut n = vec![0xb5; length];
        n[length - 1] |= 1;
        n
    };
    for (length, exponent) in
        [(256, vec![1, 0, 1]), (256, vec![3]), (384, vec![1, 0, 1]), (512, vec![1, 0, 1])]
    {
        assert!(read(&rs256(&n(length), &exponent)).is_some(), "{length} {exponent:?}");
    }
    let even = [&n(256)[..255], &[2]].concat();
    let padded = [&[0][..], &n(256)].concat();
    let short = [&[0x7f][..], &n(255)].concat();
    for (what, n, exponent) in [
        ("1024 bits", n(128), vec![1, 0, 1]),
        ("2047 bits", short, vec![1, 0, 1]),
        ("4104 bits", n(513), vec![1, 0, 1]),
        ("an even modulus", even, vec![1, 0, 1]),
        ("a zero in front", padded, vec![1, 0, 1]),
        ("an even exponent", n(256), vec![1, 0, 0]),
        ("an exponent of 1", n(256), vec![1]),
        ("no exponent", n(256), vec![]),
        ("a zero in front of the exponent", n(256), vec![0, 1, 0, 1]),
        ("an exponent of 40 bits", n(256), vec![1, 0, 0, 0, 1]),
        ("no modulus", vec![], vec![1, 0, 1]),
    ] {
        assert!(read(&rs256(&n, &exponent)).is_none(), "{what}");
    }
}

#[test]
fn a_passkey_with_a_key_of_another_kind_is_not_registered() {
    let phone = Authenticator::es256();
    let es384 =
        [&[0xa5, 1, 2, 3, 0x38, 34, 0x20, 2, 0x21, 0x58, 48][..], &[1; 48], &[0x22, 0x58, 48], &[1; 48]]
            .concat();
    for cose in [es384, vec![0xa0], vec![0x80], vec![]] {
        let answer = phone.registration(&Parts::registration().with(|parts| parts.cose = Some(cose)));
        assert_eq!(us().verify_registration(&challenge(), &answer), Err(PasskeyRefused::Key));
    }
}
