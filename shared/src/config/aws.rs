//! How AWS is reached.

use secrecy::SecretString;

use super::{Config, ConfigError};
use crate::{
    aws::{AwsConfig, ServiceUrls},
    patience::Patience,
};

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
                s3: endpoint("AWS_ENDPOINT_URL_S3")?,
            },
            ca_bundle: self.text("AWS_CA_BUNDLE"),
            patience: Patience::DEPLOYED,
        })
    }
}
