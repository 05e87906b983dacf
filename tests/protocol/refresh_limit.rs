//! How often a session may be refreshed: counted in the write that rotates its token.

use std::sync::Arc;

use nova_auth::domain::{attempts::Quota, refusal::Refusal};
use nova_auth::flows::{FlowError, refresh::refresh};

use super::{
    answers::refusal,
    rows::n,
    world::{Pair, Person, World, presenting, time},
};

/// A window of a minute begins at this second of a test, and the next one a minute later.
const WINDOW: i64 = 20;

/// Sessions may be refreshed three times a minute, and somebody is logged in.
async fn scene() -> (Arc<World>, Person, Pair) {
    assert_eq!(time(WINDOW).as_second() % 60, 0);
    let world = World::with(&[("API_RATE_LIMIT", "3"), ("API_RATE_SECONDS", "60")]).await;
    let (person, pair) = world.logged_in().await;
    (world, person, pair)
}

/// Three times, in the first seconds of the window.
async fn refreshed(world: &World, mut pair: Pair) -> Pair {
    for second in 0..3 {
        pair = world.refresh(&world.at(WINDOW + second), &pair.refresh).await.unwrap();
    }
    pair
}

#[track_caller]
fn limited(outcome: Result<impl Sized, FlowError>) -> Quota {
    match refusal(outcome) {
        Refusal::ApiRateLimited(quota) => quota,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_refresh_too_many_is_refused_and_its_token_is_good_in_the_next_window() {
    let (world, _, pair) = scene().await;
    let third = refreshed(&world, pair).await;
    for second in [3, 10, 59] {
        let quota = limited(world.refresh(&world.at(WINDOW + second), &third.refresh).await);
        assert_eq!((quota.remaining, quota.resets_in.as_secs()), (0, 60 - second), "at {second}");
        world.assert_alive(WINDOW + second, &third).await;
    }
    let fourth = world.refresh(&world.at(WINDOW + 60), &third.refresh).await.unwrap();
    world.assert_alive(WINDOW + 60, &fourth).await;
}

#[tokio::test]
async fn the_limit_is_the_sessions_whichever_instance_it_meets_and_each_remembers_it() {
    let (world, _, pair) = scene().await;
    let third = refreshed(&world, pair).await;
    for _ in 0..2 {
        let other = world.instance();
        world.wire.reset();
        for second in [4, 5] {
            limited(refresh(&other, &world.at(WINDOW + second), &presenting(&third.refresh)).await);
            assert_eq!(world.wire.count("UpdateItem"), 2, "the second time it is refused from memory");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_refreshed_before_in_the_window_costs_one_write_more() {
    let (world, _, mut pair) = scene().await;
    for (second, writes) in [(0, 1), (1, 2), (2, 2), (60, 1)] {
        world.wire.reset();
        pair = world.refresh(&world.at(WINDOW + second), &pair.refresh).await.unwrap();
        assert_eq!(world.wire.count("UpdateItem"), writes, "at {second}");
    }
}

/// The clocks of two instances differ: one of them counts in the next window already.
#[tokio::test]
async fn a_count_of_another_window_is_in_nobodys_way() {
    for end in [WINDOW - 3_600, WINDOW + 3_600] {
        let (world, person, pair) = scene().await;
        world.rows.set_session(person.id, "refreshesEnd", n(time(end).as_second())).await;
        world.rows.set_session(person.id, "refreshes", n(1_000)).await;
        let next = world.refresh(&world.at(WINDOW), &pair.refresh).await.unwrap();
        world.assert_alive(WINDOW, &next).await;
    }
}

/// It gets the same answer each time, until it is a flood; and the session goes on.
#[tokio::test]
async fn a_token_that_is_shown_again_and_again_is_answered_and_then_refused() {
    let (world, _, pair) = scene().await;
    let first = world.refresh(&world.at(WINDOW), &pair.refresh).await.unwrap();
    for second in 1..5 {
        let again = world.refresh(&world.at(WINDOW + second), &pair.refresh).await.unwrap();
        assert_eq!(again.refresh.expose(), first.refresh.expose());
    }
    limited(world.refresh(&world.at(WINDOW + 5), &pair.refresh).await);
    world.assert_alive(WINDOW + 5, &first).await;
}

/// Its rows are of the version before this one.
#[tokio::test]
async fn a_session_that_was_never_counted_is_refreshed() {
    let (world, person, pair) = scene().await;
    assert!(!world.rows.session(person.id).await.contains_key("refreshesEnd"));
    refreshed(&world, pair).await;
    let row = world.rows.session(person.id).await;
    assert_eq!(
        (row["refreshes"].as_n().unwrap().as_str(), super::rows::number(&row, "refreshesEnd")),
        ("3", time(WINDOW + 60).as_second())
    );
}
