//! A JWT authorizer of an HTTP API: the gateway verifies tokens itself, and asks nobody.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html>

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};

use super::Setup;
use super::call::Call;
use super::issuer::{Issuer, NoKey};
use crate::clock::Clock;
use nova_template::{Api, Identity, JwtAuthorizer, scalar_text};

type Claims = Map<String, Value>;

/// Why a call is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is no token where one is expected.
    NoToken,
    /// The token is not taken, for this reason. AWS documents one of its reasons; the others are worded like it.
    Invalid(&'static str),
    /// The token is good, and has none of the route's scopes.
    OutOfScope,
}

impl Denied {
    pub(super) fn status(self) -> u16 {
        match self {
            Denied::NoToken | Denied::Invalid(_) => 401,
            Denied::OutOfScope => 403,
        }
    }

    /// `www-authenticate`. The scopes are those of the route.
    pub(super) fn challenge(self, scopes: &[String]) -> String {
        let (error, description) = match self {
            Denied::NoToken => return "Bearer".to_owned(),
            Denied::Invalid(description) => ("invalid_token", description),
            Denied::OutOfScope => ("insufficient_scope", "the token does not have a required scope"),
        };
        format!("Bearer scope=\"{}\" error=\"{error}\" error_description=\"{description}\"", scopes.join(" "))
    }
}

/// One JWT authorizer of an API.
#[derive(Debug)]
pub(super) struct JwtGuard {
    authorizer: JwtAuthorizer,
    issuer: Arc<Issuer>,
    clock: Clock,
}

/// The JWT authorizers of an API.
pub(super) fn jwt_guards(api: &Api, setup: &Setup<'_>) -> BTreeMap<String, JwtGuard> {
    let guard = |authorizer: &JwtAuthorizer| JwtGuard {
        authorizer: authorizer.clone(),
        issuer: setup.issuers.get(&authorizer.issuer),
        clock: setup.clock.clone(),
    };
    api.jwt_authorizers.iter().map(|(name, authorizer)| (name.clone(), guard(authorizer))).collect()
}

impl JwtGuard {
    /// What the function behind the route is told: the claims, and the route's scopes that the token has.
    pub(super) async fn check(&self, call: &Call, scopes: &[String]) -> Result<Value, Denied> {
        let token = self.token(call).ok_or(Denied::NoToken)?;
        let now_ms = self.clock.now_ms();
        let header = jsonwebtoken::decode_header(&token);
        let header = header.map_err(|_| Denied::Invalid("the token can not be read"))?;
        // AWS takes RSA-based algorithms without saying which: this one all of its examples have.
        if header.alg != Algorithm::RS256 {
            return Err(Denied::Invalid("the token's signing method is not supported"));
        }
        let name = header.kid.ok_or(Denied::Invalid("the token names no key"))?;
        let key = self.issuer.key(&name, now_ms).await.map_err(|no_key| {
            Denied::Invalid(match no_key {
                NoKey::Unreachable => "the issuer's keys can not be fetched",
                NoKey::Unknown => "the token's key is unknown",
            })
        })?;
        let claims = genuine(&token, &key).ok_or(Denied::Invalid("the token's signature is not valid"))?;
        self.fits(&claims, now_ms)?;
        let own = own_scopes(&claims);
        let granted: Vec<&String> = scopes.iter().filter(|scope| own.contains(scope.as_str())).collect();
        if granted.is_empty() && !scopes.is_empty() {
            return Err(Denied::OutOfScope);
        }
        let granted = if scopes.is_empty() { Value::Null } else { json!(granted) };
        Ok(json!({ "claims": as_texts(&claims), "scopes": granted }))
    }

    /// The token alone, or behind `Bearer`.
    fn token(&self, call: &Call) -> Option<String> {
        let value = match &self.authorizer.source {
            Identity::Header(name) => call.joined(name),
            Identity::Query(name) => call.query(name).map(str::to_owned),
            Identity::StageVariable(_) | Identity::Context(_) => None,
        }?;
        let token = value.strip_prefix("Bearer ").unwrap_or(&value).trim();
        (!token.is_empty()).then(|| token.to_owned())
    }

    fn fits(&self, claims: &Claims, now_ms: u64) -> Result<(), Denied> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(&self.authorizer.issuer) {
            return Err(Denied::Invalid("the token does not have a valid issuer"));
        }
        // `client_id` counts only where there is no `aud`.
        let named = claims.get("aud").or_else(|| claims.get("client_id"));
        let is_ours = |value: &Value| {
            value.as_str().is_some_and(|one| self.authorizer.audience.iter().any(|own| own == one))
        };
        let fits = match named {
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if !fits {
            return Err(Denied::Invalid("the token does not have a valid audience"));
        }
        let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let is_alive = claims.get("exp").and_then(Value::as_i64).is_some_and(|end| now < end);
        if !is_alive {
            return Err(Denied::Invalid("the token has expired"));
        }
        let began = |name: &str| {
            claims.get(name).is_none_or(|begin| begin.as_i64().is_some_and(|begin| begin <= now))
        };
        if !began("nbf") || !began("iat") {
            return Err(Denied::Invalid("the token is not valid yet"));
        }
        Ok(())
    }
}

/// What the token says, if its key signed it. Times and names are looked at by the gateway's own clock and settings.
fn genuine(token: &str, key: &DecodingKey) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Claims>(token, key, &validation).ok().map(|token| token.claims)
}

/// The scopes of a token: `scope`, or else `scp`; as one text, or as a list.
fn own_scopes(claims: &Claims) -> HashSet<&str> {
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(text)) => text.split(' ').collect(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => HashSet::new(),
    }
}

/// The function gets every claim as a text.
fn as_texts(claims: &Claims) -> Value {
    claims.iter().map(|(name, value)| (name.clone(), Value::String(as_text(value)))).collect()
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Array(all) => format!("[{}]", all.iter().map(as_text).collect::<Vec<_>>().join(" ")),
        value => scalar_text(value).unwrap_or_else(|| value.to_string()),
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
