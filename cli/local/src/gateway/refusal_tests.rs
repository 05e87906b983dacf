use std::collections::BTreeMap;

use axum::body::to_bytes;
use serde_json::{Value, json};

use super::super::call::Call;
use super::*;
use nova_template::{Api, ApiKind};

async fn answer(
    responses: &[(&str, GatewayResponse)],
    refusal: Refusal,
    authorizer: Option<Value>,
) -> (u16, BTreeMap<String, String>, String) {
    let responses = responses.iter().map(|(name, response)| ((*name).to_owned(), response.clone())).collect();
    let api = Api {
        logical_id: "Api".to_owned(),
        kind: ApiKind::Rest,
        stage: "v1".to_owned(),
        routes: Vec::new(),
        authorizers: BTreeMap::new(),
        jwt_authorizers: BTreeMap::new(),
        responses,
    };
    let call = Call {
        request_id: "rid".to_owned(),
        source_ip: "127.0.0.1".to_owned(),
        headers: vec![("Origin".to_owned(), "http://a".to_owned())],
        ..Call::default()
    };
    let target = Target { api: &api, call: &call, resource: None, parameters: &BTreeMap::new() };
    let response = refusal.answer(&target, authorizer.as_ref());
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

fn worded(status: Option<u16>, body: &str) -> GatewayResponse {
    GatewayResponse { status, headers: BTreeMap::new(), body: Some(body.to_owned()) }
}

#[tokio::test]
async fn without_words_of_the_template_api_gateway_has_its_own() {
    for (refusal, status, body, kind) in [
        (Refusal::Unauthorized, 401, r#"{"message":"Unauthorized"}"#, "UnauthorizedException"),
        (
            Refusal::MissingAuthenticationToken,
            403,
            r#"{"message":"Missing Authentication Token"}"#,
            "MissingAuthenticationTokenException",
        ),
        (Refusal::AuthorizerFailure, 500, r#"{"message":null}"#, "AuthorizerFailureException"),
        (
            Refusal::IntegrationError,
            502,
            r#"{"message":"Internal server error"}"#,
            "InternalServerErrorException",
        ),
        (
            Refusal::IntegrationTimeout,
            504,
            r#"{"message":"Endpoint request timed out"}"#,
            "InternalServerErrorException",
        ),
        (
            Refusal::RequestTooLarge,
            413,
            r#"{"message":"Request Entity Too Large"}"#,
            "RequestTooLargeException",
        ),
    ] {
        let (got, headers, text) = answer(&[], refusal, None).await;
        assert_eq!((got, text.as_str(), headers["x-amzn-errortype"].as_str()), (status, body, kind));
    }
}

#[tokio::test]
async fn the_words_of_the_type_win_over_those_of_its_class() {
    let responses = [
        ("UNAUTHORIZED", worded(Some(418), "own")),
        ("DEFAULT_4XX", worded(None, "class")),
        ("INTEGRATION_FAILURE", worded(Some(504), "not for a function's own failures")),
    ];
    let (status, _, body) = answer(&responses, Refusal::Unauthorized, None).await;
    assert_eq!((status, body.as_str()), (418, "own"));
    let (status, _, body) = answer(&responses, Refusal::AccessDenied { explicit: true }, None).await;
    assert_eq!((status, body.as_str()), (403, "class"));
    let (status, _, body) = answer(&responses, Refusal::IntegrationError, None).await;
    assert_eq!((status, body.as_str()), (502, r#"{"message":"Internal server error"}"#));
}

#[tokio::test]
async fn variables_are_filled_in() {
    let template = r#"{"a":$context.error.messageString,"b":"$context.authorizer.code","c":"$util.escapeJavaScript($context.authorizer.message)","d":"$context.requestId.","e":"$context.error.responseType","f":"$context.authorizer.no","g":"$5","h":"$context.identity.sourceIp"}"#;
    let authorizer = json!({ "code": "FORBIDDEN_ROLE", "message": "say \"غ\"" });
    let (_, _, body) = answer(
        &[("DEFAULT_4XX", worded(None, template))],
        Refusal::AccessDenied { explicit: false },
        Some(authorizer),
    )
    .await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let expected = json!({
        "a": "User is not authorized to access this resource", "b": "FORBIDDEN_ROLE", "c": "say \"غ\"",
        "d": "rid.", "e": "ACCESS_DENIED", "f": "", "g": "$5", "h": "127.0.0.1"
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn headers_are_literals_or_values_of_the_request() {
    let headers = [
        ("WWW-Authenticate", "'Bearer'"),
        ("X-Request-Id", "context.requestId"),
        ("Access-Control-Allow-Origin", "method.request.header.origin"),
        ("X-None", "method.request.header.nobody"),
        ("Bad Name", "'x'"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let response = GatewayResponse { status: None, headers, body: None };
    let (_, headers, _) = answer(&[("UNAUTHORIZED", response)], Refusal::Unauthorized, None).await;
    assert_eq!(headers["www-authenticate"], "Bearer");
    assert_eq!(headers["x-request-id"], "rid");
    assert_eq!(headers["access-control-allow-origin"], "http://a");
    assert!(!headers.contains_key("x-none"));
}

#[tokio::test]
async fn what_a_token_says_is_json_in_words_of_the_template() {
    let token = json!({ "claims": { "name": "S\u{e9}\u{1f600} \"x\"", "iat": 7, "aud": ["a", "b"], "address": { "city": "c" } } });
    let body = "$context.authorizer.claims.name $context.authorizer.claims.iat $context.authorizer.claims.aud \
                $context.authorizer.claims.address.city|$context.authorizer.claims.none|";
    let (_, _, said) =
        answer(&[("DEFAULT_5XX", worded(None, body))], Refusal::IntegrationError, Some(token)).await;
    assert_eq!(said, r#""S\u00E9\uD83D\uDE00 \"x\"" 7 ["a","b"] ||"#);
}
