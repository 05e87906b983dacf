//! Items as DynamoDB takes them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::StoreError;

/// An item, or a key.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A primary key.
pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) const fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// A time as rows keep it: milliseconds.
pub(super) fn millis(time: Timestamp) -> AttributeValue {
    number(time.as_millisecond())
}

/// A time as TTL reads it: seconds.
pub(super) fn ttl(time: Timestamp) -> AttributeValue {
    number(time.as_second())
}

/// A value as an item with its key and, where it expires, its TTL.
pub(super) fn write<T: Serialize>(
    operation: &'static str,
    key: Item,
    value: &T,
    expires: Option<Timestamp>,
) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|_| StoreError::Malformed { operation })?;
    item.extend(key);
    item.extend(expires.map(|time| ("expiresAt".to_owned(), ttl(time))));
    Ok(item)
}

/// A value out of an item.
pub(super) fn read<T: DeserializeOwned>(operation: &'static str, item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|_| StoreError::Malformed { operation })
}
