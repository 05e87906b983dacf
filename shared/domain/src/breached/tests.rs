use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::Index};
use xorf::{BinaryFuse16, Filter as _};

use super::*;
use crate::password::Password;

/// SplitMix64: the same numbers in each run.
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(z ^ (z >> 31))
    }
}

fn fingerprint(shard: u16, key: u64) -> Fingerprint {
    let mut hash = [0; 20];
    hash[..2].copy_from_slice(&shard.to_be_bytes());
    hash[2..10].copy_from_slice(&key.to_be_bytes());
    Fingerprint::of_sha1(hash)
}

fn fuse(filter: &BinaryFuse16) -> Fuse<'_> {
    Fuse {
        seed: filter.descriptor.seed,
        segment_length: filter.descriptor.segment_length,
        segment_count_length: filter.descriptor.segment_count_length,
        fingerprints: &filter.fingerprints,
    }
}

fn built(number: u16, keys: &BTreeSet<u64>) -> Shard<'static> {
    let keys: Vec<u64> = keys.iter().copied().collect();
    let filter = BinaryFuse16::try_from(&keys).unwrap();
    Shard::new(number, keys.len().try_into().unwrap(), fuse(&filter)).unwrap()
}

/// A shard of a few passwords, as it is in the file.
fn some_bytes() -> Vec<u8> {
    let shard = built(7, &Numbers(1).take(100).collect());
    shard.to_bytes(shard.least_bytes() + 30).unwrap()
}

/// The same with another number in a field, and a checksum that is right again: not damage, but somebody's intention.
fn forged(mut bytes: Vec<u8>, at: usize, field: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    bytes[at..at + field.len()].copy_from_slice(field);
    let checksum = Sha256::new().chain_update(&bytes[..36]).chain_update(&bytes[68..]).finalize();
    bytes[36..68].copy_from_slice(&checksum);
    bytes
}

/// What a reader makes of a shard; `None` is no answer.
fn asked(bytes: &[u8], fingerprint: &Fingerprint) -> Option<bool> {
    Shard::parse(bytes).ok()?.contains(fingerprint).ok()
}

/// The examples that Have I Been Pwned and its readers publish.
#[test]
fn a_password_is_looked_up_by_its_sha_1() {
    for (password, shard, key) in [
        ("password", 0x5baa, 0x61e4_c9b9_3f3f_0682),
        ("P@ssw0rd", 0x21bd, 0x12dc_183f_740e_e76f),
        ("123456", 0x7c4a, 0x8d09_ca37_62af_61e5),
        ("", 0xda39, 0xa3ee_5e6b_4b0d_3255),
    ] {
        let of = Fingerprint::of(password);
        assert_eq!((of.shard(), of.key()), (shard, key), "{password}");
    }
}

#[test]
fn a_password_is_looked_up_as_it_was_typed_and_in_its_normal_form_and_to_its_end() {
    let of = |typed: &str| Password::new(typed.to_owned()).fingerprints().collect::<Vec<_>>();
    assert_eq!(of("Canary-1!"), [Fingerprint::of("Canary-1!")]);
    assert_eq!(of("caf\u{e9}"), [Fingerprint::of("caf\u{e9}")]);
    assert_eq!(of("cafe\u{301}"), [Fingerprint::of("caf\u{e9}"), Fingerprint::of("cafe\u{301}")]);
    let long = "e\u{301}".repeat(100);
    assert_eq!(of(&long), [Fingerprint::of(&"\u{e9}".repeat(100)), Fingerprint::of(&long)]);
}

#[test]
fn what_is_looked_up_does_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", Fingerprint::of("Canary-1!")), "Fingerprint(…)");
}

#[test]
fn a_password_that_was_put_in_is_found() {
    for password in ["password", "P@ssw0rd", "123456", "كلمة السر", ""] {
        let of = Fingerprint::of(password);
        let bytes = built(of.shard(), &BTreeSet::from([of.key()])).to_bytes(4096).unwrap();
        assert_eq!(asked(&bytes, &of), Some(true), "{password}");
        assert_eq!(asked(&bytes, &fingerprint(of.shard(), !of.key())), Some(false), "{password}");
    }
}

/// As the first version wrote it: what is in a table has to be read after an update.
#[test]
fn a_filter_of_an_earlier_version_is_still_read() {
    let hex = [
        "6e6f766170776401",
        "60000000",
        "aa5b0000",
        "01000000",
        "04000000",
        "04000000",
        "c15c0289ec2d0a91",
        "c1d705ca3896940c670f88da92addeeaceedd4aa0dad3723a4311b0c62fb62a1",
        "00000000000000000000000000000000000000005699000000000000",
    ]
    .concat();
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let of = Fingerprint::of("password");
    assert_eq!(asked(&bytes, &of), Some(true));
    assert_eq!(asked(&bytes, &fingerprint(of.shard(), 1)), Some(false));
}

