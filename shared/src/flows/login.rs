//! Login: an attempt is reserved, the password verified, and a session begun.
//!
//! Three round trips besides the hash, when nothing contends:
//!
//! 1. a place for the address, and the call counted with it ‖ the credential;
//! 2. a place for the account, counted as a failure until the password was right ‖ the profile;
//!    (the hash, and beside it the credential once more)
//! 3. the session ‖ the security event ‖ the profile once more ‖ the account's attempts cleared ‖ the address's place given back;
//!    or, for a wrong password, the security event alone.
//!
//! INVARIANT: the password is verified against a credential that was read *after* the profile whose epoch the session gets.
//! Whatever changes how a user authenticates raises the epoch. So a change before the last read of the credential is seen by it,
//! and one after the read of the profile makes the session dead at its birth: no transaction has to hold them together. The
//! profile is read once more for the answer alone: nobody is given tokens that are dead already.
//!
//! A user who has a second factor gets no session here, but a second step that names this login ([`super::second_step`]): it has
//! the epoch of the profile, so that the same holds for the session which comes of it.
//!
//! An address that nobody has costs the same calls, the same writes and the same hash, and gets the same answer.

use jiff::SignedDuration;

use super::{
    FlowError, Requester,
    begin::{Beginning, LoggedIn, begin_session, known_device, welcome, withdraw},
    csrf::{self, Carrier},
    readable, second_step,
};
use crate::{
    domain::{
        attempts::Quota,
        email::Email,
        factors::{Amr, Factors, STEP_LIFE},
        ids::{FingerprintHash, UserId},
        mfa::{AfterPassword, after_password},
        moment::Moment,
        password::Password,
        refusal::Refusal,
        session::ClaimedDevice,
        user::Profile,
    },
    gate::{Places, Shown, Tried, nobody},
    keys::Token,
    passwords::Examined,
    service::LogsIn,
    store::{Challenge, Credential, StoreError},
};

