//! A REST API: route → authorizer → function → response.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Response;
use serde_json::Value;

use super::authorizer::{Guard, guards};
use super::call::Call;
use super::event::Target;
use super::refusal::{Refusal, set};
use super::route::Routes;
use super::{Setup, answer, body};
use crate::clock::Clock;
use crate::pool::{InvokeError, Pool};
use nova_template::Api;

/// API Gateway waits this long for a function, whatever the function's own time-out is.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(29);
/// One REST API that is served.
#[derive(Debug)]
pub(super) struct Rest {
    api: Api,
    routes: Routes,
    guards: BTreeMap<String, Guard>,
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

    async fn respond(&self, call: &Call, body: Option<Bytes>) -> Response<Body> {
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
        let mut authorizer = None;
        if let Some(name) = &matched.route.authorizer {
            // Every authorizer that a route names has its guard; were one missing, nobody would pass.
            let Some(guard) = self.guards.get(name) else {
                return Refusal::AuthorizerConfigurationError.answer(&target, None);
            };
            match guard.decide(&target).await {
                Ok(context) => authorizer = Some(context),
                Err(refused) => return refused.refusal.answer(&target, refused.authorizer.as_ref()),
            }
        }
        self.integrate(&target, &matched.route.function, &body, authorizer.as_ref()).await
    }

    async fn integrate(
        &self,
        target: &Target<'_>,
        function: &str,
        body: &[u8],
        authorizer: Option<&Value>,
    ) -> Response<Body> {
        let Some(pool) = self.pools.get(function) else {
            return Refusal::IntegrationError.answer(target, authorizer);
        };
        let event = target.proxy(body, authorizer);
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

async fn handle(
    State(rest): State<Arc<Rest>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let call = Call::new(&parts, peer, rest.port, rest.clock.now_ms());
    let body = body::read(body).await;
    let mut response = rest.respond(&call, body).await;
    set(&mut response, "x-amzn-requestid", &call.request_id);
    set(&mut response, "x-amz-apigw-id", &call.extended_id);
    set(&mut response, "x-amzn-trace-id", &call.trace_id);
    response
}
