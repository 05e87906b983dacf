//! Whether the two ways in answer: the API, and the authorizer.

use serde_json::{Value, json};

use super::checklist::{API, AUTHORIZER};
use super::deployed::Deployed;
use super::finding::Finding;
use crate::place::call::{Calls, Reply};

/// Asks the API for the public keys: through its gateway and a function, to the keys.
pub(super) async fn api(calls: &Calls, stack: &Deployed) -> Finding {
    let Some(url) = stack.outputs.get("ApiUrl") else {
        return Finding::fail(API, "the stack has no ApiUrl", "is it a stack of Nova Auth?");
    };
    let url = format!("{}/.well-known/jwks.json", url.trim_end_matches('/'));
    match calls.fetch(&url).await {
        Ok((200, body)) if is_a_set(&body) => Finding::pass(API, url),
        Ok((status, _)) => {
            Finding::fail(API, format!("{url} answers {status}"), "docs/runbook.md, \"ApiErrors\"")
        }
        Err(failed) => Finding::unknown(
            API,
            format!("{url}: {failed}"),
            "can this machine reach it, and does its name point there?",
        ),
    }
}

fn is_a_set(body: &str) -> bool {
    serde_json::from_str(body).is_ok_and(|set: Value| set.get("keys").is_some_and(Value::is_array))
}

/// Asks the authorizer about a call that nobody makes, of an API that there is not: without a token, which takes the
/// tables, and with one of a made-up key, which takes the keys. Both must be refused, and as a 401.
pub(super) async fn authorizer(calls: &Calls, stack: &Deployed) -> Finding {
    let Some(function) = stack.physical(super::AUTHORIZER) else {
        return Finding::fail(AUTHORIZER, "the stack has no authorizer", "is it a stack of Nova Auth?");
    };
    for (how, token) in [("without a token", None), ("with a made-up token", Some(made_up()))] {
        match calls.invoke(function, &authorizer_event(&stack.api_arns(), token.as_deref())).await {
            Ok(reply) if is_unauthorized(&reply) => {}
            Ok(reply) if reply.function_failed => {
                return Finding::fail(
                    AUTHORIZER,
                    format!("it can't decide a call {how}"),
                    "docs/runbook.md, \"AuthorizerErrors\"",
                );
            }
            Ok(_) => {
                return Finding::fail(
                    AUTHORIZER,
                    format!("it did not refuse a call {how}"),
                    "close the doors (docs/runbook.md), and find out which code runs there",
                );
            }
            Err(failed) => {
                return Finding::unseen(AUTHORIZER, &failed, "lambda:InvokeFunction on the authorizer");
            }
        }
    }
    Finding::pass(AUTHORIZER, "it refuses a call without a token, and one with a made-up token")
}

/// The one error that API Gateway makes a 401 of.
pub(super) fn is_unauthorized(reply: &Reply) -> bool {
    let error = serde_json::from_str(&reply.text).unwrap_or(Value::Null);
    reply.function_failed && error.get("errorMessage").is_some_and(|message| message == "Unauthorized")
}

/// A `REQUEST` event of a REST API of this place, by the beginning of its ARNs.
pub(super) fn authorizer_event(arns: &str, token: Option<&str>) -> Value {
    let headers = token.map_or(json!({}), |token| json!({"Authorization": format!("Bearer {token}")}));
    json!({
        "type": "REQUEST",
        "methodArn": format!("{arns}:doctor/none/GET/"),
        "resource": "/",
        "path": "/",
        "httpMethod": "GET",
        "headers": headers,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
    })
}

/// A token in form, of a key that no ring has.
fn made_up() -> String {
    // {"alg":"HS256","kid":"doctor","typ":"at+jwt"} . {} . nothing
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImRvY3RvciIsInR5cCI6ImF0K2p3dCJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_error_is_a_refusal() {
        let reply = |text: &str, function_failed| Reply { text: text.to_owned(), function_failed };
        let unauthorized = r#"{"errorType":"Unauthorized","errorMessage":"Unauthorized"}"#;
        assert!(is_unauthorized(&reply(unauthorized, true)));
        assert!(!is_unauthorized(&reply(unauthorized, false)));
        assert!(!is_unauthorized(&reply(r#"{"errorMessage":"no decision"}"#, true)));
        assert!(!is_unauthorized(&reply(r#"{"policyDocument":{}}"#, false)));
    }
}
