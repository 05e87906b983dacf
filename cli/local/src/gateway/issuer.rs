//! Whose tokens a JWT authorizer takes: where the issuer publishes its keys, and those keys, kept as API Gateway keeps them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Uri, header};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use nova_template::{Api, ApiKind};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::ask::Origin;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// How a kind of API keeps an issuer's keys. It may do so for less long than it says: here it never does, so that whoever rotates keys
/// sees what may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeping {
    /// HTTP APIs: for two hours. For a key that it does not know AWS does not promise that one looks again, so here none does.
    #[default]
    TwoHours,
    /// REST APIs: for one hour, and each looks again for a key that it does not know.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-jwt-authorizer-keys.html>
    OneHour,
}

impl Keeping {
    pub(super) fn of(api: &Api) -> Keeping {
        if api.kind == ApiKind::Rest { Keeping::OneHour } else { Keeping::TwoHours }
    }

    fn kept_ms(self) -> u64 {
        match self {
            Keeping::TwoHours => 2 * HOUR_MS,
            Keeping::OneHour => HOUR_MS,
        }
    }
}

/// Nobody waits longer for a document of an issuer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where an issuer says where its keys are.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer's keys could not be fetched.
    Unreachable,
    /// The key is not among those that were fetched, or is for other algorithms.
    Unknown,
}

/// An issuer, as APIs of one kind know it. Until it was [discovered](Issuer::discover) it has no keys.
#[derive(Debug, Default)]
pub(super) struct Issuer {
    name: String,
    keeping: Keeping,
    keys_at: OnceLock<Place>,
    held: Mutex<Held>,
}

/// The keys by their names, and when their time is over.
#[derive(Default)]
struct Held {
    ends_ms: u64,
    keys: HashMap<String, Key>,
}

/// A key, and what it may verify.
struct Key {
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
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
        let problem = |problem: String| format!("{} does not publish its keys: {problem}", self.name);
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

    /// The key of this name, for a token that says it was signed so.
    pub(super) async fn key(
        &self,
        name: &str,
        algorithm: Algorithm,
        now_ms: u64,
    ) -> Result<DecodingKey, NoKey> {
        let place = self.keys_at.get().ok_or(NoKey::Unreachable)?;
        let mut held = self.held.lock().await;
        let looks_again = self.keeping == Keeping::OneHour && !held.keys.contains_key(name);
        if now_ms >= held.ends_ms || looks_again {
            // What is held stays where this fails: a made-up name takes no key from anybody.
            let set = place.read().await.map_err(|_| NoKey::Unreachable)?;
            *held = Held { ends_ms: now_ms.saturating_add(self.keeping.kept_ms()), keys: keys(&set) };
        }
        let key = held.keys.get(name).filter(|key| key.algorithms.contains(&algorithm));
        key.map(|key| key.key.clone()).ok_or(NoKey::Unknown)
    }
}

/// The keys of a JWK Set that can verify a token; the others are passed over.
fn keys(set: &Value) -> HashMap<String, Key> {
    let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| {
        let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
        let algorithms = algorithms(&jwk);
        let name = jwk.common.key_id.clone().filter(|_| !algorithms.is_empty())?;
        Some((name, Key { algorithms, key: DecodingKey::from_jwk(&jwk).ok()? }))
    })
    .collect()
}

/// What a key may verify: what its form is for, and of that what it names.
fn algorithms(jwk: &Jwk) -> Vec<Algorithm> {
    let of_form: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        _ => &[],
    };
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let named = |own: &&Algorithm| jwk.common.key_algorithm.is_none_or(|named| named == (**own).into());
    of_form.iter().filter(named).copied().filter(|_| signs).collect()
}

/// The issuers that the JWT authorizers of all APIs name. An HTTP API and a REST API share no keys.
#[derive(Debug, Default)]
pub(crate) struct Issuers(BTreeMap<(String, Keeping), Arc<Issuer>>);

impl Issuers {
    /// Those of these APIs.
    pub(crate) fn of<'a>(apis: impl Iterator<Item = &'a Api>) -> Issuers {
        let mut issuers = BTreeMap::new();
        for api in apis {
            let keeping = Keeping::of(api);
            for issuer in api.jwt_authorizers.values().flat_map(|authorizer| &authorizer.issuers) {
                let own = Issuer { name: issuer.name.clone(), keeping, ..Issuer::default() };
                issuers.entry((issuer.name.clone(), keeping)).or_insert_with(|| Arc::new(own));
            }
        }
        Issuers(issuers)
    }

    pub(super) fn get(&self, name: &str, keeping: Keeping) -> Arc<Issuer> {
        // Every one that an authorizer names is here; another would have no keys.
        self.0.get(&(name.to_owned(), keeping)).cloned().unwrap_or_default()
    }

    /// Looks up where each publishes its keys. A line for each that does not say.
    pub(crate) async fn discover(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for issuer in self.0.values() {
            problems.extend(issuer.discover().await.err());
        }
        // One that both kinds of API name is said once: it stands beside itself.
        problems.dedup();
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
            200 => serde_json::from_slice(&body).map_err(|_| format!("{} is not JSON", self.path)),
            status => Err(format!("{} is answered with {status}", self.path)),
        }
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
