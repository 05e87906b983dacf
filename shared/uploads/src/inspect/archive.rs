//! ZIP, by its central directory: what readers of archives trust. Nothing is unpacked but the first bytes of each entry.
//!
//! The directory has to agree with the end record, with each entry's own header, and with the file: entries, directory and
//! end record fill it from the first byte to the last. So nothing overlaps, nothing hides between the parts, and a reader
//! that goes from the front sees the same archive as one that goes from the back.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::{little_endian, signatures::is_archive_or_program};
use crate::reason::Reason;

const MOST_ENTRIES: usize = 1000;

/// The most bytes of all entries unpacked.
const MOST_UNPACKED: u64 = 200 * 1024 * 1024;

/// The most that an archive may grow when it is unpacked, and what is never too much.
const MOST_GROWTH: u64 = 20;
const NEVER_TOO_MUCH: u64 = 4 * 1024 * 1024;

/// The most that one entry may grow, and what is never too much: small files of zeros are nobody's bomb.
const MOST_GROWTH_OF_ONE: u64 = 100;
const NEVER_TOO_MUCH_OF_ONE: u64 = 256 * 1024;

const LONGEST_NAME: usize = 255;

/// How much of each entry is looked at.
const LOOKED_AT: u64 = 512;

/// The end record without a comment.
const END_RECORD: usize = 22;

/// Endings of names that a double click runs, on some system.
const PROGRAMS: [&str; 32] = [
    "app", "bat", "chm", "cmd", "com", "cpl", "dll", "exe", "hta", "htm", "html", "jar", "js", "jse", "lnk",
    "mht", "mhtml", "msc", "msi", "pif", "ps1", "psm1", "reg", "scr", "sh", "svg", "url", "vbe", "vbs",
    "wsf", "wsh", "xhtml",
];

pub(super) fn check(file: &[u8]) -> Result<(), Reason> {
    let archive = Archive::read(file)?;
    if archive.names.contains("[content_types].xml") {
        return Err(Reason::TypeMismatch);
    }
    let ends_as_program =
        |name: &String| name.rsplit_once('.').is_some_and(|(_, end)| PROGRAMS.contains(&end));
    if archive.names.iter().any(ends_as_program) { Err(Reason::ArchiveContent) } else { Ok(()) }
}

/// An archive whose every byte is accounted for.
pub(super) struct Archive<'f> {
    archive: ZipSliceArchive<&'f [u8]>,
    /// All names, in lower case: many systems tell no other apart.
    pub(super) names: BTreeSet<String>,
}

/// An entry's part of the file.
struct Span {
    start: usize,
    end: usize,
    has_descriptor: bool,
}

fn broken<E>(_: E) -> Reason {
    Reason::ArchiveBroken
}

impl<'f> Archive<'f> {
    pub(super) fn read(file: &'f [u8]) -> Result<Self, Reason> {
        Self::read_but(file, |_| false)
    }

    /// The same, where entries of some names (in lower case) may be archives themselves: who says so looks into them.
    pub(super) fn read_but(file: &'f [u8], is_looked_into: impl Fn(&str) -> bool) -> Result<Self, Reason> {
        let end = EndRecord::read(file)?;
        let archive = ZipArchive::from_slice(file).map_err(broken)?;
        let is_same = archive.directory_offset() == end.directory as u64
            && archive.eocd_offset() == (file.len() - END_RECORD) as u64;
        if !is_same {
            return Err(Reason::ArchiveBroken);
        }
        let mut read = Self { archive, names: BTreeSet::new() };
        let spans = read.entries(end.entries, file.len() as u64, is_looked_into)?;
        fill(spans, end.directory)?;
        Ok(read)
    }

    /// Looks at every entry, and gives their parts of the file.
    fn entries(
        &mut self,
        expected: usize,
        length: u64,
        is_looked_into: impl Fn(&str) -> bool,
    ) -> Result<Vec<Span>, Reason> {
        let (mut spans, mut names, mut unpacked) = (Vec::new(), BTreeSet::new(), 0_u64);
        let mut entries = self.archive.entries();
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            if spans.len() == expected {
                return Err(Reason::ArchiveBroken);
            }
            let name = name(&entry)?.to_lowercase();
            unpacked = unpacked.saturating_add(entry.uncompressed_size_hint());
            is_small(&entry)?;
            spans.push(self.entry(&entry, is_looked_into(&name))?);
            if !names.insert(name.trim_end_matches('/').to_owned()) {
                return Err(Reason::ArchiveNames);
            }
        }
        if spans.len() != expected {
            return Err(Reason::ArchiveBroken);
        }
        let most = length.saturating_mul(MOST_GROWTH).clamp(NEVER_TOO_MUCH, MOST_UNPACKED);
        if unpacked > most {
            return Err(Reason::ArchiveTooLarge);
        }
        self.names = names;
        Ok(spans)
    }

    /// Compares an entry with its own header, and looks at its first bytes.
    fn entry(&self, entry: &ZipFileHeaderRecord<'_>, is_looked_into: bool) -> Result<Span, Reason> {
        if entry.flags().is_encrypted() || entry.flags().has_strong_encryption() {
            return Err(Reason::Encrypted);
        }
        let found = self.archive.get_entry(entry.wayfinder()).map_err(broken)?;
        let local = found.local_header();
        let has_descriptor = entry.flags().has_data_descriptor();
        let sizes = [local.compressed_size_hint(), local.uncompressed_size_hint()];
        let is_same = local.file_path().as_ref() == entry.file_path().as_ref()
            && local.compression_method() == entry.compression_method()
            && local.flags().bits() == entry.flags().bits()
            && (has_descriptor || sizes == [entry.compressed_size_hint(), entry.uncompressed_size_hint()]);
        let is_link = entry.external_attributes() >> 16 & 0o170_000 == 0o120_000;
        if !is_same || is_link {
            return Err(Reason::ArchiveBroken);
        }
        let beginning = unpack(found.data(), entry, LOOKED_AT)?;
        if is_archive_or_program(&beginning) && !is_looked_into {
            return Err(Reason::ArchiveContent);
        }
        let (_, end) = found.compressed_data_range();
        let place = |offset: u64| usize::try_from(offset).map_err(broken);
        Ok(Span { start: place(entry.local_header_offset())?, end: place(end)?, has_descriptor })
    }

    /// A part of the archive, if it has one of this very name. No more than `most` bytes are unpacked.
    pub(super) fn part(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Reason> {
        let mut entries = self.archive.entries();
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            if entry.file_path().as_ref() == name.as_bytes() {
                let found = self.archive.get_entry(entry.wayfinder()).map_err(broken)?;
                let part = unpack(found.data(), &entry, most.saturating_add(1))?;
                let is_whole = part.len() as u64 == entry.uncompressed_size_hint();
                return if is_whole { Ok(Some(part)) } else { Err(Reason::ArchiveTooLarge) };
            }
        }
        Ok(None)
    }

    /// The names of the archive, as they are written in it.
    pub(super) fn written_names(&self) -> Result<Vec<String>, Reason> {
        let mut names = Vec::new();
        let mut entries = self.archive.entries();
        while let Some(entry) = entries.next_entry().map_err(broken)? {
            names.push(name(&entry)?);
        }
        Ok(names)
    }
}

