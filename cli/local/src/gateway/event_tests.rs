use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::call::Call;
use super::Target;
use nova_template::{Api, ApiKind};

fn api() -> Api {
    Api {
        logical_id: "NotesApi".to_owned(),
        kind: ApiKind::Rest,
        stage: "v1".to_owned(),
        routes: Vec::new(),
        authorizers: BTreeMap::new(),
        jwt_authorizers: BTreeMap::new(),
        responses: BTreeMap::new(),
    }
}

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn call() -> Call {
    Call {
        method: "POST".to_owned(),
        path: "/notes/7".to_owned(),
        query: pairs(&[("a", "1"), ("a", "2")]),
        headers: pairs(&[("Host", "127.0.0.1:3000"), ("User-Agent", "curl"), ("x-a", "1"), ("x-a", "2")]),
        source_ip: "127.0.0.2".to_owned(),
        request_id: "rid".to_owned(),
        extended_id: "xid=".to_owned(),
        trace_id: "Root=1-0-0".to_owned(),
        raw_query: String::new(),
        now_ms: 1_428_582_896_789,
    }
}

fn target<T>(call: &Call, parameters: &[(&str, &str)], use_it: impl FnOnce(Target<'_>) -> T) -> T {
    let parameters = pairs(parameters).into_iter().collect();
    use_it(Target { api: &api(), call, resource: Some("/notes/{id}"), parameters: &parameters })
}

#[test]
fn the_event_of_a_route_is_the_one_that_rest_apis_send() {
    let authorizer = json!({ "principalId": "u", "integrationLatency": 3, "role": "admin" });
    let event = target(&call(), &[("id", "7")], |target| target.proxy(b"{}", Some(&authorizer)));
    let expected = json!({
        "resource": "/notes/{id}",
        "path": "/notes/7",
        "httpMethod": "POST",
        "headers": { "Host": "127.0.0.1:3000", "User-Agent": "curl", "x-a": "2" },
        "multiValueHeaders": { "Host": ["127.0.0.1:3000"], "User-Agent": ["curl"], "x-a": ["1", "2"] },
        "queryStringParameters": { "a": "2" },
        "multiValueQueryStringParameters": { "a": ["1", "2"] },
        "pathParameters": { "id": "7" },
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "NotesApi",
            "authorizer": { "principalId": "u", "integrationLatency": 3, "role": "admin" },
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "extendedRequestId": "xid=",
            "httpMethod": "POST",
            "identity": {
                "accessKey": null, "accountId": null, "caller": null, "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null, "cognitoIdentityId": null, "cognitoIdentityPoolId": null,
                "principalOrgId": null, "sourceIp": "127.0.0.2", "user": null, "userAgent": "curl", "userArn": null
            },
            "path": "/v1/notes/7",
            "protocol": "HTTP/1.1",
            "requestId": "rid",
            "requestTime": "09/Apr/2015:12:34:56 +0000",
            "requestTimeEpoch": 1_428_582_896_789_u64,
            "resourceId": event["requestContext"]["resourceId"],
            "resourcePath": "/notes/{id}",
            "stage": "v1"
        },
        "body": "{}",
        "isBase64Encoded": false
    });
    assert_eq!(event, expected);
    assert_eq!(event["requestContext"]["resourceId"].as_str().unwrap().len(), 6);
}

#[test]
fn what_a_request_does_not_have_is_null() {
    let call = Call { query: Vec::new(), ..call() };
    let event = target(&call, &[], |target| target.proxy(b"", None));
    for name in ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body"] {
        assert_eq!(event[name], Value::Null, "{name}");
    }
    assert!(event["requestContext"].get("authorizer").is_none());
}

#[test]
fn a_body_that_is_no_text_is_sent_as_text() {
    let event = target(&call(), &[], |target| target.proxy(b"a\xff", None));
    assert_eq!(event["body"], "a\u{fffd}");
    assert_eq!(event["isBase64Encoded"], false);
}

#[test]
fn authorizers_get_the_token_alone_or_the_request_without_its_body() {
    let token = target(&call(), &[], |target| target.token("arn:m", "Bearer x"));
    assert_eq!(token, json!({ "type": "TOKEN", "methodArn": "arn:m", "authorizationToken": "Bearer x" }));
    let call = Call { query: Vec::new(), ..call() };
    let request = target(&call, &[], |target| target.request("arn:m"));
    assert_eq!((request["type"].as_str(), request["methodArn"].as_str()), (Some("REQUEST"), Some("arn:m")));
    assert_eq!(request["queryStringParameters"], json!({}));
    assert_eq!(request["pathParameters"], json!({}));
    assert_eq!(request["requestContext"]["identity"]["sourceIp"], "127.0.0.2");
    assert!(request.get("body").is_none());
}
