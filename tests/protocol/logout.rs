//! Logout: after it has said yes, nothing of the session is accepted; until it has, it can be said again.

use nova_auth::{
    domain::refusal::Refusal,
    flows::{
        csrf::Carrier,
        logout::{LogoutAttempt, logout},
    },
    keys::Token,
};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, Gate, on},
    rows::{number, text},
    world::{Pair, World, device},
};

async fn logout_with(world: &World, second: i64, access: Option<&Token>, refresh: Option<&Token>) {
    let attempt = LogoutAttempt {
        access: access.cloned(),
        refresh: refresh.cloned().map(|token| (token, Carrier::Body)),
        device: device(),
    };
    logout(&world.service, &world.at(second), &attempt).await.unwrap();
}

#[tokio::test]
async fn either_token_ends_the_session_for_both() {
    for (with_access, with_refresh) in [(true, true), (true, false), (false, true)] {
        let world = World::new().await;
        let (person, pair) = world.logged_in().await;
        logout_with(&world, 60, with_access.then_some(&pair.access), with_refresh.then_some(&pair.refresh))
            .await;
        assert_eq!(refusal(world.authenticate(60, &pair.access).await), Refusal::TokenRevoked);
        world.assert_dead(60, &pair).await;
        assert_eq!(world.rows.count_events(person.id, "authn_token_revoked").await, 1);
    }
}

#[tokio::test]
async fn said_again_it_is_a_yes_again_and_no_second_entry_in_the_log() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    for second in [60, 61, 62] {
        world.logout(&world.at(second), &pair).await.unwrap();
    }
    assert_eq!(world.rows.count_events(person.id, "authn_token_revoked").await, 1);
}

#[tokio::test]
async fn a_token_of_any_generation_or_age_ends_its_session() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    let third = world.refresh(&world.at(120), &second.refresh).await.unwrap();
    logout_with(&world, 130, None, Some(&first.refresh)).await;
    world.assert_dead(130, &third).await;

    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    let second = world.refresh(&world.at(1800), &first.refresh).await.unwrap();
    assert_eq!(refusal(world.authenticate(1800, &first.access).await), Refusal::TokenExpired);
    logout_with(&world, 1800, Some(&first.access), None).await;
    world.assert_dead(1800, &second).await;
}

#[tokio::test]
async fn tokens_of_two_sessions_end_both() {
    let world = World::new().await;
    let (person, one) = world.logged_in().await;
    let two = world.login(&world.at(1), &person).await.unwrap();
    let three = world.login(&world.at(2), &person).await.unwrap();
    logout_with(&world, 60, Some(&one.access), Some(&two.refresh)).await;
    world.assert_dead(60, &one).await;
    world.assert_dead(60, &two).await;
    world.assert_alive(60, &three).await;
}

#[tokio::test]
async fn the_access_token_is_on_the_blacklist_for_as_long_as_a_clock_may_take_it() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    logout_with(&world, 60, Some(&pair.access), None).await;
    let claims = claims(&pair.access);
    let row = world.rows.session(person.id).await;
    assert_eq!(row["revokedTokens"].as_ss().unwrap(), &[claims["jti"].as_str().unwrap()]);
    assert!(number(&row, "expiresAt") > claims["exp"].as_i64().unwrap() + 6);
}

/// A yes with the write missing would leave a token in force that its owner believes dead.
#[tokio::test]
async fn a_write_that_fails_is_no_yes_and_saying_it_again_completes_it() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.wire.script(on("TransactWriteItems").every_try(), Fault::throttled());
    assert_passing(world.logout(&world.at(60), &pair).await);
    world.logout(&world.at(61), &pair).await.unwrap();
    world.assert_dead(61, &pair).await;
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "revoked");
}

#[tokio::test]
async fn a_revocation_that_conflicts_with_a_refresh_is_tried_again() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    world.wire.reset();
    world.wire.script(on("TransactWriteItems"), Fault::conflict());
    world.wire.script(on("TransactWriteItems"), Fault::conflict());
    world.logout(&world.at(60), &pair).await.unwrap();
    assert_eq!(world.wire.count("TransactWriteItems"), 3);
    world.assert_dead(60, &pair).await;
}

#[tokio::test]
async fn a_decision_while_the_logout_is_on_its_way_is_yes_before_it_took_and_no_after() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::HoldAnswer(gate.clone()));
    let moment = world.at(60);
    let only_refresh = LogoutAttempt {
        access: None,
        refresh: Some((pair.refresh.clone(), Carrier::Body)),
        device: device(),
    };
    let (ended, ()) = tokio::join!(logout(&world.service, &moment, &only_refresh), async {
        gate.arrival().await;
        world.assert_dead(60, &pair).await;
        gate.open();
    });
    ended.unwrap();
}

#[tokio::test]
async fn a_token_that_is_not_ours_ends_nothing() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    let forged = Pair {
        access: Token::new(format!("{}A", pair.access.expose())),
        refresh: Token::new(format!("{}A", pair.refresh.expose())),
    };
    assert_eq!(refusal(world.logout(&world.at(60), &forged).await), Refusal::TokenInvalid);
    let neither = LogoutAttempt { access: None, refresh: None, device: device() };
    assert_eq!(refusal(logout(&world.service, &world.at(60), &neither).await), Refusal::TokenMissing);
    world.assert_alive(60, &pair).await;
    // One that is ours counts beside one that is not.
    logout_with(&world, 61, Some(&forged.access), Some(&pair.refresh)).await;
    world.assert_dead(61, &pair).await;
}
