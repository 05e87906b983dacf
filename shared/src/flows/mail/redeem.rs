//! The link or the code of a mail: whose it is, and whether it counts.
//!
//! A wrong one is a guess, and is held against the address as a wrong password is. One of the wrong purpose, one that was used, one
//! whose time is over and one that never was are one answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;

use crate::{
    domain::{
        attempts::{Entry, Limit},
        email::Email,
        mail::{Mail, MailCode, MailDigest, MailKey, MailKind, MailToken, Prepared},
        moment::Moment,
        password::{Password, PasswordHash},
        refusal::Refusal,
    },
    entropy,
    flows::{FlowError, Requester, journal::Journal, new_password::NewPassword},
    gate::{Gate, RateLimit},
    keys::MailLinks,
    password_policy::PasswordPolicy,
    passwords::Hasher,
    store::{Credential, Store, StoreError},
};

/// What the redemption works with.
#[derive(Debug)]
pub struct Redemption {
    /// The tables.
    pub store: Store,
    pub links: MailLinks,
    /// Passwords.
    pub hasher: Hasher,
    /// Which passwords may be set.
    pub password_policy: PasswordPolicy,
    /// How often an address may guess.
    pub guesses: Limit,
    /// How often the endpoint may be called.
    pub rate_limit: RateLimit,
    /// The security log.
    pub journal: Journal,
}

/// What somebody shows who has read a mail.
#[derive(Debug)]
pub enum Proof {
    Link(MailToken),
    /// Its code, and the address that it was sent to.
    Code(Email, MailCode),
}

/// A mail whose link or code was right.
#[derive(Debug)]
pub struct Proven {
    /// Its row.
    pub key: MailKey,
    /// The row, as it was read.
    pub mail: Mail,
    /// What the link was computed from.
    pub prepared: Prepared,
}

/// The same request within this time gets the same answer: its first answer may have been lost.
const REPEATED: SignedDuration = SignedDuration::from_mins(10);

impl Proven {
    /// Whether this very request used the link a moment ago.
    ///
    /// # Errors
    /// `MailTokenInvalid`: it was used, and not by this request, or too long ago.
    pub fn was_used_by(&self, request: &str, moment: &Moment) -> Result<bool, Refusal> {
        let Some(used_at) = self.mail.used_at else { return Ok(false) };
        let by_this = self.mail.used_by.as_deref() == Some(request);
        if by_this && moment.now.duration_since(used_at) < REPEATED {
            Ok(true)
        } else {
            Err(Refusal::MailTokenInvalid)
        }
    }
}

impl Proven {
    /// The credential that the link is bound to. None: it is another by now, perhaps because the same request came before.
    ///
    /// # Errors
    /// Storage failed.
    pub(super) async fn credential(&self, service: &Redemption) -> Result<Option<Credential>, StoreError> {
        let credential = service.store.credential(&self.mail.email).await?;
        let is_bound = |found: &Credential| {
            Some(found.user_id) == self.prepared.user_id && found.bound() == self.prepared.bound
        };
        Ok(credential.filter(is_bound))
    }

    /// What the row is to remember of this request, which says nothing but the link.
    ///
    /// # Errors
    /// `MailTokenInvalid`: the key that made the link is gone.
    pub(super) async fn used_by(&self, service: &Redemption, moment: &Moment) -> Result<String, FlowError> {
        let Self { key, mail, prepared } = self;
        let used_by = service.links.use_of(key, mail, prepared, &[], moment.now).await?;
        used_by.ok_or_else(|| Refusal::MailTokenInvalid.into())
    }

    /// Asks once more, where a transaction was refused or what it needs is gone, whether this very request has used the link: it may have come twice.
    ///
    /// # Errors
    /// `MailTokenInvalid`: it has not.
    pub(super) async fn is_used_by(
        &self,
        service: &Redemption,
        request: &str,
        moment: &Moment,
    ) -> Result<(), FlowError> {
        let mail = service.store.mail(&self.key).await?.ok_or(Refusal::MailTokenInvalid)?;
        let now = Self { key: self.key, mail, prepared: self.prepared.clone() };
        if now.was_used_by(request, moment)? { Ok(()) } else { Err(Refusal::MailTokenInvalid.into()) }
    }
}

