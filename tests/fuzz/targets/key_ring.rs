//! Text as a secret with keys: refused with a reason that repeats nothing of it, or a ring whose keys all work.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_auth::keys::{KeyDocument, TokenKind};
use nova_auth_fuzz::now;
use secrecy::ExposeSecret as _;
use serde_json::Value;

const PRIVATE: [&str; 7] = ["k", "d", "p", "q", "dp", "dq", "qi"];

fuzz_target!(|secret: &str| {
    for kind in [TokenKind::Access, TokenKind::Refresh] {
        let document = match KeyDocument::parse(secret, kind) {
            Ok(document) => document,
            Err(refused) => {
                assert_repeats_nothing(&refused.to_string(), secret, kind);
                continue;
            }
        };
        let ring = document.ring().expect("what was read can be read again");
        for key in ring.keys() {
            assert!(key.proves_itself(), "a key was taken whose signatures it does not verify");
            assert!(ring.keys().filter(|other| other.kid == key.kid).count() == 1, "two keys of one name");
        }
        let public = ring.public_set(now());
        for key in public["keys"].as_array().expect("a set of keys") {
            assert!(
                PRIVATE.iter().all(|name| key.get(name).is_none()),
                "the public set has a private member"
            );
        }
        let text = document.text();
        let again = KeyDocument::parse(text.expose_secret(), kind).expect("what is written can be read");
        assert!(again.has_the_keys_of(&document), "writing a ring changes it");
        for (what, more) in with_its_first_key_again(text.expose_secret()) {
            assert!(KeyDocument::parse(&more, kind).is_err(), "a ring is taken that has {what}");
        }
    }
});

/// The ring with its first key a second time. A fuzzer hardly ever writes a key twice by itself.
fn with_its_first_key_again(ring: &str) -> [(&'static str, String); 2] {
    let with = |change: fn(&mut Value)| {
        let mut ring: Value = serde_json::from_str(ring).expect("a ring is JSON");
        let keys = ring["keys"].as_array_mut().expect("a ring is a JWK Set");
        let mut first = keys[0].clone();
        change(&mut first);
        keys.push(first);
        ring.to_string()
    };
    [
        ("two keys of one name", with(as_another_key)),
        ("one key under two names", with(|key| key["kid"] = "a-name-that-nobody-else-has".into())),
    ]
}

/// Of a symmetric key, whose members nothing ties together.
fn as_another_key(key: &mut Value) {
    let Some(secret) = key["k"].as_str() else { return };
    key["k"] = secret.chars().map(another).collect::<String>().into();
}

/// None of the private members stands in what is said of the secret.
///
/// A member may read like words of ours. So what counts is one that is repeated, and whose change is repeated, too.
fn assert_repeats_nothing(said: &str, secret: &str, kind: TokenKind) {
    let Ok(secret) = serde_json::from_str::<Value>(secret) else { return };
    let keys = match secret.get("keys") {
        Some(keys) => (0..keys.as_array().map_or(0, Vec::len)).map(|key| format!("/keys/{key}")).collect(),
        None => vec![String::new()],
    };
    // The names of keys are said on purpose, and a fuzzer soon writes into them what it is asked for.
    let names = keys.iter().filter_map(|key| secret.pointer(&format!("{key}/kid"))?.as_str());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let nameless = |said: &str| names.iter().fold(said.to_owned(), |said, name| said.replace(name, ""));
    for member in keys.iter().flat_map(|key| PRIVATE.map(|name| format!("{key}/{name}"))) {
        // What is shorter may be repeated by chance twice.
        let value = secret.pointer(&member).and_then(Value::as_str).filter(|value| value.len() >= 6);
        let Some(value) = value.filter(|value| nameless(said).contains(value)) else { continue };
        let changed: String = value.chars().map(another).collect();
        if changed == value {
            continue;
        }
        let mut other = secret.clone();
        *other.pointer_mut(&member).expect("it is there") = changed.as_str().into();
        let repeats = KeyDocument::parse(&other.to_string(), kind)
            .is_err_and(|refused| nameless(&refused.to_string()).contains(&changed));
        assert!(!repeats, "a private member is repeated");
    }
}

/// Another character for each of base64url's, which is base64url, too.
fn another(character: char) -> char {
    let turned = |first: u8, count: u8, by: u8| char::from(first + (character as u8 - first + by) % count);
    match character {
        'a'..='z' => turned(b'a', 26, 13),
        'A'..='Z' => turned(b'A', 26, 13),
        '0'..='9' => turned(b'0', 10, 5),
        '-' => '_',
        '_' => '-',
        other => other,
    }
}
