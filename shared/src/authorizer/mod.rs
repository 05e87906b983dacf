//! The edge of the authorizer: API Gateway's authorizer events in, its answers out.
//!
//! REST APIs so far: `TOKEN` and `REQUEST` events, answered with an IAM policy. An authorizer cannot say 401 with a
//! reason: an error whose message is exactly `Unauthorized` is API Gateway's 401, every other error its 500.

mod event;
mod response;
mod serve;

pub use event::{AuthorizerEvent, Unreadable};
pub use response::{AuthorizerError, AuthorizerResponse};
pub use serve::{answer, serve};
