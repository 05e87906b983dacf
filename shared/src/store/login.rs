//! What a login writes. Nothing of it is a transaction: a session is put at the epoch of a profile that was read before the
//! credential was read for the last time, and whatever takes that back raises the epoch (docs/decisions/0003, 0004).

use aws_sdk_dynamodb::{
    error::SdkError, operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure,
};
use jiff::Timestamp;

use super::{
    Credential, Store, StoreError, change::conditional, credential, item, retry::past_conflicts, session,
};
use crate::domain::{email::Email, ids::SessionId, ids::UserId, password::PasswordHash, session::Session};

impl Store {
    /// Puts a session that begins. One that is there already under this id is the same: an earlier try took.
    ///
    /// # Errors
    /// [`StoreError`]; then the session may have begun, and nobody knows its tokens.
    pub async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        past_conflicts(|| self.try_put_session(session)).await
    }

    async fn try_put_session(&self, session: &Session) -> Result<(), StoreError> {
        const OPERATION: &str = "begin a session";
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sessions)
            .set_item(Some(session::row(OPERATION, session)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let found = match put.send().await {
            Ok(_) => return Ok(()),
            Err(SdkError::ServiceError(answer)) if answer.err().is_conditional_check_failed_exception() => {
                match answer.into_err() {
                    PutItemError::ConditionalCheckFailedException(failure) => failure.item,
                    _ => None,
                }
            }
            Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
        };
        let found: Option<Session> = found.map(|found| item::read(OPERATION, found)).transpose()?;
        match found {
            Some(found) if found.current == session.current && found.generation == 0 => Ok(()),
            _ => Err(StoreError::Refused { operation: OPERATION, reason: "session exists".into() }),
        }
    }

    /// Ends a session whose tokens nobody was given, so that it does not stand in its user's list.
    ///
    /// # Errors
    /// [`StoreError`]; then it stays there until it has expired.
    pub async fn withdraw_session(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "withdraw a session";
        let end = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(session::key(user, session)))
            .update_expression("SET #state = :revoked, revokedAt = :now")
            .condition_expression("attribute_exists(#state) AND #state <> :revoked")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":revoked", item::text("revoked"))
            .expression_attribute_values(":now", item::millis(now));
        conditional(OPERATION, || end.clone().send()).await.map(drop)
    }

    /// Puts a hash of the same password in the place of the one that it was verified against, unless that is another by now.
    ///
    /// # Errors
    /// [`StoreError`]; then the next login does it.
    pub async fn upgrade_hash(
        &self,
        email: &Email,
        verified: &Credential,
        upgraded: &PasswordHash,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "upgrade a hash";
        let upgrade = self
            .client
            .update_item()
            .table_name(&self.tables.identity)
            .set_key(Some(credential::key(email)))
            .update_expression("SET passwordHash = :upgraded")
            .condition_expression("passwordHash = :verified")
            .expression_attribute_values(":verified", verified.verified())
            .expression_attribute_values(":upgraded", item::text(upgraded.as_str()));
        conditional(OPERATION, || upgrade.clone().send()).await.map(drop)
    }
}
