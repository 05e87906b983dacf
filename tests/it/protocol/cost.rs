//! What each flow costs: round trips one after the other, calls, and capacity. A call more is a millisecond more for
//! every request that anybody makes.

use std::time::Duration;

use nova_auth::{domain::refusal::Refusal, flows::login::login};

use super::{
    super::support::engine,
    answers::refusal,
    wire::Sent,
    world::{ADDRESS, Pair, World, attempt},
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
        "DeleteItem",
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
    // The call counted, two places, the session and its entry in the log, the account's window and run deleted, the address's
    // place returned. One of the rounds is beside the hash: the credential, read for the last time.
    let written = 1.0 + 2.0 + 2.0 + 2.0 + 1.0;
    assert_eq!(cost(&world), Cost { rounds: 3 + 1, calls, read: 4.0, written });
}

#[tokio::test]
async fn a_wrong_password_is_three_rounds_and_so_is_an_unknown_user() {
    let (world, person, _) = measured().await;
    let nobody = nova_auth::domain::email::Email::parse("nobody@example.com").unwrap();
    for email in [person.email, nobody] {
        world.wire.reset();
        let wrong = attempt(&email, "Wrong-horse-9!", ADDRESS);
        let refused = refusal(login(&world.service, &world.at(60), &wrong).await);
        assert!(matches!(refused, Refusal::InvalidCredentials(_)));
        let calls = vec![
            "GetItem",
            "GetItem",
            "GetItem",
            "PutItem",
            "UpdateItem",
            "UpdateItem",
            "UpdateItem",
            "UpdateItem",
        ];
        // Whether or not there is anything to read, a read costs its unit.
        assert_eq!(cost(&world), Cost { rounds: 3 + 1, calls, read: 3.0, written: 5.0 });
    }
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
