//! HTTP and WebSocket APIs over a small template; every function in it is `examples/puppet.rs`, which does what it is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::{SinkExt as _, StreamExt as _};
use nova_local::{Binaries, LogSink, Options, Stack};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn start() -> Stack {
    let exe = std::env::current_exe().unwrap();
    let puppet = exe.parent().unwrap().parent().unwrap().join("examples/puppet");
    let binaries = ["puppet", "guard"].map(|name| (name.to_owned(), puppet.clone()));
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kinds.yaml");
    let options = Options {
        binaries: Binaries::Explicit(BTreeMap::from(binaries)),
        logs: LogSink::memory(),
        ..Options::in_memory(template)
    };
    Stack::start(options).await.unwrap()
}

fn to(stack: &Stack, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("{}{path}", stack.api("Http").unwrap()))
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn each_route_of_an_http_api_has_the_payload_that_it_asked_for() {
    let stack = start().await;
    let order = json!({ "do": "answer" }).to_string();
    let text =
        |request: RequestBuilder| request.header("content-type", "application/json").body(order.clone());
    let (status, two) = answer(text(to(&stack, Method::POST, "/two/a%20b?q=1"))).await;
    assert_eq!((status, &two["event"]["version"]), (200, &json!("2.0")));
    assert_eq!(two["event"]["routeKey"], "POST /two/{word}");
    assert_eq!(two["event"]["pathParameters"], json!({ "word": "a b" }));
    assert_eq!(two["event"]["requestContext"]["stage"], "$default");
    let (status, one) = answer(text(to(&stack, Method::POST, "/one"))).await;
    assert_eq!((status, &one["event"]["version"]), (200, &json!("1.0")));
    assert_eq!(one["event"]["resource"], "/one");
    stack.stop().await;
}

