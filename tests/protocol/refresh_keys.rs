//! Refresh while keys change hands: the successor of a token is the same whichever key signs today.

use nova_auth::{domain::refusal::Refusal, flows::refresh::refresh};

use super::{
    answers::{assert_passing, kid, refusal},
    rows::text,
    vault::{ACCESS, REFRESH, key},
    world::{Pair, World, presenting, time},
};

/// The rotation wrote the name of its key into the row; today's signer would make another id, whose hash is not the
/// row's.
#[tokio::test]
async fn a_retry_after_the_signer_changed_gets_the_same_bytes() {
    let world = World::new().await;
    world.vault.put_keys(REFRESH, &[key("refresh-1", None), key("refresh-2", Some(time(70)))]);
    let (person, first) = world.logged_in().await;
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    let again = world.refresh(&world.at(75), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    assert_eq!(text(&world.rows.session(person.id).await, "rotationKid"), "refresh-1");
    let third = world.refresh(&world.at(76), &second.refresh).await.unwrap();
    assert_eq!(kid(&third.refresh), "refresh-2", "and the next one is the new key's");
    world.refresh(&world.at(900), &third.refresh).await.unwrap();
}

#[tokio::test]
async fn a_retry_at_an_instance_that_read_the_keys_before_the_new_one_joined_is_answered() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    world.vault.put_keys(REFRESH, &[key("refresh-1", None), key("refresh-2", Some(time(5)))]);
    let newer = world.instance();
    let second = Pair::from(refresh(&newer, &world.at(10), &presenting(&first.refresh)).await.unwrap());
    assert_eq!(kid(&second.refresh), "refresh-2");
    let reads = world.vault.reads();
    let again = world.refresh(&world.at(15), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    assert_eq!(world.vault.reads(), reads + 1, "it read the keys again");
}

#[tokio::test]
async fn keys_that_cannot_be_read_are_no_answer_and_use_up_no_token() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.assert_alive(0, &first).await;
    world.vault.set_failing(true);
    let cold = world.instance();
    assert_passing(refresh(&cold, &world.at(60), &presenting(&first.refresh)).await);
    assert_passing(cold.access.ready(world.at(60).now).await.map_err(Into::into));
    assert_eq!(super::rows::number(&world.rows.session(person.id).await, "generation"), 0);
    // One that has read them goes on, for a while.
    let second = world.refresh(&world.at(600), &first.refresh).await.unwrap();
    world.assert_alive(600, &second).await;
    assert_passing(world.refresh(&world.at(3600), &second.refresh).await);
    world.vault.set_failing(false);
    world.refresh(&world.at(3660), &second.refresh).await.unwrap();
}

/// While nobody can tell whether there is such a key, "no" would log an honest client out.
#[tokio::test]
async fn a_token_of_a_key_that_nobody_can_look_up_is_neither_accepted_nor_refused() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    world.assert_alive(0, &first).await;
    world.vault.put_keys(ACCESS, &[key("access-1", None), key("access-2", Some(time(50)))]);
    let newer = world.instance();
    let second = Pair::from(refresh(&newer, &world.at(60), &presenting(&first.refresh)).await.unwrap());
    assert_eq!(kid(&second.access), "access-2");
    world.vault.set_failing(true);
    assert_passing(world.authenticate(100, &second.access).await);
    world.vault.set_failing(false);
    world.assert_alive(140, &second).await;
}

#[tokio::test]
async fn a_made_up_key_is_refused_and_makes_nobody_read_the_keys_each_time() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    world.assert_alive(0, &pair).await;
    let other = World::new().await;
    other.vault.put_keys(ACCESS, &[key("made-up", None)]);
    other.vault.put_keys(REFRESH, &[key("made-up-too", None)]);
    let (_, forged) = other.logged_in().await;
    let reads = world.vault.reads();
    for second in [40, 41, 42, 60, 69] {
        assert_eq!(refusal(world.authenticate(second, &forged.access).await), Refusal::TokenInvalid);
        let refreshed = world.refresh(&world.at(second), &forged.refresh).await;
        assert_eq!(refusal(refreshed), Refusal::RefreshTokenInvalid);
    }
    assert_eq!(world.vault.reads(), reads + 2, "one secret each");
}

#[tokio::test]
async fn a_key_of_the_same_name_and_other_bytes_signs_nothing_of_ours() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    let mut wrong = key("another", None);
    wrong["kid"] = "refresh-1".into();
    let other = World::new().await;
    other.vault.put_keys(REFRESH, &[wrong]);
    let (_, forged) = other.logged_in().await;
    assert_eq!(refusal(world.refresh(&world.at(9), &forged.refresh).await), Refusal::RefreshTokenInvalid);
    world.refresh(&world.at(9), &pair.refresh).await.unwrap();
}

/// A key that signs at once, as after a compromise: an instance that can't read the secret can't tell what the row's key
/// would have made, and must not take its own ignorance for a theft or an end.
#[tokio::test]
async fn a_retry_at_an_instance_that_cannot_know_the_key_yet_is_no_answer_and_no_theft() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    world.vault.put_keys(REFRESH, &[key("refresh-1", None), key("refresh-2", Some(time(0)))]);
    let newer = world.instance();
    let second = Pair::from(refresh(&newer, &world.at(10), &presenting(&first.refresh)).await.unwrap());
    world.vault.set_failing(true);
    assert_passing(world.refresh(&world.at(15), &first.refresh).await);
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "active");
    let again = Pair::from(refresh(&newer, &world.at(35), &presenting(&first.refresh)).await.unwrap());
    assert_eq!(again.refresh.expose(), second.refresh.expose());
}

/// `nova keys rotate --drop` with a fleet that runs: whoever is given a token of the new key is let in everywhere at
/// once, also where the old ring was read a moment ago.
#[tokio::test]
async fn after_a_drop_no_instance_refuses_a_token_of_the_new_key() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    world.assert_alive(0, &first).await;
    world.vault.put_keys(ACCESS, &[key("access-2", Some(time(1)))]);
    let newer = world.instance();
    let second = Pair::from(refresh(&newer, &world.at(2), &presenting(&first.refresh)).await.unwrap());
    assert_eq!(kid(&second.access), "access-2");
    world.assert_alive(3, &second).await;
    assert_eq!(refusal(world.authenticate(4, &first.access).await), Refusal::TokenInvalid);
}

#[tokio::test]
async fn half_a_minute_after_a_drop_a_fleet_that_runs_neither_takes_the_dropped_key_nor_signs_with_it() {
    let world = World::new().await;
    let (_, first) = world.logged_in().await;
    world.assert_alive(0, &first).await;
    world.vault.put_keys(ACCESS, &[key("access-2", Some(time(1)))]);
    world.assert_alive(29, &first).await;
    assert_eq!(refusal(world.authenticate(30, &first.access).await), Refusal::TokenInvalid);
    let second = world.refresh(&world.at(31), &first.refresh).await.unwrap();
    assert_eq!(kid(&second.access), "access-2");
}
