//! A text as a QR code: what an authenticator app scans. It comes in a body, since what it says is a secret, and no page elsewhere may
//! ask for it.

use axum::body::{Body, to_bytes};
use axum::http::{Response, StatusCode};
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::{Value, json};

use super::json_answer;

/// The longest text: a key URI with a long address in it.
const LONGEST: usize = 1024;

pub(super) async fn answer(body: Body) -> Response<Body> {
    let text = to_bytes(body, LONGEST).await.ok().and_then(|body| String::from_utf8(body.to_vec()).ok());
    let code = text.and_then(|text| QrCode::encode_text(&text, QrCodeEcc::Medium).ok());
    match code {
        Some(code) => json_answer(StatusCode::OK, &drawn(&code)),
        None => json_answer(StatusCode::BAD_REQUEST, &json!({"success": false, "code": "VALIDATION_FAILED"})),
    }
}

/// The side in squares, and the dark ones as the path of an SVG.
fn drawn(code: &QrCode) -> Value {
    let size = code.size();
    let squares = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let dark = squares.filter(|(x, y)| code.get_module(*x, *y));
    let path: String = dark.map(|(x, y)| format!("M{x} {y}h1v1h-1z")).collect();
    json!({"size": size, "path": path})
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(text: &str) -> (StatusCode, Value) {
        let (parts, body) = answer(Body::from(text.to_owned())).await.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_key_uri_is_drawn_and_what_is_too_long_is_refused() {
        let (status, drawn) =
            asked("otpauth://totp/Nova%20CRM:sara%40example.com?secret=GEZDGNBVGY3TQOJQ").await;
        assert_eq!(status, 200);
        // The corner that every QR code has: seven dark squares in its first row.
        assert!(drawn["path"].as_str().unwrap().starts_with("M0 0h1v1h-1zM1 0h1v1h-1z"));
        assert!(drawn["size"].as_u64().unwrap() > 20);
        assert_eq!(asked(&"a".repeat(2000)).await.0, 400);
    }
}
