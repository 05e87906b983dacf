//! What a function behind a route answers → the response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

/// The fields that an answer may have; API Gateway takes an answer with any other for malformed.
const FIELDS: [&str; 5] = ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];

/// Headers of a function that REST APIs don't send under their own name, but as `x-amzn-remapped-…`.
const REMAPPED: [&str; 8] =
    ["authorization", "connection", "content-length", "date", "expect", "host", "server", "www-authenticate"];

/// The response that an answer stands for. The error says why API Gateway would call it malformed (a 502).
///
/// A REST API without binary media types sends the body as it is, `isBase64Encoded` or not.
pub(super) fn response(answer: &[u8]) -> Result<Response<Body>, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|error| format!("no JSON: {error}"))?;
    let fields = answer.as_object().ok_or("no map")?;
    if let Some(other) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("an unknown field {other}"));
    }
    let body = match fields.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(body)) => body.clone(),
        Some(_) => return Err("the body is not a string".to_owned()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status(fields.get("statusCode"))?;
    headers(fields, response.headers_mut())?;
    response.headers_mut().entry("content-type").or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

fn status(value: Option<&Value>) -> Result<StatusCode, String> {
    let number = match value {
        None | Some(Value::Null) => Some(200),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
    };
    let number =
        number.and_then(|number| u16::try_from(number).ok()).filter(|number| (200..600).contains(number));
    let status = number.and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or_else(|| "the statusCode is not a status".to_owned())
}

/// The headers of an answer, of which the gateway keeps some for itself.
pub(super) fn headers(fields: &Map<String, Value>, out: &mut axum::http::HeaderMap) -> Result<(), String> {
    let map = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(format!("{name} is not a map")),
    };
    for (name, value) in map("headers")?.into_iter().flatten() {
        out.insert(header_name(name)?, header_value(name, value)?);
    }
    for (name, values) in map("multiValueHeaders")?.into_iter().flatten() {
        let key = header_name(name)?;
        // Where both name a header, the many win over the one.
        out.remove(&key);
        let values = values.as_array().ok_or_else(|| format!("the header {name} is not a list"))?;
        for value in values {
            out.append(key.clone(), header_value(name, value)?);
        }
    }
    Ok(())
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    let lower = name.to_ascii_lowercase();
    let sent = match lower.as_str() {
        // The gateway frames the body itself.
        "transfer-encoding" => "x-amzn-remapped-transfer-encoding".to_owned(),
        name if REMAPPED.contains(&name) => format!("x-amzn-remapped-{name}"),
        _ => lower,
    };
    HeaderName::try_from(sent).map_err(|_| format!("{name:?} is not a name of a header"))
}

pub(super) fn header_value(name: &str, value: &Value) -> Result<HeaderValue, String> {
    let text = match value {
        Value::Bool(_) | Value::String(_) | Value::Number(_) => nova_template::scalar_text(value),
        _ => None,
    };
    let text = text.ok_or_else(|| format!("the header {name} is not a string"))?;
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| format!("the header {name} can't be sent"))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Result<Response<Body>, String> {
        response(answer.to_string().as_bytes())
    }

    #[tokio::test]
    async fn status_headers_and_body_are_the_functions() {
        let answer = json!({
            "statusCode": 201,
            "headers": { "X-One": "a", "Set-Cookie": "lost" },
            "multiValueHeaders": { "Set-Cookie": ["a=1", "b=2"] },
            "body": "غ",
            "isBase64Encoded": false
        });
        let response = read(&answer).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-one"], "a");
        assert_eq!(response.headers()["content-type"], "application/json");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), "غ".as_bytes());
    }

    #[test]
    fn a_missing_status_is_200_and_a_number_in_a_string_is_a_number() {
        assert_eq!(read(&json!({})).unwrap().status(), 200);
        assert_eq!(read(&json!({ "statusCode": "404" })).unwrap().status(), 404);
    }

    #[test]
    fn www_authenticate_comes_under_another_name_as_on_aws() {
        let response = read(&json!({ "headers": { "WWW-Authenticate": "Bearer" } })).unwrap();
        assert_eq!(response.headers()["x-amzn-remapped-www-authenticate"], "Bearer");
        assert!(!response.headers().contains_key("www-authenticate"));
    }

    #[test]
    fn an_answer_of_another_shape_is_malformed() {
        for answer in [
            json!(null),
            json!("text"),
            json!({ "statusCode": 200, "cookies": [] }),
            json!({ "statusCode": 99 }),
            json!({ "statusCode": "soon" }),
            json!({ "statusCode": 200, "body": { "a": 1 } }),
            json!({ "statusCode": 200, "headers": [] }),
            json!({ "statusCode": 200, "headers": { "a b": "x" } }),
            json!({ "statusCode": 200, "headers": { "a": "x\ny" } }),
            json!({ "statusCode": 200, "headers": { "a": ["x"] } }),
            json!({ "statusCode": 200, "multiValueHeaders": { "a": "x" } }),
        ] {
            assert!(read(&answer).is_err(), "{answer}");
        }
        assert!(response(b"no json").is_err());
    }
}
