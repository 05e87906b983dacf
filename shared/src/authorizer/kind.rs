//! The kinds of events, and what they ask about.

use crate::domain::rules::Operation;

/// Who is asking, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A REST API, `TOKEN`.
    RestToken,
    /// A REST API, `REQUEST`.
    Rest,
    /// An HTTP API, payload 1.0.
    Http1,
    /// An HTTP API, payload 2.0.
    Http2,
    /// A WebSocket API that is being connected to.
    WebSocket,
    /// An event API of AppSync.
    AppSync,
}

/// What is asked about.
#[derive(Debug, PartialEq, Eq)]
pub enum Called {
    /// A method of an API of API Gateway.
    Method {
        /// The method that is being called, as API Gateway names it.
        arn: String,
        /// The resource of the API that the path was routed to. `TOKEN` events do not say, and neither does a route for
        /// everything (`$default`).
        resource: Option<String>,
    },
    /// What a client does at an event API of AppSync.
    Event {
        /// The API's id.
        api: String,
        /// What it does, and to which channel.
        operation: Operation<String>,
    },
}

/// The event is none of an authorizer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an authorizer event")]
pub struct Unreadable;
