//! Refresh: a token is used once, a retry gets the same answer, a theft ends the session.

use serde_json::json;

use crate::support::client::{Answer, Client};
use crate::support::rows::{IDENTITY, SESSIONS, number};
use crate::support::stack::{PASSWORD, Pair, System, User};
use crate::support::tokens::claims;

/// A system with somebody logged in.
async fn logged_in() -> (System, Client, User, Pair) {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    (system, client, sara, pair)
}

/// How often this stands in the users' security logs.
async fn events(system: &System, name: &str) -> usize {
    let events = system.rows.like(IDENTITY, "EVENT#", "EVENT#").await;
    events.iter().filter(|event| event["event"]["S"] == name).count()
}

#[tokio::test]
async fn a_client_whose_answer_was_lost_asks_again_and_goes_on() {
    let (system, client, sara, first) = logged_in().await;
    let lost = Pair::of(&system.refresh(&client, &first.refresh).await);
    let again = Pair::of(&system.refresh(&client, &first.refresh).await);
    assert_eq!(lost.refresh, again.refresh);
    assert_ne!(lost.access, again.access);
    for access in [&first.access, &lost.access, &again.access] {
        system.assert_lets_in(&client, access, &sara).await;
    }
    let next = Pair::of(&system.refresh(&client, &again.refresh).await);
    assert_ne!(next.refresh, again.refresh);
    assert_eq!(events(&system, "authn_token_reuse").await, 0);
}

#[tokio::test]
async fn a_token_that_was_used_up_ends_the_session_of_thief_and_owner_alike() {
    let (system, client, _, first) = logged_in().await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    let third = Pair::of(&system.refresh(&client, &second.refresh).await);
    system.refresh(&Client::at(66), &first.refresh).await.expect(401, "REFRESH_TOKEN_INVALID");
    for pair in [&first, &second, &third] {
        system.assert_dead(&client, pair).await;
    }
    assert_eq!(events(&system, "authn_token_reuse").await, 1, "once, however often it is tried");
    assert!(system.stop().await.contains("authn_token_reuse"));
}

#[tokio::test]
async fn a_retry_after_the_grace_window_is_a_theft() {
    let (system, client, _, first) = logged_in().await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    system.rows.shift(SESSIONS, "USER#", "SESSION#", "rotatedAt", -31).await;
    system.refresh(&client, &first.refresh).await.expect(401, "REFRESH_TOKEN_INVALID");
    system.assert_dead(&client, &second).await;
    assert_eq!(events(&system, "authn_token_reuse").await, 1);
}

#[tokio::test]
async fn a_retry_just_within_the_grace_window_is_none() {
    let (system, client, _, first) = logged_in().await;
    Pair::of(&system.refresh(&client, &first.refresh).await);
    system.rows.shift(SESSIONS, "USER#", "SESSION#", "rotatedAt", -20).await;
    // The successor is made of the row, so its `iat` moves with it; that it comes at all is what counts here.
    Pair::of(&system.refresh(&client, &first.refresh).await);
    assert_eq!(events(&system, "authn_token_reuse").await, 0);
}

#[tokio::test]
async fn where_grace_is_switched_off_every_retry_is_a_theft() {
    let system = System::start_with(|options| {
        options.parameters.insert("RefreshGraceSeconds".to_owned(), "0".to_owned());
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let first = system.login(&client, &sara).await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    system.refresh(&client, &first.refresh).await.expect(401, "REFRESH_TOKEN_INVALID");
    system.assert_dead(&client, &second).await;
}

#[tokio::test]
async fn a_retry_from_another_device_is_a_theft_even_within_the_window() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let device = |print: &str| json!({"fingerprint": print});
    let body = json!({"email": sara.email, "password": PASSWORD, "deviceInfo": device("phone")});
    let first = Pair::of(&client.post(&system.auth("login"), &body).await);
    let refresh = |print: &'static str| {
        let body = json!({"refreshToken": first.refresh, "deviceInfo": device(print)});
        let (client, url) = (client.clone(), system.auth("refresh"));
        async move { client.post(&url, &body).await }
    };
    let second: Answer = refresh("phone").await;
    let second = Pair::of(&second);
    assert_eq!(Pair::of(&refresh("phone").await).refresh, second.refresh);
    refresh("another phone").await.expect(401, "REFRESH_TOKEN_INVALID");
    system.assert_dead(&client, &second).await;
}

#[tokio::test]
async fn every_refresh_gives_the_session_another_week() {
    let (system, client, _, first) = logged_in().await;
    system.rows.shift(SESSIONS, "USER#", "SESSION#", "idleEnd", -600_000).await;
    let before = number(&system.rows.one(SESSIONS, "USER#", "SESSION#").await["idleEnd"]);
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    let session = system.rows.one(SESSIONS, "USER#", "SESSION#").await;
    assert_eq!(number(&session["idleEnd"]) / 1000 - number(&session["rotatedAt"]) / 1000, 604_800);
    assert!(number(&session["idleEnd"]) > before);
    assert_eq!(claims(&second.refresh)["exp"].as_i64().unwrap(), number(&session["idleEnd"]) / 1000);
}

#[tokio::test]
async fn the_table_holds_no_refresh_token_and_nothing_that_makes_one() {
    let (system, client, _, first) = logged_in().await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    let row = system.rows.one(SESSIONS, "USER#", "SESSION#").await.to_string();
    for token in [&first.refresh, &second.refresh, &first.access, &second.access] {
        let claims = claims(token);
        assert!(!row.contains(claims["jti"].as_str().unwrap()), "{row}");
        assert!(!row.contains(token.rsplit_once('.').unwrap().1), "{row}");
    }
}
