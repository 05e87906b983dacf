//! Which connections are open, by user, and which sessions have ended, in a table of this team's own.
//!
//! | `pk` | `sk` | |
//! |---|---|---|
//! | `USER#<user>` | `CONN#<connection>` | an open connection: its session, and the epoch at which the authorizer let it in |
//! | `USER#<user>` | `ENDED#<session>` | a tombstone: this session has ended |
//! | `USER#<user>` | `ENDED` | a tombstone: sessions of an older epoch have ended, but for one that goes on |
//!
//! A connection can be made at the very moment at which its session ends. Neither misses the other, because each writes first and
//! reads afterwards, consistently: `$connect` writes its row and then looks for a tombstone; who ends a session writes the tombstone
//! and then looks for rows. Whichever write is later, its writer's read sees the other's.

use std::collections::HashMap;

use aws_sdk_dynamodb as dynamodb;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use lambda_runtime::Error;
use nova_auth_domain::context::Caller;
use nova_auth_domain::ids::{SessionId, UserId};

/// API Gateway ends every connection two hours after it opened. Its row was there before, and has to be there until then.
const LIFE_SECONDS: u64 = 2 * 60 * 60 + 10 * 60;

/// A tombstone is needed for as long as a connection can be on its way between the authorizer's yes and its row, which is a minute at
/// most. After this time it counts no more, though DynamoDB may take days to remove it: where the authorizer says no epoch, it would
/// refuse its user for as long.
const TOMBSTONE_SECONDS: u64 = 10 * 60;

type Item = HashMap<String, AttributeValue>;

/// The table of connections.
#[derive(Debug)]
pub struct Connections {
    table: String,
    dynamodb: dynamodb::Client,
}

/// An open connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub id: String,
    /// Whose session it is of.
    pub session: String,
    /// The user's epoch when it was let in; 0 where the authorizer did not say it.
    pub epoch: u64,
    /// When it was made.
    pub connected_ms: u64,
}

/// Which sessions of a user have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Session(SessionId),
    /// All from before this epoch, except for one where one is named.
    Before {
        epoch: u64,
        /// The session that goes on.
        kept: Option<SessionId>,
    },
}

impl Ended {
    /// Whether a connection has to end with it.
    #[must_use]
    pub fn ends(&self, connection: &Open) -> bool {
        match self {
            Self::Session(session) => connection.session == session.to_string(),
            Self::Before { epoch, kept } => {
                connection.epoch < *epoch && kept.is_none_or(|kept| connection.session != kept.to_string())
            }
        }
    }
}

impl Connections {
    /// The table of this name.
    #[must_use]
    pub fn new(table: String, dynamodb: dynamodb::Client) -> Self {
        Self { table, dynamodb }
    }

    /// What `$connect` does: whether the connection may be made.
    ///
    /// # Errors
    /// Whatever DynamoDB says; then the connection must not be made. A row that is left is of a connection that never was, and goes
    /// when it expires.
    pub async fn admit(&self, caller: &Caller, id: &str, now_ms: u64) -> Result<bool, Error> {
        self.put(caller, id, now_ms).await?;
        let refused = self.has_ended(caller, now_ms).await?;
        if refused {
            self.forget(caller.user_id, id).await?;
        }
        Ok(!refused)
    }

