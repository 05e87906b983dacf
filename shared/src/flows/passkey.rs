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
    FlowError, Requester,
    authenticate::authenticate_call,
    begin::{Beginning, LoggedIn, begin_session, welcome, withdraw},
    csrf::{self, Carrier},
    factors::passkey::{begin, judge},
    second_step::digest,
};
use crate::{
    domain::{
        ids::{FingerprintHash, SessionId, UserId},
        moment::Moment,
        refusal::Refusal,
        session::ClaimedDevice,
        user::Profile,
    },
    gate,
    keys::Token,
    service::{BeginsSessions, Callers, Counts, HasStore, PasskeyService},
    store::CeremonyKind,
    webauthn::{AssertionResponse, Expected},
};

/// What a browser answered, and from where.
#[derive(Debug)]
pub struct PasskeyAttempt {
    pub answer: AssertionResponse,
    /// Who is calling.
    pub caller: Requester,
    /// What the client says of itself.
    pub claimed: Option<ClaimedDevice>,
    /// SHA-256 of the client's fingerprint.
    pub fingerprint: Option<FingerprintHash>,
    /// How the session's refresh tokens are to travel.
    pub carrier: Carrier,
    /// What the device keeps of a login before.
    pub known: Option<Token>,
}

/// What a browser answers with any passkey that its user has here.
///
/// # Errors
/// Of the refusals: `ApiRateLimited`.
pub async fn login_options(
    service: &PasskeyService<impl Counts>,
    moment: &Moment,
    caller: &Requester,
) -> Result<Value, FlowError> {
    counted(&service.auth, moment, caller).await?;
    let challenge = begin(&service.auth, moment, CeremonyKind::Login, (None, None)).await?;
    Ok(service.passkeys.request_options(&[], &challenge))
}

/// What a browser answers whose user has shown the password, and has the token that says so.
///
/// # Errors
/// Of the refusals: `ApiRateLimited`, `SecondStepInvalid`, `FactorNotFound`.
pub async fn second_step_options(
    service: &PasskeyService<impl Counts>,
    moment: &Moment,
    token: &Token,
    caller: &Requester,
) -> Result<Value, FlowError> {
    counted(&service.auth, moment, caller).await?;
    let waiting = service.auth.store().challenge(&digest(token), moment.now).await?;
    let user = waiting.ok_or(Refusal::SecondStepInvalid)?.user_id;
    options_of(service, moment, CeremonyKind::Login, user, None).await
}

/// What a browser answers whose user is logged in and shows who they are once more.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], `FactorNotFound`.
pub async fn step_up_options(
    service: &PasskeyService<impl Callers>,
    moment: &Moment,
    access: &Token,
) -> Result<Value, FlowError> {
    let who = authenticate_call(&service.auth, moment, access).await?;
    options_of(service, moment, CeremonyKind::StepUp, who.profile.id, Some(who.session.session_id)).await
}

/// What is answered with one of this user's passkeys. Who has none is told so: a browser would offer those of other users.
async fn options_of(
    service: &PasskeyService<impl HasStore>,
    moment: &Moment,
    kind: CeremonyKind,
    user: UserId,
    session: Option<SessionId>,
) -> Result<Value, FlowError> {
    let passkeys = service.auth.store().factors(user).await?.passkeys;
    if passkeys.is_empty() {
        return Err(Refusal::FactorNotFound.into());
    }
    let challenge = begin(&service.auth, moment, kind, (Some(user), session)).await?;
    Ok(service.passkeys.request_options(&passkeys, &challenge))
}

/// The call, counted, before anything is written for it.
async fn counted(auth: &impl Counts, moment: &Moment, caller: &Requester) -> Result<(), FlowError> {
    let (gate, counted) = (auth.gate(), gate::Counted::address(caller.address));
    gate.check(&counted, moment)?;
    gate.count(&counted, moment).await
}

/// Logs somebody in by their passkey.
///
/// # Errors
/// Of the refusals: `CsrfInvalid`, `ApiRateLimited`, `PasskeyInvalid`, `AccountInactive`.
pub async fn passkey_login(
    service: &PasskeyService<impl Counts + BeginsSessions>,
    moment: &Moment,
    attempt: &PasskeyAttempt,
) -> Result<LoggedIn, FlowError> {
    let auth = &service.auth;
    // Without keys there would be nothing to answer with, so nothing is used up.
    auth.ready(moment.now).await?;
    if let Carrier::Cookie(proof) = &attempt.carrier {
        csrf::check_login(auth.refresh(), moment, proof).await?;
    }
    counted(auth, moment, &attempt.caller).await?;
    let Ok(challenge) = attempt.answer.challenge() else { return Err(Refusal::PasskeyInvalid.into()) };
    let passkey = attempt.answer.credential();
    let (ceremony, owner) = tokio::join!(
        auth.store().take_ceremony(&challenge, CeremonyKind::Login, moment),
        auth.store().passkey_owner(passkey),
    );
    // One that was given out to a user whose password was right is a second factor, and no login.
    let is_ours = ceremony?.is_some_and(|ceremony| ceremony.user_id.is_none());
    let Some(user) = owner?.filter(|_| is_ours) else { return Err(Refusal::PasskeyInvalid.into()) };
    let (row, profile) = tokio::join!(auth.store().passkey(user, passkey), auth.store().profile(user));
    let (Some(row), Some(profile)) = (row?, profile?) else { return Err(Refusal::PasskeyInvalid.into()) };
    let (expected, device) = (Expected::Discovered(user), &attempt.caller.device);
    if !judge(auth, &service.passkeys, moment, &challenge, expected, (&row, &attempt.answer), device).await? {
        return Err(Refusal::PasskeyInvalid.into());
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
        of: (&profile.email, profile.password_changed_at),
        shown_device: attempt.known.as_ref(),
    };
    begun(auth, moment, &profile, &beginning).await
}

/// The session of an active user whose epoch is still the one that was read.
async fn begun(
    auth: &impl BeginsSessions,
    moment: &Moment,
    profile: &Profile,
    beginning: &Beginning<'_>,
) -> Result<LoggedIn, FlowError> {
    if !profile.is_active() {
        return Err(Refusal::AccountInactive.into());
    }
    let (begun, user) = begin_session(auth, moment, beginning).await?;
    if !user.is_some_and(|user| user.is_active() && user.epoch == beginning.epoch) {
        withdraw(auth, moment, &begun.session).await;
        return Err(Refusal::PasskeyInvalid.into());
    }
    welcome(auth, moment, profile.clone(), (&begun, beginning.shown_device)).await
}
