//! `EMAIL#<normalised>` / `CREDENTIAL`: the password of an address. The key makes the address unique.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, batch::consistent, item};
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
    /// The credentials of up to 100 addresses, by address; those that nobody has are not among them.
    ///
    /// # Errors
    /// [`StoreError`]; part of an answer is none.
    pub async fn credentials(&self, emails: &[&Email]) -> Result<HashMap<String, Credential>, StoreError> {
        const OPERATION: &str = "read credentials";
        if emails.is_empty() {
            return Ok(HashMap::new());
        }
        let keys = emails.iter().map(|email| key(email)).collect();
        let wanted = HashMap::from([(self.tables.identity.clone(), consistent(keys)?)]);
        let mut found = HashMap::new();
        for row in self.read_all(wanted).await? {
            let address =
                row.get("pk").and_then(|pk| pk.as_s().ok()?.strip_prefix("EMAIL#").map(str::to_owned));
            let address = address.ok_or(StoreError::Malformed { operation: OPERATION })?;
            found.insert(address, item::read(OPERATION, row)?);
        }
        Ok(found)
    }
}
