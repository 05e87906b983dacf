//! Where a user is logged in: the sessions that count now, and ending one or all of them. One that only enrols counts as one,
//! and may ask: ending a session is the safe direction.

use super::{
    FlowError,
    authenticate::{authenticate_enrolling, confirm_call, identify},
    end_session::{End, end_session},
    revoke_all::revoke_all,
};
use crate::{
    domain::{
        ids::SessionId,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{Device, EndReason, Session, Standing, standing},
    },
    keys::Token,
    service::{Callers, HasJournal},
};

/// How many rows one call reads. Most users have fewer.
const ROWS: i32 = 128;

/// How many calls one answer is made of, where most rows are of sessions that have ended.
const CALLS: usize = 8;

/// Which of a user's sessions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// So many at most, and at least one.
    pub limit: usize,
    /// Those that began before this one; without it the newest.
    pub before: Option<SessionId>,
}

/// Some of a user's sessions.
#[derive(Debug)]
pub struct Sessions {
    /// Those that count, the newest first.
    pub live: Vec<Session>,
    /// The one that is asking.
    pub current: SessionId,
    /// The page after this one begins before this session. There is none without it.
    pub next: Option<SessionId>,
}

/// Lists the sessions that count now, page by page. The first rows are read beside the decision who is asking: one round
/// trip for nearly everybody. A page may hold fewer than were asked for though another one follows.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`].
pub async fn list(
    service: &impl Callers,
    moment: &Moment,
    access: &Token,
    page: Page,
) -> Result<Sessions, FlowError> {
    let claims = identify(service.access(), moment, access).await?;
    let read = async |before| service.store().sessions_before(claims.sub, before, ROWS).await;
    let (who, mut rows) = confirm_call(service, moment, &claims, async || read(page.before).await).await?;
    let who = who.whole_or_enrolling();
    let counts = |session: &Session| {
        session.is_open(moment.now) && standing(Some(&who.profile), session) == Standing::Good
    };
    let mut live: Vec<Session> = Vec::new();
    let mut calls = 1;
    loop {
        live.extend(rows.found.drain(..).filter(counts));
        let Some(before) = rows.next.filter(|_| live.len() <= page.limit && calls < CALLS) else { break };
        rows = read(Some(before)).await?;
        calls += 1;
    }
    let next = match live.len() > page.limit {
        true => {
            live.truncate(page.limit);
            live.last().map(|session| session.session_id)
        }
        false => rows.next,
    };
    Ok(Sessions { live, current: who.session.session_id, next })
}

/// Ends one session of the user who asks, the asking one too if it is that.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`], and `SessionNotFound` for everything that is no live session of
/// this user: a session of somebody else is not told from one that never was.
pub async fn revoke_one(
    service: &(impl Callers + HasJournal),
    moment: &Moment,
    access: &Token,
    session: Option<SessionId>,
    device: &Device,
) -> Result<(), FlowError> {
    let claims = identify(service.access(), moment, access).await?;
    let (who, found) = confirm_call(service, moment, &claims, async || match session {
        Some(session) => service.store().session(claims.sub, session).await,
        None => Ok(None),
    })
    .await?;
    let who = who.whole_or_enrolling();
    let found = found.filter(|session| {
        session.is_open(moment.now) && standing(Some(&who.profile), session) == Standing::Good
    });
    let session = found.ok_or(Refusal::SessionNotFound)?.session_id;
    let (event, reason) = (SecurityEvent::AuthnTokenRevoked, EndReason::User);
    let end = End { user: who.profile.id, session, shown: None, event, reason, device };
    match end_session(service.store(), *service.journal(), moment, end).await? {
        true => Ok(()),
        false => Err(Refusal::SessionNotFound.into()),
    }
}

/// Ends every session of the user who asks, the asking one too.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`].
pub async fn revoke_every(
    service: &(impl Callers + HasJournal),
    moment: &Moment,
    access: &Token,
    device: &Device,
) -> Result<(), FlowError> {
    let who = authenticate_enrolling(service, moment, access).await?;
    revoke_all(service.store(), moment, who.profile.id, device, *service.journal()).await
}
