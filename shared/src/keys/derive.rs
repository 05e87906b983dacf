//! Keys derived from a JWT key, one for each purpose (RFC 5869), so that no MAC of one kind is ever a MAC of another.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;

use crate::domain::ids::{RefreshId, SessionId};

/// What the derived key is for. The text is part of every refresh id: changing it logs everybody out.
const REFRESH_ID: &[u8] = b"nova/refresh-id/v1";

/// What the other one is for. Changing the text makes browsers ask for their CSRF tokens again.
const CSRF: &[u8] = b"nova/csrf/v1";

/// Of what a browser keeps of a login. Changing the text makes every device a new one.
const DEVICE: &[u8] = b"nova/device/v1";

/// The two of a mail: of the token in its link, and of the code that does the same.
const MAIL_LINK: &[u8] = b"nova/mail-link/v1";
const MAIL_CODE: &[u8] = b"nova/mail-code/v1";

/// Of what a row remembers of the request that used its link. It had a password in it, so no hash that anybody can make.
const MAIL_USE: &[u8] = b"nova/mail-use/v1";

/// The two of second factors: of what seals the secrets of authenticator apps, and of what is kept of recovery codes. Changing
/// either locks everybody with a second factor out.
const FACTOR_SEAL: &[u8] = b"nova/factor-seal/v1";
const RECOVERY_CODE: &[u8] = b"nova/recovery-code/v1";

/// The keys that are derived from one JWT key, one for each purpose.
pub(super) struct DerivingKey {
    refresh_id: SecretBox<[u8; 32]>,
    csrf: SecretBox<[u8; 32]>,
    device: SecretBox<[u8; 32]>,
    mail_link: SecretBox<[u8; 32]>,
    mail_code: SecretBox<[u8; 32]>,
    mail_use: SecretBox<[u8; 32]>,
    factor_seal: SecretBox<[u8; 32]>,
    recovery_code: SecretBox<[u8; 32]>,
}

impl DerivingKey {
    pub(super) fn new(key: &[u8]) -> Self {
        let key = |purpose| derived(key, purpose);
        Self {
            refresh_id: key(REFRESH_ID),
            csrf: key(CSRF),
            device: key(DEVICE),
            mail_link: key(MAIL_LINK),
            mail_code: key(MAIL_CODE),
            mail_use: key(MAIL_USE),
            factor_seal: key(FACTOR_SEAL),
            recovery_code: key(RECOVERY_CODE),
        }
    }

    /// `jti(g+1) = MAC(key, sid ‖ g+1 ‖ jti(g))`, each part with its length before it: whoever has the token before
    /// and the key makes this one again, byte for byte, and nobody else makes it at all.
    pub(super) fn refresh_id(&self, session: SessionId, generation: u64, before: &RefreshId) -> RefreshId {
        let session = session.to_string();
        let parts = [session.as_bytes(), &generation.to_be_bytes(), before.expose().as_bytes()];
        RefreshId::from_bytes(&mac(&self.refresh_id, &parts))
    }

    /// The MAC of what a CSRF token is bound to.
    pub(super) fn csrf(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.csrf, parts)
    }

    /// The MAC of a device that logged in.
    pub(super) fn device(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.device, parts)
    }

    /// The MAC in the token of a mail's link.
    pub(super) fn mail_link(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.mail_link, parts)
    }

    /// What the code of a mail is made of.
    pub(super) fn mail_code(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.mail_code, parts)
    }

    /// What a row remembers of the request that used its link.
    pub(super) fn mail_use(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.mail_use, parts)
    }

    /// The key that seals the secrets of authenticator apps.
    pub(super) const fn factor_seal(&self) -> &SecretBox<[u8; 32]> {
        &self.factor_seal
    }

    /// What is kept of a recovery code.
    pub(super) fn recovery_code(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.recovery_code, parts)
    }
}

/// HMAC-SHA256 of several parts, each with its length before it, so that no two lists of parts are one input.
fn mac(key: &SecretBox<[u8; 32]>, parts: &[&[u8]]) -> [u8; 32] {
    // INVARIANT: HMAC takes keys of any length.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("a key of any length");
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The key of one purpose: who knows it knows neither the JWT key nor the key of any other purpose.
fn derived(key: &[u8], purpose: &[u8]) -> SecretBox<[u8; 32]> {
    let mut derived = Box::new([0; 32]);
    // INVARIANT: HKDF-SHA256 gives up to 255 * 32 bytes, so 32 are never too many.
    let filled = Hkdf::<Sha256>::new(None, key).expand(purpose, derived.as_mut_slice());
    debug_assert!(filled.is_ok());
    SecretBox::new(derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(key: u8, session: &str, generation: u64, before: u8) -> String {
        let session = session.parse().unwrap();
        let before = RefreshId::from_bytes(&[before; 32]);
        DerivingKey::new(&[key; 32]).refresh_id(session, generation, &before).expose().to_owned()
    }

    const SESSION: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

    #[test]
    fn a_successor_is_the_same_each_time_it_is_made() {
        assert_eq!(id(1, SESSION, 2, 3), id(1, SESSION, 2, 3));
        // Computed once by another implementation of RFC 5869 and RFC 2104. Another text here means that every session that is being retried would be taken for stolen.
        assert_eq!(id(1, SESSION, 2, 3), "GOvJQOHflm27lpotMvweWidv-DLhsjzekdoEPiSDZIE");
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own_and_none_has_the_jwt_key() {
        let key = [7; 32];
        let all = [
            REFRESH_ID,
            CSRF,
            DEVICE,
            MAIL_LINK,
            MAIL_CODE,
            MAIL_USE,
            FACTOR_SEAL,
            RECOVERY_CODE,
            b"nova/refresh-id/v2",
            b"",
        ]
        .map(|purpose| *derived(&key, purpose).expose_secret());
        let distinct: std::collections::BTreeSet<_> = all.iter().chain([&key]).collect();
        assert_eq!(distinct.len(), all.len() + 1);
    }

    #[test]
    fn a_successor_depends_on_key_session_generation_and_predecessor() {
        let other = "0190163d-8694-739b-aea5-966c26f8ad91";
        let all = [
            id(1, SESSION, 2, 3),
            id(9, SESSION, 2, 3),
            id(1, other, 2, 3),
            id(1, SESSION, 9, 3),
            id(1, SESSION, 2, 9),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
