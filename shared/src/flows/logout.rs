//! Logout: the session ends, and the access token that was shown goes on the blacklist.

use jiff::Timestamp;

use super::FlowError;
use crate::{
    app::AuthService,
    domain::{
        ids::{AccessId, SessionId, UserId},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Device,
    },
    keys::{KeysError, Rejected, Token},
    store::{EventRow, StoreError},
    telemetry,
};

/// The tokens that a client has; either is enough, and neither needs to be in time.
#[derive(Debug)]
pub struct LogoutAttempt {
    /// The access token.
    pub access: Option<Token>,
    /// The refresh token, of any generation.
    pub refresh: Option<Token>,
    /// The calling device.
    pub device: Device,
}

/// Ends every session that the tokens belong to. Ending one that has ended is fine, however often.
///
/// A token that is not ours does not stop the other from being honoured: ending a session is the safe direction.
///
/// # Errors
/// Of the refusals: `TokenMissing`, and `TokenInvalid` or `RefreshTokenInvalid` when no token is well signed. A write
/// that failed is an error, and all of it can be repeated.
pub async fn logout(
    service: &AuthService,
    moment: &Moment,
    attempt: &LogoutAttempt,
) -> Result<(), FlowError> {
    let mut sessions: Vec<(UserId, SessionId)> = Vec::new();
    let mut blacklisted = None;
    let mut refusal = Refusal::TokenMissing;
    if let Some(token) = &attempt.refresh {
        match usable(service.refresh.verify(token, moment.now).await)? {
            Some(verified) => sessions.push((verified.user, verified.session)),
            None => refusal = Refusal::RefreshTokenInvalid,
        }
    }
    if let Some(token) = &attempt.access {
        match usable(service.access.verify(token, moment.now).await)? {
            Some(verified) => {
                let session = (verified.claims.sub, verified.claims.sid);
                if !sessions.contains(&session) {
                    sessions.push(session);
                }
                blacklisted =
                    Timestamp::from_second(verified.claims.exp).ok().map(|end| (verified.claims.jti, end));
            }
            None => refusal = Refusal::TokenInvalid,
        }
    }
    if sessions.is_empty() {
        return Err(refusal.into());
    }
    // At most one of each, written side by side; whichever fails, the client hears of it and repeats.
    let mut sessions = sessions.into_iter();
    let (first, second, token) = tokio::join!(
        end(service, moment, sessions.next(), &attempt.device),
        end(service, moment, sessions.next(), &attempt.device),
        blacklist(service, blacklisted),
    );
    Ok(first.and(second).and(token)?)
}

/// A token that is well signed, in time or not.
fn usable<T>(verified: Result<T, Rejected>) -> Result<Option<T>, KeysError> {
    match verified {
        Ok(verified) => Ok(Some(verified)),
        Err(Rejected::Invalid) => Ok(None),
        Err(Rejected::Undecided(error)) => Err(error),
    }
}

async fn end(
    service: &AuthService,
    moment: &Moment,
    session: Option<(UserId, SessionId)>,
    device: &Device,
) -> Result<(), StoreError> {
    let Some((user, session)) = session else { return Ok(()) };
    let event = SecurityEvent::AuthnTokenRevoked;
    let row =
        EventRow::new(event, moment, user, device, moment.now + service.security_log).of_session(session);
    if service.store.revoke_session(user, session, &row).await? {
        telemetry::security_event(event, moment, Some(user), Some(session));
    }
    Ok(())
}

async fn blacklist(service: &AuthService, token: Option<(AccessId, Timestamp)>) -> Result<(), StoreError> {
    match token {
        Some((token, expires)) => service.store.blacklist(token, expires).await,
        None => Ok(()),
    }
}
