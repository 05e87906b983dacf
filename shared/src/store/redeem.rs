//! What the link of a mail does: the link is used up, and what it was for is written, all or nothing.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update, builders::UpdateBuilder};
use jiff::Timestamp;

use super::{
    Credential, EventRow, Store, StoreError, credential, item, mail, profile, transaction::Transacted,
};
use crate::domain::{
    email::Email,
    ids::UserId,
    mail::{Mail, MailKey},
    password::PasswordHash,
};

/// A password that is set by the link of a mail.
#[derive(Debug)]
pub struct ResetCommit<'a> {
    /// The mail.
    pub key: &'a MailKey,
    /// What the row is to remember of this request.
    pub used_by: &'a str,
    /// The user's address.
    pub email: &'a Email,
    /// The credential that the link is bound to.
    pub bound: &'a Credential,
    /// The new hash.
    pub hash: &'a PasswordHash,
    /// The entry of the security log.
    pub event: &'a EventRow,
    /// The mail that tells the user of it.
    pub notice: (&'a MailKey, &'a Mail),
    /// The time of the change.
    pub now: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// The link is used, and all of it is written.
    Done,
    /// The link was used before or its time is over, or what it is bound to is another by now. Nothing is written.
    Refused,
}

impl Store {
    /// MAIL is used for the first time and in its time, CREDENTIAL still holds the hash that the link is bound to and takes the new
    /// one, PROFILE is active and every session ends with its epoch, EVENT and the notice are put: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect. The same request, repeated, finds out.
    pub async fn commit_reset(&self, reset: &ResetCommit<'_>) -> Result<Redeemed, StoreError> {
        const OPERATION: &str = "reset a password";
        let user = reset.bound.user_id;
        let credential = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(credential::key(reset.email)))
            .update_expression("SET passwordHash = :hash")
            .condition_expression("userId = :user AND passwordHash = :bound")
            .expression_attribute_values(":user", item::text(user.to_string()))
            .expression_attribute_values(":bound", reset.bound.verified())
            .expression_attribute_values(":hash", item::text(reset.hash.as_str()));
        let writes = vec![
            self.mail_use(OPERATION, reset.key, reset.used_by, reset.now)?,
            built(OPERATION, credential)?,
            built(OPERATION, self.reset_profile(user, reset.now))?,
            TransactWriteItem::builder().put(self.event_put(OPERATION, reset.event)?).build(),
            self.mail_put(OPERATION, reset.notice)?,
        ];
        Ok(match self.transact(OPERATION, writes).await? {
            Transacted::Done => Redeemed::Done,
            Transacted::ConditionsFailed(_) => Redeemed::Refused,
        })
    }

    fn reset_profile(&self, user: UserId, now: Timestamp) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user)))
            .update_expression("SET epoch = epoch + :one, passwordChangedAt = :now, emailVerifiedAt = :now")
            .condition_expression("#status = :active")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":one", item::number(1))
            .expression_attribute_values(":now", item::text(now.to_string()))
    }

    /// A link is used once, and in its time.
    fn mail_use(
        &self,
        operation: &'static str,
        key: &MailKey,
        used_by: &str,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(mail::key(key)))
            .update_expression("SET usedAt = :now, usedBy = :by")
            .condition_expression("attribute_exists(pk) AND ends > :now AND attribute_not_exists(usedAt)")
            .expression_attribute_values(":now", item::millis(now))
            .expression_attribute_values(":by", item::text(used_by));
        built(operation, update)
    }

    /// A mail that goes out only if the rest of a transaction takes.
    fn mail_put(
        &self,
        operation: &'static str,
        (key, mail): (&MailKey, &Mail),
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.sessions)
            .set_item(Some(mail::row(operation, key, mail)?))
            .build()
            .map_err(|_| StoreError::Malformed { operation })?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn built(operation: &'static str, update: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    let update = update.build().map_err(|_| StoreError::Malformed { operation })?;
    Ok(TransactWriteItem::builder().update(update).build())
}
