//! PDF: nothing that runs, nothing embedded, nothing encrypted.
//!
//! Readers repair broken files, and each does it in its own way. So a file is read in two ways: as its table of objects says, and as
//! somebody sees it who looks for objects everywhere. And what is named in the open is found without either.

use lopdf::{Dictionary, Document, LoadOptions, Object};
use memchr::memmem;

use crate::reason::Reason;

/// What a stream of objects may unpack to.
const MOST_UNPACKED: usize = 64 * 1024 * 1024;

/// Keys of dictionaries, and names that are values. A link to a page or to another place in the document is none of them.
const REFUSED: [(&[u8], Reason); 21] = [
    (b"JavaScript", Reason::ActiveContent),
    (b"JS", Reason::ActiveContent),
    (b"Launch", Reason::ActiveContent),
    (b"AA", Reason::ActiveContent),
    (b"SubmitForm", Reason::ActiveContent),
    (b"ImportData", Reason::ActiveContent),
    (b"GoToR", Reason::ActiveContent),
    (b"GoToE", Reason::ActiveContent),
    (b"Rendition", Reason::ActiveContent),
    (b"Movie", Reason::ActiveContent),
    (b"RichMedia", Reason::ActiveContent),
    (b"RichMediaExecute", Reason::ActiveContent),
    (b"RichMediaContent", Reason::ActiveContent),
    (b"XFA", Reason::ActiveContent),
    (b"3D", Reason::ActiveContent),
    (b"EmbeddedFile", Reason::EmbeddedFile),
    (b"EmbeddedFiles", Reason::EmbeddedFile),
    (b"EF", Reason::EmbeddedFile),
    (b"FileAttachment", Reason::EmbeddedFile),
    (b"Collection", Reason::EmbeddedFile),
    (b"Encrypt", Reason::Encrypted),
];

/// A name that is found by looking at the bytes has to be long, or pictures would have it by chance.
const LONG: usize = 6;

pub(super) fn check(file: &[u8]) -> Result<(), Reason> {
    frame(file)?;
    in_the_open(file)?;
    for force_reconstruct in [false, true] {
        let options = LoadOptions {
            max_decompressed_size: Some(MOST_UNPACKED),
            force_reconstruct,
            ..LoadOptions::default()
        };
        let document = Document::load_mem_with_options(file, options).map_err(|_| Reason::Unreadable)?;
        objects(&document)?;
    }
    Ok(())
}

/// It begins with its version, and nothing but white space follows its last line.
fn frame(file: &[u8]) -> Result<(), Reason> {
    let is_version = file.starts_with(b"%PDF-1.") || file.starts_with(b"%PDF-2.");
    let end = memmem::rfind(file, b"%%EOF").ok_or(Reason::Unreadable)?;
    let rest = file.get(end + 5..).unwrap_or_default();
    if !is_version {
        return Err(Reason::Unreadable);
    }
    if rest.iter().all(u8::is_ascii_whitespace) { Ok(()) } else { Err(Reason::Polyglot) }
}

/// Names that stand in the file as they are, or with letters written as `#41`: also in objects that no table mentions.
fn in_the_open(file: &[u8]) -> Result<(), Reason> {
    for at in memchr::memchr_iter(b'/', file) {
        let rest = file.get(at + 1..).unwrap_or_default();
        let name = name(rest);
        if let Some((_, reason)) =
            REFUSED.iter().find(|(refused, _)| refused.len() >= LONG && *refused == name)
        {
            return Err(*reason);
        }
    }
    Ok(())
}

/// The name that begins here. Longer ones than any that is looked for end early, as none of them.
fn name(bytes: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(20);
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        let is_regular = !byte.is_ascii_whitespace() && *byte != 0 && !b"()<>[]{}/%".contains(byte);
        if !is_regular || name.len() > 20 {
            break;
        }
        let hex = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let escaped = match after {
            [high, low, ..] if *byte == b'#' => hex(high).zip(hex(low)),
            _ => None,
        };
        name.push(escaped.map_or(*byte, |(high, low)| high * 16 + low));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    name
}

fn objects(document: &Document) -> Result<(), Reason> {
    if document.is_encrypted() || document.was_encrypted() {
        return Err(Reason::Encrypted);
    }
    dictionary(&document.trailer, &mut Vec::new())?;
    // Not a recursion: how deep objects are nested is the file's decision.
    let mut waiting: Vec<&Object> = document.objects.values().collect();
    while let Some(object) = waiting.pop() {
        match object {
            Object::Dictionary(found) => dictionary(found, &mut waiting)?,
            Object::Stream(stream) => dictionary(&stream.dict, &mut waiting)?,
            Object::Array(entries) => waiting.extend(entries),
            Object::Name(name) => refuse(name)?,
            _ => {}
        }
    }
    Ok(())
}

fn dictionary<'d>(found: &'d Dictionary, waiting: &mut Vec<&'d Object>) -> Result<(), Reason> {
    for (key, value) in found {
        refuse(key)?;
        waiting.push(value);
    }
    Ok(())
}

fn refuse(name: &[u8]) -> Result<(), Reason> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map_or(Ok(()), |(_, reason)| Err(*reason))
}
