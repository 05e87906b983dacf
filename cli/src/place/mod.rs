//! Which system a verb works on: a running `nova local`, or a deployed stack.

pub(crate) mod aws;
pub(crate) mod call;
mod complaint;
pub(crate) mod local;
pub(crate) mod partition;
mod profile;
pub(crate) mod proxy;
pub(crate) mod rings;
mod service;
mod stack;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::OnceLock;

use nova_auth::aws::Clients;
use nova_auth::keys::{TokenKind, VersionedSecret};
use nova_auth::store::{BreachedList, Store, Tables};
use nova_auth_uploads::service::UploadStore;

use crate::failure::Usage;
use rings::{RINGS, RingPlace};

/// The flags' heading. Said at each of them: said once for all, it would be the heading of a verb's own arguments too.
const HEADING: &str = "Target";

/// Where a verb works. All of it is optional; `nova` says what is missing.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Target {
    /// Use a running `nova local`, by the URL of its DynamoDB [default: AWS].
    #[arg(long, help_heading = HEADING, value_name = "DYNAMODB_URL", num_args = 0..=1, require_equals = true,
          default_missing_value = "http://127.0.0.1:8000", conflicts_with_all = ["profile", "region", "stack"])]
    local: Option<String>,
    /// The deployed stack; its outputs name its tables and secrets.
    #[arg(long, help_heading = HEADING, value_name = "NAME")]
    stack: Option<String>,
    /// AWS profile [default: the SDK's credential chain].
    #[arg(long, help_heading = HEADING, value_name = "NAME")]
    profile: Option<String>,
    /// AWS region [default: the profile's, or AWS_REGION].
    #[arg(long, help_heading = HEADING, value_name = "REGION")]
    region: Option<String>,
    /// Identity table, if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "NAME", env = "IDENTITY_TABLE", hide_env_values = true)]
    identity_table: Option<String>,
    /// Sessions table, if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "NAME", env = "SESSIONS_TABLE", hide_env_values = true)]
    sessions_table: Option<String>,
    /// Table of breached passwords, if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "NAME", env = "BREACHED_TABLE", hide_env_values = true)]
    breached_table: Option<String>,
    /// Secret with the access token keys (name or ARN), if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "ID", env = "ACCESS_KEYS_SECRET", hide_env_values = true)]
    access_keys_secret: Option<String>,
    /// Secret with the refresh token keys (name or ARN), if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "ID", env = "REFRESH_KEYS_SECRET", hide_env_values = true)]
    refresh_keys_secret: Option<String>,
    /// Secret with the keys of links in mail (name or ARN), if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "ID", env = "LINK_KEYS_SECRET", hide_env_values = true)]
    link_keys_secret: Option<String>,
    /// Secret with the keys of second factors (name or ARN), if not the stack's.
    #[arg(long, help_heading = HEADING, value_name = "ID", env = "FACTOR_KEYS_SECRET", hide_env_values = true)]
    factor_keys_secret: Option<String>,
    /// PEM file of root certificates to trust instead of Mozilla's list.
    #[arg(long, help_heading = HEADING, value_name = "FILE", env = "AWS_CA_BUNDLE", hide_env_values = true, hide_short_help = true)]
    ca_bundle: Option<String>,
    /// What was reached, for complaints.
    #[arg(skip)]
    reached: OnceLock<String>,
}

/// A system, as a whole.
pub(crate) enum Whole {
    /// A running `nova local`, by the URL of its DynamoDB.
    Local { url: String, clients: Clients },
    /// A deployed stack, by its name.
    Deployed { stack: String, aws: Box<aws::Aws> },
}

impl Target {
    /// The system behind this DynamoDB, on this machine.
    #[cfg(feature = "local")]
    pub(crate) fn local(dynamodb_url: &str) -> Target {
        Target { local: Some(dynamodb_url.to_owned()), ..Target::default() }
    }

    /// An account, as the environment says, in this region if one is named.
    #[cfg(feature = "local")]
    pub(crate) fn in_region(region: Option<String>) -> Target {
        Target { region, ..Target::default() }
    }

    /// The two tables, reached.
    ///
    /// # Errors
    /// When it is not said where they are, or nobody lets us in.
    pub(crate) async fn store(&self) -> Result<Store, Box<dyn Error>> {
        let given = [self.identity_table.clone(), self.sessions_table.clone()];
        let (client, [identity, sessions]) = match &self.local {
            Some(url) => {
                let [identity, sessions] = given;
                let names = [
                    identity.unwrap_or_else(|| local::TABLES[0].to_owned()),
                    sessions.unwrap_or_else(|| local::TABLES[1].to_owned()),
                ];
                self.remember(format!("tables {} and {} of `nova local` at {url}", names[0], names[1]));
                (local::clients(url)?.dynamodb, names)
            }
            None => {
                let outputs =
                    [("IdentityTableName", "--identity-table"), ("SessionsTableName", "--sessions-table")];
                self.insist(given.iter().all(Option::is_some), &outputs.map(|(_, flag)| flag))?;
                let aws = aws::Aws::load(self).await?;
                let names = self.names(&aws, given, outputs).await?;
                self.remember(format!("tables {} and {} in {}", names[0], names[1], aws.region()));
                (aws.dynamodb(), names)
            }
        };
        Ok(Store::new(client, Tables { identity, sessions }))
    }

