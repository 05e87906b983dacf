//! Good tokens, one for each algorithm, signed with keys made for this run.

use jiff::SignedDuration;
use nova_auth::keys::{AccessTokens, KeyAlgorithm, KeyCache, KeyDocument, TokenKind};
use nova_auth_domain::{session::Session, user::Profile};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{clients_of, config, now, run};

/// How many algorithms there are, and so many good tokens.
pub const ALGORITHMS: usize = KeyAlgorithm::ALL.len();

/// The tokens that are good, and the keys that say so.
pub struct Tokens {
    good: Vec<String>,
    keys: String,
}

impl Tokens {
    /// Makes keys, and a token with each.
    #[must_use]
    pub fn new() -> Self {
        let begun = now() - SignedDuration::from_hours(2);
        let first = json!({"kty": "oct", "alg": "HS256", "kid": "first", "k": KEY}).to_string();
        let ring = KeyAlgorithm::ALL
            .into_iter()
            .fold(KeyDocument::parse(&first, TokenKind::Access).unwrap(), |ring, algorithm| {
                ring.with_new_key(algorithm, now(), begun).unwrap()
            });
        let keys = ring.text().expose_secret().to_owned();
        let good = (1..=ALGORITHMS).map(|key| issue(&signed_by(&keys, key))).collect();
        Self { good, keys }
    }

    /// The good tokens.
    #[must_use]
    pub fn good(&self) -> &[String] {
        &self.good
    }

    /// The secret that their keys stand in.
    pub(crate) fn key_set(&self) -> String {
        self.keys.clone()
    }

    /// Verifies tokens with the keys that signed these.
    #[must_use]
    pub fn verifier(&self) -> AccessTokens {
        access_tokens(&self.keys)
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

/// The same ring, of which this key signs: it is the newest.
fn signed_by(keys: &str, position: usize) -> String {
    let mut keys: Value = serde_json::from_str(keys).unwrap();
    keys["keys"][position]["nbf"] = json!(now().as_second() - 3600);
    keys.to_string()
}

fn access_tokens(keys: &str) -> AccessTokens {
    let config = config(&[]);
    let cache = KeyCache::new(clients_of(keys, &config).secrets_manager, "access", TokenKind::Access);
    AccessTokens::new(cache, config.token_names().unwrap())
}

const KEY: &str = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3l";

const USER: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

/// A session of this id, alive, as its row is read.
pub(crate) fn session(id: &str) -> Session {
    let later = now().as_millisecond() + 86_400_000;
    serde_json::from_value(json!({
        "userId": USER, "sessionId": id, "state": "active", "epoch": 1,
        "delivery": "cookie", "generation": 1, "current": "A".repeat(43), "rotatedAt": 1, "rotationKid": "refresh",
        "idleEnd": later, "rotationRequest": "r", "device": {"userAgent": "x", "ip": "192.0.2.1"},
        "createdAt": 1, "absoluteEnd": later,
    }))
    .unwrap()
}

fn issue(keys: &str) -> String {
    let profile: Profile = serde_json::from_value(json!({
        "userId": USER, "email": "amal@example.com", "name": "Amal", "role": "admin", "status": "active", "epoch": 1,
        "createdAt": "2026-01-01T00:00:00Z", "passwordChangedAt": "2026-01-01T00:00:00Z",
    }))
    .unwrap();
    let (session, lifetimes) =
        (session("0190163d-8694-739b-aea5-966c26f8ad91"), config(&[]).lifetimes().unwrap());
    run(access_tokens(keys).issue(&profile, &session, &lifetimes, now())).unwrap().token.expose().to_owned()
}
