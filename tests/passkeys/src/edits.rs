//! What may be done to a ceremony, by names that `oracle.mjs` lists differences by.

use serde_json::{Value, json};

use crate::{
    ceremony::{Ceremony, Kind, Signature},
    random::Random,
};

/// An edit, with its name.
pub type Edit = (&'static str, fn(&mut Ceremony, &mut Random));

/// All of them. Some change nothing that counts, so that right ceremonies of many forms are among them, too.
pub const EDITS: &[Edit] = &[
    ("flags", |it, random| it.flags = random.byte()),
    ("backup flags", |it, random| it.flags = it.flags & !0x18 | random.one_of(&[0, 8, 0x10, 0x18])),
    ("count", |it, random| it.count = random.one_of(&[0, 1, 4, 5, 6, 7, u32::MAX])),
    ("relying party", |it, random| {
        it.rp_id = random.one_of(&["evil.example", "EXAMPLE.org", "", "www.example.org"])
    }),
    ("model", |it, random| it.aaguid = random.bytes(16).try_into().unwrap()),
    ("trailing bytes", |it, random| it.after.extend(random.bytes(1))),
    ("extensions", |it, random| {
        it.flags |= 0x80;
        it.after = random
            .one_of(&[
                &b"\xa0"[..],
                b"\xa1\x63uvm\x81\x83\x02\x04\x02",
                b"\xa1\x6bcredProtect\x02",
                b"\xa2\x6bhmac-secret\xf5\x6cminPinLength\x04",
                b"\xa1\x68credBlob\x43abc",
            ])
            .to_vec();
    }),
    ("extension with a half-precision number", |it, _| {
        it.flags |= 0x80;
        it.after = b"\xa1\x61x\xf9\x3e\x00".to_vec();
    }),
    ("extensions that are none", |it, random| {
        it.flags |= 0x80;
        it.after = random
            .one_of(&[&b""[..], b"\x80", b"\xa1\x01\x02", b"\xa1\x61x", b"\xbf\xff", b"\xa0\xa0", b"\xf6"])
            .to_vec();
    }),
    ("attested key", |it, _| it.flags ^= 0x40),
    ("type", |it, random| {
        let kinds = ["webauthn.get", "webauthn.create", "payment.get", "", "WEBAUTHN.GET"];
        it.says("type", &json!(random.one_of(&kinds)));
    }),
    ("challenge", |it, random| {
        let challenges = [
            "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg",
            "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd",
            "",
        ];
        it.says("challenge", &json!(random.one_of(&challenges)));
    }),
    ("origin", |it, random| {
        let origins = [
            "https://evil.example",
            "https://example.org:8443",
            "http://example.org",
            "https://example.org/",
            "https://EXAMPLE.org",
            "https://example.org.evil.example",
            "https://sub.example.org",
            "null",
        ];
        it.says("origin", &json!(random.one_of(&origins)));
    }),
    ("crossOrigin", |it, random| {
        it.says("crossOrigin", &random.one_of(&[json!(true), Value::Null, json!("false"), json!(0)]));
    }),
    ("without crossOrigin", |it, _| it.client_data.retain(|(name, _)| name != "\"crossOrigin\"")),
    ("topOrigin", |it, random| {
        it.says(
            "topOrigin",
            &random.one_of(&[json!("https://evil.example"), json!("https://example.org"), Value::Null]),
        );
    }),
    ("another member", |it, random| {
        let name = random.one_of(&["other_keys_can_be_added_here", "androidPackageName", "x"]);
        it.says(name, &random.one_of(&[json!("of tomorrow"), json!({"a": [1, null]}), json!(1.5)]));
    }),
    ("token binding", |it, random| {
        it.says(
            "tokenBinding",
            &random.one_of(&[json!({"status": "supported"}), json!({"status": "present", "id": "x"})]),
        );
    }),
    ("token binding of no kind", |it, random| {
        it.says("tokenBinding", &random.one_of(&[json!({}), json!("none"), json!({"status": "other"})]));
    }),
    ("a member twice", |it, random| {
        let again = random.one_of(&it.client_data);
        it.client_data.insert(0, again);
    }),
    ("a member less", |it, random| {
        let at = random.below(it.client_data.len());
        it.client_data.remove(at);
    }),
    ("order of members", |it, random| {
        let by = random.below(it.client_data.len());
        it.client_data.rotate_left(by);
    }),
    ("spaces", |it, random| it.around = random.one_of(&[["{ ", " }"], [" {", "}\n"], ["\t{", "\r\n}"]])),
    ("byte order mark", |it, _| it.around[0] = "\u{feff}{"),
    ("no object", |it, random| it.around = random.one_of(&[["", ""], ["[", "]"], ["{", "}}"], ["{", ""]])),
    ("escapes", |it, _| {
        if let Some(first) = it.client_data.first_mut() {
            first.0 = first.0.replace('e', "\\u0065");
            first.1 = first.1.replace('e', "\\u0065");
        }
    }),
    ("id", |it, random| it.id = random.one_of(&[vec![5; 32], vec![], vec![6; 31]])),
    ("both ids", |it, _| {
        it.id = vec![5; 32];
        it.raw_id = vec![5; 32];
    }),
    ("length of the id", |it, random| {
        let id = vec![6; random.one_of(&[0, 1, 15, 16, 17, 64, 255, 256, 1023, 1024])];
        (it.credential, it.id, it.raw_id) = (id.clone(), id.clone(), id);
    }),
    ("attested id", |it, random| it.credential = random.one_of(&[vec![5; 32], vec![6; 33]])),
    ("kind of credential", |it, random| it.credential_type = random.one_of(&["password", "", "Public-Key"])),
    ("user handle", |it, random| {
        it.user_handle =
            random.one_of(&[None, Some(vec![]), Some(vec![1; 16]), Some(vec![1; 64]), Some(vec![1; 65])])
    }),
    ("key: a member more", |it, random| {
        let more: [[&[u8]; 2]; 4] =
            [[&[2], &[0x41, 1]], [&[4], &[0x81, 2]], [&[0x24], &[1]], [&[5], &[0x40]]];
        let [label, value] = random.one_of(&more);
        it.cose.push([label.to_vec(), value.to_vec()]);
    }),
    ("key: a member less", |it, random| {
        let at = random.below(it.cose.len());
        it.cose.remove(at);
    }),
    ("key: order", |it, random| {
        let by = random.below(it.cose.len());
        it.cose.rotate_left(by);
    }),
    ("key: a member twice", |it, random| {
        let again = random.one_of(&it.cose);
        it.cose.push(again);
    }),
    ("key: another algorithm", |it, random| {
        let others: [&[u8]; 5] = [&[0x26], &[0x27], &[0x39, 1, 0], &[0x38, 0x22], &[0x38, 0x24]];
        let other = random.one_of(&others).to_vec();
        if let Some([_, value]) = it.cose.iter_mut().find(|[label, _]| *label == [3]) {
            *value = other;
        }
    }),
    ("key: another type", |it, random| it.cose[0][1] = vec![random.one_of(&[1, 2, 3, 4, 7])]),
    ("key: a number in a longer form", |it, _| {
        if let Some([_, value]) = it.cose.first_mut() {
            *value = [&[0x18], &value[..]].concat();
        }
    }),
    ("key: another byte", |it, random| {
        if let Some([_, value]) = it.cose.last_mut() {
            let at = 3.min(value.len() - 1);
            let at = at + random.below(value.len() - at);
            value[at] ^= 1 << random.below(8);
        }
    }),
    ("key: a coordinate that is shorter", |it, random| {
        if let Some([_, value]) =
            it.cose.iter_mut().find(|[label, value]| *label == [0x21] && value.len() > 30)
        {
            *value = random.one_of(&[
                crate::key::bytes(&[1; 31]),
                crate::key::bytes(&[1; 33]),
                crate::key::bytes(&[]),
            ]);
        }
    }),
    ("attestation of its own", |it, _| (it.format, it.is_signed) = ("packed", true)),
    ("attestation that is not right", |it, random| {
        it.format = random.one_of(&["packed", "fido-u2f", "tpm", "apple", "android-key"]);
        it.statement =
            random.one_of(&[&b"\xa0"[..], b"\xa1\x63alg\x26", b"\xa2\x63alg\x26\x63sig\x41\x00"]).to_vec();
    }),
    ("attestation of no format", |it, random| it.format = random.one_of(&["compound", "", "other"])),
    ("statement of nothing", |it, _| it.statement = b"\xa1\x61x\x01".to_vec()),
    ("statement that is none", |it, random| {
        it.statement = random.one_of(&[vec![0x80], vec![0xf6], vec![0x40], vec![0x01]])
    }),
    ("object: a member more", |it, _| it.more = b"\x65epAtt\xf4".to_vec()),
    ("object: a member twice", |it, _| it.more = b"\x63fmt\x64none".to_vec()),
    ("byte of the client data", |it, random| flip(it, random, ["clientDataJSON"; 2])),
    ("byte of the authenticator", |it, random| flip(it, random, ["attestationObject", "authenticatorData"])),
    ("byte of the signature", |it, random| flip(it, random, ["signature"; 2])),
    ("signature", |it, random| {
        it.signature =
            random.one_of(&[Signature::Cut, Signature::Nothing, Signature::AndMore, Signature::OfAnother]);
    }),
    ("padding", |it, _| it.padding = "=="),
];

fn flip(it: &mut Ceremony, random: &mut Random, members: [&'static str; 2]) {
    let member = members[usize::from(it.kind == Kind::Assertion)];
    it.flips.push((member, random.below(1024), 1 << random.below(8)));
}
