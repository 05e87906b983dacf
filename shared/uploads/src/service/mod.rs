//! The table, the flows and the edge of the functions.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `UPLOADS_TABLE` | – | table of uploads, quotas and rules |
//! | `QUARANTINE_BUCKET` | – | bucket that forms send to |
//! | `CLEAN_BUCKET` | – | bucket of the files that passed |
//! | `UPLOAD_RULES` | `default` | name of the stored rules |
//!
//! and `AWS_REGION`, `DEFAULT_LANGUAGE`, `ALLOWED_ORIGINS`, `STACK_NAME` as everywhere.
//!
//! | module | what is in it |
//! |---|---|
//! | [`store`] | the table, one conditional write a step |
//! | [`grant`] | from a declared file to a form |
//! | [`judge`] | a verdict, noted |
//! | [`edge`] | requests in, answers out, and the codes of uploads |

pub mod edge;
#[cfg(feature = "sign")]
pub mod grant;
pub mod judge;
pub mod store;

use nova_auth::{
    aws::{AwsConfig, dynamodb_config, http_client},
    config::{Config, ConfigError},
};

pub use store::{Failed, UploadStore};

/// What every function of uploads works with.
#[derive(Debug)]
pub struct Uploads {
    /// The table.
    pub store: UploadStore,
    /// The bucket that forms send to.
    pub quarantine: String,
    /// The bucket of the files that passed.
    pub clean: String,
    /// The name of the stored rules.
    pub rules: String,
}

impl Uploads {
    /// Builds all of it; nothing is sent yet.
    ///
    /// # Errors
    /// A variable is missing, or both buckets are one.
    pub fn new(config: &Config, client: aws_sdk_dynamodb::Client) -> Result<Self, ConfigError> {
        let (quarantine, clean) = (config.required("QUARANTINE_BUCKET")?, config.required("CLEAN_BUCKET")?);
        if quarantine == clean {
            return Err(ConfigError::new("CLEAN_BUCKET", "must be another bucket than QUARANTINE_BUCKET"));
        }
        Ok(Self {
            store: UploadStore::new(client, config.required("UPLOADS_TABLE")?),
            quarantine,
            clean,
            rules: config.required("UPLOAD_RULES")?,
        })
    }
}

/// A client of the table.
///
/// # Errors
/// `AWS_CA_BUNDLE` names a file that can't be read.
pub fn dynamodb(config: &AwsConfig) -> std::io::Result<aws_sdk_dynamodb::Client> {
    let client = dynamodb_config(config, http_client(config)?).build();
    Ok(aws_sdk_dynamodb::Client::from_conf(client))
}
