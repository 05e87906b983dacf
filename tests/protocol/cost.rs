//! What each flow costs: round trips one after the other, calls, and capacity. A call more is a millisecond more for
//! every request that anybody makes.

use std::time::Duration;

use nova_auth::{
    domain::{address::ClientAddress, email::Email, name::PersonName, password::Password, refusal::Refusal},
    flows::{
        Requester,
        login::login,
        register::{Applicant, register},
    },
};

use nova_test_support::engine;

use super::{
    answers::refusal,
    rows::{SESSIONS, n, s},
    sent::Sent,
    world::{ADDRESS, Pair, World, attempt, device, time},
};

/// What the calls since the last reset came to.
#[derive(Debug)]
struct Cost {
    rounds: u32,
    calls: Vec<&'static str>,
    read: f64,
    written: f64,
}

/// Amazon's engine counts units in its own way, and against the documentation: they are held to on the other one.
impl PartialEq for Cost {
    fn eq(&self, other: &Cost) -> bool {
        let (own, others) = ([self.read, self.written], [other.read, other.written]);
        self.rounds == other.rounds && self.calls == other.calls && (engine::is_amazons() || own == others)
    }
}

const READS: [&str; 2] = ["BatchGetItem", "GetItem"];
const WRITES: [&str; 4] = ["DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"];

/// Panics on every call that no flow may make: a scan, a query, a read that may be old.
fn cost(world: &World) -> Cost {
    let sent = world.wire.sent();
    let mut calls: Vec<_> = sent
        .iter()
        .map(|sent| {
            let known = READS.into_iter().chain(WRITES).find(|name| *name == sent.operation);
            known.unwrap_or_else(|| panic!("no flow may {}", sent.operation))
        })
        .collect();
    calls.sort_unstable();
    for sent in &sent {
        assert!(is_consistent(sent), "a read that may be old: {}", sent.body);
        assert!(sent.body.get("IndexName").is_none(), "an index decides nothing: {}", sent.body);
    }
    let units = |of: &[&str]| {
        sent.iter().filter(|sent| of.contains(&sent.operation.as_str())).map(|sent| sent.units).sum()
    };
    let rounds = sent.iter().map(|sent| sent.round).max().unwrap_or(0);
    Cost { rounds, calls, read: units(&READS), written: units(&WRITES) }
}

fn is_consistent(sent: &Sent) -> bool {
    match sent.operation.as_str() {
        "GetItem" => sent.body["ConsistentRead"] == true,
        "BatchGetItem" => sent.body["RequestItems"]
            .as_object()
            .unwrap()
            .values()
            .all(|table| table["ConsistentRead"] == true),
        _ => true,
    }
}

/// One whose instances are warm, and whose calls all take the same time.
async fn measured() -> (std::sync::Arc<World>, super::world::Person, Pair) {
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let (person, pair) = world.logged_in().await;
    world.assert_alive(0, &pair).await;
    world.wire.set_latency(Duration::from_millis(20));
    world.wire.reset();
    (world, person, pair)
}

#[tokio::test]
async fn a_decision_is_one_round_trip_and_two_read_units() {
    let (world, _, pair) = measured().await;
    world.assert_alive(60, &pair).await;
    assert_eq!(cost(&world), Cost { rounds: 1, calls: vec!["BatchGetItem"], read: 2.0, written: 0.0 });
}

#[tokio::test]
async fn a_login_is_three_rounds_beside_its_hash() {
    let (world, person, _) = measured().await;
    world.login(&world.at(60), &person).await.unwrap();
    let calls = vec![
        "DeleteItem",
        "GetItem",
        "GetItem",
        "GetItem",
        "GetItem",
        "PutItem",
        "PutItem",
        "UpdateItem",
        "UpdateItem",
        "UpdateItem",
    ];
    // Two places, the session and its entry in the log, the account's failures deleted, the address's place returned. One of the
    // rounds is beside the hash: the credential, read for the last time.
    let written = 2.0 + 2.0 + 1.0 + 1.0;
    assert_eq!(cost(&world), Cost { rounds: 3 + 1, calls, read: 4.0, written });
}

#[tokio::test]
async fn a_wrong_password_is_three_rounds_and_so_is_an_unknown_user() {
    let (world, person, _) = measured().await;
    let nobody = Email::parse("nobody@example.com").unwrap();
    for email in [person.email, nobody] {
        world.wire.reset();
        wrong_password(&world, &email, 60).await;
        assert_eq!(cost(&world), of_a_wrong_password());
    }
}

async fn wrong_password(world: &World, email: &Email, second: i64) {
    let wrong = attempt(email, "Wrong-horse-9!", ADDRESS);
    let refused = refusal(login(&world.service, &world.at(second), &wrong).await);
    assert!(matches!(refused, Refusal::InvalidCredentials(_)));
}

/// Two places and the entry in the log. Whether or not there is anything to read, a read costs its unit.
fn of_a_wrong_password() -> Cost {
    let calls = vec!["GetItem", "GetItem", "GetItem", "PutItem", "UpdateItem", "UpdateItem"];
    Cost { rounds: 3 + 1, calls, read: 3.0, written: 3.0 }
}

