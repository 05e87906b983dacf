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

/// AWS's codes for what passes, where the status does not say it: DynamoDB answers them with 400.
const PASSING: [&str; 9] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// What meets another write at the same item, or the throttling of one item of a transaction: the call had no effect, and the
/// SDK does not make it again.
const CONFLICTS: [&str; 5] = [
    "ProvisionedThroughputExceeded",
    "ReplicatedWriteConflictException",
    "ThrottlingError",
    "TransactionConflict",
    "TransactionConflictException",
];

impl StoreError {
    /// Sorts an error of the SDK, by the status first: what a load balancer or a proxy says has no code that we know, and
    /// often no JSON.
    pub(super) fn from_sdk<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
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
            SdkError::ServiceError(answer)
                if !is_passing(answer.raw().status().as_u16()) && !PASSING.contains(&reason.as_str()) =>
            {
                Self::Refused { operation, reason }
            }
            _ => Self::Unavailable { operation, reason },
        }
    }

    /// A transaction that was cancelled, by the first of its reasons.
    pub(super) fn canceled(operation: &'static str, code: &str) -> Self {
        let reason = code.to_owned();
        if CONFLICTS.contains(&code) {
            Self::Unavailable { operation, reason }
        } else {
            Self::Refused { operation, reason }
        }
    }

    /// Whether the call met another write at its item, and had no effect.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable { reason, .. } if CONFLICTS.contains(&reason.as_str()))
    }

    /// The deadline came before an answer.
    pub(super) fn late(operation: &'static str) -> Self {
        Self::Unavailable { operation, reason: "deadline".to_owned() }
    }
}

/// A time-out, a limit of calls, or a fault on AWS's side: RFC 9110, section 15.
const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429) || status >= 500
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
