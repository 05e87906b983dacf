//! How many passwords may be tried: exactly as many as there are places, whoever races, repeats or gives back.

use std::sync::Arc;

use nova_auth::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Quota},
        refusal::Refusal,
    },
    flows::login::login,
    gate::{enter_address, leave},
    store::{AttemptsKey, Reservation, Wanted},
};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    rows::{SESSIONS, number},
    world::{ADDRESS, PASSWORD, Person, World, attempt},
};

/// Wrong passwords, each from an address of its own.
pub(super) async fn guess(world: &World, person: &Person, second: i64, times: usize) {
    for guess in 0..times {
        let wrong = attempt(&person.email, "Wrong-horse-9!", &format!("198.51.100.{guess}"));
        let refused = refusal(login(&world.service, &world.at(second), &wrong).await);
        assert!(matches!(refused, Refusal::InvalidCredentials(_)), "guess {guess}: {refused:?}");
    }
}

/// Whole seconds: a login's own time goes on while it waits for a place, by less than a millisecond here.
fn seconds(quota: Quota) -> i64 {
    i64::try_from((quota.resets_in.as_millis() + 999) / 1000).unwrap()
}

#[tokio::test]
async fn five_failures_lock_the_account_even_for_the_right_password_until_the_window_ends() {
    let world = World::new().await;
    let person = world.person("amal").await;
    guess(&world, &person, 0, 5).await;
    for second in [1, 450, 899] {
        let Refusal::LoginLocked(quota) = refusal(world.login(&world.at(second), &person).await) else {
            panic!("not locked at {second}")
        };
        assert_eq!(quota.remaining, 0);
        assert_eq!(seconds(quota), 900 - second, "trying does not extend it");
    }
    let pair = world.login(&world.at(900), &person).await.unwrap();
    world.assert_alive(900, &pair).await;
    assert!(world.rows.count_events(person.id, "authn_login_lock").await == 1);
}

/// An office in the morning: each of five colleagues mistypes once, and the sixth does not.
#[tokio::test]
async fn an_address_may_have_a_larger_limit_than_an_account() {
    let world = World::with(&[("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "20")]).await;
    let mut people = Vec::new();
    for name in ["amal", "basim", "dina", "farid", "hala", "sara"] {
        people.push(world.person(name).await);
    }
    for person in &people[..5] {
        let refused = refusal(world.login_with(&world.at(0), person, "Wrong-horse-9!").await);
        assert!(matches!(refused, Refusal::InvalidCredentials(quota) if quota.remaining == 4));
    }
    world.login(&world.at(1), &people[5]).await.unwrap();
    for _ in 0..4 {
        refusal(world.login_with(&world.at(2), &people[0], "Wrong-horse-9!").await);
    }
    assert!(matches!(refusal(world.login(&world.at(3), &people[0]).await), Refusal::LoginLocked(_)));
}

#[tokio::test]
async fn of_fifty_reservations_at_once_exactly_as_many_take_as_there_are_places() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (world, key) = (Arc::clone(&world), AttemptsKey::account(&person.email));
        tasks.spawn(async move {
            let moment = world.at(0);
            let (store, limit) = (&world.service.store, world.service.attempts.account);
            let entry = Entry::new(&moment);
            let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now: moment.now };
            store.reserve_attempt(wanted).await.unwrap()
        });
    }
    let taken = tasks.join_all().await.into_iter().filter(|taken| matches!(taken, Reservation::Taken(_)));
    assert_eq!(taken.count(), 5);
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 5);
}

/// The same of whole logins: of fifty guesses that race, five are answered, and hashed.
#[tokio::test]
async fn of_fifty_guesses_at_once_exactly_five_are_answered_and_count_in_a_row() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let mut tasks = JoinSet::new();
    for guess in 0..50 {
        let (world, email) = (Arc::clone(&world), person.email.clone());
        tasks.spawn(async move {
            let wrong = attempt(&email, "Wrong-horse-9!", &format!("198.51.100.{guess}"));
            refusal(login(&world.service, &world.at(0), &wrong).await)
        });
    }
    let refused = tasks.join_all().await;
    let guessed = refused.iter().filter(|refused| matches!(refused, Refusal::InvalidCredentials(_)));
    assert_eq!(guessed.count(), 5);
    assert!(matches!(
        refused.iter().find(|refused| !matches!(refused, Refusal::InvalidCredentials(_))),
        Some(Refusal::LoginLocked(_))
    ));
    let row =
        world.rows.get(SESSIONS, &format!("ATTEMPTS#ACCOUNT#{}", person.email.digest()), "WINDOW").await;
    assert_eq!(number(&row.unwrap(), "failures"), 5);
}

