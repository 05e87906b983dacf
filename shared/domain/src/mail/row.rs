//! The row that asks for a mail, and that remembers what became of its link.

use jiff::{Timestamp, fmt::serde::timestamp::millisecond as millis};
use serde::{Deserialize, Serialize};

use super::{Bound, CODE_LIFE, MailDigest, MailKind, Notice};
use crate::{
    email::Email,
    ids::{MailId, SessionId, UserId},
    moment::Moment,
    name::PersonName,
    password::PasswordHash,
    user_agent::Client,
};

/// Which row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MailKey {
    /// Whose mailbox.
    pub mailbox: MailDigest,
    /// What it is about.
    pub kind: MailKind,
    pub id: MailId,
}

/// The two texts are no key of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the key of a mail")]
pub struct NotAMailKey;

impl MailKey {
    /// `MAIL#<SHA-256 of the address>`.
    #[must_use]
    pub fn pk(&self) -> String {
        Self::partition(&self.mailbox)
    }

    #[must_use]
    pub fn partition(mailbox: &MailDigest) -> String {
        format!("MAIL#{mailbox}")
    }

    /// `<kind>#<id>`.
    #[must_use]
    pub fn sk(&self) -> String {
        format!("{}#{}", self.kind.name(), self.id)
    }

    /// Reads a key.
    pub fn parse(pk: &str, sk: &str) -> Result<Self, NotAMailKey> {
        let (kind, id) = sk.split_once('#').ok_or(NotAMailKey)?;
        let hex =
            pk.strip_prefix("MAIL#").filter(|hex| hex.len() == 64 && hex.is_ascii()).ok_or(NotAMailKey)?;
        let mut mailbox = [0; 32];
        for (byte, at) in mailbox.iter_mut().zip((0..64).step_by(2)) {
            let pair = hex.get(at..at + 2).ok_or(NotAMailKey)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAMailKey)?;
        }
        let key = Self {
            mailbox: MailDigest(mailbox),
            kind: MailKind::named(kind).ok_or(NotAMailKey)?,
            id: id.parse().map_err(|_| NotAMailKey)?,
        };
        // One spelling: it names an item.
        if key.pk() == pk { Ok(key) } else { Err(NotAMailKey) }
    }
}

/// What the sender found out before it computed the link: another try, and the redemption, compute it from the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// Whose link it is. Nobody's before a registration is confirmed.
    #[serde(rename = "linkUserId", default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What the link dies with.
    pub bound: Bound,
    /// The key that makes the link.
    pub kid: String,
}

