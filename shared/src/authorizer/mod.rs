//! The edge of the authorizer: authorizer events of API Gateway and AppSync in, its answers out.
//!
//! | event | what is in it that decides | answer |
//! |---|---|---|
//! | REST `TOKEN` | `methodArn`, the token | IAM policy |
//! | REST `REQUEST` | `methodArn`, `resource`, headers, address | IAM policy |
//! | HTTP API, payload 1.0 | the same | IAM policy |
//! | HTTP API, payload 2.0 | `routeArn`, `routeKey`, headers, address; identity sources | IAM policy, or a simple response (`HTTP_RESPONSES`) |
//! | WebSocket `$connect` | `methodArn`, subprotocols, headers, address | IAM policy |
//! | AppSync Events | `apiId`, `operation`, `channel`, the token | `isAuthorized`, for one operation |
//!
//! An authorizer cannot say 401 with a reason: an error whose message is exactly `Unauthorized` is API Gateway's 401,
//! every other error its 500. A Deny, and a simple response that says no, are its 403. AppSync gets one no for both.

mod appsync;
mod credential;
mod event;
mod kind;
mod response;
mod serve;
mod sources;

pub use credential::{TICKET_PARAMETER, TICKET_SUBPROTOCOL, TOKEN_PARAMETER, TOKEN_SUBPROTOCOL};
pub use event::AuthorizerEvent;
pub use kind::{Called, EventKind, Unreadable};
pub use response::{
    AuthorizerError, AuthorizerResponse, EventResponse, IamResponse, SimpleResponse, WouldSpread,
};
pub use serve::answer;
