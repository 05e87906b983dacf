//! `LOGIN#<sha256>` / `STATE`: a login that waits for its second step.
//!
//! The token that names it is random and stands nowhere; who reads the table can't go on with it.

use jiff::{SignedDuration, Timestamp, fmt::serde::timestamp::millisecond::required as millis};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    change::{Updated, updated},
    item,
};
use crate::domain::{
    ids::{FingerprintHash, UserId},
    moment::{Moment, RequestId},
    session::{ClaimedDevice, Delivery, Device},
};

/// A row stays a while after its end; it counts for nothing then.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

/// A login whose password was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Whose.
    pub user_id: UserId,
    /// The user's epoch, read before the credential was read for the last time: the session gets it, whatever happens meanwhile.
    pub epoch: u64,
    /// How the session's refresh tokens are to travel.
    pub delivery: Delivery,
    /// The device as the service saw it.
    pub device: Device,
    /// SHA-256 of the client's fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<FingerprintHash>,
    /// What the client said of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ClaimedDevice>,
    /// The second step has to be made before.
    #[serde(with = "millis")]
    pub ends: Timestamp,
    /// The request that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<RequestId>,
    /// Whether the password was breached elsewhere.
    #[serde(default, skip_serializing_if = "is_false")]
    pub password_change_advised: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn key(digest: &str) -> item::Item {
    item::key(format!("LOGIN#{digest}"), "STATE")
}

impl Store {
    /// Remembers a login that waits for its second step.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be there, and nobody knows its token.
    pub async fn put_challenge(&self, digest: &str, challenge: &Challenge) -> Result<(), StoreError> {
        const OPERATION: &str = "ask for a second step";
        let row = item::write(OPERATION, key(digest), challenge, Some(challenge.ends + KEPT_AFTER_END))?;
        self.put_once(OPERATION, &self.tables.sessions, row).await
    }

    /// The login of this token that waits for its second step and is in time.
    pub async fn challenge(&self, digest: &str, now: Timestamp) -> Result<Option<Challenge>, StoreError> {
        const OPERATION: &str = "read a login";
        let read = self.client.get_item().table_name(&self.tables.sessions).set_key(Some(key(digest)));
        let answer = read.consistent_read(true).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let row: Option<Challenge> = answer.item.map(|found| item::read(OPERATION, found)).transpose()?;
        Ok(row.filter(|row| row.used_by.is_none() && now < row.ends))
    }

    /// Uses a login up: one session for one token. `false`: it was used, or its time is over.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be used up.
    pub async fn use_challenge(&self, digest: &str, moment: &Moment) -> Result<bool, StoreError> {
        const OPERATION: &str = "make the second step";
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(digest)))
            .update_expression("SET usedBy = :me")
            .condition_expression("attribute_not_exists(usedBy) AND ends > :now")
            .expression_attribute_values(":me", item::text(moment.request.as_str()))
            .expression_attribute_values(":now", item::millis(moment.now));
        let used = updated(OPERATION, update).await?;
        Ok(match used {
            Updated::Took(_) => true,
            // An earlier try of this very request took, and its answer was lost.
            Updated::Lost(Some(found)) => {
                item::read::<Challenge>(OPERATION, found)?.used_by.as_ref() == Some(&moment.request)
            }
            Updated::Lost(None) => false,
        })
    }
}
