//! Logout: the session ends, and the access token that was shown goes on its blacklist, in one write.
//!
//! A cookie that comes along with an access token and without a CSRF token is no credential: browsers send it unasked.

use super::{
    FlowError,
    csrf::{self, Carrier},
    end_session::{End, end_session},
};
use crate::{
    domain::{
        ids::{AccessId, SessionId, UserId},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{Device, EndReason},
    },
    keys::{KeysError, Rejected, Token},
    service::LogsOut,
    store::StoreError,
};

/// The tokens that a client has; either is enough, and neither needs to be in time.
#[derive(Debug)]
pub struct LogoutAttempt {
    pub access: Option<Token>,
    /// The refresh token, of any generation, and how it came.
    pub refresh: Option<(Token, Carrier)>,
    /// The calling device.
    pub device: Device,
}

/// What became of a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedOut {
    /// The browser's cookie is good for nothing any more.
    pub cookie_is_over: bool,
}

/// Ends every session that the tokens belong to. Ending one that has ended is fine, however often.
///
/// A token that is not ours does not stop the other from being honoured: ending a session is the safe direction.
///
/// # Errors
/// Of the refusals: `TokenMissing`, `CsrfInvalid`, and `TokenInvalid` or `RefreshTokenInvalid` when no token is well signed;
/// the latter whenever a cookie is not. A write that failed is an error, and all of it can be repeated.
pub async fn logout(
    service: &impl LogsOut,
    moment: &Moment,
    attempt: &LogoutAttempt,
) -> Result<LoggedOut, FlowError> {
    let mut sessions: Vec<(UserId, SessionId)> = Vec::new();
    let mut shown = None;
    let mut refusal = Refusal::TokenMissing;
    let mut cookie = Cookie::None;
    if let Some((token, carrier)) = &attempt.refresh {
        let verified = usable(service.refresh().verify(token, moment.now).await)?;
        let session = verified.as_ref().map(|verified| (verified.user, verified.session));
        if let Carrier::Cookie(proof) = carrier {
            cookie = session.map_or(Cookie::Invalid, |(user, session)| Cookie::Of(user, session));
            let unasked = attempt.access.is_some() && proof.token.is_none();
            if let Some(verified) = verified.as_ref().filter(|_| !unasked) {
                csrf::check_session(service.refresh(), moment, proof, verified).await?;
                sessions.extend(session);
            }
        } else {
            sessions.extend(session);
        }
        if session.is_none() {
            refusal = Refusal::RefreshTokenInvalid;
        }
    }
    if let Some(token) = &attempt.access {
        match usable(service.access().verify(token, moment.now).await)? {
            Some(verified) => {
                let session = (verified.claims.sub, verified.claims.sid);
                if !sessions.contains(&session) {
                    sessions.push(session);
                }
                shown = Some((session, verified.claims.jti));
            }
            // That a cookie is of no use must be heard: it is for the answer to clear it.
            None if cookie == Cookie::Invalid => {}
            None => refusal = Refusal::TokenInvalid,
        }
    }
    if sessions.is_empty() {
        return Err(refusal.into());
    }
    let cookie_is_over = match cookie {
        Cookie::None => false,
        Cookie::Invalid => true,
        Cookie::Of(user, session) => sessions.contains(&(user, session)),
    };
    // At most one of each token, written side by side; whichever fails, the client hears of it and repeats.
    let mut ends = sessions.into_iter().map(|session| {
        let token = shown.filter(|(of, _)| *of == session).map(|(_, token)| token);
        (session, token)
    });
    let (first, second) = tokio::join!(
        end(service, moment, ends.next(), &attempt.device),
        end(service, moment, ends.next(), &attempt.device),
    );
    first.and(second)?;
    Ok(LoggedOut { cookie_is_over })
}

/// The cookie that came along.
#[derive(PartialEq, Eq)]
enum Cookie {
    None,
    /// Not a token of ours.
    Invalid,
    /// The token of a session.
    Of(UserId, SessionId),
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
    service: &impl LogsOut,
    moment: &Moment,
    ended: Option<((UserId, SessionId), Option<AccessId>)>,
    device: &Device,
) -> Result<(), StoreError> {
    let Some(((user, session), shown)) = ended else { return Ok(()) };
    let (event, reason) = (SecurityEvent::AuthnTokenRevoked, EndReason::Logout);
    let end = End { user, session, shown, event, reason, device };
    end_session(service.store(), *service.journal(), moment, end).await.map(drop)
}
