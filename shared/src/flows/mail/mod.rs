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

pub use crate::mails::{new_key, notice};
use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Entry, Quota},
        mail::{Mail, MailKey, PER_ADDRESS},
        moment::Moment,
        refusal::Refusal,
    },
    flows::FlowError,
    gate::{self, Gate},
    store::{AttemptsKey, MailWindow, Store},
};

/// Counts a mail that is asked for from an address, and the call, before anything else is looked at.
///
/// # Errors
/// `ApiRateLimited`, `AddressLimited`, or that storage failed; then it counts.
pub(super) async fn count_sender(
    gate: Gate<'_>,
    moment: &Moment,
    address: ClientAddress,
) -> Result<(), FlowError> {
    gate.enter_for_good((&AttemptsKey::mails_from(address), PER_ADDRESS), moment, address).await
}

/// Counts a mail that is asked for from an address, where the call is counted already.
///
/// # Errors
/// `AddressLimited`, or that storage failed; then it counts.
pub(super) async fn count_mails_from(
    store: &Store,
    moment: &Moment,
    address: ClientAddress,
) -> Result<(), FlowError> {
    gate::enter_for_good(store, (&AttemptsKey::mails_from(address), PER_ADDRESS), moment, address).await
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
