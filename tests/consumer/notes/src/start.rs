//! What the environment describes.

use aws_credential_types::Credentials;
use aws_sdk_apigatewaymanagement as management;
use aws_sdk_dynamodb as dynamodb;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use lambda_runtime::Error;

use super::connections::Connections;

/// The sample API.
#[derive(Debug)]
pub struct Api {
    /// Only a function of the WebSocket API has a table of connections.
    pub(super) sockets: Option<Sockets>,
}

/// What the WebSocket API works with.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) connections: Connections,
    pub(super) management: management::Client,
    /// A connection that is older has to be made again.
    pub(super) max_age_ms: u64,
}

impl Api {
    /// What the environment describes.
    ///
    /// # Errors
    /// A variable is missing or can't be read.
    #[expect(clippy::disallowed_methods, reason = "the one place of this sample that reads the environment")]
    pub fn from_env() -> Result<Self, Error> {
        Self::of(|name| std::env::var(name).ok())
    }

    /// What these variables describe.
    ///
    /// # Errors
    /// A variable is missing or can't be read.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let variable = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set"));
        let Ok(table) = variable("CONNECTIONS_TABLE") else { return Ok(Self { sockets: None }) };
        let seconds: u64 = variable("MAX_CONNECTION_SECONDS")?.parse()?;
        let region = variable("AWS_REGION")?;
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN").ok(),
            None,
            "environment",
        );
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https();
        let mut tables = dynamodb::Config::builder()
            .behavior_version(dynamodb::config::BehaviorVersion::latest())
            .region(dynamodb::config::Region::new(region.clone()))
            .credentials_provider(credentials.clone())
            .http_client(http.clone());
        tables.set_endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB").ok());
        // The address is this API's own. On one machine the stack that runs there says it instead.
        let url =
            variable("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI").or_else(|_| variable("CONNECTIONS_URL"))?;
        let sockets = management::Config::builder()
            .behavior_version(management::config::BehaviorVersion::latest())
            .region(management::config::Region::new(region))
            .credentials_provider(credentials)
            .http_client(http)
            .endpoint_url(url);
        Ok(Self {
            sockets: Some(Sockets {
                connections: Connections::new(table, dynamodb::Client::from_conf(tables.build())),
                management: management::Client::from_conf(sockets.build()),
                max_age_ms: seconds.saturating_mul(1000),
            }),
        })
    }
}
