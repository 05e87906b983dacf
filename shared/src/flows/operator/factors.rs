use super::Operator;
use crate::{
    domain::{ids::UserId, refusal::Refusal, security_event::SecurityEvent},
    flows::{FlowError, journal::announce},
    store::EpochChange,
};

impl Operator<'_> {
    /// Takes every second factor of a user away, recovery codes too, and ends every session.
    ///
    /// The factors go before the profile says so: should it break off in between, the user can't log in, and it can be repeated.
    /// They go once more afterwards: one that was confirmed meanwhile must not come back to life with the next enrolment.
    ///
    /// # Errors
    /// `NotFound`, or that storage failed; then it can be repeated.
    pub async fn reset_factors(&self, user: UserId) -> Result<usize, FlowError> {
        let removed = self.store.remove_factors(user).await?;
        let entry = self.event(SecurityEvent::AuthnFactorRemoved, user);
        if !self.store.change_epoch(user, EpochChange::WithoutFactors, &entry).await? {
            return Err(Refusal::NotFound.into());
        }
        announce(&entry);
        Ok(removed + self.store.remove_factors(user).await?)
    }
}
