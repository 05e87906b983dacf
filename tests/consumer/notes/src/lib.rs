//! A sample API of another team, behind APIs of every kind. Who may call what is the authorizer's decision and made
//! before this code runs: all that is left to do here is to read who the caller is from the authorizer's context.
//!
//! | | |
//! |---|---|
//! | `requests` | answers REST and HTTP APIs |
//! | `sockets` | answers the WebSocket API |
//! | [`connections`] | which connections are open, and which sessions have ended |
//! | [`ended`] | what Nova Auth's event bus tells: the connections of ended sessions are ended |
//! | [`close`] | how a connection is ended |
//!
//! A team with a WebSocket API of its own takes the last three as they are.

pub mod close;
pub mod connections;
pub mod ended;
mod requests;
mod sockets;
mod start;

use serde_json::Value;

pub use lambda_runtime::Error;
pub use start::Api;

impl Api {
    /// Answers one event, of whatever kind: a request, a WebSocket's, or a batch of messages.
    ///
    /// # Errors
    /// It could not be done, and may be repeated.
    pub async fn answer(&self, event: &Value, now_ms: u64) -> Result<Value, Error> {
        match &self.sockets {
            Some(of) if event.get("Records").is_some() => {
                Ok(ended::answer(event, &of.connections, &of.management, now_ms, &ended::RESTS).await)
            }
            Some(of) if event.pointer("/requestContext/eventType").is_some() => {
                sockets::answer(event, of, now_ms).await
            }
            _ => Ok(requests::answer(event)),
        }
    }
}

/// The text at a place of the event; empty where there is none.
fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
