//! Challenges, and the names of credentials.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What one ceremony has to be answered with: 32 random bytes. The table has their hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// The challenge of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes the one spelling that a browser has for it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// SHA-256, base64url: what a row is called by it.
    #[must_use]
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// The name of a passkey, given by its authenticator.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialId(Vec<u8>);

/// The text is not the name of a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a credential id")]
pub struct NotACredentialId;

impl CredentialId {
    /// 16 to 1,023 bytes (WebAuthn, section 4).
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (16..=1023).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// SHA-256, base64url: what rows are called by it.
    #[must_use]
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.hash())
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialId(..)")
    }
}

impl TryFrom<String> for CredentialId {
    type Error = NotACredentialId;

    fn try_from(text: String) -> Result<Self, NotACredentialId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACredentialId)?;
        Self::new(&bytes).ok_or(NotACredentialId)
    }
}

impl From<CredentialId> for String {
    fn from(id: CredentialId) -> Self {
        URL_SAFE_NO_PAD.encode(id.0)
    }
}
