//! The second step of a login: a second factor is shown, and the session begins.
//!
//! 1. the login that waits ‖ the call counted;
//! 2. a place in the user's window, **before** anything is verified ‖ the factors ‖ the profile;
//! 3. the code is used up, by compare-and-swap: of fifty at once one takes;
//! 4. the login is used up: one session for one token;
//! 5. the session ‖ the security event ‖ the profile once more ‖ the failures forgiven.
//!
//! INVARIANT: the session gets the epoch that the first step read. Whatever changes how a user authenticates raises the epoch, so
//! that a password or a factor that changes between the steps makes the session dead at its birth; and the profile is read again
//! for the answer: nobody is given tokens that are dead already.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{
    FlowError, Requester,
    begin::{Beginning, LoggedIn, begin_session, welcome, withdraw},
    csrf::{self, Carrier},
    factors::prove::{FactorProof, Purpose, prove},
};
use crate::{
    domain::{attempts::Quota, factors::Amr, moment::Moment, refusal::Refusal, user::Profile},
    entropy::{self, NoEntropy},
    gate,
    keys::Token,
    service::{BeginsSessions, Counts, FactorService, TriesFactors},
    store::Challenge,
};

/// What somebody shows whose password was right.
#[derive(Debug)]
pub struct SecondStepAttempt {
    /// The token of the first step.
    pub token: Token,
    /// The second factor.
    pub proof: FactorProof,
    /// Who is calling.
    pub caller: Requester,
    /// How the session's refresh tokens are to travel: as the first step said.
    pub carrier: Carrier,
    /// What the device keeps of a login before.
    pub known: Option<Token>,
}

/// A token that names a login. It is random, and stands nowhere.
pub(super) fn new_token() -> Result<Token, NoEntropy> {
    Ok(Token::new(URL_SAFE_NO_PAD.encode(entropy::bytes::<32>()?)))
}

/// What the row of a login is found by.
pub(super) fn digest(token: &Token) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()))
}

/// Makes the second step.
///
/// # Errors
/// Of the refusals: `CsrfInvalid`, `ApiRateLimited`, `SecondStepInvalid`, `SecondFactorLocked`, `SecondFactorInvalid`,
/// `AccountInactive`.
pub async fn second_step(
    service: &FactorService<impl BeginsSessions + Counts + TriesFactors>,
    moment: &Moment,
    attempt: &SecondStepAttempt,
) -> Result<LoggedIn, FlowError> {
    let auth = &service.auth;
    // Without keys there would be nothing to answer with, so nothing is used up.
    tokio::try_join!(auth.ready(moment.now), service.keys.ready(moment.now))?;
    if let Carrier::Cookie(proof) = &attempt.carrier {
        csrf::check_login(auth.refresh(), moment, proof).await?;
    }
    let (gate, counted) = (auth.gate(), gate::Counted::address(attempt.caller.address));
    gate.check(&counted, moment)?;
    let digest = digest(&attempt.token);
    let (challenge, counted) =
        tokio::join!(auth.store().challenge(&digest, moment.now), gate.count(&counted, moment),);
    counted?;
    let challenge = challenge?.filter(|challenge| challenge.delivery == attempt.carrier.delivery());
    let challenge = challenge.ok_or(Refusal::SecondStepInvalid)?;
    let (whose, profile) =
        ((challenge.user_id, &attempt.caller.device), auth.store().profile(challenge.user_id));
    let then = |profile| with_place(service, moment, attempt, &digest, &challenge, profile);
    auth.factor_gate().with_place(whose, moment, profile, then).await
}

/// The rest, with a place taken. `None`: the factor is wrong.
async fn with_place(
    service: &FactorService<impl BeginsSessions + Counts + TriesFactors>,
    moment: &Moment,
    attempt: &SecondStepAttempt,
    digest: &str,
    challenge: &Challenge,
    profile: Option<Profile>,
) -> Result<Option<LoggedIn>, FlowError> {
    let auth = &service.auth;
    let profile = still_counts(profile, challenge)?;
    let proven =
        prove(service, moment, profile.id, (&attempt.proof, Purpose::LOGIN), &attempt.caller.device).await?;
    let Some(proven) = proven else { return Ok(None) };
    if !auth.store().use_challenge(digest, moment).await? {
        return Err(Refusal::SecondStepInvalid.into());
    }
    let shown = [&[Amr::Pwd][..], proven.amr()].concat();
    let beginning = beginning(challenge, &shown, &profile, attempt.known.as_ref());
    let (begun, user) = begin_session(auth, moment, &beginning).await?;
    if let Err(gone) = still_counts(user, challenge) {
        withdraw(auth, moment, &begun.session).await;
        return Err(gone);
    }
    let begun = welcome(auth, moment, profile, (&begun, attempt.known.as_ref())).await?;
    let quota = Some(Quota::unused("account", auth.attempts().account));
    Ok(Some(LoggedIn { quota, password_change_advised: challenge.password_change_advised, ..begun }))
}

/// The user, if the first step still counts.
fn still_counts(profile: Option<Profile>, challenge: &Challenge) -> Result<Profile, FlowError> {
    let profile = profile.filter(|profile| profile.epoch == challenge.epoch);
    let profile = profile.ok_or(Refusal::SecondStepInvalid)?;
    if profile.is_active() { Ok(profile) } else { Err(Refusal::AccountInactive.into()) }
}

fn beginning<'a>(
    challenge: &'a Challenge,
    shown: &'a [Amr],
    profile: &'a Profile,
    shown_device: Option<&'a Token>,
) -> Beginning<'a> {
    Beginning {
        user: challenge.user_id,
        epoch: challenge.epoch,
        device: &challenge.device,
        claimed: challenge.claimed.as_ref(),
        fingerprint: challenge.fingerprint.as_ref(),
        delivery: challenge.delivery,
        shown,
        factor: true,
        enrolling: false,
        of: (&profile.email, profile.password_changed_at),
        shown_device,
    }
}
