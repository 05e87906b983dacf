use super::Operator;
use crate::{
    domain::{ids::UserId, refusal::Refusal, security_event::SecurityEvent},
    flows::FlowError,
    store::AccessChange,
    telemetry,
};

impl Operator<'_> {
    /// Changes what a user may do, in force on the next decision. Sessions go on, unless they are to end in the same write:
    /// an access token that others verify by themselves says the old role until its end.
    ///
    /// # Errors
    /// `NotFound`, or that storage failed; then it can be repeated.
    pub async fn change_access(
        &self,
        user: UserId,
        change: &AccessChange,
        end_sessions: bool,
    ) -> Result<(), FlowError> {
        let kind = SecurityEvent::UserUpdated;
        let event = self.event(kind, user);
        if !self.store.change_access(user, change, end_sessions, &event).await? {
            return Err(Refusal::NotFound.into());
        }
        telemetry::security_event(kind, self.moment, Some(user), None);
        Ok(())
    }
}
