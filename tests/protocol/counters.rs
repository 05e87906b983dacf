//! Counters at random, over a real DynamoDB, held against what they are meant to be: a window is a set of entries and an
//! end, and a count of calls is a number for each window.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use nova_auth::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Limit, Window},
        email::Email,
    },
    store::{AttemptsKey, Reservation, Wanted},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};

use super::world::{World, time};

const LIMIT: Limit = Limit { max: 3, window: SignedDuration::from_secs(60) };

#[derive(Debug, Clone)]
enum Step {
    /// A request takes a place.
    Enter,
    /// One that was sent before arrives once more.
    Repeat(Index),
    /// A place is given back, for the first time or not.
    GiveBack(Index),
    /// The owner of the account was right, in this place, for the first time or not.
    Clear(Index),
    /// Time passes.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Enter),
        2 => any::<Index>().prop_map(Step::Repeat),
        3 => any::<Index>().prop_map(Step::GiveBack),
        1 => any::<Index>().prop_map(Step::Clear),
        // To the second at which a window ends, and beyond.
        2 => prop_oneof![1_i64..30, Just(60), 61_i64..200].prop_map(Step::Wait),
    ];
    vec(step, 1..24)
}

/// The window as it is meant to be, and what is counted with it.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeSet<String>,
    ends: Option<Timestamp>,
    failures: i64,
    calls: BTreeMap<i64, u32>,
}

/// What becomes of an entry.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    Full,
    TooManyCalls(i64),
}

impl Model {
    fn enter(&mut self, entry: &str, calls: Option<Limit>, now: Timestamp) -> Fate {
        let is_over = self.ends.is_none_or(|ends| ends <= now);
        if !is_over && self.entries.contains(entry) {
            return Fate::Taken;
        }
        if !is_over && self.entries.len() >= usize::try_from(LIMIT.max).unwrap() {
            return Fate::Full;
        }
        if let Some(limit) = calls {
            let length = limit.window.as_secs();
            let ends = (now.as_second() / length + 1) * length;
            let count = self.calls.entry(ends).or_default();
            if *count >= limit.max {
                return Fate::TooManyCalls(ends);
            }
            *count += 1;
        }
        if is_over {
            self.entries.clear();
            self.ends = Some(now + LIMIT.window);
        }
        self.entries.insert(entry.to_owned());
        self.failures += 1;
        Fate::Taken
    }

    fn give_back(&mut self, entry: &str) {
        if self.entries.remove(entry) {
            self.failures -= 1;
            if self.entries.is_empty() {
                self.ends = None;
            }
        }
    }

    fn clear(&mut self, entry: &str) {
        self.failures = 0;
        if self.entries.contains(entry) {
            self.entries.clear();
            self.ends = None;
        }
    }

    fn assert_is(&self, window: &Window) {
        let entries: BTreeSet<String> = window.entries.iter().cloned().collect();
        assert_eq!(entries, self.entries);
        assert_eq!(Some(window.ends), self.ends);
    }
}

/// What is played with: an account whose failures are counted, or an address whose calls are.
enum Subject {
    Account(Email),
    Address(ClientAddress),
}

/// So few that the windows of calls end within one of attempts, and the other way round.
const CALLS: Limit = Limit { max: 4, window: SignedDuration::from_secs(20) };

async fn play(world: &World, subject: &Subject, steps: &[Step]) {
    let (mut model, mut second, mut made) = (Model::default(), 0, Vec::<Entry>::new());
    let earlier = |made: &[Entry], which: &Index| (!made.is_empty()).then(|| which.get(made).clone());
    let store = &world.service.store;
    for step in steps {
        match step {
            Step::Wait(seconds) => second += seconds,
            Step::Enter => made.push(Entry::new(&world.at(second))),
            Step::Repeat(_) | Step::GiveBack(_) | Step::Clear(_) => {}
        }
        let entry = match step {
            Step::Wait(_) => None,
            Step::Enter => made.last().cloned(),
            Step::Repeat(which) | Step::GiveBack(which) | Step::Clear(which) => earlier(&made, which),
        };
        match (step, entry, subject) {
            (_, None, _) | (Step::Clear(_), _, Subject::Address(_)) => {}
            (Step::GiveBack(_), Some(entry), _) => {
                store.give_back_attempt(&key(subject), &entry, &[]).await.unwrap();
                model.give_back(entry.as_str());
            }
            (Step::Clear(_), Some(entry), Subject::Account(email)) => {
                store.forgive_attempts(&AttemptsKey::account(email), &entry).await.unwrap();
                model.clear(entry.as_str());
            }
            (_, Some(entry), _) => enter(world, subject, &mut model, &entry, second).await,
        }
    }
}