    /// The list of breached passwords, reached. `None`: the system has none, or does not tell.
    ///
    /// # Errors
    /// When nobody lets us in.
    pub(crate) async fn breached_list(&self) -> Result<Option<BreachedList>, Box<dyn Error>> {
        if let Some(url) = &self.local {
            let client = local::clients(url)?.dynamodb;
            let table = self.breached_table.clone().unwrap_or_else(|| local::BREACHED.to_owned());
            let described = client.describe_table().table_name(&table).send().await;
            return match described.map_err(aws_sdk_dynamodb::Error::from) {
                Err(aws_sdk_dynamodb::Error::ResourceNotFoundException(_)) => Ok(None),
                Err(_) => Err(format!("cannot connect to nova local at {url}; is it running?").into()),
                Ok(_) => Ok(Some(BreachedList::new(client, table))),
            };
        }
        if self.breached_table.is_none() && self.stack.is_none() {
            return Ok(None);
        }
        let aws = aws::Aws::load(self).await?;
        let table = match (&self.breached_table, &self.stack) {
            (Some(table), _) => Some(table.clone()),
            (None, Some(stack)) => stack::outputs(&aws, stack).await?.remove("BreachedTableName"),
            (None, None) => None,
        };
        Ok(table.map(|table| BreachedList::new(aws.dynamodb(), table)))
    }

    /// The table of guarded uploads, reached. The stack is the one of uploads.
    ///
    /// # Errors
    /// When it is not said where it is, or nobody lets us in.
    pub(crate) async fn uploads(&self, table: Option<&str>) -> Result<UploadStore, Box<dyn Error>> {
        const OUTPUT: &str = "UploadsTable";
        if let Some(url) = &self.local {
            let table = table.unwrap_or(OUTPUT).to_owned();
            self.remember(format!("the table {table} of `nova local` at {url}"));
            return Ok(UploadStore::new(local::clients(url)?.dynamodb, table));
        }
        self.insist(table.is_some(), &["--table"])?;
        let aws = aws::Aws::load(self).await?;
        let table = match (table, &self.stack) {
            (Some(table), _) => table.to_owned(),
            (None, stack) => {
                let stack = stack.as_deref().unwrap_or_default();
                let named = stack::outputs(&aws, stack).await?.remove(OUTPUT);
                named.ok_or_else(|| self.lacking(OUTPUT, "--table"))?
            }
        };
        self.remember(format!("the table {table} in {}", aws.region()));
        Ok(UploadStore::new(aws.dynamodb(), table))
    }

    /// The secrets of the rings that the system has, reached.
    ///
    /// # Errors
    /// When it is not said where they are, or nobody lets us in.
    pub(crate) async fn secrets(&self) -> Result<Vec<(TokenKind, VersionedSecret)>, Box<dyn Error>> {
        if let Some(url) = &self.local {
            let client = local::with_secrets(url).await?.secrets_manager;
            let mut found = Vec::new();
            for ring in &RINGS {
                let id = self.given(ring).unwrap_or_else(|| ring.logical.to_owned());
                let secret = VersionedSecret::new(client.clone(), id);
                if ring.made_by.is_none() || secret.is_there().await? {
                    found.push((ring.kind, secret));
                }
            }
            self.remember(format!("secrets {} of `nova local` at {url}", ids(&found)));
            return Ok(found);
        }
        let needed = RINGS.iter().filter(|ring| ring.made_by.is_none());
        let flags: Vec<_> = needed.clone().map(|ring| ring.flag).collect();
        self.insist(needed.clone().all(|ring| self.given(ring).is_some()), &flags)?;
        let aws = aws::Aws::load(self).await?;
        let all_given = RINGS.iter().all(|ring| self.given(ring).is_some());
        let mut outputs = match &self.stack {
            Some(stack) if !all_given => stack::outputs(&aws, stack).await?,
            _ => BTreeMap::new(),
        };
        let mut found = Vec::new();
        for ring in &RINGS {
            match self.given(ring).or_else(|| outputs.remove(ring.output)) {
                Some(id) => found.push((ring.kind, VersionedSecret::new(aws.secrets_manager(), id))),
                None if ring.made_by.is_some() => {}
                None => return Err(self.lacking(ring.output, ring.flag).into()),
            }
        }
        self.remember(format!("secrets {} in {}", ids(&found), aws.region()));
        Ok(found)
    }

