//! Passwords that were breached elsewhere: how a filter of them is read.
//!
//! The filter is made of the public list "Pwned Passwords" (`nova passwords build`). It is a folder of two files:
//! [`MANIFEST`], some hundred bytes, and [`FILTER`]: [`SHARDS`] shards of one size, one after the other. The first 16 bits of a
//! password's SHA-1 say which shard could hold it, the next 64 are looked up there. In a stack each shard is a row of a table
//! (`nova passwords put`), so that a look-up is one read of some tens of kilobytes; in the folder it is one of [`Manifest::range`].
//!
//! The filter never misses a password of its list, and takes about one in 65,536 others for one. What can't be read
//! is an error and never a "no".

mod fingerprint;
mod manifest;
mod shard;

pub use fingerprint::Fingerprint;
pub use manifest::Manifest;
pub use shard::{Fuse, Shard};

/// The file of the shards.
pub const FILTER: &str = "filter";

/// The file that says how large they are.
pub const MANIFEST: &str = "manifest.json";

/// So many shards: one for each value of the first 16 bits.
pub const SHARDS: u32 = 1 << 16;

/// The largest shard that is read or written. That of a list of two billion has a fourteenth of this.
pub const MAX_SHARD_BYTES: u32 = 1 << 20;

/// What every part of a filter says of itself. A reader refuses every other number.
const FORMAT: u8 = 1;

/// Why bytes are no filter that this version reads. None of it says what was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Something else altogether.
    #[error("not a filter of breached passwords")]
    Foreign,
    /// Of an older or newer version of Nova Auth.
    #[error("a filter of breached passwords in format {0}; this version reads format 1")]
    Format(u32),
    /// Fewer or more bytes than there were, or of another filter than the manifest's.
    #[error("a shard of the wrong size")]
    Size,
    /// Bytes are not those that were written.
    #[error("a damaged shard: its checksum does not match")]
    Damaged,
    /// The shard next to it, or of another place altogether.
    #[error("not the requested shard")]
    OtherShard,
    /// Its numbers don't fit together.
    #[error("a shard or manifest with impossible numbers")]
    Impossible,
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