#[test]
fn what_the_builder_finds_is_found_and_nothing_else() {
    for (size, seed) in (1..=64).chain([100, 1_000, 20_000]).zip(1..) {
        let keys: BTreeSet<u64> = Numbers(seed).take(size).collect();
        let list: Vec<u64> = keys.iter().copied().collect();
        let filter = BinaryFuse16::try_from(&list).unwrap();
        let bytes = built(9, &keys);
        let bytes = bytes.to_bytes(bytes.least_bytes() + 7).unwrap();
        let shard = Shard::parse(&bytes).unwrap();
        assert_eq!((shard.number(), shard.entries()), (9, size.try_into().unwrap()));
        for key in &keys {
            assert_eq!(shard.contains(&fingerprint(9, *key)), Ok(true), "{size}");
        }
        for key in Numbers(1 << 32).take(10_000) {
            assert_eq!(shard.contains(&fingerprint(9, key)), Ok(filter.contains(&key)), "{size}");
        }
    }
}

/// Of a million numbers, 15.3 are expected. Outside of these bounds would be one filter in millions.
#[test]
fn one_of_65_536_other_passwords_seems_to_be_in_the_list() {
    let bytes = built(9, &Numbers(1).take(15_000).collect()).to_bytes(MAX_SHARD_BYTES).unwrap();
    let shard = Shard::parse(&bytes).unwrap();
    let seem = Numbers(1 << 32).take(1_000_000).filter(|key| shard.contains(&fingerprint(9, *key)).unwrap());
    let seem = seem.count();
    assert!((1..=41).contains(&seem), "{seem}");
}

#[test]
fn the_first_and_the_last_shard_are_where_the_manifest_says_and_a_neighbour_is_no_answer() {
    let keys: BTreeSet<u64> = Numbers(1).take(50).collect();
    let size = built(0, &keys).least_bytes();
    let manifest = Manifest::new(size, 100, 1).unwrap();
    assert_eq!(manifest.filter_bytes(), u64::from(size) * 65_536);
    for (number, start) in
        [(0x0000, 0), (0x0001, size.into()), (0xffff, manifest.filter_bytes() - u64::from(size))]
    {
        let bytes = built(number, &keys).to_bytes(size).unwrap();
        for key in &keys {
            let of = fingerprint(number, *key);
            assert_eq!(manifest.range(&of), start..start + u64::from(size));
            assert_eq!(manifest.contains(&of, &bytes), Ok(true));
            let neighbour = manifest.contains(&fingerprint(number ^ 1, *key), &bytes);
            assert_eq!(neighbour, Err(Unreadable::OtherShard));
        }
    }
}

#[test]
fn an_empty_shard_says_no_and_is_read_as_strictly() {
    let bytes = Shard::empty(3).to_bytes(100).unwrap();
    for key in Numbers(1).take(200_000) {
        assert_eq!(asked(&bytes[..], &fingerprint(3, key)), Some(false));
    }
    assert_eq!(asked(&bytes[..99], &fingerprint(3, 1)), None);
    assert_eq!(asked(&[0; 100], &fingerprint(3, 1)), None);
    assert_eq!(asked(&[], &fingerprint(0, 0)), None);
    // Places that nobody counted.
    for (at, number) in [(20, 4_u32), (24, 4)] {
        assert_eq!(
            Shard::parse(&forged(bytes.clone(), at, &number.to_le_bytes())).err(),
            Some(Unreadable::Impossible)
        );
    }
}

