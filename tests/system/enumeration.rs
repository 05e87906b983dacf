//! What a stranger learns of an address: `docs/enumeration.md` states it, and this holds it.
//!
//! The work behind an answer (calls, rounds, hashes) is held in `protocol/login_secrecy.rs` and `protocol/register.rs`.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::rows::IDENTITY;
use crate::support::stack::{PASSWORD, System};
use crate::support::tokens;

/// All of an answer but what names the request, and what counts seconds.
fn seen(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    answer.expect_envelope();
    let own = ["x-request-id", "date", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id"];
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| {
            let text = value.to_str().unwrap();
            // The window's end is a moment, not a property of the account.
            let text = match name.as_str() {
                "ratelimit" => text.split(";t=").next().unwrap(),
                "retry-after" => "seconds",
                _ => text,
            };
            (name.to_string(), text.to_owned())
        })
        .collect();
    headers.sort();
    (answer.status, answer.body.clone(), headers)
}

#[tokio::test]
async fn a_login_says_the_same_of_nobody_of_somebody_and_of_somebody_inactive_until_the_password_is_right() {
    let system = System::start().await;
    let (somebody, inactive) = (system.user("somebody").await, system.user("inactive").await);
    let pk = format!("USER#{}", inactive.id);
    system.rows.set(IDENTITY, &pk, "PROFILE", "status", json!({"S": "disabled"})).await;
    let mut told = Vec::new();
    for (last, email) in
        [(2, "nobody@example.com"), (3, somebody.email.as_str()), (4, inactive.email.as_str())]
    {
        let mut answers = Vec::new();
        // Five guesses, and what comes after them; in both modes, since a lock is told there too.
        for guess in 0..6 {
            if guess == 5 {
                system.rows.age_attempts(&format!("127.0.0.{last}")).await;
            }
            answers.push(seen(&system.try_login(&Client::at(last), email, &format!("Guess-{guess}!")).await));
        }
        let mut browser = Browser::new(&system, last + 100);
        browser.csrf().await;
        let body = json!({"email": email, "password": "Guess-7!", "tokenDelivery": "cookie"});
        answers.push(seen(&browser.send(browser.request("POST", "/api/auth/login").json(&body)).await));
        told.push(answers);
    }
    assert_eq!(told[0].iter().filter(|(status, ..)| *status == 401).count(), 5);
    assert_eq!(told[0], told[1], "nobody is told from somebody");
    assert_eq!(told[0], told[2], "nobody is told from somebody inactive");
}

/// What a row may hold for a hash when something went wrong with it.
#[tokio::test]
async fn an_account_whose_hash_cannot_be_read_is_a_wrong_password_to_strangers_and_a_line_in_the_log_to_the_operator()
 {
    let system = System::start().await;
    let mut told = Vec::new();
    let hashes = [json!({"S": "$2x$12$canary"}), json!({"S": ""}), json!({"N": "7"}), json!({"NULL": true})];
    let mut ids = Vec::new();
    for (number, hash) in (3..).zip([None].into_iter().chain(hashes.into_iter().map(Some))) {
        let user = system.user(&format!("user{number}")).await;
        if let Some(hash) = hash {
            let pk = format!("EMAIL#{}", user.email);
            system.rows.set(IDENTITY, &pk, "CREDENTIAL", "passwordHash", hash).await;
            ids.push(user.id.clone());
        }
        let mut answers = Vec::new();
        for guess in 0..6 {
            let client = Client::at(number);
            if guess == 5 {
                system.rows.age_attempts(&format!("127.0.0.{number}")).await;
            }
            answers.push(seen(&system.try_login(&client, &user.email, &format!("Guess-{guess}!")).await));
        }
        let client = Client::at(100 + number);
        // Right or wrong, where nothing can be verified: the account is locked by now, and is for everybody else too.
        answers.push(seen(&system.try_login(&client, &user.email, PASSWORD).await));
        told.push(answers);
    }
    assert_eq!(told[0].iter().filter(|(status, ..)| *status == 401).count(), 5);
    for unreadable in &told[1..] {
        assert_eq!(*unreadable, told[0]);
    }
    let logs = system.stop().await;
    for id in ids {
        let lines =
            logs.lines().filter(|line| line.contains("the stored password hash of a user is not readable"));
        assert_eq!(lines.filter(|line| line.contains(&id) && line.contains("ERROR")).count(), 5, "{logs}");
    }
    assert!(!logs.contains("canary") && !logs.contains("@example.com"), "{logs}");
}

