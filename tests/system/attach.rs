//! An HTTP API of another team that attaches the authorizer: what its users see, what is kept, and for how long.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nova_local::Clock;
use serde_json::json;

use crate::support::binaries;
use crate::support::client::{Answer, Client};
use crate::support::program::{command, run};
use crate::support::stack::{Pair, System};
use crate::support::written::Written;

fn sample() -> PathBuf {
    binaries::workspace().join("tests/consumer/http/template.yaml")
}

/// The sample with something else in it, for one test.
fn changed(changes: &[(&str, &str)]) -> Written {
    let mut text = std::fs::read_to_string(sample()).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the sample has no {from}");
        text = text.replace(from, to);
    }
    Written::new("template.yaml", &text)
}

async fn attached(template: &Path) -> System {
    System::start_with(|options| options.attach.push(template.to_owned())).await
}

fn url(system: &System, path: &str) -> String {
    format!("{}{path}", system.stack.api("HttpNotesApi").unwrap())
}

/// AWS's own words: an HTTP API has no gateway responses.
#[track_caller]
fn expect(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, &answer.body), (status, &json!({ "message": message })));
}

async fn decides_about_every_kind_of_caller(system: &System) {
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let (live, over) = (system.login(&client, &sara).await, system.login(&client, &sara).await);
    let answer = client.get(&url(system, "/whoami"), Some(&live.access)).await;
    assert_eq!((answer.status, answer.text("/data/userId")), (200, sara.id.clone()), "{}", answer.body);
    expect(&client.get(&url(system, "/whoami"), None).await, 401, "Unauthorized");
    expect(&client.get(&url(system, "/whoami"), Some("x.y.z")).await, 401, "Unauthorized");
    let broken = live.access.replace('.', "");
    expect(&client.get(&url(system, "/whoami"), Some(&broken)).await, 401, "Unauthorized");
    assert_eq!(client.get(&url(system, "/whoami"), Some(&over.access)).await.status, 200);
    assert_eq!(system.logout(&client, Some(&over.access), &json!({})).await.status, 200);
    expect(&client.get(&url(system, "/whoami"), Some(&over.access)).await, 401, "Unauthorized");
    expect(&client.get(&url(system, "/nowhere"), Some(&live.access)).await, 404, "Not Found");
    assert_eq!(client.get(&url(system, "/health"), None).await.status, 200);
}

#[tokio::test]
async fn the_rules_of_every_sample_fit_its_template() {
    for folder in ["", "http/", "websocket/"] {
        let file = |name: &str| {
            binaries::workspace().join(format!("tests/consumer/{folder}{name}")).display().to_string()
        };
        let (rules, template) = (file("rules.yaml"), file("template.yaml"));
        let arguments = ["rules", "check", "--file", &rules, "--template", &template];
        let checked = run(command("nova", &arguments), "").await;
        assert!(checked.success && !checked.stdout.contains("it is denied to everybody"), "{checked:?}");
    }
}

#[tokio::test]
async fn an_http_api_lets_in_whoever_a_rest_api_would_and_nobody_else() {
    decides_about_every_kind_of_caller(&attached(&sample()).await).await;
}

/// Payload 1.0 shows an authorizer one value of each header, so that only 2.0 can tell.
#[tokio::test]
async fn two_tokens_are_one_too_many() {
    let system = attached(&sample()).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let request = client.request("GET", &url(&system, "/whoami"));
    let twice = request.bearer_auth(&pair.access).bearer_auth(&pair.access);
    expect(&client.send(twice).await, 401, "Unauthorized");
}

#[tokio::test]
async fn the_older_payload_decides_the_same() {
    let template =
        changed(&[("AuthorizerPayloadFormatVersion: \"2.0\"", "AuthorizerPayloadFormatVersion: \"1.0\"")]);
    decides_about_every_kind_of_caller(&attached(&template).await).await;
}

#[tokio::test]
async fn simple_responses_decide_the_same() {
    let template = changed(&[(
        "AuthorizerPayloadFormatVersion: \"2.0\"",
        "EnableSimpleResponses: true\n            AuthorizerPayloadFormatVersion: \"2.0\"",
    )]);
    let system = System::start_with(|options| {
        options.attach.push(template.to_owned());
        options.parameters.insert("HttpResponses".to_owned(), "simple".to_owned());
    })
    .await;
    decides_about_every_kind_of_caller(&system).await;
}

