//! The shards of a filter, written as its list is read: one of them is in memory at a time.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};

use indicatif::ProgressBar;
use nova_auth::domain::breached::{Fingerprint, Fuse, MAX_SHARD_BYTES, Manifest, SHARDS, Shard};
use xorf::BinaryFuse16;

/// So many passwords that nobody has are looked up in each shard.
const PROBES: u64 = 16;

/// No shard of the largest size holds more.
const MOST: usize = MAX_SHARD_BYTES as usize / 2;

/// A file of shards that grows.
pub(super) struct Shards {
    file: BufWriter<File>,
    /// Of the shards that are written: how many bytes, and how many passwords.
    written: Vec<(u32, u32)>,
    /// What is in the one after them.
    next: Vec<Fingerprint>,
    /// How many passwords begin with each five digits: the public list is downloaded by these.
    ranges: Vec<u32>,
}

/// What came of it.
pub(super) struct Built {
    pub(super) manifest: Manifest,
    /// How many passwords that are not in the list were looked up, and how many of them seem to be in it.
    pub(super) probes: u64,
    pub(super) seem: u64,
}

impl Shards {
    /// In an empty file that can be read and written.
    pub(super) fn new(file: File) -> Self {
        Self {
            file: BufWriter::with_capacity(1 << 20, file),
            written: Vec::new(),
            next: Vec::new(),
            ranges: vec![0; 1 << 20],
        }
    }

    /// Takes the next password, in the order of hashes.
    pub(super) fn add(&mut self, fingerprint: Fingerprint) -> Result<(), Box<dyn Error>> {
        while self.written.len() < usize::from(fingerprint.shard()) {
            self.close()?;
        }
        if self.next.last() != Some(&fingerprint) {
            self.next.push(fingerprint);
            let range = u64::from(fingerprint.shard()) << 4 | fingerprint.key() >> 60;
            if let Some(count) = self.ranges.get_mut(usize::try_from(range)?) {
                *count += 1;
            }
        }
        if self.next.len() > MOST { Err(too_many()) } else { Ok(()) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next.is_empty() && self.written.iter().all(|(_, entries)| *entries == 0)
    }

    /// Writes a shard, as small as it can be: how large all of them will be is not known yet.
    fn close(&mut self) -> Result<(), Box<dyn Error>> {
        let number = u16::try_from(self.written.len())?;
        let shard = shard(number, &self.next)?;
        let bytes = shard.to_bytes(shard.least_bytes()).ok_or_else(too_many)?;
        self.file.write_all(&bytes)?;
        self.written.push((shard.least_bytes(), shard.entries()));
        self.next.clear();
        Ok(())
    }

    /// Gives all of them one size, and reads each of them on the way.
    pub(super) fn finish(mut self, at_least: u64, bar: &ProgressBar) -> Result<Built, Box<dyn Error>> {
        while self.written.len() < usize::try_from(SHARDS)? {
            self.close()?;
        }
        let entries: Vec<u32> = self.written.iter().map(|(_, entries)| *entries).collect();
        if let Some(gap) = gap::<5>(&self.ranges).or_else(|| gap::<4>(&entries)) {
            return Err(gap.into());
        }
        let all = entries.iter().copied().map(u64::from).sum();
        let size = self.written.iter().map(|(size, _)| *size).max().unwrap_or_default();
        let manifest = Manifest::new(size, all, at_least)?;
        bar.set_length(manifest.filter_bytes());
        let mut file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        let (mut built, mut bytes) = (Built { manifest, probes: 0, seem: 0 }, Vec::new());
        // From the last one on, each is moved to where nothing is that is still to be read.
        let mut end: u64 = self.written.iter().map(|(size, _)| u64::from(*size)).sum();
        for (number, (own, _)) in (0_u16..=u16::MAX).zip(&self.written).rev() {
            end -= u64::from(*own);
            bytes.resize(usize::try_from(*own)?, 0);
            file.seek(SeekFrom::Start(end))?;
            file.read_exact(&mut bytes)?;
            let shard = Shard::parse(&bytes)?;
            for probe in probes(number) {
                built.probes += 1;
                built.seem += u64::from(shard.contains(&probe)?);
            }
            file.seek(SeekFrom::Start(u64::from(number) * u64::from(size)))?;
            file.write_all(&shard.to_bytes(size).ok_or_else(too_many)?)?;
            bar.inc(size.into());
        }
        file.sync_all()?;
        Ok(built)
    }
}

fn too_many() -> Box<dyn Error> {
    "too many passwords for one filter. --at-least leaves out those that were seen seldom".into()
}

/// A shard that was seen to find all that is in it.
fn shard(number: u16, all: &[Fingerprint]) -> Result<Shard<'static>, Box<dyn Error>> {
    if all.is_empty() {
        return Ok(Shard::empty(number));
    }
    let filter = BinaryFuse16::try_from_iterator(all.iter().map(Fingerprint::key))?;
    let fuse = Fuse {
        seed: filter.descriptor.seed,
        segment_length: filter.descriptor.segment_length,
        segment_count_length: filter.descriptor.segment_count_length,
        fingerprints: &filter.fingerprints,
    };
    let shard = Shard::new(number, u32::try_from(all.len())?, fuse)?;
    for fingerprint in all {
        if !shard.contains(fingerprint)? {
            return Err(format!("shard {number:04X} misses a password that it was made of").into());
        }
    }
    Ok(shard)
}

