use super::Operator;
use crate::{
    domain::{address::ClientAddress, email::Email, ids::UserId, security_event::SecurityEvent},
    flows::{FlowError, journal::announce},
};

impl Operator<'_> {
    /// Forgets the failed logins of an account, so that its owner may try again at once.
    ///
    /// # Errors
    /// That storage failed; then it can be repeated.
    pub async fn unlock(&self, email: &Email, user: UserId) -> Result<(), FlowError> {
        let entry = self.event(SecurityEvent::UserUpdated, user);
        self.store.forget_attempts(email, Some(&entry)).await?;
        self.store.forget_factor_attempts(user).await?;
        announce(&entry);
        Ok(())
    }

    /// Forgets the failed logins from an address, on whatever accounts. It is nobody's, so no security log says it.
    ///
    /// # Errors
    /// That storage failed; then it can be repeated.
    pub async fn unlock_address(&self, address: ClientAddress) -> Result<(), FlowError> {
        self.store.forget_attempts_from(address).await?;
        Ok(())
    }
}
