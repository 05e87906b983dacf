//! How often an API was called: `RATE#<who>#<window>` / `WINDOW`; and, where an item is written anyway for each call, an attribute of
//! it, `c<end of the window>` (`attempts`).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::{SignedDuration, Timestamp};

use super::{AttemptsKey, Store, StoreError, change::conditional, item, retry::past_conflicts};
use crate::domain::attempts::Limit;

/// Counts are of no use after their window.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

const COUNT: &str = "count a call";

/// The end of the window that a moment lies in: windows begin at the same moments everywhere.
pub(super) fn window_end(limit: Limit, now: Timestamp) -> i64 {
    let length = limit.window.as_secs().max(1);
    (now.as_second().div_euclid(length) + 1).saturating_mul(length)
}

/// The count of one window of calls, as an attribute.
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) name: String,
    /// When it is over.
    pub(super) ends: Timestamp,
    /// How many there may be.
    pub(super) max: u32,
    length: i64,
}

impl Counter {
    /// The one that a call counts in.
    pub(super) fn at(limit: Limit, now: Timestamp) -> Result<Self, StoreError> {
        let end = window_end(limit, now);
        let ends = Timestamp::from_second(end).map_err(|_| StoreError::Malformed { operation: COUNT })?;
        Ok(Self { name: format!("c{end}"), ends, max: limit.max, length: limit.window.as_secs().max(1) })
    }

    /// The one before the last: of no use any more, also to an instance whose clock is behind.
    pub(super) fn last_but_one(&self) -> String {
        format!("c{}", self.ends.as_second().saturating_sub(2 * self.length))
    }

    pub(super) fn is_full(&self, found: &item::Item) -> bool {
        count_in(found, &self.name).is_some_and(|calls| calls >= self.max)
    }
}

fn count_in(found: &item::Item, name: &str) -> Option<u32> {
    found.get(name)?.as_n().ok()?.parse().ok()
}

/// The counts of an item that have been over for so long that no clock is behind them. Each write takes the last but one out; these
/// were left by calls that came now and then, and would be more and more.
pub(super) fn over(found: &item::Item, now: Timestamp) -> Vec<String> {
    let is_over = |name: &&String| {
        let end = name.strip_prefix('c').and_then(|end| end.parse::<i64>().ok());
        end.is_some_and(|end| end <= now.as_second() - KEPT_FOR_CLOCKS.as_secs())
    };
    let mut names: Vec<_> = found.keys().filter(is_over).cloned().collect();
    names.sort_unstable();
    names
}

/// How far a clock may be behind.
const KEPT_FOR_CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// What the names of counts that are taken out stand for in an expression.
pub(super) fn placeholders(over: usize) -> Vec<String> {
    (0..over).map(|index| format!("#over{index}")).collect()
}

/// The names of an expression: of the count, and of those that are taken out.
pub(super) fn names(counter: Option<&Counter>, over: &[String]) -> Option<HashMap<String, String>> {
    let calls = counter.map(|counter| ("#calls".to_owned(), counter.name.clone()));
    let names: HashMap<_, _> =
        calls.into_iter().chain(placeholders(over.len()).into_iter().zip(over.iter().cloned())).collect();
    Some(names).filter(|names| !names.is_empty())
}

impl Store {
    /// Counts a call, and says how many there were in this window, this one included. One atomic write; that the SDK may
    /// repeat it can only count too much.
    pub async fn count_call(
        &self,
        who: &str,
        limit: Limit,
        now: Timestamp,
    ) -> Result<(u32, Timestamp), StoreError> {
        let Counter { ends, .. } = Counter::at(limit, now)?;
        let count = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(item::key(format!("RATE#{who}#{}", ends.as_second()), "WINDOW")))
            .update_expression("SET expiresAt = :ttl ADD calls :one")
            .expression_attribute_values(":ttl", item::ttl(ends + KEPT_AFTER_END))
            .expression_attribute_values(":one", item::number(1))
            .return_values(ReturnValue::UpdatedNew);
        let answer = past_conflicts(|| async {
            count.clone().send().await.map_err(|error| StoreError::from_sdk(COUNT, &error))
        })
        .await?;
        let calls = answer.attributes.as_ref().and_then(|found| count_in(found, "calls"));
        Ok((calls.ok_or(StoreError::Malformed { operation: COUNT })?, ends))
    }

    /// Counts a call that a full window refused, where the others are counted: the same, of an item that the window is in.
    pub async fn count_refused_call(
        &self,
        key: &AttemptsKey,
        limit: Limit,
        now: Timestamp,
    ) -> Result<(u32, Timestamp), StoreError> {
        let counter = Counter::at(limit, now)?;
        let count = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item()))
            .update_expression("REMOVE #over0 ADD #calls :one")
            // It expires with its window; where that has gone meanwhile, nothing is full any more.
            .condition_expression("attribute_exists(pk)")
            .set_expression_attribute_names(names(Some(&counter), &[counter.last_but_one()]))
            .expression_attribute_values(":one", item::number(1))
            .return_values(ReturnValue::UpdatedNew);
        let answer = conditional(COUNT, || count.clone().send()).await?;
        let calls =
            answer.and_then(|answer| answer.attributes).and_then(|found| count_in(&found, &counter.name));
        Ok((calls.unwrap_or(0), counter.ends))
    }
}
