//! The services that `nova` calls without an SDK of theirs.

nova_auth::domain::named! {
    /// A service of AWS, by its name in signatures and in most addresses.
    pub(crate) enum Service {
        Iam = "iam",
        CloudWatch = "monitoring",
        Sns = "sns",
        Lambda = "lambda",
        ApiGateway = "apigateway",
        Ses = "ses",
        Sqs = "sqs",
        EventBridge = "events",
    }
}

impl Service {
    /// The version of the services that take forms.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::CloudWatch => "2010-08-01",
            _ => "2010-03-31",
        }
    }
}
