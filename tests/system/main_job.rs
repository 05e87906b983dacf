//! The main job: log in, call an API that knows nothing of passwords, refresh, log out.

use serde_json::json;

use crate::support::client::Client;
use crate::support::stack::{PASSWORD, Pair, System};

#[tokio::test]
async fn a_user_logs_in_calls_an_api_refreshes_and_logs_out() {
    let system = System::of_processes(&[]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));

    let login = system.try_login(&client, &sara.email, PASSWORD).await;
    login.expect_envelope();
    assert_eq!(login.body["data"]["expiresIn"], 900);
    assert_eq!(
        login.body["data"]["user"],
        json!({"id": sara.id, "name": "Somebody", "email": sara.email, "role": "user"})
    );
    let first = Pair::of(&login);
    system.assert_lets_in(&client, &first.access, &sara).await;

    let refreshed = system.refresh(&client, &first.refresh).await;
    refreshed.expect_envelope();
    assert_eq!(refreshed.body["data"]["expiresIn"], 900);
    let second = Pair::of(&refreshed);
    assert_ne!(first.access, second.access);
    assert_ne!(first.refresh, second.refresh);
    system.assert_lets_in(&client, &second.access, &sara).await;
    system.assert_lets_in(&client, &first.access, &sara).await;

    let out = system.logout(&client, Some(&second.access), &json!({"refreshToken": second.refresh})).await;
    out.expect_envelope();
    assert_eq!((out.status, out.body["success"].clone()), (200, json!(true)));
    assert!(out.body.get("data").is_none(), "{}", out.body);
    system.assert_dead(&client, &second).await;
    system.whoami(&client, &first.access).await.expect(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn an_attached_api_learns_who_is_calling_whichever_kind_of_authorizer_it_has() {
    let system = System::of_processes(&[]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let session = system.rows.one("SessionsTable", "USER#", "SESSION#").await;
    let expected = json!({
        "userId": sara.id,
        "email": sara.email,
        "role": "user",
        "sessionId": session["sessionId"]["S"],
    });
    for url in [system.notes("/whoami"), system.token_notes("/whoami")] {
        let answer = client.get(&url, Some(&pair.access)).await;
        assert_eq!((answer.status, &answer.body["data"]), (200, &expected), "{url}");
    }
}

#[tokio::test]
async fn an_attached_api_turns_away_who_shows_no_token_or_none_of_ours() {
    let system = System::of_processes(&[]).await;
    let client = Client::at(2);
    for url in [system.notes("/whoami"), system.token_notes("/whoami"), system.notes("/notes")] {
        for token in [None, Some(""), Some("x"), Some("a.b.c")] {
            let answer = client.get(&url, token).await;
            answer.expect(401, "UNAUTHORIZED");
            assert_eq!(answer.text("/message"), "غير مصرح", "{url} {token:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{url} {token:?}");
        }
    }
}

#[tokio::test]
async fn an_api_without_rules_lets_nobody_in_unless_that_is_switched_on() {
    let system = System::start_with(|options| {
        options.in_process.clear();
        options.parameters.insert("NoRules".to_owned(), "deny".to_owned());
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;

    for url in [system.notes("/whoami"), system.token_notes("/whoami")] {
        let answer = client.get(&url, Some(&pair.access)).await;
        answer.expect(403, "FORBIDDEN");
        assert_eq!(answer.text("/message"), "ليس لديك صلاحية للوصول إلى هذا المورد", "{url}");
    }
    let request = client.request("GET", &system.notes("/whoami")).bearer_auth(&pair.access);
    let answer = client.send(request.header("accept-language", "en")).await;
    answer.expect(403, "FORBIDDEN");
    assert_eq!(answer.text("/message"), "You are not allowed to use this resource.");
    // The token is good all the same: it refreshes and logs out.
    assert_eq!(system.refresh(&client, &pair.refresh).await.status, 200);
}

#[tokio::test]
async fn every_method_that_is_open_is_open_and_every_other_is_refused_in_the_envelope() {
    let system = System::of_processes(&[]).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let post = client.request("POST", &system.notes("/notes")).bearer_auth(&pair.access);
    let answer = client.send(post.json(&json!({"text": "مرحبا"}))).await;
    assert_eq!((answer.status, &answer.body["data"]["note"]["text"]), (201, &json!("مرحبا")));
    for (method, url) in [
        ("PUT", system.notes("/notes")),
        ("GET", system.notes("/nothing")),
        ("GET", system.auth("login")),
        ("PUT", system.auth("refresh")),
        ("POST", format!("{}/api/auth/loginx", system.stack.url())),
    ] {
        let answer = client.send(client.request(method, &url).bearer_auth(&pair.access)).await;
        answer.expect(404, "NOT_FOUND");
    }
}
