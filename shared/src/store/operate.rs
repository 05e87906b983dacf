//! What an operator changes of a user. Each is one transaction with its entry in the security log: both or neither.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, ReturnValuesOnConditionCheckFailure, Update,
    builders::UpdateBuilder,
};
use jiff::Timestamp;

use super::{
    AttemptsKey, EventRow, Store, StoreError,
    attempts::window_if_any,
    credential, item, profile, run,
    transaction::{Transacted, Write},
};
use crate::domain::{
    address::ClientAddress,
    attempts::Window,
    email::Email,
    ids::UserId,
    mail::{Mail, MailKey},
    password::PasswordHash,
    user::{MAX_PERMISSIONS, Profile, Role},
};

/// A change of what a user may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessChange {
    /// Another role.
    Role(Role),
    /// These permissions more.
    Grant(BTreeSet<String>),
    /// These permissions less.
    Revoke(BTreeSet<String>),
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserDeleted {
    /// Credential and profile are gone.
    Done,
    /// The profile is gone; its address is another user's, and stays theirs.
    Orphan,
    /// There was no such user.
    Gone,
    /// The user has another address by now: all of it has to be read again.
    Changed,
}

/// The failures of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAttempts {
    /// Those that count against the limit, if a window is open.
    pub window: Option<Window>,
    /// How many there were in a row.
    pub run: u32,
}

