//! Refresh: a token is used once, a retry gets the same answer, a theft ends the session.
//!
//! 1. Verify the token; read the user, and in the same moment try one conditional write.
//! 2. It took: a new pair, if the user is active and at the session's epoch.
//! 3. It did not take: decide on the row that it failed on (see [`crate::domain::session`]).
//!    Refreshes are counted by session, in that same write: one too many rotates nothing, and its token stays good.
//! 4. Storage fails: nothing is issued. If the write took, the client's retry finds the grace window open.

use std::time::Duration;

use super::{
    FlowError,
    csrf::{self, Carrier, Delivered},
    end_session::{End, end_session},
};
use crate::{
    domain::{
        ids::{FingerprintHash, UserId},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{
            Device, EndReason, LostRotation, Presented, Session, Standing, judge_lost_rotation, standing,
            whole_seconds,
        },
        user::Profile,
    },
    gate::Counted,
    keys::{IssuedAccess, Token, VerifiedRefresh},
    retry::Retry,
    service::Refreshes,
    store::{Rotated, Rotation, Store, StoreError},
};

/// A refresh token, and from where it comes.
#[derive(Debug)]
pub struct RefreshAttempt {
    pub token: Token,
    /// How it came.
    pub carrier: Carrier,
    /// SHA-256 of the client's fingerprint.
    pub fingerprint: Option<FingerprintHash>,
    /// The calling device.
    pub device: Device,
}

/// The next pair of tokens.
#[derive(Debug)]
pub struct Refreshed {
    /// The access token.
    pub access: IssuedAccess,
    /// The refresh token: the same for everybody who presents the same one.
    pub refresh: Delivered,
}

/// Exchanges a refresh token for the next pair.
///
/// # Errors
/// Of the refusals: `CsrfInvalid`, `ApiRateLimited`, `RefreshTokenInvalid`, `MfaEnrolmentRequired`, and `UserInactive` for a user who is gone or not active.
pub async fn refresh(
    service: &impl Refreshes,
    moment: &Moment,
    attempt: &RefreshAttempt,
) -> Result<Refreshed, FlowError> {
    let token = service
        .refresh()
        .verify(&attempt.token, moment.now)
        .await
        .map_err(|rejected| FlowError::rejected(rejected, Refusal::RefreshTokenInvalid))?;
    if let Carrier::Cookie(proof) = &attempt.carrier {
        csrf::check_session(service.refresh(), moment, proof, &token).await?;
    }
    if token.expired {
        return Err(Refusal::RefreshTokenInvalid.into());
    }
    let counted = Counted::session(token.session);
    service.gate().check(&counted, moment)?;
    // Without keys the token would be used up for nothing.
    service.access().ready(moment.now).await?;
    let next = service.refresh().next(&token, moment.now).await?;
    let presented = Presented {
        hash: token.id.hash(),
        generation: token.generation,
        fingerprint: attempt.fingerprint.clone(),
        delivery: attempt.carrier.delivery(),
    };
    let rotation = Rotation {
        user: token.user,
        session: token.session,
        presented: &presented,
        next: next.hash,
        kid: &next.kid,
        idle_end: whole_seconds(moment.now + service.lifetimes().refresh),
        moment,
        limit: service.rate_limit().limit(),
    };
    let (rotated, profile) =
        tokio::join!(service.store().rotate(&rotation), profile(service.store(), token.user));
    let session = match rotated? {
        Rotated::Took(session) => session,
        Rotated::TooMany(until) => {
            let quota = service.rate_limit().refuse(&counted, until, moment.now);
            return Err(Refusal::ApiRateLimited(quota).into());
        }
        Rotated::Lost(None) => return Err(refusal_without_session(profile?.as_ref()).into()),
        Rotated::Lost(Some(session)) => {
            match judge_lost_rotation(&session, &presented, moment, service.lifetimes()) {
                LostRotation::TookAlready => session,
                LostRotation::SameSuccessor => {
                    count_repeat(service, moment, &counted).await;
                    session
                }
                LostRotation::StillCurrent => {
                    let reason = "its count was in the way".into();
                    return Err(
                        StoreError::Unavailable { operation: "rotate a refresh token", reason }.into()
                    );
                }
                LostRotation::Ended => return Err(refusal_without_session(profile?.as_ref()).into()),
                LostRotation::Enrolling => return Err(refusal_enrolling(profile?.as_ref(), &session).into()),
                LostRotation::Theft => {
                    revoke(service, moment, &session, &attempt.device, EndReason::Theft).await?;
                    return Err(refusal_without_session(profile?.as_ref()).into());
                }
            }
        }
    };
    let user = in_good_standing(service, moment, &session, profile?, &attempt.device).await?;
    answer(service, moment, &user, &session, &token).await
}