/// What is missing from a list that is large enough to tell: how many passwords begin with each so many digits. Hashes are
/// spread evenly: where 64 are expected, fewer than 16 are found once in millions of lists.
fn gap<const DIGITS: usize>(counts: &[u32]) -> Option<String> {
    let all: u64 = counts.iter().copied().map(u64::from).sum();
    let average = all.checked_div(counts.len().try_into().ok()?)?;
    let is_low = |count: &u32| average >= 64 && u64::from(*count) * 4 < average;
    let first = counts.iter().position(is_low)?;
    let number = counts.iter().filter(|count| is_low(count)).count();
    Some(format!(
        "the list has gaps: {number} of {} ranges of hashes hold almost nothing, first the one that begins with \
         {first:0DIGITS$X}. Download it again",
        counts.len()
    ))
}

/// The same ones in each run, and no password's: SplitMix64.
fn probes(number: u16) -> impl Iterator<Item = Fingerprint> {
    let [high, low] = number.to_be_bytes();
    (1..=PROBES).map(move |probe| {
        let mut key = (u64::from(number) * PROBES + probe).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [a, b, c, d, e, f, g, h] = (key ^ (key >> 31)).to_be_bytes();
        Fingerprint::of_sha1([high, low, a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a file without a name.
    fn in_a_file() -> Shards {
        Shards::new(tempfile::tempfile().unwrap())
    }

    #[test]
    fn no_filter_is_made_of_a_download_that_lost_a_range_or_stopped() {
        let mut lost = in_a_file();
        lost.ranges.fill(100);
        lost.ranges[0xF_FFFE] = 0;
        let said = lost.finish(1, &ProgressBar::hidden()).err().unwrap().to_string();
        assert!(said.contains("with FFFFE."), "{said}");
        let mut stopped = in_a_file();
        stopped.written = vec![(Shard::HEADER_BYTES, 200); 40_000];
        let said = stopped.finish(1, &ProgressBar::hidden()).err().unwrap().to_string();
        assert!(said.contains("with 9C40."), "{said}");
    }

    #[test]
    fn a_list_of_which_a_part_is_missing_makes_no_filter() {
        let mut counts = vec![100; 65_536];
        assert_eq!(gap::<4>(&counts), None);
        counts[0xFFFF] = 25;
        assert_eq!(gap::<4>(&counts), None);
        counts[0xFFFF] = 24;
        let said = gap::<4>(&counts).unwrap();
        assert!(said.contains(" 1 of 65536 ranges") && said.contains("with FFFF."), "{said}");
        counts[0x0A0B] = 0;
        assert!(gap::<4>(&counts).unwrap().contains("with 0A0B."));
        assert!(gap::<5>(&counts).unwrap().contains("with 00A0B."));
        // Of a list of a few million, and of a short one of somebody's own, nobody can tell.
        let mut few = vec![64; 65_536];
        few[7] = 0;
        assert_eq!(gap::<4>(&few), None);
        assert_eq!(gap::<4>(&vec![0; 65_536]), None);
    }

    #[test]
    fn passwords_are_counted_by_the_ranges_that_a_download_may_lose() {
        let mut shards = in_a_file();
        for (first, second, third) in
            [(0x00, 0x00, 0x0f), (0x00, 0x00, 0x1f), (0x5b, 0xaa, 0x61), (0x5b, 0xaa, 0x6f)]
        {
            let mut hash = [0; 20];
            hash[..3].copy_from_slice(&[first, second, third]);
            shards.add(Fingerprint::of_sha1(hash)).unwrap();
            shards.add(Fingerprint::of_sha1(hash)).unwrap();
        }
        let counted: Vec<_> = (0_u32..).zip(&shards.ranges).filter(|(_, count)| **count > 0).collect();
        assert_eq!(counted, [(0x0_0000, &1), (0x0_0001, &1), (0x5_BAA6, &2)]);
    }

    #[test]
    fn a_million_different_passwords_are_tried() {
        let mut all: Vec<_> = (0..=u16::MAX).flat_map(probes).collect();
        assert!(all.iter().enumerate().all(|(index, probe)| usize::from(probe.shard()) == index / 16));
        let keys: std::collections::BTreeSet<_> = all.iter().map(Fingerprint::key).collect();
        all.dedup();
        assert_eq!((all.len(), keys.len()), (1 << 20, 1 << 20));
    }
}
