//! A REST API: route → authorizer → function → response.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::Value;

use super::authorizer::{Guard, Refused, guards};
use super::call::Call;
use super::event::{Target, insert};
use super::jwt::{JwtGuard, jwt_guards};
use super::refusal::{Refusal, set};
use super::route::Routes;
use super::signature::Signer;
use super::{Setup, answer, body};
use crate::clock::Clock;
use crate::pool::{InvokeError, Pool};
use nova_template::{AWS_IAM, Api, Route};

/// API Gateway waits this long for a function, whatever the function's own time-out is.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(29);
/// One REST API that is served.
#[derive(Debug)]
pub(super) struct Rest {
    api: Api,
    routes: Routes,
    guards: BTreeMap<String, Guard>,
    jwt_guards: BTreeMap<String, JwtGuard>,
    pools: BTreeMap<String, Arc<Pool>>,
    port: u16,
    clock: Clock,
}

impl Rest {
    /// The API over the functions of the stack. The error names an authorizer whose function no template has.
    pub(super) fn new(api: Api, setup: &Setup<'_>) -> Result<Rest, String> {
        Ok(Rest {
            routes: Routes::new(&api.routes),
            guards: guards(&api, setup)?,
            jwt_guards: jwt_guards(&api, setup),
            pools: setup.pools.clone(),
            port: setup.port,
            clock: setup.clock.clone(),
            api,
        })
    }

    /// Everything that this API answers, under its plain root: no stage in front.
    pub(super) fn router(self) -> Router {
        Router::new().fallback(handle).with_state(Arc::new(self))
    }

    async fn respond(&self, call: &Call, headers: &HeaderMap, body: Option<Bytes>) -> Response<Body> {
        let nothing = BTreeMap::new();
        let nowhere = Target { api: &self.api, call, resource: None, parameters: &nothing };
        let Some(body) = body else {
            return Refusal::RequestTooLarge.answer(&nowhere, None);
        };
        let Some(matched) = self.routes.find(&call.method, &call.path) else {
            return Refusal::MissingAuthenticationToken.answer(&nowhere, None);
        };
        let target =
            Target { resource: Some(&matched.route.path), parameters: &matched.parameters, ..nowhere };
        let caller = match &matched.route.authorizer {
            Some(name) => match self.admit(&target, matched.route, name, headers, &body).await {
                Ok(caller) => caller,
                Err(refused) => return refused.refusal.answer(&target, refused.authorizer.as_ref()),
            },
            None => Caller::default(),
        };
        self.integrate(&target, &matched.route.function, &body, &caller).await
    }

    /// Lets a request pass by the authorizer of its route.
    async fn admit(
        &self,
        target: &Target<'_>,
        route: &Route,
        authorizer: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Caller, Refused> {
        if authorizer == AWS_IAM {
            let identity = Some(Signer::of(target.call, headers, body)?.identity());
            return Ok(Caller { identity, ..Caller::default() });
        }
        if let Some(guard) = self.jwt_guards.get(authorizer) {
            let told = guard.check(target.call, &route.scopes).await.map_err(|denied| denied.refusal())?;
            return Ok(Caller { authorizer: Some(told), ..Caller::default() });
        }
        // Every authorizer that a route names has its guard; were one missing, nobody would pass.
        let guard = self.guards.get(authorizer).ok_or(Refusal::AuthorizerConfigurationError)?;
        Ok(Caller { authorizer: Some(guard.decide(target).await?), ..Caller::default() })
    }

    async fn integrate(
        &self,
        target: &Target<'_>,
        function: &str,
        body: &[u8],
        caller: &Caller,
    ) -> Response<Body> {
        let authorizer = caller.authorizer.as_ref();
        let Some(pool) = self.pools.get(function) else {
            return Refusal::IntegrationError.answer(target, authorizer);
        };
        let mut event = target.proxy(body, authorizer);
        if let (Some(known), Some(identity)) =
            (&caller.identity, event.pointer_mut("/requestContext/identity"))
        {
            insert(identity, known.clone());
        }
        let called = pool.invoke(Bytes::from(event.to_string()));
        match tokio::time::timeout(INTEGRATION_LIMIT, called).await {
            Ok(Ok(answer)) => answer::response(&answer).unwrap_or_else(|problem| {
                pool.note(&format!("its answer is malformed: {problem}"));
                Refusal::IntegrationError.answer(target, authorizer)
            }),
            Ok(Err(InvokeError::Timeout(_) | InvokeError::Slow(_))) | Err(_) => {
                Refusal::IntegrationTimeout.answer(target, authorizer)
            }
            Ok(Err(_)) => Refusal::IntegrationError.answer(target, authorizer),
        }
    }
}

/// What the gateway found out about whoever is calling.
#[derive(Debug, Default)]
struct Caller {
    /// `requestContext.authorizer`: what a Lambda authorizer said, or a token.
    authorizer: Option<Value>,
    /// What of `requestContext.identity` a signature says.
    identity: Option<Value>,
}

async fn handle(
    State(rest): State<Arc<Rest>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let call = Call::new(&parts, peer, rest.port, rest.clock.now_ms());
    let body = body::read(body).await;
    let mut response = rest.respond(&call, &parts.headers, body).await;
    set(&mut response, "x-amzn-requestid", &call.request_id);
    set(&mut response, "x-amz-apigw-id", &call.extended_id);
    set(&mut response, "x-amzn-trace-id", &call.trace_id);
    response
}
