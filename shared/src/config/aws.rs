//! How AWS is reached.

use secrecy::SecretString;

use super::{Config, ConfigError};
use crate::patience::Patience;

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// The region.
    pub region: String,
    /// The access key id, of the function's role.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// Its session.
    pub session_token: Option<SecretString>,
    /// Another address of DynamoDB.
    pub dynamodb_url: Option<String>,
    /// Another address of Secrets Manager.
    pub secrets_manager_url: Option<String>,
    /// Other addresses of the services that single functions call: SQS, EventBridge, SES.
    pub service_urls: ServiceUrls,
    /// A PEM file of certificates to trust instead of Amazon's.
    pub ca_bundle: Option<String>,
    /// How long it is waited for.
    pub patience: Patience,
}

/// Other addresses of services.
#[derive(Debug, Clone, Default)]
pub struct ServiceUrls {
    /// Of SQS.
    pub sqs: Option<String>,
    /// Of EventBridge.
    pub event_bridge: Option<String>,
    /// Of SES.
    pub ses: Option<String>,
}

impl Config {
    /// How AWS is reached.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn aws(&self) -> Result<AwsConfig, ConfigError> {
        let endpoint = |name| match self.text(name).or_else(|| self.text("AWS_ENDPOINT_URL")) {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => Ok(Some(url)),
            Some(_) => Err(ConfigError::new(name, "must begin with http:// or https://")),
            None => Ok(None),
        };
        Ok(AwsConfig {
            region: self.required("AWS_REGION")?,
            access_key_id: self.required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: SecretString::from(self.required("AWS_SECRET_ACCESS_KEY")?),
            session_token: self.text("AWS_SESSION_TOKEN").map(SecretString::from),
            dynamodb_url: endpoint("AWS_ENDPOINT_URL_DYNAMODB")?,
            secrets_manager_url: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER")?,
            service_urls: ServiceUrls {
                sqs: endpoint("AWS_ENDPOINT_URL_SQS")?,
                event_bridge: endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE")?,
                ses: endpoint("AWS_ENDPOINT_URL_SESV2")?,
            },
            ca_bundle: self.text("AWS_CA_BUNDLE"),
            patience: Patience::DEPLOYED,
        })
    }
}
