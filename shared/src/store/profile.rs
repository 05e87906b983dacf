//! `USER#<uid>` / `PROFILE`.

use super::{Store, StoreError, item};
use crate::domain::{ids::UserId, user::Profile};

pub(super) fn key(user: UserId) -> item::Item {
    item::key(format!("USER#{user}"), "PROFILE")
}

impl Store {
    /// The user's profile, as it is now.
    pub async fn profile(&self, user: UserId) -> Result<Option<Profile>, StoreError> {
        const OPERATION: &str = "read profile";
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.identity)
            .set_key(Some(key(user)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        answer.item.map(|found| item::read(OPERATION, found)).transpose()
    }
}
