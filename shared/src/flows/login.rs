//! Login: an attempt is reserved, the password verified, and a session begun in one transaction.
//!
//! Three round trips besides the hash, when nothing contends:
//!
//! 1. a place for the address ‖ the credential ‖ the call counted;
//! 2. a place for the account ‖ the profile;
//! 3. (the hash, then) the transaction ‖ the account's attempts cleared ‖ the address's place given back;
//!    or, for a wrong password, the run counted ‖ the security event.
//!
//! An address that nobody has costs the same calls, the same writes and the same hash, and gets the same answer.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Caller, FlowError,
    attempts::{self, Place},
    csrf::{self, Carrier, Delivered},
    readable, session_limit,
};
use crate::{
    app::AuthService,
    domain::{
        attempts::Quota,
        email::Email,
        ids::{FingerprintHash, SessionId},
        moment::Moment,
        password::Password,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{ClaimedDevice, Session, State, whole_seconds},
        user::Profile,
    },
    entropy,
    keys::{First, IssuedAccess},
    passwords::Verdict,
    rate_limit,
    store::{Credential, EventRow, LoginCommit, LoginCommitted, StoreError},
    telemetry,
};

/// What somebody typed, and from where.
#[derive(Debug)]
pub struct LoginAttempt {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// Who is calling.
    pub caller: Caller,
    /// What the client says of itself.
    pub claimed: Option<ClaimedDevice>,
    /// SHA-256 of the client's fingerprint.
    pub fingerprint: Option<FingerprintHash>,
    /// How the session's refresh tokens are to travel.
    pub carrier: Carrier,
}

/// A session that has begun.
#[derive(Debug)]
pub struct LoggedIn {
    /// The access token.
    pub access: IssuedAccess,
    /// The refresh token.
    pub refresh: Delivered,
    /// The user.
    pub profile: Profile,
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
    service: &AuthService,
    moment: &Moment,
    attempt: &LoginAttempt,
) -> Result<LoggedIn, FlowError> {
    // Without keys there would be nothing to answer with, so nothing is begun.
    service.ready(moment.now).await?;
    if let Carrier::Cookie(proof) = &attempt.carrier {
        csrf::check_login(&service.refresh, moment, proof).await?;
    }
    let caller = rate_limit::Caller::address(attempt.caller.address);
    service.rate_limit.check(&caller, moment.now).map_err(Refusal::ApiRateLimited)?;
    let (address, credential, rate) = tokio::join!(
        attempts::enter_address(&service.store, service.attempts.address, moment, attempt.caller.address),
        service.store.credential(&attempt.email),
        service.rate_limit.count(&service.store, &caller, moment.now),
    );
    let address = address?;
    if let Some(refused) = over_the_limit(rate) {
        attempts::leave(&service.store, &address).await;
        return Err(refused);
    }
    match at_address(service, &address, credential, attempt).await {
        Ok(logged_in) => Ok(logged_in),
        // A guess was made: it counts.
        Err(refused @ FlowError::Refused(Refusal::InvalidCredentials(_))) => Err(refused),
        Err(other) => {
            attempts::leave(&service.store, &address).await;
            Err(other)
        }
    }
}

/// Whether the address has called too often, or nobody can tell.
fn over_the_limit(rate: Result<Option<Result<Quota, Quota>>, StoreError>) -> Option<FlowError> {
    match rate {
        Ok(Some(Err(quota))) => Some(Refusal::ApiRateLimited(quota).into()),
        Ok(_) => None,
        Err(error) => Some(error.into()),
    }
}

/// The rest, with a place for the address taken.
async fn at_address(
    service: &AuthService,
    address: &Place,
    credential: Result<Option<Credential>, StoreError>,
    attempt: &LoginAttempt,
) -> Result<LoggedIn, FlowError> {
    let mut credential = credential?;
    if address.waited {
        credential = service.store.credential(&attempt.email).await?;
    }
    let user =
        credential.as_ref().map_or_else(|| attempts::nobody(&attempt.email), |credential| credential.user_id);
    let (account, profile) = tokio::join!(
        attempts::enter_account(&service.store, service.attempts.account, &address.moment, &attempt.email),
        service.store.profile(user),
    );
    let account = account?;
    let outcome = async { at_account(service, address, &account, credential, profile?, attempt).await }.await;
    if matches!(outcome, Err(ref error) if !matches!(error, FlowError::Refused(_))) {
        attempts::leave(&service.store, &account).await;
    }
    outcome
}

