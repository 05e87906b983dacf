//! A forgotten password: a mail is asked for, and that is all.
//!
//! Nothing here looks whether anybody has the address: this service has neither the right to read users nor a key. So nobody and
//! somebody get the same answer after the same calls by construction, and the sender, which nobody waits for, looks.

use super::{ask, new_key};
use crate::{
    domain::{
        attempts::{Entry, Quota},
        email::Email,
        mail::{Mail, MailKind, PER_ADDRESS},
        moment::Moment,
        refusal::Refusal,
    },
    flows::{Caller, FlowError},
    rate_limit::{self, RateLimit},
    store::{AttemptsKey, Reservation, Store},
};

/// What the recovery works with.
#[derive(Debug)]
pub struct Recovery {
    /// The tables.
    pub store: Store,
    /// How often the endpoint may be called.
    pub rate_limit: RateLimit,
}

/// What somebody typed who forgot a password.
#[derive(Debug)]
pub struct Forgotten {
    /// The address.
    pub email: Email,
    /// The tag of the language that the mail is to be in.
    pub language: &'static str,
    /// Who is calling.
    pub caller: Caller,
}

/// Asks for a mail with a link and a code.
///
/// # Errors
/// Of the refusals: `ApiRateLimited`, `AddressLimited`, `MailLimited`.
pub async fn recover(service: &Recovery, moment: &Moment, forgotten: Forgotten) -> Result<(), FlowError> {
    let Recovery { store, rate_limit } = service;
    let caller = rate_limit::Caller::address(forgotten.caller.address);
    rate_limit.check(&caller, moment.now).map_err(Refusal::ApiRateLimited)?;
    let (window, entry) = (AttemptsKey::mails_from(forgotten.caller.address), Entry::new(moment));
    let (place, counted) = tokio::join!(
        store.reserve_attempt(&window, &entry, PER_ADDRESS, moment.now),
        rate_limit.count(store, &caller, moment.now),
    );
    if let Reservation::Full(window) = place? {
        return Err(Refusal::AddressLimited(Quota::of("address", &window, PER_ADDRESS, moment.now)).into());
    }
    if let Some(Err(quota)) = counted? {
        return Err(Refusal::ApiRateLimited(quota).into());
    }
    let key = new_key(MailKind::Reset, &forgotten.email, moment)?;
    let mail = Mail::new(MailKind::Reset, forgotten.email, forgotten.language, moment);
    ask(store, moment, &key, &mail).await
}
