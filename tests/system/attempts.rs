//! Five wrong passwords, and what happens then: to the account, to the address, and to everybody else.

use serde_json::Value;

use crate::support::client::Client;
use crate::support::rows::{SESSIONS, number};
use crate::support::stack::{PASSWORD, System};

#[tokio::test]
async fn an_account_that_was_guessed_at_from_everywhere_is_locked_for_everybody() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for (last, left) in (2..=6).zip((0..=4).rev()) {
        let answer = system.try_login(&Client::at(last), &sara.email, "wrong").await;
        answer.expect(401, "INVALID_CREDENTIALS");
        assert!(answer.header("ratelimit").starts_with(&format!("\"account\";r={left};t=")), "{left}");
    }
    let window = system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await;
    for (last, password) in [(7, PASSWORD), (8, "wrong"), (9, PASSWORD)] {
        let answer = system.try_login(&Client::at(last), &sara.email, password).await;
        answer.expect(429, "LOGIN_LOCKED");
        assert_eq!(answer.text("/message"), "تم تجاوز عدد المحاولات. حاول بعد 15 دقيقة");
        assert!((841..=900).contains(&answer.seconds("retry-after")));
    }
    // Trying does not make it longer, and those who tried have lost nothing at their own addresses.
    assert_eq!(system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await, window);
    for last in 7..=9 {
        let own = format!("ATTEMPTS#ADDRESS#127.0.0.{last}");
        assert_eq!(system.rows.windows(&own).await, Vec::<Value>::new());
    }
    // Other accounts are not locked.
    let omar = system.user("omar").await;
    system.login(&Client::at(7), &omar).await;
}

#[tokio::test]
async fn a_lock_says_how_long_it_still_lasts_and_not_how_long_it_was() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for last in 2..=6 {
        system.try_login(&Client::at(last), &sara.email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    }
    system.rows.shift(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW", "windowEnd", -800).await;
    let answer = system.try_login(&Client::at(7), &sara.email, PASSWORD).await;
    answer.expect(429, "LOGIN_LOCKED");
    assert!((41..=100).contains(&answer.seconds("retry-after")));
    assert_eq!(answer.text("/message"), "تم تجاوز عدد المحاولات. حاول بعد دقيقتين");
}

#[tokio::test]
async fn a_lock_ends_by_its_time_though_its_row_is_still_there() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for last in 2..=6 {
        system.try_login(&Client::at(last), &sara.email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    }
    system.rows.shift(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW", "windowEnd", -901).await;
    let answer = system.try_login(&Client::at(7), &sara.email, "wrong").await;
    answer.expect(401, "INVALID_CREDENTIALS");
    assert!(answer.header("ratelimit").starts_with("\"account\";r=4;t="), "{:?}", answer.headers);
    system.rows.shift(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW", "windowEnd", -901).await;
    system.login(&Client::at(7), &sara).await;
}

#[tokio::test]
async fn an_address_that_guesses_at_many_accounts_is_locked_and_no_other_is() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for name in ["a", "b", "c", "d", "e"] {
        let answer = system.try_login(&Client::at(2), &format!("{name}@example.com"), PASSWORD).await;
        answer.expect(401, "INVALID_CREDENTIALS");
    }
    let address = "ATTEMPTS#ADDRESS#127.0.0.2";
    let window = system.rows.one(SESSIONS, address, "WINDOW").await;
    assert_eq!(window["hits"]["SS"].as_array().unwrap().len(), 5);
    // Younger entries may be honest logins in flight, and are waited for.
    system.rows.age_attempts("127.0.0.2").await;
    let window = system.rows.one(SESSIONS, address, "WINDOW").await;

    let answer = system.try_login(&Client::at(2), &sara.email, PASSWORD).await;
    answer.expect(429, "AUTH_RATE_LIMITED");
    assert_eq!(answer.text("/message"), "تم تجاوز عدد المحاولات. حاول مرة أخرى بعد 15 دقيقة");
    let after = system.rows.one(SESSIONS, address, "WINDOW").await;
    assert_eq!((&after["hits"], &after["windowEnd"]), (&window["hits"], &window["windowEnd"]));
    system.login(&Client::at(3), &sara).await;

    system.rows.shift(SESSIONS, address, "WINDOW", "windowEnd", -901).await;
    system.login(&Client::at(2), &sara).await;
}

#[tokio::test]
async fn a_morning_of_honest_logins_from_one_office_leaves_nothing_behind() {
    let system = System::start().await;
    let (sara, omar) = (system.user("sara").await, system.user("omar").await);
    for _ in 0..4 {
        system.login(&Client::at(2), &sara).await;
        system.login(&Client::at(2), &omar).await;
    }
    assert_eq!(system.rows.windows("ATTEMPTS#").await, Vec::<Value>::new());
}

#[tokio::test]
async fn who_remembers_the_password_at_the_last_try_starts_afresh() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    for round in 0..2_u8 {
        for last in 2..=5 {
            let client = Client::at(10 * round + last);
            system.try_login(&client, &sara.email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
        }
        system.login(&Client::at(10 * round + 6), &sara).await;
        assert_eq!(system.rows.like(SESSIONS, "ATTEMPTS#ACCOUNT#", "").await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn another_spelling_of_an_address_is_the_same_account_to_guess_at() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let spellings = ["SARA@EXAMPLE.COM", " sara@example.com ", "Sara@Example.com", "ｓａｒａ@example.com"];
    for (last, email) in (2..).zip(spellings) {
        system.try_login(&Client::at(last), email, "wrong").await.expect(401, "INVALID_CREDENTIALS");
    }
    let window = system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await;
    assert_eq!(window["hits"]["SS"].as_array().unwrap().len(), 4);
    assert!(number(&window["windowEnd"]) > 0);
    system.try_login(&Client::at(7), "SARA@example.com", PASSWORD).await.expect_envelope();
    system.login(&Client::at(7), &sara).await;
}
