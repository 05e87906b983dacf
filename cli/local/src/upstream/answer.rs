//! What a server answers → what its function would answer.

use axum::body::Bytes;
use axum::http::response::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::request::is_of_the_connection;

/// Media types that are sent as text; all others are Base64.
const TEXTS: [&str; 5] =
    ["text", "application/json", "application/javascript", "application/xml", "application/yaml"];
const TEXT_SUFFIXES: [&str; 3] = ["+xml", "+yaml", "+json"];

/// The function's answer, in the format of the event's payload.
pub(super) fn answer(event: &Value, parts: &Parts, body: &Bytes) -> Value {
    let (body, is_encoded) = encoded(&parts.headers, body);
    let mut answer =
        json!({ "statusCode": parts.status.as_u16(), "body": body, "isBase64Encoded": is_encoded });
    let Some(fields) = answer.as_object_mut() else { return answer };
    if event.get("version").and_then(Value::as_str) == Some("2.0") {
        let cookies = values(&parts.headers, header::SET_COOKIE.as_str());
        fields.insert("cookies".to_owned(), json!(cookies));
        let joined = |name: &str| json!(values(&parts.headers, name).join(","));
        fields.insert("headers".to_owned(), named(&parts.headers, |name| name != "set-cookie", joined));
    } else {
        let all = |name: &str| json!(values(&parts.headers, name));
        fields.insert("multiValueHeaders".to_owned(), named(&parts.headers, |_| true, all));
    }
    answer
}

fn named(headers: &HeaderMap, wanted: impl Fn(&str) -> bool, value: impl Fn(&str) -> Value) -> Value {
    let names = headers.keys().map(header::HeaderName::as_str);
    let names = names.filter(|name| !is_of_the_connection(name) && wanted(name));
    names.map(|name| (name.to_owned(), value(name))).collect::<Map<_, _>>().into()
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn encoded(headers: &HeaderMap, body: &Bytes) -> (String, bool) {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_text = !headers.contains_key(header::CONTENT_ENCODING)
        && kind.is_none_or(|kind| {
            let plain = kind.split(';').next().unwrap_or_default().trim();
            TEXTS.iter().any(|text| plain.starts_with(text))
                || TEXT_SUFFIXES.iter().any(|suffix| plain.ends_with(suffix))
        });
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.to_owned(), false),
        _ if body.is_empty() => (String::new(), false),
        _ => (STANDARD.encode(body), true),
    }
}
