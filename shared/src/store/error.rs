//! What can go wrong with the tables. No item, no key and no message of AWS's stands in an error.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::aws::{Code, Meaning};

/// A call to DynamoDB failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Out of reach for now: too slow, throttled, contended, or failing on its side. Worth trying again.
    #[error("{operation}: storage is out of reach ({reason})")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// AWS's code, or what happened on the way.
        #[source]
        reason: Code,
    },
    /// Refused, and it will be again: a missing table or permission, or a request that we built wrongly.
    #[error("{operation}: storage refused the call ({reason})")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// AWS's code.
        #[source]
        reason: Code,
    },
    /// An item is not of the form that we write.
    #[error("{operation}: an item is malformed")]
    Malformed {
        /// What was tried.
        operation: &'static str,
    },
}

impl StoreError {
    /// Sorts an error of the SDK, by the status first: what a load balancer or a proxy says has no code that we know, and
    /// often no JSON.
    pub(super) fn from_sdk<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        if matches!(error, SdkError::ConstructionFailure(_)) {
            return Self::Refused { operation, reason: "request not built".into() };
        }
        let reason = Code::of(error);
        // DynamoDB answers with 400 to much that passes.
        let is_passing = matches!(reason.meaning(), Meaning::Conflict | Meaning::Throttled | Meaning::Fault);
        match error {
            SdkError::ServiceError(answer) if !is_passing && !passes(answer.raw().status().as_u16()) => {
                Self::Refused { operation, reason }
            }
            _ => Self::Unavailable { operation, reason },
        }
    }

    /// A transaction that was cancelled, by the first of its reasons.
    pub(super) fn canceled(operation: &'static str, code: &str) -> Self {
        let reason = Code::from(code);
        if reason.meaning() == Meaning::Conflict {
            Self::Unavailable { operation, reason }
        } else {
            Self::Refused { operation, reason }
        }
    }

    /// Whether the same call may go well in a moment.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether the call met another write at its item, and had no effect.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable { reason, .. } if reason.meaning() == Meaning::Conflict)
    }

    /// The deadline came before an answer.
    pub(super) fn late(operation: &'static str) -> Self {
        Self::Unavailable { operation, reason: "deadline".into() }
    }
}

/// A time-out, a limit of calls, or a fault on AWS's side: RFC 9110, section 15.
const fn passes(status: u16) -> bool {
    matches!(status, 408 | 429) || status >= 500
}
