//! The security log of a user, read by an operator.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, item};
use crate::domain::{ids::UserId, security_event::SecurityEvent};

/// An entry of the security log, as it is read. Its event is a text: a later version may know more of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedEvent {
    /// When.
    pub at: Timestamp,
    /// What happened, by its OWASP name.
    pub event: String,
    /// To which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// SHA-256 of the address that the user had before, where it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_was: Option<String>,
    /// From which address.
    pub ip: String,
    /// From which user agent.
    pub user_agent: String,
}

impl Store {
    /// When this last happened to a user, as far as the security log goes back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_logged(
        &self,
        user: UserId,
        event: SecurityEvent,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        const OPERATION: &str = "search the security log";
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.identity)
                .key_condition_expression("pk = :user AND begins_with(sk, :events)")
                .filter_expression("expiresAt > :now AND #event = :event")
                .expression_attribute_names("#event", "event")
                .expression_attribute_values(":user", item::text(format!("EVENT#{user}")))
                .expression_attribute_values(":events", item::text("EVENT#"))
                .expression_attribute_values(":now", item::ttl(now))
                .expression_attribute_values(":event", item::text(event.name()))
                .scan_index_forward(false)
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
            if let Some(found) = page.items.unwrap_or_default().into_iter().next() {
                return item::read::<LoggedEvent>(OPERATION, found).map(|entry| Some(entry.at));
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return Ok(None);
            }
        }
    }

    /// The newest entries of a user's security log, at most so many, the newest first; those whose time is over are
    /// left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn security_log(
        &self,
        user: UserId,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        const OPERATION: &str = "read the security log";
        let mut log = Vec::new();
        let mut from = None;
        while log.len() < most {
            let page = self
                .client
                .query()
                .table_name(&self.tables.identity)
                .key_condition_expression("pk = :user AND begins_with(sk, :events)")
                .filter_expression("expiresAt > :now")
                .expression_attribute_values(":user", item::text(format!("EVENT#{user}")))
                .expression_attribute_values(":events", item::text("EVENT#"))
                .expression_attribute_values(":now", item::ttl(now))
                .scan_index_forward(false)
                .limit(i32::try_from(most - log.len()).unwrap_or(i32::MAX))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
            for found in page.items.unwrap_or_default() {
                log.push(item::read(OPERATION, found)?);
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                break;
            }
        }
        Ok(log)
    }
}
