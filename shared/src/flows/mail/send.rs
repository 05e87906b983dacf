//! Sends a mail that a row asks for.
//!
//! Only here is looked whether anybody is there: who asked learns nothing of it, whatever this takes. A mail is sent at least once; sent
//! again, it has the same link, which is computed from what was written into the row before the first try.

use jiff::Timestamp;

use crate::{
    domain::{
        email::Email,
        ids::UserId,
        mail::{Bound, Mail, MailKey, MailKind, Notice},
        name::PersonName,
        user::{Profile, Status},
    },
    keys::{KeysError, MailLinks},
    letters::{About, Contents, Letter, write},
    messages::Language,
    store::{Credential, Store, StoreError},
};

/// What the sender works with.
#[derive(Debug)]
pub struct Sending {
    /// The tables.
    pub store: Store,
    /// Links and codes.
    pub links: MailLinks,
    /// The name of the service, as its users know it.
    pub service: String,
    /// Where the front end is.
    pub app: String,
    /// The language of a mail whose row names none of ours.
    pub language: Language,
}

/// Who takes mails for delivery.
pub trait Post: Sync {
    /// Hands a letter over.
    fn deliver(&self, to: &Email, letter: &Letter) -> impl Future<Output = Result<(), NotTaken>> + Send;
}

/// A letter was not taken. It says why in a word, and neither for whom nor what was in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the letter was not taken: {0}")]
pub struct NotTaken(pub String);

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It was handed over.
    Now,
    /// It had been before.
    Before,
    /// Nobody is there to write to.
    Nobody,
    /// Its time is over, or the row is gone.
    Over,
}

/// Why a mail has to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Another sender has it, or had it and died: its hold ends within a minute.
    #[error("somebody else has it")]
    Held,
    /// The tables did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key that the row names is gone.
    #[error("the key that its link was computed with is gone")]
    KeyGone,
    /// It was not taken for delivery.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// Who is written to, and what about.
struct Addressee {
    user: Option<UserId>,
    name: Option<PersonName>,
    /// None: there is no link in it.
    bound: Option<Bound>,
    /// What is told in place of a link.
    notice: Option<Notice>,
}

/// Sends one mail.
///
/// # Errors
/// [`NotSent`]. It can be tried again, and is sent once more at worst.
pub async fn send(
    service: &Sending,
    post: &impl Post,
    key: &MailKey,
    now: Timestamp,
) -> Result<Sent, NotSent> {
    let Some(mail) = service.store.mail(key).await?.filter(|mail| !mail.is_over(now)) else {
        return Ok(Sent::Over);
    };
    if mail.sent_at.is_some() {
        return Ok(Sent::Before);
    }
    if mail.nobody {
        return Ok(Sent::Nobody);
    }
    let Some(addressee) = addressee(&service.store, key.kind, &mail).await? else {
        service.store.mark_mail_nobody(key).await?;
        return Ok(Sent::Nobody);
    };
    let bound = addressee.bound.unwrap_or_else(|| Bound::to(""));
    let prepared = service.links.prepare(addressee.user, bound, now).await?;
    let mail = service.store.lease_mail(key, &prepared, now).await?.ok_or(NotSent::Held)?;
    let letter = letter(service, key, &mail, &addressee, now).await?;
    post.deliver(&mail.email, &letter).await?;
    service.store.mark_mail_sent(key, now).await?;
    Ok(Sent::Now)
}

/// The letter. Its link is computed from the row as it is now: an earlier try may have prepared it.
async fn letter(
    service: &Sending,
    key: &MailKey,
    mail: &Mail,
    addressee: &Addressee,
    now: Timestamp,
) -> Result<Letter, NotSent> {
    let language = Language::named(&mail.language);
    let contents = |about| Contents {
        service: &service.service,
        about,
        name: addressee.name.as_ref(),
        language: language.unwrap_or(service.language),
    };
    if let Some(notice) = addressee.notice {
        return Ok(write(&contents(About::Notice(notice))));
    }
    let prepared = mail.prepared.as_ref().ok_or(NotSent::KeyGone)?;
    let token = service.links.token(key, mail, prepared, now).await?.ok_or(NotSent::KeyGone)?;
    // A mail that comes late has a link that works, and would have a code that does not.
    let code = match key.kind.has_code() && !mail.is_code_over(now) {
        true => service.links.code(key, mail, prepared, now).await?,
        false => None,
    };
    let (kind, app) = (key.kind, service.app.as_str());
    let login = mail.login.as_ref().map(|login| (mail.created_at, login));
    Ok(write(&contents(About::Link { kind, token: &token, code: code.as_ref(), login, app })))
}

/// Who a mail is for. `None`: nobody whom it would help.
async fn addressee(store: &Store, kind: MailKind, mail: &Mail) -> Result<Option<Addressee>, StoreError> {
    let credential = store.credential(&mail.email).await?;
    let bound = mail.bound(kind, credential.as_ref().map(Credential::bound));
    let owner = credential.map(|credential| credential.user_id);
    let link = |user, name| bound.map(|bound| Addressee { user, name, bound: Some(bound), notice: None });
    let notice = |name, notice| Some(Addressee { user: owner, name, bound: None, notice: Some(notice) });
    // A new address may be another's by now; its owner learns that somebody wanted it, and gets no link.
    let is_new = kind == MailKind::Change || (kind == MailKind::Verify && mail.user_id.is_none());
    if is_new && owner.is_some() {
        return Ok(notice(None, Notice::AddressTaken));
    }
    if kind == MailKind::Verify && mail.user_id.is_none() {
        return Ok(link(None, None));
    }
    let Some(user) = mail.user_id.or(owner) else { return Ok(None) };
    let Some(profile) = store.profile(user).await? else { return Ok(None) };
    let name = Some(profile.name.clone());
    Ok(match kind {
        MailKind::Reset => link(Some(user), name).filter(|_| is_at(&profile, mail) && profile.is_active()),
        MailKind::Verify => link(Some(user), name).filter(|_| is_at(&profile, mail) && profile.is_active()),
        // The reader is whoever has the new address: a name would be a text of somebody else's choice.
        MailKind::Change => link(Some(user), None).filter(|_| profile.is_active()),
        MailKind::Deny => link(Some(user), name).filter(|_| is_at(&profile, mail) && profile.is_active()),
        MailKind::Invite => {
            link(Some(user), name).filter(|_| is_at(&profile, mail) && profile.status == Status::Invited)
        }
        MailKind::Revert => link(Some(user), name).filter(|_| profile.is_active()),
        // An address may have been changed because it was somebody else's: whose the account is does not concern them.
        MailKind::Notice => mail.notice.and_then(|told| match told {
            Notice::AddressChanged => notice(None, told),
            Notice::FactorsGuessed => {
                notice(name, told).filter(|_| is_at(&profile, mail) && profile.is_active())
            }
            Notice::PasswordChanged | Notice::AddressTaken | Notice::FactorsChanged => notice(name, told),
        }),
    })
}

fn is_at(profile: &Profile, mail: &Mail) -> bool {
    profile.email == mail.email
}
