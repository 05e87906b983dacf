//! The end of one session, whoever ends it and why: the row and its entry in the security log are one write, and only the one who
//! ended it says so.

use crate::journal::{Journal, announce};
use crate::{
    domain::{
        ids::{AccessId, SessionId, UserId},
        moment::Moment,
        security_event::SecurityEvent,
        session::{Device, EndReason},
    },
    store::{Store, StoreError},
};

/// A session that is to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    /// Whose it is.
    pub(super) user: UserId,
    pub(super) session: SessionId,
    /// The access token that was shown, which goes on the session's blacklist.
    pub(super) shown: Option<AccessId>,
    /// What the security log says.
    pub(super) event: SecurityEvent,
    /// Why it ends.
    pub(super) reason: EndReason,
    /// Who ends it.
    pub(super) device: &'a Device,
}

/// Ends it. `false`: it has ended before, or there is none.
///
/// # Errors
/// [`StoreError`]; then it can be repeated.
pub(super) async fn end_session(
    store: &Store,
    journal: Journal,
    moment: &Moment,
    end: End<'_>,
) -> Result<bool, StoreError> {
    let entry = journal.entry(end.event, moment, end.user, end.device).of_session(end.session);
    let ended = store.revoke_session(end.user, end.session, end.shown, end.reason, &entry).await?;
    if ended {
        announce(&entry);
    }
    Ok(ended)
}
