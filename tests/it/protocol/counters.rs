//! Counters at random, over a real DynamoDB, held against what they are meant to be: a window is a set of entries and an
//! end, and a count of calls is a number for each window.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use nova_auth::{
    domain::attempts::{Entry, Limit, Window},
    store::{AttemptsKey, Reservation},
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
    /// Time passes.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Enter),
        2 => any::<Index>().prop_map(Step::Repeat),
        3 => any::<Index>().prop_map(Step::GiveBack),
        // To the second at which a window ends, and beyond.
        2 => prop_oneof![1_i64..30, Just(60), 61_i64..200].prop_map(Step::Wait),
    ];
    vec(step, 1..24)
}

/// The window as it is meant to be.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeSet<String>,
    ends: Option<Timestamp>,
}

impl Model {
    /// Whether this entry is taken.
    fn enter(&mut self, entry: &str, now: Timestamp) -> bool {
        if self.ends.is_none_or(|ends| ends <= now) {
            *self = Self { entries: BTreeSet::new(), ends: Some(now + LIMIT.window) };
        }
        let takes = self.entries.contains(entry) || self.entries.len() < usize::try_from(LIMIT.max).unwrap();
        if takes {
            self.entries.insert(entry.to_owned());
        }
        takes
    }

    fn give_back(&mut self, entry: &str) {
        if self.entries.remove(entry) && self.entries.is_empty() {
            self.ends = None;
        }
    }

    fn assert_is(&self, window: &Window) {
        let entries: BTreeSet<String> = window.entries.iter().cloned().collect();
        assert_eq!(entries, self.entries);
        assert_eq!(Some(window.ends), self.ends);
    }
}

async fn play(world: &World, key: &AttemptsKey, steps: &[Step]) {
    let (mut model, mut second, mut made) = (Model::default(), 0, Vec::<Entry>::new());
    let earlier = |made: &[Entry], which: &Index| (!made.is_empty()).then(|| which.get(made).clone());
    for step in steps {
        match step {
            Step::Wait(seconds) => second += seconds,
            Step::Enter => made.push(Entry::new(&world.at(second))),
            Step::Repeat(_) | Step::GiveBack(_) => {}
        }
        let entry = match step {
            Step::Wait(_) => None,
            Step::Enter => made.last().cloned(),
            Step::Repeat(which) | Step::GiveBack(which) => earlier(&made, which),
        };
        match (step, entry) {
            (_, None) => {}
            (Step::GiveBack(_), Some(entry)) => {
                world.service.store.give_back_attempt(key, &entry).await.unwrap();
                model.give_back(entry.as_str());
            }
            (_, Some(entry)) => enter(world, key, &mut model, &entry, second).await,
        }
    }
}

async fn enter(world: &World, key: &AttemptsKey, model: &mut Model, entry: &Entry, second: i64) {
    let now = time(second);
    let reserved = world.service.store.reserve_attempt(key, entry, LIMIT, now).await.unwrap();
    let takes = model.enter(entry.as_str(), now);
    let (taken, window) = match &reserved {
        Reservation::Taken(window) => (true, window),
        Reservation::Full(window) => (false, window),
    };
    assert_eq!(taken, takes, "a place too many, or one too few");
    model.assert_is(window);
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
        let email = nova_auth::domain::email::Email::parse(&format!("case-{case}@example.com")).unwrap();
        play(world, &AttemptsKey::account(&email), &steps).await;
    });
}

#[test]
fn every_call_of_a_window_is_counted_once_and_each_window_begins_with_none() {
    let calls = (1_i64..=300, vec(0_i64..400, 1..16));
    at_random(40, &calls, async |world, case, (length, mut seconds)| {
        seconds.sort_unstable();
        let limit = Limit { max: 5, window: SignedDuration::from_secs(length) };
        let mut counted = std::collections::BTreeMap::new();
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
