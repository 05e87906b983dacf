//! Trying again, within bounds.

use std::{future::Future, time::Duration};

use super::StoreError;
use crate::entropy;

/// How often a call is made again that met another write at the same item.
const RETRIES: u32 = 5;

/// The longest pause is this many times the shortest, doubled: 10 ms to 640 ms, three times that with its jitter.
const DOUBLINGS: u32 = 6;

/// A little while, longer each time, so that two that met do not meet again.
pub(super) async fn pause(attempt: u32) {
    let least = Duration::from_millis(10 << attempt.min(DOUBLINGS));
    tokio::time::sleep(entropy::jitter(least, least * 3)).await;
}

/// Makes a call again that met another write at the same item: DynamoDB refuses the one or the other, and the SDK hands that
/// on. What is called has to be harmless when it is repeated, as every write of ours is: a try that was answered with a
/// conflict had no effect, but an earlier one of the same call, whose answer was lost, may have had it.
pub(super) async fn past_conflicts<T, F>(call: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for attempt in 0..RETRIES {
        match call().await {
            Err(error) if error.is_conflict() => pause(attempt).await,
            answered => return answered,
        }
    }
    call().await
}
