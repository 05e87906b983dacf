//! `ATTEMPTS#ACCOUNT#<sha256>`, `ATTEMPTS#DEVICE#<sha256>`, `ATTEMPTS#ADDRESS#<address>`, `ATTEMPTS#FACTOR#<user>`, `MAILS#ADDRESS#<address>`, `MAILS#DEVICE#<user>#<network>`: `WINDOW`.
//!
//! A window is a set of entries, each named by its request, and an end. Adding an entry is one conditional write:
//! fifty racing guesses get exactly as many places as there are, and a write that the SDK repeats finds its own entry there, and
//! counts nothing.
//!
//! The same write counts what else there is to count, so that it costs nothing: in an account's item the failures in a row
//! (`failures`, see `run`), in an address's the calls (`c<end>`, see `rate`). So the item outlives its window, which goes with its
//! last entry: one that stayed would be found half over by the next failure, and lock nobody out for as long as it should.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use super::{
    AttemptsKey, Store, StoreError,
    change::{Updated, updated},
    item,
    rate::{self, Counter},
    run,
};
use crate::domain::attempts::{Entry, Limit, Run, Window};

/// A place that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// In whose window.
    pub key: &'a AttemptsKey,
    /// Its name.
    pub entry: &'a Entry,
    /// How many places there are.
    pub limit: Limit,
    /// How many calls there may be, where this one is counted in the same item.
    pub calls: Option<Limit>,
    /// When.
    pub now: Timestamp,
}

/// A place that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub window: Window,
    /// The account's failures in a row with it.
    pub run: Run,
    /// Counts of calls in the item that are of no use any more, by their names.
    pub over: Vec<String>,
}

/// Whether an entry was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    Taken(Taken),
    Full(Window),
    /// There is a place, and there were as many calls as there may be, until then.
    TooManyCalls(Timestamp),
}

const RESERVE: &str = "reserve an attempt";

/// An address's item is of no use after its window and its calls.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

/// A run of failures is kept while they go on.
const RUN_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// How an entry gets into the item, by what was found there.
#[derive(Debug)]
enum Way {
    /// Into the window as it is, or into a new one where there is none.
    Enter,
    /// Into a new window, in the place of one that is over.
    Reopen {
        /// When that ended.
        ended: Timestamp,
        /// Counts of calls that are of no use any more.
        over: Vec<String>,
    },
}

impl Store {
    /// Puts an entry into a window, opening the window where there is none or its end has come.
    ///
    /// # Errors
    /// [`StoreError`]; then the entry may or may not be there, and counts if it is.
    pub async fn reserve_attempt(&self, wanted: Wanted<'_>) -> Result<Reservation, StoreError> {
        let counter = wanted.calls.map(|limit| Counter::at(limit, wanted.now)).transpose()?;
        let mut way = Way::Enter;
        // A window that ends while we look at it sends us around again; so may others that reopen it first.
        for _ in 0..5 {
            let found = match self.try_window(wanted, counter.as_ref(), &way).await? {
                Updated::Took(item) => return Ok(Reservation::Taken(taken(&item, wanted.now)?)),
                Updated::Lost(Some(item)) => item,
                // It vanished between the condition and its answer.
                Updated::Lost(None) => item::Item::new(),
            };
            way = match window_if_any(&found)? {
                Some(window) if window.is_over(wanted.now) => {
                    Way::Reopen { ended: window.ends, over: rate::over(&found, wanted.now) }
                }
                Some(window) if window.has(wanted.entry) => {
                    return Ok(Reservation::Taken(taken(&found, wanted.now)?));
                }
                Some(window) if window.remaining(wanted.limit) == 0 => return Ok(Reservation::Full(window)),
                _ => Way::Enter,
            };
            if let Some(counter) = counter.as_ref().filter(|counter| counter.is_full(&found)) {
                return Ok(Reservation::TooManyCalls(counter.ends));
            }
        }
        Err(StoreError::Unavailable { operation: RESERVE, reason: "contention".into() })
    }

