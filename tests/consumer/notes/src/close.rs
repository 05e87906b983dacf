//! Ending connections: API Gateway's `@connections`, and what to make of its answers.

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

/// Ends these connections of a user, and forgets them.
///
/// # Errors
/// One of them could not be ended, or may open yet. All others are; it has to be repeated.
pub async fn close(
    connections: &Connections,
    sockets: &impl Sockets,
    user: UserId,
    open: Vec<Open>,
    now_ms: u64,
) -> Result<(), Error> {
    let tried = stream::iter(open).map(|one| async move {
        let closed = sockets.close(&one.id).await?;
        if closed == Closed::Gone && one.connected_ms.saturating_add(OPENING_MS) >= now_ms {
            return Err("it may open yet".into());
        }
        connections.forget(user, &one.id).await
    });
    let tried: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<_> = tried.into_iter().filter_map(Result::err).collect();
    match failed.first() {
        None => Ok(()),
        Some(error) => Err(format!("{} connections are not ended: {error}", failed.len()).into()),
    }
}
