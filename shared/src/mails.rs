//! Rows that ask for a mail: a key of its own for each, and those that tell a user what happened.

use crate::{
    domain::{
        email::Email,
        ids::MailId,
        mail::{Mail, MailDigest, MailKey, MailKind, Notice},
        moment::Moment,
    },
    entropy::{self, NoEntropy},
};

/// The key of a new mail to this address.
pub fn new_key(kind: MailKind, email: &Email, moment: &Moment) -> Result<MailKey, NoEntropy> {
    Ok(MailKey { mailbox: MailDigest::of(email), kind, id: MailId::new(entropy::uuid(moment.now)?) })
}

/// A mail that tells a user what was changed.
pub fn notice(
    notice: Notice,
    email: &Email,
    language: &str,
    moment: &Moment,
) -> Result<(MailKey, Mail), NoEntropy> {
    let mail = Mail::new(MailKind::Notice, email.clone(), language, moment);
    Ok((new_key(MailKind::Notice, email, moment)?, Mail { notice: Some(notice), ..mail }))
}
