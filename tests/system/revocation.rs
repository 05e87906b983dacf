//! A revoked session is refused on its next decision, whatever revoked it.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::rows::{IDENTITY, SESSIONS, number};
use crate::support::stack::{PASSWORD, Pair, System, User};
use crate::support::tokens::claims;

/// A system with somebody logged in.
async fn logged_in() -> (System, Client, User, Pair) {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    system.assert_lets_in(&client, &pair.access, &sara).await;
    (system, client, sara, pair)
}

#[tokio::test]
async fn a_blacklisted_token_is_refused_and_another_of_its_session_is_not() {
    let (system, client, sara, first) = logged_in().await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    let claims = claims(&first.access);
    let mut row = system.rows.one(SESSIONS, "USER#", "SESSION#").await;
    row["revokedTokens"] = json!({"SS": [claims["jti"]]});
    system.rows.put(SESSIONS, &row).await;
    system.whoami(&client, &first.access).await.expect(401, "UNAUTHORIZED");
    system.assert_lets_in(&client, &second.access, &sara).await;
    assert!(system.stop().await.contains("TOKEN_REVOKED"));
}

#[tokio::test]
async fn a_session_whose_row_is_gone_is_over() {
    let (system, client, _, pair) = logged_in().await;
    system.rows.delete(SESSIONS, "USER#", "SESSION#").await;
    system.assert_dead(&client, &pair).await;
    // And nothing made it again.
    assert_eq!(system.rows.like(SESSIONS, "USER#", "SESSION#").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_session_in_a_state_that_nobody_knows_is_over() {
    for state in ["revoked", "paused", ""] {
        let (system, client, _, pair) = logged_in().await;
        system.rows.set(SESSIONS, "USER#", "SESSION#", "state", json!({"S": state})).await;
        system.assert_dead(&client, &pair).await;
    }
}

#[tokio::test]
async fn a_session_ends_by_its_times_though_its_row_is_still_there() {
    for end in ["idleEnd", "absoluteEnd"] {
        let (system, client, _, pair) = logged_in().await;
        system.rows.shift(SESSIONS, "USER#", "SESSION#", end, -2_592_001).await;
        system.assert_dead(&client, &pair).await;
    }
}

#[tokio::test]
async fn a_disabled_user_is_refused_everywhere_at_once_and_told_why_only_after_the_right_password() {
    let (system, client, sara, pair) = logged_in().await;
    let profile = format!("USER#{}", sara.id);
    system.rows.set(IDENTITY, &profile, "PROFILE", "status", json!({"S": "disabled"})).await;
    system.whoami(&client, &pair.access).await.expect(401, "UNAUTHORIZED");
    system.refresh(&client, &pair.refresh).await.expect(401, "USER_INACTIVE");
    system.try_login(&client, &sara.email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    system.try_login(&client, &sara.email, PASSWORD).await.expect(403, "ACCOUNT_INACTIVE");
    // A status that this version does not know is no better.
    system.rows.set(IDENTITY, &profile, "PROFILE", "status", json!({"S": "invited"})).await;
    system.try_login(&client, &sara.email, PASSWORD).await.expect(403, "ACCOUNT_INACTIVE");
    // The refresh has ended the session for good: enabling the user again gives nobody's old tokens back.
    system.rows.set(IDENTITY, &profile, "PROFILE", "status", json!({"S": "active"})).await;
    system.assert_dead(&client, &pair).await;
    assert_eq!(system.rows.like(SESSIONS, "USER#", "SESSION#").await.len(), 1);
    system.login(&client, &sara).await;
}

#[tokio::test]
async fn a_user_who_is_gone_is_refused_everywhere() {
    let (system, client, sara, pair) = logged_in().await;
    system.rows.delete(IDENTITY, &format!("USER#{}", sara.id), "PROFILE").await;
    system.whoami(&client, &pair.access).await.expect(401, "UNAUTHORIZED");
    system.refresh(&client, &pair.refresh).await.expect(401, "USER_INACTIVE");
    let login = system.try_login(&client, &sara.email, PASSWORD).await;
    assert!([401, 403].contains(&login.status), "{}", login.body);
    login.expect_envelope();
    assert!(login.body.get("data").is_none(), "{}", login.body);
}

#[tokio::test]
async fn raising_the_epoch_ends_every_session_of_the_user_in_one_write() {
    let (system, client, sara, first) = logged_in().await;
    let second = system.login(&Client::at(3), &sara).await;
    let omar = system.user("omar").await;
    let omars = system.login(&client, &omar).await;
    let profile = format!("USER#{}", sara.id);
    system.rows.set(IDENTITY, &profile, "PROFILE", "epoch", json!({"N": "2"})).await;
    for pair in [&first, &second] {
        system.assert_dead(&client, pair).await;
    }
    system.assert_lets_in(&client, &omars.access, &omar).await;
    let third = system.login(&client, &sara).await;
    system.assert_lets_in(&client, &third.access, &sara).await;
}

#[tokio::test]
async fn a_new_role_counts_at_the_next_call_whatever_the_token_says() {
    let (system, client, sara, pair) = logged_in().await;
    let profile = format!("USER#{}", sara.id);
    for role in ["admin", "user", "auditor"] {
        system.rows.set(IDENTITY, &profile, "PROFILE", "role", json!({"S": role})).await;
        for url in [system.notes("/whoami"), system.token_notes("/whoami")] {
            let answer = client.get(&url, Some(&pair.access)).await;
            assert_eq!(answer.text("/data/role"), role, "{}", answer.body);
        }
    }
    assert_eq!(claims(&pair.access)["role"], "user");
    let next = Pair::of(&system.refresh(&client, &pair.refresh).await);
    assert_eq!(claims(&next.access)["role"], "auditor");
}

#[tokio::test]
async fn no_token_outlives_the_absolute_end_of_its_session() {
    let (system, client, _, pair) = logged_in().await;
    let session = system.rows.one(SESSIONS, "USER#", "SESSION#").await;
    let created = number(&session["createdAt"]);
    let end = number(&session["absoluteEnd"]) / 1000;
    assert_eq!(end - created / 1000, 2_592_000);
    assert_eq!(number(&session["expiresAt"]) - end, 86_400);
    // Five minutes are left of thirty days.
    let end = created / 1000 + 300;
    let value = json!({"N": (end * 1000).to_string()});
    system.rows.set(SESSIONS, "USER#", "SESSION#", "absoluteEnd", value).await;
    let answer = system.refresh(&client, &pair.refresh).await;
    let left = answer.body["data"]["expiresIn"].as_i64().unwrap();
    assert!((270..=300).contains(&left), "{left}");
    let next = Pair::of(&answer);
    for token in [&next.access, &next.refresh] {
        assert_eq!(claims(token)["exp"].as_i64().unwrap(), end);
    }
}
