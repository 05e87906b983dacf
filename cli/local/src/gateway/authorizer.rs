//! Asking a Lambda authorizer, and treating what it says as API Gateway does.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::cache::Cache;
use super::event::Target;
use super::policy::{Effect, Grant, method_arn};
use super::refusal::Refusal;
use crate::clock::Clock;
use crate::pool::{InvokeError, Pool};
use crate::template::{Authorizer, AuthorizerKind, Identity};

/// The message that makes a 401 of an authorizer's error; any other is a 500.
const UNAUTHORIZED: &str = "Unauthorized";

/// An authorizer of an API, with the results that it keeps.
#[derive(Debug)]
pub(super) struct Guard {
    authorizer: Authorizer,
    pool: Arc<Pool>,
    cache: Cache,
    clock: Clock,
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
    pub(super) fn new(authorizer: Authorizer, pool: Arc<Pool>, clock: Clock) -> Guard {
        let cache = Cache::new(authorizer.ttl_seconds);
        Guard { authorizer, pool, cache, clock }
    }

    /// Lets a request through, with `requestContext.authorizer` for the function behind the route.
    pub(super) async fn decide(&self, target: &Target<'_>) -> Result<Value, Refused> {
        let call = target.call;
        let arn = method_arn(&target.api.logical_id, &target.api.stage, &call.method, &call.path);
        let identity = identity(&self.authorizer.kind, target).ok_or(Refusal::Unauthorized)?;
        let started = self.clock.now_ms();
        let grant = match self.cache.get(&identity, started) {
            Some(grant) => grant,
            None => {
                let grant = Arc::new(self.ask(target, &arn, &identity).await?);
                self.cache.put(identity, grant.clone(), self.clock.now_ms());
                grant
            }
        };
        let latency = self.clock.now_ms().saturating_sub(started);
        let context = context(&grant, latency);
        // A kept policy is evaluated anew: it may allow one route and not another.
        match grant.effect(&arn) {
            Effect::Allow => Ok(context),
            denied => {
                let explicit = denied == Effect::ExplicitDeny;
                Err(Refused { refusal: Refusal::AccessDenied { explicit }, authorizer: Some(context) })
            }
        }
    }

    async fn ask(&self, target: &Target<'_>, arn: &str, identity: &[String]) -> Result<Grant, Refusal> {
        let event = match &self.authorizer.kind {
            AuthorizerKind::Token { .. } => {
                target.token(arn, identity.first().map(String::as_str).unwrap_or_default())
            }
            AuthorizerKind::Request(_) => target.request(arn),
        };
        match self.pool.invoke(Bytes::from(event.to_string())).await {
            Ok(answer) => Grant::parse(&answer).map_err(|problem| {
                self.pool.note(&format!("its answer as an authorizer is not valid: {problem}"));
                Refusal::AuthorizerConfigurationError
            }),
            Err(InvokeError::Function(error)) if error.message == UNAUTHORIZED => Err(Refusal::Unauthorized),
            Err(_) => Err(Refusal::AuthorizerFailure),
        }
    }
}

/// The values of the identity sources, or `None` when the authorizer is not even asked: one of them is missing
/// or empty (checked wherever there are any, also when no result is kept), or the token is of the wrong shape.
fn identity(kind: &AuthorizerKind, target: &Target<'_>) -> Option<Vec<String>> {
    match kind {
        AuthorizerKind::Token { header, validation } => {
            let token = target.call.header(header).filter(|token| !token.is_empty())?;
            let fits = validation.as_ref().is_none_or(|expression| expression.is_match(token));
            fits.then(|| vec![token.to_owned()])
        }
        AuthorizerKind::Request(sources) => {
            let context = target.context();
            let value = |source: &Identity| match source {
                Identity::Header(name) => target.call.header(name).map(str::to_owned),
                Identity::Query(name) => target.call.query(name).map(str::to_owned),
                Identity::StageVariable(_) => None,
                Identity::Context(path) => {
                    let found = path.split('.').try_fold(&context, |value, key| value.get(key));
                    found.and_then(crate::template::scalar_text)
                }
            };
            sources.iter().map(|source| value(source).filter(|value| !value.is_empty())).collect()
        }
    }
}

fn context(grant: &Grant, latency: u64) -> Value {
    let mut context: Map<String, Value> =
        grant.context.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    context.insert("principalId".to_owned(), json!(grant.principal));
    context.insert("integrationLatency".to_owned(), json!(latency));
    Value::Object(context)
}

#[cfg(test)]
#[path = "authorizer_tests.rs"]
mod tests;
