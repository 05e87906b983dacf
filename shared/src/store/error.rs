//! What can go wrong with the tables. No item, no key and no message of AWS's stands in an error.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::{UpdateItemError, UpdateItemOutput},
};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::item::Item;

/// A call to DynamoDB failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Out of reach for now: too slow, throttled, contended, or failing on its side. Worth trying again.
    #[error("{operation}: storage is out of reach ({reason})")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// AWS's code, or what happened on the way.
        reason: String,
    },
    /// Refused, and it will be again: a missing table or permission, or a request that we built wrongly.
    #[error("{operation}: storage refused the call ({reason})")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// AWS's code.
        reason: String,
    },
    /// An item is not of the form that we write.
    #[error("{operation}: an item is malformed")]
    Malformed {
        /// What was tried.
        operation: &'static str,
    },
}

/// AWS's codes for what passes.
const PASSING: [&str; 8] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl StoreError {
    /// Sorts an error of the SDK.
    pub(super) fn from_sdk<E: ProvideErrorMetadata, R>(
        operation: &'static str,
        error: &SdkError<E, R>,
    ) -> Self {
        let code = match error {
            SdkError::ServiceError(answer) => answer.err().code(),
            SdkError::TimeoutError(_) => Some("time-out"),
            SdkError::ConstructionFailure(_) => {
                return Self::Refused { operation, reason: "request not built".to_owned() };
            }
            _ => Some("connection"),
        };
        let reason = code.unwrap_or("unknown").to_owned();
        match error {
            SdkError::ServiceError(_) if !PASSING.contains(&reason.as_str()) => {
                Self::Refused { operation, reason }
            }
            _ => Self::Unavailable { operation, reason },
        }
    }

    /// Whether another transaction held the item at that moment. The SDK does not try such a call again.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable { reason, .. } if reason.starts_with("TransactionConflict"))
    }

    /// The deadline came before an answer.
    pub(super) fn late(operation: &'static str) -> Self {
        Self::Unavailable { operation, reason: "deadline".to_owned() }
    }
}

/// What a conditional write answered; `None`: its condition failed.
pub(super) fn unless_condition_failed<T, E: ProvideErrorMetadata>(
    operation: &'static str,
    sent: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StoreError> {
    match sent {
        Ok(answer) => Ok(Some(answer)),
        Err(SdkError::ServiceError(answer))
            if answer.err().code() == Some("ConditionalCheckFailedException") =>
        {
            Ok(None)
        }
        Err(error) => Err(StoreError::from_sdk(operation, &error)),
    }
}

/// How a conditional update ended that asked for the item either way.
pub(super) enum Updated {
    /// It took; the item as it is now.
    Took(Item),
    /// Its condition failed; the item that it failed on, if there is one.
    Lost(Option<Item>),
}

/// Reads the answer of a conditional update that asked for the item either way.
pub(super) fn updated(
    operation: &'static str,
    sent: Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>>,
) -> Result<Updated, StoreError> {
    match sent {
        Ok(answer) => answer.attributes.map(Updated::Took).ok_or(StoreError::Malformed { operation }),
        Err(SdkError::ServiceError(answer)) if answer.err().is_conditional_check_failed_exception() => {
            match answer.into_err() {
                UpdateItemError::ConditionalCheckFailedException(failure) => Ok(Updated::Lost(failure.item)),
                _ => Ok(Updated::Lost(None)),
            }
        }
        Err(error) => Err(StoreError::from_sdk(operation, &error)),
    }
}
