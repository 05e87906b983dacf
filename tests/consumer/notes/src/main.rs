//! A sample API of another team, behind APIs of every kind. Who may call what is the authorizer's decision and made
//! before this code runs: all that is left to do here is to read who the caller is from the authorizer's context.
//!
//! `requests.rs` answers REST and HTTP APIs, `sockets.rs` the WebSocket API, whose open connections `connections.rs`
//! keeps.

mod connections;
mod requests;
mod sockets;

use connections::Connections;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // Only the function of the WebSocket API has a table of connections.
    let connections = Connections::from_env()?;
    let connections = connections.as_ref();
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        match connections.filter(|_| event.payload.pointer("/requestContext/eventType").is_some()) {
            Some(connections) => sockets::answer(&event.payload, connections).await,
            None => Ok(requests::answer(&event.payload)),
        }
    }))
    .await
}

/// The text at a place of the event; empty where there is none.
fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
