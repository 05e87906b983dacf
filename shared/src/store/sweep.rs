//! Removing what counts for nothing any more, without waiting for the TTL.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};

use super::{Store, StoreError, change::conditional, factor, item, pages::Pages, retry::LEFT_UNDONE};
use crate::{domain::ids::UserId, retry::Retry};

/// DynamoDB takes so many deletes in one call.
const AT_ONCE: usize = 25;

/// How often what was left undone is tried again before it has failed.
const RETRY: Retry = Retry { times: 7, ..LEFT_UNDONE };

impl Store {
    /// Removes the rows of a user's sessions, and says how many there were.
    ///
    /// # Errors
    /// [`StoreError`]; then some are left, and it can be repeated.
    pub async fn remove_sessions(&self, user: UserId) -> Result<usize, StoreError> {
        self.sweep(&self.tables.sessions, format!("USER#{user}"), "SESSION#").await
    }

    /// Removes the second factors of a user, and what says whose each passkey is; and says how many rows of the user's there were.
    ///
    /// # Errors
    /// [`StoreError`]; then some are left, and it can be repeated.
    pub async fn remove_factors(&self, user: UserId) -> Result<usize, StoreError> {
        const OPERATION: &str = "remove second factors";
        // First what would stay behind: once the factors are gone nobody knows of it.
        let query = self
            .client
            .query()
            .table_name(&self.tables.identity)
            .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
            .projection_expression("sk")
            .expression_attribute_values(":partition", item::text(factor::partition(user)))
            .expression_attribute_values(":prefix", item::text("PASSKEY#"))
            .consistent_read(true);
        let page = query.send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let passkeys = page.items.unwrap_or_default();
        let owner = |row: &item::Item| Some(item::key(row.get("sk")?.as_s().ok()?, "OWNER"));
        let owners: Vec<_> = passkeys.iter().filter_map(owner).collect();
        for some in owners.chunks(AT_ONCE) {
            self.delete_all(OPERATION, &self.tables.identity, some).await?;
        }
        let (partition, mut removed) = (factor::partition(user), 0);
        for kind in ["TOTP#", "PASSKEY#"] {
            removed += self.sweep(&self.tables.identity, partition.clone(), kind).await?;
        }
        Ok(removed + self.remove_recovery_codes(user).await?)
    }

    /// The next ones have the same key: a try that arrives late must leave those alone.
    async fn remove_recovery_codes(&self, user: UserId) -> Result<usize, StoreError> {
        const OPERATION: &str = "remove recovery codes";
        let key = factor::recovery_key(user);
        let read = self.client.get_item().table_name(&self.tables.identity).set_key(Some(key.clone()));
        let answer = read.projection_expression("createdAt").consistent_read(true).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let Some(mut row) = answer.item else { return Ok(0) };
        let made = row.remove("createdAt").ok_or(StoreError::Malformed { operation: OPERATION })?;
        let delete = self.client.delete_item().table_name(&self.tables.identity).set_key(Some(key));
        let delete =
            delete.condition_expression("createdAt = :made").expression_attribute_values(":made", made);
        conditional(OPERATION, || delete.clone().send()).await.map(|gone| usize::from(gone.is_some()))
    }

    /// Removes a user's security log, and says how many entries it had.
    ///
    /// # Errors
    /// [`StoreError`]; then some are left, and it can be repeated.
    pub async fn remove_log(&self, user: UserId) -> Result<usize, StoreError> {
        self.sweep(&self.tables.identity, format!("EVENT#{user}"), "EVENT#").await
    }

    async fn sweep(&self, table: &str, partition: String, prefix: &str) -> Result<usize, StoreError> {
        const OPERATION: &str = "remove what is left of a user";
        let query = self
            .client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
            .projection_expression("pk, sk")
            .expression_attribute_values(":partition", item::text(partition))
            .expression_attribute_values(":prefix", item::text(prefix))
            .consistent_read(true);
        let (mut pages, mut removed) = (Pages::of(OPERATION, query), 0);
        while let Some(keys) = pages.next().await? {
            for some in keys.chunks(AT_ONCE) {
                self.delete_all(OPERATION, table, some).await?;
                removed += some.len();
            }
        }
        Ok(removed)
    }

    async fn delete_all(
        &self,
        operation: &'static str,
        table: &str,
        keys: &[item::Item],
    ) -> Result<(), StoreError> {
        let malformed = |_| StoreError::Malformed { operation };
        let mut left = Vec::with_capacity(keys.len());
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(key.clone())).build().map_err(malformed)?;
            left.push(WriteRequest::builder().delete_request(delete).build());
        }
        let mut tries = RETRY.tries();
        loop {
            let answer = self
                .client
                .batch_write_item()
                .set_request_items(Some(HashMap::from([(table.to_owned(), left)])))
                .send()
                .await
                .map_err(|error| StoreError::from_sdk(operation, &error))?;
            left = answer.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            if !tries.again().await {
                return Err(StoreError::Unavailable { operation, reason: "unprocessed".into() });
            }
        }
    }
}
