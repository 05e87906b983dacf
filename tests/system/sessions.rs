//! Where somebody is logged in: the list, and ending one session or all of them.

use serde_json::json;

use crate::support::client::{Answer, Client};
use crate::support::rows::{IDENTITY, SESSIONS, number};
use crate::support::stack::{Pair, System, User};
use crate::support::tokens::claims;

async fn list(system: &System, client: &Client, access: &str) -> Answer {
    let answer = client.get(&system.auth("sessions"), Some(access)).await;
    answer.expect_envelope();
    answer
}

/// The ids of a list, as they stand in it.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sessions = answer.body["data"]["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

async fn end(system: &System, client: &Client, access: &str, id: &str) -> Answer {
    let url = if id.is_empty() { system.auth("sessions") } else { system.auth(&format!("sessions/{id}")) };
    client.send(client.request("DELETE", &url).header("accept-language", "en").bearer_auth(access)).await
}

fn session_of(pair: &Pair) -> String {
    claims(&pair.access)["sid"].as_str().unwrap().to_owned()
}

/// Somebody who is logged in three times, the last time at the end.
async fn three_logins(system: &System) -> (User, Vec<Pair>) {
    let sara = system.user("sara").await;
    let mut pairs = Vec::new();
    for last in [2, 3, 4] {
        pairs.push(system.login(&Client::at(last), &sara).await);
    }
    (sara, pairs)
}

#[tokio::test]
async fn the_list_has_the_live_sessions_of_the_user_the_newest_first_and_says_which_is_asking() {
    let system = System::start().await;
    let (sara, pairs) = three_logins(&system).await;
    system.login(&Client::at(5), &system.user("omar").await).await;
    let answer = list(&system, &Client::at(2), &pairs[1].access).await;
    let expected: Vec<_> = pairs.iter().rev().map(session_of).collect();
    assert_eq!(ids(&answer), expected);
    let mine = &answer.body["data"]["sessions"][1];
    let members: Vec<_> = mine.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["createdAt", "current", "device", "expiresAt", "id", "lastSeenAt"]);
    assert_eq!((&mine["current"], &mine["device"]["ip"]), (&json!(true), &json!("127.0.0.3")));
    let row =
        system.rows.one(SESSIONS, &format!("USER#{}", sara.id), &format!("SESSION#{}", expected[1])).await;
    for (member, attribute) in
        [("createdAt", "createdAt"), ("lastSeenAt", "rotatedAt"), ("expiresAt", "idleEnd")]
    {
        let time: jiff::Timestamp = mine[member].as_str().unwrap().parse().unwrap();
        assert_eq!(time.as_millisecond(), number(&row[attribute]), "{member}");
    }
    for other in [0, 2] {
        assert_eq!(answer.body["data"]["sessions"][other]["current"], false);
    }
}

