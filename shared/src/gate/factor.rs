//! A second factor that is shown: a place in its user's window, and what becomes of it.
//!
//! The window is another one than the password's: whoever guesses at one locks nobody out of the other.

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
    flow_error::FlowError,
    journal::{Journal, announce},
    mails::notice,
    store::{AttemptsKey, Reservation, Store, StoreError, Wanted},
};

/// Lets second factors be tried.
#[derive(Debug, Clone, Copy)]
pub struct FactorGate<'a> {
    /// The tables.
    pub store: &'a Store,
    /// How many a user may try.
    pub limit: Limit,
    /// The security log.
    pub journal: Journal,
    /// Whether the stack sends mail: of many wrong ones in a row the user hears.
    pub mail: bool,
}

/// A place in a user's window.
struct Place {
    key: AttemptsKey,
    entry: Entry,
    window: Window,
    /// The user's failures in a row, with this place.
    run: Run,
}

impl FactorGate<'_> {
    /// Takes a place, beside `beside`, and does `then` with what that has read. `None` of `then` is a wrong factor: it counts. A right
    /// one's failures are forgotten, and a place with which nothing was tried is given back.
    ///
    /// # Errors
    /// Of the refusals: `SecondFactorLocked`, `SecondFactorInvalid`, and those of `then`.
    pub async fn with_place<A, T, Then>(
        self,
        (user, device): (UserId, &Device),
        moment: &Moment,
        beside: impl Future<Output = Result<A, StoreError>>,
        then: impl FnOnce(A) -> Then,
    ) -> Result<T, FlowError>
    where
        Then: Future<Output = Result<Option<T>, FlowError>>,
    {
        let (place, read) = tokio::join!(self.take(moment, user), beside);
        let place = place?;
        let tried = async { then(read?).await };
        match tried.await {
            Ok(Some(done)) => {
                self.forgive(&place, moment).await;
                Ok(done)
            }
            Ok(None) => Err(self.record(&place, moment, user, device).await.into()),
            Err(error) => {
                self.leave(&place, moment).await;
                Err(error)
            }
        }
    }

    /// Takes a place. Where storage failed it may be taken, which locks nobody out for longer than a wrong code would.
    async fn take(self, moment: &Moment, user: UserId) -> Result<Place, FlowError> {
        let (key, entry, limit) = (AttemptsKey::factor(user), Entry::new(moment), self.limit);
        let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now: moment.now };
        match self.store.reserve_attempt(wanted).await? {
            Reservation::Taken(taken) => Ok(Place { key, entry, window: taken.window, run: taken.run }),
            // No calls are counted there.
            Reservation::TooManyCalls(_) => Err(StoreError::Malformed { operation: "count a call" }.into()),
            Reservation::Full(window) => {
                Err(Refusal::SecondFactorLocked(Quota::of("factor", &window, limit, moment.now)).into())
            }
        }
    }

    /// The factor was wrong: the security log says so, and of many in a row the user hears. That it could not be written is logged, and
    /// makes the answer no other.
    async fn record(self, place: &Place, moment: &Moment, user: UserId, device: &Device) -> Refusal {
        let entry = self.journal.entry(SecurityEvent::AuthnFactorFail, moment, user, device);
        let written = self.store.put_event(&entry).await.map_err(FlowError::from);
        announce(&entry);
        let told = match place.run.is_to_be_told(moment.now) {
            true => self.tell(moment, user, device).await,
            false => Ok(()),
        };
        for error in [written.err(), told.err()].into_iter().flatten() {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "a failure was not recorded");
        }
        Refusal::SecondFactorInvalid(Quota::of("factor", &place.window, self.limit, moment.now))
    }

    /// Tells of many wrong factors in a row. The mail is in the service's own language: the request is the guesser's.
    async fn tell(self, moment: &Moment, user: UserId, device: &Device) -> Result<(), FlowError> {
        let profile = if self.mail { self.store.profile(user).await? } else { None };
        let profile = profile.filter(Profile::is_active);
        let mail =
            profile.map(|profile| notice(Notice::FactorsGuessed, &profile.email, "", moment)).transpose()?;
        let entry = self.journal.entry(SecurityEvent::AuthnFactorFailMax, moment, user, device);
        let mail = mail.as_ref().map(|(key, mail)| (key, mail));
        if self.store.tell_wrong_factors(user, &entry, mail, moment.now).await? {
            announce(&entry);
        }
        Ok(())
    }

    async fn leave(self, place: &Place, moment: &Moment) {
        if let Err(error) = self.store.give_back_attempt(&place.key, &place.entry, &[]).await {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "an attempt was not given back");
        }
    }

    async fn forgive(self, place: &Place, moment: &Moment) {
        if let Err(error) = self.store.clear_attempts(&place.key, &place.entry).await {
            tracing::error!(error = %error, request.id = moment.request.as_str(), "attempts were not cleared");
        }
    }
}
