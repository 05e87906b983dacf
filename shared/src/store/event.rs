//! `EVENT#<uid>` / `EVENT#<time>#<request>#<event>[#<session>]`: the security log of a user.
//!
//! Not beside the profile, under `USER#<uid>`: IAM knows partition keys alone, and whoever may put an item there could put
//! another profile (docs/decisions/0015-the-security-log-has-its-own-partition.md).

use aws_sdk_dynamodb::types::Put;
use jiff::Timestamp;
use serde::Serialize;

use super::{Store, StoreError, item, transaction::Write};
use crate::domain::{
    email::Email,
    ids::{SessionId, UserId},
    moment::Moment,
    security_event::SecurityEvent,
    session::Device,
};

/// One entry of a user's security log. Unlike the logs, it keeps address and user agent: it *is* the security log.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRow {
    /// Whose log it stands in.
    pub user_id: UserId,
    /// What happened.
    pub event: SecurityEvent,
    /// When.
    pub at: Timestamp,
    /// In which request; a repeated write is one entry, two events or sessions of one request are two.
    pub request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// SHA-256 of the address that the user had before, where it was changed: whoever repeats the change under that name
    /// finds that it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_was: Option<String>,
    /// From which address.
    pub ip: String,
    pub user_agent: String,
    /// When the entry may be removed.
    #[serde(skip)]
    pub expires: Timestamp,
}

impl EventRow {
    /// The entry of this request.
    #[must_use]
    pub fn new(
        event: SecurityEvent,
        moment: &Moment,
        user: UserId,
        caller: &Device,
        keep_until: Timestamp,
    ) -> Self {
        Self {
            user_id: user,
            event,
            at: moment.now,
            request_id: moment.request.as_str().to_owned(),
            session_id: None,
            email_was: None,
            ip: caller.ip.clone(),
            user_agent: caller.user_agent.clone(),
            expires: keep_until,
        }
    }

    /// The same entry, of a session.
    #[must_use]
    pub fn of_session(self, session: SessionId) -> Self {
        Self { session_id: Some(session), ..self }
    }

    /// The same entry, of a user who had this address.
    #[must_use]
    pub fn moved_from(self, email: &Email) -> Self {
        Self { email_was: Some(email.digest()), ..self }
    }

    fn item(&self, operation: &'static str) -> Result<item::Item, StoreError> {
        let mut sk = format!("EVENT#{:.3}#{}#{}", self.at, self.request_id, self.event.name());
        if let Some(session) = self.session_id {
            sk.push_str(&format!("#{session}"));
        }
        let key = item::key(format!("EVENT#{}", self.user_id), sk);
        item::write(operation, key, self, Some(self.expires))
    }
}

impl Store {
    /// Writes an entry by itself, where there is no transaction to write it in.
    pub async fn put_event(&self, event: &EventRow) -> Result<(), StoreError> {
        const OPERATION: &str = "write security event";
        self.put(OPERATION, &self.tables.identity, event.item(OPERATION)?).await
    }

    /// The entry as a part of a transaction.
    pub(super) fn event_put(&self, operation: &'static str, event: &EventRow) -> Result<Write, StoreError> {
        let put = Put::builder().table_name(&self.tables.identity);
        Ok(put.set_item(Some(event.item(operation)?)).into())
    }
}
