//! The AWS configuration of whoever types the command, as far as it says why there are no credentials. The SDK's own reasons are
//! long chains, and may quote files; what helps is what to do.

use std::error::Error;

use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};

/// The profiles, and the one that is meant.
pub(super) struct Profiles {
    sections: EnvConfigSections,
    chosen: String,
}

const UNREADABLE: &str =
    "the AWS configuration can't be read: are ~/.aws/config and ~/.aws/credentials well formed?";

impl Profiles {
    /// Reads the configuration. A profile that was named, by `--profile` or in `AWS_PROFILE`, has to be there.
    pub(super) async fn load(named: Option<&str>) -> Result<Profiles, Box<dyn Error>> {
        let read = source::load(&Env::real(), &Fs::real(), &EnvConfigFiles::default()).await;
        let sections = EnvConfigSections::parse(read.map_err(|_| UNREADABLE)?).map_err(|_| UNREADABLE)?;
        let of_the_environment = std::env::var_os("AWS_PROFILE").filter(|name| !name.is_empty());
        let is_named = named.is_some() || of_the_environment.is_some();
        let chosen = named.unwrap_or_else(|| sections.selected_profile()).to_owned();
        if is_named && sections.get_profile(&chosen).is_none() {
            let mut others: Vec<&str> = sections.profiles().collect();
            others.sort_unstable();
            let others = match others.as_slice() {
                [] => "there are none".to_owned(),
                some => format!("there are: {}", some.join(", ")),
            };
            return Err(format!(
                "there is no profile {chosen} in ~/.aws/config or ~/.aws/credentials ({others})"
            )
            .into());
        }
        Ok(Profiles { sections, chosen })
    }

    /// What to do about a profile that gave no credentials, as far as its own words say so.
    pub(super) fn remedy(&self) -> Option<String> {
        let name = &self.chosen;
        self.sections.get_profile(name)?;
        if self.any_says("mfa_serial") {
            return Some(format!(
                "the profile {name} needs an MFA code, which nova does not ask for. {}",
                self.exported("Let the AWS CLI ask for it")
            ));
        }
        if self.any_says("login_session") {
            return Some(format!(
                "the profile {name} is one of `aws login`, which nova does not read. {}",
                self.exported(&format!(
                    "Log in (`aws login --profile {name}`), and let the AWS CLI hand the credentials on"
                ))
            ));
        }
        if self.any_says("sso_session") || self.any_says("sso_start_url") {
            return Some(format!("the profile {name} needs a new login: `aws sso login --profile {name}`"));
        }
        if self.any_says("credential_process") {
            return Some(format!(
                "the command that the profile {name} names (credential_process) gave no credentials: run it by hand to see why"
            ));
        }
        self.any_says("role_arn").then(|| {
            format!("AWS did not let the profile {name} assume its role: look at the role's trust policy, and at source_profile")
        })
    }

    /// Whether the profile, or one that it builds on, has this.
    fn any_says(&self, key: &str) -> bool {
        let mut seen = vec![self.chosen.as_str()];
        while let Some(profile) = seen.last().and_then(|name| self.sections.get_profile(name)) {
            if profile.get(key).is_some() {
                return true;
            }
            match profile.get("source_profile") {
                Some(next) if !seen.contains(&next) => seen.push(next),
                _ => break,
            }
        }
        false
    }

    fn exported(&self, first: &str) -> String {
        format!(
            "{first}: eval \"$(aws configure export-credentials --profile {} --format env)\"; then leave --profile out",
            self.chosen
        )
    }

    /// Whether the configuration has it; the default one need not be there.
    pub(super) fn is_there(&self) -> bool {
        self.sections.get_profile(&self.chosen).is_some()
    }

    pub(super) fn name(&self) -> &str {
        &self.chosen
    }
}
