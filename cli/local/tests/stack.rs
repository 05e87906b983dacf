//! A whole stack over two small templates; every function in them is `examples/puppet.rs`.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nova_local::{Binaries, LogSink, Options, Stack};
use reqwest::Client;
use serde_json::{Value, json};

fn options() -> Options {
    let exe = std::env::current_exe().unwrap();
    let puppet = exe.parent().unwrap().parent().unwrap().join("examples/puppet");
    let binaries = ["puppet", "guard", "other"].map(|name| (name.to_owned(), puppet.clone()));
    Options {
        attach: vec![fixture("other/template.yaml")],
        binaries: Binaries::Explicit(BTreeMap::from(binaries)),
        logs: LogSink::memory(),
        ..Options::in_memory(fixture("main.yaml"))
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

async fn post(client: &Client, url: &str, body: &Value) -> (u16, Value) {
    let answer = client.post(url).body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_request_goes_to_its_function_and_comes_back() {
    let stack = Stack::start(options()).await.unwrap();
    let from = Client::builder().local_address(Some([127, 0, 0, 9].into())).build().unwrap();
    let (status, answer) =
        post(&from, &format!("{}/say/x?q=1", stack.url()), &json!({ "do": "answer" })).await;
    assert_eq!(status, 200);
    let event = &answer["event"];
    assert_eq!(event["pathParameters"], json!({ "word": "x" }));
    assert_eq!(event["queryStringParameters"], json!({ "q": "1" }));
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.9");
    assert_eq!(event["requestContext"]["path"], "/v1/say/x");
    stack.stop().await;
}

#[tokio::test]
async fn what_a_function_does_wrong_has_its_status() {
    let stack = Stack::start(options()).await.unwrap();
    let client = Client::new();
    let url = format!("{}/say/x", stack.url());
    for (order, status) in [
        (json!({ "do": "crash" }), 502),
        (json!({ "do": "fail" }), 502),
        (json!({ "do": "say", "answer": { "status": 200 } }), 502),
        (json!({ "do": "hang" }), 504),
        (json!({ "do": "say", "answer": { "statusCode": 418, "body": "{}" } }), 418),
    ] {
        assert_eq!(post(&client, &url, &order).await.0, status, "{order}");
    }
    let (status, answer) = post(&client, &format!("{}/nowhere", stack.url()), &json!({})).await;
    assert_eq!((status, &answer), (403, &json!({ "success": false, "why": "Missing Authentication Token" })));
    assert!(stack.logs().contains("puppet: its answer is malformed: an unknown field status"));
    stack.stop().await;
}

#[tokio::test]
async fn an_attached_api_asks_the_authorizer_of_the_first_template() {
    let stack = Stack::start(options()).await.unwrap();
    let url = format!("{}/notes", stack.api("OtherApi").unwrap());
    let client = Client::new();
    let call = async |token: Option<Value>| {
        let request = client.get(&url);
        let request = match token {
            Some(token) => request.header("authorization", token.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let policy = |effect: &str| {
        let statement =
            json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": "*/v2/GET/notes" });
        json!({ "do": "say", "answer": {
            "principalId": "u", "policyDocument": { "Statement": [statement] }, "context": { "code": "NOT_YOU" }
        } })
    };
    let (status, body) = call(Some(policy("Allow"))).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["event"]["requestContext"]["authorizer"]["code"]), (200, &json!("NOT_YOU")));
    assert_eq!(call(Some(policy("Deny"))).await, (403, r#"{"code":"NOT_YOU"}"#.to_owned()));
    assert_eq!(call(None).await.0, 401);
    assert_eq!(call(Some(json!({ "do": "fail", "message": "Unauthorized" }))).await.0, 401);
    assert_eq!(call(Some(json!({ "do": "fail", "message": "storage" }))).await.0, 500);
    stack.stop().await;
}

#[tokio::test]
async fn a_function_sees_the_templates_environment_and_the_stacks_endpoints() {
    let stack =
        Stack::start(Options { parameters: [("Level".to_owned(), "9".to_owned())].into(), ..options() });
    let stack = stack.await.unwrap();
    let (_, answer) = post(&Client::new(), &format!("{}/say/x", stack.url()), &json!({ "do": "env" })).await;
    let variable = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(variable("LEVEL"), "9");
    assert_eq!(variable("TABLE"), "Things");
    assert_eq!(variable("AWS_ENDPOINT_URL_DYNAMODB"), stack.dynamodb_url());
    assert_eq!(variable("AWS_ENDPOINT_URL_SECRETS_MANAGER"), stack.secretsmanager_url());
    assert_eq!(stack.tables(), ["Things"]);
    stack.stop().await;
}

#[tokio::test]
async fn a_body_beyond_ten_megabytes_is_refused() {
    let stack = Stack::start(options()).await.unwrap();
    let large = vec![b' '; 10 * 1024 * 1024 + 1];
    let answer = Client::new().post(format!("{}/say/x", stack.url())).body(large).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    stack.stop().await;
}

#[tokio::test]
async fn what_does_not_start_says_so_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let main = fixture("main.yaml");
    let twice = format!("{} and another template both have", main.display());
    for (broken, line) in [
        (Options { port, ..options() }, format!("port {port} is in use; choose another with --port")),
        (
            Options { dynamodb_port: port, ..options() },
            format!("port {port} is in use; choose another with --dynamodb-port"),
        ),
        (
            Options { template: "/nowhere.yaml".into(), ..options() },
            "cannot read the template /nowhere.yaml: ".into(),
        ),
        (Options { attach: vec![main.clone()], ..options() }, twice),
        (
            Options { parameters: [("Nobody".to_owned(), String::new())].into(), ..options() },
            format!("{} has no parameter Nobody", main.display()),
        ),
        (
            Options { binaries: Binaries::Dir("/nowhere".into()), ..options() },
            "the function Guard is not a Rust package of this workspace, so it can't be built here: run its code"
                .into(),
        ),
    ] {
        let problem = Stack::start(broken).await.unwrap_err().to_string();
        assert!(problem.starts_with(&line), "{problem}");
        assert!(!problem.contains('\n'));
    }
}
