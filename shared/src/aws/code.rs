//! Why a call of AWS failed. Nobody decides by the text of an error: what a code means is told here once.

use std::{error::Error, fmt, iter};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// AWS's code for a failure, or ours where AWS gave none. It is displayed as it came; nothing else of an answer is in it.
///
/// Errors have it as their source, so that [`Code::behind`] finds it, whatever they are wrapped in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    name: String,
    meaning: Meaning,
}

/// What a code means. AWS has several names for most of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// These credentials may not.
    Denied,
    /// There is no such thing.
    NotThere,
    /// There is one already.
    Exists,
    /// The condition of a write does not hold.
    ConditionFailed,
    /// Another write was at the same item, or one item of a transaction was throttled: the call had no effect, and the SDK does not
    /// make it again.
    Conflict,
    /// Too many calls for now.
    Throttled,
    /// A fault of AWS's own.
    Fault,
    /// No answer came in time.
    TimedOut,
    /// No answer came.
    Connection,
    /// The time of the credentials is over.
    ExpiredCredentials,
    /// AWS knows nothing of the credentials.
    BadCredentials,
    /// Something else.
    Other,
}

impl Meaning {
    fn of(name: &str) -> Self {
        match name {
            "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "UnauthorizedOperation" => {
                Self::Denied
            }
            "NoSuchEntity"
            | "NotFound"
            | "NotFoundException"
            | "QueueDoesNotExist"
            | "ResourceNotFoundException" => Self::NotThere,
            "ResourceExistsException" => Self::Exists,
            // As the error of a write, and as the reason of a transaction.
            "ConditionalCheckFailedException" | "ConditionalCheckFailed" => Self::ConditionFailed,
            "ProvisionedThroughputExceeded"
            | "ReplicatedWriteConflictException"
            | "ThrottlingError"
            | "TransactionConflict"
            | "TransactionConflictException" => Self::Conflict,
            "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "ThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "TransactionInProgressException" => Self::Throttled,
            "InternalFailure"
            | "InternalServerError"
            | "InternalServerErrorException"
            | "InternalServerException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => Self::Fault,
            TIMED_OUT => Self::TimedOut,
            CONNECTION => Self::Connection,
            "ExpiredToken" | "ExpiredTokenException" => Self::ExpiredCredentials,
            "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "UnrecognizedClientException" => Self::BadCredentials,
            _ => Self::Other,
        }
    }
}

/// No answer came in time.
const TIMED_OUT: &str = "time-out";
/// No answer came.
const CONNECTION: &str = "connection";
/// An answer that gives no code.
const UNKNOWN: &str = "unknown";

impl Code {
    /// The code of an error of the SDK.
    pub fn of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        Self::from(match error {
            SdkError::ServiceError(answer) => answer.err().code().unwrap_or(UNKNOWN),
            SdkError::TimeoutError(_) => TIMED_OUT,
            _ => CONNECTION,
        })
    }

    /// The code that an error comes from, if it comes from a call of AWS.
    #[must_use]
    pub fn behind<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
    }

    #[must_use]
    pub const fn meaning(&self) -> Meaning {
        self.meaning
    }

    /// As AWS says it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl From<String> for Code {
    fn from(name: String) -> Self {
        let meaning = Meaning::of(&name);
        Self { name, meaning }
    }
}

impl From<&str> for Code {
    fn from(name: &str) -> Self {
        name.to_owned().into()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Error for Code {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flows::{FlowError, rotate_keys::RotationError},
        keys::KeysError,
        store::StoreError,
    };

    #[test]
    fn a_code_is_shown_as_aws_says_it_whatever_it_means() {
        for (name, meaning) in [
            ("AccessDenied", Meaning::Denied),
            ("AccessDeniedException", Meaning::Denied),
            ("ResourceNotFoundException", Meaning::NotThere),
            ("ExpiredToken", Meaning::ExpiredCredentials),
            ("time-out", Meaning::TimedOut),
            ("ADeniedAccessException", Meaning::Other),
            ("", Meaning::Other),
        ] {
            let code = Code::from(name);
            assert_eq!((code.to_string().as_str(), code.meaning()), (name, meaning));
        }
    }

    #[test]
    fn the_code_of_a_failed_call_is_found_in_whatever_the_error_is_wrapped_in() {
        let (operation, reason) = ("read profile", Code::from("AccessDeniedException"));
        let store = StoreError::Refused { operation, reason: reason.clone() };
        let keys = KeysError::Unavailable(reason.clone());
        for error in [
            Box::<dyn Error>::from(store.clone()),
            FlowError::Store(store).into(),
            keys.clone().into(),
            FlowError::Keys(keys).into(),
        ] {
            assert_eq!(Code::behind(error.as_ref()), Some(&reason), "{error}");
        }
    }

    #[test]
    fn a_text_that_looks_like_a_code_is_none() {
        let error: Box<dyn Error> = "the user (AccessDeniedException) is not there".into();
        assert_eq!(Code::behind(error.as_ref()), None);
        assert_eq!(Code::behind(&RotationError::NothingInForce), None);
        assert_eq!(Code::behind(&StoreError::Malformed { operation: "read profile" }), None);
    }
}
