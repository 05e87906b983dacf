//! `ATTEMPTS#ACCOUNT#<sha256>` / `RUN`: the failures of an account in a row.
//!
//! A run that is complete stays until the alarm was given, and only then is the next one begun: an alarm that could not
//! be given is made up for by a later failure.

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};

use super::{
    AttemptsKey, Store, StoreError,
    attempts::{entries, one},
    error::{Updated, unless_condition_failed, updated},
    item,
    retry::past_conflicts,
};
use crate::domain::{
    attempts::{ALARMING_RUN, Entry, youngest_of},
    email::Email,
};

/// A run is kept while failures go on.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// An account's run after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// It is this long.
    Open(u32),
    /// This failure completed it. (One that is repeated after its answer was lost may say so again.)
    Complete(Entry),
    /// It was complete before, by this failure.
    Full(Entry),
}

impl Store {
    /// Counts a failure in the account's run. A run has no end of its own: a success ends it, an operator, an alarm that was
    /// given, or 90 days of peace.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_failure(
        &self,
        email: &Email,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Run, StoreError> {
        const OPERATION: &str = "count a failure";
        let count = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(AttemptsKey::account(email).item("RUN")))
            .update_expression("SET expiresAt = :ttl ADD failures :me")
            .condition_expression(
                "attribute_not_exists(failures) OR size(failures) < :max OR contains(failures, :me_once)",
            )
            .expression_attribute_values(":ttl", item::ttl(now + KEPT))
            .expression_attribute_values(":me", one(entry))
            .expression_attribute_values(":me_once", item::text(entry.as_str()))
            .expression_attribute_values(":max", item::number(ALARMING_RUN))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let counted = past_conflicts(|| async { updated(OPERATION, count.clone().send().await) }).await?;
        Ok(match counted {
            Updated::Took(found) => match u32::try_from(entries(&found, "failures").len()) {
                Ok(length) if length < ALARMING_RUN => Run::Open(length),
                _ => Run::Complete(entry.clone()),
            },
            // It was ended between the condition and its answer: by somebody to whom that mattered.
            Updated::Lost(found) => found
                .and_then(|found| youngest_of(entries(&found, "failures")))
                .map_or(Run::Open(0), Run::Full),
        })
    }

    /// Ends the run that this failure completed, and no later one.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be there, and complete, still.
    pub async fn end_run(&self, email: &Email, completed_by: &Entry) -> Result<(), StoreError> {
        const OPERATION: &str = "end a run of failures";
        let end = self
            .client
            .delete_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(AttemptsKey::account(email).item("RUN")))
            .condition_expression("size(failures) >= :max AND contains(failures, :by)")
            .expression_attribute_values(":max", item::number(ALARMING_RUN))
            .expression_attribute_values(":by", item::text(completed_by.as_str()));
        let sent = || async { unless_condition_failed(OPERATION, end.clone().send().await) };
        past_conflicts(sent).await.map(drop)
    }
}
