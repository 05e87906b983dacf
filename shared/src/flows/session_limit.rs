//! At most so many sessions of one user, where that is configured: a login ends the oldest ones beyond it.
//!
//! It is done after the session has begun, by a read that sees every session that had begun before. Of logins at the same
//! time the one that ends last sees all of them, and every one of them goes by the same order: so the newest sessions stay,
//! as many as there may be, and no two logins end each other's. Nothing is read or written where there is no limit.

use super::end_session::{End, end_session};
use crate::{
    domain::{
        moment::Moment,
        security_event::SecurityEvent,
        session::{Device, EndReason, Session, Standing, standing},
        user::Profile,
    },
    service::{HasJournal, HasMaxSessions, HasStore},
    store::StoreError,
};

/// How many rows one call reads.
const ROWS: i32 = 1000;

/// How many calls one login makes at most.
const CALLS: usize = 32;

/// How many sessions one login ends at most: the first logins after the limit was set may find many.
const AT_ONCE: usize = 25;

/// Ends what is beyond the limit. A failure is told to the operator and not to the user, whose login has succeeded: the next
/// one does what was left undone.
pub(super) async fn end_the_oldest(
    service: &(impl HasStore + HasJournal + HasMaxSessions),
    moment: &Moment,
    profile: &Profile,
    device: &Device,
) {
    let Some(limit) = service.max_sessions() else { return };
    if let Err(error) = beyond(service, moment, profile, device, limit.get()).await {
        tracing::error!(error = %error, "the sessions beyond the limit could not be ended");
    }
}

async fn beyond(
    service: &(impl HasStore + HasJournal),
    moment: &Moment,
    profile: &Profile,
    device: &Device,
    limit: usize,
) -> Result<(), StoreError> {
    for session in live(service, moment, profile).await?.iter().skip(limit).rev().take(AT_ONCE) {
        let (event, reason) = (SecurityEvent::AuthnTokenRevoked, EndReason::Limit);
        let end = End { user: profile.id, session: session.session_id, shown: None, event, reason, device };
        end_session(service.store(), *service.journal(), moment, end).await?;
    }
    Ok(())
}

/// The sessions that count, the newest first.
async fn live(
    service: &impl HasStore,
    moment: &Moment,
    profile: &Profile,
) -> Result<Vec<Session>, StoreError> {
    let (mut live, mut before) = (Vec::new(), None);
    for _ in 0..CALLS {
        let rows = service.store().sessions_before(profile.id, before, ROWS).await?;
        live.extend(rows.found.into_iter().filter(|session| {
            session.is_open(moment.now) && standing(Some(profile), session) == Standing::Good
        }));
        before = rows.next;
        if before.is_none() {
            break;
        }
    }
    Ok(live)
}
