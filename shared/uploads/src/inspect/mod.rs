//! Whether a file is what it claims to be, and nothing else.
//!
//! One rule holds in every file here: what is not understood is refused. A file whose bytes can't all be accounted for has
//! room for a second file, and a name or a declared type is never believed.
//!
//! | module | what it looks at |
//! |---|---|
//! | [`signatures`] | what a file is by its first bytes, and what else it could be taken for |
//! | `images` | PNG, JPEG and WebP: structure, dimensions, pixels |
//! | `archive` | ZIP: the central directory, and whether it accounts for every byte |
//! | `office` | Word, Excel and PowerPoint: macros, embedded files, links to elsewhere |
//! | `pdf` | PDF: scripts, actions, embedded files, encryption |
//! | `metadata` | pictures: nothing but what is shown, where the rules want it so |
//! | [`contained`] | all of it in a process of its own, with its time and memory bounded |

mod archive;
pub mod contained;
mod images;
mod metadata;
mod office;
mod pdf;
pub mod signatures;

use crate::{kind::Kind, reason::Reason, rules::Metadata};

/// Inspects a file. It does not bound itself: a library may take its time, or panic. [`contained`] sees to that.
///
/// # Errors
/// Why the file is refused.
pub fn inspect(file: &[u8], declared: Kind) -> Result<(), Reason> {
    signatures::only(file, declared)?;
    match declared {
        Kind::Png | Kind::Jpeg | Kind::Webp => images::check(file, declared),
        Kind::Pdf => pdf::check(file),
        Kind::Docx | Kind::Xlsx | Kind::Pptx => office::check(file, declared),
        Kind::Zip => archive::check(file),
    }
}

/// Inspects a file, and what it says of itself too, if its rule wants that.
///
/// # Errors
/// Why the file is refused.
pub fn inspect_for(file: &[u8], declared: Kind, metadata: Metadata) -> Result<(), Reason> {
    inspect(file, declared)?;
    match metadata {
        Metadata::Keep => Ok(()),
        Metadata::Refuse => metadata::none(file, declared),
    }
}

/// A number in big-endian order.
fn big_endian(bytes: &[u8]) -> Option<usize> {
    bytes.iter().try_fold(0_usize, |number, byte| number.checked_mul(256)?.checked_add(usize::from(*byte)))
}

/// A number in little-endian order.
fn little_endian(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .rev()
        .try_fold(0_usize, |number, byte| number.checked_mul(256)?.checked_add(usize::from(*byte)))
}

#[cfg(test)]
mod tests;