impl Redemption {
    /// What counts calls and takes places.
    pub(super) const fn gate(&self) -> Gate<'_> {
        Gate { store: &self.store, calls: &self.rate_limit }
    }

    /// The hash of a password that nobody knows.
    ///
    /// # Errors
    /// There is no randomness, or it could not be hashed.
    pub(super) async fn nobodys_hash(&self) -> Result<PasswordHash, FlowError> {
        let nobodys = Password::new(STANDARD.encode(entropy::bytes::<32>()?));
        Ok(self.hasher.hash(&nobodys).await?)
    }
}

/// Looks whether the new password, if there is one, may be set, looks whose the proof is and does `then` with it, with a place for the address taken; it is given back unless it was a guess.
///
/// # Errors
/// Of the refusals: `ApiRateLimited`, `AddressLimited`, `MailTokenInvalid`, and those of `then`.
pub async fn with_proof<T>(
    service: &Redemption,
    moment: &Moment,
    caller: &Requester,
    (kind, proof): (MailKind, &Proof),
    new: Option<NewPassword<'_>>,
    then: impl AsyncFnOnce(&Moment, Proven) -> Result<T, FlowError>,
) -> Result<T, FlowError> {
    // Whether keys have to be read first must not tell whose the address is.
    service.links.ready(moment.now).await?;
    let (gate, from) = (service.gate(), (caller.address, service.guesses));
    gate.with_address(from, moment, Refusal::MailTokenInvalid, |moment| async move {
        // Before one of a code's five tries is taken: a password that can't be set is no guess.
        if let Some(new) = new {
            new.check_for_anybody(&service.password_policy).await?;
        }
        then(&moment, prove(service, &moment, kind, proof).await?).await
    })
    .await
}

async fn prove(
    service: &Redemption,
    moment: &Moment,
    kind: MailKind,
    proof: &Proof,
) -> Result<Proven, FlowError> {
    let found = match proof {
        Proof::Link(token) if token.key.kind == kind => by_link(service, moment, token).await?,
        Proof::Link(_) => None,
        Proof::Code(email, code) => by_code(service, moment, kind, (email, code)).await?,
    };
    found.ok_or_else(|| Refusal::MailTokenInvalid.into())
}

async fn by_link(
    service: &Redemption,
    moment: &Moment,
    token: &MailToken,
) -> Result<Option<Proven>, FlowError> {
    let Some(proven) =
        service.store.mail(&token.key).await?.and_then(|mail| prepared(token.key, mail, moment))
    else {
        return Ok(None);
    };
    let Proven { key, mail, prepared } = &proven;
    let made = service.links.token(key, mail, prepared, moment.now).await?;
    Ok((made.as_ref() == Some(token)).then_some(proven))
}

/// A code is looked for in the newest mails of the mailbox. One of the five tries of each is taken before anything is compared, whether
/// or not anybody is there.
async fn by_code(
    service: &Redemption,
    moment: &Moment,
    kind: MailKind,
    (email, code): (&Email, &MailCode),
) -> Result<Option<Proven>, FlowError> {
    let entry = Entry::new(moment);
    for (key, mail) in service.store.newest_mails(&MailDigest::of(email), kind).await? {
        if mail.is_code_over(moment.now) || !service.store.reserve_code_try(&key, &entry, moment.now).await? {
            continue;
        }
        let Some(proven) = prepared(key, mail, moment) else { continue };
        let made = service.links.code(&key, &proven.mail, &proven.prepared, moment.now).await?;
        if made.as_ref() == Some(code) {
            return Ok(Some(proven));
        }
    }
    Ok(None)
}

/// A row whose link was made, and whose time is not over.
fn prepared(key: MailKey, mail: Mail, moment: &Moment) -> Option<Proven> {
    let prepared = mail.prepared.clone().filter(|_| !mail.is_over(moment.now))?;
    Some(Proven { key, mail, prepared })
}
