//! The WebSocket API. The authorizer is asked when a connection is made and never again, so that a session that is
//! revoked keeps its open connections until somebody ends them. Four things do:
//!
//! - the event bus of Nova Auth, where it is listened to (`ended`): within seconds, whoever ended the session and why;
//! - `{"action":"drop"}` ends the connections of the caller's session, and `{"action":"drop","sessionId":"…"}` those of
//!   another session of the same user, at once: a front end sends it before it logs out, and after it ended a session;
//! - a connection older than an access token lives (`MAX_CONNECTION_SECONDS`) is ended at its next message: the client
//!   connects again, with a fresh token, and the authorizer decides anew;
//! - API Gateway itself ends every connection after two hours, or ten minutes without a message.

use lambda_runtime::Error;
use nova_auth_domain::context::Caller;
use serde_json::{Value, json};

use super::{
    close::close,
    connections::{Ended, Open},
    requests::said,
    start::Sockets,
    text,
};

/// The subprotocol that this API speaks. A browser needs one of those that it asked for in the answer: this one, and
/// never the one that carries the token.
const PROTOCOL: &str = "nova";

pub(super) async fn answer(event: &Value, of: &Sockets, now_ms: u64) -> Result<Value, Error> {
    let id = text(event, "/requestContext/connectionId");
    // Every connection has passed the authorizer, whose word each of its events repeats.
    let caller = Caller::of_event(event)?;
    match text(event, "/requestContext/routeKey") {
        "$connect" => {
            // What can't be written down could not be ended either: an error refuses the connection, too.
            if !of.connections.admit(&caller, id, now_ms).await? {
                return Ok(json!({"statusCode": 401}));
            }
            let asked = header(event, "sec-websocket-protocol");
            let speaks_ours = asked.split(',').any(|protocol| protocol.trim() == PROTOCOL);
            let headers = if speaks_ours { json!({"Sec-WebSocket-Protocol": PROTOCOL}) } else { json!({}) };
            Ok(json!({"statusCode": 200, "headers": headers}))
        }
        "$disconnect" => {
            of.connections.forget(caller.user_id, id).await?;
            Ok(json!({"statusCode": 200}))
        }
        route => {
            let age_ms = number(event, "requestTimeEpoch").saturating_sub(number(event, "connectedAt"));
            let body = if age_ms > of.max_age_ms {
                end(of, &caller, now_ms, |one| one.id == id).await?;
                json!({"success": false, "code": "TOKEN_EXPIRED", "message": "Connect again"})
            } else {
                act(route, event, &caller, of, now_ms).await?
            };
            Ok(json!({"statusCode": 200, "body": body.to_string()}))
        }
    }
}

async fn act(route: &str, event: &Value, caller: &Caller, of: &Sockets, now_ms: u64) -> Result<Value, Error> {
    Ok(match route {
        "whoami" => json!({"success": true, "data": said(caller)}),
        "drop" => {
            let message: Value = serde_json::from_str(text(event, "/body")).unwrap_or_default();
            let session = match message.get("sessionId").and_then(Value::as_str) {
                Some(session) => session.parse().ok(),
                None => Some(caller.session_id),
            };
            let dropped = match session.map(Ended::Session) {
                Some(session) => end(of, caller, now_ms, |one| session.ends(one)).await?,
                None => 0,
            };
            json!({"success": true, "data": {"dropped": dropped}})
        }
        _ => json!({"success": false, "code": "NOT_FOUND", "message": "No such action"}),
    })
}

/// Ends connections of the caller, and says how many. Only the caller's own rows are asked for: nobody ends anybody else's.
async fn end(
    of: &Sockets,
    caller: &Caller,
    now_ms: u64,
    which: impl Fn(&Open) -> bool,
) -> Result<usize, Error> {
    let open: Vec<_> = of.connections.open(caller.user_id).await?.into_iter().filter(which).collect();
    let count = open.len();
    close(&of.connections, &of.management, caller.user_id, open, now_ms).await?;
    Ok(count)
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
