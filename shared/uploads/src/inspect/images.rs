//! PNG, JPEG and WebP: the structure to the last byte, then the pixels.
//!
//! The walk over the parts is ours, since decoders stop at the end of an image and say nothing of what follows it. Reading the
//! pixels is the library's.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use super::{big_endian, little_endian};
use crate::{kind::Kind, reason::Reason};

/// The most pixels: at four bytes each, a third of the memory that an inspection has.
const MOST_PIXELS: u64 = 40_000_000;

const LONGEST_SIDE: u32 = 20_000;

/// What decoding may allocate.
const MOST_MEMORY: u64 = 320 * 1024 * 1024;

pub(super) fn check(file: &[u8], declared: Kind) -> Result<(), Reason> {
    let (format, end) = match declared {
        Kind::Png => (ImageFormat::Png, png_end(file, |_, _| ())),
        Kind::Jpeg => (ImageFormat::Jpeg, jpeg_end(file, |_, _| ())),
        _ => (ImageFormat::WebP, webp_end(file, |_, _| ())),
    };
    match end {
        None => return Err(Reason::Unreadable),
        Some(end) if end != file.len() => return Err(Reason::Polyglot),
        Some(_) => {}
    }
    let reader = || ImageReader::with_format(Cursor::new(file), format);
    let (width, height) = reader().into_dimensions().map_err(|_| Reason::Unreadable)?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS || width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(Reason::TooManyPixels);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let mut decoder = reader();
    decoder.limits(limits);
    decoder.decode().map(drop).map_err(|_| Reason::Unreadable)
}

/// Where a PNG ends: chunk by chunk, up to `IEND`. Each is shown by its name and its data.
pub(super) fn png_end(file: &[u8], mut see: impl FnMut(&[u8], &[u8])) -> Option<usize> {
    let mut at = 8;
    loop {
        let chunk = file.get(at..)?;
        let length = big_endian(chunk.get(..4)?)?;
        // Length, name and checksum stand around the data.
        at = at.checked_add(length)?.checked_add(12)?;
        let name = chunk.get(4..8)?;
        see(name, chunk.get(8..length.checked_add(8)?)?);
        if name == b"IEND" {
            return (length == 0 && at <= file.len()).then_some(at);
        }
    }
}

/// Where a JPEG ends: segment by segment, and through the scans, up to its first end marker. Each segment is shown by its marker and
/// its data.
pub(super) fn jpeg_end(file: &[u8], mut see: impl FnMut(u8, &[u8])) -> Option<usize> {
    const START_OF_SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    let mut at = 2;
    loop {
        let segment = file.get(at..)?;
        let [0xff, marker] = *segment.first_chunk()? else { return None };
        match marker {
            END => return Some(at + 2),
            // A byte of filling before a marker.
            0xff => at += 1,
            // Markers without a length, and none at all.
            0x00 | 0x01 | 0xd0..=0xd8 => return None,
            _ => {
                let length = big_endian(segment.get(2..4)?).filter(|length| *length >= 2)?;
                see(marker, segment.get(4..length + 2)?);
                at = at.checked_add(2 + length)?;
                if marker == START_OF_SCAN {
                    at = scan_end(file, at)?;
                }
            }
        }
    }
}

/// Where the data of a scan end: at the first marker that is neither a stuffed byte nor a restart.
fn scan_end(file: &[u8], from: usize) -> Option<usize> {
    let data = file.get(from..)?;
    let ends = |place: &usize| {
        let next = data.get(place + 1);
        next.is_some_and(|next| !matches!(next, 0x00 | 0xd0..=0xd7 | 0xff))
    };
    memchr::memchr_iter(0xff, data).find(ends).map(|place| from + place)
}

/// Where a WebP ends: its container says how long it is, and its chunks fill that exactly. Each is shown by its name and its data.
pub(super) fn webp_end(file: &[u8], see: impl FnMut(&[u8], &[u8])) -> Option<usize> {
    let end = little_endian(file.get(4..8)?)?.checked_add(8)?;
    if file.get(8..12)? != b"WEBP" || end > file.len() {
        return None;
    }
    riff_end(file, 12, end, see)
}

/// The same of chunks that fill a part of a file.
pub(super) fn riff_end(
    file: &[u8],
    from: usize,
    end: usize,
    mut see: impl FnMut(&[u8], &[u8]),
) -> Option<usize> {
    let mut at = from;
    while at < end {
        let length = little_endian(file.get(at + 4..at + 8)?)?;
        let data = at.checked_add(8)?;
        let over = data.checked_add(length)?;
        see(file.get(at..at + 4)?, file.get(data..over)?);
        // Data of an odd length are filled up.
        at = over.checked_add(length % 2)?;
    }
    (at == end).then_some(end)
}
