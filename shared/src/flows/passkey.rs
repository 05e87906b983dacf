//! A login by a passkey alone: no address and no password, so there is nothing to enumerate and nothing to guess.
//!
//! 1. the challenge used up ‖ whose the passkey is ‖ the call counted;
//! 2. the passkey ‖ its user;
//! 3. (verified) its counter raised, by compare-and-swap: of fifty answers at once one takes;
//! 4. the session ‖ the security event ‖ the profile once more.
//!
//! INVARIANT: the passkey is written to after the profile was read whose epoch the session gets. A passkey that was removed in between
//! is not there to be written to; one that is removed later raises the epoch.

use serde_json::Value;

use super::{
    Caller, FlowError,
    authenticate::authenticate_call,
    begin::{Beginning, LoggedIn, begin_session, welcome, withdraw},
    csrf::{self, Carrier},
    factors::passkey::{begin, begin_for, judge, relying_party},
    second_step::digest,
};
use crate::{
    domain::{ids::FingerprintHash, moment::Moment, refusal::Refusal, session::ClaimedDevice, user::Profile},
    keys::Token,
    rate_limit,
    service::FactorService,
    store::CeremonyKind,
    webauthn::{AssertionResponse, Expected},
};

/// What a browser answered, and from where.
#[derive(Debug)]
pub struct PasskeyAttempt {
    /// The answer.
    pub answer: AssertionResponse,
    /// Who is calling.
    pub caller: Caller,
    /// What the client says of itself.
    pub claimed: Option<ClaimedDevice>,
    /// SHA-256 of the client's fingerprint.
    pub fingerprint: Option<FingerprintHash>,
    /// How the session's refresh tokens are to travel.
    pub carrier: Carrier,
}

/// What became of it.
#[derive(Debug)]
pub enum PasskeyLogin {
    /// A session has begun.
    Begun(Box<LoggedIn>),
    /// It is not taken, for whatever reason: one answer for all.
    Refused,
}

/// What a browser answers with any passkey that its user has here.
///
/// # Errors
/// Of the refusals: `NotFound`, `ApiRateLimited`.
pub async fn login_options(
    service: &FactorService,
    moment: &Moment,
    caller: &Caller,
) -> Result<Value, FlowError> {
    let us = relying_party(service)?;
    counted(service, moment, caller).await?;
    let challenge = begin(service, moment, CeremonyKind::Login, None).await?;
    Ok(us.request_options(&[], &challenge))
}

/// What a browser answers whose user has shown the password, and has the token that says so.
///
/// # Errors
/// Of the refusals: `NotFound`, `ApiRateLimited`, `SecondStepInvalid`.
pub async fn second_step_options(
    service: &FactorService,
    moment: &Moment,
    token: &Token,
    caller: &Caller,
) -> Result<Value, FlowError> {
    let us = relying_party(service)?;
    counted(service, moment, caller).await?;
    let waiting = service.auth.store.challenge(&digest(token), moment.now).await?;
    let user = waiting.ok_or(Refusal::SecondStepInvalid)?.user_id;
    let rows = service.auth.store.factors(user).await?;
    let challenge = begin_for(service, moment, CeremonyKind::Login, Some(user), None).await?;
    Ok(us.request_options(&rows.passkeys, &challenge))
}

/// What a browser answers whose user is logged in and shows who they are once more.
///
/// # Errors
/// Of the refusals: `NotFound`, those of [`authenticate_call`].
pub async fn step_up_options(
    service: &FactorService,
    moment: &Moment,
    access: &Token,
) -> Result<Value, FlowError> {
    let us = relying_party(service)?;
    let who = authenticate_call(&service.auth, moment, access).await?;
    let rows = service.auth.store.factors(who.profile.id).await?;
    let of = Some((who.profile.id, who.session.session_id));
    let challenge = begin(service, moment, CeremonyKind::StepUp, of).await?;
    Ok(us.request_options(&rows.passkeys, &challenge))
}

/// The call, counted, before anything is written for it.
async fn counted(service: &FactorService, moment: &Moment, caller: &Caller) -> Result<(), FlowError> {
    let (auth, caller) = (&service.auth, rate_limit::Caller::address(caller.address));
    auth.rate_limit.check(&caller, moment.now).map_err(Refusal::ApiRateLimited)?;
    match auth.rate_limit.count(&auth.store, &caller, moment.now).await? {
        Some(Err(quota)) => Err(Refusal::ApiRateLimited(quota).into()),
        _ => Ok(()),
    }
}

/// Logs somebody in by their passkey.
///
/// # Errors
/// Of the refusals: `NotFound`, `CsrfInvalid`, `ApiRateLimited`, `AccountInactive`.
pub async fn passkey_login(
    service: &FactorService,
    moment: &Moment,
    attempt: &PasskeyAttempt,
) -> Result<PasskeyLogin, FlowError> {
    let auth = &service.auth;
    relying_party(service)?;
    // Without keys there would be nothing to answer with, so nothing is used up.
    auth.ready(moment.now).await?;
    if let Carrier::Cookie(proof) = &attempt.carrier {
        csrf::check_login(&auth.refresh, moment, proof).await?;
    }
    counted(service, moment, &attempt.caller).await?;
    let Ok(challenge) = attempt.answer.challenge() else { return Ok(PasskeyLogin::Refused) };
    let passkey = attempt.answer.credential();
    let (ceremony, owner) = tokio::join!(
        auth.store.take_ceremony(&challenge, CeremonyKind::Login, moment),
        auth.store.passkey_owner(passkey),
    );
    // One that was given out to a user whose password was right is a second factor, and no login.
    let is_ours = ceremony?.is_some_and(|ceremony| ceremony.user_id.is_none());
    let Some(user) = owner?.filter(|_| is_ours) else { return Ok(PasskeyLogin::Refused) };
    let (row, profile) = tokio::join!(auth.store.passkey(user, passkey), auth.store.profile(user));
    let (Some(row), Some(profile)) = (row?, profile?) else { return Ok(PasskeyLogin::Refused) };
    let (expected, device) = (Expected::Discovered(user), &attempt.caller.device);
    if !judge(service, moment, &challenge, expected, (&row, &attempt.answer), device).await? {
        return Ok(PasskeyLogin::Refused);
    }
    let shown = row.amr();
    let beginning = Beginning {
        user,
        epoch: profile.epoch,
        device,
        claimed: attempt.claimed.as_ref(),
        fingerprint: attempt.fingerprint.as_ref(),
        delivery: attempt.carrier.delivery(),
        shown: &shown,
        factor: true,
        enrolling: false,
    };
    begun(service, moment, profile, &beginning).await
}

/// The session of an active user whose epoch is still the one that was read.
async fn begun(
    service: &FactorService,
    moment: &Moment,
    profile: Profile,
    beginning: &Beginning<'_>,
) -> Result<PasskeyLogin, FlowError> {
    let auth = &service.auth;
    if !profile.is_active() {
        return Err(Refusal::AccountInactive.into());
    }
    let (begun, user) = begin_session(auth, moment, beginning).await?;
    if !user.is_some_and(|user| user.is_active() && user.epoch == beginning.epoch) {
        withdraw(auth, moment, &begun.session).await;
        return Ok(PasskeyLogin::Refused);
    }
    Ok(PasskeyLogin::Begun(Box::new(welcome(auth, moment, profile, &begun).await?)))
}
