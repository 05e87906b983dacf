//! A password that somebody wants to set.

use super::FlowError;
use crate::{
    domain::{
        email::Email,
        password::Password,
        refusal::{Fault, FieldFault, Refusal},
    },
    password_policy::PasswordPolicy,
};

/// A password, and the field that it came in.
#[derive(Debug, Clone, Copy)]
pub struct NewPassword<'a> {
    pub field: &'static str,
    pub password: &'a Password,
}

impl NewPassword<'_> {
    /// Checks it, and reports every fault at once.
    ///
    /// # Errors
    /// `Invalid` for its field with every rule that it breaks; or that the list of breached passwords, which is required, could not be
    /// read.
    pub async fn check(self, policy: &PasswordPolicy, email: &Email) -> Result<(), FlowError> {
        Ok(self.refuse(policy.faults(self.password, Some(email)).await?)?)
    }

    /// The same where it is not known yet whose it is to be.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn check_for_anybody(self, policy: &PasswordPolicy) -> Result<(), FlowError> {
        Ok(self.refuse(policy.faults(self.password, None).await?)?)
    }

    /// What of that was left: it must not be the address.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check_for(self, policy: &PasswordPolicy, email: &Email) -> Result<(), Refusal> {
        self.refuse(policy.profile.faults(self.password, Some(email)))
    }

    fn refuse(self, faults: Vec<Fault>) -> Result<(), Refusal> {
        if faults.is_empty() {
            return Ok(());
        }
        let faults = faults.into_iter().map(|fault| FieldFault { field: self.field, fault });
        Err(Refusal::Invalid(faults.collect()))
    }
}
