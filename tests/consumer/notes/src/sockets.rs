//! The WebSocket API. The authorizer is asked when a connection is made and never again, so that a session that is
//! revoked keeps its open connections until somebody ends them. Three things do:
//!
//! - `{"action":"drop"}` ends the connections of the caller's session, and `{"action":"drop","sessionId":"…"}` those of
//!   another session of the same user, at once: a front end sends it before it logs out, and after it ended a session;
//! - a connection older than an access token lives (`MAX_CONNECTION_SECONDS`) is ended at its next message: the client
//!   connects again, with a fresh token, and the authorizer decides anew;
//! - API Gateway itself ends every connection after two hours, or ten minutes without a message.

use lambda_runtime::Error;
use nova_auth_domain::context::Caller;
use serde_json::{Value, json};

use super::{connections::Connections, requests::said, text};

/// The subprotocol that this API speaks. A browser needs one of those that it asked for in the answer: this one, and
/// never the one that carries the token.
const PROTOCOL: &str = "nova";

pub(super) async fn answer(event: &Value, connections: &Connections) -> Result<Value, Error> {
    let id = text(event, "/requestContext/connectionId");
    // Every connection has passed the authorizer, whose word each of its events repeats.
    let caller = Caller::of_event(event)?;
    match text(event, "/requestContext/routeKey") {
        "$connect" => {
            // If it can't be written down it could not be dropped either: the error refuses the connection.
            connections.put(&caller, id, number(event, "connectedAt")).await?;
            let asked = header(event, "sec-websocket-protocol");
            let speaks_ours = asked.split(',').any(|protocol| protocol.trim() == PROTOCOL);
            let headers = if speaks_ours { json!({"Sec-WebSocket-Protocol": PROTOCOL}) } else { json!({}) };
            Ok(json!({"statusCode": 200, "headers": headers}))
        }
        "$disconnect" => {
            connections.forget(&caller, id).await?;
            Ok(json!({"statusCode": 200}))
        }
        route => {
            let age_ms = number(event, "requestTimeEpoch").saturating_sub(number(event, "connectedAt"));
            let body = if age_ms > connections.max_age_ms {
                connections.end(&caller, id).await?;
                json!({"success": false, "code": "TOKEN_EXPIRED", "message": "Connect again"})
            } else {
                act(route, event, &caller, id, connections).await?
            };
            Ok(json!({"statusCode": 200, "body": body.to_string()}))
        }
    }
}

async fn act(
    route: &str,
    event: &Value,
    caller: &Caller,
    id: &str,
    connections: &Connections,
) -> Result<Value, Error> {
    Ok(match route {
        "whoami" => json!({"success": true, "data": said(caller)}),
        "drop" => {
            let message: Value = serde_json::from_str(text(event, "/body")).unwrap_or_default();
            let own = caller.session_id.to_string();
            let session = message.get("sessionId").and_then(Value::as_str).unwrap_or(&own);
            let dropped = connections.drop_session(caller, session, id).await?;
            json!({"success": true, "data": {"dropped": dropped}})
        }
        _ => json!({"success": false, "code": "NOT_FOUND", "message": "No such action"}),
    })
}

fn number(event: &Value, name: &str) -> u64 {
    event.pointer(&format!("/requestContext/{name}")).and_then(Value::as_u64).unwrap_or_default()
}

/// The value of a header, whatever its name's case is.
fn header<'a>(event: &'a Value, name: &str) -> &'a str {
    let headers = event.get("headers").and_then(Value::as_object).into_iter().flatten();
    let mut values = headers.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    values.next().and_then(Value::as_str).unwrap_or_default()
}
