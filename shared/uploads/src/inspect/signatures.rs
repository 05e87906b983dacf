//! What a file is by its first bytes, and what else it could be taken for.

use infer::MatcherType;
use memchr::memmem;

use crate::{kind::Kind, reason::Reason};

/// Where browsers and PDF readers look for a beginning that is not at the first byte.
const SNIFFED: usize = 1024;

/// Where readers of archives look for the end record of a ZIP: its comment has up to 65,535 bytes.
const ZIP_END: usize = 65_535 + 22;

/// What a browser takes for a page, or a server for a program, wherever it stands in the first kilobyte.
const MARKUP: [&[u8]; 9] =
    [b"<html", b"<head", b"<body", b"<script", b"<iframe", b"<svg", b"<!doctype", b"<?php", b"<%@"];

/// Signatures that readers look for at another place than the beginning.
const ELSEWHERE: [(usize, &[u8]); 3] = [(257, b"ustar"), (128, b"DICM"), (32_769, b"CD001")];

/// Archives that are found anywhere in a file, since they may follow a program that unpacks them. Long enough not to be
/// there by chance.
const ANYWHERE: [&[u8]; 3] = [b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"MSCF\0\0\0\0"];

/// Insists that a file is of the declared type by its first bytes, and of no other by any.
///
/// # Errors
/// [`Reason::TypeMismatch`], [`Reason::Polyglot`].
pub fn only(file: &[u8], declared: Kind) -> Result<(), Reason> {
    if !begins_as(file, declared) {
        return Err(Reason::TypeMismatch);
    }
    if is_something_else(file, declared) { Err(Reason::Polyglot) } else { Ok(()) }
}

/// `infer` may tell a Word document from a ZIP by its first entry's name. What it really is, its parts say.
fn begins_as(file: &[u8], declared: Kind) -> bool {
    let Some(found) = infer::get(file).map(|found| found.mime_type()) else { return false };
    match declared {
        Kind::Png | Kind::Jpeg | Kind::Webp | Kind::Pdf => found == declared.name(),
        Kind::Docx | Kind::Xlsx | Kind::Pptx | Kind::Zip => file.starts_with(b"PK\x03\x04"),
    }
}

fn is_something_else(file: &[u8], declared: Kind) -> bool {
    let is_zip = matches!(declared, Kind::Docx | Kind::Xlsx | Kind::Pptx | Kind::Zip);
    let beginning = head(file, SNIFFED).to_ascii_lowercase();
    let has = |place: &[u8], wanted: &[u8]| memmem::find(place, wanted).is_some();
    // A PDF has its own signature once, at its first byte. Names in an archive's first kilobyte are no beginnings of files.
    let pdf = match declared {
        Kind::Pdf => file.get(1..).is_some_and(|rest| has(rest, b"%PDF-")),
        _ => has(&beginning, b"%pdf-"),
    };
    pdf || MARKUP.iter().any(|markup| has(&beginning, markup))
        || ELSEWHERE.iter().any(|(at, wanted)| file.get(*at..).is_some_and(|rest| rest.starts_with(wanted)))
        || ANYWHERE.iter().any(|wanted| has(file, wanted))
        || (!is_zip && has(tail(file, ZIP_END), b"PK\x05\x06"))
}

fn head(file: &[u8], most: usize) -> &[u8] {
    file.get(..most).unwrap_or(file)
}

fn tail(file: &[u8], most: usize) -> &[u8] {
    file.get(file.len().saturating_sub(most)..).unwrap_or(file)
}

/// Whether an archive's entry begins like another archive, a program, a page or a document that is one. PDF and plain XML are
/// none of that.
#[must_use]
pub fn is_archive_or_program(beginning: &[u8]) -> bool {
    // Shorter than any program that runs, and still nothing that has to be in an archive.
    if [b"MZ".as_slice(), b"\x7fELF", b"#!"].iter().any(|program| beginning.starts_with(program)) {
        return true;
    }
    let kind = infer::get(beginning).map(|found| (found.matcher_type(), found.mime_type()));
    match kind {
        Some((_, "application/pdf" | "text/xml")) | None => false,
        Some((kind, _)) => matches!(
            kind,
            MatcherType::App
                | MatcherType::Archive
                | MatcherType::Doc
                | MatcherType::Text
                | MatcherType::Book
        ),
    }
}
