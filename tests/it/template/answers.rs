//! What API Gateway and the firewall answer by themselves.

use std::collections::BTreeSet;

use nova_auth::messages::{Language, message};
use serde_json::Value;

use super::{AUTH, CONSUMER, entries, keys, of_type, read};

/// The headers that every answer carries, whoever gives it.
const HEADERS: &[&str] =
    &["Cache-Control", "Strict-Transport-Security", "X-Content-Type-Options", "X-Request-Id"];

#[test]
fn what_the_gateway_refuses_reads_like_an_answer_of_ours() {
    for path in [AUTH, CONSUMER] {
        for (api, resource) in of_type(&read(path), "AWS::Serverless::Api") {
            let responses = &resource["Properties"]["GatewayResponses"];
            assert!(!responses["DEFAULT_5XX"].is_null(), "{path}: {api} lets AWS's own bodies out");
            for (kind, response) in entries(responses) {
                let at = format!("{path}: {api}: {kind}");
                for body in in_each_language(&response["ResponseTemplates"]["application/json"]) {
                    let body: Value =
                        serde_json::from_str(body).unwrap_or_else(|error| panic!("{at}: {error}"));
                    assert_eq!(
                        keys(&body).collect::<BTreeSet<_>>(),
                        BTreeSet::from(["success", "code", "message"]),
                        "{at}"
                    );
                    assert_eq!(body["success"], false, "{at}");
                    assert_envelope_texts(&body, &at);
                }
                let headers: BTreeSet<_> = keys(&response["ResponseParameters"]["Headers"]).collect();
                for header in HEADERS {
                    assert!(headers.contains(header), "{at} lacks {header}");
                }
            }
        }
    }
}

/// The one body, or what stands behind a condition.
fn in_each_language(body: &Value) -> Vec<&str> {
    let choices = body["Fn::If"].as_array().map(|choices| choices.iter().skip(1).collect());
    let bodies: Vec<&Value> = choices.unwrap_or_else(|| vec![body]);
    bodies.into_iter().map(|body| body.as_str().expect("a body")).collect()
}

/// A body says something itself, or passes on what the authorizer said, but never a part of each.
fn assert_envelope_texts(body: &Value, at: &str) {
    let (code, message) =
        (body["code"].as_str().unwrap_or_default(), body["message"].as_str().unwrap_or_default());
    if code.starts_with('$') {
        assert_eq!((code, message), ("$context.authorizer.code", "$context.authorizer.message"), "{at}");
    } else {
        assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{at}: {code}");
        assert!(!message.is_empty() && !message.contains('$'), "{at}: {message}");
    }
}

/// The same of the firewall, which sends no request id: it has none of API Gateway's.
#[test]
fn what_the_firewall_refuses_reads_like_an_answer_of_ours() {
    let acl = &read(AUTH)["Resources"]["FirewallAcl"]["Properties"];
    for (name, body) in entries(&acl["CustomResponseBodies"]) {
        let body: Value = serde_json::from_str(body["Content"].as_str().expect("a body")).expect("JSON");
        assert_eq!(body["success"], false, "{name}");
        let message = message(body["code"].as_str().expect("a code"), Language::Arabic, &[]);
        assert_eq!(body["message"], message, "{name}");
    }
    let mut refusals = Vec::new();
    for rule in acl["Rules"].as_array().expect("rules") {
        let rule = rule["Fn::If"].get(1).unwrap_or(rule);
        let response = &rule["Action"]["Block"]["CustomResponse"];
        if response.is_null() {
            continue;
        }
        let headers = response["ResponseHeaders"].as_array().expect("headers").iter();
        let sent: BTreeSet<_> = headers.filter_map(|header| header["Name"].as_str()).collect();
        for header in HEADERS.iter().filter(|header| **header != "X-Request-Id") {
            assert!(sent.contains(header), "{} lacks {header}", rule["Name"]);
        }
        refusals.push((rule["Name"].clone(), response["ResponseCode"].clone()));
    }
    assert_eq!(refusals, [("denied-addresses".into(), 403.into()), ("rate".into(), 429.into())]);
}
