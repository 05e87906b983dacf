//! Storage or keys are out of reach: nobody is let in, nobody is logged out, and afterwards all is as it was.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::proxy::Proxy;
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{PASSWORD, Pair, System, User};
use crate::support::tokens;

const NOBODY_LISTENS: &str = "http://127.0.0.1:1";

/// The answer of an outage: come back in a moment. It gives nothing, and takes nothing away.
#[track_caller]
fn expect_unavailable(answer: &Answer) {
    answer.expect(503, "SERVICE_UNAVAILABLE");
    assert_eq!(answer.text("/message"), "الخدمة غير متاحة حاليًا. حاول مرة أخرى بعد قليل");
    assert_eq!(answer.seconds("retry-after"), 1);
    assert_eq!(answer.header("set-cookie"), "");
    assert!(answer.body.get("data").is_none(), "{}", answer.body);
}

#[tokio::test]
async fn while_the_tables_are_out_of_reach_nobody_is_let_in_and_nobody_logged_out() {
    let system = System::start_in(&[("AWS_ENDPOINT_URL_DYNAMODB", NOBODY_LISTENS)]).await;
    let (sara, client, keys) = (system.user("sara").await, Client::at(2), system.keys().await);
    let session = "0190163d-8694-739b-aea5-966c26f8ad90";
    let refresh = tokens::new_refresh(&keys, &sara.id, session);
    let access = tokens::new_access(&keys, &sara.id, session);
    let (held, urls) =
        (json!({"refreshToken": refresh}), [system.notes("/whoami"), system.token_notes("/whoami")]);
    // Each of them asks for a while before it gives up, the refresh for the longest time.
    let (login, refreshed, out, decided) = tokio::join!(
        system.try_login(&client, &sara.email, PASSWORD),
        system.refresh(&client, &refresh),
        system.logout(&client, Some(&access), &held),
        join_all(urls.iter().map(|url| client.get(url, Some(&access)))),
    );
    expect_unavailable(&login);
    expect_unavailable(&refreshed);
    out.expect(500, "LOGOUT_FAILED");
    for answer in decided {
        answer.expect(500, "INTERNAL_ERROR");
        assert_eq!(answer.text("/message"), "حدث خطأ غير متوقع");
    }
    // A no that needs no table is still a no.
    system.refresh(&client, "x").await.expect(401, "REFRESH_TOKEN_INVALID");
    system.whoami(&client, "x").await.expect(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn while_the_keys_are_out_of_reach_nobody_is_let_in_and_nobody_logged_out() {
    let system = System::start_in(&[("AWS_ENDPOINT_URL_SECRETS_MANAGER", NOBODY_LISTENS)]).await;
    let (sara, client, keys) = (system.user("sara").await, Client::at(2), system.keys().await);
    let session = "0190163d-8694-739b-aea5-966c26f8ad90";
    let refresh = tokens::new_refresh(&keys, &sara.id, session);
    let access = tokens::new_access(&keys, &sara.id, session);
    expect_unavailable(&system.try_login(&client, &sara.email, PASSWORD).await);
    expect_unavailable(&system.refresh(&client, &refresh).await);
    expect_unavailable(&system.logout(&client, Some(&access), &json!({})).await);
    system.whoami(&client, &access).await.expect(500, "INTERNAL_ERROR");
    assert_eq!(system.rows.like(SESSIONS, "", "").await, Vec::<Value>::new());
}

/// A system whose tables can be made to fail, with somebody logged in.
async fn breakable() -> (System, Proxy, Client, User, Pair) {
    let proxy = Proxy::start().await;
    let system = System::start_in(&[("AWS_ENDPOINT_URL_DYNAMODB", proxy.url())]).await;
    proxy.forward_to(system.stack.dynamodb_url());
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    (system, proxy, client, sara, pair)
}

#[tokio::test]
async fn a_login_that_cannot_be_completed_leaves_no_session_and_no_attempt_behind() {
    let (system, proxy, client, sara, _) = breakable().await;
    for failing in ["PutItem", "UpdateItem", "GetItem"] {
        proxy.fail(&[failing]);
        expect_unavailable(&system.try_login(&client, &sara.email, PASSWORD).await);
        proxy.fail(&[]);
        let sessions = system.rows.like(SESSIONS, "USER#", "SESSION#").await;
        assert_eq!(sessions.len(), 1, "{failing}: {sessions:?}");
        let attempts = system.rows.like(SESSIONS, "ATTEMPTS#", "").await;
        let held: Vec<_> = attempts.iter().filter(|row| !row["hits"].is_null()).collect();
        assert!(held.is_empty(), "{failing}: {held:?}");
    }
    let again = system.login(&client, &sara).await;
    system.assert_lets_in(&client, &again.access, &sara).await;
}

#[tokio::test]
async fn a_refresh_that_cannot_be_completed_can_be_tried_again_with_the_same_token() {
    let (system, proxy, client, sara, pair) = breakable().await;
    for failing in ["UpdateItem", "GetItem"] {
        proxy.fail(&[failing]);
        expect_unavailable(&system.refresh(&client, &pair.refresh).await);
        proxy.fail(&[]);
        system.assert_lets_in(&client, &pair.access, &sara).await;
    }
    // The second outage came after the token was used up: this is its retry, within the grace window.
    let next = Pair::of(&system.refresh(&client, &pair.refresh).await);
    system.assert_lets_in(&client, &next.access, &sara).await;
    Pair::of(&system.refresh(&client, &next.refresh).await);
}

#[tokio::test]
async fn a_theft_that_cannot_be_written_down_is_not_answered_as_if_it_had_been() {
    let (system, proxy, client, _, first) = breakable().await;
    let second = Pair::of(&system.refresh(&client, &first.refresh).await);
    let third = Pair::of(&system.refresh(&client, &second.refresh).await);
    proxy.fail(&["TransactWriteItems"]);
    expect_unavailable(&system.refresh(&client, &first.refresh).await);
    proxy.fail(&[]);
    system.refresh(&client, &first.refresh).await.expect(401, "REFRESH_TOKEN_INVALID");
    system.assert_dead(&client, &third).await;
}

#[tokio::test]
async fn a_logout_that_is_not_written_says_so_and_is_completed_by_the_next() {
    let (system, proxy, client, _, pair) = breakable().await;
    proxy.fail(&["TransactWriteItems"]);
    system.logout(&client, Some(&pair.access), &json!({})).await.expect(500, "LOGOUT_FAILED");
    proxy.fail(&[]);
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    system.assert_dead(&client, &pair).await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_made_is_an_error_and_never_a_yes_or_a_no() {
    let (system, proxy, client, sara, pair) = breakable().await;
    system.assert_lets_in(&client, &pair.access, &sara).await;
    proxy.fail(&["BatchGetItem"]);
    for url in [system.notes("/whoami"), system.token_notes("/whoami")] {
        client.get(&url, Some(&pair.access)).await.expect(500, "INTERNAL_ERROR");
    }
    proxy.fail(&[]);
    system.assert_lets_in(&client, &pair.access, &sara).await;
}

#[tokio::test]
async fn a_wrong_password_that_cannot_be_recorded_is_still_wrong_and_still_counts() {
    let (system, proxy, client, sara, _) = breakable().await;
    proxy.fail(&["PutItem"]);
    system.try_login(&client, &sara.email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    proxy.fail(&[]);
    let window = system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await;
    assert_eq!(window["hits"]["SS"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn each_answer_costs_as_many_round_trips_as_it_should() {
    let (system, proxy, client, sara, pair) = breakable().await;
    system.assert_lets_in(&client, &pair.access, &sara).await;
    proxy.called();
    let sorted = |mut calls: Vec<String>| {
        calls.sort();
        calls
    };
    system.assert_lets_in(&client, &pair.access, &sara).await;
    assert_eq!(sorted(proxy.called()), ["BatchGetItem"]);
    system.refresh(&client, &pair.refresh).await;
    // The first request of a function is preceded by the read that warms it up.
    proxy.called();
    let next = Pair::of(&system.refresh(&client, &pair.refresh).await);
    assert_eq!(sorted(proxy.called()), ["GetItem", "UpdateItem", "UpdateItem"]);
    let unknown = system.try_login(&client, "nobody@example.com", "wrong").await;
    let unknown_calls = sorted(proxy.called());
    let known = system.try_login(&client, &sara.email, "wrong").await;
    assert_eq!(unknown_calls, sorted(proxy.called()), "who counts the calls learns who has an account");
    assert_eq!(unknown.body, known.body);
    system.logout(&client, Some(&next.access), &json!({})).await;
    proxy.called();
    system.logout(&client, Some(&next.access), &json!({"refreshToken": next.refresh})).await;
    assert_eq!(sorted(proxy.called()), ["TransactWriteItems"]);
    assert!(!system.rows.like(IDENTITY, "EVENT#", "EVENT#").await.is_empty());
}
