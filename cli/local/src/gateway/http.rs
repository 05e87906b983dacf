//! An HTTP API: route → authorizer → function → response. It has no gateway responses: what it refuses, it refuses in
//! AWS's own words.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::authorizer::{Guard, guards};
use super::call::Call;
use super::http_event::HttpTarget;
use super::jwt::{Denied, JwtGuard, jwt_guards};
use super::policy::method_arn;
use super::refusal::{Refusal, set};
use super::route::Routes;
use super::{Setup, body, cors, http_answer};
use crate::clock::Clock;
use crate::pool::Pool;
use nova_template::{Api, Cors, Payload};

/// API Gateway waits this long for a function, whatever the function's own time-out is.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// One HTTP API that is served.
#[derive(Debug)]
pub(super) struct Http {
    api: Api,
    cors: Option<Cors>,
    routes: Routes,
    guards: BTreeMap<String, Guard>,
    jwt_guards: BTreeMap<String, JwtGuard>,
    pools: BTreeMap<String, Arc<Pool>>,
    port: u16,
    clock: Clock,
}

impl Http {
    pub(super) fn new(api: Api, cors: Option<Cors>, setup: &Setup<'_>) -> Result<Http, String> {
        Ok(Http {
            cors,
            routes: Routes::new(&api.routes),
            guards: guards(&api, setup)?,
            jwt_guards: jwt_guards(&api, setup),
            pools: setup.pools.clone(),
            port: setup.port,
            clock: setup.clock.clone(),
            api,
        })
    }

    pub(super) fn router(self) -> Router {
        Router::new().fallback(handle).with_state(Arc::new(self))
    }

    async fn respond(&self, call: &Call, body: Option<Bytes>) -> Response<Body> {
        let Some(body) = body else { return plain(413, "Request Entity Too Large") };
        let Some(matched) = self.routes.find_http(&call.method, &call.path) else {
            // Preflight requests that no route takes are the gateway's, and need no identity. One that a route takes
            // (ANY, $default, OPTIONS) goes the way of every request, also past that route's authorizer.
            return match &self.cors {
                Some(_) if call.method == "OPTIONS" => cors::preflight(),
                _ => plain(404, "Not Found"),
            };
        };
        let target =
            HttpTarget { api: &self.api, call, route: matched.route, parameters: &matched.parameters };
        match self.authorize(&target).await {
            Ok(authorizer) => self.integrate(&target, &body, authorizer.as_ref()).await,
            Err(Stopped::ByToken(denied)) => {
                let mut response = refused(denied.status());
                set(&mut response, "www-authenticate", &denied.challenge(&matched.route.scopes));
                response
            }
            Err(Stopped::ByFunction(Refusal::Unauthorized)) => refused(401),
            Err(Stopped::ByFunction(Refusal::AccessDenied { .. })) => refused(403),
            Err(Stopped::ByFunction(_)) => refused(500),
        }
    }

    /// `requestContext.authorizer`, on routes that have one.
    async fn authorize(&self, target: &HttpTarget<'_>) -> Result<Option<Value>, Stopped> {
        let Some(name) = &target.route.authorizer else { return Ok(None) };
        if let Some(guard) = self.jwt_guards.get(name) {
            let told = guard.check(target.call, &target.route.scopes).await.map_err(Stopped::ByToken)?;
            return Ok(Some(match target.route.payload {
                Payload::One => told,
                Payload::Two => json!({ "jwt": told }),
            }));
        }
        // Every authorizer that a route names has its guard; were one missing, nobody would pass.
        let guard =
            self.guards.get(name).ok_or(Stopped::ByFunction(Refusal::AuthorizerConfigurationError))?;
        let call = target.call;
        let arn = method_arn(&self.api.logical_id, &self.api.stage, &call.method, &call.path);
        let identity = guard.identity(&target.context(), |name| call.joined(name), call);
        let event = |identity: &[String]| match guard.payload() {
            Payload::One => target.request_one(&arn, identity),
            Payload::Two => target.request_two(&arn, identity),
        };
        let allowed = guard.judge(&arn, identity, event).await;
        let allowed = allowed.map_err(|refused| Stopped::ByFunction(refused.refusal))?;
        Ok(Some(match target.route.payload {
            Payload::One => allowed.context(),
            Payload::Two => allowed.lambda(),
        }))
    }

    async fn integrate(
        &self,
        target: &HttpTarget<'_>,
        body: &[u8],
        authorizer: Option<&Value>,
    ) -> Response<Body> {
        let failed = || plain(500, "Internal Server Error");
        let Some(pool) = self.pools.get(&target.route.function) else { return failed() };
        let event = match target.route.payload {
            Payload::One => target.proxy_one(body, authorizer),
            Payload::Two => target.proxy_two(body, authorizer),
        };
        let called = pool.invoke(Bytes::from(event.to_string()));
        match tokio::time::timeout(INTEGRATION_LIMIT, called).await {
            Ok(Ok(answer)) => {
                http_answer::response(&answer, target.route.payload).unwrap_or_else(|problem| {
                    pool.note(&format!("its answer is malformed: {problem}"));
                    failed()
                })
            }
            Ok(Err(_)) => failed(),
            Err(_) => plain(503, "Service Unavailable"),
        }
    }
}

/// Why a request does not reach its function.
enum Stopped {
    /// What a Lambda authorizer came to.
    ByFunction(Refusal),
    /// A JWT authorizer did not take the token.
    ByToken(Denied),
}

async fn handle(
    State(http): State<Arc<Http>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let call = Call::new(&parts, peer, http.port, http.clock.now_ms());
    let body = body::read(body).await;
    let mut response = http.respond(&call, body).await;
    if let Some(cors) = &http.cors {
        cors::apply(cors, &call, &mut response);
    }
    set(&mut response, "apigw-requestid", &call.extended_id);
    response
}

/// What an authorizer's no comes to.
fn refused(status: u16) -> Response<Body> {
    let message = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        _ => "Internal Server Error",
    };
    plain(status, message)
}

/// An answer of the gateway's own.
fn plain(status: u16, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, "content-type", "application/json");
    response
}
