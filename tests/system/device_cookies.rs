//! Devices that logged in before, as clients see them: by cookie and in bodies, over a logout, and forgotten when that is wanted.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::stack::{PASSWORD, System, User};

async fn system() -> System {
    System::start_with(|options| {
        options.parameters.insert("DeviceCookies".to_owned(), "enabled".to_owned());
        options.parameters.insert("MfaPolicy".to_owned(), "optional".to_owned());
    })
    .await
}

async fn fill_the_window(system: &System, user: &User) {
    for last in 50..55 {
        system.try_login(&Client::at(last), &user.email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    }
    system.try_login(&Client::at(60), &user.email, PASSWORD).await.expect(429, "LOGIN_LOCKED");
}

async fn login(system: &System, user: &User, more: Value) -> Answer {
    let mut body = json!({"email": user.email, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Client::at(2).post(&system.auth("login"), &body).await
}

#[tokio::test]
async fn a_client_that_keeps_its_device_token_over_a_logout_logs_in_while_others_guess() {
    let system = system().await;
    let sara = system.user("sara").await;
    let first = login(&system, &sara, json!({})).await;
    let token = first.text("/data/deviceToken");
    assert_eq!(first.header("set-cookie"), "", "a body client gets no cookie");
    let access = first.text("/data/accessToken");
    system.logout(&Client::at(2), Some(&access), &json!({})).await;
    fill_the_window(&system, &sara).await;
    let again = login(&system, &sara, json!({"deviceToken": token})).await;
    again.expect_status(200);
    assert_ne!(again.text("/data/deviceToken"), "");
    for other in [json!("x.y"), json!(null), json!("")] {
        login(&system, &sara, json!({"deviceToken": other})).await.expect(429, "LOGIN_LOCKED");
    }
    login(&system, &sara, json!({"deviceToken": 7})).await.expect(400, "VALIDATION_FAILED");
    let logs = system.stop().await;
    assert!(!logs.contains(&token) && !logs.contains(token.split('.').nth(2).unwrap()));
}

#[tokio::test]
async fn a_browser_stays_known_over_a_logout_until_it_is_to_be_forgotten() {
    const DEVICE: &str = "__Host-nova-device";
    let system = system().await;
    let sara = system.user("sara").await;
    let mut known = system.browser(2, &sara).await;
    let token = known.cookie(DEVICE).unwrap().to_owned();
    known.log_out().await.expect_status(200);
    assert_eq!(known.cookies.keys().collect::<Vec<_>>(), [DEVICE]);
    fill_the_window(&system, &sara).await;
    let mut other = Browser::new(&system, 3);
    other.csrf().await;
    other.log_in(&sara).await.expect(429, "LOGIN_LOCKED");
    known.csrf().await;
    let answer = known.log_in(&sara).await;
    answer.expect_status(200);
    assert!(answer.body["data"]["deviceToken"].is_null(), "no script gets it: {}", answer.body);
    let out = known.request("POST", "/api/auth/logout").json(&json!({"forgetDevice": true}));
    known.send(out).await.expect_status(200);
    assert!(known.cookies.is_empty(), "{:?}", known.cookies.keys());
    let odd =
        known.bare("POST", "/api/auth/logout").json(&json!({"forgetDevice": "yes", "refreshToken": "x"}));
    known.send(odd).await.expect(400, "VALIDATION_FAILED");
    assert!(!system.stop().await.contains(token.split('.').nth(2).unwrap()));
}

#[tokio::test]
async fn a_user_with_a_second_factor_gets_it_with_the_session_and_not_for_the_password_alone() {
    let system = system().await;
    let sara = system.user("sara").await;
    let first = login(&system, &sara, json!({})).await;
    let app = App::enrol(&system, &Client::at(2), &first.text("/data/accessToken")).await;
    let step = login(&system, &sara, json!({})).await;
    assert!(
        step.body["data"]["deviceToken"].is_null() && step.body["data"]["challenge"].is_object(),
        "{}",
        step.body
    );
    let body = json!({"token": step.text("/data/challenge/token"), "code": app.next_code()});
    let done = Client::at(2).post(&system.auth("login/factor"), &body).await;
    fill_the_window(&system, &sara).await;
    login(&system, &sara, json!({"deviceToken": done.text("/data/deviceToken")})).await.expect_status(200);
}

#[tokio::test]
async fn without_the_parameter_nobody_is_given_one() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let first = login(&system, &sara, json!({"deviceToken": "refresh-1.1.x.y"})).await;
    first.expect_status(200);
    assert!(first.body["data"]["deviceToken"].is_null(), "{}", first.body);
}
