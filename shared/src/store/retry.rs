//! How often what DynamoDB did not do is asked for again.

use std::{future::Future, time::Duration};

use super::StoreError;
use crate::retry::Retry;

/// What met another write at the same item: five times.
const CONFLICTS: Retry =
    Retry { times: 5, first: Duration::from_millis(10), longest: Duration::from_millis(640), spread: 3 };

/// What DynamoDB left undone of a batch: as often as the caller's deadline allows.
pub(super) const LEFT_UNDONE: Retry = Retry { times: u32::MAX, ..CONFLICTS };

/// Makes a call again that met another write at the same item: DynamoDB refuses the one or the other, and the SDK hands that
/// on. What is called has to be harmless when it is repeated, as every write of ours is: a try that was answered with a
/// conflict had no effect, but an earlier one of the same call, whose answer was lost, may have had it.
pub(super) async fn past_conflicts<T, F>(call: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    CONFLICTS.past(StoreError::is_conflict, call).await
}
