//! A JWT authorizer of an HTTP or a REST API: the gateway verifies tokens itself, and asks nobody. Where AWS says nothing of those of
//! REST APIs, less is taken here (docs/attach.md says of what).
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-jwt-authorizer.html>

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};

use super::Setup;
use super::call::Call;
use super::issuer::{Issuer, Keeping, NoKey};
use super::refusal::Refusal;
use crate::clock::Clock;
use nova_template::{Api, ApiKind, Identity, JwtAuthorizer, JwtClaim, JwtIssuer, scalar_text};

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

    /// What a REST API answers, in the words of its gateway responses: AWS names the statuses, and no type of response.
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Denied::NoToken | Denied::Invalid(_) => Refusal::Unauthorized,
            Denied::OutOfScope => Refusal::AccessDenied { explicit: false },
        }
    }

    /// `www-authenticate` of an HTTP API. The scopes are those of the route.
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
    algorithms: Vec<Algorithm>,
    /// The keys of each of its issuers, in their order.
    keys: Vec<Arc<Issuer>>,
    clock: Clock,
    is_rest: bool,
}

/// The JWT authorizers of an API.
pub(super) fn jwt_guards(api: &Api, setup: &Setup<'_>) -> BTreeMap<String, JwtGuard> {
    let keys = |issuer: &JwtIssuer| setup.issuers.get(&issuer.name, Keeping::of(api));
    let guard = |authorizer: &JwtAuthorizer| JwtGuard {
        authorizer: authorizer.clone(),
        // The template has no others. One that could not be read would be taken from nobody.
        algorithms: authorizer.algorithms.iter().filter_map(|name| name.parse().ok()).collect(),
        keys: authorizer.issuers.iter().map(keys).collect(),
        clock: setup.clock.clone(),
        is_rest: api.kind == ApiKind::Rest,
    };
    api.jwt_authorizers.iter().map(|(name, authorizer)| (name.clone(), guard(authorizer))).collect()
}

impl JwtGuard {
    /// What the function behind the route is told: the claims and, by an HTTP API, the route's scopes that the token has.
    pub(super) async fn check(&self, call: &Call, scopes: &[String]) -> Result<Value, Denied> {
        let token = self.token(call).ok_or(Denied::NoToken)?;
        let now_ms = self.clock.now_ms();
        let header = jsonwebtoken::decode_header(&token);
        let header = header.map_err(|_| Denied::Invalid("the token can not be read"))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Denied::Invalid("the token's signing method is not supported"));
        }
        let name = header.kid.ok_or(Denied::Invalid("the token names no key"))?;
        let (issuer, keys) = self.issuer(&token)?;
        let key = keys.key(&name, header.alg, now_ms).await.map_err(|no_key| {
            Denied::Invalid(match no_key {
                NoKey::Unreachable => "the issuer's keys can not be fetched",
                NoKey::Unknown => "the token's key is unknown",
            })
        })?;
        let claims = genuine(&token, &key, header.alg);
        let claims = claims.ok_or(Denied::Invalid("the token's signature is not valid"))?;
        self.fits(issuer, &claims, now_ms)?;
        let own = own_scopes(&claims);
        let granted: Vec<&String> = scopes.iter().filter(|scope| own.contains(scope.as_str())).collect();
        if granted.is_empty() && !scopes.is_empty() {
            return Err(Denied::OutOfScope);
        }
        if self.is_rest {
            return Ok(json!({ "claims": claims }));
        }
        let granted = if scopes.is_empty() { Value::Null } else { json!(granted) };
        Ok(json!({ "claims": as_texts(&claims), "scopes": granted }))
    }

    /// Whose keys are to be tried: of several issuers the one that the token names, though nobody has verified that yet.
    fn issuer(&self, token: &str) -> Result<(&JwtIssuer, &Issuer), Denied> {
        let mut issuers = self.authorizer.issuers.iter().zip(&self.keys);
        let found = if self.is_rest {
            let claims: Option<Claims> = insecure_decode_claims(token).ok();
            let claims = claims.ok_or(Denied::Invalid("the token can not be read"))?;
            let named = claims.get("iss").and_then(Value::as_str);
            issuers.find(|(issuer, _)| named == Some(&issuer.name))
        } else {
            issuers.next()
        };
        let (issuer, keys) = found.ok_or(Denied::Invalid("the token does not have a valid issuer"))?;
        Ok((issuer, keys.as_ref()))
    }

    /// The token behind `Bearer` or, of an HTTP API, alone.
    fn token(&self, call: &Call) -> Option<String> {
        let value = match &self.authorizer.source {
            Identity::Header(name) => call.joined(name),
            Identity::Query(name) => call.query(name).map(str::to_owned),
            Identity::StageVariable(_) | Identity::Context(_) => None,
        }?;
        let token = match value.strip_prefix("Bearer ") {
            Some(token) => token.trim(),
            None if self.is_rest => return None,
            None => value.trim(),
        };
        (!token.is_empty()).then(|| token.to_owned())
    }

    fn fits(&self, issuer: &JwtIssuer, claims: &Claims, now_ms: u64) -> Result<(), Denied> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(&issuer.name) {
            return Err(Denied::Invalid("the token does not have a valid issuer"));
        }
        // `client_id` counts only where there is no `aud`, and only for an HTTP API.
        let named = claims.get("aud").or_else(|| claims.get("client_id").filter(|_| !self.is_rest));
        let is_ours =
            |value: &Value| value.as_str().is_some_and(|one| issuer.audience.iter().any(|own| own == one));
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
        if !issuer.claims.iter().all(|claim| says(claims, claim)) {
            return Err(Denied::Invalid("the token does not have a required claim"));
        }
        Ok(())
    }
}

/// Whether a token says what is asked of one claim: one text, and this one where the template names it.
fn says(claims: &Claims, asked: &JwtClaim) -> bool {
    match claims.get(&asked.name) {
        Some(Value::String(own)) => asked.value.as_ref().is_none_or(|value| value == own),
        Some(_) => false,
        None => !asked.required,
    }
}

/// What the token says, if its key signed it. Times and names are looked at by the gateway's own clock and settings.
fn genuine(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Option<Claims> {
    let mut validation = Validation::new(algorithm);
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

/// The function behind an HTTP API gets every claim as a text.
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
