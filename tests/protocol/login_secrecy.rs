//! What storage sees of a login does not tell whether there is an account: the same calls, of the same form, in the same
//! rounds, at the same cost.

use std::{collections::BTreeSet, time::Duration};

use nova_auth::{
    domain::{email::Email, refusal::Refusal, user::Status},
    flows::login::login,
    passwords::Hasher,
};
use serde_json::Value;

use super::{
    answers::refusal,
    sent::Sent,
    world::{ADDRESS, World, attempt},
};

/// Everything of a call but whose it is: operation, round, cost, and the body with every value replaced by its kind.
fn form(sent: &Sent) -> String {
    let mut body = sent.body.clone();
    blank(&mut body);
    format!("{} in round {}, {} units: {body}", sent.operation, sent.round, sent.units)
}

fn blank(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(blank),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match (name.as_str(), &mut *member) {
                    // A key's kind is what stands before its number sign.
                    ("S" | "N", Value::String(text)) => {
                        let kind = text.split_once('#').map_or("", |(kind, _)| kind).to_owned();
                        *text =
                            if kind.chars().all(|c| c.is_ascii_uppercase()) { kind } else { String::new() };
                    }
                    ("SS", set) => *set = Value::Null,
                    (_, other) => blank(other),
                }
            }
        }
        _ => {}
    }
}

async fn forms_of_a_wrong_password(
    world: &World,
    email: &Email,
    typed: &str,
    second: i64,
) -> BTreeSet<String> {
    world.wire.reset();
    let wrong = attempt(email, typed, ADDRESS);
    let refused = refusal(login(&world.service, &world.at(second), &wrong).await);
    assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}");
    let sent = world.wire.sent();
    let forms: BTreeSet<_> = sent.iter().map(form).collect();
    assert_eq!(forms.len(), sent.len());
    forms
}

#[tokio::test]
async fn nobody_somebody_inactive_an_old_hash_and_one_that_cannot_be_read_make_the_same_calls() {
    let many = ["LOGIN_MAX_ATTEMPTS", "LOGIN_MAX_ATTEMPTS_PER_ADDRESS"].map(|name| (name, "50"));
    let world = World::with(&[many[0], many[1], ("API_RATE_LIMIT", "100")]).await;
    world.wire.set_latency(Duration::from_millis(20));
    let somebody = world.person("amal").await;
    let inactive = world.person("badr").await;
    world.set_status(&world.at(0), &inactive, Status::Disabled).await.unwrap();
    let outdated = world.person("cala").await;
    let old = bcrypt::hash("another one", 4).unwrap().replacen("$2b$", "$2a$", 1);
    world.rows.set_password_hash(&outdated.email, &old).await;

    let unreadable = world.person("dana").await;
    world.rows.set_password_hash(&unreadable.email, "no hash at all").await;

    let nobody = Email::parse("nobody@example.com").unwrap();
    // In the normal form and in another one, which is held against the hash twice.
    for (second, typed) in [(0, "Wrong-horse-9!"), (2, "Wrong-hörse-9!"), (4, "Wrong-ho\u{308}rse-9!")] {
        let known = forms_of_a_wrong_password(&world, &somebody.email, typed, second).await;
        assert_eq!(known.len(), 6, "{known:#?}");
        for (name, email) in [
            ("nobody", &nobody),
            ("inactive", &inactive.email),
            ("old", &outdated.email),
            ("unreadable", &unreadable.email),
        ] {
            let forms = forms_of_a_wrong_password(&world, email, typed, second + 1).await;
            assert_eq!(forms, known, "{name} {typed:?}");
        }
    }
}

/// The calls give nothing away and neither may the time: a cheap hash that fails is topped up to the full work.
#[tokio::test]
async fn a_hash_of_less_work_takes_as_long_to_fail_as_one_of_full_work() {
    let hasher = Hasher::new(10);
    let wrong = nova_auth::domain::password::Password::new("Wrong-horse-9!".to_owned());
    let cheap = bcrypt::hash("another one", 4).unwrap();
    let full = bcrypt::hash("another one", 10).unwrap();
    let mut times = Vec::new();
    for hash in [Some(cheap.as_str()), Some(full.as_str()), None] {
        let hash = hash.map(|hash| nova_auth::domain::password::PasswordHash::parse(hash).unwrap());
        // The fastest of several: what else runs on this machine only ever adds.
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let begin = std::time::Instant::now();
            assert!(!hasher.verify(&wrong, hash.as_ref()).await.unwrap());
            fastest = fastest.min(begin.elapsed());
        }
        times.push(fastest);
    }
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    // Without the top-up the factor is 64.
    assert!(*most < *least * 8, "cheap, full, nobody: {times:?}");
}