/// What somebody typed, and from where.
#[derive(Debug)]
pub struct LoginAttempt {
    /// The address.
    pub email: Email,
    pub password: Password,
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

/// What a right password gets.
#[derive(Debug)]
pub enum Login {
    /// A session.
    Begun(Box<LoggedIn>),
    SecondStep(SecondStep),
}

impl Login {
    /// The session, where no second step is asked for.
    #[must_use]
    pub fn begun(self) -> Option<LoggedIn> {
        match self {
            Self::Begun(begun) => Some(*begun),
            Self::SecondStep(_) => None,
        }
    }
}

/// What the second step of a login is made with.
#[derive(Debug)]
pub struct SecondStep {
    /// The token that names the login.
    pub token: Token,
    /// The kinds of second factor that its user has.
    pub factors: Factors,
    /// How long it may take.
    pub expires_in: SignedDuration,
    /// The account's window, empty again.
    pub quota: Quota,
}

/// How often a login starts again because what it read was changed meanwhile.
const MAX_ROUNDS: u32 = 3;

/// Logs somebody in.
///
/// # Errors
/// Of the refusals: `CsrfInvalid`, `ApiRateLimited`, `AddressLimited`, `LoginLocked`, `InvalidCredentials`, `AccountInactive`.
pub async fn login(
    service: &impl LogsIn,
    moment: &Moment,
    attempt: &LoginAttempt,
) -> Result<Login, FlowError> {
    // Without keys there would be nothing to answer with, so nothing is begun.
    service.ready(moment.now).await?;
    if let Carrier::Cookie(proof) = &attempt.carrier {
        csrf::check_login(service.refresh(), moment, proof).await?;
    }
    let known = known_device(service, moment, &attempt.email, attempt.known.as_ref()).await?;
    let shown = Shown {
        email: &attempt.email,
        address: attempt.caller.address,
        device: &attempt.caller.device,
        known: known.as_ref(),
        is_counted: true,
        wrong: Refusal::InvalidCredentials,
    };
    let credential = || service.store().credential(&attempt.email);
    let profile = |credential: Option<Credential>| async move {
        let profile = service.store().profile(owner(credential.as_ref(), &attempt.email)).await?;
        Ok((credential, profile))
    };
    let then = |places, found| with_places(service, places, found, attempt);
    service.password_gate().with_places(shown, moment, credential, profile, then).await
}

/// The rest, with both places taken: verify, begin, and start again where the truth has moved on.
async fn with_places(
    service: &impl LogsIn,
    places: Places<'_>,
    (mut credential, mut profile): (Option<Credential>, Option<Profile>),
    attempt: &LoginAttempt,
) -> Result<Tried<Login>, FlowError> {
    let moment = places.moment();
    let mut advised = None;
    for _ in 0..MAX_ROUNDS {
        let hash = readable(credential.as_ref(), moment);
        // Asked of every password that is tried, so that nobody can tell by it which was right.
        let advice = async {
            match advised {
                Some(known) => known,
                None => match service.breached() {
                    Some(breached) => breached.advises_against(&attempt.password).await,
                    None => false,
                },
            }
        };
        let (verdict, now, advice) = tokio::join!(
            service.hasher().examine(&attempt.password, hash),
            service.store().credential(&attempt.email),
            advice
        );
        advised = Some(advice);
        let (verdict, now) = (verdict?, now?);
        if now != credential {
            (credential, profile) = read_again(service, attempt, Some(now)).await?;
            continue;
        }
        let Some(known) = credential.as_ref().filter(|_| verdict != Examined::Wrong) else {
            return Ok(Tried::Wrong(credential.map(|credential| credential.user_id)));
        };
        // The password was right: nothing was guessed, so nothing is held against account or address.
        let Some(active) = profile.filter(Profile::is_active) else {
            return Ok(Tried::Right(places.forgive().await, Err(Refusal::AccountInactive)));
        };
        let enrolling = match after_password(&active, *service.mfa()) {
            AfterPassword::Session => false,
            AfterPassword::Enrolment => true,
            AfterPassword::SecondStep => {
                let step = ask_for_second_step(service, moment, &active, (attempt, advice));
                let (step, forgiven) = tokio::join!(step, places.forgive());
                let step = step?;
                upgrade(service, moment, (known, verdict), attempt).await;
                return Ok(Tried::Right(forgiven, Ok(Login::SecondStep(step))));
            }
            AfterPassword::NoWay => {
                return Ok(Tried::Right(places.forgive().await, Err(Refusal::SecondFactorUnavailable)));
            }
        };
        let beginning = beginning(&active, attempt, enrolling);
        let (begun, forgiven) = tokio::join!(begin_session(service, moment, &beginning), places.forgive());
        let (begun, user) = begun?;
        if user.as_ref().is_some_and(|user| user.is_active() && user.epoch == begun.session.epoch) {
            upgrade(service, moment, (known, verdict), attempt).await;
            let begun = welcome(service, moment, active, (&begun, attempt.known.as_ref())).await?;
            let quota = Some(Quota::unused("account", service.attempts().account));
            let begun = LoggedIn { quota, password_change_advised: advice, ..begun };
            return Ok(Tried::Right(forgiven, Ok(Login::Begun(Box::new(begun)))));
        }
        withdraw(service, moment, &begun.session).await;
        if !user.is_some_and(|user| user.is_active()) {
            return Ok(Tried::Right(forgiven, Err(Refusal::AccountInactive)));
        }
        (credential, profile) = read_again(service, attempt, None).await?;
    }
    Err(StoreError::Unavailable { operation: "complete a login", reason: "contention".into() }.into())
}

/// Credential and profile, in this order: as they are after something was changed.
async fn read_again(
    service: &impl LogsIn,
    attempt: &LoginAttempt,
    read: Option<Option<Credential>>,
) -> Result<(Option<Credential>, Option<Profile>), StoreError> {
    let credential = match read {
        Some(credential) => credential,
        None => service.store().credential(&attempt.email).await?,
    };
    let profile = service.store().profile(owner(credential.as_ref(), &attempt.email)).await?;
    Ok((credential, profile))
}

/// Whose profile is asked for.
fn owner(credential: Option<&Credential>, email: &Email) -> UserId {
    credential.map_or_else(|| nobody(email), |credential| credential.user_id)
}

/// What the session begins with.
fn beginning<'a>(profile: &'a Profile, attempt: &'a LoginAttempt, enrolling: bool) -> Beginning<'a> {
    Beginning {
        user: profile.id,
        epoch: profile.epoch,
        device: &attempt.caller.device,
        claimed: attempt.claimed.as_ref(),
        fingerprint: attempt.fingerprint.as_ref(),
        delivery: attempt.carrier.delivery(),
        shown: &[Amr::Pwd],
        factor: false,
        enrolling,
        of: (&attempt.email, profile.password_changed_at),
        shown_device: attempt.known.as_ref(),
    }
}

/// Remembers that the password was right, for whoever shows a second factor in time.
async fn ask_for_second_step(
    service: &impl LogsIn,
    moment: &Moment,
    profile: &Profile,
    (attempt, password_change_advised): (&LoginAttempt, bool),
) -> Result<SecondStep, FlowError> {
    let token = second_step::new_token()?;
    let challenge = Challenge {
        user_id: profile.id,
        epoch: profile.epoch,
        delivery: attempt.carrier.delivery(),
        device: attempt.caller.device.clone(),
        fingerprint: attempt.fingerprint.clone(),
        claimed: attempt.claimed.clone(),
        ends: moment.now + STEP_LIFE,
        used_by: None,
        password_change_advised,
    };
    service.store().put_challenge(&second_step::digest(&token), &challenge).await?;
    Ok(SecondStep {
        token,
        factors: profile.factors.clone(),
        expires_in: STEP_LIFE,
        quota: Quota::unused("account", service.attempts().account),
    })
}

/// Brings a hash up to date that was made with other work, or of another form of the password.
async fn upgrade(
    service: &impl LogsIn,
    moment: &Moment,
    (verified, verdict): (&Credential, Examined),
    attempt: &LoginAttempt,
) {
    let is_outdated = verdict == Examined::RightAsTyped
        || verified.password_hash.as_ref().is_some_and(|hash| service.hasher().is_outdated(hash));
    if !is_outdated {
        return;
    }
    let upgraded = match service.hasher().hash(&attempt.password).await {
        Ok(hash) => {
            service.store().upgrade_hash(&attempt.email, verified, &hash).await.map_err(FlowError::from)
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = upgraded {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a hash was not upgraded");
    }
}
