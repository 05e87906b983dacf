//! Consistent reads of several items at once. *Unprocessed* is not *absent*: such keys are asked for again.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::{Store, StoreError, item, retry::LEFT_UNDONE};

const OPERATION: &str = "read a batch";

impl Store {
    /// Every item that is there of those that are wanted, by table.
    ///
    /// # Errors
    /// [`StoreError`], also when keys stay unprocessed until the deadline: that is no answer.
    pub(super) async fn read_all(
        &self,
        mut wanted: HashMap<String, KeysAndAttributes>,
    ) -> Result<Vec<item::Item>, StoreError> {
        let mut items = Vec::new();
        let asking = async {
            let mut tries = LEFT_UNDONE.tries();
            loop {
                let answer = self
                    .client
                    .batch_get_item()
                    .set_request_items(Some(wanted))
                    .send()
                    .await
                    .map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
                items.extend(answer.responses.into_iter().flatten().flat_map(|(_, found)| found));
                wanted = answer.unprocessed_keys.unwrap_or_default();
                if wanted.is_empty() {
                    return Ok(items);
                }
                if !tries.again().await {
                    return Err(StoreError::late(OPERATION));
                }
            }
        };
        tokio::time::timeout(self.patience.call, asking)
            .await
            .unwrap_or_else(|_| Err(StoreError::late(OPERATION)))
    }
}

/// Keys of one table, to be read as they are now.
pub(super) fn consistent(keys: Vec<item::Item>) -> Result<KeysAndAttributes, StoreError> {
    let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
    request.map_err(|_| StoreError::Malformed { operation: OPERATION })
}