/// What somebody may recognise a login by. The row says when it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLogin {
    /// The browser and the system.
    #[serde(flatten)]
    pub client: Client,
    /// The network of the address ([`ClientAddress::network`](crate::address::ClientAddress::network)), where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// A mail to be sent, and its link as far as it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// The mailbox.
    pub email: Email,
    /// The tag of the language that it was asked for in.
    pub language: String,
    /// The request that asked.
    pub request_id: String,
    /// When.
    #[serde(with = "millis::required")]
    pub created_at: Timestamp,
    /// From here on the link does nothing, and the mail is not sent any more.
    #[serde(with = "millis::required")]
    pub ends: Timestamp,
    /// Whose it is, where who asked knew it: of every kind but a reset and a registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Of a registration: the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// Of a registration: the hash of the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<PasswordHash>,
    /// Of a change of address: the session that asked, which goes on. Of a new device: its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Of a change of address: the user's epoch when it was asked for. Rows of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Of a change: the old address. Of its way back: the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_email: Option<Email>,
    /// Of a new device: what its user may recognise it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<NewLogin>,
    /// Of a notice: what it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// By the sender: what the link is computed from.
    #[serde(flatten)]
    pub prepared: Option<Prepared>,
    /// By the sender: it was handed over.
    #[serde(default, with = "millis::optional", skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// By the sender: nobody is there to write to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nobody: bool,
    /// By the redemption: when the link was used.
    #[serde(default, with = "millis::optional", skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// By the redemption: a digest of the request that used it. The same request, repeated, gets the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Mail {
    /// A mail that this request asks for.
    #[must_use]
    pub fn new(kind: MailKind, email: Email, language: &str, moment: &Moment) -> Self {
        Self {
            email,
            language: language.to_owned(),
            request_id: moment.request.as_str().to_owned(),
            created_at: moment.now,
            ends: moment.now + kind.lifetime(),
            user_id: None,
            name: None,
            password_hash: None,
            session_id: None,
            epoch: None,
            other_email: None,
            login: None,
            notice: None,
            prepared: None,
            sent_at: None,
            nobody: false,
            used_at: None,
            used_by: None,
        }
    }

    /// What the link of this mail dies with; `credential` is what the mailbox's password is bound to now. `None`: it has no link, or
    /// nothing to bind it to.
    #[must_use]
    pub fn bound(&self, kind: MailKind, credential: Option<Bound>) -> Option<Bound> {
        match kind {
            MailKind::Reset | MailKind::Invite => credential,
            // Of a user who is there already there is nothing but the address, which is in the link anyway.
            MailKind::Verify => Some(Bound::to(self.password_hash.as_ref().map_or("", PasswordHash::as_str))),
            MailKind::Change | MailKind::Revert => {
                self.other_email.as_ref().map(|email| Bound::to(email.as_str()))
            }
            MailKind::Deny => self.session_id.map(|session| Bound::to(&session.to_string())),
            MailKind::Notice => None,
        }
    }

    /// Whether its code does nothing any more, whether or not the link does.
    #[must_use]
    pub fn is_code_over(&self, now: Timestamp) -> bool {
        self.is_over(now) || self.created_at + CODE_LIFE <= now
    }

    /// Whether its time is over, whether or not the row was removed.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::RequestId;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

    fn key() -> MailKey {
        let mailbox = MailDigest::of(&Email::parse("sara@example.com").unwrap());
        MailKey { mailbox, kind: MailKind::Reset, id: ID.parse().unwrap() }
    }

    #[test]
    fn a_row_is_found_by_the_digest_that_the_attempts_of_its_account_have_too() {
        let email = Email::parse("sara@example.com").unwrap();
        assert_eq!(key().pk(), format!("MAIL#{}", email.digest()));
        assert_eq!(key().sk(), format!("RESET#{ID}"));
        assert_eq!(MailKey::parse(&key().pk(), &key().sk()), Ok(key()));
    }

    #[test]
    fn what_is_no_key_of_a_mail_is_taken_for_none() {
        let (pk, sk) = (key().pk(), key().sk());
        for (pk, sk) in [
            ("", sk.as_str()),
            (&pk.to_uppercase(), &sk),
            (&pk[..68], &sk),
            (&format!("{pk}0"), &sk),
            (&pk.replace("MAIL#", "USER#"), &sk),
            (&pk, "RESET#"),
            (&pk, ID),
            (&pk, &format!("RESET#{}", ID.to_uppercase())),
            (&pk, &format!("reset#{ID}")),
        ] {
            assert_eq!(MailKey::parse(pk, sk), Err(NotAMailKey), "{pk} {sk}");
        }
    }

    #[test]
    fn a_row_comes_back_as_it_was_written() {
        let moment =
            Moment { now: Timestamp::from_second(1_795_512_600).unwrap(), request: RequestId::new("r") };
        let mut mail = Mail::new(MailKind::Reset, Email::parse("sara@example.com").unwrap(), "ar", &moment);
        for prepared in [
            None,
            Some(Prepared { user_id: ID.parse().ok(), bound: Bound::to("hash"), kid: "link-1".to_owned() }),
        ] {
            mail.prepared = prepared;
            mail.sent_at = mail.prepared.as_ref().map(|_| moment.now);
            let row = serde_json::to_value(&mail).unwrap();
            assert_eq!(serde_json::from_value::<Mail>(row).unwrap(), mail);
        }
    }

    #[test]
    fn an_address_never_shows_in_debug_output() {
        let moment = Moment { now: Timestamp::UNIX_EPOCH, request: RequestId::new("r") };
        let mut mail =
            Mail::new(MailKind::Verify, Email::parse("canary@example.com").unwrap(), "ar", &moment);
        mail.password_hash = PasswordHash::parse(&format!("$2b$04$canary{}", "a".repeat(47))).ok();
        assert!(!format!("{mail:?}").contains("canary"));
    }
}
