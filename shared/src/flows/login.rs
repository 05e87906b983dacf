//! Login: an attempt is reserved, the password verified, and a session begun.
//!
//! Three round trips besides the hash, when nothing contends:
//!
//! 1. a place for the address ‖ the credential ‖ the call counted;
//! 2. a place for the account ‖ the profile;
//!    (the hash, and beside it the credential once more)
//! 3. the session ‖ the security event ‖ the profile once more ‖ the account's attempts cleared ‖ the address's place given back;
//!    or, for a wrong password, the run counted ‖ the security event.
//!
//! INVARIANT: the password is verified against a credential that was read *after* the profile whose epoch the session gets.
//! Whatever changes how a user authenticates raises the epoch. So a change before the last read of the credential is seen by it,
//! and one after the read of the profile makes the session dead at its birth: no transaction has to hold them together. The
//! profile is read once more for the answer alone: nobody is given tokens that are dead already.
//!
//! An address that nobody has costs the same calls, the same writes and the same hash, and gets the same answer.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Caller, FlowError,
    attempts::{self, Place},
    csrf::{self, Carrier, Delivered},
    journal::announce,
    readable, session_limit,
};
use crate::{
    domain::{
        attempts::Quota,
        email::Email,
        ids::{FingerprintHash, SessionId, UserId},
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
    service::AuthService,
    store::{Credential, EventRow, StoreError},
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
    let user = owner(credential.as_ref(), &attempt.email);
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
        let (verdict, now) = tokio::join!(
            service.hasher.examine(&attempt.password, hash),
            service.store.credential(&attempt.email)
        );
        let (verdict, now) = (verdict?, now?);
        if now != credential {
            (credential, profile) = read_again(service, attempt, Some(now)).await?;
            continue;
        }
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
        let (begun, ()) = tokio::join!(begin_session(service, moment, &active, attempt), forgive);
        let (begun, user) = begun?;
        if user.as_ref().is_some_and(|user| user.is_active() && user.epoch == begun.session.epoch) {
            upgrade(service, moment, (known, verdict), attempt).await;
            return welcome(service, moment, active, &begun, attempt).await;
        }
        withdraw(service, moment, &begun.session).await;
        if !user.is_some_and(|user| user.is_active()) {
            return Err(Refusal::AccountInactive.into());
        }
        (credential, profile) = read_again(service, attempt, None).await?;
    }
    Err(StoreError::Unavailable { operation: "complete a login", reason: "contention".to_owned() }.into())
}

/// Credential and profile, in this order: as they are after something was changed.
async fn read_again(
    service: &AuthService,
    attempt: &LoginAttempt,
    read: Option<Option<Credential>>,
) -> Result<(Option<Credential>, Option<Profile>), StoreError> {
    let credential = match read {
        Some(credential) => credential,
        None => service.store.credential(&attempt.email).await?,
    };
    let profile = service.store.profile(owner(credential.as_ref(), &attempt.email)).await?;
    Ok((credential, profile))
}

/// Whose profile is asked for.
fn owner(credential: Option<&Credential>, email: &Email) -> UserId {
    credential.map_or_else(|| attempts::nobody(email), |credential| credential.user_id)
}

/// A session that was written, and that nobody knows of yet.
struct Begun {
    session: Session,
    first: First,
    entry: EventRow,
}

/// Writes a session and its entry in the security log, and reads the user once more beside them. Where one of the three fails
/// the session is taken back: nobody is given its tokens.
async fn begin_session(
    service: &AuthService,
    moment: &Moment,
    profile: &Profile,
    attempt: &LoginAttempt,
) -> Result<(Begun, Option<Profile>), FlowError> {
    let first = service.refresh.begin(moment.now).await?;
    let session = new_session(service, moment, profile, attempt, &first)?;
    let event = SecurityEvent::AuthnLoginSuccess;
    let entry = service.journal.entry(event, moment, profile.id, &attempt.caller.device);
    let entry = entry.of_session(session.session_id);
    let (put, logged, user) = tokio::join!(
        service.store.put_session(&session),
        service.store.put_event(&entry),
        service.store.profile(profile.id)
    );
    match put.and(logged).and(user) {
        Ok(user) => Ok((Begun { session, first, entry }, user)),
        Err(error) => {
            withdraw(service, moment, &session).await;
            Err(error.into())
        }
    }
}

/// A session whose tokens nobody gets. That it stays in its user's list for a while, where it can't be ended, hurts nobody.
async fn withdraw(service: &AuthService, moment: &Moment, session: &Session) {
    let withdrawn = service.store.withdraw_session(session.user_id, session.session_id, moment.now).await;
    if let Err(error) = withdrawn {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a session was not withdrawn");
    }
}

/// Brings a hash up to date that was made with other work, or of another form of the password.
async fn upgrade(
    service: &AuthService,
    moment: &Moment,
    (verified, verdict): (&Credential, Verdict),
    attempt: &LoginAttempt,
) {
    let is_outdated = verdict == Verdict::RightAsTyped
        || verified.password_hash.as_ref().is_some_and(|hash| service.hasher.is_outdated(hash));
    if !is_outdated {
        return;
    }
    let upgraded = match service.hasher.hash(&attempt.password).await {
        Ok(hash) => {
            service.store.upgrade_hash(&attempt.email, verified, &hash).await.map_err(FlowError::from)
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = upgraded {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a hash was not upgraded");
    }
}

/// The answer to somebody whose session has begun.
async fn welcome(
    service: &AuthService,
    moment: &Moment,
    user: Profile,
    Begun { session, first, entry }: &Begun,
    attempt: &LoginAttempt,
) -> Result<LoggedIn, FlowError> {
    announce(entry);
    session_limit::end_the_oldest(service, moment, &user, &attempt.caller.device).await;
    let refresh = service.refresh.first_token(session, &first.id, moment.now).await?;
    Ok(LoggedIn {
        access: service.access.issue(&user, session, moment.now).await?,
        refresh: csrf::deliver(&service.refresh, moment, session, refresh).await?,
        profile: user,
        quota: Quota::unused("account", service.attempts.account),
    })
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
        auth_time: None,
        factor_time: None,
        amr: BTreeSet::new(),
    })
}

/// Rows keep milliseconds, and a session in memory must be the one in the table.
fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
