//! Tokens as the system signs them, and as nobody should.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// The keys of a stack, from its Secrets Manager.
#[derive(Debug, Clone)]
pub struct Keys {
    pub access: Vec<u8>,
    pub refresh: Vec<u8>,
}

impl Keys {
    /// Those of two secrets that have one key each.
    pub fn of(access: &str, refresh: &str) -> Keys {
        Keys { access: key(access), refresh: key(refresh) }
    }
}

fn key(secret: &str) -> Vec<u8> {
    let jwk: Value = serde_json::from_str(secret).unwrap();
    URL_SAFE_NO_PAD.decode(jwk["k"].as_str().unwrap()).unwrap()
}

/// A part of a token as JSON: 0 is the header, 1 the claims.
pub fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// A token of this header and these claims, signed with HS256.
pub fn sign(header: &Value, claims: &Value, key: &[u8]) -> String {
    sign_text(&header.to_string(), &claims.to_string(), key)
}

/// A token of these texts, JSON or not, signed with HS256.
pub fn sign_text(header: &str, claims: &str, key: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The same token with other claims, signed again.
pub fn resign(token: &str, key: &[u8], change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims(token);
    change(&mut claims);
    sign(&part(token, 0), &claims, key)
}

/// The same token after its time: issued and ended so long ago that no leeway helps.
pub fn expired(token: &str, key: &[u8]) -> String {
    resign(token, key, |claims| {
        for name in ["iat", "exp"] {
            claims[name] = json!(claims[name].as_i64().unwrap() - 3600);
        }
    })
}

/// A good access token for a session that nobody began here.
pub fn new_access(keys: &Keys, user: &str, session: &str) -> String {
    let claims = json!({
        "iss": "nova-crm", "aud": "nova-api", "sub": user, "iat": now(), "exp": now() + 900, "jti": session,
        "sid": session, "email": "somebody@example.com", "role": "user",
    });
    sign(&json!({"typ": "at+jwt", "alg": "HS256", "kid": "access-1"}), &claims, &keys.access)
}

/// A good refresh token for a session that nobody began here.
pub fn new_refresh(keys: &Keys, user: &str, session: &str) -> String {
    let claims = json!({
        "iss": "nova-crm", "aud": "nova-crm/refresh", "sub": user, "iat": now(), "exp": now() + 900,
        "jti": "A".repeat(43), "sid": session, "gen": 0,
    });
    sign(&json!({"typ": "rt+jwt", "alg": "HS256", "kid": "refresh-1"}), &claims, &keys.refresh)
}

fn now() -> i64 {
    nova_auth::app::start_time().as_second()
}