/// What the last 22 bytes say. An archive with a comment, of several disks or of more than 4 GiB is none that is taken.
struct EndRecord {
    entries: usize,
    directory: usize,
}

impl EndRecord {
    fn read(file: &[u8]) -> Result<Self, Reason> {
        let start = file.len().checked_sub(END_RECORD).ok_or(Reason::ArchiveBroken)?;
        let record = file.get(start..).unwrap_or_default();
        let number = |from: usize, to: usize| {
            record.get(from..to).and_then(little_endian).ok_or(Reason::ArchiveBroken)
        };
        let (entries, size, directory) = (number(10, 12)?, number(12, 16)?, number(16, 20)?);
        let is_one = record.starts_with(b"PK\x05\x06")
            && [number(4, 6)?, number(6, 8)?, number(20, 22)?] == [0; 3]
            && number(8, 10)? == entries
            && directory.checked_add(size) == Some(start);
        if !is_one {
            return Err(Reason::ArchiveBroken);
        }
        if entries > MOST_ENTRIES {
            return Err(Reason::ArchiveTooLarge);
        }
        Ok(Self { entries, directory })
    }
}

/// Insists that the entries follow each other from the first byte up to the directory. Behind an entry there may be the
/// record of its sizes, and nothing else.
fn fill(mut spans: Vec<Span>, directory: usize) -> Result<(), Reason> {
    spans.sort_by_key(|span| span.start);
    let nexts = spans.iter().skip(1).map(|span| span.start).chain([directory]);
    let is_full = spans.iter().zip(nexts).all(|(span, next)| match next.checked_sub(span.end) {
        Some(0) => !span.has_descriptor,
        Some(12 | 16 | 20 | 24) => span.has_descriptor,
        _ => false,
    });
    let begins = spans.first().map_or(directory, |span| span.start) == 0;
    if is_full && begins { Ok(()) } else { Err(Reason::ArchiveBroken) }
}

fn is_small(entry: &ZipFileHeaderRecord<'_>) -> Result<(), Reason> {
    let (packed, unpacked) = (entry.compressed_size_hint(), entry.uncompressed_size_hint());
    let most = packed.saturating_mul(MOST_GROWTH_OF_ONE).max(NEVER_TOO_MUCH_OF_ONE);
    if unpacked > most { Err(Reason::ArchiveTooLarge) } else { Ok(()) }
}

/// A name that leads nowhere else, whoever unpacks it.
fn name(entry: &ZipFileHeaderRecord<'_>) -> Result<String, Reason> {
    let name = String::from_utf8(entry.file_path().as_ref().to_vec()).map_err(|_| Reason::ArchiveNames)?;
    let parts = name.strip_suffix('/').unwrap_or(&name).split('/');
    let is_strange = |part: &str| {
        let end = part.trim_end_matches(['.', ' ']);
        // Windows cuts dots and spaces off, and what is left may be another name.
        end.is_empty() || end.len() != part.len()
    };
    let is_bad = name.len() > LONGEST_NAME
        || name.contains(['\\', ':', '\0', '\u{202e}'])
        || name.chars().any(char::is_control)
        || parts.into_iter().any(is_strange);
    if is_bad { Err(Reason::ArchiveNames) } else { Ok(name) }
}

fn unpack(data: &[u8], entry: &ZipFileHeaderRecord<'_>, most: u64) -> Result<Vec<u8>, Reason> {
    let mut unpacked = Vec::new();
    let read = match entry.compression_method() {
        CompressionMethod::STORE => data.take(most).read_to_end(&mut unpacked),
        CompressionMethod::DEFLATE => DeflateDecoder::new(data).take(most).read_to_end(&mut unpacked),
        _ => return Err(Reason::ArchiveBroken),
    };
    // What is packed has to be what the directory says that it is, as far as it is looked at.
    let is_all = unpacked.len() as u64 == entry.uncompressed_size_hint().min(most);
    if read.is_ok() && is_all { Ok(unpacked) } else { Err(Reason::ArchiveBroken) }
}
