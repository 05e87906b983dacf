//! `REVOKED#<jti>` / `TOKEN`: the blacklist of access tokens.

use jiff::Timestamp;

use super::{Store, StoreError, item};
use crate::domain::{claims::LEEWAY, ids::AccessId};

pub(super) fn key(token: AccessId) -> item::Item {
    item::key(format!("REVOKED#{token}"), "TOKEN")
}

impl Store {
    /// Puts an access token on the blacklist until no clock takes it for valid any more.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not be there.
    pub async fn blacklist(&self, token: AccessId, token_expires: Timestamp) -> Result<(), StoreError> {
        const OPERATION: &str = "blacklist a token";
        let mut row = key(token);
        row.insert(
            "expiresAt".to_owned(),
            item::number(token_expires.as_second().saturating_add(LEEWAY.as_secs() + 1)),
        );
        self.put(OPERATION, &self.tables.sessions, row).await
    }
}
