//! How often an address may call: counted in the write that takes a place in its window.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use nova_auth::{
    domain::{
        address::ClientAddress,
        attempts::{Limit, Quota},
        email::Email,
        moment::Moment,
        name::PersonName,
        password::Password,
        refusal::Refusal,
    },
    flows::{
        FlowError, Requester,
        login::login,
        register::{Applicant, register},
    },
    gate::{Counted, Place, RateLimit, enter_address, leave},
};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, on},
    mailbox::{forgets, reads, reset},
    rows::{Row, SESSIONS, number},
    world::{ADDRESS, PASSWORD, Person, World, attempt, device, time},
};

/// A minute of calls begins at this second of a test, and the next one a minute later.
const MINUTE: i64 = 20;

fn here() -> ClientAddress {
    ClientAddress::parse(ADDRESS)
}

async fn enter(world: &World, second: i64) -> Result<Place, FlowError> {
    let (service, many) = (&world.service, Limit { max: 1_000, ..world.service.attempts.address });
    enter_address(&service.store, many, Some(&service.rate_limit), &world.at(second), here()).await
}

async fn row(world: &World) -> Row {
    world.rows.get(SESSIONS, &format!("ATTEMPTS#ADDRESS#{ADDRESS}"), "WINDOW").await.unwrap_or_default()
}

/// The counts of the item, by when they end.
async fn counts(world: &World) -> Vec<(i64, i64)> {
    let row = row(world).await;
    let counts =
        row.keys().filter_map(|name| Some((name.strip_prefix('c')?.parse().ok()?, number(&row, name))));
    let mut counts: Vec<_> = counts.collect();
    counts.sort_unstable();
    counts
}

fn end_of_minute(second: i64) -> i64 {
    time(second).as_second()
}

#[track_caller]
fn limited(outcome: Result<impl Sized, FlowError>) -> Quota {
    match refusal(outcome) {
        Refusal::ApiRateLimited(quota) => quota,
        other => panic!("{other:?}"),
    }
}

async fn limit_of(calls: &'static str) -> (Arc<World>, Person) {
    assert_eq!(time(MINUTE).as_second() % 60, 0);
    let world = World::with(&[("API_RATE_LIMIT", calls), ("REGISTRATION", "open")]).await;
    let person = world.person("amal").await;
    world.wire.reset();
    (world, person)
}

#[tokio::test]
async fn the_hundred_and_first_call_of_a_minute_is_refused_by_the_same_write_and_the_next_from_memory() {
    let (world, person) = limit_of("100").await;
    for _ in 0..99 {
        leave(&world.service.store, &enter(&world, MINUTE).await.unwrap()).await;
    }
    world.login(&world.at(MINUTE + 1), &person).await.unwrap();
    world.wire.reset();
    let quota = limited(world.login(&world.at(MINUTE + 10), &person).await);
    assert_eq!((quota.policy, quota.remaining), ("api", 0));
    // What it takes to be refused goes on while the clock does.
    assert!((49..=50).contains(&quota.resets_in.as_secs()), "{quota:?}");
    assert_eq!(world.wire.count("UpdateItem"), 1);
    limited(world.login(&world.at(MINUTE + 11), &person).await);
    assert_eq!(world.wire.count("UpdateItem"), 1);
    assert!(world.rows.account_entries(&person.email).await.is_empty(), "it was refused before any hash");
    assert!(!row(&world).await.contains_key("hits"), "a call that is refused holds no place");
    assert_eq!(counts(&world).await, [(end_of_minute(MINUTE + 60), 100)], "and counts no more");

    let other = world.instance();
    let again = attempt(&person.email, PASSWORD, ADDRESS);
    limited(login(&other, &world.at(MINUTE + 59), &again).await);
    login(&world.service, &world.at(MINUTE + 59), &attempt(&person.email, PASSWORD, "198.51.100.1"))
        .await
        .unwrap();
    world.login(&world.at(MINUTE + 60), &person).await.unwrap();
}

/// Of a hundred and one at once, too.
#[tokio::test]
async fn of_racing_calls_exactly_as_many_are_let_in_as_there_may_be() {
    let (world, _) = limit_of("20").await;
    let mut tasks = JoinSet::new();
    for _ in 0..30 {
        let world = Arc::clone(&world);
        tasks.spawn(async move { enter(&world, MINUTE).await.map(drop) });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        limited(refused);
    }
}

#[tokio::test]
async fn a_call_that_is_sent_again_or_whose_answer_is_lost_counts_once_also_the_last() {
    for fault in [Fault::SendTwice, Fault::LoseAnswer] {
        let (world, person) = limit_of("3").await;
        for call in 1..=3 {
            world.wire.reset();
            world.wire.script(on("UpdateItem").with("ATTEMPTS#ADDRESS"), fault.clone());
            world.login(&world.at(MINUTE + call), &person).await.unwrap();
            assert_eq!(counts(&world).await, [(end_of_minute(MINUTE + 60), call)]);
        }
        limited(world.login(&world.at(MINUTE + 4), &person).await);
    }
}

#[tokio::test]
async fn a_call_that_could_not_be_counted_is_no_login() {
    let (world, person) = limit_of("3").await;
    world.wire.script(on("UpdateItem").with("ATTEMPTS#ADDRESS").every_call(), Fault::throttled());
    assert_passing(world.login(&world.at(MINUTE), &person).await);
    assert!(world.rows.sessions(person.id).await.is_empty());
}

