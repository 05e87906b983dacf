//! Development servers in the place of functions, with the authorizer in front of them. The servers are small ones of this
//! process; the authorizer is `examples/puppet.rs`, which decides as its token says.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Request, Response};
use nova_local::{Binaries, LogSink, Options, Origin, Stack};
use serde_json::{Value, json};

/// What a server was asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(Parts, Bytes)>>>);

impl Asked {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn last(&self) -> (Parts, Bytes) {
        self.0.lock().unwrap().last().cloned().unwrap()
    }

    /// A header that holds JSON.
    fn header(&self, name: &str) -> Value {
        let (parts, _) = self.last();
        let mut values = parts.headers.get_all(name).iter();
        let only = values.next().unwrap();
        assert_eq!(values.next(), None, "{name}");
        serde_json::from_str(only.to_str().unwrap()).unwrap()
    }
}

/// A server that answers everything alike.
async fn server(answer: fn() -> Response<Body>) -> (Origin, Asked) {
    let asked = Asked::default();
    let seen = asked.clone();
    let router = Router::new().fallback(move |request: Request<Body>| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        seen.0.lock().unwrap().push((parts, body));
        answer()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (origin, asked)
}

fn options(upstreams: &[(&str, Origin)]) -> Options {
    let exe = std::env::current_exe().unwrap();
    let puppet = exe.parent().unwrap().parent().unwrap().join("examples/puppet");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/upstream.yaml");
    let image: Origin = "http://127.0.0.1:9".parse().unwrap();
    let upstreams = upstreams.iter().cloned().chain([("Image", image)]);
    Options {
        upstreams: upstreams.map(|(name, origin)| (name.to_owned(), origin)).collect(),
        binaries: Binaries::Explicit(BTreeMap::from([("guard".to_owned(), puppet)])),
        logs: LogSink::memory(),
        ..Options::in_memory(template)
    }
}

/// A server behind the routes of `App`.
async fn start(answer: fn() -> Response<Body>) -> (Stack, Asked) {
    let (origin, asked) = server(answer).await;
    (Stack::start(options(&[("App", origin)])).await.unwrap(), asked)
}

fn hello() -> Response<Body> {
    Response::new(Body::from("hello"))
}

/// What makes the puppet say this.
fn policy(effect: &str) -> String {
    let statement = json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": "*" });
    let context = json!({ "userId": "u-7", "name": "سارة" });
    let answer =
        json!({ "principalId": "u-7", "policyDocument": { "Statement": [statement] }, "context": context });
    // A header is ASCII.
    json!({ "do": "say", "answer": answer }).to_string().replace("سارة", "\\u0633\\u0627\\u0631\\u0629")
}

#[tokio::test]
async fn a_call_reaches_the_server_only_past_the_authorizer_and_says_who_is_calling() {
    let (stack, asked) = start(hello).await;
    let client = reqwest::Client::new();
    let call = async |token: Option<&str>| {
        let request = client.get(format!("{}/guarded/notes", stack.url()));
        let request = token.iter().fold(request, |request, token| request.header("authorization", *token));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(call(None).await, 401);
    assert_eq!(call(Some(&policy("Deny"))).await, 403);
    assert_eq!(call(Some(&json!({ "do": "fail", "message": "storage" }).to_string())).await, 500);
    assert_eq!(asked.count(), 0, "the server was asked about a call that was refused");
    assert_eq!(call(Some(&policy("Allow"))).await, 200);
    let context = asked.header("x-amzn-request-context");
    assert_eq!(context["authorizer"]["userId"], "u-7");
    assert_eq!(context["authorizer"]["name"], "سارة", "a name that is not ASCII is another one");
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["resourcePath"], "/guarded/{proxy+}");
    stack.stop().await;
}

/// A client that could write these headers would be whoever it liked.
#[tokio::test]
async fn a_client_cannot_say_who_it_is_in_any_spelling_of_the_gateways_headers() {
    let (stack, asked) = start(hello).await;
    let forged = json!({ "authorizer": { "userId": "admin" } }).to_string();
    for name in [
        "x-amzn-request-context",
        "X-Amzn-Request-Context",
        "X_AMZN_REQUEST_CONTEXT",
        "x-amzn_request-context",
        "x-amzn-lambda-context",
        "X_Amzn_Lambda_Context",
    ] {
        for path in ["open/a", "guarded/a"] {
            let url = format!("{}/{path}", stack.url());
            let request = reqwest::Client::new().get(url).header(name, &forged);
            let answer = request.header("authorization", policy("Allow")).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let (parts, _) = asked.last();
            for (own, value) in &parts.headers {
                assert!(!value.to_str().unwrap().contains("admin"), "{name} came as {own}: {value:?}");
            }
            let spelled = |own: &str| own.replace('_', "-");
            let contexts =
                parts.headers.keys().filter(|own| spelled(own.as_str()) == "x-amzn-request-context");
            assert_eq!(contexts.count(), 1, "{name}");
            let user = &asked.header("x-amzn-request-context")["authorizer"]["userId"];
            assert_eq!(user, &if path == "open/a" { Value::Null } else { json!("u-7") });
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn method_path_query_headers_and_body_come_as_the_client_sent_them() {
    let (stack, asked) = start(hello).await;
    let authority = stack.url().trim_start_matches("http://").to_owned();
    // By hand: a client's library tidies paths up.
    let raw = "PUT /open/a/../b%2Fc/%2e%2e//d?x=1&x=a%26b&y= HTTP/1.1\r\n";
    let mut socket = tokio::net::TcpStream::connect(&authority).await.unwrap();
    let request = format!(
        "{raw}host: {authority}\r\ncookie: a=1; b=2\r\nx-many: 1\r\nx-many: 2\r\nconnection: close\r\ncontent-length: 6\r\n\r\nسسس"
    );
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut socket, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (parts, body) = asked.last();
    assert_eq!(parts.method, "PUT");
    assert_eq!(parts.uri.path(), "/open/a/../b%2Fc/%2e%2e//d", "the rules were asked about another path");
    assert_eq!(parts.uri.query(), Some("x=1&x=a%26b&y="));
    assert_eq!(parts.headers["cookie"], "a=1; b=2");
    assert_eq!(parts.headers.get_all("x-many").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(parts.headers["host"], authority.as_str());
    assert_eq!(body, "سسس".as_bytes());
    stack.stop().await;
}

#[tokio::test]
async fn the_context_of_a_call_is_what_lambdas_runtime_writes() {
    let (stack, asked) = start(hello).await;
    reqwest::get(format!("{}/open/a", stack.url())).await.unwrap();
    let written = asked.header("x-amzn-lambda-context");
    let context: lambda_runtime::Context = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(context.env_config.function_name, "App");
    assert_eq!(context.invoked_function_arn, "arn:aws:lambda:us-east-1:123456789012:function:App");
    assert_eq!(serde_json::to_value(&context).unwrap(), written);
    stack.stop().await;
}

fn rich() -> Response<Body> {
    let answer = Response::builder().status(418).header("content-type", "image/png");
    let answer = answer.header("set-cookie", "a=1; Path=/").header("set-cookie", "b=2").header("x-own", "1");
    answer.body(Body::from(vec![0_u8, 159, 146, 150])).unwrap()
}

#[tokio::test]
async fn an_http_api_sends_payload_two_and_hands_on_bytes_and_cookies() {
    let (stack, asked) = start(rich).await;
    let url = format!("{}/two/a%20b?q=1", stack.api("Http").unwrap());
    let request = reqwest::Client::new().post(url).header("authorization", policy("Allow"));
    let request = request.header("cookie", "c=3; d=4").body(vec![0_u8, 255]);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 418);
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().cloned().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    assert_eq!(
        (&answer.headers()["x-own"], &answer.headers()["content-type"]),
        (&"1".parse().unwrap(), &"image/png".parse().unwrap())
    );
    assert_eq!(answer.bytes().await.unwrap(), [0_u8, 159, 146, 150].as_slice());
    let (parts, body) = asked.last();
    assert_eq!((parts.method.as_str(), parts.uri.to_string().as_str()), ("POST", "/two/a%20b?q=1"));
    assert_eq!(parts.headers["cookie"], "c=3; d=4");
    assert_eq!(body, [0_u8, 255].as_slice());
    assert_eq!(asked.header("x-amzn-request-context")["authorizer"]["lambda"]["userId"], "u-7");
    stack.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_run_is_a_bad_gateway_and_a_line_that_says_so() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let origin: Origin = format!("http://{free}").parse().unwrap();
    let stack = Stack::start(options(&[("App", origin)])).await.unwrap();
    let answer = reqwest::get(format!("{}/open/a", stack.url())).await.unwrap();
    assert_eq!(answer.status(), 502);
    let logs = stack.logs();
    assert!(logs.contains(&format!("app: no answer from http://{free}: ")), "{logs}");
    assert!(logs.contains("is the development server running?"), "{logs}");
    stack.stop().await;
}

#[tokio::test]
async fn a_server_stands_only_where_an_http_server_can() {
    let origin: Origin = "http://127.0.0.1:9".parse().unwrap();
    for (name, line) in [
        ("Guard", "--upstream Guard: it is an authorizer"),
        ("Chat", "--upstream Chat: routes of a WebSocket API can't be served by an HTTP server"),
        (
            "Nobody",
            "--upstream Nobody: no route of a REST or HTTP API leads to a function of that name; those that have one: App, Image",
        ),
    ] {
        let problem = Stack::start(options(&[(name, origin.clone())])).await.unwrap_err().to_string();
        assert!(problem.starts_with(line), "{problem}");
    }
}

#[tokio::test]
async fn a_function_of_another_language_is_named_with_the_way_to_serve_it() {
    let own = Options { binaries: Binaries::Dir("/nowhere".into()), ..options(&[]) };
    let problem = Stack::start(own).await.unwrap_err().to_string();
    assert!(problem.contains("the function App is not a Rust package of this workspace"), "{problem}");
    assert!(problem.contains("--upstream App=http://127.0.0.1:8080"), "{problem}");
}
