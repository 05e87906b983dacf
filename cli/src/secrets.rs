//! Which secrets a verb works on: those of a running `nova local`, or those of a deployed stack.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use nova_auth::aws::Clients;
use nova_auth::config::AwsConfig;
use nova_auth::keys::{TokenKind, VersionedSecret};

use crate::tables::local;

/// The names that `nova local` gives to the secrets.
const LOCAL: [&str; 2] = ["AccessKeysSecret", "RefreshKeysSecret"];

/// Where a `nova local` says, in its own data, where its stand-in for Secrets Manager listens.
const ADDRESS: [&str; 2] = ["nova-local-secrets", "secretsmanager-url"];

#[derive(Debug, clap::Args)]
pub(crate) struct SecretArgs {
    /// Work on a running `nova local`, by the URL of its DynamoDB, in which its secrets' URL stands too. Without it: on
    /// AWS, as AWS_* say.
    #[arg(long, value_name = "DYNAMODB_URL", num_args = 0..=1, require_equals = true,
          default_missing_value = "http://127.0.0.1:8000")]
    local: Option<String>,
    /// The secret of the access tokens' keys, by name or ARN.
    #[arg(long, value_name = "ID", env = "ACCESS_KEYS_SECRET")]
    access_keys_secret: Option<String>,
    /// The secret of the refresh tokens' keys.
    #[arg(long, value_name = "ID", env = "REFRESH_KEYS_SECRET")]
    refresh_keys_secret: Option<String>,
}

impl SecretArgs {
    /// The two secrets, reached.
    ///
    /// # Errors
    /// When it is not said where they are, or the local system is not there.
    pub(crate) async fn open(self) -> Result<[(TokenKind, VersionedSecret); 2], Box<dyn Error>> {
        let [access, refresh] = LOCAL.map(|name| self.local.is_some().then(|| name.to_owned()));
        let ids = [
            self.access_keys_secret.or(access).ok_or("which secret? Say --access-keys-secret or --local")?,
            self.refresh_keys_secret
                .or(refresh)
                .ok_or("which secret? Say --refresh-keys-secret or --local")?,
        ];
        let aws = match self.local {
            Some(url) => with_secrets(local(url)).await?,
            None => AwsConfig::from_env()?,
        };
        let client = Clients::new(&aws)?.secrets_manager;
        let [access, refresh] = ids.map(|id| VersionedSecret::new(client.clone(), id));
        Ok([(TokenKind::Access, access), (TokenKind::Refresh, refresh)])
    }
}

async fn with_secrets(mut aws: AwsConfig) -> Result<AwsConfig, Box<dyn Error>> {
    let [table, name] = ADDRESS;
    let key = AttributeValue::S(name.to_owned());
    let found = Clients::new(&aws)?.dynamodb.get_item().table_name(table).key("name", key).send().await;
    let address = found.ok().and_then(|found| found.item?.remove("document")?.as_s().ok().cloned());
    let url = aws.dynamodb_url.as_deref().unwrap_or_default();
    aws.secrets_manager_url = Some(address.ok_or_else(|| format!("there is no `nova local` at {url}"))?);
    Ok(aws)
}