    /// Tries one way, and takes counts of calls out that are over.
    async fn try_window(
        &self,
        wanted: Wanted<'_>,
        counter: Option<&Counter>,
        way: &Way,
    ) -> Result<Updated, StoreError> {
        let ends = wanted.now + wanted.limit.window;
        let over = match way {
            Way::Enter => counter.iter().map(|counter| counter.last_but_one()).collect(),
            Way::Reopen { over, .. } => over.clone(),
        };
        let (update, condition) = expressions(way, wanted.key.counts_failures(), counter, over.len());
        let mut values = item::Item::from([
            (":me".to_owned(), one(wanted.entry)),
            (":end".to_owned(), item::millis(ends)),
            (":ttl".to_owned(), item::ttl(kept(wanted.key, ends, counter))),
        ]);
        let mut add = |name: &str, value| drop(values.insert(name.to_owned(), value));
        match way {
            Way::Enter => {
                add(":mine", item::text(wanted.entry.as_str()));
                add(":now", item::millis(wanted.now));
                add(":max", item::number(wanted.limit.max));
            }
            Way::Reopen { ended, .. } => add(":ended", item::millis(*ended)),
        }
        if let Some(counter) = counter {
            add(":calls", item::number(counter.max));
        }
        if wanted.key.counts_failures() || counter.is_some() {
            add(":one", item::number(1));
        }
        let names = rate::names(counter, &over);
        let reserve = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(wanted.key.item()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(values));
        updated(RESERVE, reserve).await
    }
}

/// Update and condition of a way.
fn expressions(way: &Way, counts_failures: bool, counter: Option<&Counter>, over: usize) -> (String, String) {
    let (set, hits, condition) = match way {
        // size() of an absent set fails the condition, and an emptied set is absent: both are asked.
        Way::Enter => (
            "SET windowEnd = if_not_exists(windowEnd, :end), expiresAt = :ttl",
            Some("hits :me"),
            "(attribute_not_exists(windowEnd) OR (windowEnd > :now AND \
             (attribute_not_exists(hits) OR (size(hits) < :max AND NOT contains(hits, :mine)))))",
        ),
        Way::Reopen { .. } => {
            ("SET hits = :me, windowEnd = :end, expiresAt = :ttl", None, "windowEnd = :ended")
        }
    };
    let failures = counts_failures.then_some("failures :one");
    let calls = counter.map(|_| "#calls :one");
    let add: Vec<_> = [hits, failures, calls].into_iter().flatten().collect();
    let add = if add.is_empty() { String::new() } else { format!(" ADD {}", add.join(", ")) };
    let remove =
        if over == 0 { String::new() } else { format!(" REMOVE {}", rate::placeholders(over).join(", ")) };
    let condition = match counter {
        Some(_) => format!("(attribute_not_exists(#calls) OR #calls < :calls) AND {condition}"),
        None => condition.to_owned(),
    };
    (format!("{set}{remove}{add}"), condition)
}

/// Until when an item is kept: as long as anything in it counts.
fn kept(key: &AttemptsKey, ends: Timestamp, counter: Option<&Counter>) -> Timestamp {
    if key.counts_failures() {
        return ends + RUN_KEPT;
    }
    counter.map_or(ends, |counter| counter.ends.max(ends)) + KEPT_AFTER_END
}

/// A set of this entry.
pub(super) fn one(entry: &Entry) -> AttributeValue {
    AttributeValue::Ss(vec![entry.as_str().to_owned()])
}

pub(super) fn entries(found: &item::Item, name: &str) -> Vec<String> {
    found.get(name).and_then(|set| set.as_ss().ok()).cloned().unwrap_or_default()
}

fn taken(found: &item::Item, now: Timestamp) -> Result<Taken, StoreError> {
    let window = window_if_any(found)?.ok_or(StoreError::Malformed { operation: RESERVE })?;
    Ok(Taken { window, run: run::read(found), over: rate::over(found, now) })
}

pub(super) fn window_if_any(found: &item::Item) -> Result<Option<Window>, StoreError> {
    let Some(end) = found.get("windowEnd") else { return Ok(None) };
    let ends = end.as_n().ok().and_then(|end| end.parse().ok());
    let ends = ends.and_then(|end| Timestamp::from_millisecond(end).ok());
    let ends = ends.ok_or(StoreError::Malformed { operation: RESERVE })?;
    Ok(Some(Window { entries: entries(found, "hits"), ends }))
}
