//! Disabling a user and letting them in again.

use super::{
    FlowError,
    journal::{Journal, announce},
};
use crate::{
    domain::{
        email::Email, ids::UserId, moment::Moment, refusal::Refusal, security_event::SecurityEvent,
        session::Device, user::Status,
    },
    store::{EpochChange, Store},
};

/// Sets a user's status. Disabling ends every session in the same write, so that none comes back with the user; enabling begins
/// the account's run of failures anew.
///
/// # Errors
/// `NotFound`, or that storage failed; then it can be repeated.
pub async fn set_status(
    store: &Store,
    moment: &Moment,
    user: UserId,
    email: &Email,
    status: Status,
    device: &Device,
    journal: Journal,
) -> Result<(), FlowError> {
    let change = match status {
        Status::Active => EpochChange::Enable(email),
        Status::Disabled | Status::Invited => EpochChange::Disable,
    };
    let event = SecurityEvent::UserUpdated;
    let entry = journal.entry(event, moment, user, device);
    if !store.change_epoch(user, change, &entry).await? {
        return Err(Refusal::NotFound.into());
    }
    announce(&entry);
    Ok(())
}
