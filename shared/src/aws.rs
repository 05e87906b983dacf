//! The clients: one HTTP client with one TLS stack, shared by all of them, and one idea of patience.

mod code;
mod quiet;
mod roots;

use std::{io::Error as IoError, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use secrecy::{ExposeSecret as _, SecretString};

use crate::patience::Patience;

pub use code::{Code, Meaning};
pub use roots::Roots;

/// The one HTTP client of a process, for who hands it on.
pub use aws_smithy_runtime_api::client::http::SharedHttpClient as HttpClient;

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    pub region: String,
    /// The access key id, of the function's role.
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: Option<SecretString>,
    /// Another address of DynamoDB.
    pub dynamodb_url: Option<String>,
    /// Another address of Secrets Manager.
    pub secrets_manager_url: Option<String>,
    /// Other addresses of the services that single functions call: SQS, EventBridge, SES, S3.
    pub service_urls: ServiceUrls,
    /// A PEM file of certificates to trust instead of those that are compiled in.
    pub ca_bundle: Option<String>,
    /// How long it is waited for.
    pub patience: Patience,
}

/// Other addresses of services.
#[derive(Debug, Clone, Default)]
pub struct ServiceUrls {
    pub sqs: Option<String>,
    /// Of EventBridge.
    pub event_bridge: Option<String>,
    pub ses: Option<String>,
    pub s3: Option<String>,
}

/// The clients of one process.
#[derive(Debug, Clone)]
pub struct Clients {
    /// For the tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For the keys.
    pub secrets_manager: aws_sdk_secretsmanager::Client,
}

impl Clients {
    /// Builds the clients; nothing is sent yet.
    ///
    /// # Errors
    /// `AWS_CA_BUNDLE` names a file that can't be read.
    pub fn new(config: &AwsConfig) -> Result<Self, IoError> {
        let http = http_client(config)?;
        let mut secrets_manager = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials(config))
            .retry_config(retries())
            .timeout_config(config.patience.timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http.clone());
        secrets_manager.set_endpoint_url(config.secrets_manager_url.clone());
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb_config(config, http).build()),
            secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets_manager.build()),
        })
    }
}

/// How a service is called that only one function calls: like the others, at this address if there is one.
#[must_use]
pub fn service_config(config: &AwsConfig, http: SharedHttpClient, url: Option<&String>) -> SdkConfig {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials(config)))
        .retry_config(retries())
        .timeout_config(config.patience.timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http);
    builder.set_endpoint_url(url.cloned());
    builder.build()
}

/// How DynamoDB is called. Public, so that a test can put an interceptor into exactly what ships.
pub fn dynamodb_config(config: &AwsConfig, http: SharedHttpClient) -> aws_sdk_dynamodb::config::Builder {
    let mut builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(credentials(config))
        .retry_config(retries())
        .timeout_config(config.patience.timeouts())
        // Answers are a few kilobytes, and an attempt's time is over long before this would find that one is stalled.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(quiet::Quiet)
        .http_client(http);
    builder.set_endpoint_url(config.dynamodb_url.clone());
    builder
}

/// The one HTTP client.
///
/// # Errors
/// `AWS_CA_BUNDLE` names a file that can't be read.
pub fn http_client(config: &AwsConfig) -> Result<SharedHttpClient, IoError> {
    let tls = tls_trusting(config.ca_bundle.as_deref(), Roots::of(&config.region))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https())
}

/// The certificates that are trusted: those of this PEM file, where one is named, and else these.
///
/// # Errors
/// The file can't be read.
pub fn tls_trusting(ca_bundle: Option<&str>, roots: Roots) -> Result<TlsContext, IoError> {
    let pem = match ca_bundle {
        Some(file) => std::fs::read(file)?,
        None => roots.pem()?,
    };
    let trusted = TrustStore::empty().with_pem_certificate(pem);
    TlsContext::builder().with_trust_store(trusted).build().map_err(IoError::other)
}

/// The role's credentials, which Lambda renews by replacing the process.
fn credentials(config: &AwsConfig) -> Credentials {
    Credentials::new(
        config.access_key_id.clone(),
        config.secret_access_key.expose_secret(),
        config.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        None,
        "environment",
    )
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}
