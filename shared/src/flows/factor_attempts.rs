//! A place to show a second factor: taken before anything is verified, and given back when nothing was guessed.
//!
//! The window is the user's, and another one than the password's: whoever guesses at one locks nobody out of the other.

use super::{FlowError, journal::announce, mail::notice};
use crate::{
    domain::{
        attempts::{Entry, Limit, Quota, Run, Window},
        ids::UserId,
        mail::Notice,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Device,
        user::Profile,
    },
    service::AuthService,
    store::{AttemptsKey, Reservation, Store, StoreError, Wanted},
};

/// A place in a user's window.
#[derive(Debug)]
pub(super) struct FactorPlace {
    key: AttemptsKey,
    entry: Entry,
    window: Window,
    /// The user's failures in a row, with this place.
    run: Run,
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
            Reservation::Taken(taken) => Ok(Self { key, entry, window: taken.window, run: taken.run }),
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

    /// The factor was wrong: the place stays taken, and the security log says so. Of many in a row the user hears. That it could not be
    /// written is logged, and makes the answer no other.
    pub(super) async fn fail(
        &self,
        service: &AuthService,
        moment: &Moment,
        user: UserId,
        device: &Device,
    ) -> FlowError {
        let entry = service.journal.entry(SecurityEvent::AuthnFactorFail, moment, user, device);
        let written = service.store.put_event(&entry).await.map_err(FlowError::from);
        announce(&entry);
        let told = match self.run.is_to_be_told(moment.now) {
            true => tell(service, moment, user, device).await,
            false => Ok(()),
        };
        for error in [written.err(), told.err()].into_iter().flatten() {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "a failure was not recorded");
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

/// Tells of many wrong factors in a row. The mail is in the service's own language: the request is the guesser's.
async fn tell(
    service: &AuthService,
    moment: &Moment,
    user: UserId,
    device: &Device,
) -> Result<(), FlowError> {
    let profile = if service.mail { service.store.profile(user).await? } else { None };
    let profile = profile.filter(Profile::is_active);
    let mail =
        profile.map(|profile| notice(Notice::FactorsGuessed, &profile.email, "", moment)).transpose()?;
    let entry = service.journal.entry(SecurityEvent::AuthnFactorFailMax, moment, user, device);
    let mail = mail.as_ref().map(|(key, mail)| (key, mail));
    if service.store.tell_wrong_factors(user, &entry, mail, moment.now).await? {
        announce(&entry);
    }
    Ok(())
}