/// Neither is alone when it looks, and both are gone in the end: nobody's window stays behind them, half over.
#[tokio::test]
async fn two_that_leave_in_the_same_moment_leave_no_window_behind() {
    let world = World::new().await;
    let (store, limit) = (&world.service.store, world.service.attempts.address);
    let address = ClientAddress::parse(ADDRESS);
    let one = enter_address(store, limit, None, &world.at(0), address).await.unwrap();
    let other = enter_address(store, limit, None, &world.at(0), address).await.unwrap();
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with("DELETE hits"), Fault::Hold(gate.clone()));
    tokio::join!(leave(store, &one), async {
        gate.arrival().await;
        leave(store, &other).await;
        gate.open();
    });
    let row = world.rows.get(SESSIONS, &format!("ATTEMPTS#ADDRESS#{ADDRESS}"), "WINDOW").await.unwrap();
    assert!(!row.contains_key("windowEnd") && !row.contains_key("hits"), "{row:?}");
    let next = enter_address(store, limit, None, &world.at(800), address).await.unwrap();
    leave(store, &next).await;
}

/// A window that has ended is there until it is removed: reopening it is as much of a race as filling it.
#[tokio::test]
async fn of_fifty_reservations_in_a_window_that_has_ended_exactly_as_many_take() {
    let world = World::new().await;
    let person = world.person("amal").await;
    guess(&world, &person, 0, 5).await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (world, key) = (Arc::clone(&world), AttemptsKey::account(&person.email));
        tasks.spawn(async move {
            let moment = world.at(1000);
            let (store, limit) = (&world.service.store, world.service.attempts.account);
            let entry = Entry::new(&moment);
            let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now: moment.now };
            store.reserve_attempt(wanted).await.unwrap()
        });
    }
    let taken = tasks.join_all().await.into_iter().filter(|taken| matches!(taken, Reservation::Taken(_)));
    assert_eq!(taken.count(), 5);
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 5);
}

#[tokio::test]
async fn a_reservation_that_is_sent_again_takes_one_place_also_the_last() {
    for fault in [Fault::SendTwice, Fault::LoseAnswer] {
        let world = World::new().await;
        let person = world.person("amal").await;
        for used in 0..5 {
            world.wire.reset();
            world.wire.script(on("UpdateItem").with("ATTEMPTS#ACCOUNT"), fault.clone());
            let wrong = attempt(&person.email, "Wrong-horse-9!", &format!("198.51.100.{used}"));
            let refused = refusal(login(&world.service, &world.at(used), &wrong).await);
            assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}");
            assert_eq!(
                world.rows.account_entries(&person.email).await.len(),
                usize::try_from(used).unwrap() + 1
            );
        }
        assert!(matches!(refusal(world.login(&world.at(9), &person).await), Refusal::LoginLocked(_)));
    }
}

#[tokio::test]
async fn a_locked_account_costs_the_address_nothing() {
    let world = World::new().await;
    let person = world.person("amal").await;
    guess(&world, &person, 0, 5).await;
    for second in 1..10 {
        assert!(matches!(refusal(world.login(&world.at(second), &person).await), Refusal::LoginLocked(_)));
        assert!(world.rows.address_entries(ADDRESS).await.is_empty());
    }
}

#[tokio::test]
async fn an_address_that_is_full_is_refused_before_any_account_pays_for_it() {
    let world = World::new().await;
    for guess in 0..5 {
        let person = world.person(&format!("victim-{guess}")).await;
        let wrong = world.login_with(&world.at(0), &person, "Wrong-horse-9!").await;
        assert!(matches!(refusal(wrong), Refusal::InvalidCredentials(_)));
    }
    let person = world.person("amal").await;
    let Refusal::AddressLimited(quota) = refusal(world.login(&world.at(60), &person).await) else {
        panic!("not limited")
    };
    assert_eq!((quota.policy, seconds(quota)), ("address", 840));
    assert!(world.rows.account_entries(&person.email).await.is_empty());
    assert!(
        login(&world.service, &world.at(60), &attempt(&person.email, PASSWORD, "198.51.100.1")).await.is_ok()
    );
}

#[tokio::test]
async fn a_login_clears_the_accounts_failures_and_gives_the_address_its_place_back() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let stays = world.login_with(&world.at(0), &person, "Wrong-horse-9!").await;
    assert!(stays.is_err());
    let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
    assert_eq!(world.rows.all(SESSIONS, &account, "").await.len(), 1, "a window and a run");
    world.login(&world.at(1), &person).await.unwrap();
    assert!(world.rows.all(SESSIONS, &account, "").await.is_empty());
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 1, "the wrong one's stays");
}

