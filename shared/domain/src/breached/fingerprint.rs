//! What is looked up of a password.

use std::fmt;

use sha1::{Digest as _, Sha1};

/// 80 bits of a password's SHA-1: which shard, and what in it. A guess can be tried against them, so they redact themselves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    shard: u16,
    key: u64,
}

impl Fingerprint {
    /// Of a password, as UTF-8. A [`Password`](crate::password::Password) may have two: see its `fingerprints`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::of_sha1(Sha1::digest(text).into())
    }

    /// Of an entry of the list.
    #[must_use]
    pub const fn of_sha1(hash: [u8; 20]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, ..] = hash;
        Self { shard: u16::from_be_bytes([a, b]), key: u64::from_be_bytes([c, d, e, f, g, h, i, j]) }
    }

    /// The shard that could hold it.
    #[must_use]
    pub const fn shard(&self) -> u16 {
        self.shard
    }

    /// What the shard is asked for.
    #[must_use]
    pub const fn key(&self) -> u64 {
        self.key
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}