/// A run was a set of names once, and a long one cost twice as much as a short one.
#[tokio::test]
async fn a_wrong_password_costs_the_same_in_however_long_a_run() {
    let (world, person, _) = measured().await;
    let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
    for (second, run) in [(60, 1), (1000, 50), (2000, 98), (3000, 1_000_000)] {
        wrong_password(&world, &person.email, second).await;
        world.rows.set(SESSIONS, &account, "WINDOW", "failures", n(run)).await;
        // The alarm of the last of these was given a moment ago: it costs what it writes, and is not what is measured here.
        world
            .rows
            .set(
                SESSIONS,
                &account,
                "WINDOW",
                "alarmed",
                s(&format!("{}#other", time(second).as_millisecond())),
            )
            .await;
        world.wire.reset();
        wrong_password(&world, &person.email, second + 1).await;
        assert_eq!(cost(&world), of_a_wrong_password(), "in a run of {run}");
    }
}

/// The item of the failures outlives its window; the write that finds that out is one more.
#[tokio::test]
async fn a_login_long_after_a_failure_costs_one_write_more_in_one_round_more() {
    let (world, person, _) = measured().await;
    wrong_password(&world, &person.email, 60).await;
    let long_after = 60 + 3 * 86_400;
    world.rows.delete(SESSIONS, &format!("ATTEMPTS#ADDRESS#{ADDRESS}"), "WINDOW").await;
    world.wire.reset();
    world.login(&world.at(long_after), &person).await.unwrap();
    let after = cost(&world);
    let writes = after.calls.iter().filter(|call| WRITES.contains(call)).count();
    // DynamoDB charges for a write whose condition fails, and its answer does not say so.
    assert_eq!((after.rounds, writes), (4 + 1, 6 + 1));
}

#[tokio::test]
async fn a_registration_is_two_writes_beside_its_user() {
    let world = World::with(&[("REGISTRATION", "open"), ("API_RATE_LIMIT", "100")]).await;
    world.wire.reset();
    let sara = Applicant {
        name: PersonName::parse("Sara").unwrap(),
        email: Email::parse("sara@example.com").unwrap(),
        password: Password::new(super::world::PASSWORD.to_owned()),
        caller: Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" },
    };
    register(&world.service, &world.at(60), sara).await.unwrap();
    // The place and the call; credential, profile and entry, of a transaction; the place returned.
    let calls = vec!["TransactWriteItems", "UpdateItem", "UpdateItem"];
    assert_eq!(cost(&world), Cost { rounds: 3, calls, read: 0.0, written: 1.0 + 3.0 * 2.0 + 1.0 });
}

#[tokio::test]
async fn a_change_of_password_is_five_writes_beside_its_transaction() {
    let (world, _, pair) = measured().await;
    world.change_password(&world.at(60), &pair.access).await.unwrap();
    let cost = cost(&world);
    let updates = cost.calls.iter().filter(|call| **call == "UpdateItem").count();
    let deletes = cost.calls.iter().filter(|call| **call == "DeleteItem").count();
    // The call counted, two places, one of them returned, and the account's failures deleted; four items of a transaction.
    assert_eq!((updates, deletes), (4, 1), "{cost:?}");
    assert!(engine::is_amazons() || (cost.written - (5.0 + 4.0 * 2.0)).abs() < 0.1, "{cost:?}");
}

#[tokio::test]
async fn a_refresh_is_one_round_and_one_write_unit_and_its_retry_is_counted_after_it() {
    let (world, _, pair) = measured().await;
    world.refresh(&world.at(60), &pair.refresh).await.unwrap();
    // The write that rotates counts itself.
    let calls = vec!["GetItem", "UpdateItem"];
    assert_eq!(cost(&world), Cost { rounds: 1, calls, read: 1.0, written: 1.0 });
    world.wire.reset();
    world.refresh(&world.at(61), &pair.refresh).await.unwrap();
    let retried = cost(&world);
    assert_eq!((retried.rounds, retried.calls), (2, vec!["GetItem", "UpdateItem", "UpdateItem"]));
}

#[tokio::test]
async fn a_logout_is_one_round() {
    let (world, _, pair) = measured().await;
    world.logout(&world.at(60), &pair).await.unwrap();
    let calls = vec!["TransactWriteItems"];
    assert_eq!(cost(&world), Cost { rounds: 1, calls, read: 0.0, written: 4.0 });
}

#[tokio::test]
async fn ending_every_session_is_one_round_however_many_there_are() {
    let (world, person, _) = measured().await;
    for second in 1..5 {
        world.login(&world.at(second), &person).await.unwrap();
    }
    world.wire.reset();
    world.revoke_all(&world.at(60), &person).await.unwrap();
    let calls = vec!["TransactWriteItems"];
    assert_eq!(cost(&world), Cost { rounds: 1, calls, read: 0.0, written: 4.0 });
}
