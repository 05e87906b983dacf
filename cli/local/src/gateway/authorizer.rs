//! Asking a Lambda authorizer, and treating what it says as API Gateway does.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::Setup;
use super::cache::Cache;
use super::call::Call;
use super::event::Target;
use super::policy::{Effect, Grant, method_arn};
use super::refusal::Refusal;
use crate::clock::Clock;
use crate::pool::{InvokeError, Pool};
use nova_template::{Api, ApiKind, Authorizer, AuthorizerKind, Identity, Payload};

/// The message that makes a 401 of an authorizer's error; any other is a 500.
const UNAUTHORIZED: &str = "Unauthorized";

/// An authorizer of an API, with the results that it keeps.
#[derive(Debug)]
pub(super) struct Guard {
    authorizer: Authorizer,
    pool: Arc<Pool>,
    cache: Cache,
    clock: Clock,
    /// HTTP APIs take a context that is not flat, and simple responses.
    is_http: bool,
}

/// A request that is not let through, with `$context.authorizer` for the answer.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) authorizer: Option<Value>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused { refusal, authorizer: None }
    }
}

impl Guard {
    pub(super) fn payload(&self) -> Payload {
        self.authorizer.payload
    }

    pub(super) fn new(authorizer: Authorizer, pool: Arc<Pool>, clock: Clock) -> Guard {
        let cache = Cache::new(authorizer.ttl_seconds);
        Guard { authorizer, pool, cache, clock, is_http: false }
    }

    /// Lets a request to a REST API through, with `requestContext.authorizer` for the function behind the route.
    pub(super) async fn decide(&self, target: &Target<'_>) -> Result<Value, Refused> {
        let call = target.call;
        let arn = method_arn(&target.api.logical_id, &target.api.stage, &call.method, &call.path);
        let identity = match &self.authorizer.kind {
            AuthorizerKind::Token { header, validation } => {
                let token = call.header(header).filter(|token| !token.is_empty());
                let fits =
                    |token: &&str| validation.as_ref().is_none_or(|expression| expression.is_match(token));
                token.filter(fits).map(|token| vec![token.to_owned()])
            }
            AuthorizerKind::Request(_) => {
                self.identity(&target.context(), |name| call.header(name).map(str::to_owned), call)
            }
        };
        let event = |identity: &[String]| match &self.authorizer.kind {
            AuthorizerKind::Token { .. } => {
                target.token(&arn, identity.first().map(String::as_str).unwrap_or_default())
            }
            AuthorizerKind::Request(_) => target.request(&arn),
        };
        let allowed = self.judge(&arn, identity, event).await?;
        Ok(allowed.context())
    }

    /// The values of the identity sources of a `REQUEST` authorizer, or `None` when it is not even asked: one of them
    /// is missing or empty (checked wherever there are any, also when no result is kept).
    pub(super) fn identity(
        &self,
        context: &Value,
        header: impl Fn(&str) -> Option<String>,
        call: &Call,
    ) -> Option<Vec<String>> {
        let AuthorizerKind::Request(sources) = &self.authorizer.kind else { return None };
        let value = |source: &Identity| match source {
            Identity::Header(name) => header(name),
            Identity::Query(name) => call.query(name).map(str::to_owned),
            Identity::StageVariable(_) => None,
            Identity::Context(path) => {
                let found = path.split('.').try_fold(context, |value, key| value.get(key));
                found.and_then(nova_template::scalar_text)
            }
        };
        sources.iter().map(|source| value(source).filter(|value| !value.is_empty())).collect()
    }

    /// What the authorizer says of a call, asked or remembered. Without an identity nobody is asked.
    pub(super) async fn judge(
        &self,
        arn: &str,
        identity: Option<Vec<String>>,
        event: impl FnOnce(&[String]) -> Value,
    ) -> Result<Allowed, Refused> {
        self.judge_by(arn, identity, |identity| self.ask(event(identity))).await
    }

    /// The same, by whoever answers.
    async fn judge_by<A: Future<Output = Result<Grant, Refusal>>>(
        &self,
        arn: &str,
        identity: Option<Vec<String>>,
        ask: impl FnOnce(&[String]) -> A,
    ) -> Result<Allowed, Refused> {
        let identity = identity.ok_or(Refusal::Unauthorized)?;
        let started = self.clock.now_ms();
        let grant = match self.cache.get(&identity, started) {
            Some(grant) => grant,
            None => {
                let grant = Arc::new(ask(&identity).await?);
                self.cache.put(identity, grant.clone(), self.clock.now_ms());
                grant
            }
        };
        let allowed = Allowed { latency: self.clock.now_ms().saturating_sub(started), grant };
        // A kept policy is evaluated anew: it may allow one route and not another.
        match allowed.grant.effect(arn) {
            Effect::Allow => Ok(allowed),
            denied => {
                let explicit = denied == Effect::ExplicitDeny;
                let authorizer = Some(allowed.context());
                Err(Refused { refusal: Refusal::AccessDenied { explicit }, authorizer })
            }
        }
    }

    async fn ask(&self, event: Value) -> Result<Grant, Refusal> {
        let parse = match (self.is_http, self.authorizer.simple) {
            (_, true) => Grant::parse_simple,
            (true, false) => Grant::parse_http,
            (false, false) => Grant::parse,
        };
        match self.pool.invoke(Bytes::from(event.to_string())).await {
            Ok(answer) => parse(&answer).map_err(|problem| {
                self.pool.note(&format!("its answer as an authorizer is not valid: {problem}"));
                Refusal::AuthorizerConfigurationError
            }),
            Err(InvokeError::Function(error)) if error.message == UNAUTHORIZED => Err(Refusal::Unauthorized),
            Err(_) => Err(Refusal::AuthorizerFailure),
        }
    }
}

/// A call that the authorizer lets through.
#[derive(Debug)]
pub(super) struct Allowed {
    grant: Arc<Grant>,
    latency: u64,
}

impl Allowed {
    /// `requestContext.authorizer`: what the authorizer added, and what API Gateway adds.
    pub(super) fn context(&self) -> Value {
        let mut context = self.grant.context.clone();
        context.insert("principalId".to_owned(), json!(self.grant.principal));
        context.insert("integrationLatency".to_owned(), json!(self.latency));
        Value::Object(context)
    }

    /// `requestContext.authorizer` of payload 2.0: what the authorizer added, under `lambda`.
    pub(super) fn lambda(&self) -> Value {
        let context = &self.grant.context;
        json!({ "lambda": if context.is_empty() { Value::Null } else { json!(context) } })
    }
}

/// The guards of an API's authorizers. The error names one whose function no template has.
pub(super) fn guards(api: &Api, setup: &Setup<'_>) -> Result<BTreeMap<String, Guard>, String> {
    let mut guards = BTreeMap::new();
    for (name, authorizer) in &api.authorizers {
        let pool = setup.pools.get(&authorizer.function).ok_or_else(|| {
            format!("authorizer {name}: no template has the function {}", authorizer.function)
        })?;
        let mut guard = Guard::new(authorizer.clone(), pool.clone(), setup.clock.clone());
        guard.is_http = matches!(api.kind, ApiKind::Http { .. });
        guards.insert(name.clone(), guard);
    }
    Ok(guards)
}

#[cfg(test)]
#[path = "authorizer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "kept_tests.rs"]
mod kept_tests;