/// The rest, with both places taken: verify, begin, and start again where the truth has moved on.
async fn at_account(
    service: &AuthService,
    address: &Place,
    account: &Place,
    mut credential: Option<Credential>,
    mut profile: Option<Profile>,
    attempt: &LoginAttempt,
) -> Result<LoggedIn, FlowError> {
    let moment = &account.moment;
    for _ in 0..MAX_ROUNDS {
        let hash = readable(credential.as_ref(), moment);
        let verdict = service.hasher.examine(&attempt.password, hash).await?;
        let Some(known) = credential.as_ref().filter(|_| verdict != Verdict::Wrong) else {
            let user = credential.as_ref().map(|credential| credential.user_id);
            let quota =
                attempts::count_failure(service, account, &attempt.email, user, &attempt.caller.device).await;
            return Err(Refusal::InvalidCredentials(quota).into());
        };
        // The password was right: nothing was guessed, so nothing is held against account or address.
        let forgive = attempts::forgive(service, address, account, &attempt.email);
        let Some(active) = profile.filter(Profile::is_active) else {
            forgive.await;
            return Err(Refusal::AccountInactive.into());
        };
        let (begun, ()) =
            tokio::join!(begin_session(service, moment, (known, verdict), &active, attempt), forgive);
        match begun? {
            (LoginCommitted::Done, session, first) => {
                session_limit::end_the_oldest(service, moment, &active, &attempt.caller.device).await;
                let refresh = service.refresh.first_token(&session, &first.id, moment.now).await?;
                return Ok(LoggedIn {
                    access: service.access.issue(&active, &session, moment.now).await?,
                    refresh: csrf::deliver(&service.refresh, moment, &session, refresh).await?,
                    profile: active,
                    quota: Quota::unused("account", service.attempts.account),
                });
            }
            (LoginCommitted::UserInactive, ..) => return Err(Refusal::AccountInactive.into()),
            (LoginCommitted::CredentialChanged | LoginCommitted::EpochRaised, ..) => {
                credential = service.store.credential(&attempt.email).await?;
                let user = credential
                    .as_ref()
                    .map_or_else(|| attempts::nobody(&attempt.email), |found| found.user_id);
                profile = service.store.profile(user).await?;
            }
        }
    }
    Err(StoreError::Unavailable { operation: "complete a login", reason: "contention".to_owned() }.into())
}

async fn begin_session(
    service: &AuthService,
    moment: &Moment,
    (verified, verdict): (&Credential, Verdict),
    profile: &Profile,
    attempt: &LoginAttempt,
) -> Result<(LoginCommitted, Session, First), FlowError> {
    let is_outdated = verdict == Verdict::RightAsTyped
        || verified.password_hash.as_ref().is_some_and(|hash| service.hasher.is_outdated(hash));
    let upgraded = match is_outdated {
        true => Some(service.hasher.hash(&attempt.password).await?),
        false => None,
    };
    let first = service.refresh.begin(moment.now).await?;
    let session = new_session(service, moment, profile, attempt, &first)?;
    let event = EventRow::new(
        SecurityEvent::AuthnLoginSuccess,
        moment,
        profile.id,
        &attempt.caller.device,
        moment.now + service.security_log,
    )
    .of_session(session.session_id);
    let commit = LoginCommit {
        email: &attempt.email,
        verified,
        upgraded: upgraded.as_ref(),
        session: &session,
        event: &event,
        now: moment.now,
    };
    let committed = service.store.commit_login(&commit).await?;
    if matches!(committed, LoginCommitted::Done) {
        telemetry::security_event(event.event, moment, Some(profile.id), Some(session.session_id));
    }
    Ok((committed, session, first))
}

fn new_session(
    service: &AuthService,
    moment: &Moment,
    profile: &Profile,
    attempt: &LoginAttempt,
    first: &First,
) -> Result<Session, FlowError> {
    let now = to_millis(moment.now);
    Ok(Session {
        user_id: profile.id,
        session_id: SessionId::new(entropy::uuid(now)?),
        state: State::Active,
        epoch: profile.epoch,
        delivery: attempt.carrier.delivery(),
        generation: 0,
        current: first.id.hash(),
        previous: None,
        rotated_at: now,
        rotation_kid: first.kid.clone(),
        idle_end: whole_seconds(now + service.lifetimes.refresh),
        rotation_request: moment.request.clone(),
        device: attempt.caller.device.clone(),
        fingerprint: attempt.fingerprint.clone(),
        claimed: attempt.claimed.clone(),
        created_at: now,
        absolute_end: whole_seconds(now + service.lifetimes.session),
        refreshes_end: None,
        refreshes: None,
        revoked_tokens: BTreeSet::new(),
    })
}

/// Rows keep milliseconds, and a session in memory must be the one in the table.
fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