/// A token that is shown again rotates nothing, so nothing counts it. Too late to refuse: it would cost an honest client its answer.
/// That there were too many is remembered for the next.
async fn count_repeat(service: &impl Refreshes, moment: &Moment, counted: &Counted) {
    if let Err(error) = service.rate_limit().count(service.store(), counted, moment.now).await {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a repeated refresh was not counted");
    }
}

/// The pair that follows from the row, whoever wrote it.
async fn answer(
    service: &impl Refreshes,
    moment: &Moment,
    user: &Profile,
    session: &Session,
    presented: &VerifiedRefresh,
) -> Result<Refreshed, FlowError> {
    let refresh = service.refresh().successor_token(session, presented, moment.now).await?;
    let refresh = refresh.ok_or(Refusal::RefreshTokenInvalid)?;
    Ok(Refreshed {
        access: service.access().issue(user, session, service.lifetimes(), moment.now).await?,
        refresh: csrf::deliver(service.refresh(), moment, session, refresh).await?,
    })
}

/// The user, if the session still counts; otherwise it is ended, so that its next token finds that out by itself.
async fn in_good_standing(
    service: &impl Refreshes,
    moment: &Moment,
    session: &Session,
    profile: Option<Profile>,
    device: &Device,
) -> Result<Profile, FlowError> {
    let mut profile = profile;
    let mut verdict = standing(profile.as_ref(), session);
    if verdict == Standing::EpochsApart {
        // The row and the user were read side by side and may be two halves of one transaction: read both at once.
        let facts = service.store().snapshot(session.user_id, session.session_id).await?;
        verdict = facts
            .session
            .as_ref()
            .filter(|row| row.is_live(moment.now))
            .map_or(Standing::EpochsApart, |row| standing(facts.profile.as_ref(), row));
        profile = facts.profile;
    }
    match (verdict, profile) {
        (Standing::Good, Some(profile)) => Ok(profile),
        (Standing::UserInactive, _) => {
            revoke(service, moment, session, device, EndReason::Epoch).await?;
            Err(Refusal::UserInactive.into())
        }
        _ => {
            revoke(service, moment, session, device, EndReason::Epoch).await?;
            Err(Refusal::RefreshTokenInvalid.into())
        }
    }
}

/// What a client hears whose session is no more: a user who is gone or not active is told apart from it.
fn refusal_without_session(profile: Option<&Profile>) -> Refusal {
    match profile {
        Some(profile) if profile.is_active() => Refusal::RefreshTokenInvalid,
        _ => Refusal::UserInactive,
    }
}

/// What a client hears whose user has to enrol a second factor, unless the session ended with its user or their epoch.
fn refusal_enrolling(profile: Option<&Profile>, session: &Session) -> Refusal {
    match standing(profile, session) {
        Standing::Good => Refusal::MfaEnrolmentRequired,
        _ => refusal_without_session(profile),
    }
}

/// Ends the session durably: if that can't be written, nobody is told anything final.
async fn revoke(
    service: &impl Refreshes,
    moment: &Moment,
    session: &Session,
    device: &Device,
    reason: EndReason,
) -> Result<(), FlowError> {
    let event = match reason {
        EndReason::Theft => SecurityEvent::AuthnTokenReuse,
        _ => SecurityEvent::AuthnTokenRevoked,
    };
    let (user, session) = (session.user_id, session.session_id);
    let end = End { user, session, shown: None, event, reason, device };
    end_session(service.store(), *service.journal(), moment, end).await?;
    Ok(())
}

/// The user, asked for until the deadline: the write beside it may have taken, and then giving up early would cost
/// the client a retry.
async fn profile(store: &Store, user: UserId) -> Result<Option<Profile>, StoreError> {
    let pause = Duration::from_millis(20);
    let retry = Retry { times: u32::MAX, first: pause, longest: pause, spread: 5 };
    let asking = retry.past(StoreError::is_passing, || store.profile(user));
    let late = StoreError::Unavailable { operation: "read profile", reason: "deadline".into() };
    tokio::time::timeout(store.patience().call, asking).await.unwrap_or(Err(late))
}
