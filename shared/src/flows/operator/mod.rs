//! What an operator does with a user, who is not there and is not asked. Every change stands in the user's security log.

mod access;
mod delete;
mod edit;
mod factors;
mod import;
mod invite;
mod password;
mod session;
mod unlock;

pub use self::{
    delete::Deleted,
    edit::{Edit, Edited, moved_before},
    import::{Imported, Patience},
    invite::Guest,
};
use crate::{
    domain::{
        email::Email,
        ids::UserId,
        mail::{Mail, MailKey, Notice},
        moment::Moment,
        security_event::SecurityEvent,
        session::Device,
    },
    entropy::NoEntropy,
    flows::mail,
    journal::Journal,
    store::{EventRow, Store},
};

/// How often a change starts again because what it read was changed meanwhile.
const ROUNDS: u32 = 3;

/// An operator at work.
#[derive(Debug)]
pub struct Operator<'a> {
    /// The tables.
    pub store: &'a Store,
    /// When, and which command it is.
    pub moment: &'a Moment,
    /// The security log.
    pub journal: Journal,
    /// The language in which users are told by mail of what is changed. `None`: nobody would send that.
    pub tells: Option<&'a str>,
}

impl Operator<'_> {
    /// The device that the security log names.
    #[must_use]
    pub fn device() -> Device {
        Device { user_agent: "nova".to_owned(), ip: "operator".to_owned() }
    }

    /// The mail that tells a user what was changed, to this address.
    fn told(
        &self,
        notice: Notice,
        user: UserId,
        email: &Email,
    ) -> Result<Option<(MailKey, Mail)>, NoEntropy> {
        let told =
            self.tells.map(|language| mail::notice(notice, email, language, self.moment)).transpose()?;
        Ok(told.map(|(key, mail)| (key, Mail { user_id: Some(user), ..mail })))
    }

    fn event(&self, kind: SecurityEvent, user: UserId) -> EventRow {
        self.journal.entry(kind, self.moment, user, &Self::device())
    }
}
