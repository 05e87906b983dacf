//! `FACTOR#<uid>` / `PASSKEY#<sha256(credential id)>`, and `PASSKEY#<sha256(credential id)>` / `OWNER`: a passkey is one user's.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, change::conditional, item};
use crate::{
    domain::{ids::UserId, moment::Moment},
    webauthn::{Asserted, CredentialId, StoredPasskey},
};

pub(super) fn key(user: UserId, passkey: &CredentialId) -> item::Item {
    item::key(format!("FACTOR#{user}"), format!("PASSKEY#{}", passkey.digest()))
}

pub(super) fn owner_key(passkey: &CredentialId) -> item::Item {
    item::key(format!("PASSKEY#{}", passkey.digest()), "OWNER")
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    user_id: UserId,
}

pub(super) fn row(
    operation: &'static str,
    user: UserId,
    passkey: &StoredPasskey,
) -> Result<item::Item, StoreError> {
    item::write(operation, key(user, &passkey.credential_id), passkey, None)
}

pub(super) fn owner_row(
    operation: &'static str,
    user: UserId,
    passkey: &CredentialId,
) -> Result<item::Item, StoreError> {
    item::write(operation, owner_key(passkey), &Owner { user_id: user }, None)
}

impl Store {
    /// Whose passkey it is, if anybody's.
    pub async fn passkey_owner(&self, passkey: &CredentialId) -> Result<Option<UserId>, StoreError> {
        const OPERATION: &str = "read a passkey's owner";
        let get = self.client.get_item().table_name(&self.tables.identity).set_key(Some(owner_key(passkey)));
        let answer = get.consistent_read(true).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let owner = answer.item.map(|row| item::read::<Owner>(OPERATION, row)).transpose()?;
        Ok(owner.map(|owner| owner.user_id))
    }

    /// A passkey of a user.
    pub async fn passkey(
        &self,
        user: UserId,
        passkey: &CredentialId,
    ) -> Result<Option<StoredPasskey>, StoreError> {
        const OPERATION: &str = "read a passkey";
        let get = self.client.get_item().table_name(&self.tables.identity).set_key(Some(key(user, passkey)));
        let answer = get.consistent_read(true).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        answer.item.map(|row| item::read(OPERATION, row)).transpose()
    }

    /// Writes down that a passkey was used, if its counter is still the one that it was held against. `false`: it is gone, or was
    /// used in between, and this answer is one too many.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be written down. The same request, repeated, finds out.
    pub async fn use_passkey(
        &self,
        user: UserId,
        read: &StoredPasskey,
        asserted: &Asserted,
        moment: &Moment,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "use a passkey";
        let write = self
            .client
            .update_item()
            .table_name(&self.tables.identity)
            .set_key(Some(key(user, &read.credential_id)))
            .update_expression(
                "SET signCount = :new, backedUp = :backed_up, lastUsedAt = :now, usedBy = :request",
            )
            .condition_expression(
                "attribute_exists(pk) AND (signCount = :read OR (signCount = :new AND usedBy = :request))",
            )
            .expression_attribute_values(":read", item::number(read.sign_count))
            .expression_attribute_values(":new", item::number(asserted.sign_count))
            .expression_attribute_values(":backed_up", item::flag(asserted.backed_up))
            .expression_attribute_values(":now", item::text(last_use(read, moment.now).to_string()))
            .expression_attribute_values(":request", item::text(moment.request.as_str()))
            .return_values(ReturnValue::AllNew);
        Ok(conditional(OPERATION, || write.clone().send()).await?.is_some())
    }
}

/// Clocks of two instances differ: the last use is the later one.
fn last_use(read: &StoredPasskey, now: Timestamp) -> Timestamp {
    read.last_used_at.map_or(now, |before| before.max(now))
}
