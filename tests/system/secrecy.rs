//! Nothing secret is logged: all that the functions write is searched for what they were given and what they gave.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use nova_auth::telemetry::{DIMENSION, NAMESPACE};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::stack::{Pair, System};

const PASSWORD: &str = "Canary-Passw0rd!";
const EMAIL: &str = "canary.address@example.com";
const AGENT: &str = "CanaryAgent/7.1";

/// The main job and its accidents, and every token and text that must not be seen again.
async fn main_job(system: &System) -> Vec<String> {
    let sara = system.user_with(EMAIL, PASSWORD).await;
    let client = Client::at(113);
    let post = |endpoint: &str, body: Value| {
        let request = client.request("POST", &system.auth(endpoint)).header("user-agent", AGENT);
        client.send(request.header("cookie", "session=CanaryCookie").json(&body))
    };
    let device = json!({"userAgent": "CanaryClaim", "ip": "203.0.113.77", "fingerprint": "CanaryPrint"});
    let login = json!({"email": EMAIL, "password": PASSWORD, "deviceInfo": device});
    let first = Pair::of(&post("login", login).await);
    let second = Pair::of(&post("refresh", json!({"refreshToken": first.refresh})).await);
    let third = Pair::of(&post("refresh", json!({"refreshToken": second.refresh})).await);
    system.assert_lets_in(&client, &third.access, &sara).await;
    // The accidents: a wrong password, an address that nobody has, a theft, tokens that are none, broken bodies.
    post("login", json!({"email": EMAIL, "password": "CanaryGuess"})).await.expect_envelope();
    post("login", json!({"email": "CanaryStranger@example.com", "password": "CanaryGuess"}))
        .await
        .expect_envelope();
    post("login", json!({"email": "CanaryTypo", "password": ["CanaryGuess"]})).await.expect_envelope();
    post("refresh", json!({"refreshToken": first.refresh})).await.expect_envelope();
    system.assert_dead(&client, &third).await;
    let bad = format!("{}CanaryToken", third.access);
    system.whoami(&client, &bad).await.expect_envelope();
    client.get(&system.token_notes("/whoami"), Some(&bad)).await.expect_envelope();
    system.logout(&client, Some(&bad), &json!({"refreshToken": "CanaryToken"})).await.expect_envelope();
    let request = client.request("POST", &system.auth("login")).header("content-type", "application/json");
    client.send(request.body("{\"CanaryBody\":")).await.expect_envelope();
    [first, second, third].into_iter().flat_map(|pair| [pair.access, pair.refresh]).collect()
}

/// Asserts that the log says nothing of this, and that it is a log.
fn assert_silent(logs: &str, tokens: &[String]) {
    let parts = tokens.iter().flat_map(|token| token.split('.').skip(1));
    let lower = logs.to_lowercase();
    for secret in ["canary", "203.0.113.77", "127.0.0.113", "$2b$"].into_iter().chain(parts) {
        assert!(!lower.contains(&secret.to_lowercase()), "{secret} in {logs}");
    }
}

#[tokio::test]
async fn no_password_address_token_cookie_or_client_is_in_any_log() {
    let system = System::of_processes(&[]).await;
    let tokens = main_job(&system).await;
    let logs = system.stop().await;
    assert_silent(&logs, &tokens);
    // It was looked for in the right place.
    for event in ["authn_login_success", "authn_login_fail", "authn_token_reuse", "\"decision\":\"allow\""] {
        assert!(logs.contains(event), "{event} in {logs}");
    }
    for line in logs.lines() {
        let (function, line) = line.split_once(": ").unwrap();
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{function}: {line}"));
        assert!(line["request.id"].is_string() || line["level"] == "ERROR", "{function}: {line}");
    }
    let counted = counted(&logs);
    for metric in ["authn_login_success", "authn_login_fail", "authn_token_reuse", "authorizer_unauthorized"]
    {
        assert!(counted.contains(metric), "{metric} is not counted: {counted:?}");
    }
}

/// The metrics that the lines count, each line checked against the embedded metric format: CloudWatch drops one that breaks it
/// without a word, and its alarm stays silent.
fn counted(logs: &str) -> BTreeSet<String> {
    let mut counted = BTreeSet::new();
    for (_, line) in logs.lines().filter_map(|line| line.split_once(": ")) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let Some(metadata) = line.get("_aws") else { continue };
        assert!(metadata["Timestamp"].is_u64(), "{line}");
        let [directive] = &metadata["CloudWatchMetrics"].as_array().unwrap()[..] else { panic!("{line}") };
        assert_eq!(directive["Namespace"], NAMESPACE, "{line}");
        assert_eq!(directive["Dimensions"], json!([[DIMENSION]]), "{line}");
        assert!(line[DIMENSION].as_str().is_some_and(|stack| !stack.is_empty()), "{line}");
        let [metric] = &directive["Metrics"].as_array().unwrap()[..] else { panic!("{line}") };
        let name = metric["Name"].as_str().unwrap();
        assert_eq!((&metric["Unit"], &line[name]), (&json!("Count"), &json!(1)), "{line}");
        counted.insert(name.to_owned());
    }
    counted
}

#[tokio::test]
async fn what_goes_wrong_on_our_side_is_logged_without_them_too() {
    let broken = [
        ("SESSIONS_TABLE", "NoSuchTable"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1"),
    ];
    join_all(broken.map(async |broken| {
        let system = System::of_processes(&[broken]).await;
        system.user_with(EMAIL, PASSWORD).await;
        let (client, keys) = (Client::at(113), system.keys().await);
        let session = "0190163d-8694-739b-aea5-966c26f8ad90";
        let access = crate::support::tokens::new_access(&keys, session, session);
        let refresh = crate::support::tokens::new_refresh(&keys, session, session);
        system.try_login(&client, EMAIL, PASSWORD).await.expect_envelope();
        system.refresh(&client, &refresh).await.expect_envelope();
        system.logout(&client, Some(&access), &json!({})).await.expect_envelope();
        system.whoami(&client, &access).await.expect_envelope();
        let logs = system.stop().await;
        assert!(logs.contains("ERROR"), "{broken:?} {logs}");
        assert!(counted(&logs).contains("authorizer_error"), "{broken:?} {logs}");
        assert_silent(&logs, &[access, refresh]);
    }))
    .await;
}
