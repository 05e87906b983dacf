//! Where a user is logged in: the sessions that count now, and ending one or all of them.

use super::{
    FlowError,
    authenticate::{admit, authenticate_call, identify},
    revoke_all::revoke_all,
};
use crate::{
    app::AuthService,
    domain::{
        ids::SessionId,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{Device, Session, Standing, standing},
    },
    keys::Token,
    store::EventRow,
    telemetry,
};

/// A user's sessions.
#[derive(Debug)]
pub struct Sessions {
    /// Those that count, the newest first.
    pub live: Vec<Session>,
    /// The one that is asking.
    pub current: SessionId,
}

/// Lists the sessions that count now. The list is read beside the decision who is asking: one round trip.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`].
pub async fn list(service: &AuthService, moment: &Moment, access: &Token) -> Result<Sessions, FlowError> {
    let claims = identify(&service.access, moment, access).await?;
    let (who, mut live) =
        admit(service, moment, &claims, async || service.store.sessions(claims.sub).await).await?;
    live.retain(|session| {
        session.is_live(moment.now) && standing(Some(&who.profile), session) == Standing::Good
    });
    live.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.session_id)));
    Ok(Sessions { live, current: who.session.session_id })
}

/// Ends one session of the user who asks, the asking one too if it is that.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], and `SessionNotFound` for everything that is no live session of
/// this user: a session of somebody else is not told from one that never was.
pub async fn revoke_one(
    service: &AuthService,
    moment: &Moment,
    access: &Token,
    session: Option<SessionId>,
    device: &Device,
) -> Result<(), FlowError> {
    let claims = identify(&service.access, moment, access).await?;
    let (who, found) = admit(service, moment, &claims, async || match session {
        Some(session) => service.store.session(claims.sub, session).await,
        None => Ok(None),
    })
    .await?;
    let found = found.filter(|session| {
        session.is_live(moment.now) && standing(Some(&who.profile), session) == Standing::Good
    });
    let session = found.ok_or(Refusal::SessionNotFound)?.session_id;
    let event = SecurityEvent::AuthnTokenRevoked;
    let row = EventRow::new(event, moment, who.profile.id, device, moment.now + service.security_log)
        .of_session(session);
    if !service.store.revoke_session(who.profile.id, session, &row).await? {
        return Err(Refusal::SessionNotFound.into());
    }
    telemetry::security_event(event, moment, Some(who.profile.id), Some(session));
    Ok(())
}

/// Ends every session of the user who asks, the asking one too.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`].
pub async fn revoke_every(
    service: &AuthService,
    moment: &Moment,
    access: &Token,
    device: &Device,
) -> Result<(), FlowError> {
    let who = authenticate_call(service, moment, access).await?;
    revoke_all(&service.store, moment, who.profile.id, device, service.security_log).await
}