    /// Writes a connection down: the first half of `$connect`, before [`Self::has_ended`].
    ///
    /// # Errors
    /// Whatever DynamoDB says; then the connection must not be made.
    pub async fn put(&self, caller: &Caller, id: &str, now_ms: u64) -> Result<(), Error> {
        let ends = (now_ms / 1000).saturating_add(LIFE_SECONDS);
        self.dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(caller.user_id, &connection(id))))
            .item("connectionId", text(id))
            .item("sessionId", text(caller.session_id.to_string()))
            .item("epoch", number(caller.epoch.unwrap_or_default()))
            .item("connectedAt", number(now_ms))
            .item("expiresAt", number(ends))
            .send()
            .await?;
        Ok(())
    }

    /// Whether the caller's session has ended since the authorizer's yes: the second half of `$connect`.
    ///
    /// # Errors
    /// Whatever DynamoDB says, and that it did not read all; then the connection must not be made.
    pub async fn has_ended(&self, caller: &Caller, now_ms: u64) -> Result<bool, Error> {
        let (session, user) = (caller.session_id, caller.user_id);
        let keys = vec![key(user, &tombstone(session)), key(user, EPOCH)];
        let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build()?;
        let answer = self.dynamodb.batch_get_item().request_items(&self.table, keys).send().await?;
        if answer.unprocessed_keys.is_some_and(|keys| !keys.is_empty()) {
            return Err("not all of the tombstones were read".into());
        }
        let mine = Open {
            id: String::new(),
            session: session.to_string(),
            epoch: caller.epoch.unwrap_or_default(),
            connected_ms: 0,
        };
        let found = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        Ok(found.iter().filter(|item| !is_over(item, now_ms)).any(|item| {
            let is_epoch = item.get("sk") == Some(&text(EPOCH));
            !is_epoch || before(item).is_none_or(|ended| ended.ends(&mine))
        }))
    }

    /// Writes a tombstone: the first half of an end, before [`Self::open`]. Gives what has ended by now: of two epochs the later one,
    /// in whichever order they are told.
    ///
    /// # Errors
    /// Whatever DynamoDB says; then it has to be repeated.
    pub async fn bury(&self, user: UserId, ended: Ended, now_ms: u64) -> Result<Ended, Error> {
        let until = (now_ms / 1000).saturating_add(TOMBSTONE_SECONDS);
        let put = self.dynamodb.put_item().table_name(&self.table);
        let (epoch, kept) = match ended {
            Ended::Session(session) => {
                let item = key(user, &tombstone(session));
                put.set_item(Some(item)).item("expiresAt", number(until)).send().await?;
                return Ok(ended);
            }
            Ended::Before { epoch, kept } => (epoch, kept),
        };
        let written = put
            .set_item(Some(key(user, EPOCH)))
            .item("expiresAt", number(until))
            .item("epoch", number(epoch))
            .item("kept", text(kept.map(|kept| kept.to_string()).unwrap_or_default()))
            .condition_expression("attribute_not_exists(pk) OR epoch <= :epoch")
            .expression_attribute_values(":epoch", number(epoch))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = written else { return Ok(ended) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let later = failed.item().and_then(before);
                Ok(later.ok_or("the tombstone says no epoch")?)
            }
            _ => Err(error.into()),
        }
    }

    /// The open connections of a user: the second half of an end.
    ///
    /// # Errors
    /// Whatever DynamoDB says.
    pub async fn open(&self, user: UserId) -> Result<Vec<Open>, Error> {
        let pages = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :user AND begins_with(sk, :connections)")
            .expression_attribute_values(":user", text(format!("USER#{user}")))
            .expression_attribute_values(":connections", text(connection("")))
            .into_paginator()
            .items()
            .send();
        let rows = pages.collect::<Result<Vec<_>, _>>().await?;
        rows.iter().map(|row| read(row).ok_or_else(|| "a connection's row can't be read".into())).collect()
    }

    /// Forgets a connection that is no more.
    ///
    /// # Errors
    /// Whatever DynamoDB says.
    pub async fn forget(&self, user: UserId, id: &str) -> Result<(), Error> {
        let key = Some(key(user, &connection(id)));
        self.dynamodb.delete_item().table_name(&self.table).set_key(key).send().await?;
        Ok(())
    }
}

const EPOCH: &str = "ENDED";

fn tombstone(session: SessionId) -> String {
    format!("ENDED#{session}")
}

fn connection(id: &str) -> String {
    format!("CONN#{id}")
}

fn key(user: UserId, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(format!("USER#{user}"))), ("sk".to_owned(), text(sk))])
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// What a tombstone of an epoch says; none if it can't be read, which no reader may take for a no.
fn before(item: &Item) -> Option<Ended> {
    let epoch = item.get("epoch")?.as_n().ok()?.parse().ok()?;
    let kept = item.get("kept")?.as_s().ok()?;
    let kept = if kept.is_empty() { None } else { Some(kept.parse().ok()?) };
    Some(Ended::Before { epoch, kept })
}

/// Whether an item's time is over, and DynamoDB has not removed it yet.
fn is_over(item: &Item, now_ms: u64) -> bool {
    let until = item.get("expiresAt").and_then(|until| until.as_n().ok()?.parse::<u64>().ok());
    until.is_some_and(|until| until < now_ms / 1000)
}

fn read(row: &Item) -> Option<Open> {
    let text = |name: &str| row.get(name)?.as_s().ok().cloned();
    let number = |name: &str| row.get(name)?.as_n().ok()?.parse().ok();
    Some(Open {
        id: text("connectionId")?,
        session: text("sessionId")?,
        epoch: number("epoch")?,
        connected_ms: number("connectedAt")?,
    })
}
