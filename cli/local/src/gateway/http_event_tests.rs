use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::call::Call;
use super::HttpTarget;
use nova_template::{Api, ApiKind, Payload, Route};

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn call() -> Call {
    Call {
        method: "POST".to_owned(),
        path: "/notes/a%20b".to_owned(),
        raw_query: "a=1&a=2".to_owned(),
        query: pairs(&[("a", "1"), ("a", "2")]),
        headers: pairs(&[
            ("Host", "127.0.0.1:3000"),
            ("User-Agent", "curl"),
            ("content-type", "application/json"),
            ("X-A", "1"),
            ("x-a", "2"),
            ("cookie", "one=1; two=2"),
        ]),
        source_ip: "127.0.0.2".to_owned(),
        extended_id: "xid=".to_owned(),
        now_ms: 1_428_582_896_789,
        ..Call::default()
    }
}

fn with<T>(stage: &str, call: &Call, use_it: impl FnOnce(HttpTarget<'_>) -> T) -> T {
    let api = Api {
        logical_id: "NotesApi".to_owned(),
        kind: ApiKind::Http { cors: None },
        stage: stage.to_owned(),
        routes: Vec::new(),
        authorizers: BTreeMap::new(),
        jwt_authorizers: BTreeMap::new(),
        responses: BTreeMap::new(),
    };
    let route = Route {
        method: "POST".to_owned(),
        path: "/notes/{id}".to_owned(),
        function: "F".to_owned(),
        authorizer: None,
        payload: Payload::Two,
        scopes: Vec::new(),
        responds: false,
    };
    let parameters = pairs(&[("id", "a%20b")]).into_iter().collect();
    use_it(HttpTarget { api: &api, call, route: &route, parameters: &parameters })
}

/// Field by field the example of AWS's documentation.
#[test]
fn payload_two_is_the_one_of_the_documentation() {
    let authorizer = json!({ "lambda": { "role": "admin" } });
    let event = with("$default", &call(), |target| target.proxy_two(b"{}", Some(&authorizer)));
    let expected = json!({
        "version": "2.0",
        "routeKey": "POST /notes/{id}",
        "rawPath": "/notes/a%20b",
        "rawQueryString": "a=1&a=2",
        "cookies": ["one=1", "two=2"],
        "headers": { "host": "127.0.0.1:3000", "user-agent": "curl", "content-type": "application/json", "x-a": "1,2" },
        "queryStringParameters": { "a": "1,2" },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "NotesApi",
            "authorizer": { "lambda": { "role": "admin" } },
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "http": {
                "method": "POST", "path": "/notes/a%20b", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.2", "userAgent": "curl"
            },
            "requestId": "xid=",
            "routeKey": "POST /notes/{id}",
            "stage": "$default",
            "time": "09/Apr/2015:12:34:56 +0000",
            "timeEpoch": 1_428_582_896_789_u64
        },
        "pathParameters": { "id": "a b" },
        "body": "{}",
        "isBase64Encoded": false
    });
    assert_eq!(event, expected);
}

#[test]
fn payload_two_leaves_out_what_a_request_does_not_have() {
    let call = Call { query: Vec::new(), raw_query: String::new(), headers: Vec::new(), ..call() };
    let event = with("$default", &call, |target| target.proxy_two(b"", None));
    for name in ["cookies", "queryStringParameters", "body"] {
        assert!(event.get(name).is_none(), "{name}");
    }
    assert!(event["requestContext"].get("authorizer").is_none());
}

#[test]
fn a_stage_with_a_name_stands_in_front_of_the_path() {
    let event = with("v1", &call(), |target| target.proxy_two(b"", None));
    assert_eq!(
        (&event["rawPath"], &event["requestContext"]["stage"]),
        (&json!("/v1/notes/a%20b"), &json!("v1"))
    );
    let event = with("v1", &call(), |target| target.proxy_one(b"", None));
    assert_eq!((&event["path"], &event["resource"]), (&json!("/v1/notes/a%20b"), &json!("/notes/{id}")));
}

#[test]
fn a_body_of_another_type_than_text_is_sent_in_base64() {
    for (kind, body, encoded) in [
        ("application/json; charset=utf-8", "{}", false),
        ("text/plain", "{}", false),
        ("application/x-www-form-urlencoded", "e30=", true),
        ("", "e30=", true),
    ] {
        let call = Call { headers: pairs(&[("content-type", kind)]), ..call() };
        let event = with("$default", &call, |target| target.proxy_two(b"{}", None));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(body), &json!(encoded)), "{kind}");
    }
}

#[test]
fn payload_one_looks_like_the_event_of_a_rest_api() {
    let authorizer = json!({ "principalId": "u", "integrationLatency": 3, "role": "admin" });
    let event = with("$default", &call(), |target| target.proxy_one(b"{}", Some(&authorizer)));
    assert_eq!(event["version"], "1.0");
    assert_eq!(event["multiValueQueryStringParameters"], json!({ "a": ["1", "2"] }));
    assert_eq!(event["requestContext"]["authorizer"]["role"], "admin");
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.2");
    assert_eq!(event["stageVariables"], Value::Null);
}

#[test]
fn authorizers_get_their_identity_in_the_form_of_their_payload_and_never_the_body() {
    let identity = ["Bearer x".to_owned(), "1".to_owned()];
    let one = with("$default", &call(), |target| target.request_one("arn:m", &identity));
    for (name, value) in [
        ("version", json!("1.0")),
        ("type", json!("REQUEST")),
        ("methodArn", json!("arn:m")),
        ("identitySource", json!("Bearer x,1")),
        ("authorizationToken", json!("Bearer x,1")),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    let two = with("$default", &call(), |target| target.request_two("arn:r", &identity));
    for (name, value) in [
        ("version", json!("2.0")),
        ("type", json!("REQUEST")),
        ("routeArn", json!("arn:r")),
        ("identitySource", json!(["Bearer x", "1"])),
        ("routeKey", json!("POST /notes/{id}")),
    ] {
        assert_eq!(two[name], value, "{name}");
    }
    for event in [one, two] {
        assert!(event.get("body").is_none() && event["requestContext"].get("authorizer").is_none());
    }
}
