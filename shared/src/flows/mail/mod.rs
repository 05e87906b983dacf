//! Mail: who asks for one, and what its link does. The sender is none of this: it is told of the row.
//!
//! | module | whose story |
//! |---|---|
//! | [`recover`] | somebody forgot a password; we learn nothing of who they are, and tell nothing |
//! | [`redeem`] | somebody has the link or the code of a mail |
//! | [`reset`] | … and sets another password by it |
//! | [`verify`] | … and shows that the address is theirs |
//! | [`accept`] | … and accepts an invitation |
//! | [`change`] | a user wants another address; the new mailbox confirms it, and the old one may take it back |
//! | [`new_device`] | somebody logged in on a new device; the user may say that it was not them |
//! | [`resend`] | a user wants to show that the address is theirs |
//! | [`send`] | the sender, who alone looks whether anybody is there |

pub mod accept;
pub mod change;
pub mod new_device;
pub mod recover;
pub mod redeem;
pub mod resend;
pub mod reset;
pub mod send;
pub mod verify;

use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Quota},
        email::Email,
        ids::MailId,
        mail::{Mail, MailDigest, MailKey, MailKind, Notice, PER_ADDRESS},
        moment::Moment,
        refusal::Refusal,
    },
    entropy::{self, NoEntropy},
    flows::{FlowError, attempts::enter_for_good},
    rate_limit::{self, RateLimit},
    store::{AttemptsKey, MailWindow, Store},
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

/// Counts a mail that is asked for from an address, and the call, before anything else is looked at.
///
/// # Errors
/// `ApiRateLimited`, `AddressLimited`, or that storage failed; then it counts.
pub(super) async fn count_sender(
    store: &Store,
    rate_limit: &RateLimit,
    moment: &Moment,
    address: ClientAddress,
) -> Result<(), FlowError> {
    let caller = rate_limit::Caller::address(address);
    rate_limit.check(&caller, moment.now).map_err(Refusal::ApiRateLimited)?;
    count_mails_from(store, Some(rate_limit), moment, address).await
}

/// Counts a mail that is asked for from an address; and the call with it, where nothing else counts that.
///
/// # Errors
/// `AddressLimited`, `ApiRateLimited`, or that storage failed; then it counts.
pub(super) async fn count_mails_from(
    store: &Store,
    calls: Option<&RateLimit>,
    moment: &Moment,
    address: ClientAddress,
) -> Result<(), FlowError> {
    let window = AttemptsKey::mails_from(address);
    enter_for_good(store, (&window, PER_ADDRESS), calls, moment, address).await
}

/// Asks for a mail that somebody wants, if the mailbox takes one more: nobody's mailbox is flooded, whoever asks.
///
/// # Errors
/// `MailLimited`, or that storage failed; then the mail counts, and may be sent.
pub(super) async fn ask(store: &Store, moment: &Moment, key: &MailKey, mail: &Mail) -> Result<(), FlowError> {
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
