//! What is told of ended sessions, changed users and mails: to whom it matters, and nothing that is anybody's secret.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::stack::{PASSWORD, Pair, System};

/// Waits until something was told that contains this.
async fn told(system: &System, part: &str) {
    let told = async {
        while !system.stack.told().iter().any(|text| text.contains(part)) {
            tokio::task::yield_now().await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(60), told).await;
    assert!(told.is_ok(), "{part} was not told: {:?}", system.stack.told());
}

fn session_of(pair: &Pair) -> String {
    let claims: Value = crate::support::tokens::claims(&pair.access);
    claims["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_ended_session_and_a_changed_user_are_told_and_a_login_or_a_refresh_is_not() {
    let system = System::start_with_mail().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let (ended, kept) = (system.login(&client, &sara).await, system.login(&client, &sara).await);
    let kept = Pair::of(&system.refresh(&client, &kept.refresh).await);
    assert_eq!(system.logout(&client, Some(&ended.access), &json!({})).await.status, 200);
    told(&system, &format!("session:{}:ended", session_of(&ended))).await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": "An0ther-phrase?"});
    let changed = client.request("POST", &system.auth("password")).bearer_auth(&kept.access).json(&body);
    assert_eq!(client.send(changed).await.status, 200);
    told(&system, &format!("user:{}:", sara.id)).await;
    let all = system.stack.told().join("\n");
    // The session that goes on is named as that, and ended nowhere.
    assert_eq!(all.matches(&session_of(&kept)).count(), 1, "{all}");
    assert!(all.contains(&format!(r#""keptSession":"{}""#, session_of(&kept))), "{all}");
    assert!(all.contains(r#""reason":"logout""#) && all.contains("caep/event-type/session-revoked"), "{all}");
    assert!(
        all.contains(r#""detail-type":"Session Ended""#) && all.contains(r#""source":"nova-auth""#),
        "{all}"
    );
}

/// Queue and bus are read by others, with other rights than ours.
#[tokio::test]
async fn no_address_hash_device_or_token_is_in_the_queue_on_the_bus_or_in_the_log_of_the_relay() {
    let system = System::start_with_mail().await;
    let sara = system.user_with("canary.address@example.com", "Canary-Passw0rd!").await;
    let client = Client::at(113);
    let login = client.request("POST", &system.auth("login")).header("user-agent", "CanaryAgent/7.1");
    let login = login.json(&json!({"email": sara.email, "password": "Canary-Passw0rd!"}));
    let pair = Pair::of(&client.send(login).await);
    let asked = client.post(&system.auth("recovery"), &json!({"email": sara.email})).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    told(&system, "session:").await;
    told(&system, "mail:").await;
    let all = system.stack.told().join("\n");
    let logs = system.stop().await;
    assert!(logs.contains("relay: "), "{logs}");
    for text in [all, logs] {
        let text = text.to_lowercase();
        for secret in ["canary", "127.0.0.113", "$2b$", &pair.access, &pair.refresh] {
            assert!(!text.contains(&secret.to_lowercase()), "{secret} in {text}");
        }
    }
}

/// A team that wants open WebSockets to end with their session need not set mail up for it.
#[tokio::test]
async fn with_events_alone_ends_are_told_and_no_mail_can_be_asked_for() {
    let system = System::start_with(|options| {
        drop(options.parameters.insert("Events".to_owned(), "enabled".to_owned()))
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    told(&system, &format!("session:{}:ended", session_of(&pair))).await;
    let asked = client.post(&system.auth("recovery"), &json!({"email": sara.email})).await;
    assert_ne!(asked.status, 202, "{}", asked.body);
    assert!(!system.stack.told().iter().any(|text| text.contains("mail:")));
}

#[tokio::test]
async fn without_mail_nothing_is_told_and_nobody_listens() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    assert!(system.stack.told().is_empty());
    let (_, described) = system.rows.ask("DescribeTable", &json!({"TableName": "SessionsTable"})).await;
    assert!(
        described["Table"].is_object() && described["Table"]["StreamSpecification"].is_null(),
        "{described}"
    );
}
