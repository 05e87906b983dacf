//! Ending every session of a user, in one write.

use jiff::SignedDuration;

use super::FlowError;
use crate::{
    domain::{ids::UserId, moment::Moment, refusal::Refusal, security_event::SecurityEvent, session::Device},
    store::{EpochChange, EventRow, Store},
    telemetry,
};

/// Ends every session of a user: in force on the next decision about any of them, also about one that is being begun.
///
/// # Errors
/// `NotFound`, or that storage failed; then it can be repeated.
pub async fn revoke_all(
    store: &Store,
    moment: &Moment,
    user: UserId,
    device: &Device,
    security_log: SignedDuration,
) -> Result<(), FlowError> {
    let event = SecurityEvent::AuthnTokenRevoked;
    let row = EventRow::new(event, moment, user, device, moment.now + security_log);
    if !store.change_epoch(user, EpochChange::RevokeAll, &row).await? {
        return Err(Refusal::NotFound.into());
    }
    telemetry::security_event(event, moment, Some(user), None);
    Ok(())
}
