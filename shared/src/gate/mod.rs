//! Calls counted; and places taken, given back and forgiven.
//!
//! Whoever could guess takes a place before anything is verified. What becomes of the places is decided here, and nowhere else, by what
//! came of the try:
//!
//! | what came of it | the account's or the user's place | the address's place |
//! |---|---|---|
//! | a wrong guess | stays, and is recorded | stays; a known device's is given back, for it counts in its own window |
//! | it was right | forgiven, with the failures before it | given back |
//! | nothing was tried | given back | given back |
//!
//! A place that could not be given back stays taken until its window ends, as a wrong password's does: that is logged, and changes no
//! answer. So does the place of a request that is cancelled: its guess may have been answered.

mod calls;
mod factor;
mod guess;
mod password;
mod place;

use crate::{
    domain::{address::ClientAddress, attempts::Limit, email::Email, moment::Moment, refusal::Refusal},
    flow_error::FlowError,
    store::{AttemptsKey, Store},
};

pub use calls::{Counted, RateLimit};
pub use factor::FactorGate;
pub use password::{Forgiven, PasswordGate, Places, Shown, Tried};
pub use place::{Place, enter_address, leave, nobody};

/// Counts calls, and takes the places of addresses.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// The tables.
    pub store: &'a Store,
    /// How often there may be calls.
    pub calls: &'a RateLimit,
}

impl Gate<'_> {
    /// Refuses a caller who is known to have called too often, without asking.
    ///
    /// # Errors
    /// `ApiRateLimited`.
    pub fn check(self, counted: &Counted, moment: &Moment) -> Result<(), Refusal> {
        self.calls.check(counted, moment.now).map_err(Refusal::ApiRateLimited)
    }

    /// Counts a call.
    ///
    /// # Errors
    /// `ApiRateLimited`, or that storage failed.
    pub async fn count(self, counted: &Counted, moment: &Moment) -> Result<(), FlowError> {
        match self.calls.count(self.store, counted, moment.now).await? {
            Some(quota) => Err(Refusal::ApiRateLimited(quota).into()),
            None => Ok(()),
        }
    }

    /// Counts the call and takes a place for the address, and does `then` with it; the place is given back unless the answer is `guess`,
    /// which tells a stranger something that shall not be asked often.
    ///
    /// # Errors
    /// Of the refusals: `ApiRateLimited`, `AddressLimited`, and those of `then`.
    pub async fn with_address<T, Then>(
        self,
        (address, limit): (ClientAddress, Limit),
        moment: &Moment,
        guess: Refusal,
        then: impl FnOnce(Moment) -> Then,
    ) -> Result<T, FlowError>
    where
        Then: Future<Output = Result<T, FlowError>>,
    {
        self.check(&Counted::address(address), moment)?;
        let place = enter_address(self.store, limit, Some(self.calls), moment, address).await?;
        let outcome = then(place.moment.clone()).await;
        if !matches!(&outcome, Err(FlowError::Refused(refusal)) if *refusal == guess) {
            leave(self.store, &place).await;
        }
        outcome
    }

    /// Forgets the failures of an account whose owner has shown who they are without its password.
    pub async fn forget(self, email: &Email, moment: &Moment) {
        if let Err(error) = self.store.forget_attempts(email, None).await {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "attempts were not cleared");
        }
    }

    /// Takes a place for good, and counts the call with it.
    ///
    /// # Errors
    /// `ApiRateLimited`, `AddressLimited`, or that storage failed; then it may be taken.
    pub async fn enter_for_good(
        self,
        window: (&AttemptsKey, Limit),
        moment: &Moment,
        address: ClientAddress,
    ) -> Result<(), FlowError> {
        self.check(&Counted::address(address), moment)?;
        place::enter_for_good(self.store, window, Some(self.calls), moment, address).await
    }
}

/// Takes a place for good, where the call is counted already.
///
/// # Errors
/// `AddressLimited`, or that storage failed; then it may be taken.
pub async fn enter_for_good(
    store: &Store,
    window: (&AttemptsKey, Limit),
    moment: &Moment,
    address: ClientAddress,
) -> Result<(), FlowError> {
    place::enter_for_good(store, window, None, moment, address).await
}
