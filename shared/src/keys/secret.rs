//! A secret's versions in Secrets Manager, for those who change it: each version is written once, and stages point.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::aws::{Code, Meaning};

/// What the functions read.
const CURRENT: &str = "AWSCURRENT";
/// What a rotation prepares.
const PENDING: &str = "AWSPENDING";

#[derive(Debug, Clone)]
pub struct VersionedSecret {
    client: Client,
    id: String,
}

/// Which version has which stages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions(BTreeMap<String, Vec<String>>);

/// Secrets Manager did not do as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed ({code})")]
pub struct SecretError {
    call: &'static str,
    #[source]
    code: Code,
}

impl SecretError {
    fn of<E: ProvideErrorMetadata>(call: &'static str, error: &SdkError<E>) -> Self {
        Self { call, code: Code::of(error) }
    }
}

impl Versions {
    /// The version that the functions read.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        self.staged(CURRENT)
    }

    /// The version of a rotation that has not come to its end. One that has may keep its stage.
    #[must_use]
    pub fn pending(&self) -> Option<&str> {
        self.staged(PENDING).filter(|pending| self.current() != Some(pending))
    }

    /// Whether this version still has the stage of a pending one, be it in force or not.
    #[must_use]
    pub fn is_marked_pending(&self, version: &str) -> bool {
        self.staged(PENDING) == Some(version)
    }

    /// Whether there is such a version, with any stage.
    #[must_use]
    pub fn has(&self, version: &str) -> bool {
        self.0.contains_key(version)
    }

    fn staged(&self, stage: &str) -> Option<&str> {
        let found = self.0.iter().find(|(_, stages)| stages.iter().any(|held| held == stage));
        found.map(|(version, _)| version.as_str())
    }
}

impl VersionedSecret {
    /// The secret of this name or ARN.
    #[must_use]
    pub const fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Its name or ARN, as it was given.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub async fn versions(&self) -> Result<Versions, SecretError> {
        let answer = self.client.describe_secret().secret_id(&self.id).send().await;
        let answer = answer.map_err(|error| SecretError::of("DescribeSecret", &error))?;
        Ok(Versions(answer.version_ids_to_stages.unwrap_or_default().into_iter().collect()))
    }

    /// Whether there is such a secret: some stacks have fewer than others.
    ///
    /// # Errors
    /// [`SecretError`], when nobody can tell.
    pub async fn is_there(&self) -> Result<bool, SecretError> {
        match self.versions().await {
            Ok(_) => Ok(true),
            Err(error) if error.code.meaning() == Meaning::NotThere => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The value of a version; `None` for one that has none yet.
    pub async fn value(&self, version: &str) -> Result<Option<SecretString>, SecretError> {
        match self.client.get_secret_value().secret_id(&self.id).version_id(version).send().await {
            Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
            Err(error) if Code::of(&error).meaning() == Meaning::NotThere => Ok(None),
            Err(error) => Err(SecretError::of("GetSecretValue", &error)),
        }
    }

    /// Gives a version its value, and makes it the pending one. A version that has another value keeps that: then
    /// somebody else made this step at the same time, and it is made.
    pub async fn prepare(&self, version: &str, value: &SecretString) -> Result<(), SecretError> {
        let call = self.client.put_secret_value().secret_id(&self.id).client_request_token(version);
        let call = call.secret_string(value.expose_secret()).version_stages(PENDING);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if Code::of(&error).meaning() == Meaning::Exists => Ok(()),
            Err(error) => Err(SecretError::of("PutSecretValue", &error)),
        }
    }

    /// Puts a version in force in the place of another, and of that one only: whoever came first wins.
    pub async fn put_in_force(&self, version: &str, in_place_of: &str) -> Result<(), SecretError> {
        let call = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(CURRENT);
        let call = call.move_to_version_id(version).remove_from_version_id(in_place_of);
        call.send().await.map_err(|error| SecretError::of("UpdateSecretVersionStage", &error))?;
        Ok(())
    }

    /// Takes the pending stage from a version: it is given up, or in force. A new rotation may begin then; while the
    /// stage is on a version that is not in force, Secrets Manager takes that for a rotation under way.
    pub async fn no_longer_pending(&self, pending: &str) -> Result<(), SecretError> {
        let call = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(PENDING);
        let call = call.remove_from_version_id(pending);
        call.send().await.map_err(|error| SecretError::of("UpdateSecretVersionStage", &error))?;
        Ok(())
    }

    /// Asks Secrets Manager to rotate it now, by the function that is set up for that. The version that it will be.
    pub async fn rotate(&self) -> Result<String, SecretError> {
        let answer = self.client.rotate_secret().secret_id(&self.id).send().await;
        let answer = answer.map_err(|error| SecretError::of("RotateSecret", &error))?;
        Ok(answer.version_id.unwrap_or_default())
    }
}
