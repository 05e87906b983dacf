//! A place in a window: taken by an address, or by an account, and given back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{Counted, RateLimit};
use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Limit, Quota},
        email::Email,
        ids::{DeviceId, UserId},
        moment::Moment,
        refusal::Refusal,
    },
    entropy,
    flow_error::FlowError,
    store::{AttemptsKey, Reservation, Store, StoreError, Taken, Wanted},
};

/// A place in a window.
#[derive(Debug)]
#[must_use = "it is given back, or a guess was made"]
pub struct Place {
    pub(super) key: AttemptsKey,
    pub(super) entry: Entry,
    pub(super) policy: &'static str,
    pub(super) taken: Taken,
    /// When it was taken: later than the request, if it had to wait.
    pub moment: Moment,
    /// Whether it had to wait; what was read before may be out of date.
    pub waited: bool,
}

/// Takes a place for an address. Where its window is full of logins that may be honest and in flight (an office, in
/// the morning), it waits for one of them to be through. With a rate limit the same write counts the call.
///
/// # Errors
/// [`Refusal::AddressLimited`], [`Refusal::ApiRateLimited`], or that storage failed.
pub async fn enter_address(
    store: &Store,
    limit: Limit,
    calls: Option<&RateLimit>,
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
        let calls_limit = calls.and_then(RateLimit::limit);
        let wanted = Wanted { key: &key, entry: &entry, limit, calls: calls_limit, now };
        let window = match reserve(store, wanted).await? {
            Reservation::Taken(taken) => {
                return Ok(Place { key, entry, policy: "address", taken, moment, waited });
            }
            Reservation::TooManyCalls(until) => return Err(too_many_calls(calls, address, until, now)),
            Reservation::Full(window) => window,
        };
        let pause = entropy::jitter(Duration::from_millis(50), Duration::from_millis(250));
        if !window.has_entries_in_flight(now) || arrived.elapsed() + pause > store.patience().turn {
            count_refused(store, calls, &key, &moment, address).await;
            return Err(Refusal::AddressLimited(Quota::of("address", &window, limit, now)).into());
        }
        tokio::time::sleep(pause).await;
        waited = true;
    }
}

/// Takes a place in a window for good, and counts the call with it, if it is to be counted.
///
/// # Errors
/// [`Refusal::AddressLimited`], [`Refusal::ApiRateLimited`], or that storage failed; then it may be taken.
pub(super) async fn enter_for_good(
    store: &Store,
    (key, limit): (&AttemptsKey, Limit),
    calls: Option<&RateLimit>,
    moment: &Moment,
    address: ClientAddress,
) -> Result<(), FlowError> {
    let (entry, now) = (Entry::new(moment), moment.now);
    let wanted = Wanted { key, entry: &entry, limit, calls: calls.and_then(RateLimit::limit), now };
    match store.reserve_attempt(wanted).await? {
        Reservation::Taken(_) => Ok(()),
        Reservation::TooManyCalls(until) => Err(too_many_calls(calls, address, until, now)),
        Reservation::Full(window) => {
            count_refused(store, calls, key, moment, address).await;
            Err(Refusal::AddressLimited(Quota::of("address", &window, limit, now)).into())
        }
    }
}

fn too_many_calls(
    calls: Option<&RateLimit>,
    address: ClientAddress,
    until: Timestamp,
    now: Timestamp,
) -> FlowError {
    let quota = calls.map(|calls| calls.refuse(&Counted::address(address), until, now));
    match quota {
        Some(quota) => Refusal::ApiRateLimited(quota).into(),
        None => StoreError::Malformed { operation: "count a call" }.into(),
    }
}

/// A call that finds its window full counts as a call, or a flood of them would have no end. It is refused already, so that it could
/// not be counted makes its answer no other.
async fn count_refused(
    store: &Store,
    calls: Option<&RateLimit>,
    key: &AttemptsKey,
    moment: &Moment,
    address: ClientAddress,
) {
    let Some(calls) = calls else { return };
    if let Err(error) = calls.count_refused(store, key, address, moment.now).await {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "a refused call was not counted");
    }
}

/// Takes a place for an account, whether or not there is such an account.
///
/// # Errors
/// [`Refusal::LoginLocked`], or that storage failed.
pub(super) async fn enter_account(
    store: &Store,
    limit: Limit,
    moment: &Moment,
    email: &Email,
) -> Result<Place, FlowError> {
    enter(store, limit, moment, AttemptsKey::account(email)).await
}

/// The same for a device that logged in to this account before: in its own window, which no stranger can fill. Who has filled that is
/// a stranger, too.
///
/// # Errors
/// [`Refusal::LoginLocked`], or that storage failed.
pub(super) async fn enter_from_device(
    store: &Store,
    limit: Limit,
    moment: &Moment,
    (email, device): (&Email, &DeviceId),
) -> Result<Place, FlowError> {
    match enter(store, limit, moment, AttemptsKey::device(device)).await {
        Err(FlowError::Refused(Refusal::LoginLocked(_))) => enter_account(store, limit, moment, email).await,
        entered => entered,
    }
}

async fn enter(store: &Store, limit: Limit, moment: &Moment, key: AttemptsKey) -> Result<Place, FlowError> {
    let (entry, now) = (Entry::new(moment), moment.now);
    match reserve(store, Wanted { key: &key, entry: &entry, limit, calls: None, now }).await? {
        Reservation::Taken(taken) => {
            Ok(Place { key, entry, policy: "account", taken, moment: moment.clone(), waited: false })
        }
        Reservation::Full(window) => {
            Err(Refusal::LoginLocked(Quota::of("account", &window, limit, now)).into())
        }
        // No calls are counted there.
        Reservation::TooManyCalls(_) => Err(StoreError::Malformed { operation: "count a call" }.into()),
    }
}

/// Asks for a place. A reservation whose answer was lost may have taken: five of those would lock an honest client out. So the entry
/// is taken back, if that goes quickly; what the caller hears is the first error all the same.
async fn reserve(store: &Store, wanted: Wanted<'_>) -> Result<Reservation, StoreError> {
    let reserved = store.reserve_attempt(wanted).await;
    if reserved.is_err() {
        // That it did not go is what the first error says already.
        let undone = store.give_back_attempt(wanted.key, wanted.entry, &[]);
        let _ = tokio::time::timeout(store.patience().attempt, undone).await;
    }
    reserved
}

/// Gives a place back. If that fails the place stays taken until its window ends, which locks nobody out for longer
/// than a wrong password would, so the answer does not depend on it.
pub async fn leave(store: &Store, place: &Place) {
    if let Err(error) = store.give_back_attempt(&place.key, &place.entry, &place.taken.over).await {
        tracing::error!(error = %error, request.id = place.moment.request.as_str(), "an attempt was not given back");
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
