//! A forgotten password over HTTP. (The races are in `protocol/recovery.rs`.)

use nova_auth::domain::mail::MailKind;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::mail::read;
use crate::support::stack::{PASSWORD, System};

const OTHER: &str = "An0ther-phrase?";

async fn ask(system: &System, last: u8, email: &str) -> Answer {
    Client::at(last).post(&system.auth("recovery"), &json!({"email": email})).await
}

async fn confirm(system: &System, last: u8, body: Value) -> Answer {
    Client::at(last).post(&system.auth("recovery/confirm"), &body).await
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_mail_and_the_old_sessions_are_over() {
    let system = System::start_with_mail().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let asked = ask(&system, 2, &sara.email).await;
    assert_eq!((asked.status, asked.body["data"].is_null()), (202, true), "{}", asked.body);
    asked.expect_envelope();
    let mail = read(&system, &sara.email, MailKind::Reset).await;
    let body = json!({"token": mail.token, "newPassword": OTHER});
    for _ in 0..2 {
        let answer = confirm(&system, 2, body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.expect_envelope();
    }
    system.assert_dead(&client, &pair).await;
    system.try_login(&client, &sara.email, PASSWORD).await.expect(401, "INVALID_CREDENTIALS");
    assert_eq!(system.try_login(&client, &sara.email, OTHER).await.status, 200);
    // On another device, by the code, as people type it.
    ask(&system, 3, &sara.email).await;
    let code = read(&system, &sara.email, MailKind::Reset).await.code;
    let typed = format!("{} {}", &code[..4], &code[4..]);
    let body = json!({"email": sara.email, "code": typed, "newPassword": "And-a-third-0ne"});
    assert_eq!(confirm(&system, 3, body).await.status, 200);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_link_or_a_code_is_one_answer() {
    let system = System::start_with_mail().await;
    let sara = system.user("sara").await;
    ask(&system, 2, &sara.email).await;
    let mail = read(&system, &sara.email, MailKind::Reset).await;
    let used = json!({"token": mail.token, "newPassword": OTHER});
    assert_eq!(confirm(&system, 2, used).await.status, 200);
    for (number, proof) in [
        json!({"token": "x"}),
        json!({"token": "A".repeat(88)}),
        json!({"token": mail.token}),
        json!({"token": format!("{}A", mail.token)}),
        json!({"email": sara.email, "code": "00000000"}),
        json!({"email": "nobody@example.com", "code": "00000000"}),
        json!({"email": sara.email, "code": "12"}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = proof;
        body["newPassword"] = json!("A-third-phrase-7");
        let answer = confirm(&system, 10 + u8::try_from(number).unwrap(), body).await;
        answer.expect(400, "MAIL_TOKEN_INVALID");
    }
}

#[tokio::test]
async fn what_is_missing_or_too_weak_is_named() {
    let system = System::start_with_mail().await;
    let named = |answer: &Answer| {
        answer.expect(400, "VALIDATION_FAILED");
        let errors = answer.body["errors"].as_array().unwrap().iter();
        errors.map(|error| format!("{} {}", error["field"], error["code"])).collect::<Vec<_>>().join(", ")
    };
    for (body, fault) in [
        (json!({"newPassword": OTHER}), r#""token" "REQUIRED""#),
        (json!({"code": "12345678", "newPassword": OTHER}), r#""email" "REQUIRED""#),
        (json!({"token": "x"}), r#""newPassword" "REQUIRED""#),
        (json!({"token": 7, "newPassword": OTHER}), r#""token" "WRONG_TYPE""#),
        (json!({"token": "x", "newPassword": "Sh0rt!"}), r#""newPassword" "PASSWORD_TOO_SHORT""#),
    ] {
        assert_eq!(named(&confirm(&system, 2, body).await), fault);
    }
    assert_eq!(named(&ask(&system, 2, "nobody").await), r#""email" "INVALID""#);
}

/// A stack that sends no mail has none of it.
#[tokio::test]
async fn without_mail_there_is_no_such_path() {
    let system = System::start().await;
    ask(&system, 2, "sara@example.com").await.expect(404, "NOT_FOUND");
    confirm(&system, 2, json!({})).await.expect(404, "NOT_FOUND");
}

#[tokio::test]
async fn asking_says_the_same_of_nobody_and_of_somebody_until_the_mailbox_is_full_and_then_too() {
    let system = System::start_with_mail().await;
    let sara = system.user("sara").await;
    let mut told = Vec::new();
    for (last, email) in [(2, sara.email.as_str()), (3, "nobody@example.com")] {
        let mut answers = Vec::new();
        for _ in 0..4 {
            let answer = ask(&system, last, email).await;
            answers.push((answer.status, answer.body.clone(), answer.header("ratelimit-policy").to_owned()));
        }
        told.push(answers);
    }
    assert_eq!(told[0].iter().map(|(status, ..)| *status).collect::<Vec<_>>(), [202, 202, 202, 429]);
    assert_eq!(told[0][3].1["code"], "MAIL_RATE_LIMITED");
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn no_link_code_password_or_address_is_in_any_log() {
    let system = System::start_with_mail().await;
    let canary = system.user("canary.address").await;
    ask(&system, 113, &canary.email).await;
    let mail = read(&system, &canary.email, MailKind::Reset).await;
    let wrong = json!({"email": canary.email, "code": mail.code, "newPassword": "weak"});
    confirm(&system, 113, wrong).await.expect(400, "VALIDATION_FAILED");
    let body = json!({"token": mail.token, "newPassword": "Canary-Passw0rd!"});
    assert_eq!(confirm(&system, 113, body).await.status, 200);
    let logs = system.stop().await;
    assert!(logs.contains("authn_password_reset"), "{logs}");
    for secret in ["canary", &mail.token, &mail.code, "127.0.0.113", "$2b$"] {
        assert!(!logs.to_lowercase().contains(&secret.to_lowercase()), "{secret} in {logs}");
    }
}
