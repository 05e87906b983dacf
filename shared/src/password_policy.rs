//! Which passwords may be set: those that keep the profile's rules and were not breached elsewhere.

use std::time::Duration;

use crate::{
    domain::{
        email::Email,
        password::{Password, PasswordProfile},
        refusal::Fault,
    },
    store::{BreachedList, StoreError},
    telemetry::Metric,
};

/// A login waits no longer for the advice: the hash beside it takes about as long.
const ADVICE: Duration = Duration::from_millis(300);

/// The rules of new passwords.
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    /// The rules that a password keeps by itself.
    pub profile: PasswordProfile,
    /// Passwords that were breached elsewhere, where the stack has a list.
    pub breached: Option<Breached>,
}

/// A list of breached passwords.
#[derive(Debug, Clone)]
pub struct Breached {
    pub list: BreachedList,
    /// Whether no password may be set while the list can't be read.
    pub required: bool,
}

impl From<PasswordProfile> for PasswordPolicy {
    fn from(profile: PasswordProfile) -> Self {
        Self { profile, breached: None }
    }
}

impl PasswordPolicy {
    /// Every rule that a new password breaks. `email` is the address that it must not be.
    ///
    /// # Errors
    /// The list, which is required, could not be read.
    pub async fn faults(&self, password: &Password, email: Option<&Email>) -> Result<Vec<Fault>, StoreError> {
        let mut faults = self.profile.faults(password, email);
        // Who hears that a password is too common has heard this.
        if !faults.contains(&Fault::PasswordTooCommon) && self.is_breached(password).await? {
            faults.push(Fault::PasswordBreached);
        }
        Ok(faults)
    }

    async fn is_breached(&self, password: &Password) -> Result<bool, StoreError> {
        let Some(breached) = &self.breached else { return Ok(false) };
        match breached.list.holds(password).await {
            Err(error) if !breached.required => {
                note(&error);
                Ok(false)
            }
            looked_up => looked_up,
        }
    }
}

impl Breached {
    /// Whether somebody who logs in with this password is to be advised to set another. It decides nothing, so that it is `false` where
    /// the list is slow or can't be read.
    pub async fn advises_against(&self, password: &Password) -> bool {
        match tokio::time::timeout(ADVICE, self.list.holds(password)).await {
            Ok(Ok(is_breached)) => is_breached,
            Ok(Err(error)) => {
                note(&error);
                false
            }
            Err(_) => {
                let reason = "it took too long".into();
                note(&StoreError::Unavailable { operation: "look a password up", reason });
                false
            }
        }
    }
}

fn note(error: &StoreError) {
    tracing::error!(metric = Metric::BreachedUnread.name(), error = %error, "the list of breached passwords was not read");
}
