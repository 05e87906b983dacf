//! What the event bus of Nova Auth tells, out of a queue: the connections of a session that has ended are ended.
//!
//! An event may come twice, late, and after a later one: what is done for it is the same each time. A message that fails comes again
//! until it succeeds, so that a time without this function delays an end and loses none.

use std::time::Duration;

use futures_util::future::join_all;
use lambda_runtime::Error;
use nova_auth_domain::ids::UserId;
use serde_json::{Value, json};

use super::close::{Sockets, close};
use super::connections::{Connections, Ended};
use super::text;

/// What failed, and what is not open yet, is tried again after each of these. After that the queue brings the event again, a minute later.
pub const RESTS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Does what a batch of messages tells, and says which of them are to come again.
pub async fn answer(
    event: &Value,
    connections: &Connections,
    sockets: &impl Sockets,
    now_ms: u64,
    rests: &[Duration],
) -> Value {
    let records = event.get("Records").and_then(Value::as_array).into_iter().flatten();
    // Beside one another: what one of them waits for is nothing to the others.
    let told = join_all(records.map(|record| async move {
        let done = told(record, connections, sockets, now_ms, rests).await;
        done.inspect_err(log).is_err().then(|| json!({"itemIdentifier": text(record, "/messageId")}))
    }));
    let again: Vec<_> = told.await.into_iter().flatten().collect();
    json!({"batchItemFailures": again})
}

/// A function's output is its log. Nothing in an event is anybody's secret.
#[expect(clippy::print_stdout, reason = "a function's output is its log")]
fn log(error: &Error) {
    println!("{}", json!({"level": "ERROR", "message": error.to_string()}));
}

async fn told(
    record: &Value,
    connections: &Connections,
    sockets: &impl Sockets,
    now_ms: u64,
    rests: &[Duration],
) -> Result<(), Error> {
    let told: Value = serde_json::from_str(text(record, "/body"))?;
    let (user, ended) = read(&told).ok_or("no event of Nova Auth that this function knows")?;
    end(connections, sockets, user, ended, now_ms, rests).await
}

/// Ends the connections of sessions that have ended, trying again after each of these rests.
///
/// # Errors
/// Not all of it is done; it has to be repeated.
pub async fn end(
    connections: &Connections,
    sockets: &impl Sockets,
    user: UserId,
    ended: Ended,
    now_ms: u64,
    rests: &[Duration],
) -> Result<(), Error> {
    let mut rests = rests.iter();
    loop {
        let done = end_once(connections, sockets, user, ended, now_ms).await;
        match (done, rests.next()) {
            (Err(_), Some(rest)) => tokio::time::sleep(*rest).await,
            (done, _) => return done,
        }
    }
}

/// First the tombstone, then what is open.
async fn end_once(
    connections: &Connections,
    sockets: &impl Sockets,
    user: UserId,
    ended: Ended,
    now_ms: u64,
) -> Result<(), Error> {
    let ended = connections.bury(user, ended, now_ms).await?;
    let open = connections.open(user).await?.into_iter().filter(|one| ended.ends(one)).collect();
    close(connections, sockets, user, open, now_ms).await
}

/// Who it is about, and what has ended.
fn read(told: &Value) -> Option<(UserId, Ended)> {
    let user = text(told, "/detail/userId").parse().ok()?;
    let ended = match text(told, "/detail-type") {
        "Session Ended" => Ended::Session(text(told, "/detail/sessionId").parse().ok()?),
        "User Changed" => match told.pointer("/detail/epoch") {
            // The user is deleted: no session goes on, and none begins.
            Some(Value::Null) => Ended::Before { epoch: u64::MAX, kept: None },
            epoch => Ended::Before {
                epoch: epoch?.as_u64()?,
                kept: match told.pointer("/detail/keptSession") {
                    None | Some(Value::Null) => None,
                    Some(session) => Some(session.as_str()?.parse().ok()?),
                },
            },
        },
        _ => return None,
    };
    Some((user, ended))
}
