//! A shard: a binary fuse filter of 16 bits (Graf and Lemire, 2022), as the crate `xorf` builds it.
//!
//! | bytes | little-endian |
//! |---|---|
//! | 0 | `novapwd`, and the format |
//! | 8 | the size of the shard, with all of this |
//! | 12 | its number |
//! | 16 | how many passwords it holds |
//! | 20 | the length of a segment: a power of two |
//! | 24 | the length of all segments that a key's first place may be in; two more follow them |
//! | 28 | the seed |
//! | 36 | SHA-256 of everything else, in this order |
//! | 68 | a 16-bit number for each place, then zeros |

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::{FORMAT, Fingerprint, MAX_SHARD_BYTES, Unreadable};

const MAGIC: &[u8; 7] = b"novapwd";

/// Before the checksum.
const NUMBERS: usize = 36;

/// A filter as its builder gives it.
#[derive(Clone, Copy)]
pub struct Fuse<'a> {
    /// What keys are mixed with.
    pub seed: u64,
    pub segment_length: u32,
    /// The length of the segments of first places.
    pub segment_count_length: u32,
    /// What each place holds.
    pub fingerprints: &'a [u16],
}

/// A shard whose numbers are known to fit together.
#[derive(Clone)]
pub struct Shard<'a> {
    number: u16,
    entries: u32,
    segment: u32,
    firsts: u32,
    seed: u64,
    /// Two bytes each.
    places: Cow<'a, [u8]>,
}

impl<'a> Shard<'a> {
    /// The size of a shard that holds nothing.
    pub const HEADER_BYTES: u32 = 68;

    /// A shard without a password.
    #[must_use]
    pub const fn empty(number: u16) -> Self {
        Self { number, entries: 0, segment: 0, firsts: 0, seed: 0, places: Cow::Borrowed(&[]) }
    }

    /// A shard of so many passwords.
    ///
    /// # Errors
    /// [`Unreadable::Impossible`] if it is no such filter, or too large to be read.
    pub fn new(number: u16, entries: u32, fuse: Fuse<'_>) -> Result<Self, Unreadable> {
        let Fuse { seed, segment_length: segment, segment_count_length: firsts, fingerprints } = fuse;
        let places: Vec<u8> = fingerprints.iter().flat_map(|place| place.to_le_bytes()).collect();
        if entries == 0 || length(entries, segment, firsts) != Some(places.len()) {
            return Err(Unreadable::Impossible);
        }
        Ok(Self { number, entries, segment, firsts, seed, places: places.into() })
    }

