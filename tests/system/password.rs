//! Setting another password over HTTP; what races with it is in `protocol/password_change.rs`.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{PASSWORD, Pair, System, User};

const NEW: &str = "An0ther-phrase?";

async fn change(system: &System, client: &Client, access: &str, current: &str, new: &str) -> Answer {
    let body = json!({"currentPassword": current, "newPassword": new});
    send(system, client, Some(access), &body).await
}

async fn send(system: &System, client: &Client, access: Option<&str>, body: &Value) -> Answer {
    let request = client.request("POST", &system.auth("password")).header("accept-language", "en").json(body);
    let answer = client.send(access.iter().fold(request, |request, token| request.bearer_auth(token))).await;
    answer.expect_envelope();
    answer
}

async fn logged_in() -> (System, Client, User, Pair) {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    (system, client, sara, pair)
}

#[tokio::test]
async fn this_session_goes_on_with_its_tokens_and_every_other_one_is_over() {
    let (system, client, sara, mine) = logged_in().await;
    let other = system.login(&Client::at(3), &sara).await;
    let answer = change(&system, &client, &mine.access, PASSWORD, NEW).await;
    assert_eq!((answer.status, answer.text("/message")), (200, "The password was changed.".to_owned()));
    assert!(answer.body.get("data").is_none());
    system.assert_lets_in(&client, &mine.access, &sara).await;
    let next = Pair::of(&system.refresh(&client, &mine.refresh).await);
    system.assert_lets_in(&client, &next.access, &sara).await;
    system.assert_dead(&client, &other).await;
    system.try_login(&client, &sara.email, PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    assert_eq!(system.try_login(&client, &sara.email, NEW).await.status, 200);
}

#[tokio::test]
async fn everything_that_is_wrong_with_the_new_password_is_said_at_once_and_changes_nothing() {
    let (system, client, sara, pair) = logged_in().await;
    let codes = |answer: &Answer| -> Vec<String> {
        answer.expect(400, "VALIDATION_FAILED");
        let errors = answer.body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| format!("{} {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect()
    };
    let told = codes(&send(&system, &client, Some(&pair.access), &json!({"newPassword": "sunshine"})).await);
    let expected = [
        "currentPassword REQUIRED",
        "newPassword PASSWORD_NEEDS_MIXED_CASE",
        "newPassword PASSWORD_NEEDS_DIGIT",
        "newPassword PASSWORD_NEEDS_SYMBOL",
        "newPassword PASSWORD_TOO_COMMON",
    ];
    assert_eq!(told, expected);
    for (new, code) in [
        ("Aa1!aaa", "PASSWORD_TOO_SHORT"),
        (&format!("Aa1!{}", "x".repeat(69)), "PASSWORD_TOO_LONG"),
        ("Password123!", "PASSWORD_TOO_COMMON"),
        ("Aa1!aaaa\0", "INVALID"),
    ] {
        let answer = change(&system, &client, &pair.access, PASSWORD, new).await;
        assert_eq!(codes(&answer), [format!("newPassword {code}")], "{new:?}");
    }
    // Nothing of this was an attempt, and the password is what it was.
    assert!(system.rows.like(SESSIONS, "ATTEMPTS#", "").await.iter().all(|row| row["hits"].is_null()));
    system.login(&client, &sara).await;
}

#[tokio::test]
async fn the_address_is_no_password_in_its_profile_of_long_ones_either() {
    let system = System::start_in(&[("PASSWORD_PROFILE", "nist")]).await;
    let (sara, client) = (system.user("sara-of-the-nist").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    for (new, code) in
        [("Aa1!aaaaaaaaaa", "PASSWORD_TOO_SHORT"), ("SARA-of-the-NIST@example.com", "PASSWORD_TOO_COMMON")]
    {
        let answer = change(&system, &client, &pair.access, PASSWORD, new).await;
        answer.expect(400, "VALIDATION_FAILED");
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1, "{}", answer.body);
        assert_eq!(answer.text("/errors/0/code"), code);
    }
    assert_eq!(change(&system, &client, &pair.access, PASSWORD, "only small letters").await.status, 200);
}

/// 400 and not 401, so that no client starts to refresh.
#[tokio::test]
async fn a_wrong_current_password_is_a_guess_like_any_other() {
    let (system, client, sara, pair) = logged_in().await;
    for left in (0..5).rev() {
        let answer = change(&system, &client, &pair.access, "Wrong-horse-9!", NEW).await;
        answer.expect(400, "CURRENT_PASSWORD_INVALID");
        assert!(
            answer.header("ratelimit").starts_with(&format!("\"account\";r={left};")),
            "{:?}",
            answer.headers
        );
    }
    system.rows.age_attempts("127.0.0.2").await;
    change(&system, &client, &pair.access, PASSWORD, NEW).await.expect(429, "AUTH_RATE_LIMITED");
    change(&system, &Client::at(3), &pair.access, PASSWORD, NEW).await.expect(429, "LOGIN_LOCKED");
    system.try_login(&Client::at(4), &sara.email, PASSWORD).await.expect(429, "LOGIN_LOCKED");
    system.assert_lets_in(&client, &pair.access, &sara).await;
    let log = system.rows.like(IDENTITY, &format!("EVENT#{}", sara.id), "EVENT#").await;
    assert_eq!(log.iter().filter(|row| row["event"]["S"] == "authn_login_lock").count(), 1);
}

#[tokio::test]
async fn nobody_sets_a_password_without_a_token_that_counts() {
    let (system, client, _, pair) = logged_in().await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    send(&system, &client, None, &body).await.expect(401, "AUTH_TOKEN_MISSING");
    send(&system, &client, Some("x"), &body).await.expect(401, "TOKEN_INVALID");
    send(&system, &client, Some(&pair.refresh), &body).await.expect(401, "TOKEN_INVALID");
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    send(&system, &client, Some(&pair.access), &body).await.expect(401, "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_user_who_tries_too_often_is_told_so_before_any_hash() {
    let system = System::start_in(&[("API_RATE_LIMIT", "1"), ("API_RATE_SECONDS", "3600")]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    change(&system, &client, &pair.access, "Wrong-horse-9!", NEW)
        .await
        .expect(400, "CURRENT_PASSWORD_INVALID");
    change(&system, &client, &pair.access, PASSWORD, NEW).await.expect(429, "API_RATE_LIMITED");
    assert_eq!(system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await["failures"]["N"], "1");
}
