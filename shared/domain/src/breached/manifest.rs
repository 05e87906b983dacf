//! The small file beside the filter.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{FORMAT, Fingerprint, MAX_SHARD_BYTES, SHARDS, Shard, Unreadable};

/// How large a shard is, and what the filter was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: u32,
    shard_bytes: u32,
    entries: u64,
    at_least: u64,
}

/// What every format has. Of another one, nothing else is looked at.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    shard_bytes: u32,
    entries: u64,
    at_least: u64,
}

impl Manifest {
    /// Of a filter with shards of this size, of so many passwords, which were seen at least so often.
    ///
    /// # Errors
    /// [`Unreadable::Impossible`] if no shard has this size.
    pub fn new(shard_bytes: u32, entries: u64, at_least: u64) -> Result<Self, Unreadable> {
        if !(Shard::HEADER_BYTES..=MAX_SHARD_BYTES).contains(&shard_bytes) {
            return Err(Unreadable::Impossible);
        }
        Ok(Self { format: FORMAT.into(), shard_bytes, entries, at_least })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Unreadable`] for everything that [`Self::to_json`] does not write.
    pub fn parse(json: &[u8]) -> Result<Self, Unreadable> {
        let Format { format } = serde_json::from_slice(json).map_err(|_| Unreadable::Foreign)?;
        if format != u32::from(FORMAT) {
            return Err(Unreadable::Format(format));
        }
        let numbers: Numbers = serde_json::from_slice(json).map_err(|_| Unreadable::Foreign)?;
        Self::new(numbers.shard_bytes, numbers.entries, numbers.at_least)
    }

    /// The file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { format, shard_bytes, entries, at_least } = self;
        format!(
            "{{\"format\":{format},\"shardBytes\":{shard_bytes},\"entries\":{entries},\"atLeast\":{at_least}}}\n"
        )
    }

    /// Which bytes of [`FILTER`](super::FILTER) to read for this password: never more than [`MAX_SHARD_BYTES`].
    #[must_use]
    pub fn range(&self, fingerprint: &Fingerprint) -> Range<u64> {
        let size = u64::from(self.shard_bytes);
        let start = u64::from(fingerprint.shard()) * size;
        start..start + size
    }

    /// Whether the password is in the list, from the bytes that [`Self::range`] names.
    ///
    /// # Errors
    /// [`Unreadable`] if these are other bytes. It is no answer: neither a "yes" nor a "no".
    pub fn contains(&self, fingerprint: &Fingerprint, bytes: &[u8]) -> Result<bool, Unreadable> {
        if usize::try_from(self.shard_bytes) != Ok(bytes.len()) {
            return Err(Unreadable::Size);
        }
        Shard::parse(bytes)?.contains(fingerprint)
    }

    /// The size of the whole filter.
    #[must_use]
    pub fn filter_bytes(&self) -> u64 {
        u64::from(self.shard_bytes) * u64::from(SHARDS)
    }

    /// The size of a shard.
    #[must_use]
    pub const fn shard_bytes(&self) -> u32 {
        self.shard_bytes
    }

    /// How many passwords are in the filter.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// How often a password was seen at least, to be in it.
    #[must_use]
    pub const fn at_least(&self) -> u64 {
        self.at_least
    }
}
