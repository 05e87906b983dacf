//! A secret's text → keys. RFC 7517: one JWK, or a JWK Set.
//!
//! CloudFormation's `GenerateSecretString` writes the first one: 64 letters and digits are the base64url of 48 bytes.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::{
    algorithm::{KeyAlgorithm, TokenKind},
    material,
    ring::{Key, Ring},
};
use crate::domain::strict_json;

/// Why a secret's keys are not used. It names the key by its `kid`, and repeats nothing of the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct BadKeys {
    key: String,
    problem: String,
}

/// Reads the keys of a secret.
///
/// # Errors
/// [`BadKeys`], for the first key that is not fit to use.
pub(super) fn parse(secret: &str, kind: TokenKind) -> Result<Ring, BadKeys> {
    let mut keys: Vec<Key> = Vec::new();
    for (position, jwk) in members(secret)?.into_iter().enumerate() {
        let key = parse_key(&jwk, position, kind)?;
        let bad = |problem: String| BadKeys { key: format!("key {}", key.kid), problem };
        if keys.iter().any(|other| other.kid == key.kid) {
            return Err(bad("stands twice".to_owned()));
        }
        let same = |other: &&Key| other.identity.expose_secret() == key.identity.expose_secret();
        if let Some(other) = keys.iter().find(same) {
            return Err(bad(format!("is the key {} under another name", other.kid)));
        }
        keys.push(key);
    }
    Ok(Ring::new(keys))
}

/// The JWKs of a secret, as they stand in it.
pub(super) fn members(secret: &str) -> Result<Vec<Value>, BadKeys> {
    let whole = |problem: &str| BadKeys { key: "the secret".to_owned(), problem: problem.to_owned() };
    let mut members = strict_json::object(secret.as_bytes())
        .map_err(|_| whole("is not a JWK or JWK Set with distinct members"))?;
    let jwks = match members.remove("keys") {
        Some(Value::Array(keys)) => keys,
        Some(_) => return Err(whole("has `keys` that are not a list")),
        None => vec![Value::Object(members)],
    };
    if jwks.is_empty() { Err(whole("has no key")) } else { Ok(jwks) }
}

fn parse_key(jwk: &Value, position: usize, kind: TokenKind) -> Result<Key, BadKeys> {
    let none = Map::new();
    let members = jwk.as_object().unwrap_or(&none);
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let kid = text("kid").filter(|kid| is_kid(kid));
    let bad = |problem: String| BadKeys {
        key: kid.map_or_else(|| format!("key {}", position + 1), |kid| format!("key {kid}")),
        problem,
    };
    let (Some(_), Some(named), Some(alg)) = (text("kty"), text("kid"), text("alg")) else {
        return Err(bad("needs kty, kid and alg, each as text".to_owned()));
    };
    if kid.is_none() {
        return Err(bad("has a kid that is not 1 to 64 letters, digits, `.`, `_` and `-`".to_owned()));
    }
    if members.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(bad("has a use other than sig".to_owned()));
    }
    let algorithm = KeyAlgorithm::named(alg)
        .ok_or_else(|| bad("has an alg other than HS256, ES256, EdDSA and RS256".to_owned()))?;
    if kind != TokenKind::Access && algorithm != KeyAlgorithm::Hs256 {
        let problem = format!("has an alg other than HS256, which {} tokens take alone", kind.name());
        return Err(bad(problem));
    }
    let (not_before, expires) = (time(members, "nbf").map_err(bad)?, time(members, "exp").map_err(bad)?);
    if not_before.zip(expires).is_some_and(|(begin, end)| end <= begin) {
        return Err(bad("ends before it begins".to_owned()));
    }
    let material = material::read(algorithm, members).map_err(bad)?;
    Ok(Key {
        kid: named.to_owned(),
        algorithm,
        not_before,
        expires,
        signing: material.signing,
        verifying: material.verifying,
        deriving: material.deriving,
        public: material.public,
        identity: material.identity,
    })
}

/// A time in whole seconds since 1970 (RFC 7519's NumericDate without fractions), where there is one.
pub(super) fn time(jwk: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, String> {
    match jwk.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map(Some)
            .ok_or_else(|| format!("has an {name} that is not a time in whole seconds")),
    }
}

fn is_kid(kid: &str) -> bool {
    (1..=64).contains(&kid.len()) && kid.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
#[path = "jwk_tests.rs"]
mod tests;
