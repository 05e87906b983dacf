//! Identifiers: users, sessions, access tokens, and the secret ids of refresh tokens.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct NotAnId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a fresh UUIDv7.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Its 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            /// Takes the canonical form only (hyphens, lower case): an id is part of an item's key.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let id = Self(Uuid::try_parse(text).map_err(|_| NotAnId)?);
                if id.to_string() == text { Ok(id) } else { Err(NotAnId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

uuid_id!(
    /// A user.
    UserId
);
uuid_id!(
    /// A session: one login on one device, through all its refreshes.
    SessionId
);
uuid_id!(
    /// The `jti` of one access token.
    AccessId
);
uuid_id!(
    /// The `jti` of one ticket to connect.
    TicketId
);
uuid_id!(
    /// A mail, and the link in it.
    MailId
);
uuid_id!(
    /// A second factor of a user.
    FactorId
);

/// The `jti` of one refresh token. Whoever knows it and the keys can make the next one, so it redacts itself and is
/// stored as a [`RefreshHash`] only.
#[derive(Debug, Clone)]
pub struct RefreshId(SecretString);

impl RefreshId {
    /// The identifier made of these 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The identifier as a verified token carries it.
    #[must_use]
    pub fn from_claim(jti: String) -> Self {
        Self(SecretString::from(jti))
    }

    /// The identifier, for the token that carries it and for the MAC that follows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What a session's row holds of it.
    #[must_use]
    pub fn hash(&self) -> RefreshHash {
        RefreshHash(URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose())))
    }
}

/// SHA-256 of a [`RefreshId`], base64url.
#[derive(Debug, Clone, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RefreshHash(String);

impl RefreshHash {
    /// The hash as text, for a condition on the row.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for RefreshHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// A device that logged in, as its token says it: random, and of one account. Whoever knows it and no key can do nothing with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// The device of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the token that carries them.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What its window of attempts is found by: SHA-256, base64url.
    #[must_use]
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0))
    }
}

/// It is a part of a token.
impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId(..)")
    }
}

/// SHA-256 of what a client sends as its fingerprint, base64url; the fingerprint itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FingerprintHash(String);

impl FingerprintHash {
    /// Hashes a fingerprint.
    #[must_use]
    pub fn of(fingerprint: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(fingerprint)))
    }

    /// The hash as text, for the row.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad90";
        assert_eq!(id.parse::<UserId>().unwrap().to_string(), id);
        for other in ["0190163D-8694-739B-AEA5-966C26F8AD90", "0190163d8694739baea5966c26f8ad90", "", "#"] {
            assert_eq!(other.parse::<UserId>(), Err(NotAnId), "{other}");
        }
    }

    #[test]
    fn a_refresh_id_never_shows_in_debug_output() {
        let id = RefreshId::from_bytes(&[7; 32]);
        assert!(!format!("{id:?}").contains(id.expose()));
    }

    /// Rows in the table were written by earlier versions: with another hash, everybody would be logged out.
    #[test]
    fn what_a_row_holds_of_a_refresh_token_and_of_a_fingerprint_is_the_sha_256() {
        let id = RefreshId::from_bytes(&[7; 32]);
        assert_eq!(id.expose(), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
        assert_eq!(id.hash().as_str(), "3Ev4DHdHPRMPoN6GukAY_pi7IUAF5qWJHRK6kURvnoE");
        assert_eq!(FingerprintHash::of("a browser").as_str(), "FOgUuHEI0_I0qnaiSTcwRu1A3arth4MXyX0kg6ZjcJQ");
    }

    #[test]
    fn a_token_that_was_used_up_is_not_taken_for_the_current_one() {
        let hash = |byte| RefreshId::from_bytes(&[byte; 32]).hash();
        assert_eq!(hash(7), hash(7));
        assert_ne!(hash(7), hash(8));
    }
}
