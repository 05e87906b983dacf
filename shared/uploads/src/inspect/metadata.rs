//! What a picture says beside its pixels: where it was taken, when, by whom, with what.
//!
//! The parts that a program needs to show a picture are listed here. Every other part counts as metadata: who knows what it says?

use super::images::{jpeg_end, png_end, webp_end};
use crate::{kind::Kind, reason::Reason};

/// Size, palette, pixels, transparency, colours, density, animation. No texts, no time, no EXIF.
const PNG: [&[u8]; 18] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"mDCV", b"cLLI", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

const WEBP: [&[u8]; 6] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM"];

/// The length of JFIF's segment without a small picture in it, which may be of another one than what is shown.
const BARE_JFIF: usize = 14;

/// Insists that a picture has no metadata. Its structure is known to be valid. A type that is no picture always has some.
///
/// # Errors
/// [`Reason::Metadata`].
pub(super) fn none(file: &[u8], kind: Kind) -> Result<(), Reason> {
    let mut is_shown = true;
    let end = match kind {
        Kind::Png => png_end(file, |name, _| is_shown &= PNG.contains(&name)),
        Kind::Jpeg => jpeg_end(file, |marker, data| is_shown &= is_shown_of_jpeg(marker, data)),
        Kind::Webp => webp_end(file, |name, data| is_shown &= is_shown_of_webp(name, data)),
        _ => None,
    };
    if is_shown && end == Some(file.len()) { Ok(()) } else { Err(Reason::Metadata) }
}

/// Tables, frames, scans and restarts; and of the applications' segments those that say how colours are meant.
fn is_shown_of_jpeg(marker: u8, data: &[u8]) -> bool {
    match marker {
        0xc0..=0xcf | 0xda..=0xdd => true,
        0xe0 => data.starts_with(b"JFIF\0") && data.len() == BARE_JFIF,
        0xe2 => data.starts_with(b"ICC_PROFILE\0"),
        0xee => data.starts_with(b"Adobe") && data.len() == 12,
        _ => false,
    }
}

/// A frame of an animation has parts of its own, behind 16 bytes that say where it is shown.
fn is_shown_of_webp(name: &[u8], data: &[u8]) -> bool {
    if name != b"ANMF" {
        return WEBP.contains(&name);
    }
    let mut is_shown = true;
    let frame = data.get(16..).unwrap_or_default();
    let end = super::images::riff_end(frame, 0, frame.len(), |name, _| is_shown &= WEBP.contains(&name));
    is_shown && end.is_some()
}
