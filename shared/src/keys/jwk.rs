//! A secret's text → keys. RFC 7517: one JWK, or a JWK Set.
//!
//! CloudFormation's `GenerateSecretString` writes the first one: 64 letters and digits are the base64url of 48 bytes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    derive::DerivingKey,
    ring::{Key, Ring},
};
use crate::domain::strict_json;

/// RFC 7518, section 3.2: a key for HS256 is at least as long as its hash.
const MIN_HS256_BYTES: usize = 32;

/// Why a secret's keys are not used. It names the key by its `kid`, and repeats nothing of the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct BadKeys {
    key: String,
    problem: &'static str,
}

/// A JWK's members that we read. Others (`use`, `key_ops`) are passed over.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    alg: String,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    exp: Option<i64>,
    k: secrecy::SecretString,
}

/// Reads the keys of a secret.
///
/// # Errors
/// [`BadKeys`], for the first key that is not fit to use.
pub(super) fn parse(secret: &str) -> Result<Ring, BadKeys> {
    let whole = |problem| BadKeys { key: "the secret".to_owned(), problem };
    let mut members = strict_json::object(secret.as_bytes())
        .map_err(|_| whole("is not a JWK or JWK Set with distinct members"))?;
    let jwks = match members.remove("keys") {
        Some(Value::Array(keys)) => keys,
        Some(_) => return Err(whole("has `keys` that are no list")),
        None => vec![Value::Object(members)],
    };
    if jwks.is_empty() {
        return Err(whole("has no key"));
    }
    let mut keys: Vec<Key> = Vec::with_capacity(jwks.len());
    for (position, jwk) in jwks.into_iter().enumerate() {
        let key = parse_key(jwk, position)?;
        if keys.iter().any(|other| other.kid == key.kid) {
            return Err(BadKeys { key: key.kid, problem: "stands twice" });
        }
        keys.push(key);
    }
    Ok(Ring::new(keys))
}

fn parse_key(jwk: Value, position: usize) -> Result<Key, BadKeys> {
    let named = match &jwk {
        Value::Object(members) => name(members),
        _ => None,
    };
    let bad = {
        let key = named.unwrap_or_else(|| format!("key {}", position + 1));
        move |problem| BadKeys { key: key.clone(), problem }
    };
    let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| bad("needs kty, kid, alg and k, each as text"))?;
    if !is_kid(&jwk.kid) {
        return Err(bad("has a kid that is not 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    if jwk.kty != "oct" || jwk.alg != "HS256" {
        return Err(bad("is not of kty oct and alg HS256"));
    }
    let secret = secrecy::ExposeSecret::expose_secret(&jwk.k);
    let bytes = URL_SAFE_NO_PAD.decode(secret).map_err(|_| bad("has a k that is not base64url"))?;
    let bytes = secrecy::SecretBox::new(Box::new(bytes));
    let bytes = secrecy::ExposeSecret::expose_secret(&bytes).as_slice();
    if bytes.len() < MIN_HS256_BYTES {
        return Err(bad("is shorter than the 32 bytes that HS256 needs"));
    }
    // Guards against a placeholder left in; it is no test of randomness.
    if bytes.iter().collect::<std::collections::BTreeSet<_>>().len() < 8 {
        return Err(bad("is too uniform to be random"));
    }
    let time = |seconds: Option<i64>| {
        seconds.map(|s| Timestamp::from_second(s).map_err(|_| bad("has a time that is none"))).transpose()
    };
    Ok(Key {
        not_before: time(jwk.nbf)?,
        expires: time(jwk.exp)?,
        kid: jwk.kid,
        algorithm: Algorithm::HS256,
        signing: EncodingKey::from_secret(bytes),
        verifying: DecodingKey::from_secret(bytes),
        deriving: DerivingKey::new(bytes),
    })
}

fn name(members: &Map<String, Value>) -> Option<String> {
    members.get("kid").and_then(Value::as_str).filter(|kid| is_kid(kid)).map(|kid| format!("key {kid}"))
}

fn is_kid(kid: &str) -> bool {
    (1..=64).contains(&kid.len()) && kid.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `GenerateSecretString` writes: the template with 64 letters and digits put in.
    const GENERATED: &str = r#"{"kty":"oct","alg":"HS256","use":"sig","kid":"access-1","k":"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l"}"#;

    fn problem(secret: &str) -> String {
        parse(secret).err().map(|bad| bad.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_key_that_cloudformation_generates_is_used_as_it_is() {
        let ring = parse(GENERATED).unwrap();
        assert_eq!(ring.signer(Timestamp::UNIX_EPOCH).unwrap().kid, "access-1");
    }

    #[test]
    fn a_set_of_keys_is_read() {
        let other = GENERATED.replace("access-1", "access-2");
        assert!(parse(&format!(r#"{{"keys":[{GENERATED},{other}]}}"#)).is_ok());
    }

    #[test]
    fn a_key_that_is_not_fit_is_named_and_not_shown() {
        for (secret, line) in [
            (GENERATED.replace("HS256", "none"), "key access-1: is not of kty oct and alg HS256"),
            (GENERATED.replace("\"oct\"", "\"RSA\""), "key access-1: is not of kty oct and alg HS256"),
            (
                GENERATED.replace("6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l", ""),
                "key access-1: is shorter than the 32 bytes that HS256 needs",
            ),
            (GENERATED.replace("aB3d", "+B3d"), "key access-1: has a k that is not base64url"),
            (format!(r#"{{"keys":[{GENERATED},{GENERATED}]}}"#), "access-1: stands twice"),
            (r#"{"keys":[]}"#.to_owned(), "the secret: has no key"),
            (r#"{"keys":[1]}"#.to_owned(), "key 1: needs kty, kid, alg and k, each as text"),
            (
                "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF".to_owned(),
                "the secret: is not a JWK or JWK Set with distinct members",
            ),
            (
                GENERATED.replace("\"kid\"", "\"alg\":\"HS256\",\"kid\""),
                "the secret: is not a JWK or JWK Set with distinct members",
            ),
        ] {
            assert_eq!(problem(&secret), line);
        }
        let uniform = format!(r#"{{"kty":"oct","alg":"HS256","kid":"a","k":"{}"}}"#, "A".repeat(64));
        assert_eq!(problem(&uniform), "key a: is too uniform to be random");
    }
}
