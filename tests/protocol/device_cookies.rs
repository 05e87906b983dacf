//! Devices that logged in before: whoever guesses at an account elsewhere can't keep its owner out, and a stolen token is worth as
//! many guesses as one device has.

use std::{collections::BTreeSet, sync::Arc};

use nova_auth::{
    domain::{email::Email, refusal::Refusal},
    flows::{FlowError, begin::LoggedIn, login::login},
    keys::Token,
};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    login_attempts::guess,
    vault::{REFRESH, key},
    world::{PASSWORD, Person, World, attempt},
};

const DAY: i64 = 24 * 60 * 60;

async fn world() -> Arc<World> {
    World::with(&[("DEVICE_COOKIES", "enabled")]).await
}

/// A login from a browser that keeps this, at an address of its own.
pub(super) async fn from_device(
    world: &World,
    second: i64,
    person: &Person,
    password: &str,
    known: Option<&Token>,
) -> Result<LoggedIn, FlowError> {
    let mut attempt = attempt(&person.email, password, "192.0.2.77");
    attempt.known = known.cloned();
    login(&world.service, &world.at(second), &attempt).await.map(|login| login.begun().unwrap())
}

async fn token(world: &World, second: i64, person: &Person, known: Option<&Token>) -> Token {
    from_device(world, second, person, PASSWORD, known).await.unwrap().device.unwrap()
}

#[tokio::test]
async fn while_a_stranger_fills_the_accounts_window_its_owner_logs_in_where_they_did_before() {
    let world = world().await;
    let person = world.person("amal").await;
    let device = token(&world, 0, &person, None).await;
    // For an hour, window after window.
    for window in 0..4 {
        let begin = 10 + window * 900;
        guess(&world, &person, begin, 5).await;
        let begun = from_device(&world, begin + 1, &person, PASSWORD, Some(&device)).await;
        assert!(begun.is_ok(), "the owner is locked out: {begun:?}");
        let stranger = refusal(from_device(&world, begin + 2, &person, PASSWORD, None).await);
        assert!(matches!(stranger, Refusal::LoginLocked(_)), "the owner's login let strangers guess again");
    }
}

#[tokio::test]
async fn a_token_of_another_account_another_stack_or_another_text_is_none() {
    let world = world().await;
    let (amal, omar) = (world.person("amal").await, world.person("omar").await);
    let others = token(&world, 0, &omar, None).await;
    let own = token(&world, 0, &amal, None).await;
    let elsewhere = World::with(&[("DEVICE_COOKIES", "enabled")]).await;
    elsewhere.vault.put_keys(REFRESH, &[key("refresh-of-theirs", None)]);
    let namesake = elsewhere.person("amal").await;
    let theirs = token(&elsewhere, 0, &namesake, None).await;
    guess(&world, &amal, 10, 5).await;
    let text = own.expose().to_owned();
    let parts: Vec<&str> = text.split('.').collect();
    let later = format!("{}.{}.{}.{}", parts[0], parts[1].parse::<i64>().unwrap() + 1, parts[2], parts[3]);
    let mut tried = vec![others, theirs, Token::new(later), Token::new(format!("{text}."))];
    tried.extend(["", ".", "...", "a.b.c.d", "refresh-1.1.AAAAAAAAAAAAAAAAAAAAAA.x"].map(Token::new));
    for token in &tried {
        let refused = refusal(from_device(&world, 20, &amal, PASSWORD, Some(token)).await);
        assert!(matches!(refused, Refusal::LoginLocked(_)), "{}: {refused:?}", token.expose());
    }
    assert!(from_device(&world, 21, &amal, PASSWORD, Some(&own)).await.is_ok());
}

#[tokio::test]
async fn a_device_is_known_for_180_days_after_its_last_login() {
    let world = world().await;
    let person = world.person("amal").await;
    let first = token(&world, 0, &person, None).await;
    let again = token(&world, 100 * DAY, &person, Some(&first)).await;
    // The same device: its old token and its new one are not worth twice as many guesses.
    let id = |token: &Token| token.expose().split('.').nth(2).unwrap().to_owned();
    assert_eq!(id(&first), id(&again));
    assert_ne!(id(&first), id(&token(&world, 100 * DAY, &person, None).await));
    for (second, device, is_known) in [
        (180 * DAY - 1, &first, true),
        (180 * DAY + 900, &first, false),
        (280 * DAY - 1, &again, true),
        (280 * DAY + 1800, &again, false),
    ] {
        guess(&world, &person, second - 10, 5).await;
        let outcome = from_device(&world, second, &person, PASSWORD, Some(device)).await;
        assert_eq!(outcome.is_ok(), is_known, "{second}: {outcome:?}");
    }
}

/// Its thief shares the device's own five with it, however many they are at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stolen_token_is_worth_five_guesses_however_many_try_at_once() {
    let world = world().await;
    let person = world.person("amal").await;
    let device = token(&world, 0, &person, None).await;
    guess(&world, &person, 10, 5).await;
    let mut thieves = JoinSet::new();
    for thief in 0..50 {
        let (world, person, device) = (Arc::clone(&world), person.clone(), device.clone());
        thieves.spawn(async move {
            let mut wrong = attempt(&person.email, "Wrong-horse-9!", &format!("198.51.101.{thief}"));
            wrong.known = Some(device);
            refusal(login(&world.service, &world.at(20), &wrong).await)
        });
    }
    let refused = thieves.join_all().await;
    let guessed = refused.iter().filter(|refused| matches!(refused, Refusal::InvalidCredentials(_))).count();
    assert_eq!(guessed, 5);
    assert!(
        refused.iter().all(|one| matches!(one, Refusal::InvalidCredentials(_) | Refusal::LoginLocked(_)))
    );
    // Who has used up the device's own is as everybody else: a window later both are free again.
    assert!(from_device(&world, 20 + 900, &person, PASSWORD, Some(&device)).await.is_ok());
}

