//! What the link of a mail does: the link is used up, and what it was for is written, all or nothing.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, Update, builders::UpdateBuilder};
use jiff::Timestamp;

use super::{
    Credential, EventRow, NewUser, Store, StoreError, UserCreated, credential, item, mail, profile,
    transaction::{Transacted, Write},
};
use crate::domain::{
    email::Email,
    ids::UserId,
    mail::{Mail, MailKey},
    name::PersonName,
    password::PasswordHash,
};

/// A password that is set by the link of a mail.
#[derive(Debug)]
pub struct ResetCommit<'a> {
    pub key: &'a MailKey,
    /// What the row is to remember of this request.
    pub used_by: &'a str,
    /// The user's address.
    pub email: &'a Email,
    /// The credential that the link is bound to.
    pub bound: &'a Credential,
    /// The new hash.
    pub hash: &'a PasswordHash,
    /// Whose it is.
    pub of: PasswordOf<'a>,
    /// The entry of the security log.
    pub event: &'a EventRow,
    /// The mail that tells the user of it.
    pub notice: Option<(&'a MailKey, &'a Mail)>,
    /// The time of the change.
    pub now: Timestamp,
}

/// Whose password is set by a link.
#[derive(Debug, Clone, Copy)]
pub enum PasswordOf<'a> {
    /// An active user's, who forgot it.
    Active,
    /// An invited user's, who is active from now on, and may have another name.
    Invited(Option<&'a PersonName>),
}

/// An address of a user that a link shows to be theirs.
#[derive(Debug)]
pub struct Verified<'a> {
    pub key: &'a MailKey,
    /// What the row is to remember of this request.
    pub used_by: &'a str,
    pub user: UserId,
    /// The address.
    pub email: &'a Email,
    /// When.
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
        let mut writes = vec![
            self.mail_use(reset.key, reset.used_by, reset.now),
            credential.into(),
            self.reset_profile(user, reset.of, reset.now).into(),
            self.event_put(OPERATION, reset.event)?,
        ];
        if let Some(notice) = reset.notice {
            writes.push(self.mail_put(OPERATION, notice)?);
        }
        self.redeem(OPERATION, writes).await
    }

    fn reset_profile(&self, user: UserId, of: PasswordOf<'_>, now: Timestamp) -> UpdateBuilder {
        let set = "SET epoch = epoch + :one, passwordChangedAt = :now, emailVerifiedAt = :now";
        let (set, before) = match of {
            PasswordOf::Active => (set.to_owned(), "active"),
            PasswordOf::Invited(None) => (format!("{set}, #status = :active"), "invited"),
            PasswordOf::Invited(Some(_)) => (format!("{set}, #status = :active, #name = :name"), "invited"),
        };
        let update = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user)))
            .update_expression(set)
            .condition_expression("#status = :before")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":before", item::text(before))
            .expression_attribute_values(":one", item::number(1))
            .expression_attribute_values(":now", item::text(now.to_string()));
        let update = match of {
            PasswordOf::Active => return update,
            PasswordOf::Invited(_) => update.expression_attribute_values(":active", item::text("active")),
        };
        match of {
            PasswordOf::Invited(Some(name)) => update
                .expression_attribute_names("#name", "name")
                .expression_attribute_values(":name", item::text(name.as_str())),
            _ => update,
        }
    }

    /// MAIL is used, and the user that it registered is there, whose address nobody had: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect. The same request, repeated, finds out.
    pub async fn commit_registration(
        &self,
        key: &MailKey,
        used_by: &str,
        user: &NewUser<'_>,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        const OPERATION: &str = "make a registered user";
        let mut writes = vec![self.mail_use(key, used_by, now)];
        writes.extend(self.writes_of(OPERATION, user, ReturnValuesOnConditionCheckFailure::None)?);
        self.redeem(OPERATION, writes).await
    }

    /// MAIL is used, and PROFILE is active and remembers that its address was shown to be the user's: both or neither.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect. The same request, repeated, finds out.
    pub async fn commit_verification(&self, verified: &Verified<'_>) -> Result<Redeemed, StoreError> {
        const OPERATION: &str = "verify an address";
        let profile = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(verified.user)))
            .update_expression("SET emailVerifiedAt = :now")
            .condition_expression("#status = :active AND email = :email")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":email", item::text(verified.email.as_str()))
            .expression_attribute_values(":now", item::text(verified.now.to_string()));
        let writes = vec![self.mail_use(verified.key, verified.used_by, verified.now), profile.into()];
        self.redeem(OPERATION, writes).await
    }

    /// Writes a user whose address nobody has, and the mail that invites them: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect.
    pub async fn create_invited(
        &self,
        user: &NewUser<'_>,
        mail: (&MailKey, &Mail),
    ) -> Result<UserCreated, StoreError> {
        const OPERATION: &str = "invite a user";
        let mut writes = self.writes_of(OPERATION, user, ReturnValuesOnConditionCheckFailure::None)?.to_vec();
        writes.push(self.mail_put(OPERATION, mail)?);
        Ok(match self.redeem(OPERATION, writes).await? {
            Redeemed::Done => UserCreated::Done,
            Redeemed::Refused => UserCreated::EmailTaken,
        })
    }

    /// Asks for a mail, with its entry in the security log: both or neither.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be sent or not.
    pub async fn ask_for_mail(&self, key: &MailKey, mail: &Mail, event: &EventRow) -> Result<(), StoreError> {
        const OPERATION: &str = "ask for a mail";
        let writes = vec![self.mail_put(OPERATION, (key, mail))?, self.event_put(OPERATION, event)?];
        self.transact(OPERATION, writes).await.map(drop)
    }

    pub(super) async fn redeem(
        &self,
        operation: &'static str,
        writes: Vec<Write>,
    ) -> Result<Redeemed, StoreError> {
        Ok(match self.transact(operation, writes).await? {
            Transacted::Done => Redeemed::Done,
            Transacted::ConditionsFailed(_) => Redeemed::Refused,
        })
    }

    /// A link is used once, and in its time.
    pub(super) fn mail_use(&self, key: &MailKey, used_by: &str, now: Timestamp) -> Write {
        Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(mail::key(key)))
            .update_expression("SET usedAt = :now, usedBy = :by")
            .condition_expression("attribute_exists(pk) AND ends > :now AND attribute_not_exists(usedAt)")
            .expression_attribute_values(":now", item::millis(now))
            .expression_attribute_values(":by", item::text(used_by))
            .into()
    }

    /// A mail that goes out only if the rest of a transaction takes.
    pub(super) fn mail_put(
        &self,
        operation: &'static str,
        (key, mail): (&MailKey, &Mail),
    ) -> Result<Write, StoreError> {
        let put = Put::builder().table_name(&self.tables.sessions);
        Ok(put.set_item(Some(mail::row(operation, key, mail)?)).into())
    }
}