#[tokio::test]
async fn an_http_api_refuses_in_awss_words() {
    let stack = start().await;
    let two = |order: Value| {
        to(&stack, Method::POST, "/two/x").header("content-type", "application/json").body(order.to_string())
    };
    let failed = (500, json!({ "message": "Internal Server Error" }));
    for order in [json!({ "do": "crash" }), json!({ "do": "fail" }), json!({ "do": "hang" })] {
        assert_eq!(answer(two(order.clone())).await, failed, "{order}");
    }
    // All of an answer without a status code is the body.
    let said = two(json!({ "do": "say", "answer": { "hello": 1 } }));
    assert_eq!(answer(said).await, (200, json!({ "hello": 1 })));
    assert_eq!(answer(to(&stack, Method::GET, "/two/x")).await, (404, json!({ "message": "Not Found" })));
    let asked = |order: &Value| to(&stack, Method::GET, "/asked").header("x-order", order.to_string());
    let policy = |effect: &str| {
        let statement = json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": "*" });
        json!({ "do": "say", "answer": {
            "principalId": "u", "policyDocument": { "Statement": [statement] }, "context": { "deep": { "a": [1] } }
        } })
    };
    let (status, allowed) = answer(asked(&policy("Allow"))).await;
    assert_eq!(status, 200, "{allowed}");
    let lambda = &allowed["event"]["requestContext"]["authorizer"]["lambda"];
    assert_eq!(lambda, &json!({ "deep": { "a": [1] } }));
    for (order, status, message) in [
        (policy("Deny"), 403, "Forbidden"),
        (json!({ "do": "fail", "message": "Unauthorized" }), 401, "Unauthorized"),
        (json!({ "do": "fail", "message": "storage" }), 500, "Internal Server Error"),
        // A simple response, which this authorizer is not told to give.
        (json!({ "do": "say", "answer": { "isAuthorized": true } }), 500, "Internal Server Error"),
    ] {
        assert_eq!(answer(asked(&order)).await, (status, json!({ "message": message })), "{order}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_preflight_request_is_the_gateways_unless_a_route_takes_it() {
    let stack = start().await;
    let ask = |path: &str| {
        let request = to(&stack, Method::OPTIONS, path).header("origin", "https://app.example.com");
        request.header("access-control-request-method", "POST").send()
    };
    assert_eq!(ask("/two/x").await.unwrap().status(), 204);
    // ANY takes OPTIONS too, with its authorizer: what a browser is told then is no.
    assert_eq!(ask("/any").await.unwrap().status(), 401);
    stack.stop().await;
}

async fn connect(stack: &Stack, api: &str, path: &str) -> Result<Socket, u16> {
    match connect_async(format!("{}{path}", stack.api(api).unwrap())).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// The next message; `None` when the connection has ended.
async fn next(socket: &mut Socket) -> Option<String> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

async fn send(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

#[tokio::test]
async fn a_message_goes_to_the_route_that_it_names_and_only_some_routes_answer() {
    let stack = start().await;
    let mut socket = connect(&stack, "Sockets", "").await.unwrap();
    send(&mut socket, &json!({ "action": "say", "do": "say", "answer": { "body": "hello" } })).await;
    assert_eq!(next(&mut socket).await.unwrap(), "hello");
    // Were it answered, its answer would be the next one.
    send(&mut socket, &json!({ "action": "quiet", "do": "say", "answer": { "body": "never" } })).await;
    for (message, told) in [
        (json!({ "action": "nobody" }), "Forbidden"),
        (json!({ "action": "$connect" }), "Forbidden"),
        (json!({ "action": "say", "do": "fail" }), "Internal server error"),
    ] {
        send(&mut socket, &message).await;
        let answer: Value = serde_json::from_str(&next(&mut socket).await.unwrap()).unwrap();
        assert_eq!(answer.get("message").unwrap(), told, "{message}");
        assert!(answer.get("connectionId").is_some() && answer.get("requestId").is_some());
    }
    stack.stop().await;
}

#[tokio::test]
async fn an_upgrade_is_refused_with_a_status_and_a_plain_request_too() {
    let stack = start().await;
    // The puppet takes the authorizer's event for an HTTP request: what it says is no policy.
    assert_eq!(connect(&stack, "Guarded", "").await.unwrap_err(), 500);
    assert_eq!(connect(&stack, "Sockets", "/other").await.unwrap_err(), 403);
    assert!(connect(&stack, "Sockets", "/v1").await.is_ok());
    let url = stack.api("Sockets").unwrap().replace("ws://", "http://");
    assert_eq!(Client::new().get(url).send().await.unwrap().status(), 403);
    stack.stop().await;
}

#[tokio::test]
async fn a_function_reaches_a_connection_by_its_id_and_ends_it() {
    let stack = start().await;
    let mut socket = connect(&stack, "Sockets", "").await.unwrap();
    send(&mut socket, &json!({ "action": "say" })).await;
    let event: Value = serde_json::from_str(&next(&mut socket).await.unwrap()).unwrap();
    let id = event.pointer("/event/requestContext/connectionId").unwrap().as_str().unwrap().to_owned();
    let base = stack.api("Sockets").unwrap().replace("ws://", "http://");
    let manage = |method: Method| {
        let url = format!("{base}/v1/@connections/{}", id.replace('=', "%3D"));
        Client::new().request(method, url).header("authorization", "AWS4-HMAC-SHA256 Credential=local")
    };
    assert_eq!(answer(manage(Method::POST).body("from outside")).await.0, 200);
    assert_eq!(next(&mut socket).await.unwrap(), "from outside");
    assert_eq!(answer(manage(Method::GET)).await.1.pointer("/identity/sourceIp").unwrap(), "127.0.0.1");
    assert_eq!(answer(manage(Method::DELETE)).await.0, 204);
    assert_eq!(answer(manage(Method::POST).body("too late")).await.0, 410);
    assert_eq!(next(&mut socket).await, None);
    stack.stop().await;
}

#[tokio::test]
async fn connections_end_with_the_stack() {
    let stack = start().await;
    let mut socket = connect(&stack, "Sockets", "").await.unwrap();
    stack.stop().await;
    assert_eq!(next(&mut socket).await, None);
}
