//! The security log of a user, read by an operator.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, item, pages::Pages};
use crate::domain::{ids::UserId, security_event::SecurityEvent};

/// An entry of the security log, as it is read. Its event is a text: a later version may know more of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedEvent {
    /// When.
    pub at: Timestamp,
    /// What happened, by its OWASP name.
    pub event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// SHA-256 of the address that the user had before, where it was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_was: Option<String>,
    /// From which address.
    pub ip: String,
    pub user_agent: String,
}

impl Store {
    /// When this last happened to a user, as far as the security log goes back.
    pub async fn last_logged(
        &self,
        user: UserId,
        event: SecurityEvent,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        const OPERATION: &str = "search the security log";
        let query = self
            .newest_first(user, now)
            .filter_expression("expiresAt > :now AND #event = :event")
            .expression_attribute_names("#event", "event")
            .expression_attribute_values(":event", item::text(event.name()));
        let mut pages = Pages::of(OPERATION, query);
        while let Some(page) = pages.next().await? {
            if let Some(found) = page.into_iter().next() {
                return item::read::<LoggedEvent>(OPERATION, found).map(|entry| Some(entry.at));
            }
        }
        Ok(None)
    }

    /// The newest entries of a user's security log, at most so many, the newest first; those whose time is over are
    /// left out.
    pub async fn security_log(
        &self,
        user: UserId,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        const OPERATION: &str = "read the security log";
        let query = self.newest_first(user, now).filter_expression("expiresAt > :now");
        let (mut pages, mut log) = (Pages::of(OPERATION, query), Vec::new());
        while log.len() < most
            && let Some(page) = pages.next_of(most - log.len()).await?
        {
            for found in page {
                log.push(item::read(OPERATION, found)?);
            }
        }
        Ok(log)
    }

    fn newest_first(&self, user: UserId, now: Timestamp) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.identity)
            .key_condition_expression("pk = :user AND begins_with(sk, :events)")
            .expression_attribute_values(":user", item::text(format!("EVENT#{user}")))
            .expression_attribute_values(":events", item::text("EVENT#"))
            .expression_attribute_values(":now", item::ttl(now))
            .scan_index_forward(false)
            .consistent_read(true)
    }
}
