//! `BREACHED#<4 hex digits>` / `SHARD`: the passwords whose SHA-1 begins so, as a filter. `BREACHED#LIST` / `LIST`: what it was made of.
//!
//! The rows have a table of their own: the others are read as a whole sometimes, and this one has gigabytes. A row is whole in
//! itself, so that a newer list may be put over an older one, row by row, while both are read.

use std::{collections::HashMap, fmt};

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, PutRequest, WriteRequest},
};
use jiff::Timestamp;

use super::{StoreError, item, retry::LEFT_UNDONE};
use crate::{
    domain::{
        breached::{Fingerprint, Manifest, Shard},
        password::Password,
    },
    patience::Patience,
};

/// DynamoDB takes so many writes in one call.
pub const SHARDS_AT_ONCE: usize = 25;

const LOOK_UP: &str = "look a password up";
const PUT: &str = "put shards of breached passwords";

/// The list of passwords that were breached elsewhere.
#[derive(Clone)]
pub struct BreachedList {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl fmt::Debug for BreachedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreachedList").field("table", &self.table).finish_non_exhaustive()
    }
}

/// What a list was made of, and when it was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedList {
    /// How many passwords are in it.
    pub entries: u64,
    /// How often a password was seen at least, to be in it.
    pub at_least: u64,
    /// When its last row was put.
    pub put_at: Timestamp,
}

impl BreachedList {
    /// The list in this table.
    #[must_use]
    pub const fn new(client: aws_sdk_dynamodb::Client, table: String) -> Self {
        Self { client, table }
    }

    /// Whether this password is in the list, as it was typed or in its normal form. One in 65,536 that are not seems to be.
    ///
    /// # Errors
    /// [`StoreError`], also where a row is missing or can't be read: that is no answer.
    pub async fn holds(&self, password: &Password) -> Result<bool, StoreError> {
        for fingerprint in password.fingerprints() {
            if self.has(&fingerprint).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The read need not be of this very moment: a list is weeks old.
    async fn has(&self, fingerprint: &Fingerprint) -> Result<bool, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(fingerprint.shard())))
            .projection_expression("fuse");
        let answer = get.send().await.map_err(|error| StoreError::from_sdk(LOOK_UP, &error))?;
        let row = answer.item.unwrap_or_default();
        let shard = row.get("fuse").and_then(|shard| shard.as_b().ok());
        let shard = shard.ok_or_else(|| refused(LOOK_UP, "no list was put, or not all of it"))?;
        let read = Shard::parse(shard.as_ref()).and_then(|shard| shard.contains(fingerprint));
        read.map_err(|error| refused(LOOK_UP, error))
    }

    /// Puts shards, whatever was there before.
    ///
    /// # Errors
    /// [`StoreError`]; then some of them may be there.
    pub async fn put(&self, shards: &[Shard<'_>]) -> Result<(), StoreError> {
        for part in shards.chunks(SHARDS_AT_ONCE) {
            let rows = part.iter().map(row).collect::<Result<Vec<_>, _>>()?;
            self.put_rows(rows).await?;
        }
        Ok(())
    }

    async fn put_rows(&self, mut rows: Vec<WriteRequest>) -> Result<(), StoreError> {
        let patience = Patience::of(self.client.config().timeout_config());
        let began = tokio::time::Instant::now();
        let mut tries = LEFT_UNDONE.tries();
        loop {
            let write = self.client.batch_write_item().request_items(&self.table, rows);
            let answer = write.send().await.map_err(|error| StoreError::from_sdk(PUT, &error))?;
            rows = answer.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            if rows.is_empty() {
                return Ok(());
            }
            // A table that is new takes fewer writes than this makes. It goes on where some of each call took.
            if began.elapsed() > patience.call * 10 || !tries.again().await {
                return Err(StoreError::late(PUT));
            }
        }
    }

    /// Says that the whole list is there.
    pub async fn finish(&self, manifest: &Manifest, now: Timestamp) -> Result<(), StoreError> {
        let mut row = list_key();
        row.insert("entries".to_owned(), item::number(manifest.entries()));
        row.insert("atLeast".to_owned(), item::number(manifest.at_least()));
        row.insert("putAt".to_owned(), item::millis(now));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(row));
        put.send().await.map(drop).map_err(|error| StoreError::from_sdk(PUT, &error))
    }

    /// The list that is there. `None`: none was put to its end.
    pub async fn loaded(&self) -> Result<Option<LoadedList>, StoreError> {
        const OPERATION: &str = "read what list there is";
        let get = self.client.get_item().table_name(&self.table).set_key(Some(list_key()));
        let answer = get.send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let Some(row) = answer.item else { return Ok(None) };
        let number = |name: &str| row.get(name)?.as_n().ok()?.parse::<u64>().ok();
        let put_at = number("putAt").and_then(|at| Timestamp::from_millisecond(at.try_into().ok()?).ok());
        let read = number("entries").zip(number("atLeast")).zip(put_at);
        let ((entries, at_least), put_at) = read.ok_or(StoreError::Malformed { operation: OPERATION })?;
        Ok(Some(LoadedList { entries, at_least, put_at }))
    }
}

fn key(shard: u16) -> HashMap<String, AttributeValue> {
    item::key(format!("BREACHED#{shard:04x}"), "SHARD")
}

fn list_key() -> HashMap<String, AttributeValue> {
    item::key("BREACHED#LIST", "LIST")
}

fn row(shard: &Shard<'_>) -> Result<WriteRequest, StoreError> {
    let malformed = || StoreError::Malformed { operation: PUT };
    let bytes = shard.to_bytes(shard.least_bytes()).ok_or_else(malformed)?;
    let mut row = key(shard.number());
    row.insert("fuse".to_owned(), AttributeValue::B(Blob::new(bytes)));
    let put = PutRequest::builder().set_item(Some(row)).build().map_err(|_| malformed())?;
    Ok(WriteRequest::builder().put_request(put).build())
}

fn refused(operation: &'static str, reason: impl fmt::Display) -> StoreError {
    StoreError::Unavailable { operation, reason: reason.to_string().into() }
}
