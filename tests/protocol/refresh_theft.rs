//! Refresh, when a token was stolen: the session ends, durably, and both who hold its tokens are out.

use nova_auth::{
    domain::{
        ids::{FingerprintHash, RefreshId},
        refusal::Refusal,
        session::{Delivery, Presented},
    },
    flows::refresh::{RefreshAttempt, refresh},
    keys::Token,
    store::{Rotated, Rotation},
};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, on},
    rows::{number, text},
    world::{Pair, Person, World, presenting, time},
};

async fn assert_theft_was_noticed(world: &World, person: &Person, second: i64, held: &[&Pair]) {
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "revoked");
    assert_eq!(world.rows.count_events(person.id, "authn_token_reuse").await, 1);
    for pair in held {
        assert_eq!(refusal(world.authenticate(second, &pair.access).await), Refusal::TokenRevoked);
        world.assert_dead(second, pair).await;
    }
}

#[tokio::test]
async fn a_thief_who_is_first_is_out_when_the_owner_comes_after_the_grace_window() {
    let world = World::new().await;
    let (person, stolen) = world.logged_in().await;
    let thief = world.refresh(&world.at(60), &stolen.refresh).await.unwrap();
    world.assert_alive(90, &thief).await;
    assert_eq!(refusal(world.refresh(&world.at(91), &stolen.refresh).await), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 91, &[&stolen, &thief]).await;
}

/// The remaining risk, as the threat model states it: within the window nobody can tell a thief from a retry. What
/// holds is that there is one chain, so the first who refreshes outside the window betrays the other.
#[tokio::test]
async fn a_thief_within_the_grace_window_shadows_the_owner_and_gains_no_second_chain() {
    let world = World::new().await;
    let (person, stolen) = world.logged_in().await;
    let thief = world.refresh(&world.at(60), &stolen.refresh).await.unwrap();
    let owner = world.refresh(&world.at(70), &stolen.refresh).await.unwrap();
    assert_eq!(thief.refresh.expose(), owner.refresh.expose());

    let later = world.refresh(&world.at(900), &owner.refresh).await.unwrap();
    assert_eq!(refusal(world.refresh(&world.at(931), &thief.refresh).await), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 931, &[&owner, &thief, &later]).await;
}

#[tokio::test]
async fn a_thief_who_comes_later_ends_the_session_for_both() {
    let world = World::new().await;
    let (person, stolen) = world.logged_in().await;
    let owner = world.refresh(&world.at(60), &stolen.refresh).await.unwrap();
    assert_eq!(refusal(world.refresh(&world.at(91), &stolen.refresh).await), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 91, &[&owner]).await;
}

#[tokio::test]
async fn a_token_from_before_the_previous_one_is_theft_inside_the_window_too() {
    let world = World::new().await;
    let (person, oldest) = world.logged_in().await;
    let older = world.refresh(&world.at(60), &oldest.refresh).await.unwrap();
    let current = world.refresh(&world.at(61), &older.refresh).await.unwrap();
    assert_eq!(refusal(world.refresh(&world.at(62), &oldest.refresh).await), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 62, &[&older, &current]).await;
}

#[tokio::test]
async fn without_grace_the_second_use_is_theft_at_once() {
    let world = World::with(&[("REFRESH_GRACE_SECONDS", "0")]).await;
    let (person, stolen) = world.logged_in().await;
    let owner = world.refresh(&world.at(60), &stolen.refresh).await.unwrap();
    assert_eq!(refusal(world.refresh(&world.at(60), &stolen.refresh).await), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 60, &[&owner]).await;
}

#[tokio::test]
async fn another_device_in_the_grace_window_is_a_thief() {
    let world = World::new().await;
    let (person, stolen) = world.logged_in().await;
    let from = |token: &Token, fingerprint: &str| RefreshAttempt {
        fingerprint: Some(FingerprintHash::of(fingerprint)),
        ..presenting(token)
    };
    let owner = refresh(&world.service, &world.at(60), &from(&stolen.refresh, "phone")).await.unwrap();
    let owner = Pair::from(owner);
    let again = refresh(&world.service, &world.at(65), &from(&stolen.refresh, "phone")).await.unwrap();
    assert_eq!(again.refresh.token().expose(), owner.refresh.expose(), "its own retry is answered");
    let thief = refresh(&world.service, &world.at(66), &from(&stolen.refresh, "another")).await;
    assert_eq!(refusal(thief), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 66, &[&owner]).await;
}

/// A 401 before the revocation stands would leave the thief's chain alive with nobody left to notice.
#[tokio::test]
async fn a_theft_that_cannot_be_written_down_is_no_answer_until_it_is() {
    let world = World::new().await;
    let (person, stolen) = world.logged_in().await;
    let thief = world.refresh(&world.at(60), &stolen.refresh).await.unwrap();
    world.wire.script(on("TransactWriteItems").every_try(), Fault::out_of_capacity());
    assert_passing(world.refresh(&world.at(100), &stolen.refresh).await);
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "active");
    assert_eq!(refusal(world.refresh(&world.at(101), &stolen.refresh).await), Refusal::RefreshTokenInvalid);
    assert_theft_was_noticed(&world, &person, 101, &[&thief]).await;
}

#[tokio::test]
async fn a_forged_generation_or_a_token_of_another_session_changes_nothing() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let mut parts: Vec<String> = pair.refresh.expose().split('.').map(str::to_owned).collect();
    parts[1].insert(4, 'A');
    assert_eq!(
        refusal(world.refresh(&world.at(60), &Token::new(parts.join("."))).await),
        Refusal::RefreshTokenInvalid
    );
    assert_eq!(
        refusal(world.refresh(&world.at(60), &pair.access).await),
        Refusal::RefreshTokenInvalid,
        "an access token refreshes nothing"
    );
    assert_eq!(refusal(world.authenticate(60, &pair.refresh).await), Refusal::TokenInvalid);
    let row = world.rows.session(person.id).await;
    assert_eq!((text(&row, "state").as_str(), number(&row, "generation")), ("active", 0));
    world.refresh(&world.at(60), &pair.refresh).await.unwrap();
}

/// No token of ours has the right generation and another id. Should one ever come, it uses up nothing.
#[tokio::test]
async fn another_id_of_the_current_generation_rotates_nothing() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let other = RefreshId::from_bytes(&[7; 32]).hash();
    let moment = world.at(60);
    let presented =
        Presented { hash: other.clone(), generation: 0, fingerprint: None, delivery: Delivery::Body };
    let rotation = Rotation {
        user: person.id,
        session: claims(&pair.refresh)["sid"].as_str().unwrap().parse().unwrap(),
        presented: &presented,
        next: other,
        kid: "refresh-1",
        idle_end: time(3600),
        moment: &moment,
        limit: None,
    };
    assert!(matches!(world.service.store.rotate(&rotation).await, Ok(Rotated::Lost(Some(_)))));
    world.refresh(&world.at(60), &pair.refresh).await.unwrap();
}
