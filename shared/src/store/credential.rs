//! `EMAIL#<normalised>` / `CREDENTIAL`: the password of an address. The key makes the address unique.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, item};
use crate::domain::{email::Email, ids::UserId, password::PasswordHash};

/// Whose address it is, and the hash of the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// Whose address it is.
    pub user_id: UserId,
    /// The password's hash.
    pub password_hash: PasswordHash,
}

pub(super) fn key(email: &Email) -> item::Item {
    item::key(format!("EMAIL#{}", email.as_str()), "CREDENTIAL")
}

impl Store {
    /// The credential of an address, as it is now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        const OPERATION: &str = "read credential";
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.identity)
            .set_key(Some(key(email)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        answer.item.map(|found| item::read(OPERATION, found)).transpose()
    }
}
