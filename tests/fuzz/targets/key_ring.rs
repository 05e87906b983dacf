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
                assert_repeats_nothing(&refused.to_string(), secret);
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
        let again =
            KeyDocument::parse(document.text().expose_secret(), kind).expect("what is written can be read");
        assert!(again.has_the_keys_of(&document), "writing a ring changes it");
    }
});

/// None of the private members stands in what is said of the secret.
fn assert_repeats_nothing(said: &str, secret: &str) {
    let Ok(secret) = serde_json::from_str::<Value>(secret) else { return };
    let keys = secret
        .get("keys")
        .and_then(Value::as_array)
        .map_or_else(|| std::slice::from_ref(&secret), Vec::as_slice);
    for key in keys {
        for private in PRIVATE {
            // What is shorter may be a word of ours.
            let value = key[private].as_str().filter(|value| value.len() >= 12);
            assert!(!value.is_some_and(|value| said.contains(value)), "a private member is repeated");
        }
    }
}
