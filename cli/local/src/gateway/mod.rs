//! API Gateway on this machine. Every kind of API has a file of its own for the way of a request through it (`rest.rs`,
//! `http.rs`, `websocket.rs`) and one for its events; what they share (routes, authorizers, policies) stands beside
//! them.

mod answer;
mod authorizer;
mod body;
mod cache;
mod call;
mod connections;
mod cors;
mod event;
mod http;
mod http_answer;
mod http_event;
mod issuer;
mod jwt;
mod policy;
mod refusal;
mod rest;
mod route;
mod signature;
mod websocket;
mod websocket_event;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;

use crate::clock::Clock;
use crate::pool::Pool;
use nova_template::{Api, ApiKind};

pub(crate) use connections::Connections;
pub(crate) use issuer::Issuers;

/// What an API needs of the stack.
pub(crate) struct Setup<'a> {
    /// The processes of every function, by its logical id.
    pub(crate) pools: &'a BTreeMap<String, Arc<Pool>>,
    pub(crate) port: u16,
    pub(crate) clock: Clock,
    /// Where a WebSocket API keeps its connections.
    pub(crate) connections: Arc<Connections>,
    /// Whose tokens JWT authorizers take.
    pub(crate) issuers: &'a Issuers,
}

/// Everything that an API answers, under its plain root: no stage in front. The error names an authorizer whose
/// function no template has.
pub(crate) fn router(api: Api, setup: &Setup<'_>) -> Result<Router, String> {
    Ok(match api.kind.clone() {
        ApiKind::Rest => rest::Rest::new(api, setup)?.router(),
        ApiKind::Http { cors } => http::Http::new(api, cors, setup)?.router(),
        ApiKind::WebSocket { selection } => websocket::WebSockets::new(api, &selection, setup)?.router(),
    })
}
