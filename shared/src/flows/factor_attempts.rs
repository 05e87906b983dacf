//! A place to show a second factor: taken before anything is verified, and given back when nothing was guessed.
//!
//! The window is the user's, and another one than the password's: whoever guesses at one locks nobody out of the other.

use super::{FlowError, journal::announce};
use crate::{
    domain::{
        attempts::{Entry, Limit, Quota, Window},
        ids::UserId,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Device,
    },
    service::AuthService,
    store::{AttemptsKey, Reservation, Store, StoreError, Wanted},
};

/// After so many wrong factors in a row the security log has an entry of its own.
const ALARMING: u32 = 20;

/// A place in a user's window.
#[derive(Debug)]
pub(super) struct FactorPlace {
    key: AttemptsKey,
    entry: Entry,
    window: Window,
    /// The user's failures in a row, with this place.
    failures: u32,
}

impl FactorPlace {
    /// Takes a place.
    ///
    /// # Errors
    /// [`Refusal::SecondFactorLocked`], or that storage failed; then it may be taken, which locks nobody out for longer than a wrong
    /// code would.
    pub(super) async fn take(
        store: &Store,
        limit: Limit,
        moment: &Moment,
        user: UserId,
    ) -> Result<Self, FlowError> {
        let (key, entry) = (AttemptsKey::factor(user), Entry::new(moment));
        let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now: moment.now };
        match store.reserve_attempt(wanted).await? {
            Reservation::Taken(taken) => {
                Ok(Self { key, entry, window: taken.window, failures: taken.run.failures })
            }
            // No calls are counted there.
            Reservation::TooManyCalls(_) => Err(StoreError::Malformed { operation: "count a call" }.into()),
            Reservation::Full(window) => {
                let quota = Quota::of("factor", &window, limit, moment.now);
                Err(Refusal::SecondFactorLocked(quota).into())
            }
        }
    }

    /// What is left of the window.
    pub(super) fn quota(&self, limit: Limit, moment: &Moment) -> Quota {
        Quota::of("factor", &self.window, limit, moment.now)
    }

    /// The factor was wrong: the place stays taken, and the security log says so. Of many in a row somebody should hear: who guesses
    /// there knows the password. That it could not be written is logged, and makes the answer no other.
    pub(super) async fn fail(
        &self,
        service: &AuthService,
        moment: &Moment,
        user: UserId,
        device: &Device,
    ) -> FlowError {
        let in_a_row = self.failures > 0 && self.failures.is_multiple_of(ALARMING);
        let kinds =
            [Some(SecurityEvent::AuthnFactorFail), in_a_row.then_some(SecurityEvent::AuthnFactorFailMax)];
        for kind in kinds.into_iter().flatten() {
            let entry = service.journal.entry(kind, moment, user, device);
            if let Err(error) = service.store.put_event(&entry).await {
                tracing::error!(error = %error, request.id = moment.request.as_str(), "a failure was not recorded");
            }
            announce(&entry);
        }
        Refusal::SecondFactorInvalid(self.quota(service.attempts.account, moment)).into()
    }

    /// Nothing was guessed.
    pub(super) async fn leave(&self, store: &Store, moment: &Moment) {
        if let Err(error) = store.give_back_attempt(&self.key, &self.entry, &[]).await {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "an attempt was not given back");
        }
    }

    /// The factor was right: the failures before it are forgotten.
    pub(super) async fn forgive(&self, store: &Store, moment: &Moment) {
        if let Err(error) = store.clear_attempts(&self.key, &self.entry).await {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "attempts were not cleared");
        }
    }
}
