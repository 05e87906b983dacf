//! The failures of an account in a row, in the item of its window: `failures`, `alarmed` and `toldAt`.
//!
//! A place that is taken is counted as one failure more, by the same write. So a wrong password costs no write of its own, and what
//! a reservation is told of the run is exact under any race. A success ends the run, an operator, or 90 days of peace.
//!
//! A run of a hundred alarms, once: whoever finds it claims the alarm (`alarmed` holds their name), gives it, and takes the hundred
//! out. One that could not be given stays claimed, and is made up for by a later failure.
//!
//! Of twenty wrong second factors the user is told (`toldAt`), and again after a day, in one transaction with the mail that tells it.

use aws_sdk_dynamodb::types::Update;
use jiff::Timestamp;

use super::{
    AttemptsKey, EventRow, Store, StoreError,
    change::{Updated, conditional, updated},
    item,
    transaction::Transacted,
};
use crate::domain::{
    attempts::{ALARMING_RUN, Entry, Run, TELLING_RUN, TOLD_FOR},
    ids::UserId,
    mail::{Mail, MailKey},
};

/// The run of an item; the version before this one counted none in it.
pub(super) fn read(found: &item::Item) -> Run {
    let failures = found.get("failures").and_then(|count| count.as_n().ok()?.parse::<i64>().ok());
    Run {
        // Less than none: one was given back that an operator had forgotten meanwhile.
        failures: failures.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        alarm: found.get("alarmed").and_then(|by| by.as_s().ok()).cloned().map(Entry::stored),
        told: found
            .get("toldAt")
            .and_then(|at| Timestamp::from_millisecond(at.as_n().ok()?.parse().ok()?).ok()),
    }
}

impl Store {
    /// Claims the alarm of a run that was found to be long enough, unless it is shorter by now or somebody else has claimed it.
    /// Exactly one of those who race takes it; a repeated claim is the same.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be claimed.
    pub async fn claim_alarm(&self, key: &AttemptsKey, mine: &Entry, run: &Run) -> Result<bool, StoreError> {
        const OPERATION: &str = "claim an alarm";
        let claim = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item()))
            .update_expression("SET alarmed = :mine")
            .expression_attribute_values(":mine", item::text(mine.as_str()))
            .expression_attribute_values(":run", item::number(ALARMING_RUN));
        let claim = match &run.alarm {
            None => claim.condition_expression("failures >= :run AND attribute_not_exists(alarmed)"),
            Some(failed) => claim
                .condition_expression("failures >= :run AND alarmed = :failed")
                .expression_attribute_values(":failed", item::text(failed.as_str())),
        };
        Ok(match updated(OPERATION, claim).await? {
            Updated::Took(_) => true,
            Updated::Lost(found) => found.is_some_and(|found| read(&found).alarm.as_ref() == Some(mine)),
        })
    }

    /// The alarm was given: the next one is due after a hundred failures more.
    ///
    /// # Errors
    /// [`StoreError`]; then a later failure gives it again.
    pub async fn end_alarm(&self, key: &AttemptsKey, mine: &Entry) -> Result<(), StoreError> {
        const OPERATION: &str = "end an alarm";
        let end = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key.item()))
            .update_expression("SET failures = failures - :run REMOVE alarmed")
            .condition_expression("alarmed = :mine")
            .expression_attribute_values(":run", item::number(ALARMING_RUN))
            .expression_attribute_values(":mine", item::text(mine.as_str()));
        conditional(OPERATION, || end.clone().send()).await.map(drop)
    }

    /// Tells of a user's wrong second factors: in the security log, and by a mail where the stack sends some. `false`: somebody told it,
    /// or the run has ended. Of those who race one tells, and it is told as a whole or not at all.
    ///
    /// # Errors
    /// [`StoreError`]; then a later failure tells it, if this did not.
    pub async fn tell_wrong_factors(
        &self,
        user: UserId,
        event: &EventRow,
        mail: Option<(&MailKey, &Mail)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "tell of wrong second factors";
        let claim = Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(AttemptsKey::factor(user).item()))
            .update_expression("SET toldAt = :now")
            .condition_expression("failures >= :run AND (attribute_not_exists(toldAt) OR toldAt <= :before)")
            .expression_attribute_values(":now", item::millis(now))
            .expression_attribute_values(":before", item::millis(now - TOLD_FOR))
            .expression_attribute_values(":run", item::number(TELLING_RUN));
        let mut writes = vec![claim.into(), self.event_put(OPERATION, event)?];
        if let Some(mail) = mail {
            writes.push(self.mail_put(OPERATION, mail)?);
        }
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }
}
