//! `MAX_SESSIONS_PER_USER`: a login ends the oldest sessions beyond it, also when several come at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    faults::{Fault, Gate, on},
    rows::text,
    world::{Pair, Person, World},
};

async fn world(limit: &str) -> Arc<World> {
    World::with(&[("MAX_SESSIONS_PER_USER", limit), ("LOGIN_MAX_ATTEMPTS", "100")]).await
}

async fn active(world: &World, person: &Person) -> usize {
    let rows = world.rows.sessions(person.id).await;
    rows.iter().filter(|row| text(row, "state") == "active").count()
}

#[tokio::test]
async fn without_a_limit_a_login_neither_reads_nor_ends_other_sessions() {
    let world = World::new().await;
    let person = world.person("amal").await;
    for second in 0..4 {
        world.login(&world.at(second), &person).await.unwrap();
    }
    assert_eq!(world.wire.count("Query"), 0);
    assert_eq!(active(&world, &person).await, 4);
}

#[tokio::test]
async fn a_login_beyond_the_limit_ends_the_oldest_session_and_writes_that_down() {
    let world = world("2").await;
    let person = world.person("amal").await;
    let mut pairs: Vec<Pair> = Vec::new();
    for second in 0..3 {
        pairs.push(world.login(&world.at(second), &person).await.unwrap());
    }
    world.assert_dead(4, &pairs[0]).await;
    world.assert_alive(4, &pairs[1]).await;
    world.assert_alive(4, &pairs[2]).await;
    assert_eq!(world.rows.count_events(person.id, "authn_token_revoked").await, 1);
    // A place that is free again is used before anybody is ended.
    world.logout(&world.at(5), &pairs[1]).await.unwrap();
    let next = world.login(&world.at(6), &person).await.unwrap();
    world.assert_alive(7, &pairs[2]).await;
    world.assert_alive(7, &next).await;
}

/// The user logged out on the second device: the first keeps its place.
#[tokio::test]
async fn a_session_that_was_ended_takes_no_place_from_one_that_began_before_it() {
    let world = world("2").await;
    let person = world.person("amal").await;
    let first = world.login(&world.at(0), &person).await.unwrap();
    let second = world.login(&world.at(1), &person).await.unwrap();
    world.logout(&world.at(2), &second).await.unwrap();
    let third = world.login(&world.at(3), &person).await.unwrap();
    world.assert_alive(4, &first).await;
    world.assert_alive(4, &third).await;
}

#[tokio::test]
async fn of_many_logins_at_once_as_many_stay_as_there_may_be() {
    let world = world("3").await;
    let person = world.person("amal").await;
    let mut logins = JoinSet::new();
    for second in 0..8 {
        let (world, person) = (Arc::clone(&world), person.clone());
        logins.spawn(async move { world.login(&world.at(second), &person).await.unwrap() });
    }
    assert_eq!(logins.join_all().await.len(), 8);
    assert_eq!(active(&world, &person).await, 3);
}

/// Each sees the other's session. If each ended it, both would be logged out.
#[tokio::test]
async fn two_logins_that_see_each_other_do_not_end_each_other() {
    let world = world("1").await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("Query"), Fault::Hold(gate.clone()));
    let (first, second) = (world.at(0), world.at(1));
    let (older, newer) = tokio::join!(world.login(&first, &person), async {
        gate.arrival().await;
        let newer = world.login(&second, &person).await;
        gate.open();
        newer
    });
    world.assert_alive(2, &newer.unwrap()).await;
    world.assert_dead(2, &older.unwrap()).await;
}

/// The login that began first ends last: it must not take the place of the newer session.
#[tokio::test]
async fn a_slow_login_that_ends_after_a_newer_one_leaves_no_session_too_many() {
    let world = world("2").await;
    let person = world.person("amal").await;
    let oldest = world.login(&world.at(0), &person).await.unwrap();
    let gate = Gate::default();
    world.wire.script(on("PutItem").with("SESSION#"), Fault::Hold(gate.clone()));
    let (first, second) = (world.at(1), world.at(2));
    let (slow, newer) = tokio::join!(world.login(&first, &person), async {
        gate.arrival().await;
        let newer = world.login(&second, &person).await;
        gate.open();
        newer
    });
    world.assert_alive(3, &slow.unwrap()).await;
    world.assert_alive(3, &newer.unwrap()).await;
    world.assert_dead(3, &oldest).await;
}

#[tokio::test]
async fn a_login_succeeds_though_the_others_cannot_be_read_and_the_next_one_ends_what_was_left() {
    let world = world("1").await;
    let person = world.person("amal").await;
    world.login(&world.at(0), &person).await.unwrap();
    world.wire.script(on("Query").every_try(), Fault::server_error());
    world.login(&world.at(1), &person).await.unwrap();
    assert_eq!(active(&world, &person).await, 2);
    world.wire.reset();
    let last = world.login(&world.at(2), &person).await.unwrap();
    assert_eq!(active(&world, &person).await, 1);
    world.assert_alive(3, &last).await;
}