/// A browser on which somebody mistyped five times is no worse off than one that nobody knows.
#[tokio::test]
async fn a_device_that_used_up_its_own_attempts_has_those_of_everybody() {
    let world = world().await;
    let person = world.person("amal").await;
    let device = token(&world, 0, &person, None).await;
    for second in 0..5 {
        let mut wrong = attempt(&person.email, "Wrong-horse-9!", &format!("198.51.102.{second}"));
        wrong.known = Some(device.clone());
        let refused = refusal(login(&world.service, &world.at(10 + second), &wrong).await);
        assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}");
    }
    assert!(from_device(&world, 20, &person, PASSWORD, Some(&device)).await.is_ok());
}

/// An office: five of its people mistyped, or a guest in it guesses.
#[tokio::test]
async fn whoever_logged_in_before_waits_for_nobody_else_at_their_address() {
    let world = World::impatient(&[("DEVICE_COOKIES", "enabled")]).await;
    let (amal, omar) = (world.person("amal").await, world.person("omar").await);
    let (hers, his) = (token(&world, 0, &amal, None).await, token(&world, 0, &omar, None).await);
    let wrong = async |second, person: &Person, known| {
        refusal(from_device(&world, second, person, "Wrong-horse-9!", known).await)
    };
    // What known devices mistype fills no window but their own.
    for second in 1..5 {
        for (person, device) in [(&amal, &hers), (&omar, &his)] {
            let refused = wrong(second, person, Some(device)).await;
            assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}");
        }
    }
    assert!(world.rows.address_entries("192.0.2.77").await.is_empty());
    // What a stranger guesses fills the address for strangers.
    let nobodys = Person { email: Email::parse("nobody@example.com").unwrap(), ..amal.clone() };
    for second in 10..15 {
        let refused = wrong(second, &nobodys, None).await;
        assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}");
    }
    let stranger = refusal(from_device(&world, 20, &omar, PASSWORD, None).await);
    assert!(matches!(stranger, Refusal::AddressLimited(_)), "{stranger:?}");
    assert!(from_device(&world, 21, &omar, PASSWORD, Some(&his)).await.is_ok());
    // A token of somebody else's login is a stranger's.
    let others = refusal(from_device(&world, 22, &omar, PASSWORD, Some(&hers)).await);
    assert!(matches!(others, Refusal::AddressLimited(_)), "{others:?}");
}

/// The address is no limit to them, so that the account has to be one.
#[tokio::test]
async fn one_address_with_a_stolen_token_gets_its_five_guesses_and_those_of_the_account() {
    let world = world().await;
    let person = world.person("amal").await;
    let device = token(&world, 0, &person, None).await;
    let mut hashed = 0;
    for second in 1..40 {
        let tried = from_device(&world, second, &person, "Wrong-horse-9!", Some(&device)).await;
        match refusal(tried) {
            Refusal::InvalidCredentials(_) => hashed += 1,
            refused => assert!(matches!(refused, Refusal::LoginLocked(_)), "{refused:?}"),
        }
    }
    assert_eq!(hashed, 10);
}

/// Otherwise whoever watches a login could tell who has one.
#[tokio::test]
async fn a_known_device_makes_the_same_calls_in_the_same_rounds() {
    let world = world().await;
    let person = world.person("amal").await;
    let device = token(&world, 0, &person, None).await;
    let mut seen = BTreeSet::new();
    for known in [None, Some(&device)] {
        world.wire.reset();
        from_device(&world, 60, &person, PASSWORD, known).await.unwrap();
        let mut calls: Vec<_> =
            world.wire.sent().iter().map(|sent| (sent.operation.clone(), sent.round)).collect();
        calls.sort();
        seen.insert(calls);
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn without_keys_nobody_says_whether_a_device_is_known() {
    let world = world().await;
    let person = world.person("amal").await;
    let device = token(&world, 0, &person, None).await;
    world.vault.set_failing(true);
    let fresh = world.instance();
    let mut right = attempt(&person.email, PASSWORD, "192.0.2.77");
    right.known = Some(device);
    assert_passing(login(&fresh, &world.at(1), &right).await);
}

#[tokio::test]
async fn a_stack_that_knows_no_devices_gives_no_token_and_takes_none() {
    let known = world().await;
    let person = known.person("amal").await;
    let device = token(&known, 0, &person, None).await;
    let world = World::new().await;
    let person = world.person("amal").await;
    assert!(from_device(&world, 0, &person, PASSWORD, None).await.unwrap().device.is_none());
    guess(&world, &person, 10, 5).await;
    let refused = refusal(from_device(&world, 20, &person, PASSWORD, Some(&device)).await);
    assert!(matches!(refused, Refusal::LoginLocked(_)), "{refused:?}");
    assert!(!format!("{device:?}").contains(device.expose()));
}
