//! What a client declares about a file before it sends it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{kind::Kind, rules::Purpose};

/// How long a form may be used.
pub const FORM_LASTS: SignedDuration = SignedDuration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadId(Uuid);

/// The text is not an id of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an upload")]
pub struct NotAnUploadId;

impl UploadId {
    /// An id of this time, with this randomness.
    #[must_use]
    pub fn new(now: Timestamp, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of these bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }
}

impl std::fmt::Display for UploadId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl std::str::FromStr for UploadId {
    type Err = NotAnUploadId;

    /// Takes the canonical form only: an id is part of a key.
    fn from_str(text: &str) -> Result<Self, NotAnUploadId> {
        let id = Self(Uuid::try_parse(text).map_err(|_| NotAnUploadId)?);
        if id.to_string() == text { Ok(id) } else { Err(NotAnUploadId) }
    }
}

impl TryFrom<String> for UploadId {
    type Error = NotAnUploadId;

    fn try_from(text: String) -> Result<Self, NotAnUploadId> {
        text.parse()
    }
}

impl From<UploadId> for String {
    fn from(id: UploadId) -> Self {
        id.to_string()
    }
}

/// A SHA-256, in base64 as S3 writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

/// The text is not a SHA-256 in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 in base64")]
pub struct NotASha256;

impl Sha256 {
    /// The checksum of these 32 bytes.
    #[must_use]
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        Self(STANDARD.encode(digest))
    }

    /// In base64.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256 {
    type Error = NotASha256;

    /// Takes the canonical form only, so that S3 and the inspection compare the same text.
    fn try_from(text: String) -> Result<Self, NotASha256> {
        let digest: [u8; 32] =
            STANDARD.decode(&text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NotASha256)?;
        if STANDARD.encode(digest) == text { Ok(Self(text)) } else { Err(NotASha256) }
    }
}

impl From<Sha256> for String {
    fn from(sum: Sha256) -> Self {
        sum.0
    }
}

/// Why the rules do not allow a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAllowed {
    /// Its type is not among those of its purpose.
    Type,
    /// It is larger than files of its purpose may be.
    Size,
}

impl Purpose {
    /// Whether a file may be sent: its type, if it may.
    pub fn allows(&self, media_type: &str, size: u64) -> Result<Kind, NotAllowed> {
        let kind = Kind::named(media_type).filter(|kind| self.types.contains(kind));
        let kind = kind.ok_or(NotAllowed::Type)?;
        if size == 0 || size > self.max_bytes { Err(NotAllowed::Size) } else { Ok(kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Metadata;

    #[test]
    fn an_id_and_a_checksum_have_one_spelling() {
        let id = UploadId::new(Timestamp::UNIX_EPOCH, &[0xab; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(UploadId::of_bytes(id.as_bytes()), Some(id));
        assert!(id.to_string().to_uppercase().parse::<UploadId>().is_err());
        let sum = Sha256::of_digest(&[1; 32]);
        assert!(Sha256::try_from(sum.as_str().to_owned()).is_ok());
        // The last character of 32 bytes in base64 has bits that count for nothing.
        let other = sum.as_str().replacen("E=", "F=", 1);
        assert!(other != sum.as_str() && Sha256::try_from(other).is_err());
        for text in ["", "AQ==", &"ab".repeat(32)] {
            assert!(Sha256::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_allowed_by_its_type_and_its_size() {
        let rule = Purpose {
            purpose: "avatar".to_owned(),
            types: [Kind::Png].into(),
            max_bytes: 10,
            files_a_day: 1,
            bytes_a_day: 10,
            metadata: Metadata::Keep,
        };
        assert_eq!(rule.allows("image/png", 10), Ok(Kind::Png));
        assert_eq!(rule.allows("image/jpeg", 10), Err(NotAllowed::Type));
        assert_eq!(rule.allows("image/png", 11), Err(NotAllowed::Size));
        assert_eq!(rule.allows("image/png", 0), Err(NotAllowed::Size));
    }
}
