//! What a function behind a route of an HTTP API answers → the response.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::answer::{header_value, headers};
use nova_template::Payload;

/// The response that an answer stands for. The error says why API Gateway would call it malformed (a 500).
pub(super) fn response(answer: &[u8], payload: Payload) -> Result<Response<Body>, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|error| format!("no JSON: {error}"))?;
    match answer {
        Value::Object(fields) if fields.contains_key("statusCode") => formatted(&fields, payload),
        // Without a status code, payload 2.0 takes the whole answer for the body of a 200.
        answer if payload == Payload::Two => {
            let body = match answer {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            Ok(response)
        }
        _ => Err("it has no statusCode".to_owned()),
    }
}

fn formatted(fields: &Map<String, Value>, payload: Payload) -> Result<Response<Body>, String> {
    let status = fields.get("statusCode").and_then(nova_template::scalar_text);
    let status = status.and_then(|text| text.parse().ok()).filter(|status| (100..600).contains(status));
    let status = status
        .and_then(|status: u16| StatusCode::from_u16(status).ok())
        .ok_or("the statusCode is not a status")?;
    let text = match fields.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(body)) => body.clone(),
        Some(_) => return Err("the body is not a string".to_owned()),
    };
    let is_encoded = fields.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    let body = match is_encoded {
        true => STANDARD.decode(text).map_err(|_| "the body is not in Base64")?,
        false => text.into_bytes(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    headers(fields, response.headers_mut())?;
    if payload == Payload::Two {
        for cookie in fields.get("cookies").and_then(Value::as_array).into_iter().flatten() {
            response.headers_mut().append("set-cookie", header_value("cookies", cookie)?);
        }
    }
    let plain = HeaderValue::from_static("text/plain;charset=UTF-8");
    response.headers_mut().entry("content-type").or_insert(plain);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    async fn read(answer: Value, payload: Payload) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let response = response(answer.to_string().as_bytes(), payload).unwrap();
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        (response.status().as_u16(), headers, to_bytes(response.into_body(), 100).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn with_a_status_code_the_answer_says_everything_itself() {
        let answer = json!({
            "statusCode": 201, "headers": { "X-One": "a" }, "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true
        });
        let (status, headers, body) = read(answer, Payload::Two).await;
        let pairs: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((status, body), (201, b"hi".to_vec()));
        assert_eq!(
            pairs,
            [
                ("x-one", "a"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("content-type", "text/plain;charset=UTF-8")
            ]
        );
    }

    #[tokio::test]
    async fn without_a_status_code_all_of_it_is_the_body() {
        let (status, headers, body) = read(json!({ "a": 1 }), Payload::Two).await;
        assert_eq!((status, body), (200, br#"{"a":1}"#.to_vec()));
        assert_eq!(headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!(read(json!("text"), Payload::Two).await.2, b"text");
    }

    #[test]
    fn an_answer_of_another_shape_is_malformed() {
        for (answer, payload) in [
            (json!({ "a": 1 }), Payload::One),
            (json!({ "statusCode": "soon" }), Payload::Two),
            (json!({ "statusCode": 200, "body": 1 }), Payload::Two),
            (json!({ "statusCode": 200, "body": "%", "isBase64Encoded": true }), Payload::Two),
            (json!({ "statusCode": 200, "headers": { "a": "x\ny" } }), Payload::Two),
        ] {
            assert!(response(answer.to_string().as_bytes(), payload).is_err(), "{answer}");
        }
    }
}
