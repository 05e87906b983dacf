//! A running `nova local`.

use std::error::Error;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use nova_auth::aws::Clients;
use nova_auth::config::AwsConfig;
use nova_auth::keys::{SecretError, VersionedSecret};
use secrecy::SecretString;

use super::call::Calls;
use super::partition::Partition;
use super::proxy;

/// The names that `nova local` gives to the tables.
pub(crate) const TABLES: [&str; 2] = ["IdentityTable", "SessionsTable"];
/// The table of breached passwords, where it has one.
pub(crate) const BREACHED: &str = "BreachedTable";
/// The region that it takes itself to be in.
const REGION: &str = "us-east-1";
/// The secret of one that sends mail.
const LINKS: &str = "LinkKeysSecret";

/// Where a `nova local` says, in its own data, where its stand-ins listen.
const ADDRESSES: &str = "nova-local-secrets";
/// The stand-in for Secrets Manager.
const SECRETS: &str = "secretsmanager-url";
/// Those for SQS, EventBridge and SES.
const SERVICES: &str = "services-url";
/// Its authentication API.
const API: &str = "api-url";

/// The clients of one that listens here.
pub(super) fn clients(url: &str) -> Result<Clients, Box<dyn Error>> {
    Ok(Clients::new(&config(url.to_owned(), None))?)
}

/// The same, with its secrets.
pub(super) async fn with_secrets(url: &str) -> Result<Clients, Box<dyn Error>> {
    Ok(Clients::new(&config(url.to_owned(), Some(address(url, SECRETS).await?)))?)
}

/// Calls of its services, which no proxy stands before.
pub(crate) async fn services(url: &str) -> Result<Calls, Box<dyn Error>> {
    let credentials = Credentials::from_keys("local", "local", None);
    let partition = Partition::new("aws", REGION).await?;
    Ok(Calls::new(proxy::around()?, credentials, partition, Some(address(url, SERVICES).await?)))
}

async fn address(url: &str, name: &str) -> Result<String, Box<dyn Error>> {
    let key = AttributeValue::S(name.to_owned());
    let found = clients(url)?.dynamodb.get_item().table_name(ADDRESSES).key("name", key).send().await;
    let address = found.ok().and_then(|found| found.item?.remove("document")?.as_s().ok().cloned());
    Ok(address.ok_or_else(|| format!("cannot connect to nova local at {url}; is it running?"))?)
}

/// Where its authentication API listens.
pub(crate) async fn api(url: &str) -> Result<String, Box<dyn Error>> {
    address(url, API).await
}

/// Whether it sends mail: then it has the keys of the links.
///
/// # Errors
/// When nobody answers.
pub(crate) async fn sends_mail(clients: &Clients) -> Result<bool, SecretError> {
    VersionedSecret::new(clients.secrets_manager.clone(), LINKS.to_owned()).is_there().await
}

/// What `nova local` takes: it knows no accounts, so these are no secrets.
fn config(url: String, secrets_manager_url: Option<String>) -> AwsConfig {
    AwsConfig {
        service_urls: Default::default(),
        region: REGION.to_owned(),
        access_key_id: "local".to_owned(),
        secret_access_key: SecretString::from("local"),
        session_token: None,
        dynamodb_url: Some(url),
        secrets_manager_url,
        ca_bundle: None,
        patience: super::aws::PATIENCE,
    }
}
