//! Links and codes in mail. None is stored anywhere: each is computed from its row, when it is sent and when it is used.
//!
//! The MAC is over the row's key, the user, and what the link is bound to: the password's hash, say. Once that is another,
//! the link that was made for the old one counts for nothing, without anybody having to find its row.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{Key, KeyCache, KeysError, derive::DerivingKey};
use crate::domain::{
    ids::UserId,
    mail::{Bound, Mail, MailCode, MailKey, MailMac, MailToken, Prepared},
};

/// Makes and checks links and codes.
#[derive(Debug)]
pub struct MailLinks {
    keys: KeyCache,
}

impl MailLinks {
    /// Links made with these keys.
    #[must_use]
    pub const fn new(keys: KeyCache) -> Self {
        Self { keys }
    }

    /// Makes sure that there are keys.
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        self.keys.ring(now).await?.signer(now).map(|_| ()).ok_or(KeysError::NoSigner)
    }

    /// What the sender writes into a row before it computes the link, so that whoever uses the link finds it there.
    pub async fn prepare(
        &self,
        user_id: Option<UserId>,
        bound: Bound,
        now: Timestamp,
    ) -> Result<Prepared, KeysError> {
        let ring = self.keys.ring(now).await?;
        let kid = ring.signer(now).ok_or(KeysError::NoSigner)?.kid.clone();
        Ok(Prepared { user_id, bound, kid })
    }

    /// The token of a row's link. `None`: the key that the row names is gone, and with it the link.
    pub async fn token(
        &self,
        key: &MailKey,
        mail: &Mail,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<Option<MailToken>, KeysError> {
        let mac = self.with_key(mail, prepared, now, |deriving| link_mac(deriving, key, prepared)).await?;
        Ok(mac.map(|mac| MailToken { key: *key, mac }))
    }

    /// The code of a row: it does what the link does. `None`: the key that the row names is gone.
    pub async fn code(
        &self,
        key: &MailKey,
        mail: &Mail,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<Option<MailCode>, KeysError> {
        self.with_key(mail, prepared, now, |deriving| code_of(deriving, key, prepared)).await
    }

    /// What a row remembers of the request that uses its link: the same for the same secrets (a new password, say), and of no
    /// use to who reads the row. `None`: the key that the row names is gone.
    pub async fn use_of(
        &self,
        key: &MailKey,
        mail: &Mail,
        prepared: &Prepared,
        secrets: &[&[u8]],
        now: Timestamp,
    ) -> Result<Option<String>, KeysError> {
        let id = key.id;
        let parts: Vec<&[u8]> =
            [id.as_bytes().as_slice()].into_iter().chain(secrets.iter().copied()).collect();
        let mac = self.with_key(mail, prepared, now, |deriving| deriving.mail_use(&parts)).await?;
        Ok(mac.map(|mac| URL_SAFE_NO_PAD.encode(mac)))
    }

    async fn with_key<T>(
        &self,
        mail: &Mail,
        prepared: &Prepared,
        now: Timestamp,
        made: impl FnOnce(&DerivingKey) -> T,
    ) -> Result<Option<T>, KeysError> {
        // The name is from our own row: where it is not known, another instance may have read the secret later than this one.
        let signed = mail.sent_at.unwrap_or(now);
        let ring = self.keys.ring_with(&prepared.kid, signed, now).await?;
        let key = ring.as_ref().and_then(|ring| ring.verifier(&prepared.kid, now));
        Ok(key.and_then(|key: &Key| key.deriving.as_ref()).map(made))
    }
}

fn link_mac(deriving: &DerivingKey, key: &MailKey, prepared: &Prepared) -> MailMac {
    let mac = over(key, prepared, |parts| deriving.mail_link(parts));
    let mut short = [0; 16];
    short.iter_mut().zip(mac).for_each(|(byte, source)| *byte = source);
    MailMac(short)
}

fn code_of(deriving: &DerivingKey, key: &MailKey, prepared: &Prepared) -> MailCode {
    let [a, b, c, d, e, f, g, h, ..] = over(key, prepared, |parts| deriving.mail_code(parts));
    MailCode::from_bytes([a, b, c, d, e, f, g, h])
}

/// The MAC over all that a link says and is bound to.
fn over(key: &MailKey, prepared: &Prepared, mac: impl FnOnce(&[&[u8]]) -> [u8; 32]) -> [u8; 32] {
    let user = prepared.user_id.as_ref().map_or(&[][..], |user| user.as_bytes().as_slice());
    mac(&[&[key.kind.number()], key.mailbox.as_bytes(), key.id.as_bytes(), user, prepared.bound.as_bytes()])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::{
        email::Email,
        mail::{MailDigest, MailKind},
    };

    fn deriving(byte: u8) -> DerivingKey {
        DerivingKey::new(&[byte; 48])
    }

    fn key() -> MailKey {
        MailKey {
            mailbox: MailDigest::of(&Email::parse("sara@example.com").unwrap()),
            kind: MailKind::Reset,
            id: "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap(),
        }
    }

    fn prepared() -> Prepared {
        let user_id = "0190163d-8694-739b-aea5-966c26f8ad91".parse().ok();
        Prepared { user_id, bound: Bound::to("hash"), kid: "link-1".to_owned() }
    }

    /// A mail that is sent again has the same link, and a link that is out works after a deployment.
    #[test]
    fn a_link_and_a_code_are_the_same_each_time_they_are_made() {
        let token = MailToken { key: key(), mac: link_mac(&deriving(1), &key(), &prepared()) };
        // Both computed once by another implementation of RFC 5869 and RFC 2104.
        assert_eq!(
            token.expose(),
            "AQElm2WDO7rf1Y7mbd4pBImm5RUYM53kiG0jMQJ3UfCROgGQFj2GlHObrqWWbCb4rZCgRaRiq4-etO-FN4gDpWWp"
        );
        assert_eq!(code_of(&deriving(1), &key(), &prepared()).expose(), "79908796");
    }

    /// Whatever is taken together: no two of them share a link.
    #[test]
    fn no_link_works_for_another_stack_purpose_mailbox_row_user_or_password_in_any_combination() {
        let ids = ["0190163d-8694-739b-aea5-966c26f8ad90", "0190163d-8694-739b-aea5-966c26f8ad92"];
        let mailboxes = ["sara@example.com", "omar@example.com"].map(|email| Email::parse(email).unwrap());
        let users = ["", ids[0], ids[1]].map(|id| id.parse().ok());
        let mut macs = BTreeSet::new();
        for (secret, kind) in [1, 2].into_iter().flat_map(|secret| MailKind::ALL.map(|kind| (secret, kind))) {
            for (email, id) in mailboxes.iter().flat_map(|email| ids.map(|id| (email, id))) {
                for (user_id, bound) in
                    users.into_iter().flat_map(|user| ["a", "b"].map(|bound| (user, bound)))
                {
                    let key = MailKey { mailbox: MailDigest::of(email), kind, id: id.parse().unwrap() };
                    let prepared = Prepared { user_id, bound: Bound::to(bound), ..prepared() };
                    macs.insert(link_mac(&deriving(secret), &key, &prepared).0);
                }
            }
        }
        // Of each stack, kind, mailbox and row: two users or none, with two passwords.
        assert_eq!(macs.len(), 2 * 7 * 2 * 2 * 3 * 2);
    }

    /// A link with anything in it changed is another link, or none.
    #[test]
    fn a_link_that_differs_in_one_bit_is_no_link() {
        let token = MailToken { key: key(), mac: link_mac(&deriving(1), &key(), &prepared()) };
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = MailToken::parse(&URL_SAFE_NO_PAD.encode(changed)) else { continue };
            assert_ne!(changed.mac, link_mac(&deriving(1), &changed.key, &prepared()), "bit {bit}");
        }
    }

    #[test]
    fn a_link_counts_for_one_mailbox_purpose_row_user_password_and_stack() {
        let other_id = "0190163d-8694-739b-aea5-966c26f8ad92";
        let other = Email::parse("omar@example.com").unwrap();
        let mac =
            |secret: u8, key: MailKey, prepared: &Prepared| link_mac(&deriving(secret), &key, prepared).0;
        let mut all = BTreeSet::from([mac(1, key(), &prepared()), mac(2, key(), &prepared())]);
        for key in [
            MailKey { mailbox: MailDigest::of(&other), ..key() },
            MailKey { id: other_id.parse().unwrap(), ..key() },
        ] {
            all.insert(mac(1, key, &prepared()));
        }
        for kind in MailKind::ALL.into_iter().filter(|kind| *kind != MailKind::Reset) {
            all.insert(mac(1, MailKey { kind, ..key() }, &prepared()));
        }
        for prepared in [
            Prepared { user_id: None, ..prepared() },
            Prepared { user_id: other_id.parse().ok(), ..prepared() },
            Prepared { bound: Bound::to("another hash"), ..prepared() },
        ] {
            all.insert(mac(1, key(), &prepared));
        }
        assert_eq!(all.len(), 2 + 2 + 6 + 3);
    }
}
