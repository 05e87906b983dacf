//! `RATE#<who>#<window>` / `WINDOW`: how often an API was called.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError, item, retry::past_conflicts};
use crate::domain::attempts::Limit;

/// Counts are of no use after their window.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

/// The end of the window that a moment lies in: windows begin at the same moments everywhere.
pub(super) fn window_end(limit: Limit, now: Timestamp) -> i64 {
    let length = limit.window.as_secs().max(1);
    (now.as_second().div_euclid(length) + 1).saturating_mul(length)
}

impl Store {
    /// Counts a call, and says how many there were in this window, this one included. One atomic write; that the SDK may
    /// repeat it can only count too much.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_call(
        &self,
        who: &str,
        limit: Limit,
        now: Timestamp,
    ) -> Result<(u32, Timestamp), StoreError> {
        const OPERATION: &str = "count a call";
        let ends = Timestamp::from_second(window_end(limit, now))
            .map_err(|_| StoreError::Malformed { operation: OPERATION })?;
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
            count.clone().send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))
        })
        .await?;
        let calls =
            answer.attributes.as_ref().and_then(|found| found.get("calls")?.as_n().ok()?.parse().ok());
        let calls = calls.ok_or(StoreError::Malformed { operation: OPERATION })?;
        Ok((calls, ends))
    }
}
