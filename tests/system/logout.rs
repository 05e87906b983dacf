//! Logout: it works with whatever the client still has, as often as it is asked for.

use serde_json::json;

use crate::support::client::Client;
use crate::support::rows::{IDENTITY, SESSIONS, number};
use crate::support::stack::{Pair, System, User};
use crate::support::tokens::{claims, expired, sign};

/// A system with somebody logged in.
async fn logged_in() -> (System, Client, User, Pair) {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    (system, client, sara, pair)
}

#[tokio::test]
async fn logging_out_twice_is_as_good_as_once() {
    let (system, client, _, pair) = logged_in().await;
    for _ in 0..3 {
        let answer = system.logout(&client, Some(&pair.access), &json!({"refreshToken": pair.refresh})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.expect_envelope();
    }
    system.assert_dead(&client, &pair).await;
    let events = system.rows.like(IDENTITY, "EVENT#", "EVENT#").await;
    let ended = events.iter().filter(|event| event["event"]["S"] == "authn_token_revoked");
    assert_eq!(ended.count(), 1, "the session ended once");
}

#[tokio::test]
async fn either_token_is_enough() {
    let (system, client, sara, first) = logged_in().await;
    let second = system.login(&client, &sara).await;
    assert_eq!(system.logout(&client, Some(&first.access), &json!({})).await.status, 200);
    system.assert_dead(&client, &first).await;
    system.assert_lets_in(&client, &second.access, &sara).await;
    let answer = system.logout(&client, None, &json!({"refreshToken": second.refresh})).await;
    assert_eq!(answer.status, 200);
    system.assert_dead(&client, &second).await;
}

#[tokio::test]
async fn a_logout_without_a_body_is_fine() {
    let (system, client, _, pair) = logged_in().await;
    let request = client.request("POST", &system.auth("logout")).bearer_auth(&pair.access);
    assert_eq!(client.send(request).await.status, 200);
    system.assert_dead(&client, &pair).await;
}

#[tokio::test]
async fn who_comes_back_after_the_access_token_has_expired_can_still_log_out() {
    let (system, client, _, pair) = logged_in().await;
    let late = expired(&pair.access, &system.keys().await.access);
    assert_eq!(system.logout(&client, Some(&late), &json!({})).await.status, 200);
    system.assert_dead(&client, &pair).await;
}

#[tokio::test]
async fn an_old_refresh_token_still_ends_its_session() {
    let (system, client, _, first) = logged_in().await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    let third = Pair::of(&system.refresh(&client, &second.refresh).await);
    let answer = system.logout(&client, None, &json!({"refreshToken": first.refresh})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    system.assert_dead(&client, &third).await;
}

#[tokio::test]
async fn tokens_of_two_sessions_end_both() {
    let (system, client, sara, first) = logged_in().await;
    let second = system.login(&client, &sara).await;
    let third = system.login(&client, &sara).await;
    let answer = system.logout(&client, Some(&first.access), &json!({"refreshToken": second.refresh})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    system.assert_dead(&client, &first).await;
    system.assert_dead(&client, &second).await;
    system.assert_lets_in(&client, &third.access, &sara).await;
}

#[tokio::test]
async fn without_a_token_of_ours_nothing_ends() {
    let (system, client, sara, pair) = logged_in().await;
    let forged = sign(
        &json!({"typ": "at+jwt", "alg": "HS256", "kid": "access-1"}),
        &claims(&pair.access),
        b"somebody else's key, as long as ours is",
    );
    system.logout(&client, None, &json!({})).await.expect(401, "AUTH_TOKEN_MISSING");
    system.logout(&client, None, &json!({"refreshToken": ""})).await.expect(401, "AUTH_TOKEN_MISSING");
    system.logout(&client, Some(&forged), &json!({})).await.expect(401, "TOKEN_INVALID");
    let swapped = system.logout(&client, Some(&pair.refresh), &json!({"refreshToken": pair.access})).await;
    assert_eq!(swapped.status, 401, "{}", swapped.body);
    system.assert_lets_in(&client, &pair.access, &sara).await;
    // The good one of two is honoured: ending a session is the safe direction.
    let answer = system.logout(&client, Some(&forged), &json!({"refreshToken": pair.refresh})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    system.assert_dead(&client, &pair).await;
}

#[tokio::test]
async fn the_access_token_that_was_shown_stays_blacklisted_until_no_clock_takes_it() {
    let (system, client, _, pair) = logged_in().await;
    system.logout(&client, Some(&pair.access), &json!({})).await;
    let claims = claims(&pair.access);
    let row = system.rows.one(SESSIONS, "USER#", "SESSION#").await;
    assert_eq!(row["revokedTokens"], json!({"SS": [claims["jti"]]}));
    assert!(number(&row["expiresAt"]) > claims["exp"].as_i64().unwrap() + 6);
}
