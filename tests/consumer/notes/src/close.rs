//! Ending connections: API Gateway's `@connections`, and what to make of its answers.

use std::time::Duration;

use aws_sdk_apigatewaymanagement as management;
use aws_sdk_apigatewaymanagement::error::SdkError;
use futures_util::StreamExt as _;
use futures_util::stream;
use lambda_runtime::Error;
use nova_auth_domain::ids::UserId;

use super::connections::{Connections, Open};

/// A connection is open, or refused, this long after `$connect` wrote its row: until then a 410 may only mean *not yet*.
const OPENING_MS: u64 = 60_000;

/// How many connections are ended at once.
const AT_ONCE: usize = 20;

/// What became of a connection that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is ended.
    Done,
    /// There is none of that id: not any more, or not yet.
    Gone,
}

/// Who ends connections.
pub trait Sockets: Sync {
    /// Ends a connection.
    fn close(&self, id: &str) -> impl Future<Output = Result<Closed, Error>> + Send;
}

impl Sockets for management::Client {
    async fn close(&self, id: &str) -> Result<Closed, Error> {
        match self.delete_connection().connection_id(id).send().await {
            Ok(_) => Ok(Closed::Done),
            Err(SdkError::ServiceError(error)) if error.err().is_gone_exception() => Ok(Closed::Gone),
            Err(error) => Err(error.into()),
        }
    }
}

/// Ends these connections of a user and forgets them. One that is not there yet is tried again after each of these rests.
///
/// # Errors
/// One of them could not be ended, or may open yet. All others are; it has to be repeated.
pub async fn close(
    connections: &Connections,
    sockets: &impl Sockets,
    user: UserId,
    open: Vec<Open>,
    now_ms: u64,
    rests: &[Duration],
) -> Result<(), Error> {
    let mut left = open;
    let mut rests = rests.iter();
    loop {
        let tried = stream::iter(left).map(|one| async move {
            let closed = sockets.close(&one.id).await;
            let is_over = match &closed {
                Ok(Closed::Done) => true,
                Ok(Closed::Gone) => one.connected_ms.saturating_add(OPENING_MS) < now_ms,
                Err(_) => false,
            };
            let forgotten = if is_over { connections.forget(user, &one.id).await } else { Ok(()) };
            (one, is_over, closed.map(drop).and(forgotten))
        });
        let tried: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
        let failed: Vec<_> = tried.iter().filter_map(|(.., result)| result.as_ref().err()).collect();
        if let Some(error) = failed.first() {
            return Err(format!("{} connections could not be ended: {error}", failed.len()).into());
        }
        left = tried.into_iter().filter(|(_, is_over, _)| !is_over).map(|(one, ..)| one).collect();
        if left.is_empty() {
            return Ok(());
        }
        let Some(rest) = rests.next() else {
            return Err(format!("{} connections may open yet", left.len()).into());
        };
        tokio::time::sleep(*rest).await;
    }
}
