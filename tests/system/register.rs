//! Strangers who make users of themselves, where that is switched on.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{PASSWORD, System};

async fn open() -> System {
    System::start_in(&[("REGISTRATION", "open")]).await
}

async fn register(system: &System, client: &Client, body: &Value) -> Answer {
    let answer = client.post_in_english(&system.auth("register"), body).await;
    answer.expect_envelope();
    answer
}

fn sara() -> Value {
    json!({"name": " Sara ", "email": "Sara@Example.com", "password": PASSWORD})
}

#[tokio::test]
async fn nobody_registers_unless_it_is_switched_on_and_nothing_else_is_looked_at() {
    let system = System::start().await;
    let client = Client::at(2);
    register(&system, &client, &sara()).await.expect(403, "REGISTRATION_CLOSED");
    let post = || client.request("POST", &system.auth("register"));
    for request in
        [post().body("x"), post(), post().header("content-type", "application/json").body("x".repeat(20_000))]
    {
        client.send(request).await.expect(403, "REGISTRATION_CLOSED");
    }
    assert!(system.rows.like(IDENTITY, "", "").await.is_empty());
    assert!(system.rows.like(SESSIONS, "", "").await.is_empty());
}

#[tokio::test]
async fn a_stranger_becomes_a_user_without_rights_and_can_log_in() {
    let system = open().await;
    let client = Client::at(2);
    let body = json!({"name": " Sara ", "email": "Sara@Example.com", "password": PASSWORD, "role": "admin",
        "permissions": ["notes:read"], "status": "active", "id": "1"});
    let answer = register(&system, &client, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let user = &answer.body["data"]["user"];
    let id = user["id"].as_str().unwrap();
    assert_eq!(*user, json!({"id": id, "name": "Sara", "email": "sara@example.com", "role": "user"}));
    assert_eq!(answer.body["data"].as_object().unwrap().len(), 1);
    let login = system.try_login(&client, "sara@example.com", PASSWORD).await;
    assert_eq!((login.status, &login.body["data"]["user"]), (200, user), "{}", login.body);
    let profile = system.rows.one(IDENTITY, &format!("USER#{id}"), "PROFILE").await;
    assert!(profile["permissions"].is_null(), "{profile}");
    let made = system.rows.like(IDENTITY, &format!("EVENT#{id}"), "EVENT#").await;
    let made = made.iter().find(|row| row["event"]["S"] == "user_created").unwrap();
    assert_eq!(made["ip"]["S"], "127.0.0.2");
    // Nothing is held against the address.
    assert!(system.rows.windows("ATTEMPTS#").await.is_empty());
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let system = open().await;
    let body = json!({"name": "\u{7}", "email": "sara", "password": "sunshine"});
    let answer = register(&system, &Client::at(2), &body).await;
    answer.expect(400, "VALIDATION_FAILED");
    let errors = answer.body["errors"].as_array().unwrap().iter();
    let told: Vec<_> = errors
        .map(|error| format!("{} {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    let expected = [
        "name INVALID",
        "email INVALID",
        "password PASSWORD_NEEDS_MIXED_CASE",
        "password PASSWORD_NEEDS_DIGIT",
        "password PASSWORD_NEEDS_SYMBOL",
        "password PASSWORD_TOO_COMMON",
    ];
    assert_eq!(told, expected);
    let own_address =
        json!({"name": "Sara", "email": "Sara1!@example.com", "password": "sara1!@EXAMPLE.com"});
    let answer = register(&system, &Client::at(2), &own_address).await;
    assert_eq!(answer.text("/errors/0/code"), "PASSWORD_TOO_COMMON", "{}", answer.body);
    assert!(system.rows.windows("ATTEMPTS#").await.is_empty());
}

#[tokio::test]
async fn a_domain_as_people_write_it_and_as_browsers_send_it_is_one_account() {
    let system = System::start_in(&[("REGISTRATION", "open"), ("LOGIN_MAX_ATTEMPTS", "50")]).await;
    let client = Client::at(2);
    for (unicode, ascii) in [
        ("sara@مثال.السعودية", "sara@xn--mgbh0fb.xn--mgberp4a5d4ar"),
        ("user@münchen.de", "user@xn--mnchen-3ya.de"),
    ] {
        for (first, second) in [(unicode, ascii), (ascii, unicode)] {
            // Each spelling is the first one of an account once.
            let numbered = |email: &str| format!("{}{email}", if first == unicode { "a" } else { "b" });
            let body = |email: &str| json!({"name": "Sara", "email": numbered(email), "password": PASSWORD});
            let made = register(&system, &client, &body(first)).await;
            assert_eq!((made.status, made.text("/data/user/email")), (201, numbered(unicode)));
            register(&system, &client, &body(second)).await.expect(409, "EMAIL_TAKEN");
            for email in [first, second] {
                let login = system.try_login(&client, &numbered(email), PASSWORD).await;
                assert_eq!((login.status, login.text("/data/user/email")), (200, numbered(unicode)));
            }
        }
    }
}

#[tokio::test]
async fn an_address_or_a_name_that_looks_like_another_one_is_refused() {
    let system = open().await;
    let client = Client::at(2);
    for (name, email, field) in [
        ("Sara", "sara\u{3164}@example.com", "email"),
        ("Sara", "sara@example.com\u{34f}", "email"),
        ("Sara", "sa..ra@example.com", "email"),
        ("Sara", "sara@999.999.999.999", "email"),
        ("Sa\u{200d}ra", "sara@example.com", "name"),
    ] {
        let body = json!({"name": name, "email": email, "password": PASSWORD});
        let answer = register(&system, &client, &body).await;
        answer.expect(400, "VALIDATION_FAILED");
        assert_eq!(
            (answer.text("/errors/0/field"), answer.text("/errors/0/code")),
            (field.into(), "INVALID".into())
        );
    }
    let body =
        json!({"name": "علی\u{200c}رضا", "email": "ali@example.com", "password": "xukqe1-gyhhyV-cyfpyd"});
    let answer = register(&system, &client, &body).await;
    assert_eq!((answer.status, answer.text("/data/user/name")), (201, "علی\u{200c}رضا".to_owned()));
}

/// That an address is taken is the one thing that this endpoint tells a stranger; it is not told often.
#[tokio::test]
async fn an_address_that_is_taken_is_a_conflict_whose_spelling_does_not_matter_and_is_counted() {
    let system = open().await;
    let client = Client::at(2);
    system.user_with("sara@example.com", "Somebody-e1se!").await;
    for email in [
        "sara@example.com",
        "SARA@example.com",
        " sara@example.com",
        "ｓａｒａ@example.com",
        "Sara@EXAMPLE.COM",
    ] {
        let body = json!({"name": "Sara", "email": email, "password": PASSWORD});
        register(&system, &client, &body).await.expect(409, "EMAIL_TAKEN");
    }
    system.rows.age_attempts("127.0.0.2").await;
    let refused =
        register(&system, &client, &json!({"name": "O", "email": "omar@example.com", "password": PASSWORD}))
            .await;
    refused.expect(429, "AUTH_RATE_LIMITED");
    assert!(refused.seconds("retry-after") > 0);
    // The account is not locked by it, and the password is what it was.
    assert_eq!(system.try_login(&Client::at(3), "sara@example.com", "Somebody-e1se!").await.status, 200);
    assert_eq!(system.rows.like(IDENTITY, "", "PROFILE").await.len(), 1);
}

#[tokio::test]
async fn an_address_that_registers_too_often_is_told_so() {
    let system =
        System::start_in(&[("REGISTRATION", "open"), ("API_RATE_LIMIT", "2"), ("API_RATE_SECONDS", "3600")])
            .await;
    let client = Client::at(2);
    for name in ["one", "two"] {
        let body = json!({"name": name, "email": format!("{name}@example.com"), "password": PASSWORD});
        assert_eq!(register(&system, &client, &body).await.status, 201);
    }
    register(&system, &client, &sara()).await.expect(429, "API_RATE_LIMITED");
    assert_eq!(system.rows.like(IDENTITY, "", "PROFILE").await.len(), 2);
    // Nothing stays held against the address in the window of guesses.
    assert!(system.rows.like(SESSIONS, "ATTEMPTS#", "").await.iter().all(|row| row["hits"].is_null()));
}