    /// The secret that a flag names.
    fn given(&self, ring: &RingPlace) -> Option<String> {
        match ring.kind {
            TokenKind::Access => self.access_keys_secret.clone(),
            TokenKind::Refresh => self.refresh_keys_secret.clone(),
            TokenKind::Link => self.link_keys_secret.clone(),
            TokenKind::Factor => self.factor_keys_secret.clone(),
        }
    }

    /// Whether the system sends mail. `None`: tables that are named one by one do not tell.
    ///
    /// # Errors
    /// When nobody lets us in.
    pub(crate) async fn sends_mail(&self) -> Result<Option<bool>, Box<dyn Error>> {
        if let Some(url) = &self.local {
            return Ok(Some(local::sends_mail(&local::with_secrets(url).await?).await?));
        }
        let Some(stack) = &self.stack else { return Ok(None) };
        let aws = aws::Aws::load(self).await?;
        Ok(Some(stack::outputs(&aws, stack).await?.contains_key("LinkKeysSecretArn")))
    }

    /// The way to the Amazon SES that the system sends mail by. `None`: it sends none, or does not tell
    /// (see [`Self::sends_mail`]).
    ///
    /// # Errors
    /// When nobody lets us in.
    pub(crate) async fn mail_calls(&self) -> Result<Option<call::Calls>, Box<dyn Error>> {
        if let Some(url) = &self.local {
            return match local::sends_mail(&local::with_secrets(url).await?).await? {
                true => Ok(Some(local::services(url).await?)),
                false => Ok(None),
            };
        }
        let Some(stack) = &self.stack else { return Ok(None) };
        let aws = aws::Aws::load(self).await?;
        let outputs = stack::outputs(&aws, stack).await?;
        // arn:PARTITION:secretsmanager:REGION:…
        let Some(ring) = outputs.get("LinkKeysSecretArn") else { return Ok(None) };
        let partition = ring.split(':').nth(1).unwrap_or("aws");
        let partition = partition::Partition::new(partition, aws.region()).await?;
        let connector = proxy::connector(aws.ca_bundle())?;
        Ok(Some(call::Calls::new(connector, aws.credentials(), partition, aws.endpoint())))
    }

    /// Nobody should have to log in to hear that they did not say where.
    fn insist(&self, is_given: bool, flags: &[&str]) -> Result<(), Usage> {
        if self.stack.is_some() || is_given {
            return Ok(());
        }
        Err(Usage(format!("no target: pass --local, --stack NAME, or both {}", flags.join(" and "))))
    }

    /// That a stack is not one of ours, or another version's.
    fn lacking(&self, output: &str, flag: &str) -> String {
        let stack = self.stack.as_deref().unwrap_or_default();
        format!("the stack {stack} has no output {output}; is it a Nova Auth stack? Otherwise pass {flag}")
    }

    /// The whole of a system, for those who look at more than its tables and secrets.
    ///
    /// # Errors
    /// When it is not said which, or nobody lets us in.
    pub(crate) async fn whole(&self) -> Result<Whole, Box<dyn Error>> {
        match (&self.local, &self.stack) {
            (Some(url), _) => Ok(Whole::Local { url: url.clone(), clients: local::with_secrets(url).await? }),
            (None, Some(stack)) => {
                let aws = aws::Aws::load(self).await?;
                self.remember(format!("the stack {stack} in {}", aws.region()));
                Ok(Whole::Deployed { stack: stack.clone(), aws: Box::new(aws) })
            }
            (None, None) => Err(Usage("no target: pass --local or --stack NAME".to_owned()).into()),
        }
    }

    /// What the flags name, and where they do not, what the stack's outputs do.
    async fn names(
        &self,
        aws: &aws::Aws,
        given: [Option<String>; 2],
        outputs: [(&str, &str); 2],
    ) -> Result<[String; 2], Box<dyn Error>> {
        if let [Some(first), Some(second)] = given {
            return Ok([first, second]);
        }
        let [(first, first_flag), (second, second_flag)] = outputs;
        let stack = self.stack.as_deref().unwrap_or_default();
        let mut found = stack::outputs(aws, stack).await?;
        let mut name = |given: Option<String>, output: &str, flag: &str| {
            given.or_else(|| found.remove(output)).ok_or_else(|| self.lacking(output, flag))
        };
        let [one, other] = given;
        Ok([name(one, first, first_flag)?, name(other, second, second_flag)?])
    }

    fn remember(&self, what: String) {
        // Who opens a second thing is told of the first.
        drop(self.reached.set(what));
    }
}

fn ids(secrets: &[(TokenKind, VersionedSecret)]) -> String {
    let ids: Vec<_> = secrets.iter().map(|(_, secret)| secret.id()).collect();
    match ids.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        ids => ids.join(", "),
    }
}