#[tokio::test]
async fn what_is_given_back_late_takes_nothing_from_the_next_window() {
    let world = World::new().await;
    let (store, limit) = (&world.service.store, world.service.attempts.account);
    let address = ClientAddress::parse(ADDRESS);
    let late = enter_address(store, limit, None, &world.at(0), address).await.unwrap();
    let next = enter_address(store, limit, None, &world.at(901), address).await.unwrap();
    leave(store, &late).await;
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 1);
    leave(store, &next).await;
    assert!(world.rows.address_entries(ADDRESS).await.is_empty());
}

/// All of their calls are counted, and nothing is left of their places: the next failure opens a whole window.
#[tokio::test]
async fn an_office_behind_one_address_logs_in_twenty_at_once() {
    let world = World::with(&[("API_RATE_LIMIT", "100"), ("API_RATE_SECONDS", "3600")]).await;
    let mut tasks = JoinSet::new();
    for employee in 0..20 {
        let person = world.person(&format!("employee-{employee}")).await;
        let world = Arc::clone(&world);
        tasks.spawn(async move { world.login(&world.at(0), &person).await.map(drop) });
    }
    for logged_in in tasks.join_all().await {
        logged_in.unwrap();
    }
    let row = world.rows.get(SESSIONS, &format!("ATTEMPTS#ADDRESS#{ADDRESS}"), "WINDOW").await.unwrap();
    assert!(!row.contains_key("hits") && !row.contains_key("windowEnd"), "{row:?}");
    let counts: Vec<_> =
        row.keys().filter(|name| name.starts_with('c')).map(|name| number(&row, name)).collect();
    assert_eq!(counts, [20]);
}

/// The sixth of an office, in the morning: refused at once, they would have to type their password again.
#[tokio::test]
async fn a_login_behind_a_full_window_waits_for_one_in_flight_and_takes_its_place() {
    let world = World::new().await;
    let (store, limit) = (&world.service.store, world.service.attempts.account);
    let address = ClientAddress::parse(ADDRESS);
    let first = enter_address(store, limit, None, &world.at(0), address).await.unwrap();
    for _ in 1..limit.max {
        let _stays = enter_address(store, limit, None, &world.at(0), address).await.unwrap();
    }
    let (gate, sixth) = (Gate::default(), world.at(1));
    world.wire.script(on("UpdateItem"), Fault::HoldAnswer(gate.clone()));
    let (place, ()) = tokio::join!(enter_address(store, limit, None, &sixth, address), async {
        gate.arrival().await;
        leave(store, &first).await;
        gate.open();
    });
    let place = place.unwrap();
    assert!(place.waited && place.moment.now > sixth.now, "a place is of the time when it was taken");
}

#[tokio::test]
async fn a_reservation_whose_answer_was_lost_holds_no_place() {
    for key in ["ATTEMPTS#ADDRESS#", "ATTEMPTS#ACCOUNT#"] {
        let world = World::new().await;
        let person = world.person("amal").await;
        for second in 0..6 {
            world.wire.reset();
            world.wire.script(on("UpdateItem").with(key).every_try(), Fault::LoseAnswer);
            assert_passing(world.login(&world.at(second), &person).await);
        }
        world.wire.reset();
        assert!(world.rows.account_entries(&person.email).await.is_empty(), "{key}");
        assert!(world.rows.address_entries(ADDRESS).await.is_empty(), "{key}");
        world.login(&world.at(7), &person).await.unwrap();
    }
}

/// The same delete arriving late, or again, when the account is under attack must not open its window.
#[tokio::test]
async fn a_clear_that_comes_late_takes_nothing_from_those_who_came_after() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let (store, moment) = (&world.service.store, world.at(0));
    let mine = Entry::new(&moment);
    let key = AttemptsKey::account(&person.email);
    let limit = world.service.attempts.account;
    let wanted = Wanted { key: &key, entry: &mine, limit, calls: None, now: moment.now };
    store.reserve_attempt(wanted).await.unwrap();
    store.forgive_attempts(&AttemptsKey::account(&person.email), &mine).await.unwrap();
    assert!(world.rows.account_entries(&person.email).await.is_empty());
    guess(&world, &person, 1, 5).await;
    store.forgive_attempts(&AttemptsKey::account(&person.email), &mine).await.unwrap();
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 5);
    assert!(matches!(refusal(world.login(&world.at(2), &person).await), Refusal::LoginLocked(_)));
}

/// A client shows how many tries are left; after a login it must not go on showing those of before.
#[tokio::test]
async fn whoever_gets_in_hears_that_the_window_of_their_account_is_empty_again() {
    let world = World::new().await;
    let person = world.person("amal").await;
    guess(&world, &person, 0, 2).await;
    let begun = login(&world.service, &world.at(1), &attempt(&person.email, PASSWORD, ADDRESS)).await;
    let quota = begun.unwrap().begun().unwrap().quota.unwrap();
    assert_eq!((quota.policy, quota.remaining), ("account", quota.limit.max));
}
