//! The epoch of a user: raising it ends every session in one write, however many there are.

use aws_sdk_dynamodb::types::{AttributeValue, Update, builders::UpdateBuilder};
use jiff::Timestamp;

use super::{
    Credential, EventRow, Store, StoreError, credential, item, profile, session, transaction::Transacted,
};
use crate::domain::{
    email::Email,
    ids::{SessionId, UserId},
    mail::{Mail, MailKey},
    password::PasswordHash,
    session::Session,
};

/// A change of a user that no session of theirs, or none but one, survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochChange<'a> {
    /// Every session ends.
    RevokeAll,
    /// The user becomes inactive, and every session ends.
    Disable,
    /// The user has no second factor any more, and every session ends.
    WithoutFactors,
    /// The user of this address becomes active; sessions from before stay ended. The account's failures are forgotten: those that
    /// disabled it would lock its owner out, and a run that is complete would never disable it again.
    Enable(&'a Email),
}

/// A new password.
#[derive(Debug)]
pub struct PasswordCommit<'a> {
    /// The user's address.
    pub email: &'a Email,
    /// The credential that the current password was verified against.
    pub verified: &'a Credential,
    /// The new hash.
    pub hash: &'a PasswordHash,
    /// The session that goes on, at the epoch that was read.
    pub session: &'a Session,
    /// The entry of the security log.
    pub event: &'a EventRow,
    /// The mail that tells the user of it, where the stack sends mail.
    pub notice: Option<(&'a MailKey, &'a Mail)>,
    /// The time of the change.
    pub now: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCommitted {
    /// The password is set; no other session counts any more.
    Done,
    /// Credential, user or session is another by now: all of it has to be read again.
    Changed,
}

impl Store {
    /// Changes a user and writes it into their security log, both or neither. `false`: there is no such user.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not have taken effect.
    pub async fn change_epoch(
        &self,
        user: UserId,
        change: EpochChange<'_>,
        event: &EventRow,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "change a user";
        let user = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user)))
            .condition_expression("attribute_exists(pk)");
        let raised = |user: UpdateBuilder| user.expression_attribute_values(":one", item::number(1));
        let status = |user: UpdateBuilder, status: &str| {
            user.expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", item::text(status))
        };
        let update = match change {
            EpochChange::RevokeAll => raised(user).update_expression("SET epoch = epoch + :one"),
            EpochChange::WithoutFactors => {
                raised(user).update_expression("SET epoch = epoch + :one REMOVE factors")
            }
            EpochChange::Disable => status(raised(user), "disabled")
                .update_expression("SET #status = :status, epoch = epoch + :one"),
            EpochChange::Enable(_) => status(user, "active").update_expression("SET #status = :status"),
        };
        let mut writes = vec![update.into(), self.event_put(OPERATION, event)?];
        if let EpochChange::Enable(email) = change {
            writes.push(self.forget_account(email));
        }
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }

    /// CREDENTIAL takes the new hash if it still holds the verified one, PROFILE and this SESSION go from epoch e to
    /// e+1 together, EVENT is put: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect.
    pub async fn commit_password(
        &self,
        change: &PasswordCommit<'_>,
    ) -> Result<PasswordCommitted, StoreError> {
        const OPERATION: &str = "change a password";
        let PasswordCommit { session, .. } = change;
        let credential = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(credential::key(change.email)))
            .update_expression("SET passwordHash = :hash")
            .condition_expression("passwordHash = :verified")
            .expression_attribute_values(":verified", change.verified.verified())
            .expression_attribute_values(":hash", item::text(change.hash.as_str()));
        let raised = |row: UpdateBuilder, alive: &str| {
            row.condition_expression("#alive = :active AND epoch = :epoch")
                .expression_attribute_names("#alive", alive)
                .expression_attribute_values(":active", item::text("active"))
                .expression_attribute_values(":epoch", item::number(session.epoch))
                .expression_attribute_values(":next", item::number(session.epoch.saturating_add(1)))
        };
        let user = raised(Update::builder(), "status")
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(session.user_id)))
            .update_expression("SET epoch = :next, passwordChangedAt = :now, kept = :kept")
            .expression_attribute_values(":kept", kept(session.epoch.saturating_add(1), session.session_id))
            .expression_attribute_values(":now", item::text(change.now.to_string()));
        let this_session = raised(Update::builder(), "state")
            .table_name(&self.tables.sessions)
            .set_key(Some(session::key(session.user_id, session.session_id)))
            .update_expression("SET epoch = :next");
        let mut writes = vec![
            credential.into(),
            user.into(),
            this_session.into(),
            self.event_put(OPERATION, change.event)?,
        ];
        if let Some(notice) = change.notice {
            writes.push(self.mail_put(OPERATION, notice)?);
        }
        Ok(match self.transact(OPERATION, writes).await? {
            Transacted::Done => PasswordCommitted::Done,
            Transacted::ConditionsFailed(_) => PasswordCommitted::Changed,
        })
    }
}

/// The session that goes on with an epoch, as PROFILE says it.
pub(super) fn kept(epoch: u64, session: SessionId) -> AttributeValue {
    let session = item::text(session.to_string());
    AttributeValue::M([("epoch".to_owned(), item::number(epoch)), ("session".to_owned(), session)].into())
}
