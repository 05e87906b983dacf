//! Which tables a verb works on: those of a running `nova local`, or those of a deployed stack.

use std::error::Error;

use nova_auth::aws::Clients;
use nova_auth::config::AwsConfig;
use nova_auth::store::{Store, Tables};
use secrecy::SecretString;

/// The names that `nova local` gives to the tables.
const LOCAL: [&str; 2] = ["IdentityTable", "SessionsTable"];

#[derive(Debug, clap::Args)]
pub(crate) struct TableArgs {
    /// Work on a running `nova local`, by the URL of its DynamoDB. Without it: on AWS, as AWS_* say.
    #[arg(long, value_name = "DYNAMODB_URL", num_args = 0..=1, require_equals = true,
          default_missing_value = "http://127.0.0.1:8000")]
    local: Option<String>,
    /// The table of users.
    #[arg(long, value_name = "NAME", env = "IDENTITY_TABLE")]
    identity_table: Option<String>,
    /// The table of sessions.
    #[arg(long, value_name = "NAME", env = "SESSIONS_TABLE")]
    sessions_table: Option<String>,
}

impl TableArgs {
    /// The tables of a stack on this machine.
    #[cfg(feature = "local")]
    pub(crate) fn local(dynamodb_url: &str) -> TableArgs {
        TableArgs { local: Some(dynamodb_url.to_owned()), identity_table: None, sessions_table: None }
    }

    /// The tables, reached.
    ///
    /// # Errors
    /// When it is not said where they are.
    pub(crate) fn open(self) -> Result<Store, Box<dyn Error>> {
        let [identity, sessions] = LOCAL.map(|name| self.local.is_some().then(|| name.to_owned()));
        let tables = Tables {
            identity: self
                .identity_table
                .or(identity)
                .ok_or("which table of users? Say --identity-table or --local")?,
            sessions: self
                .sessions_table
                .or(sessions)
                .ok_or("which table of sessions? Say --sessions-table or --local")?,
        };
        let aws = match self.local {
            Some(url) => local(url),
            None => AwsConfig::from_env()?,
        };
        Ok(Store::new(Clients::new(&aws)?.dynamodb, tables))
    }
}

/// What `nova local` takes: it knows no accounts, so these are no secrets.
pub(crate) fn local(url: String) -> AwsConfig {
    AwsConfig {
        region: "us-east-1".to_owned(),
        access_key_id: "local".to_owned(),
        secret_access_key: SecretString::from("local"),
        session_token: None,
        dynamodb_url: Some(url),
        secrets_manager_url: None,
        ca_bundle: None,
    }
}
