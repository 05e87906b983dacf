//! A session begins: written with its entry in the security log, and its tokens made.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    FlowError,
    csrf::{self, Delivered},
    journal::announce,
    session_limit,
};
use crate::{
    domain::{
        attempts::Quota,
        email::Email,
        factors::Amr,
        ids::{DeviceId, FingerprintHash, SessionId, UserId},
        moment::Moment,
        security_event::SecurityEvent,
        session::{ClaimedDevice, Delivery, Device, Session, State, whole_seconds},
        user::Profile,
    },
    entropy,
    keys::{First, IssuedAccess, KeysError, Token},
    service::{BeginsSessions, HasDevices, HasLifetimes, HasRefresh, HasStore},
    store::EventRow,
};

/// A session that has begun.
#[derive(Debug)]
pub struct LoggedIn {
    /// The access token.
    pub access: IssuedAccess,
    /// The refresh token.
    pub refresh: Delivered,
    /// The user.
    pub profile: Profile,
    /// The account's window, empty again, where a password was shown.
    pub quota: Option<Quota>,
    /// Whether the session opens nothing but the enrolment of a second factor.
    pub enrolling: bool,
    /// Whether the password was breached elsewhere: the user should set another.
    pub password_change_advised: bool,
    /// What the device is to keep of this login, where the stack knows devices.
    pub device: Option<Token>,
}

/// What a session begins with.
#[derive(Debug)]
pub(super) struct Beginning<'a> {
    /// Whose it is.
    pub user: UserId,
    /// The user's epoch, read before the credential was read for the last time.
    pub epoch: u64,
    /// The device as the service saw it.
    pub device: &'a Device,
    /// What the client says of itself.
    pub claimed: Option<&'a ClaimedDevice>,
    /// SHA-256 of the client's fingerprint.
    pub fingerprint: Option<&'a FingerprintHash>,
    /// How its refresh tokens travel.
    pub delivery: Delivery,
    /// How the user showed who they are.
    pub shown: &'a [Amr],
    /// Whether a second factor was among it.
    pub factor: bool,
    /// Whether it opens nothing but the enrolment of a second factor.
    pub enrolling: bool,
    /// The user's address, and when they last set a password.
    pub of: (&'a Email, Timestamp),
    /// What the device showed of a login before.
    pub shown_device: Option<&'a Token>,
}

/// A session that was written, and that nobody knows of yet.
pub(super) struct Begun {
    pub session: Session,
    first: First,
    entry: EventRow,
}

/// Writes a session and its entry in the security log, and reads the user once more beside them. Where one of the three fails
/// the session is taken back: nobody is given its tokens.
pub(super) async fn begin_session(
    service: &impl BeginsSessions,
    moment: &Moment,
    beginning: &Beginning<'_>,
) -> Result<(Begun, Option<Profile>), FlowError> {
    let first = service.refresh().begin(moment.now).await?;
    let new_device = is_told(service, moment, beginning).await?;
    let session = Session { new_device, ..new_session(service, moment, beginning, &first)? };
    let event = SecurityEvent::AuthnLoginSuccess;
    let entry = service.journal().entry(event, moment, beginning.user, beginning.device);
    let entry = entry.of_session(session.session_id);
    let (put, logged, user) = tokio::join!(
        service.store().put_session(&session),
        service.store().put_event(&entry),
        service.store().profile(beginning.user)
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
pub(super) async fn withdraw(service: &impl HasStore, moment: &Moment, session: &Session) {
    let withdrawn = service.store().withdraw_session(session.user_id, session.session_id, moment.now).await;
    if let Err(error) = withdrawn {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a session was not withdrawn");
    }
}

/// Which device this is, if it shows that it logged in with this address before.
pub(super) async fn known_device(
    service: &(impl HasDevices + HasRefresh),
    moment: &Moment,
    email: &Email,
    shown: Option<&Token>,
) -> Result<Option<DeviceId>, KeysError> {
    match shown.filter(|_| service.devices().known) {
        Some(token) => service.refresh().devices().device(token, email, moment.now).await,
        None => Ok(None),
    }
}

/// Whether the user is to hear of this login: the stack tells of new devices, and this is one. A device of before the last password is
/// one, too: it may be a thief's.
async fn is_told(
    service: &(impl HasDevices + HasRefresh),
    moment: &Moment,
    beginning: &Beginning<'_>,
) -> Result<bool, KeysError> {
    let ((email, since), shown) = (beginning.of, beginning.shown_device);
    if !service.devices().told {
        return Ok(false);
    }
    let Some(token) = shown else { return Ok(true) };
    let made = service.refresh().devices().made(token, email, moment.now).await?;
    // Tokens tell whole seconds.
    Ok(made.is_none_or(|made| made.as_second() < since.as_second()))
}

/// What the device keeps: it stays the one that it was, and is known for as long again.
async fn keepsake(
    service: &(impl HasDevices + HasRefresh),
    moment: &Moment,
    email: &Email,
    shown: Option<&Token>,
) -> Result<Option<Token>, KeysError> {
    if !service.devices().known {
        return Ok(None);
    }
    let known = known_device(service, moment, email, shown).await?;
    service.refresh().devices().issue(email, known, moment.now).await.map(Some)
}

/// The answer to somebody whose session has begun, on a device that showed this of a login before.
pub(super) async fn welcome(
    service: &impl BeginsSessions,
    moment: &Moment,
    user: Profile,
    (Begun { session, first, entry }, shown): (&Begun, Option<&Token>),
) -> Result<LoggedIn, FlowError> {
    announce(entry);
    session_limit::end_the_oldest(service, moment, &user, &session.device).await;
    let refresh = service.refresh().first_token(session, &first.id, moment.now).await?;
    Ok(LoggedIn {
        access: service.access().issue(&user, session, service.lifetimes(), moment.now).await?,
        refresh: csrf::deliver(service.refresh(), moment, session, refresh).await?,
        device: keepsake(service, moment, &user.email, shown).await?,
        profile: user,
        quota: None,
        enrolling: session.state == State::Enrolling,
        password_change_advised: false,
    })
}

fn new_session(
    service: &impl HasLifetimes,
    moment: &Moment,
    beginning: &Beginning<'_>,
    first: &First,
) -> Result<Session, FlowError> {
    let now = to_millis(moment.now);
    Ok(Session {
        user_id: beginning.user,
        session_id: SessionId::new(entropy::uuid(now)?),
        state: if beginning.enrolling { State::Enrolling } else { State::Active },
        epoch: beginning.epoch,
        delivery: beginning.delivery,
        generation: 0,
        current: first.id.hash(),
        previous: None,
        rotated_at: now,
        rotation_kid: first.kid.clone(),
        idle_end: whole_seconds(now + service.lifetimes().refresh),
        rotation_request: moment.request.clone(),
        device: beginning.device.clone(),
        fingerprint: beginning.fingerprint.cloned(),
        claimed: beginning.claimed.cloned(),
        created_at: now,
        absolute_end: whole_seconds(now + service.lifetimes().session),
        refreshes_end: None,
        refreshes: None,
        revoked_tokens: BTreeSet::new(),
        auth_time: Some(now),
        new_device: false,
        ended_by: None,
        factor_time: beginning.factor.then_some(now),
        amr: beginning.shown.iter().copied().collect(),
    })
}

/// Rows keep milliseconds, and a session in memory must be the one in the table.
fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