impl Store {
    /// Changes what a user may do; where it is wished, their sessions end in the same write. `false`: there is no such user;
    /// or, of a grant, what the user holds leaves no room for it. With `held` a grant takes only if that is what they hold
    /// now: then whoever asks knows what they hold together.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not have taken effect. It can be repeated.
    pub async fn change_access(
        &self,
        user: UserId,
        change: &AccessChange,
        held: Option<&BTreeSet<String>>,
        end_sessions: bool,
        event: &EventRow,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "change what a user may do";
        let (expression, value) = match change {
            AccessChange::Role(role) => ("SET #what = :value", item::text(role.as_str())),
            AccessChange::Grant(permissions) => ("ADD #what :value", set(permissions)),
            AccessChange::Revoke(permissions) => ("DELETE #what :value", set(permissions)),
        };
        let expression = match (change, end_sessions) {
            (_, false) => expression.to_owned(),
            (AccessChange::Role(_), true) => format!("{expression}, epoch = epoch + :one"),
            (_, true) => format!("SET epoch = epoch + :one {expression}"),
        };
        let what = if matches!(change, AccessChange::Role(_)) { "role" } else { "permissions" };
        let mut update = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user)))
            .condition_expression("attribute_exists(pk)")
            .update_expression(expression)
            .expression_attribute_names("#what", what)
            .expression_attribute_values(":value", value);
        if let AccessChange::Grant(more) = change {
            update = granted(update, more, held);
        }
        if end_sessions {
            update = update.expression_attribute_values(":one", item::number(1));
        }
        let writes = vec![update.into(), self.event_put(OPERATION, event)?];
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }

    /// Sets a password that nobody had to prove the old one for, ends every session, and forgets the account's failures: whoever
    /// is given a password has to get in with it. The mail that tells them goes with it. `false`: the user or their credential is gone.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not have taken effect. It can be repeated.
    pub async fn set_password(
        &self,
        (email, user): (&Email, UserId),
        hash: &PasswordHash,
        event: &EventRow,
        notice: Option<&(MailKey, Mail)>,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "set a password";
        let credential = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(credential::key(email)))
            .update_expression("SET passwordHash = :hash")
            .condition_expression("userId = :user")
            .expression_attribute_values(":hash", item::text(hash.as_str()))
            .expression_attribute_values(":user", item::text(user.to_string()));
        let profile = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user)))
            .update_expression("SET epoch = epoch + :one, passwordChangedAt = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", item::number(1))
            .expression_attribute_values(":now", item::text(event.at.to_string()));
        let mut writes = vec![
            credential.into(),
            profile.into(),
            self.event_put(OPERATION, event)?,
            self.forget_account(email),
        ];
        if let Some((key, mail)) = notice {
            writes.push(self.mail_put(OPERATION, (key, mail))?);
        }
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }

    /// Deletes a user's credential and profile: from then on nothing of theirs counts.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not have taken effect. It can be repeated.
    pub async fn delete_user(&self, user: &Profile, event: &EventRow) -> Result<UserDeleted, StoreError> {
        const OPERATION: &str = "delete a user";
        let delete = |key, condition: &str| {
            Delete::builder()
                .table_name(&self.tables.identity)
                .set_key(Some(key))
                .condition_expression(condition)
        };
        // Somebody else may have the address by now, if this is a repetition; or two profiles name it, which is a defect.
        let credential = delete(credential::key(&user.email), "attribute_not_exists(pk) OR userId = :user")
            .expression_attribute_values(":user", item::text(user.id.to_string()));
        // With another address there is another credential, which must not outlive its user.
        let profile = delete(profile::key(user.id), "attribute_exists(pk) AND email = :email")
            .expression_attribute_values(":email", item::text(user.email.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut writes = vec![credential.into(), profile.into(), self.event_put(OPERATION, event)?];
        let profile_failed = |reason: Option<CancellationReason>| {
            reason.map(|reason| if reason.item.is_some() { UserDeleted::Changed } else { UserDeleted::Gone })
        };
        let Transacted::ConditionsFailed(reasons) = self.transact(OPERATION, writes.clone()).await? else {
            return Ok(UserDeleted::Done);
        };
        if let Some(failed) = profile_failed(reasons.into_iter().nth(1).flatten()) {
            return Ok(failed);
        }
        // No profile comes to have an address by which it did not log in before: the credential stays another's.
        writes.remove(0);
        let Transacted::ConditionsFailed(reasons) = self.transact(OPERATION, writes).await? else {
            return Ok(UserDeleted::Orphan);
        };
        Ok(profile_failed(reasons.into_iter().next().flatten()).unwrap_or(UserDeleted::Changed))
    }

    /// Forgets the failures of an account, whoever made them. With an entry for the security log of the account's user,
    /// if there is one.
    ///
    /// # Errors
    /// [`StoreError`]; then they may stay. It can be repeated.
    pub async fn forget_attempts(&self, email: &Email, event: Option<&EventRow>) -> Result<(), StoreError> {
        const OPERATION: &str = "unlock an account";
        let mut writes = vec![self.forget_account(email)];
        if let Some(event) = event {
            writes.push(self.event_put(OPERATION, event)?);
        }
        self.transact(OPERATION, writes).await.map(drop)
    }

    /// Forgets the failures from an address, whoever made them and on whatever accounts.
    ///
    /// # Errors
    /// [`StoreError`]; then they may stay. It can be repeated.
    pub async fn forget_attempts_from(&self, address: ClientAddress) -> Result<(), StoreError> {
        const OPERATION: &str = "unlock an address";
        self.transact(OPERATION, vec![self.forget(&AttemptsKey::address(address))]).await.map(drop)
    }

    /// The failures of an account, window and run, forgotten as a part of a transaction.
    pub(super) fn forget_account(&self, email: &Email) -> Write {
        self.forget(&AttemptsKey::account(email))
    }

    fn forget(&self, key: &AttemptsKey) -> Write {
        Delete::builder().table_name(&self.tables.sessions).set_key(Some(key.item())).into()
    }

    /// The failures of an account that count now.
    pub async fn account_attempts(
        &self,
        email: &Email,
        now: Timestamp,
    ) -> Result<AccountAttempts, StoreError> {
        const OPERATION: &str = "read an account's attempts";
        let read = self
            .client
            .get_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(AttemptsKey::account(email).item()))
            .consistent_read(true);
        let found = read.send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))?.item;
        let found = found.unwrap_or_default();
        let window = window_if_any(&found)?.filter(|window| !window.is_over(now));
        Ok(AccountAttempts { window, run: run::read(&found).failures })
    }
}

/// A grant that no race takes beyond what a user may hold: where there is room whatever is held, or where what is held is
/// known.
fn granted(update: UpdateBuilder, more: &BTreeSet<String>, held: Option<&BTreeSet<String>>) -> UpdateBuilder {
    match held {
        None => update
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(#what) OR size(#what) <= :room)",
            )
            .expression_attribute_values(":room", item::number(MAX_PERMISSIONS.saturating_sub(more.len()))),
        Some(held) if held.is_empty() => {
            update.condition_expression("attribute_exists(pk) AND attribute_not_exists(#what)")
        }
        Some(held) => {
            update.condition_expression("#what = :held").expression_attribute_values(":held", set(held))
        }
    }
}

fn set(permissions: &BTreeSet<String>) -> AttributeValue {
    AttributeValue::Ss(permissions.iter().cloned().collect())
}
