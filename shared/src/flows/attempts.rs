//! A place to try a password: taken before any hashing, first by address, then by account, and given back when
//! nothing was guessed.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::FlowError;
use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Limit, Quota, Window},
        email::Email,
        moment::Moment,
        refusal::Refusal,
    },
    entropy,
    store::{AttemptsKey, Reservation, Store},
};

/// How long an honest login waits for others of its address that are in flight.
const PATIENCE: Duration = Duration::from_secs(5);

/// A place in a window.
#[derive(Debug)]
pub struct Place {
    key: AttemptsKey,
    entry: Entry,
    /// The window, with this place in it.
    pub window: Window,
    /// When it was taken: later than the request, if it had to wait.
    pub moment: Moment,
    /// Whether it had to wait; what was read before may be out of date.
    pub waited: bool,
}

impl Place {
    /// The entry that stands for it.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }
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
        let window = match store.reserve_attempt(&key, &entry, limit, now).await? {
            Reservation::Taken(window) => {
                return Ok(Place { key, entry, window, moment, waited });
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
    match store.reserve_attempt(&key, &entry, limit, moment.now).await? {
        Reservation::Taken(window) => Ok(Place { key, entry, window, moment: moment.clone(), waited: false }),
        Reservation::Full(window) => {
            Err(Refusal::LoginLocked(Quota::of("account", &window, limit, moment.now)).into())
        }
    }
}

/// Gives a place back. If that fails the place stays taken until its window ends, which locks nobody out for longer
/// than a wrong password would, so the answer does not depend on it.
pub async fn leave(store: &Store, place: &Place) {
    if let Err(error) = store.give_back_attempt(&place.key, &place.entry).await {
        tracing::error!(error = %error, request.id = place.moment.request.as_str(), "an attempt was not given back");
    }
}