#[tokio::test]
async fn what_has_ended_is_not_in_the_list_though_its_row_is_still_there() {
    let system = System::start().await;
    let (sara, pairs) = three_logins(&system).await;
    let (client, profile) = (Client::at(2), format!("USER#{}", sara.id));
    let row = |pair: &Pair| format!("SESSION#{}", session_of(pair));
    system.rows.shift(SESSIONS, &profile, &row(&pairs[0]), "idleEnd", -700_000).await;
    system.rows.set(SESSIONS, &profile, &row(&pairs[1]), "state", json!({"S": "revoked"})).await;
    assert_eq!(ids(&list(&system, &client, &pairs[2].access).await), [session_of(&pairs[2])]);
    // One of an epoch that is over: every session was ended, and only then somebody logged in.
    system.rows.set(IDENTITY, &profile, "PROFILE", "epoch", json!({"N": "2"})).await;
    let next = system.login(&client, &sara).await;
    assert_eq!(ids(&list(&system, &client, &next.access).await), [session_of(&next)]);
    for ended in &pairs {
        end(&system, &client, &next.access, &session_of(ended)).await.expect(404, "SESSION_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_session_that_is_ended_is_dead_at_its_next_decision_and_the_others_are_not() {
    let system = System::start().await;
    let (sara, pairs) = three_logins(&system).await;
    let client = Client::at(2);
    let answer = end(&system, &client, &pairs[2].access, &session_of(&pairs[0])).await;
    assert_eq!((answer.status, answer.text("/message")), (200, "The session was ended.".to_owned()));
    answer.expect_envelope();
    system.assert_dead(&client, &pairs[0]).await;
    system.assert_lets_in(&client, &pairs[1].access, &sara).await;
    end(&system, &client, &pairs[2].access, &session_of(&pairs[0])).await.expect(404, "SESSION_NOT_FOUND");
    // The one that asks can be ended as well, and then asks no more.
    assert_eq!(end(&system, &client, &pairs[2].access, &session_of(&pairs[2])).await.status, 200);
    end(&system, &client, &pairs[2].access, &session_of(&pairs[1])).await.expect(401, "TOKEN_REVOKED");
    system.assert_dead(&client, &pairs[2]).await;
    system.assert_lets_in(&client, &pairs[1].access, &sara).await;
    assert_eq!(system.rows.like(IDENTITY, &format!("EVENT#{}", sara.id), "EVENT#").await.len(), 1 + 3 + 2);
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_told_from_one_that_never_was() {
    let system = System::start().await;
    let (sara, omar) = (system.user("sara").await, system.user("omar").await);
    let client = Client::at(2);
    let (saras, omars) = (system.login(&client, &sara).await, system.login(&client, &omar).await);
    let mut told = Vec::new();
    for id in [session_of(&omars).as_str(), "0190163d-8694-739b-aea5-966c26f8ad90", "PROFILE", "%23", "x#y"] {
        let answer = end(&system, &client, &saras.access, id).await;
        answer.expect(404, "SESSION_NOT_FOUND");
        // The ids of the request and its time differ, and nothing else does.
        let own = |name: &str| name.starts_with("x-") || name == "date";
        let headers = answer.headers.iter().filter(|(name, _)| !own(name.as_str()));
        let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
        told.push((answer.body.clone(), headers));
    }
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:#?}");
    system.assert_lets_in(&client, &omars.access, &omar).await;
}

#[tokio::test]
async fn ending_all_of_them_ends_this_one_too_and_nobody_elses() {
    let system = System::start().await;
    let (sara, pairs) = three_logins(&system).await;
    let (omar, client) = (system.user("omar").await, Client::at(2));
    let omars = system.login(&client, &omar).await;
    assert_eq!(end(&system, &client, &pairs[1].access, "").await.status, 200);
    for pair in &pairs {
        system.assert_dead(&client, pair).await;
    }
    end(&system, &client, &pairs[1].access, "").await.expect(401, "TOKEN_REVOKED");
    system.assert_lets_in(&client, &omars.access, &omar).await;
    system.login(&client, &sara).await;
}

#[tokio::test]
async fn a_list_comes_in_pages_of_the_size_that_was_asked_for() {
    let system = System::start().await;
    let (_, pairs) = three_logins(&system).await;
    let client = Client::at(2);
    let page = async |query: &str| {
        let answer = client.get(&format!("{}{query}", system.auth("sessions")), Some(&pairs[0].access)).await;
        answer.expect_envelope();
        answer
    };
    let first = page("?limit=2").await;
    assert_eq!(ids(&first), [session_of(&pairs[2]), session_of(&pairs[1])]);
    let cursor = first.text("/data/nextCursor");
    let second = page(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&second), [session_of(&pairs[0])]);
    assert!(second.body["data"].get("nextCursor").is_none(), "{}", second.body);
    assert_eq!(ids(&page(&format!("?cursor={cursor}")).await), [session_of(&pairs[0])]);
    // Nothing is read into what is not understood.
    for query in ["?limit=0", "?limit=101", "?limit=x", "?limit=1&limit=2", "?cursor=x", "?cursor=PROFILE"] {
        let refused = page(query).await;
        refused.expect(400, "VALIDATION_FAILED");
        let field = &query[1..query.find('=').unwrap()];
        assert_eq!(refused.body["errors"][0]["field"], field, "{query}");
        assert_eq!(refused.body["errors"].as_array().unwrap().len(), 1, "{query}");
    }
    assert_eq!(page("?limit=0&cursor=x").await.body["errors"].as_array().unwrap().len(), 2);
    // An empty value is none, and a name that means nothing is nothing.
    assert_eq!(ids(&page("?limit=&cursor=&page=2").await).len(), 3);
}

/// It is the place in the user's own list, and leads nowhere else.
#[tokio::test]
async fn the_cursor_of_somebody_else_shows_nothing_of_theirs() {
    let system = System::start().await;
    let (_, saras) = three_logins(&system).await;
    let (omar, client) = (system.user("omar").await, Client::at(5));
    let omars = system.login(&client, &omar).await;
    let url = format!("{}?limit=1", system.auth("sessions"));
    let cursor = client.get(&url, Some(&saras[0].access)).await.text("/data/nextCursor");
    let answer = client.get(&format!("{url}&cursor={cursor}"), Some(&omars.access)).await;
    let found = ids(&answer);
    assert!(found.is_empty() || found == [session_of(&omars)], "{}", answer.body);
}

#[tokio::test]
async fn a_stack_with_a_limit_of_sessions_ends_the_oldest() {
    let system = System::start_in(&[("MAX_SESSIONS_PER_USER", "2")]).await;
    let (sara, pairs) = three_logins(&system).await;
    system.assert_dead(&Client::at(2), &pairs[0]).await;
    for pair in &pairs[1..] {
        system.assert_lets_in(&Client::at(2), &pair.access, &sara).await;
    }
}

#[tokio::test]
async fn nobody_gets_a_list_without_a_token_that_counts() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    for method in ["GET", "DELETE"] {
        let ask = || client.request(method, &system.auth("sessions"));
        client.send(ask()).await.expect(401, "AUTH_TOKEN_MISSING");
        client.send(ask().bearer_auth("x")).await.expect(401, "TOKEN_INVALID");
        client.send(ask().bearer_auth(&pair.refresh)).await.expect(401, "TOKEN_INVALID");
    }
    system
        .rows
        .set(IDENTITY, &format!("USER#{}", sara.id), "PROFILE", "status", json!({"S": "disabled"}))
        .await;
    client.get(&system.auth("sessions"), Some(&pair.access)).await.expect(401, "USER_INACTIVE");
}

#[tokio::test]
async fn a_user_who_asks_too_often_is_told_so_whatever_the_address() {
    let system = System::start_in(&[("API_RATE_LIMIT", "3"), ("API_RATE_SECONDS", "3600")]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    for last in [3, 4, 5] {
        assert_eq!(list(&system, &Client::at(last), &pair.access).await.status, 200);
    }
    let refused = list(&system, &Client::at(6), &pair.access).await;
    refused.expect(429, "API_RATE_LIMITED");
    assert!(refused.header("ratelimit").starts_with("\"api\";r=0;"), "{:?}", refused.headers);
    assert!((1..=3600).contains(&refused.seconds("retry-after")));
    end(&system, &Client::at(7), &pair.access, "").await.expect(429, "API_RATE_LIMITED");
}
