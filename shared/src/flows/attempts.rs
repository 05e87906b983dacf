//! A place to try a password: taken before any hashing, first by address, then by account, and given back when
//! nothing was guessed.

use std::time::Duration;

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{FlowError, journal::announce};
use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Limit, Quota, Window},
        email::Email,
        ids::UserId,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Device,
    },
    entropy,
    service::AuthService,
    settings::RunAction,
    store::{AttemptsKey, EpochChange, Reservation, Run, Store, StoreError},
    telemetry,
};

/// How long an honest login waits for others of its address that are in flight.
const PATIENCE: Duration = Duration::from_secs(5);

/// A place in a window.
#[derive(Debug)]
pub struct Place {
    key: AttemptsKey,
    entry: Entry,
    policy: &'static str,
    /// The window, with this place in it.
    pub window: Window,
    /// When it was taken: later than the request, if it had to wait.
    pub moment: Moment,
    /// Whether it had to wait; what was read before may be out of date.
    pub waited: bool,
}

/// Takes a place for an address. Where its window is full of logins that may be honest and in flight (an office, in
/// the morning), it waits for one of them to be through.
///
/// # Errors
/// [`Refusal::AddressLimited`], or that storage failed.
pub async fn enter_address(
    store: &Store,
    limit: Limit,
    moment: &Moment,
    address: ClientAddress,
) -> Result<Place, FlowError> {
    let key = AttemptsKey::address(address);
    let arrived = Instant::now();
    let mut waited = false;
    loop {
        let now = moment.now + SignedDuration::try_from(arrived.elapsed()).unwrap_or(SignedDuration::ZERO);
        let moment = moment.at(now);
        let entry = Entry::new(&moment);
        let reserved = store.reserve_attempt(&key, &entry, limit, now).await;
        let window = match undone(store, &key, &entry, reserved).await? {
            Reservation::Taken(window) => {
                return Ok(Place { key, entry, policy: "address", window, moment, waited });
            }
            Reservation::Full(window) => window,
        };
        let pause = entropy::jitter(Duration::from_millis(50), Duration::from_millis(250));
        if !window.has_entries_in_flight(now) || arrived.elapsed() + pause > PATIENCE {
            return Err(Refusal::AddressLimited(Quota::of("address", &window, limit, now)).into());
        }
        tokio::time::sleep(pause).await;
        waited = true;
    }
}

/// Takes a place for an account, whether or not there is such an account.
///
/// # Errors
/// [`Refusal::LoginLocked`], or that storage failed.
pub async fn enter_account(
    store: &Store,
    limit: Limit,
    moment: &Moment,
    email: &Email,
) -> Result<Place, FlowError> {
    let key = AttemptsKey::account(email);
    let entry = Entry::new(moment);
    let reserved = store.reserve_attempt(&key, &entry, limit, moment.now).await;
    match undone(store, &key, &entry, reserved).await? {
        Reservation::Taken(window) => {
            Ok(Place { key, entry, policy: "account", window, moment: moment.clone(), waited: false })
        }
        Reservation::Full(window) => {
            Err(Refusal::LoginLocked(Quota::of("account", &window, limit, moment.now)).into())
        }
    }
}

/// A reservation whose answer was lost may have taken: five of those would lock an honest client out. So the entry is
/// taken back, if that goes quickly; what the caller hears is the first error all the same.
async fn undone(
    store: &Store,
    key: &AttemptsKey,
    entry: &Entry,
    reserved: Result<Reservation, StoreError>,
) -> Result<Reservation, StoreError> {
    if reserved.is_err() {
        // That it did not go is what the first error says already.
        let _ = tokio::time::timeout(store.patience().attempt, store.give_back_attempt(key, entry)).await;
    }
    reserved
}

/// Gives a place back. If that fails the place stays taken until its window ends, which locks nobody out for longer
/// than a wrong password would, so the answer does not depend on it.
pub async fn leave(store: &Store, place: &Place) {
    if let Err(error) = store.give_back_attempt(&place.key, &place.entry).await {
        tracing::error!(error = %error, request.id = place.moment.request.as_str(), "an attempt was not given back");
    }
}

/// Holds a wrong password against account and address, whose entries stay where they are, and says what is left. That
/// the rest could not be written is logged, and makes the answer no other.
pub async fn count_failure(
    service: &AuthService,
    account: &Place,
    email: &Email,
    user: Option<UserId>,
    device: &Device,
) -> Quota {
    let moment = &account.moment;
    let quota = Quota::of(account.policy, &account.window, service.attempts.account, moment.now);
    let kind =
        if quota.remaining == 0 { SecurityEvent::AuthnLoginLock } else { SecurityEvent::AuthnLoginFail };
    let entry = match user {
        Some(user) => service.journal.entry(kind, moment, user, device),
        None => service.journal.entry_of_nobody(kind, moment, nobody(email), device),
    };
    let (run, written) = tokio::join!(
        service.store.count_failure(email, &account.entry, moment.now),
        service.store.put_event(&entry),
    );
    telemetry::security_event(kind, moment.request.as_str(), user, None);
    let alarmed = match &run {
        Ok(Run::Complete(by)) => alarm(service, moment, email, user, device, by).await,
        // Whoever completed it is through by now: their alarm failed, or the run would have ended.
        Ok(Run::Full(by)) if !by.is_in_flight(moment.now) => {
            alarm(service, moment, email, user, device, by).await
        }
        _ => Ok(()),
    };
    for error in [run.err(), written.err(), alarmed.err()].into_iter().flatten() {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a failure was not recorded");
    }
    quota
}

/// A run of failures has become so long that somebody should look, and, where that is switched on, that the account is
/// disabled. When both are written the next run begins, at whose end it happens again.
async fn alarm(
    service: &AuthService,
    moment: &Moment,
    email: &Email,
    user: Option<UserId>,
    device: &Device,
    completed_by: &Entry,
) -> Result<(), StoreError> {
    telemetry::security_event(SecurityEvent::AuthnLoginFailMax, moment.request.as_str(), user, None);
    if let Some(user) = user {
        let entry = |kind| service.journal.entry(kind, moment, user, device);
        service.store.put_event(&entry(SecurityEvent::AuthnLoginFailMax)).await?;
        if service.run_action == RunAction::Disable {
            let updated = entry(SecurityEvent::UserUpdated);
            service.store.change_epoch(user, EpochChange::Disable, &updated).await?;
            announce(&updated);
        }
    }
    service.store.end_run(email, completed_by).await
}

/// The password was right, so nothing was guessed: the account's attempts are cleared and the address gets its place
/// back. That this could not be written locks nobody out for longer than a wrong password would.
pub async fn forgive(service: &AuthService, address: &Place, account: &Place, email: &Email) {
    let cleared = service.store.clear_account_attempts(email, &account.entry);
    let (cleared, ()) = tokio::join!(cleared, leave(&service.store, address));
    if let Err(error) = cleared {
        tracing::error!(error = %error, request.id = address.moment.request.as_str(), "attempts were not cleared");
    }
}

/// The id that an address without an account has in our calls: always the same, and nobody's.
#[must_use]
pub fn nobody(email: &Email) -> UserId {
    let digest = Sha256::new().chain_update(b"nova/nobody/v1").chain_update(email.as_str()).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, source)| *byte = source);
    UserId::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
