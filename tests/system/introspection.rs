//! Servers that no gateway is in front of ask what a token is worth, over HTTP.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::signed::{signed, signed_with};
use crate::support::stack::{System, with_every_route};

async fn system() -> System {
    System::start_with(with_every_route).await
}

/// Asks what a token is worth.
pub(crate) async fn introspect(system: &System, client: &Client, asked: &Value) -> Answer {
    client.send(signed(client.request("POST", &system.auth("introspect")).json(asked))).await
}

#[tokio::test]
async fn a_server_is_told_who_a_token_is_of_and_by_a_form_as_well() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let told = introspect(&system, &client, &json!({"token": pair.access})).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.headers["cache-control"], "no-store");
    assert_eq!(told.headers["content-type"], "application/json");
    assert_eq!((&told.body["active"], &told.body["sub"]), (&json!(true), &json!(sara.id)));
    assert_eq!((&told.body["acr"], &told.body["amr"]), (&json!("urn:nova:1"), &json!(["pwd"])));
    assert!(told.body.get("allowed").is_none() && told.body.get("success").is_none(), "{}", told.body);
    let form = client.request("POST", &system.auth("introspect"));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let form = form.body(format!("token={}&token_type_hint=access_token", pair.access));
    assert_eq!(client.send(signed(form)).await.body, told.body);
    system.logout(&client, Some(&pair.access), &json!({})).await.expect_status(200);
    let told = introspect(&system, &client, &json!({"token": pair.access})).await;
    assert_eq!((told.status, told.body), (200, json!({"active": false})));
    assert!(!system.stop().await.contains(&pair.access), "a token in the logs");
}

#[tokio::test]
async fn a_server_is_told_what_the_rules_say_of_a_call_and_what_to_tell_its_client() {
    let system = system().await;
    system
        .store_rules(
            "orders",
            "- route: GET /orders\n  permission: orders:read\n- route: DELETE /orders\n  mfa: required\n",
        )
        .await;
    let (reader, other) = (system.user_who_may("reader", &["orders:read"]).await, system.user("other").await);
    let client = Client::at(2);
    let (reads, lacks) = (system.login(&client, &reader).await, system.login(&client, &other).await);
    let ask = async |token: &str, call: &str| {
        let asked = json!({"token": token, "api": "orders", "call": call});
        introspect(&system, &client, &asked).await.body
    };
    let told = ask(&reads.access, "GET /orders").await;
    assert_eq!((&told["allowed"], &told["permissions"]), (&json!(true), &json!(["orders:read"])));
    let told = ask(&lacks.access, "GET /orders").await;
    assert_eq!((&told["active"], &told["allowed"]), (&json!(true), &json!(false)));
    assert_eq!(told["code"], "FORBIDDEN_PERMISSION");
    assert!(told["message"].as_str().is_some_and(|message| !message.is_empty()), "{told}");
    let told = ask(&reads.access, "DELETE /orders").await;
    assert_eq!((&told["allowed"], &told["code"]), (&json!(false), &json!("STEP_UP_REQUIRED")));
    assert_eq!(told["acr"], "urn:nova:1", "what the session was shown, and not what it lacks");
    assert!(told["challenge"].as_str().is_some_and(|challenge| challenge.starts_with("Bearer ")), "{told}");
    let told = ask("a.b.c", "GET /orders").await;
    assert_eq!(told, json!({"active": false, "allowed": false}));
}

#[tokio::test]
async fn a_session_that_may_only_enrol_a_second_factor_is_worth_nothing_to_a_server() {
    let system = System::start_with(|options| {
        with_every_route(options);
        options.parameters.insert("MfaPolicy".to_owned(), "required".to_owned());
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let told = introspect(&system, &client, &json!({"token": pair.access})).await;
    assert_eq!(told.body, json!({"active": false}));
}

#[tokio::test]
async fn nobody_asks_without_the_keys_of_a_server() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let ask = || client.request("POST", &system.auth("introspect")).json(&json!({"token": pair.access}));
    client.send(ask()).await.expect(404, "NOT_FOUND");
    client.send(ask().bearer_auth(&pair.access)).await.expect(404, "NOT_FOUND");
    client.send(signed_with("another", ask())).await.expect(404, "NOT_FOUND");
    assert_eq!(client.send(signed(ask())).await.body["active"], true);
    // Without the parameter there is no such route, whoever signs.
    let plain = System::start().await;
    let ask = client.request("POST", &plain.auth("introspect")).json(&json!({"token": pair.access}));
    client.send(signed(ask)).await.expect(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_question_that_is_none_is_told_what_is_wrong_with_it() {
    let system = system().await;
    let client = Client::at(2);
    for (asked, field) in [
        (json!({}), "token"),
        (json!({"token": 1}), "token"),
        (json!({"token": "a.b.c", "api": "orders"}), "call"),
        (json!({"token": "a.b.c", "call": "GET /orders"}), "api"),
        (json!({"token": "a.b.c", "api": "orders", "call": "GET /orders?all=1"}), "call"),
        (json!({"token": "a.b.c", "api": "orders", "call": "GET /orders", "address": "near"}), "address"),
        (json!({"token": "a.b.c", "api": "x".repeat(200), "call": "GET /orders"}), "api"),
    ] {
        let refused = introspect(&system, &client, &asked).await;
        refused.expect(400, "VALIDATION_FAILED");
        assert_eq!(refused.text("/errors/0/field"), field, "{asked}");
    }
    let ask = |kind: &str, body: String| {
        let ask = client.request("POST", &system.auth("introspect")).header("content-type", kind);
        client.send(signed(ask.body(body)))
    };
    let form = "application/x-www-form-urlencoded";
    ask(form, "token=a&token=b".to_owned()).await.expect(400, "VALIDATION_FAILED");
    ask(form, format!("token={}", "a".repeat(70_000))).await.expect(413, "PAYLOAD_TOO_LARGE");
    ask("text/plain", "token=a".to_owned()).await.expect(415, "UNSUPPORTED_MEDIA_TYPE");
}