#[tokio::test]
async fn what_the_rules_deny_is_a_403_without_the_reason() {
    let system = attached(&sample()).await;
    system
        .store_rules("HttpNotesApi", "- route: GET /whoami\n- route: GET /notes\n  permission: notes:read\n")
        .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(client.get(&url(&system, "/whoami"), Some(&pair.access)).await.status, 200);
    for path in ["/notes", "/admin/report"] {
        expect(&client.get(&url(&system, path), Some(&pair.access)).await, 403, "Forbidden");
    }
}

#[tokio::test]
async fn a_browser_may_ask_before_it_calls_and_needs_no_token_for_that() {
    let system = attached(&sample()).await;
    let client = Client::at(2);
    let ask = |origin: &str| {
        let request = client.request("OPTIONS", &url(&system, "/notes")).header("origin", origin);
        client.send(request.header("access-control-request-method", "POST"))
    };
    let answer = ask("https://app.example.com").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (204, "https://app.example.com")
    );
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,content-type");
    assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), "");
    // The front end can read why it is refused, and only the front end.
    let refused = client.request("GET", &url(&system, "/notes")).header("origin", "https://app.example.com");
    let refused = client.send(refused).await;
    assert_eq!(
        (refused.status, refused.header("access-control-allow-origin")),
        (401, "https://app.example.com")
    );
    assert!(!system.stop().await.contains("\"decision\":"), "the authorizer was asked");
}

/// A clock that the test moves, and a system whose HTTP API keeps results for a minute.
async fn keeping(also: &[(&str, &str)]) -> (System, Arc<AtomicU64>) {
    let changes = [&[("ReauthorizeEvery: 0", "ReauthorizeEvery: 60")], also].concat();
    let template = changed(&changes);
    let now = u64::try_from(nova_auth::app::start_time().as_millisecond()).unwrap();
    let time = Arc::new(AtomicU64::new(now));
    let clock = Clock::Manual(time.clone());
    let system = System::start_with(|options| {
        options.attach.push(template.to_owned());
        options.clock = clock;
    })
    .await;
    (system, time)
}

#[tokio::test]
async fn a_kept_result_lets_a_revoked_session_live_for_exactly_its_time_to_live() {
    let (system, time) = keeping(&[]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let whoami = url(&system, "/whoami");
    let status = async |pair: &Pair| client.get(&whoami, Some(&pair.access)).await.status;
    assert_eq!(status(&pair).await, 200);
    system.logout(&client, Some(&pair.access), &json!({})).await;
    time.fetch_add(59_999, Ordering::SeqCst);
    assert_eq!(status(&pair).await, 200, "the result is kept for 60 s");
    time.fetch_add(1, Ordering::SeqCst);
    assert_eq!(status(&pair).await, 401);
    // Another identity has no part in it.
    assert_eq!(status(&system.login(&client, &sara).await).await, 200);
}

#[tokio::test]
async fn a_kept_policy_still_says_no_to_the_routes_that_it_does_not_allow() {
    let (system, _) = keeping(&[]).await;
    let rules = "- route: GET /whoami\n- route: GET /notes\n  permission: notes:read\n";
    system.store_kept_rules("HttpNotesApi", rules).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(client.get(&url(&system, "/whoami"), Some(&pair.access)).await.status, 200);
    expect(&client.get(&url(&system, "/notes"), Some(&pair.access)).await, 403, "Forbidden");
    assert_eq!(system.stop().await.matches("\"decision\":").count(), 1, "one question for both routes");
}

#[tokio::test]
async fn without_an_identity_source_nobody_is_asked() {
    let system = attached(&sample()).await;
    let client = Client::at(2);
    for _ in 0..3 {
        expect(&client.get(&url(&system, "/whoami"), None).await, 401, "Unauthorized");
        let empty = client.request("GET", &url(&system, "/whoami")).header("authorization", "");
        expect(&client.send(empty).await, 401, "Unauthorized");
    }
    assert!(!system.stop().await.contains("\"decision\":"), "the authorizer was asked");
}
