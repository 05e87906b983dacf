//! A sample API of another team. Who may call what is the authorizer's decision and made before this code runs:
//! all that is left to do here is to read who the caller is from the authorizer's context.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        Ok::<_, Error>(answer(&event.payload))
    }))
    .await
}

fn answer(event: &Value) -> Value {
    let (status, body) = match (text(event, "/httpMethod"), text(event, "/resource")) {
        ("GET", "/whoami") => (200, json!({"success": true, "data": caller(event)})),
        ("GET", "/notes") => {
            (200, json!({"success": true, "data": {"notes": [{"id": 1, "text": "A note"}]}}))
        }
        ("POST", "/notes") => (201, json!({"success": true, "data": {"note": sent(event)}})),
        ("GET", "/admin/report") => {
            (200, json!({"success": true, "data": {"report": {"notes": 1, "for": caller(event)}}}))
        }
        _ => (404, json!({"success": false, "code": "NOT_FOUND", "message": "No such route"})),
    };
    json!({
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": body.to_string(),
    })
}

/// The context that an Allow carries, as the authorizer wrote it: flat strings.
fn caller(event: &Value) -> Value {
    let field = |name| text(event, &format!("/requestContext/authorizer/{name}"));
    json!({
        "userId": field("userId"),
        "email": field("email"),
        "role": field("role"),
        "sessionId": field("sessionId"),
    })
}

/// The body as it was sent: as JSON if it is that, else as text.
fn sent(event: &Value) -> Value {
    let body = text(event, "/body");
    serde_json::from_str(body).unwrap_or_else(|_| json!(body))
}

/// The text at a place of the event; empty where there is none.
fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
