//! Ending every session of a user, in one write.

use super::{
    FlowError,
    journal::{Journal, announce},
};
use crate::{
    domain::{ids::UserId, moment::Moment, refusal::Refusal, security_event::SecurityEvent, session::Device},
    store::{EpochChange, Store},
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
    journal: Journal,
) -> Result<(), FlowError> {
    let event = SecurityEvent::AuthnTokenRevoked;
    let entry = journal.entry(event, moment, user, device);
    if !store.change_epoch(user, EpochChange::RevokeAll, &entry).await? {
        return Err(Refusal::NotFound.into());
    }
    announce(&entry);
    Ok(())
}