#[tokio::test]
async fn that_an_account_is_inactive_hears_only_who_knows_its_password() {
    let system = System::start().await;
    let inactive = system.user("inactive").await;
    let pk = format!("USER#{}", inactive.id);
    system.rows.set(IDENTITY, &pk, "PROFILE", "status", json!({"S": "disabled"})).await;
    let client = Client::at(2);
    system.try_login(&client, &inactive.email, "Guess-1!").await.expect(401, "INVALID_CREDENTIALS");
    system.try_login(&client, &inactive.email, PASSWORD).await.expect(403, "ACCOUNT_INACTIVE");
}

#[tokio::test]
async fn what_is_refused_before_an_address_is_looked_up_is_refused_for_every_address() {
    let system = System::start_in(&[("REGISTRATION", "open")]).await;
    let sara = system.user("sara").await;
    let client = Client::at(2);
    let mut told = Vec::new();
    for email in [sara.email.as_str(), "nobody@example.com"] {
        // Another site's login by cookie; a login and a registration that are not whole.
        let login = json!({"email": email, "password": PASSWORD, "tokenDelivery": "cookie"});
        let short = json!({"email": email, "password": ""});
        let weak = json!({"name": "Sara", "email": email, "password": "weak"});
        let mut answers = Vec::new();
        for (endpoint, body, status) in
            [("login", login, 403), ("login", short, 400), ("register", weak, 400)]
        {
            let answer = client.post(&system.auth(endpoint), &body).await;
            assert_eq!(answer.status, status, "{endpoint}");
            answers.push(seen(&answer));
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_closed_registration_says_nothing_of_any_address() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let client = Client::at(2);
    let mut told = Vec::new();
    for email in [sara.email.as_str(), "nobody@example.com"] {
        let body = json!({"name": "Sara", "email": email, "password": PASSWORD});
        let answer = client.post(&system.auth("register"), &body).await;
        answer.expect(403, "REGISTRATION_CLOSED");
        told.push(seen(&answer));
    }
    assert_eq!(told[0], told[1]);
}

/// The other endpoints take no address. A stranger's token gets one answer, whoever it names.
#[tokio::test]
async fn a_token_that_is_not_ours_gets_one_answer_whoever_it_names() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let client = Client::at(2);
    let pair = system.login(&client, &sara).await;
    let sid = tokens::claims(&pair.access)["sid"].as_str().unwrap().to_owned();
    let nobody = "0190163d-8694-739b-aea5-966c26f8ad90";
    let forged = tokens::Keys { access: b"f".repeat(48), refresh: b"f".repeat(48) };
    let mut told = Vec::new();
    for (user, session) in [(sara.id.as_str(), sid.as_str()), (nobody, nobody)] {
        let access = tokens::new_access(&forged, user, session);
        let refresh = tokens::new_refresh(&forged, user, session);
        let password = json!({"currentPassword": PASSWORD, "newPassword": "An0ther-one!"});
        let mut answers = vec![
            seen(&system.refresh(&client, &refresh).await),
            seen(&system.logout(&client, Some(&access), &json!({"refreshToken": refresh})).await),
            seen(&client.get(&system.auth("sessions"), Some(&access)).await),
        ];
        for (method, endpoint) in [
            ("POST", "password"),
            ("DELETE", "sessions"),
            ("DELETE", "sessions/0190163d-8694-739b-aea5-966c26f8ad90"),
        ] {
            let request = client.request(method, &system.auth(endpoint)).bearer_auth(&access);
            answers.push(seen(&client.send(request.json(&password)).await));
        }
        assert!(answers.iter().all(|(status, ..)| *status == 401), "{answers:?}");
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
    // Neither does the cookie that names somebody get more than one that names nobody.
    for (user, session) in [(sara.id.as_str(), sid.as_str()), (nobody, nobody)] {
        let mut browser = Browser::new(&system, 3);
        let cookie = tokens::new_refresh(&forged, user, session);
        browser.cookies.insert(crate::support::browser::REFRESH.to_owned(), cookie);
        browser.csrf().await;
        browser.refresh().await.expect(401, "REFRESH_TOKEN_INVALID");
    }
}
