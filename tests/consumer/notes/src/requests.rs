//! REST and HTTP APIs: one request, one answer.

use nova_auth_domain::context::Caller;
use serde_json::{Value, json};

use super::text;

pub(super) fn answer(event: &Value) -> Value {
    // Behind API Gateway's own JWT authorizer there is no caller, but what the token said when it was signed.
    let authorizer = event.pointer("/requestContext/authorizer");
    let token = authorizer.and_then(|said| said.get("jwt").or_else(|| said.get("claims").map(|_| said)));
    // Every route but `/health` has an authorizer. Without a caller, something is attached wrongly: nobody gets in.
    let (status, body) = match (route(event).as_str(), Caller::of_event(event)) {
        ("GET /health", _) => (200, json!({"success": true, "data": {"healthy": true}})),
        ("GET /whoami", Err(_)) if token.is_some() => {
            (200, json!({"success": true, "data": {"token": token}}))
        }
        (_, Err(_)) => (500, json!({"success": false, "code": "INTERNAL_ERROR", "message": "No caller"})),
        ("GET /whoami", Ok(caller)) => (200, json!({"success": true, "data": said(&caller)})),
        ("GET /notes", Ok(_)) => {
            (200, json!({"success": true, "data": {"notes": [{"id": 1, "text": "A note"}]}}))
        }
        ("POST /notes", Ok(_)) => (201, json!({"success": true, "data": {"note": sent(event)}})),
        ("DELETE /notes", Ok(_)) => (200, json!({"success": true, "data": {"deleted": 1}})),
        ("GET /admin/report", Ok(caller)) => {
            (200, json!({"success": true, "data": {"report": {"notes": 1, "for": said(&caller)}}}))
        }
        _ => (404, json!({"success": false, "code": "NOT_FOUND", "message": "No such route"})),
    };
    json!({
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": body.to_string(),
    })
}

/// `GET /notes`: what payload 2.0 calls its route key.
fn route(event: &Value) -> String {
    match text(event, "/routeKey") {
        "" => format!("{} {}", text(event, "/httpMethod"), text(event, "/resource")),
        key => key.to_owned(),
    }
}

/// What this sample knows of its caller.
pub(super) fn said(caller: &Caller) -> Value {
    json!({
        "userId": caller.user_id.to_string(),
        "email": caller.email.as_str(),
        "role": caller.role.as_str(),
        "sessionId": caller.session_id.to_string(),
    })
}

/// The body as it was sent: as JSON if it is that, else as text.
fn sent(event: &Value) -> Value {
    let body = text(event, "/body");
    serde_json::from_str(body).unwrap_or_else(|_| json!(body))
}