    /// Reads a shard: exactly its bytes, no fewer and no more.
    ///
    /// # Errors
    /// [`Unreadable`] if one of them is not what was written.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let ([magic @ .., format], _) = bytes.split_first_chunk::<8>().ok_or(Unreadable::Foreign)?;
        if magic != MAGIC {
            return Err(Unreadable::Foreign);
        }
        if *format != FORMAT {
            return Err(Unreadable::Format(u32::from(*format)));
        }
        let (numbers, rest) = bytes.split_first_chunk::<NUMBERS>().ok_or(Unreadable::Size)?;
        let (checksum, places) = rest.split_first_chunk::<32>().ok_or(Unreadable::Size)?;
        let mut fields =
            numbers.chunks_exact(4).skip(2).map(|field| field.try_into().map(u32::from_le_bytes));
        let mut next = || fields.next().and_then(Result::ok).ok_or(Unreadable::Impossible);
        let (size, number, entries, segment, firsts) = (next()?, next()?, next()?, next()?, next()?);
        let seed = u64::from(next()?) | u64::from(next()?) << 32;
        if usize::try_from(size) != Ok(bytes.len()) || size > MAX_SHARD_BYTES {
            return Err(Unreadable::Size);
        }
        if digest(numbers, places) != *checksum {
            return Err(Unreadable::Damaged);
        }
        let number = number.try_into().map_err(|_| Unreadable::Impossible)?;
        let places = length(entries, segment, firsts).and_then(|length| places.get(..length));
        let places = Cow::Borrowed(places.ok_or(Unreadable::Impossible)?);
        Ok(Self { number, entries, segment, firsts, seed, places })
    }

    /// Whether the password is in the list; of those that are not, one in 65,536 seems to be.
    ///
    /// # Errors
    /// [`Unreadable::OtherShard`] if this is not the shard that would hold it.
    pub fn contains(&self, fingerprint: &Fingerprint) -> Result<bool, Unreadable> {
        if fingerprint.shard() != self.number {
            return Err(Unreadable::OtherShard);
        }
        if self.entries == 0 {
            return Ok(false);
        }
        let hash = mixed(fingerprint.key().wrapping_add(self.seed));
        // What `length` knows of the shape keeps the three inside; were one outside, that would not be a "no".
        let left = places_of(hash, self.segment, self.firsts)
            .into_iter()
            .try_fold(low16(hash ^ (hash >> 32)), |left, place| Some(left ^ self.place(place)?));
        Ok(left.is_none_or(|left| left == 0))
    }

    fn place(&self, index: u64) -> Option<u16> {
        let start = usize::try_from(index).ok()?.checked_mul(2)?;
        self.places.get(start..)?.first_chunk().copied().map(u16::from_le_bytes)
    }

    /// The bytes of this shard in a filter whose shards have this size; `None` if it does not go in, or nobody reads that.
    #[must_use]
    pub fn to_bytes(&self, size: u32) -> Option<Vec<u8>> {
        let spare = size.checked_sub(self.least_bytes()).filter(|_| size <= MAX_SHARD_BYTES)?;
        let mut numbers = [MAGIC.as_slice(), &[FORMAT]].concat();
        for field in [size, self.number.into(), self.entries, self.segment, self.firsts] {
            numbers.extend(field.to_le_bytes());
        }
        numbers.extend(self.seed.to_le_bytes());
        let places = [&self.places, vec![0; spare.try_into().ok()?].as_slice()].concat();
        let checksum = digest(&numbers, &places);
        Some([numbers.as_slice(), &checksum, &places].concat())
    }

    /// The smallest size that it has room in.
    #[must_use]
    pub fn least_bytes(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX).saturating_add(Self::HEADER_BYTES)
    }

    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// How many passwords it holds.
    #[must_use]
    pub const fn entries(&self) -> u32 {
        self.entries
    }
}

/// How many bytes the places of such a filter take, if there is one: each of a key's three places is inside then.
fn length(entries: u32, segment: u32, firsts: u32) -> Option<usize> {
    if entries == 0 {
        return (segment == 0 && firsts == 0).then_some(0);
    }
    let is_cut_into_segments = segment.is_power_of_two() && firsts != 0 && firsts.is_multiple_of(segment);
    let places = firsts.checked_add(segment.checked_mul(2)?)?;
    // A place holds one key at most.
    (is_cut_into_segments && entries <= places)
        .then(|| usize::try_from(places).ok()?.checked_mul(2))
        .flatten()
}

/// MurmurHash3's last step.
const fn mixed(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// One place in each of three segments that follow each other. An exclusive or with less than a power of two stays in its
/// segment.
fn places_of(hash: u64, segment: u32, firsts: u32) -> [u64; 3] {
    let (segment, mask) = (u64::from(segment), u64::from(segment.saturating_sub(1)));
    let first = u64::try_from((u128::from(hash) * u128::from(firsts)) >> 64).unwrap_or(u64::MAX);
    [first, (first + segment) ^ ((hash >> 18) & mask), (first + 2 * segment) ^ (hash & mask)]
}

const fn low16(hash: u64) -> u16 {
    let [low, high, ..] = hash.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn digest(numbers: &[u8], places: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(numbers).chain_update(places).finalize().into()
}
