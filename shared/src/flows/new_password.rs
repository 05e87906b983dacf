//! A password that somebody wants to set.

use super::FlowError;
use crate::{
    domain::{
        email::Email,
        password::Password,
        refusal::{FieldFault, Refusal},
    },
    password_policy::PasswordPolicy,
};

/// Checks it, and reports every fault at once.
///
/// # Errors
/// `Invalid` for this field with every rule that the password breaks; or that the list of breached passwords, which is required, could
/// not be read.
pub(super) async fn check(
    policy: &PasswordPolicy,
    (field, password): (&'static str, &Password),
    email: &Email,
) -> Result<(), FlowError> {
    let faults = policy.faults(password, email).await?;
    if faults.is_empty() {
        return Ok(());
    }
    let faults = faults.into_iter().map(|fault| FieldFault { field, fault });
    Err(Refusal::Invalid(faults.collect()).into())
}
