//! A password that is shown: a place for the address, then one for the account, and what becomes of both.

use std::sync::Arc;

use super::{Counted, Gate, Place, guess, leave, place};
use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Limit, Limits, Quota},
        email::Email,
        ids::{DeviceId, UserId},
        moment::Moment,
        refusal::Refusal,
        session::Device,
    },
    flow_error::FlowError,
    journal::Journal,
    settings::RunAction,
    store::StoreError,
};

/// So many devices that logged in before may be logging in from one address at the same moment.
const KNOWN_AT_ONCE: u32 = 100;

/// Lets passwords be tried.
#[derive(Debug, Clone, Copy)]
pub struct PasswordGate<'a> {
    /// What takes the address's places.
    pub gate: Gate<'a>,
    /// How many may be tried.
    pub limits: Limits,
    /// The security log.
    pub journal: Journal,
    /// What happens after a long run of failures.
    pub run_action: RunAction,
}

/// A password that is shown, without the password.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Whose it is said to be, whether or not there is such an account.
    pub email: &'a Email,
    /// From where.
    pub address: ClientAddress,
    pub device: &'a Device,
    /// The device's id, if it logged in to this account before.
    pub known: Option<&'a DeviceId>,
    /// Whether the call is counted with the address's place. It is not where it was counted as the user's.
    pub is_counted: bool,
    /// What a wrong one is answered.
    pub wrong: fn(Quota) -> Refusal,
}

/// What came of a password. That nothing was tried is an error.
#[derive(Debug)]
#[must_use]
pub enum Tried<T> {
    /// It was wrong: of this user, if there is one.
    Wrong(Option<UserId>),
    /// It was right; and the answer, which may be no for another reason.
    Right(Forgiven, Result<T, Refusal>),
}

/// Nothing is held against anybody any more. [`Places::forgive`] alone says so.
#[derive(Debug)]
pub struct Forgiven(());

/// The places of one password.
#[derive(Debug)]
pub struct Places<'a> {
    gate: PasswordGate<'a>,
    address: Arc<Place>,
    account: Arc<Place>,
}

impl Places<'_> {
    /// When they were taken.
    #[must_use]
    pub fn moment(&self) -> &Moment {
        &self.account.moment
    }

    /// The password was right: the account's failures are forgotten, and the address gets its place back. It can be written beside what
    /// the right password is for.
    pub async fn forgive(&self) -> Forgiven {
        let store = self.gate.gate.store;
        let cleared = store.forgive_attempts(&self.account.key, &self.account.entry);
        let (cleared, ()) = tokio::join!(cleared, leave(store, &self.address));
        if let Err(error) = cleared {
            let request = self.address.moment.request.as_str();
            tracing::error!(error = %error, request.id = request, "attempts were not cleared");
        }
        Forgiven(())
    }
}

impl<'a> PasswordGate<'a> {
    /// Takes a place for the address, beside what `read` reads, and one for the account, beside what `complete` adds to that; and does
    /// `then` with it. It is read again where a place had to be waited for: it may be out of date.
    ///
    /// # Errors
    /// Of the refusals: `ApiRateLimited`, `AddressLimited`, `LoginLocked`, [`Shown::wrong`], and those of `then`.
    pub async fn with_places<A, B, T, Read, Complete, Then>(
        self,
        shown: Shown<'_>,
        moment: &Moment,
        read: impl Fn() -> Read,
        complete: impl FnOnce(A) -> Complete,
        then: impl FnOnce(Places<'a>, B) -> Then,
    ) -> Result<T, FlowError>
    where
        Read: Future<Output = Result<A, StoreError>>,
        Complete: Future<Output = Result<B, StoreError>>,
        Then: Future<Output = Result<Tried<T>, FlowError>>,
    {
        let store = self.gate.store;
        if shown.is_counted {
            self.gate.check(&Counted::address(shown.address), moment)?;
        }
        let calls = shown.is_counted.then_some(self.gate.calls);
        let limit = address_limit(self.limits.address, shown.known);
        let (address, found) =
            tokio::join!(place::enter_address(store, limit, calls, moment, shown.address), read());
        let address = Arc::new(address?);
        let tried = async {
            let mut found = found?;
            if address.waited {
                found = read().await?;
            }
            let (account, found) = tokio::join!(self.enter_account(&address.moment, shown), complete(found));
            let account = Arc::new(account?);
            let places = Places { gate: self, address: Arc::clone(&address), account: Arc::clone(&account) };
            let tried = async { then(places, found?).await };
            self.settle_account(&account, shown, tried.await).await
        };
        let tried = tried.await;
        self.settle_address(&address, shown, tried).await
    }

    /// A place for the account: in the window of the device, if it logged in to this account before, so that whoever guesses at the
    /// account elsewhere can't keep its owner out.
    async fn enter_account(self, moment: &Moment, shown: Shown<'_>) -> Result<Place, FlowError> {
        let (store, limit) = (self.gate.store, self.limits.account);
        match shown.known {
            Some(device) => place::enter_from_device(store, limit, moment, (shown.email, device)).await,
            None => place::enter_account(store, limit, moment, shown.email).await,
        }
    }

    /// A wrong password's place stays, and is recorded; a right one's is forgiven; and one with which nothing was tried is given back.
    async fn settle_account<T>(
        self,
        account: &Place,
        shown: Shown<'_>,
        tried: Result<Tried<T>, FlowError>,
    ) -> Result<Settled<T>, FlowError> {
        match tried {
            Ok(Tried::Right(Forgiven(()), answer)) => Ok(Settled::Right(answer)),
            Ok(Tried::Wrong(user)) => {
                Ok(Settled::Wrong(guess::record(self, account, (shown.email, user), shown.device).await))
            }
            Err(error) => {
                leave(self.gate.store, account).await;
                Err(error)
            }
        }
    }

    /// A wrong password's place stays, unless the device is known: then it counts in the device's window alone. A right one's was given
    /// back; where the answer is no, once more, since that may have failed.
    async fn settle_address<T>(
        self,
        address: &Place,
        shown: Shown<'_>,
        tried: Result<Settled<T>, FlowError>,
    ) -> Result<T, FlowError> {
        let (is_given_back, answer) = match tried {
            Ok(Settled::Right(Ok(done))) => (false, Ok(done)),
            Ok(Settled::Right(Err(refusal))) => (true, Err(refusal.into())),
            Ok(Settled::Wrong(quota)) => (shown.known.is_some(), Err((shown.wrong)(quota).into())),
            Err(error) => (true, Err(error)),
        };
        if is_given_back {
            leave(self.gate.store, address).await;
        }
        answer
    }
}

/// What came of a password whose account's place is dealt with.
enum Settled<T> {
    Wrong(Quota),
    Right(Result<T, Refusal>),
}

/// How many passwords from one address may be wrong. Those of devices that logged in before are counted apart, each with its account: in
/// an office where many mistype, nobody has to wait for the others. There is a place for them beside everybody else's.
fn address_limit(limit: Limit, known: Option<&DeviceId>) -> Limit {
    match known {
        Some(_) => Limit { max: limit.max + KNOWN_AT_ONCE, ..limit },
        None => limit,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_known_device_finds_a_place_beside_a_hundred_more_and_a_stranger_does_not() {
        let limit = Limit { max: 20, window: SignedDuration::from_mins(15) };
        let device = DeviceId::from_bytes([7; 16]);
        assert_eq!(address_limit(limit, Some(&device)), Limit { max: 120, ..limit });
        assert_eq!(address_limit(limit, None), limit);
    }
}
