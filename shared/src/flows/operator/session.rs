use super::Operator;
use crate::{
    domain::{
        ids::{SessionId, UserId},
        refusal::Refusal,
        security_event::SecurityEvent,
        session::EndReason,
    },
    flows::{
        FlowError,
        end_session::{End, end_session},
    },
};

impl Operator<'_> {
    /// Ends one session of a user.
    ///
    /// # Errors
    /// `SessionNotFound` where there is none or it was ended before, or that storage failed; then it can be repeated.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), FlowError> {
        let (event, reason) = (SecurityEvent::AuthnTokenRevoked, EndReason::Operator);
        let device = Self::device();
        let end = End { user, session, shown: None, event, reason, device: &device };
        match end_session(self.store, self.journal, self.moment, end).await? {
            true => Ok(()),
            false => Err(Refusal::SessionNotFound.into()),
        }
    }
}
