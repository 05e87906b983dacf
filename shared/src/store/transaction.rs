//! Transactions: only where several items must agree.

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, TransactWriteItem,
        builders::{DeleteBuilder, PutBuilder, UpdateBuilder},
    },
};

use super::{Store, StoreError, retry::past_conflicts};
use crate::entropy;

/// How a transaction ended.
pub(super) enum Transacted {
    /// All of it was written.
    Done,
    /// None of it was: the conditions that failed, by position, with what they failed on.
    ConditionsFailed(Vec<Option<CancellationReason>>),
}

/// A part of a transaction.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Put(PutBuilder),
    Update(UpdateBuilder),
    Delete(DeleteBuilder),
}

impl Write {
    fn build(self) -> Result<TransactWriteItem, BuildError> {
        let write = TransactWriteItem::builder();
        Ok(match self {
            Self::Put(put) => write.put(put.build()?),
            Self::Update(update) => write.update(update.build()?),
            Self::Delete(delete) => write.delete(delete.build()?),
        }
        .build())
    }
}

impl From<PutBuilder> for Write {
    fn from(put: PutBuilder) -> Self {
        Self::Put(put)
    }
}

impl From<UpdateBuilder> for Write {
    fn from(update: UpdateBuilder) -> Self {
        Self::Update(update)
    }
}

impl From<DeleteBuilder> for Write {
    fn from(delete: DeleteBuilder) -> Self {
        Self::Delete(delete)
    }
}

impl Store {
    /// Writes all or nothing. A conflict with another transaction is no answer yet: it is tried again, within bounds, and
    /// under one name. Otherwise a try that took and whose answer was lost would be told that its conditions do not hold,
    /// by its own writes.
    pub(super) async fn transact(
        &self,
        operation: &'static str,
        writes: Vec<Write>,
    ) -> Result<Transacted, StoreError> {
        let writes: Result<Vec<_>, _> = writes.into_iter().map(Write::build).collect();
        let writes = writes.map_err(|_| StoreError::Malformed { operation })?;
        let name = entropy::bytes().map(|bytes| uuid::Builder::from_random_bytes(bytes).into_uuid());
        let name =
            name.map_err(|error| StoreError::Refused { operation, reason: error.to_string().into() })?;
        past_conflicts(|| self.try_transact(operation, name.to_string(), writes.clone())).await
    }

    async fn try_transact(
        &self,
        operation: &'static str,
        name: String,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Transacted, StoreError> {
        let transaction = self.client.transact_write_items().client_request_token(name);
        let reasons = match transaction.set_transact_items(Some(writes)).send().await {
            Ok(_) => return Ok(Transacted::Done),
            Err(SdkError::ServiceError(answer)) if answer.err().is_transaction_canceled_exception() => {
                match answer.into_err() {
                    TransactWriteItemsError::TransactionCanceledException(canceled) => {
                        canceled.cancellation_reasons.unwrap_or_default()
                    }
                    _ => vec![],
                }
            }
            Err(error) => return Err(StoreError::from_sdk(operation, &error)),
        };
        let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
        if has("ConditionalCheckFailed") {
            let failed = |reason: CancellationReason| {
                (reason.code() == Some("ConditionalCheckFailed")).then_some(reason)
            };
            return Ok(Transacted::ConditionsFailed(reasons.into_iter().map(failed).collect()));
        }
        let code = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
        Err(StoreError::canceled(operation, code.unwrap_or("canceled")))
    }
}