/// Registering and redeeming take their places in the same window. Asking for mail has one of its own, which is far smaller.
#[tokio::test]
async fn logins_and_registrations_of_an_address_are_counted_together_and_what_asks_for_mail_by_itself() {
    let (world, person) = limit_of("4").await;
    let new = |name: &str| Applicant {
        name: PersonName::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        password: Password::new(PASSWORD.to_owned()),
        caller: Requester { address: here(), device: device(), language: "en" },
    };
    world.login(&world.at(MINUTE), &person).await.unwrap();
    register(&world.service, &world.at(MINUTE), new("sara")).await.unwrap();
    world.login(&world.at(MINUTE), &person).await.unwrap();
    forgets(&world, MINUTE, &person.email).await.unwrap();
    let read = reads(&world, MINUTE, &person.email).await;
    assert!(reset(&world, MINUTE, read.wrong_code(&person.email), "Another-horse-9!").await.is_err());
    limited(world.login(&world.at(MINUTE), &person).await);
    limited(register(&world.service, &world.at(MINUTE), new("dina")).await);
    limited(reset(&world, MINUTE, read.link(), "Another-horse-9!").await);
    forgets(&world, MINUTE, &person.email).await.unwrap();
}

/// They take no place, and a flood of them ends like any other.
#[tokio::test]
async fn calls_that_a_full_window_refuses_are_counted_until_they_are_refused_from_memory() {
    let (world, person) = limit_of("8").await;
    for name in ["b", "c", "d", "e", "f"] {
        let victim = world.person(name).await;
        assert!(world.login_with(&world.at(MINUTE), &victim, "Wrong-horse-9!").await.is_err());
    }
    for call in 0..4 {
        let refused = refusal(world.login(&world.at(MINUTE + 30 + call), &person).await);
        assert!(matches!(refused, Refusal::AddressLimited(_)), "call {call}: {refused:?}");
    }
    world.wire.reset();
    limited(world.login(&world.at(MINUTE + 40), &person).await);
    assert!(world.wire.sent().is_empty());
    // The window is full for longer than the minute is.
    let refused = refusal(world.login(&world.at(MINUTE + 60), &person).await);
    assert!(matches!(refused, Refusal::AddressLimited(_)), "{refused:?}");
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 5);
}

/// The clocks of two instances differ: one of them counts in the minute before still.
#[tokio::test]
async fn a_count_of_the_minute_before_is_kept_for_a_clock_that_is_behind() {
    let (world, person) = limit_of("3").await;
    for _ in 0..3 {
        world.login(&world.at(MINUTE + 59), &person).await.unwrap();
    }
    world.login(&world.at(MINUTE + 61), &person).await.unwrap();
    limited(
        login(&world.instance(), &world.at(MINUTE + 59), &attempt(&person.email, PASSWORD, ADDRESS)).await,
    );
}

/// Somebody who calls now and then: the item must not grow for as long as they do.
#[tokio::test]
async fn counts_that_are_over_do_not_pile_up() {
    let (world, person) = limit_of("100").await;
    for call in 0..40 {
        let second = MINUTE + call * 170;
        match call % 3 {
            0 => drop(world.login_with(&world.at(second), &person, "Wrong-horse-9!").await),
            _ => drop(world.login(&world.at(second), &person).await.unwrap()),
        }
        // A window of fifteen minutes has six of these calls.
        assert!(counts(&world).await.len() <= 7, "{:?}", counts(&world).await);
    }
    leave(&world.service.store, &enter(&world, MINUTE + 100_000).await.unwrap()).await;
    assert_eq!(counts(&world).await, [(end_of_minute(MINUTE + 100_020), 1)]);
}

/// Or an office that was refused would be refused on, for a moment that is nobody's minute.
#[tokio::test]
async fn a_caller_who_was_refused_is_let_in_the_very_moment_that_the_next_minute_begins() {
    let (world, person) = limit_of("1").await;
    world.login(&world.at(MINUTE), &person).await.unwrap();
    limited(world.login(&world.at(MINUTE + 1), &person).await);
    let now = Timestamp::from_second(end_of_minute(MINUTE + 60)).unwrap();
    world.login(&Moment { now, ..world.at(MINUTE + 60) }, &person).await.unwrap();
}

/// What is remembered has a limit of its own. Callers whose minute is over make room, and nobody else does.
#[test]
fn a_crowd_of_refused_callers_pushes_out_only_those_whose_minute_is_over() {
    let calls = RateLimit::new(Limit { max: 1, window: SignedDuration::from_mins(1) });
    let caller = |number: u16| {
        let [high, low] = number.to_be_bytes();
        Counted::address(ClientAddress::parse(&format!("10.0.{high}.{low}")))
    };
    let (over, going_on) = (time(60), time(120));
    for number in 0..10_000 {
        calls.refuse(&caller(number), if number % 2 == 0 { over } else { going_on }, time(0));
    }
    calls.refuse(&caller(10_000), going_on, time(61));
    for number in [1, 9_999, 10_000] {
        assert!(calls.check(&caller(number), time(61)).is_err(), "{number}");
    }
    // They were not only forgotten when they were looked at: their room was given to another.
    assert!(calls.check(&caller(0), time(59)).is_ok());
}