#[test]
fn a_cut_or_longer_object_is_no_answer() {
    let bytes = some_bytes();
    assert!(Shard::parse(&bytes).is_ok());
    let manifest = Manifest::new(bytes.len().try_into().unwrap(), 100, 1).unwrap();
    for length in 0..bytes.len() {
        assert!(Shard::parse(&bytes[..length]).is_err(), "{length}");
        assert_eq!(manifest.contains(&fingerprint(7, 1), &bytes[..length]), Err(Unreadable::Size));
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert_eq!(Shard::parse(&longer).err(), Some(Unreadable::Size));
    // A shard that is whole, of a filter that has others than the manifest says.
    let other = Manifest::new(u32::try_from(bytes.len()).unwrap() + 1, 100, 1).unwrap();
    assert_eq!(other.contains(&fingerprint(7, 1), &bytes), Err(Unreadable::Size));
}

#[test]
fn every_changed_bit_is_noticed() {
    let bytes = some_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(Shard::parse(&changed).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn another_format_is_named_and_something_else_is_not_taken_for_one() {
    let bytes = some_bytes();
    assert_eq!(Shard::parse(&forged(bytes.clone(), 7, &[2])).err(), Some(Unreadable::Format(2)));
    assert_eq!(Shard::parse(&forged(bytes, 0, b"N")).err(), Some(Unreadable::Foreign));
    for other in
        [&b""[..], b"novapw", b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code>"]
    {
        assert_eq!(Shard::parse(other).err(), Some(Unreadable::Foreign));
    }
}

#[test]
fn numbers_that_do_not_fit_together_are_no_shard() {
    let bytes = some_bytes();
    let field = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap());
    let (segment, firsts) = (field(20), field(24));
    assert_eq!(Shard::parse(&forged(bytes.clone(), 16, &99_u32.to_le_bytes())).err(), None);
    for (at, number) in [
        (12, 65_536),
        (12, u32::MAX),
        (16, 0),
        (16, firsts + 2 * segment + 1),
        (20, 0),
        (20, segment + 1),
        (20, segment * 2),
        (20, 1 << 31),
        (20, u32::MAX),
        (24, 0),
        (24, firsts + 1),
        (24, firsts + segment),
        (24, u32::MAX - segment + 1),
    ] {
        let read = Shard::parse(&forged(bytes.clone(), at, &number.to_le_bytes())).map(|_| ());
        assert_eq!(read, Err(Unreadable::Impossible), "{number} at {at}");
    }
    // Segments that all fit, of a length that an exclusive or leaves.
    let odd = forged(forged(bytes, 20, &48_u32.to_le_bytes()), 24, &48_u32.to_le_bytes());
    assert_eq!(Shard::parse(&odd).err(), Some(Unreadable::Impossible));
    let filter = BinaryFuse16::try_from(&vec![1, 2, 3]).unwrap();
    let right = fuse(&filter);
    assert!(Shard::new(7, 3, right).is_ok());
    for (entries, wrong) in [
        (0, right),
        (3, Fuse { segment_length: right.segment_length / 2, ..right }),
        (3, Fuse { segment_count_length: 0, ..right }),
        (3, Fuse { fingerprints: &right.fingerprints[1..], ..right }),
    ] {
        assert_eq!(Shard::new(7, entries, wrong).map(|_| ()), Err(Unreadable::Impossible));
    }
}

#[test]
fn a_shard_is_written_only_where_it_has_room() {
    let shard = built(7, &Numbers(1).take(100).collect());
    let length = |size| shard.to_bytes(size).map(|bytes| u32::try_from(bytes.len()).unwrap());
    let least = shard.least_bytes();
    assert_eq!((length(least - 1), length(least)), (None, Some(least)));
    assert_eq!((length(MAX_SHARD_BYTES), length(MAX_SHARD_BYTES + 1)), (Some(MAX_SHARD_BYTES), None));
}

#[test]
fn a_manifest_comes_back_as_it_was_and_others_are_no_manifest() {
    let manifest = Manifest::new(41_000, 1_300_000_000, 2).unwrap();
    let json = manifest.to_json();
    assert_eq!(json, "{\"format\":1,\"shardBytes\":41000,\"entries\":1300000000,\"atLeast\":2}\n");
    assert_eq!(Manifest::parse(json.as_bytes()), Ok(manifest));
    let with = |old: &str, new: &str| Manifest::parse(json.replace(old, new).as_bytes());
    assert_eq!(with(":1,", ":2,"), Err(Unreadable::Format(2)));
    for size in ["0", "67", "1048577", "4294967295"] {
        assert_eq!(with("41000", size), Err(Unreadable::Impossible), "{size}");
    }
    for size in ["-1", "4294967296", "41000.5", "\"41000\"", "null"] {
        assert_eq!(with("41000", size), Err(Unreadable::Foreign), "{size}");
    }
    for length in 0..json.trim_end().len() {
        assert_eq!(Manifest::parse(&json.as_bytes()[..length]), Err(Unreadable::Foreign), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// With a checksum that is right, so that the numbers are looked at: no panic, and a place that is there.
    #[test]
    fn whatever_the_numbers_say_nothing_outside_is_read(
        fields in vec((0_usize..7, any::<u32>(), 0_u32..32), 0..4), key: u64, places in vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = [&some_bytes()[..68], &places].concat();
        let size = u32::try_from(bytes.len()).unwrap();
        bytes = forged(bytes, 8, &size.to_le_bytes());
        for (field, number, shift) in fields {
            bytes = forged(bytes, 8 + 4 * field, &(number >> shift).to_le_bytes());
        }
        if let Ok(shard) = Shard::parse(&bytes) {
            let said = shard.contains(&fingerprint(shard.number(), key));
            prop_assert!(said.is_ok());
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_never_as_a_no(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(asked(&bytes, &fingerprint(7, 1)), None);
        let headed = [b"novapwd\x01", &bytes[..]].concat();
        prop_assert_eq!(asked(&headed, &fingerprint(7, 1)), None);
        prop_assert!(Manifest::parse(&bytes).is_err());
    }

    /// Parts that were overwritten, moved or taken out, as by a copy that went wrong.
    #[test]
    fn a_shard_that_was_changed_anyhow_is_no_answer(
        edits in vec((any::<Index>(), any::<Index>(), 0_u8..3, any::<u8>()), 1..4),
    ) {
        let whole = some_bytes();
        let mut bytes = whole.clone();
        for (from, to, kind, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            match kind {
                0 => bytes[from] = byte,
                1 => bytes.swap(from, to),
                _ => drop(bytes.drain(from.min(to)..from.max(to))),
            }
        }
        prop_assume!(bytes != whole);
        for key in Numbers(1).take(100) {
            prop_assert_eq!(asked(&bytes, &fingerprint(7, key)), None);
        }
    }
}
