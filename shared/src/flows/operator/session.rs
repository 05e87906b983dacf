use super::Operator;
use crate::{
    domain::{
        ids::{SessionId, UserId},
        refusal::Refusal,
        security_event::SecurityEvent,
    },
    flows::FlowError,
    telemetry,
};

impl Operator<'_> {
    /// Ends one session of a user.
    ///
    /// # Errors
    /// `SessionNotFound` where there is none or it was ended before, or that storage failed; then it can be repeated.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), FlowError> {
        let kind = SecurityEvent::AuthnTokenRevoked;
        let event = self.event(kind, user).of_session(session);
        if !self.store.revoke_session(user, session, None, &event).await? {
            return Err(Refusal::SessionNotFound.into());
        }
        telemetry::security_event(kind, self.moment, Some(user), Some(session));
        Ok(())
    }
}
