//! Refresh, when answers are lost and requests are repeated: an honest client that tries again within the grace window
//! goes on, and whatever it tries, there is one chain of tokens.

use std::sync::Arc;

use nova_auth::{domain::refusal::Refusal, flows::refresh::refresh};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    rows::number,
    world::{World, presenting},
};

#[tokio::test]
async fn a_client_whose_answer_is_lost_gets_the_pair_when_it_asks_again() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.wire.script(on("UpdateItem").every_try(), Fault::LoseAnswer);
    assert_passing(world.refresh(&world.at(60), &first.refresh).await);
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "the write took");

    let second = world.refresh(&world.at(62), &first.refresh).await.unwrap();
    world.assert_alive(62, &second).await;
    let again = world.refresh(&world.at(64), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose(), "exactly one successor");
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1);
    let third = world.refresh(&world.at(900), &second.refresh).await.unwrap();
    world.assert_alive(900, &third).await;
}

#[tokio::test]
async fn a_write_that_the_sdk_repeats_is_the_success_that_it_was_even_without_grace() {
    for grace in ["30", "0"] {
        let world = World::with(&[("REFRESH_GRACE_SECONDS", grace)]).await;
        let (person, first) = world.logged_in().await;
        world.wire.reset();
        world.wire.script(on("UpdateItem"), Fault::LoseAnswer);
        let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
        assert_eq!(world.wire.count("UpdateItem"), 2, "the SDK tried twice");
        assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1);
        world.assert_alive(60, &second).await;
        world.refresh(&world.at(61), &second.refresh).await.unwrap();
    }
}

#[tokio::test]
async fn a_write_that_arrives_twice_is_one_rotation() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.wire.script(on("UpdateItem"), Fault::SendTwice);
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1);
    world.refresh(&world.at(61), &second.refresh).await.unwrap();
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_go_on_with_the_same_token() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    // Both have read and verified before either writes.
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Hold(gate.clone()));
    let (one, two) = (world.at(60), world.at(60));
    let (one, two) = tokio::join!(world.refresh(&one, &first.refresh), async {
        gate.arrival().await;
        let two = world.refresh(&two, &first.refresh).await;
        gate.open();
        two
    });
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.refresh.expose(), two.refresh.expose());
    world.assert_alive(60, &one).await;
    world.assert_alive(60, &two).await;
}

#[tokio::test]
async fn ten_requests_at_once_get_one_and_the_same_refresh_token() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let (world, token) = (Arc::clone(&world), first.refresh.clone());
        tasks.spawn(async move { world.refresh(&world.at(60), &token).await.unwrap() });
    }
    let pairs = tasks.join_all().await;
    let tokens: std::collections::BTreeSet<_> = pairs.iter().map(|pair| pair.refresh.expose()).collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1);
    for pair in &pairs {
        world.assert_alive(60, pair).await;
    }
}

#[tokio::test]
async fn a_function_that_dies_after_the_write_costs_the_client_a_retry_and_no_login() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::HoldAnswer(gate.clone()));
    let dying = world.at(60);
    tokio::select! {
        _ = world.refresh(&dying, &first.refresh) => panic!("it was to die first"),
        () = gate.arrival() => {}
    }
    let second = world.refresh(&world.at(63), &first.refresh).await.unwrap();
    world.assert_alive(63, &second).await;
}

#[tokio::test]
async fn a_second_retry_at_the_very_end_of_the_grace_window_is_still_answered() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    let again = world.refresh(&world.at(90), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    assert_eq!(refusal(world.refresh(&world.at(91), &first.refresh).await), Refusal::RefreshTokenInvalid);
}

#[tokio::test]
async fn a_user_who_cannot_be_read_for_a_moment_after_the_write_is_waited_for() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    world.wire.reset();
    world.wire.script(on("GetItem").with("PROFILE").every_try(), Fault::throttled());
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    assert_eq!(world.wire.count("UpdateItem"), 1);
    world.assert_alive(60, &second).await;
}

#[tokio::test]
async fn a_user_who_stays_unreadable_is_no_answer_and_the_retry_falls_into_the_grace_window() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.wire.script(on("GetItem").with("PROFILE").every_call(), Fault::server_error());
    let service = world.that_gives_up();
    assert_passing(refresh(&service, &world.at(60), &presenting(&first.refresh)).await);
    world.wire.reset();
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "the write took");
    let second = world.refresh(&world.at(66), &first.refresh).await.unwrap();
    world.assert_alive(66, &second).await;
}

/// DynamoDB refuses a write to a row that a transaction holds at that moment, and the SDK does not try it again.
#[tokio::test]
async fn a_refresh_that_meets_a_transaction_is_tried_again_and_at_last_is_no_answer() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.wire.reset();
    for _ in 0..2 {
        world.wire.script(on("UpdateItem"), Fault::conflict_with_a_transaction());
    }
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    assert_eq!(world.wire.count("UpdateItem"), 3);

    world.wire.reset();
    world.wire.script(on("UpdateItem").every_call(), Fault::conflict_with_a_transaction());
    assert_passing(world.refresh(&world.at(120), &second.refresh).await);
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "nothing was used up");
    world.wire.reset();
    let third = world.refresh(&world.at(121), &second.refresh).await.unwrap();
    world.assert_alive(121, &third).await;
}
