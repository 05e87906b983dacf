//! What is kept of second factors: the secrets of authenticator apps are sealed, and of recovery codes there is a MAC alone. Who
//! reads the table can make no code.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use super::{Key, KeyCache, KeysError, derive::DerivingKey};
use crate::domain::{
    factors::{recovery::RecoveryCode, totp::TotpSecret},
    ids::{FactorId, UserId},
};

/// Seals and opens what is kept of second factors.
#[derive(Debug)]
pub struct FactorKeys {
    keys: KeyCache,
}

/// A secret as the table holds it: AES-256-GCM under a key of the ring, bound to its user and factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// The key of the ring.
    pub kid: String,
    nonce: String,
    sealed: String,
}

impl FactorKeys {
    /// Sealed with these keys.
    #[must_use]
    pub const fn new(keys: KeyCache) -> Self {
        Self { keys }
    }

    /// Makes sure that there are keys.
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        self.signer(now).await.map(|_| ())
    }

    /// Seals a secret under the newest key.
    pub async fn seal(
        &self,
        user: UserId,
        factor: FactorId,
        secret: &TotpSecret,
        now: Timestamp,
    ) -> Result<Sealed, KeysError> {
        let kid = self.signer(now).await?;
        let sealed = self.with(&kid, now, |key| seal(key, &kid, user, factor, secret)).await?;
        sealed.flatten().ok_or(KeysError::NoSigner)
    }

    /// Opens a secret. `None`: its key is gone, or it is of another user or factor.
    pub async fn open(
        &self,
        user: UserId,
        factor: FactorId,
        sealed: &Sealed,
        now: Timestamp,
    ) -> Result<Option<TotpSecret>, KeysError> {
        self.with(&sealed.kid, now, |key| open(key, user, factor, sealed)).await.map(Option::flatten)
    }

    /// Whether a secret is sealed under another key than the newest.
    pub async fn is_outdated(&self, sealed: &Sealed, now: Timestamp) -> Result<bool, KeysError> {
        Ok(self.signer(now).await? != sealed.kid)
    }

    /// The name of the key that MACs of new recovery codes are made with.
    pub async fn signer(&self, now: Timestamp) -> Result<String, KeysError> {
        let ring = self.keys.ring(now).await?;
        ring.signer(now).map(|key| key.kid.clone()).ok_or(KeysError::NoSigner)
    }

    /// What is kept of a recovery code of this user. `None`: the key is gone.
    pub async fn recovery_mac(
        &self,
        kid: &str,
        user: UserId,
        code: &RecoveryCode,
        now: Timestamp,
    ) -> Result<Option<String>, KeysError> {
        let parts: [&[u8]; 2] = [user.as_bytes(), code.expose().as_bytes()];
        self.with(kid, now, |key| URL_SAFE_NO_PAD.encode(key.recovery_code(&parts))).await
    }

    async fn with<T>(
        &self,
        kid: &str,
        now: Timestamp,
        with: impl FnOnce(&DerivingKey) -> T,
    ) -> Result<Option<T>, KeysError> {
        // A row may be newer than the ring in memory: a key that it names is looked for again.
        let Some(ring) = self.keys.ring_with(kid, now, now).await? else { return Ok(None) };
        Ok(ring.verifier(kid, now).and_then(|key: &Key| key.deriving.as_ref()).map(with))
    }
}

/// What a sealed secret is bound to, each part with its length before it.
fn bound(kid: &str, user: UserId, factor: FactorId) -> Vec<u8> {
    let parts: [&[u8]; 3] = [kid.as_bytes(), user.as_bytes(), factor.as_bytes()];
    let length = |part: &[u8]| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes();
    parts.iter().flat_map(|part| [&length(part)[..], part].concat()).collect()
}

fn cipher(key: &DerivingKey) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key.factor_seal().expose_secret()).ok()
}

fn seal(key: &DerivingKey, kid: &str, user: UserId, factor: FactorId, secret: &TotpSecret) -> Option<Sealed> {
    // With room for the tag, so that no copy of the secret stays behind.
    let mut text = Zeroizing::new(Vec::with_capacity(secret.expose().len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(secret.expose());
    let nonce =
        cipher(key)?.seal_in_place_append_tag(Aad::from(bound(kid, user, factor)), &mut *text).ok()?;
    let (nonce, sealed) = (URL_SAFE_NO_PAD.encode(nonce.as_ref()), URL_SAFE_NO_PAD.encode(&*text));
    Some(Sealed { kid: kid.to_owned(), nonce, sealed })
}

fn open(key: &DerivingKey, user: UserId, factor: FactorId, sealed: &Sealed) -> Option<TotpSecret> {
    let nonce = URL_SAFE_NO_PAD.decode(&sealed.nonce).ok()?;
    let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
    let mut text = Zeroizing::new(URL_SAFE_NO_PAD.decode(&sealed.sealed).ok()?);
    let bound = Aad::from(bound(&sealed.kid, user, factor));
    let opened = cipher(key)?.open_in_place(nonce, bound, &mut text).ok()?;
    opened.as_ref().try_into().ok().map(TotpSecret::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
    const OTHER: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

    fn sealed() -> Sealed {
        seal(&DerivingKey::new(&[1; 32]), "k1", user(ONE), factor(ONE), &TotpSecret::from_bytes([7; 20]))
            .unwrap()
    }

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    fn factor(id: &str) -> FactorId {
        id.parse().unwrap()
    }

    fn opened(secret: u8, user_id: &str, factor_id: &str, sealed: &Sealed) -> Option<[u8; 20]> {
        open(&DerivingKey::new(&[secret; 32]), user(user_id), factor(factor_id), sealed)
            .map(|opened| *opened.expose())
    }

    #[test]
    fn a_secret_opens_for_its_user_its_factor_and_its_key_alone() {
        let sealed = sealed();
        assert_eq!(opened(1, ONE, ONE, &sealed), Some([7; 20]));
        assert_eq!(opened(2, ONE, ONE, &sealed), None, "another key");
        assert_eq!(opened(1, OTHER, ONE, &sealed), None, "another user");
        assert_eq!(opened(1, ONE, OTHER, &sealed), None, "another factor");
        assert_eq!(
            opened(1, ONE, ONE, &Sealed { kid: "k2".to_owned(), ..sealed }),
            None,
            "another name of a key"
        );
    }

    #[test]
    fn a_sealed_secret_that_was_changed_anywhere_does_not_open() {
        let sealed = sealed();
        for place in 0..sealed.sealed.len() {
            let mut text = sealed.sealed.clone().into_bytes();
            text[place] = if text[place] == b'A' { b'B' } else { b'A' };
            let changed = Sealed { sealed: String::from_utf8(text).unwrap(), ..sealed.clone() };
            // The last letter has bits that no byte has: then it is no base64, which does not open either.
            assert_eq!(opened(1, ONE, ONE, &changed), None, "{place}");
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_the_same_way_twice() {
        assert_ne!(sealed(), sealed());
    }
}
