//! A forgotten password: a mail is asked for, and that is all.
//!
//! Nothing here looks whether anybody has the address: this service has neither the right to read users nor a key. So nobody and
//! somebody get the same answer after the same calls by construction, and the sender, which nobody waits for, looks.

use super::{ask, count_sender, new_key};
use crate::{
    domain::{
        email::Email,
        mail::{Mail, MailKind},
        moment::Moment,
    },
    flows::{FlowError, Requester},
    gate::{Gate, RateLimit},
    store::Store,
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
    /// Who is calling.
    pub caller: Requester,
}

/// Asks for a mail with a link and a code.
///
/// # Errors
/// Of the refusals: `ApiRateLimited`, `AddressLimited`, `MailLimited`.
pub async fn recover(service: &Recovery, moment: &Moment, forgotten: Forgotten) -> Result<(), FlowError> {
    let Recovery { store, rate_limit } = service;
    count_sender(Gate { store, calls: rate_limit }, moment, forgotten.caller.address).await?;
    let key = new_key(MailKind::Reset, &forgotten.email, moment)?;
    let mail = Mail::new(MailKind::Reset, forgotten.email, forgotten.caller.language, moment);
    ask(store, moment, &key, &mail).await
}
