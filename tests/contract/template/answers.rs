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
                for language in Language::ALL {
                    let body =
                        body_in(&read(path), &response["ResponseTemplates"]["application/json"], language);
                    assert_eq!(
                        keys(&body).collect::<BTreeSet<_>>(),
                        BTreeSet::from(["success", "code", "message"]),
                        "{at}"
                    );
                    assert_eq!(body["success"], false, "{at}");
                    assert_envelope_texts(&body, language, &at);
                }
                let headers = &response["ResponseParameters"]["Headers"];
                if path == AUTH {
                    assert_eq!(headers["Content-Language"]["Fn::Sub"], "'${DefaultLanguage}'", "{at}");
                }
                let headers: BTreeSet<_> = keys(headers).collect();
                for header in HEADERS {
                    assert!(headers.contains(header), "{at} lacks {header}");
                }
            }
        }
    }
}

/// The body that an answer has where this is the stack's language.
fn body_in(template: &Value, body: &Value, language: Language) -> Value {
    let text = match body["Fn::Sub"].as_array().map(Vec::as_slice) {
        Some([text, values]) => {
            let found = &values["message"]["Fn::FindInMap"];
            assert_eq!((&found[0], &found[1]["Ref"]), (&"Messages".into(), &"DefaultLanguage".into()));
            let message =
                &template["Mappings"]["Messages"][language.name()][found[2].as_str().expect("a key")];
            text.as_str().expect("a text").replace("${message}", message.as_str().expect("a message"))
        }
        // The samples have a condition for it: Arabic, or else English.
        _ => {
            let choice = &body["Fn::If"][if language == Language::Arabic { 1 } else { 2 }];
            choice.as_str().or(body.as_str()).expect("a body").to_owned()
        }
    };
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A body says something itself, or passes on what the authorizer said, but never a part of each.
fn assert_envelope_texts(body: &Value, language: Language, at: &str) {
    let (code, said) =
        (body["code"].as_str().unwrap_or_default(), body["message"].as_str().unwrap_or_default());
    if code.starts_with('$') {
        assert_eq!((code, said), ("$context.authorizer.code", "$context.authorizer.message"), "{at}");
    } else {
        assert_eq!(said, message(code, language, &[]), "{at}");
    }
}

/// REST APIs say 403 of a path that no route has, as if a permission were missing; and another 403 where the request carries a
/// token, which they take for a signature.
#[test]
fn what_no_route_has_is_not_found_with_a_token_and_without() {
    for path in [AUTH, CONSUMER] {
        for (api, resource) in of_type(&read(path), "AWS::Serverless::Api") {
            for kind in ["MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE"] {
                let response = &resource["Properties"]["GatewayResponses"][kind];
                let body = &response["ResponseTemplates"]["application/json"];
                let body = body_in(&read(path), body, Language::Arabic);
                assert_eq!(
                    (&response["StatusCode"], &body["code"]),
                    (&404.into(), &"NOT_FOUND".into()),
                    "{path}: {api}"
                );
            }
        }
    }
}

/// The same of the firewall, which sends no request id: it has none of API Gateway's.
#[test]
fn what_the_firewall_refuses_reads_like_an_answer_of_ours() {
    let template = read(AUTH);
    let acl = &template["Resources"]["FirewallAcl"]["Properties"];
    for (name, body) in entries(&acl["CustomResponseBodies"]) {
        for language in Language::ALL {
            let body = body_in(&template, &body["Content"], language);
            assert_eq!(body["success"], false, "{name}");
            assert_envelope_texts(&body, language, name);
        }
    }
    let mut refusals = Vec::new();
    for rule in acl["Rules"].as_array().expect("rules") {
        let rule = rule["Fn::If"].get(1).unwrap_or(rule);
        let response = &rule["Action"]["Block"]["CustomResponse"];
        if response.is_null() {
            continue;
        }
        let headers = response["ResponseHeaders"].as_array().expect("headers").iter();
        let language =
            headers.clone().find(|header| header["Name"] == "Content-Language").expect("a language");
        assert_eq!(language["Value"]["Ref"], "DefaultLanguage", "{}", rule["Name"]);
        let sent: BTreeSet<_> = headers.filter_map(|header| header["Name"].as_str()).collect();
        for header in HEADERS.iter().filter(|header| **header != "X-Request-Id") {
            assert!(sent.contains(header), "{} lacks {header}", rule["Name"]);
        }
        refusals.push((rule["Name"].clone(), response["ResponseCode"].clone()));
    }
    assert_eq!(refusals, [("denied-addresses".into(), 403.into()), ("rate".into(), 429.into())]);
}
