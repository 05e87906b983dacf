//! Lambda's `Invoke`, as a program beside the functions calls it, with a real process behind it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use nova_local::{Binaries, LogSink, Options, Stack};
use serde_json::{Value, json};

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0";

async fn stack() -> Stack {
    let exe = std::env::current_exe().unwrap();
    let examples = exe.parent().unwrap().parent().unwrap().join("examples");
    let binaries = ["puppet", "guard"].map(|name| (name.to_owned(), examples.join("puppet")));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/main.yaml");
    let stack = Stack::start(Options {
        binaries: Binaries::Explicit(BTreeMap::from(binaries)),
        logs: LogSink::memory(),
        ..Options::in_memory(fixture)
    });
    stack.await.unwrap()
}

struct Answered {
    status: u16,
    error: Option<String>,
    kind: Option<String>,
    body: Value,
}

async fn invoke(stack: &Stack, name: &str, body: String, headers: &[(&str, &str)]) -> Answered {
    let url = format!("{}/2015-03-31/functions/{name}/invocations", stack.services_url());
    let mut call = reqwest::Client::new().post(url).body(body);
    for (name, value) in headers {
        call = call.header(*name, *value);
    }
    let answer = call.send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (error, kind) = (header("x-amz-function-error"), header("x-amzn-errortype"));
    let status = answer.status().as_u16();
    let body = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
    Answered { status, error, kind, body }
}

#[tokio::test]
async fn a_program_gets_what_the_function_answered_and_is_told_when_that_is_no_answer() {
    let stack = stack().await;
    let signed = [("authorization", SIGNED)];
    let ask = |name: &'static str, event: Value| invoke(&stack, name, event.to_string(), &signed);
    let said = ask("Puppet", json!({ "do": "say", "answer": { "yes": true } })).await;
    assert_eq!((said.status, said.error, said.body), (200, None, json!({ "yes": true })));
    let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3APuppet";
    let by_arn = ask(arn, json!({ "do": "say", "answer": 1 })).await;
    assert_eq!((by_arn.status, by_arn.body), (200, json!(1)));
    let failed = ask("Puppet", json!({ "do": "fail", "message": "Unauthorized" })).await;
    assert_eq!((failed.status, failed.error.as_deref()), (200, Some("Unhandled")));
    assert_eq!(failed.body["errorMessage"], "Unauthorized");
    let ended = ask("Puppet", json!({ "do": "crash" })).await;
    assert_eq!(
        (ended.error.as_deref(), &ended.body["errorType"]),
        (Some("Unhandled"), &json!("Runtime.ExitError"))
    );
    let late = ask("Puppet", json!({ "do": "hang" })).await;
    assert_eq!(
        (late.error.as_deref(), &late.body["errorType"]),
        (Some("Unhandled"), &json!("Sandbox.Timedout"))
    );
    stack.stop().await;
}

#[tokio::test]
async fn what_lambda_would_not_call_is_not_called() {
    let stack = stack().await;
    let signed = ("authorization", SIGNED);
    let event = || json!({ "do": "say" }).to_string();
    for (name, body, headers, status, kind) in [
        ("Nobody", event(), vec![signed], 404, Some("ResourceNotFoundException")),
        ("Puppet:live", event(), vec![signed], 404, Some("ResourceNotFoundException")),
        ("Puppet", event(), vec![], 403, Some("MissingAuthenticationTokenException")),
        (
            "Puppet",
            event(),
            vec![("authorization", "Bearer x")],
            403,
            Some("MissingAuthenticationTokenException"),
        ),
        ("Puppet", "{".to_owned(), vec![signed], 400, Some("InvalidRequestContentException")),
        (
            "Puppet",
            event(),
            vec![signed, ("x-amz-invocation-type", "Event")],
            400,
            Some("InvalidParameterValueException"),
        ),
        ("Puppet", event(), vec![signed, ("origin", "https://evil.example")], 403, None),
    ] {
        let answer = invoke(&stack, name, body, &headers).await;
        assert_eq!((answer.status, answer.kind.as_deref()), (status, kind), "{name} {headers:?}");
        assert_eq!(answer.error, None, "{name} {headers:?}");
    }
    stack.stop().await;
}
