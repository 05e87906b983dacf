//! Whose tokens a JWT authorizer takes: where the issuer publishes its keys, and those keys, kept as API Gateway keeps them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Uri, header};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm};
use nova_template::Api;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::ask::Origin;

/// API Gateway may keep an issuer's keys for so long. For a key that it does not know it does not promise to look again: here it never
/// does, so that whoever rotates keys sees what may happen.
const KEPT_MS: u64 = 2 * 60 * 60 * 1000;

/// Nobody waits longer for a document of an issuer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where an issuer says where its keys are.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer's keys could not be fetched.
    Unreachable,
    /// The key is not among those that were fetched.
    Unknown,
}

/// An issuer. Until it was [discovered](Issuer::discover) it has no keys.
#[derive(Debug, Default)]
pub(super) struct Issuer {
    name: String,
    keys_at: OnceLock<Place>,
    held: Mutex<Held>,
}

/// The keys by their names, and when their time is over.
#[derive(Default)]
struct Held {
    ends_ms: u64,
    keys: HashMap<String, DecodingKey>,
}

/// It says how many there are.
impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Looks up where the keys are: once, as API Gateway does when the authorizer is made. The error is for the person who
    /// started this.
    pub(super) async fn discover(&self) -> Result<(), String> {
        let problem = |problem: String| format!("{} says nothing of its keys: {problem}", self.name);
        let place = Place::of(&format!("{}{DISCOVERY}", self.name.trim_end_matches('/'))).map_err(problem)?;
        let document = place.read().await.map_err(problem)?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("issuer") != self.name {
            return Err(problem(format!("the document at {DISCOVERY} is another issuer's")));
        }
        let keys_at = Place::of(text("jwks_uri")).map_err(problem)?;
        // Asked once. Were it asked again, the first answer would hold.
        self.keys_at.get_or_init(|| keys_at);
        Ok(())
    }

    /// The key of this name.
    pub(super) async fn key(&self, name: &str, now_ms: u64) -> Result<DecodingKey, NoKey> {
        let place = self.keys_at.get().ok_or(NoKey::Unreachable)?;
        let mut held = self.held.lock().await;
        if now_ms >= held.ends_ms {
            let set = place.read().await.map_err(|_| NoKey::Unreachable)?;
            *held = Held { ends_ms: now_ms.saturating_add(KEPT_MS), keys: rsa_keys(&set) };
        }
        held.keys.get(name).cloned().ok_or(NoKey::Unknown)
    }
}

/// The keys of a JWK Set that an HTTP API can use; the others are passed over.
fn rsa_keys(set: &Value) -> HashMap<String, DecodingKey> {
    let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| {
        let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
        let is_rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
        let fits = is_rsa && jwk.common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::RS256);
        let name = jwk.common.key_id.clone().filter(|_| fits)?;
        Some((name, DecodingKey::from_jwk(&jwk).ok()?))
    })
    .collect()
}

/// The issuers that the JWT authorizers of all APIs name.
#[derive(Debug, Default)]
pub(crate) struct Issuers(BTreeMap<String, Arc<Issuer>>);

impl Issuers {
    /// Those of these APIs.
    pub(crate) fn of<'a>(apis: impl Iterator<Item = &'a Api>) -> Issuers {
        let named = apis.flat_map(|api| api.jwt_authorizers.values()).map(|authorizer| &authorizer.issuer);
        let issuer = |name: &String| Arc::new(Issuer { name: name.clone(), ..Issuer::default() });
        Issuers(named.map(|name| (name.clone(), issuer(name))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Arc<Issuer> {
        // Every one that an authorizer names is here; another would have no keys.
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Looks up where each publishes its keys. A line for each that does not say.
    pub(crate) async fn discover(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for issuer in self.0.values() {
            problems.extend(issuer.discover().await.err());
        }
        problems
    }
}

/// A document at a server that is reached without TLS: this machine has no certificates, so its issuers are its own.
#[derive(Debug)]
struct Place {
    origin: Origin,
    authority: String,
    path: String,
}

impl Place {
    fn of(url: &str) -> Result<Place, String> {
        let no_place = || format!("expected an address such as http://127.0.0.1:3000, and not {url:?}");
        let uri: Uri = url.parse().map_err(|_| no_place())?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(no_place());
        };
        let origin = format!("http://{authority}").parse().map_err(|_| no_place())?;
        Ok(Place { origin, authority: authority.to_string(), path: uri.path().to_owned() })
    }

    async fn read(&self) -> Result<Value, String> {
        let request = Request::get(&self.path).header(header::HOST, &self.authority).body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let asked = tokio::time::timeout(PATIENCE, self.origin.ask(request)).await;
        let (parts, body): (_, Bytes) = asked.map_err(|_| "no answer".to_owned())??;
        match parts.status.as_u16() {
            200 => serde_json::from_slice(&body).map_err(|_| format!("{} is no JSON", self.path)),
            status => Err(format!("{} is answered with {status}", self.path)),
        }
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
