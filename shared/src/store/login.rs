//! The transaction that ends a login: it holds only while what was verified still holds.

use aws_sdk_dynamodb::types::{
    ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;

use super::{
    Credential, EventRow, Store, StoreError, credential, item, profile, session, transaction::Transacted,
};
use crate::domain::{
    email::Email,
    password::PasswordHash,
    session::Session,
    user::{Profile, Status},
};

/// What a login writes.
#[derive(Debug)]
pub struct LoginCommit<'a> {
    /// The address that was typed.
    pub email: &'a Email,
    /// The credential that the password was verified against.
    pub verified: &'a Credential,
    /// The hash to put in its place, where it was made with too little work.
    pub upgraded: Option<&'a PasswordHash>,
    /// The session that begins, at the epoch of the profile that was read.
    pub session: &'a Session,
    /// The entry of the security log.
    pub event: &'a EventRow,
    /// The time of the login.
    pub now: Timestamp,
}

/// What became of it.
#[derive(Debug)]
pub enum LoginCommitted {
    /// The session has begun.
    Done,
    /// The credential is another by now: the password has to be verified again.
    CredentialChanged,
    /// The user is gone or not active.
    UserInactive,
    /// The epoch was raised since the profile was read: all of it has to be read again.
    EpochRaised,
}

impl Store {
    /// CREDENTIAL still holds the hash that was verified (or takes the upgraded one), PROFILE is active at the epoch
    /// of the session and takes `lastLoginAt`, SESSION and EVENT are put: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then the session may have begun, and nobody knows its tokens.
    pub async fn commit_login(&self, login: &LoginCommit<'_>) -> Result<LoginCommitted, StoreError> {
        const OPERATION: &str = "complete a login";
        let malformed = |_| StoreError::Malformed { operation: OPERATION };
        let begin = Put::builder()
            .table_name(&self.tables.sessions)
            .set_item(Some(session::row(OPERATION, login.session)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(malformed)?;
        let writes = vec![
            self.credential_holds(OPERATION, login)?,
            TransactWriteItem::builder().update(self.user_logs_in(OPERATION, login)?).build(),
            TransactWriteItem::builder().put(begin).build(),
            TransactWriteItem::builder().put(self.event_put(OPERATION, login.event)?).build(),
        ];
        let reasons = match self.transact(OPERATION, writes).await? {
            Transacted::Done => return Ok(LoginCommitted::Done),
            Transacted::ConditionsFailed(reasons) => reasons,
        };
        let mut reasons = reasons.into_iter();
        if reasons.next().flatten().is_some() {
            return Ok(LoginCommitted::CredentialChanged);
        }
        let Some(user) = reasons.next().flatten() else {
            return Err(StoreError::Refused { operation: OPERATION, reason: "session exists".to_owned() });
        };
        let found: Option<Profile> = user.item.map(|found| item::read(OPERATION, found)).transpose()?;
        Ok(match found.map(|profile| profile.status) {
            Some(Status::Active) => LoginCommitted::EpochRaised,
            Some(Status::Disabled) | None => LoginCommitted::UserInactive,
        })
    }

    fn credential_holds(
        &self,
        operation: &'static str,
        login: &LoginCommit<'_>,
    ) -> Result<TransactWriteItem, StoreError> {
        let malformed = |_| StoreError::Malformed { operation };
        let verified = login.verified.verified();
        let item = TransactWriteItem::builder();
        Ok(match login.upgraded {
            Some(hash) => item.update(
                Update::builder()
                    .table_name(&self.tables.identity)
                    .set_key(Some(credential::key(login.email)))
                    .update_expression("SET passwordHash = :upgraded")
                    .condition_expression("passwordHash = :verified")
                    .expression_attribute_values(":verified", verified)
                    .expression_attribute_values(":upgraded", item::text(hash.as_str()))
                    .build()
                    .map_err(malformed)?,
            ),
            None => item.condition_check(
                ConditionCheck::builder()
                    .table_name(&self.tables.identity)
                    .set_key(Some(credential::key(login.email)))
                    .condition_expression("passwordHash = :verified")
                    .expression_attribute_values(":verified", verified)
                    .build()
                    .map_err(malformed)?,
            ),
        }
        .build())
    }

    fn user_logs_in(&self, operation: &'static str, login: &LoginCommit<'_>) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(login.session.user_id)))
            .update_expression("SET lastLoginAt = :now")
            .condition_expression("#status = :active AND epoch = :epoch")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":epoch", item::number(login.session.epoch))
            .expression_attribute_values(":now", item::text(login.now.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|_| StoreError::Malformed { operation })
    }
}
