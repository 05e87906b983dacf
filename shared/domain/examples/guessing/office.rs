//! An office behind one address, in the morning.

use std::{cmp::Reverse, collections::BinaryHeap};

use fastrand::Rng;
use nova_auth_domain::attempts::{Entry, Limit, Quota};

use crate::nova::{Kept, at};

/// Who works there.
pub(crate) const PEOPLE: usize = 200;
/// Each password is typed wrong with this chance, in percent.
const WRONG: u32 = 5;
/// A login takes so long, and holds its place for that time.
const LOGIN: i64 = 1000;
/// Who typed it wrong tries again after that.
const TYPING: i64 = 10_000;
/// A login waits so long for others that are in flight (`patience.rs`), and so long between two looks (`gate/place.rs`).
const PATIENCE: i64 = 5000;
const PAUSE: std::ops::RangeInclusive<i64> = 50..=250;
/// With device cookies, so many who logged in there before have a place beside everybody else's, and leave it in any case
/// (`flows/login.rs`).
const KNOWN_AT_ONCE: u32 = 100;
/// Who is told to come back comes within a minute after that.
const LATE: i64 = 60_000;

/// What mornings were like.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mornings {
    pub(crate) many: usize,
    /// On how many somebody was refused.
    pub(crate) with_refusals: usize,
    /// How many people were refused, over all of them.
    pub(crate) refused: usize,
    /// From their first attempt until they were in, in milliseconds: together, and the longest.
    pub(crate) waited: i64,
    pub(crate) longest: i64,
}

/// Plays mornings on which everybody logs in once within so long, on devices that are known or that are not.
pub(crate) fn play(limit: Limit, known: bool, within: i64, mornings: usize, seed: u64) -> Mornings {
    let mut rng = Rng::with_seed(seed);
    let mut played = Mornings { many: mornings, ..Mornings::default() };
    for _ in 0..mornings {
        let waits = Morning::new(limit, known, within, &mut rng).play(&mut rng);
        let refused: Vec<i64> = waits.into_iter().flatten().collect();
        played.with_refusals += usize::from(!refused.is_empty());
        played.refused += refused.len();
        played.waited += refused.iter().sum::<i64>();
        played.longest = played.longest.max(refused.iter().copied().max().unwrap_or(0));
    }
    played
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A login, and when it arrived.
    Try(i64),
    /// It is through, with this entry, and the password was right.
    Through(String, bool),
}

#[derive(Debug, Clone, Default)]
struct Person {
    came: i64,
    is_refused: bool,
}

struct Morning {
    limit: Limit,
    known: bool,
    address: Kept,
    people: Vec<Person>,
    /// What happens next, when and to whom.
    next: BinaryHeap<Reverse<(i64, usize, Step)>>,
}

impl Morning {
    fn new(limit: Limit, known: bool, within: i64, rng: &mut Rng) -> Self {
        let limit = if known { Limit { max: limit.max + KNOWN_AT_ONCE, ..limit } } else { limit };
        let people: Vec<_> =
            (0..PEOPLE).map(|_| Person { came: rng.i64(0..within), is_refused: false }).collect();
        let first = |(who, person): (usize, &Person)| Reverse((person.came, who, Step::Try(person.came)));
        let next = people.iter().enumerate().map(first).collect();
        Self { limit, known, address: Kept::empty(), people, next }
    }

    /// How long each waited, of those who were refused.
    fn play(mut self, rng: &mut Rng) -> Vec<Option<i64>> {
        let mut waits = vec![None; PEOPLE];
        while let Some(Reverse((now, who, step))) = self.next.pop() {
            match step {
                Step::Try(arrived) => self.attempt(now, who, arrived, rng),
                Step::Through(entry, true) => {
                    self.address.leave(&Entry::stored(entry));
                    let person = &self.people[who];
                    waits[who] = person.is_refused.then(|| now - person.came);
                }
                // The entry stays, of a device that is not known.
                Step::Through(entry, false) => {
                    if self.known {
                        self.address.leave(&Entry::stored(entry));
                    }
                    self.plan(now + TYPING, who, Step::Try(now + TYPING));
                }
            }
        }
        waits
    }

    /// As `gate/place.rs` does it.
    fn attempt(&mut self, now: i64, who: usize, arrived: i64, rng: &mut Rng) {
        let entry = Entry::stored(format!("{now}#{who}"));
        if self.address.enter(self.limit, at(now), &entry) {
            let is_right = rng.u32(0..100) >= WRONG;
            return self.plan(now + LOGIN, who, Step::Through(entry.as_str().to_owned(), is_right));
        }
        let pause = rng.i64(PAUSE);
        let window = &self.address.window;
        if window.has_entries_in_flight(at(now)) && now - arrived + pause <= PATIENCE {
            return self.plan(now + pause, who, Step::Try(arrived));
        }
        self.people[who].is_refused = true;
        let told = Quota::of("address", window, self.limit, at(now)).resets_in;
        let back = now + i64::try_from(told.as_millis()).expect("a wait") + rng.i64(0..LATE);
        self.plan(back, who, Step::Try(back));
    }

    fn plan(&mut self, when: i64, who: usize, step: Step) {
        self.next.push(Reverse((when, who, step)));
    }
}
