use super::Operator;
use crate::{
    domain::{
        mail::Notice, password::Password, refusal::Refusal, security_event::SecurityEvent, user::Profile,
    },
    flows::{FlowError, journal::announce, new_password::NewPassword},
    password_policy::PasswordPolicy,
    passwords::Hasher,
};

impl Operator<'_> {
    /// Sets a user's password, ends every session of theirs, forgets their failed logins, and tells them.
    ///
    /// # Errors
    /// `Invalid` with every rule that the password breaks, `NotFound`, or that storage failed; then it can be repeated.
    pub async fn set_password(
        &self,
        user: &Profile,
        password: &Password,
        policy: &PasswordPolicy,
        hasher: Hasher,
    ) -> Result<(), FlowError> {
        NewPassword { field: "password", password }.check(policy, &user.email).await?;
        let hash = hasher.hash(password).await?;
        let entry = self.event(SecurityEvent::AuthnPasswordChange, user.id);
        let mut email = user.email.clone();
        loop {
            let notice = self.told(Notice::PasswordChanged, user.id, &email)?;
            if self.store.set_password((&email, user.id), &hash, &entry, notice.as_ref()).await? {
                break;
            }
            // Their address may have been changed meanwhile.
            let now = self.store.profile(user.id).await?.filter(|now| now.email != email);
            email = now.ok_or(Refusal::NotFound)?.email;
        }
        announce(&entry);
        Ok(())
    }
}
