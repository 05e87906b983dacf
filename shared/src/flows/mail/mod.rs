//! Mail: who asks for one, and what its link does. The sender is none of this: it is told of the row.
//!
//! | module | whose story |
//! |---|---|
//! | [`recover`] | somebody forgot a password; we learn nothing of who they are, and tell nothing |
//! | [`redeem`] | somebody has the link or the code of a mail |
//! | [`reset`] | … and sets another password by it |

pub mod recover;
pub mod redeem;
pub mod reset;

use crate::{
    domain::{
        attempts::{Entry, Quota},
        email::Email,
        ids::MailId,
        mail::{Mail, MailDigest, MailKey, MailKind, Notice},
        moment::Moment,
        refusal::Refusal,
    },
    entropy::{self, NoEntropy},
    flows::FlowError,
    store::{MailWindow, Store},
};

/// The key of a new mail to this address.
///
/// # Errors
/// [`NoEntropy`].
pub fn new_key(kind: MailKind, email: &Email, moment: &Moment) -> Result<MailKey, NoEntropy> {
    Ok(MailKey { mailbox: MailDigest::of(email), kind, id: MailId::new(entropy::uuid(moment.now)?) })
}

/// A mail that tells a user what was changed.
///
/// # Errors
/// [`NoEntropy`].
pub fn notice(
    notice: Notice,
    email: &Email,
    language: &str,
    moment: &Moment,
) -> Result<(MailKey, Mail), NoEntropy> {
    let mail = Mail::new(MailKind::Notice, email.clone(), language, moment);
    Ok((new_key(MailKind::Notice, email, moment)?, Mail { notice: Some(notice), ..mail }))
}

/// Asks for a mail that somebody wants, if the mailbox takes one more: nobody's mailbox is flooded, whoever asks.
///
/// # Errors
/// `MailLimited`, or that storage failed; then the mail counts, and may be sent.
async fn ask(store: &Store, moment: &Moment, key: &MailKey, mail: &Mail) -> Result<(), FlowError> {
    let entry = Entry::new(moment);
    match store.count_mail(&key.mailbox, &entry, moment.now).await? {
        MailWindow::Full(window, limit) => {
            Err(Refusal::MailLimited(Quota::of("mailbox", &window, limit, moment.now)).into())
        }
        MailWindow::Taken => {
            store.put_mail(key, mail).await?;
            Ok(())
        }
    }
}
