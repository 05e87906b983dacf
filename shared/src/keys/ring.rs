//! Several keys of one kind: the newest signs, every unexpired one verifies.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::SecretSlice;
use serde_json::{Map, Value, json};

use super::{algorithm::KeyAlgorithm, derive::DerivingKey};

/// One key. It shows nothing but its name.
pub struct Key {
    /// Its name, which every token carries that it signs.
    pub kid: String,
    /// The one algorithm that it is used with.
    pub algorithm: KeyAlgorithm,
    /// It signs from here on.
    pub not_before: Option<Timestamp>,
    /// From here on it does nothing any more.
    pub expires: Option<Timestamp>,
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    /// Of an HS256 key.
    pub(super) deriving: Option<DerivingKey>,
    /// What others may see of it; nothing of a symmetric key.
    pub(super) public: Option<Map<String, Value>>,
    /// Equal for the same key under another name.
    pub(super) identity: SecretSlice<u8>,
}

impl Key {
    fn is_unexpired(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }

    fn has_begun(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|begin| begin <= now)
    }

    /// Whether what it signs is what it verifies.
    #[must_use]
    pub fn proves_itself(&self) -> bool {
        const PROBE: &[u8] = b"nova/rotation-probe";
        let (signing, algorithm) = (&self.signing, self.algorithm.jws());
        let signed = jsonwebtoken::crypto::sign(PROBE, signing, algorithm);
        signed.is_ok_and(|signature| {
            jsonwebtoken::crypto::verify(&signature, PROBE, &self.verifying, algorithm).unwrap_or(false)
        })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The keys of one secret, each with its own name.
#[derive(Debug)]
pub struct Ring {
    keys: Vec<Key>,
}

impl Ring {
    pub(super) const fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// The key that signs now: the newest whose time has come. `None` in a ring of future and expired keys.
    #[must_use]
    pub fn signer(&self, now: Timestamp) -> Option<&Key> {
        let ready = self.keys.iter().filter(|key| key.has_begun(now) && key.is_unexpired(now));
        ready.max_by_key(|key| key.not_before)
    }

    /// All keys, as they stand in the secret.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The JWK Set (RFC 7517) of what others may see: the public part of every unexpired key, also of those that do not
    /// sign yet, so that nobody meets a token before its key.
    #[must_use]
    pub fn public_set(&self, now: Timestamp) -> Value {
        let public = self.keys.iter().filter(|key| key.is_unexpired(now)).filter_map(|key| {
            let mut jwk = key.public.clone()?;
            for (name, value) in [("kid", key.kid.as_str()), ("alg", key.algorithm.name()), ("use", "sig")] {
                jwk.insert(name.to_owned(), value.into());
            }
            Some(Value::Object(jwk))
        });
        json!({"keys": public.collect::<Vec<_>>()})
    }

    /// The algorithms of the public keys.
    #[must_use]
    pub fn public_algorithms(&self, now: Timestamp) -> BTreeSet<String> {
        let public = self.keys.iter().filter(|key| key.is_unexpired(now) && key.public.is_some());
        public.map(|key| key.algorithm.name().to_owned()).collect()
    }

    /// The key of this exact name, if it still verifies. A key verifies before it signs: clocks differ.
    #[must_use]
    pub fn verifier(&self, kid: &str, now: Timestamp) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid == kid && key.is_unexpired(now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{algorithm::TokenKind, jwk::parse};
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ring() -> Ring {
        let key = |kid: &str, times: &str| {
            format!(
                r#"{{"kty":"oct","alg":"HS256","kid":"{kid}"{times},"k":"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l"}}"#
            )
        };
        let keys =
            [key("first", r#","exp":300"#), key("second", r#","nbf":100"#), key("third", r#","nbf":200"#)];
        // One key may stand under one name only.
        let [first, second, third] = keys;
        let keys = [first, second.replace("aB3d", "bB3d"), third.replace("aB3d", "cB3d")];
        parse(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")), TokenKind::Access).unwrap()
    }

    #[test]
    fn the_newest_key_whose_time_has_come_signs() {
        let signer = |second| ring().signer(at(second)).map(|key| key.kid.clone());
        assert_eq!(signer(99).as_deref(), Some("first"));
        assert_eq!(signer(100).as_deref(), Some("second"));
        assert_eq!(signer(200).as_deref(), Some("third"));
    }

    #[test]
    fn every_unexpired_key_verifies_by_its_exact_name() {
        assert!(ring().verifier("first", at(299)).is_some());
        assert!(ring().verifier("first", at(300)).is_none());
        assert!(ring().verifier("third", at(0)).is_some());
        assert!(ring().verifier("FIRST", at(0)).is_none());
    }
}