fn key(subject: &Subject) -> AttemptsKey {
    match subject {
        Subject::Account(email) => AttemptsKey::account(email),
        Subject::Address(address) => AttemptsKey::address(*address),
    }
}

async fn enter(world: &World, subject: &Subject, model: &mut Model, entry: &Entry, second: i64) {
    let now = time(second);
    let calls = matches!(subject, Subject::Address(_)).then_some(CALLS);
    let wanted = Wanted { key: &key(subject), entry, limit: LIMIT, calls, now };
    let reserved = world.service.store.reserve_attempt(wanted).await.unwrap();
    let fate = model.enter(entry.as_str(), calls, now);
    match &reserved {
        Reservation::Taken(taken) => {
            assert_eq!(fate, Fate::Taken, "a place too many");
            model.assert_is(&taken.window);
            if calls.is_none() {
                assert_eq!(i64::from(taken.run.failures), model.failures.max(0));
            }
        }
        Reservation::Full(window) => {
            assert_eq!(fate, Fate::Full, "a place too few");
            model.assert_is(window);
        }
        Reservation::TooManyCalls(until) => assert_eq!(fate, Fate::TooManyCalls(until.as_second())),
    }
}

fn at_random<S: Strategy>(cases: u32, strategy: &S, mut test: impl AsyncFnMut(&World, u32, S::Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world: Arc<World> = runtime.block_on(World::new());
    let config = Config { failure_persistence: None, cases, ..Config::default() };
    let (test, case) = (std::cell::RefCell::new(&mut test), std::cell::Cell::new(0));
    let outcome = TestRunner::new(config).run(strategy, |value| {
        case.set(case.get() + 1);
        runtime.block_on((test.borrow_mut())(&world, case.get(), value));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_window_of_attempts_is_a_set_of_so_many_entries_and_an_end_whatever_comes_in_whatever_order() {
    at_random(60, &steps(), async |world, case, steps| {
        let email = Email::parse(&format!("case-{case}@example.com")).unwrap();
        play(world, &Subject::Account(email), &steps).await;
    });
}

#[test]
fn a_window_of_an_address_is_the_same_and_its_calls_are_counted_beside_it() {
    at_random(60, &steps(), async |world, case, steps| {
        let address = ClientAddress::parse(&format!("10.1.{}.{}", case / 256, case % 256));
        play(world, &Subject::Address(address), &steps).await;
    });
}

#[test]
fn every_call_of_a_window_is_counted_once_and_each_window_begins_with_none() {
    let calls = (1_i64..=300, vec(0_i64..400, 1..16));
    at_random(40, &calls, async |world, case, (length, mut seconds)| {
        seconds.sort_unstable();
        let limit = Limit { max: 5, window: SignedDuration::from_secs(length) };
        let mut counted = BTreeMap::new();
        for second in seconds {
            let now = time(second);
            let who = format!("USER#case-{case}");
            let (calls, ends) = world.service.store.count_call(&who, limit, now).await.unwrap();
            let expected = counted.entry(ends).or_insert(0);
            *expected += 1;
            assert_eq!(calls, *expected);
            assert!(now < ends && ends <= now + limit.window, "a window of {length} s that ends at {ends}");
            assert_eq!(ends.as_second() % length, 0, "every instance has the same windows");
        }
    });
}
