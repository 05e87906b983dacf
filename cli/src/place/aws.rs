//! AWS, as any program of an operator reaches it: profiles, single sign-on, roles, the environment. The functions have none
//! of that: their role's credentials stand in their environment.

use std::error::Error;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_types::retry::RetryConfig;
use nova_auth::patience::Patience;

use super::profile::Profiles;
use super::{Target, proxy};

/// A way into AWS that has been tried as far as credentials go.
pub(crate) struct Aws {
    config: SdkConfig,
    region: String,
    credentials: Credentials,
    ca_bundle: Option<String>,
}

impl Aws {
    /// Finds region and credentials, and says which of them there is none of.
    pub(crate) async fn load(target: &Target) -> Result<Aws, Box<dyn Error>> {
        let http = proxy::client(target.ca_bundle.as_deref())?;
        let profiles = Profiles::load(target.profile.as_deref()).await?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .timeout_config(PATIENCE.timeouts());
        if let Some(profile) = &target.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &target.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string);
        let region = region.ok_or("no region: pass --region, or set it in the profile or in AWS_REGION")?;
        let provider = config.credentials_provider().ok_or(NO_CREDENTIALS)?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| no_credentials(&profiles, &error))?;
        Ok(Aws { config, region, credentials, ca_bundle: target.ca_bundle.clone() })
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Whom AWS takes us for, for requests that no client of the SDK makes.
    pub(crate) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// Where AWS is instead, if it is not where it always is.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.config.endpoint_url().map(str::to_owned)
    }

    /// The certificates to trust instead of Mozilla's list.
    pub(crate) fn ca_bundle(&self) -> Option<&str> {
        self.ca_bundle.as_deref()
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    pub(crate) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }

    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }
}

const NO_CREDENTIALS: &str = "no AWS credentials: pass --profile NAME, set AWS_PROFILE, or log in with \
                              `aws sso login` or `aws configure`";

/// The SDK's reasons are long chains, and may quote files; what helps is to know which kind it is.
fn no_credentials(profiles: &Profiles, error: &CredentialsError) -> String {
    let name = profiles.name();
    match (error, profiles.remedy()) {
        (CredentialsError::ProviderTimedOut(_), _) => "timed out waiting for AWS credentials".to_owned(),
        (_, Some(remedy)) => remedy,
        (CredentialsError::CredentialsNotLoaded(_), None) if profiles.is_there() => {
            format!(
                "the profile {name} has no credentials: `aws configure --profile {name}` or `aws configure sso` gives it some"
            )
        }
        (CredentialsError::CredentialsNotLoaded(_), None) => NO_CREDENTIALS.to_owned(),
        (CredentialsError::InvalidConfiguration(_), None) => {
            format!("the profile {name} does not say where its credentials are; check it in ~/.aws/config")
        }
        _ => "cannot get AWS credentials; try the command or role that the profile names by hand".to_owned(),
    }
}

/// A person waits, and may be far away.
pub(super) const PATIENCE: Patience = Patience {
    connection: Duration::from_secs(5),
    attempt: Duration::from_secs(10),
    call: Duration::from_secs(40),
    ..Patience::DEPLOYED
};
