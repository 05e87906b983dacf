//! The services that `nova` calls without an SDK of theirs.

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Iam,
    CloudWatch,
    Sns,
    Lambda,
    ApiGateway,
    Ses,
    Sqs,
    EventBridge,
}

impl Service {
    /// The name in signatures, and in most addresses.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::CloudWatch => "monitoring",
            Self::Sns => "sns",
            Self::Lambda => "lambda",
            Self::ApiGateway => "apigateway",
            Self::Ses => "ses",
            Self::Sqs => "sqs",
            Self::EventBridge => "events",
        }
    }

    /// The version of the services that take forms.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::CloudWatch => "2010-08-01",
            _ => "2010-03-31",
        }
    }
}
