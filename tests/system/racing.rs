//! Many at once: guesses are counted one by one, and honest people are not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::rows::SESSIONS;
use crate::support::stack::{PASSWORD, Pair, System};

/// Waits for all of them, started together.
async fn together<T: Send + 'static>(calls: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let started: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for call in started {
        answers.push(call.await.unwrap());
    }
    answers
}

/// What strangers can tell from fifty guesses at one account, made at the same time.
struct Told {
    /// Status, body and names of the headers of each answer.
    answers: Vec<(u16, String, Vec<String>)>,
    /// Guesses that got no answer at first: on a busy machine, storage is out of reach for some. Their places may stay taken.
    repeated: usize,
}

impl Told {
    fn count(&self, status: u16, code: &str) -> usize {
        self.answers.iter().filter(|(was, body, _)| *was == status && body.contains(code)).count()
    }

    fn kinds(&self) -> BTreeSet<&(u16, String, Vec<String>)> {
        self.answers.iter().collect()
    }
}

async fn fifty_guesses(system: &System, email: &str) -> Told {
    let guess = |last: u8| {
        let (client, url) = (Client::at(last), system.auth("login"));
        let body = json!({"email": email, "password": format!("Guess-{last}!")});
        async move {
            let mut repeated = 0;
            loop {
                let answer = client.post(&url, &body).await;
                if answer.status < 500 {
                    return (answer, repeated);
                }
                repeated += 1;
                assert!(repeated < 20, "{}", answer.body);
            }
        }
    };
    let answers = together((100..150).map(guess).collect()).await;
    let repeated = answers.iter().map(|(_, repeated)| repeated).sum();
    let told = |answer: &Answer| {
        answer.expect_envelope();
        let mut names: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        (answer.status, answer.body.to_string(), names)
    };
    Told { answers: answers.iter().map(|(answer, _)| told(answer)).collect(), repeated }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_guesses_at_once_get_five_tries_and_do_not_tell_whether_the_account_exists() {
    let mut seen = Vec::new();
    for somebody in [true, false] {
        let system = System::start().await;
        let email = match somebody {
            true => system.user("sara").await.email,
            false => "nobody@example.com".to_owned(),
        };
        let told = fifty_guesses(&system, &email).await;
        let (wrong, locked) = (told.count(401, "INVALID_CREDENTIALS"), told.count(429, "LOGIN_LOCKED"));
        assert_eq!(wrong + locked, 50);
        assert!(wrong == 5 || (told.repeated > 0 && (1..5).contains(&wrong)), "{wrong} tries");
        // Those that were refused were not hashed, or there would be more of them in the run.
        assert_eq!(failures_in_a_row(&system).await, "5");
        seen.push(told);
    }
    assert_eq!(seen[0].kinds(), seen[1].kinds());
}

async fn failures_in_a_row(system: &System) -> Value {
    system.rows.one(SESSIONS, "ATTEMPTS#ACCOUNT#", "WINDOW").await["failures"]["N"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_colleagues_behind_one_address_log_in_at_the_same_time() {
    let system = System::start().await;
    let mut users = Vec::new();
    for number in 0..20 {
        users.push(system.user(&format!("colleague-{number}")).await);
    }
    let login = |email: String| {
        let (client, url) = (Client::at(2), system.auth("login"));
        async move { client.post(&url, &json!({"email": email, "password": PASSWORD})).await }
    };
    let answers = together(users.iter().map(|user| login(user.email.clone())).collect()).await;
    for answer in &answers {
        Pair::of(answer);
    }
    assert_eq!(system.rows.windows("ATTEMPTS#").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_tabs_that_refresh_with_one_token_all_go_on_with_the_same_next_one() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let refresh = || {
        let (client, url, token) = (client.clone(), system.auth("refresh"), pair.refresh.clone());
        async move { client.post(&url, &json!({"refreshToken": token})).await }
    };
    let answers = together((0..10).map(|_| refresh()).collect()).await;
    let pairs: Vec<Pair> = answers.iter().map(Pair::of).collect();
    let successors: BTreeSet<&str> = pairs.iter().map(|pair| pair.refresh.as_str()).collect();
    assert_eq!(successors.len(), 1, "a second chain began");
    let session = system.rows.one(SESSIONS, "USER#", "SESSION#").await;
    assert_eq!((&session["generation"]["N"], &session["state"]["S"]), (&json!("1"), &json!("active")));
    for pair in &pairs {
        system.assert_lets_in(&client, &pair.access, &sara).await;
    }
    Pair::of(&system.refresh(&client, &pairs[0].refresh).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_wins_against_every_refresh_that_is_under_way() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    for _ in 0..5 {
        let pair = system.login(&client, &sara).await;
        let call = |endpoint: &str| {
            let (client, url, token) = (client.clone(), system.auth(endpoint), pair.refresh.clone());
            async move { client.post(&url, &json!({"refreshToken": token})).await }
        };
        let answers = together(vec![call("refresh"), call("logout"), call("refresh")]).await;
        assert_eq!(answers[1].status, 200, "{}", answers[1].body);
        system.whoami(&client, &pair.access).await.expect(401, "UNAUTHORIZED");
        for refreshed in [&answers[0], &answers[2]].into_iter().filter(|answer| answer.status == 200) {
            system.assert_dead(&client, &Pair::of(refreshed)).await;
        }
    }
}
