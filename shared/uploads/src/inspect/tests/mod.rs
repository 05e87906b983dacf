//! What the inspection lets through, and what it does not.

mod archives;
mod documents;
mod images;
mod material;
mod metadata;
mod mutations;
mod speed;

use super::inspect;
use crate::{kind::Kind, reason::Reason};
use material::{honest, stored};

#[test]
fn an_honest_file_is_taken_as_what_it_is_and_as_nothing_else() {
    for (kind, file) in honest() {
        for declared in Kind::ALL {
            let verdict = inspect(&file, declared);
            let expected = if declared == kind { Ok(()) } else { Err(Reason::TypeMismatch) };
            assert_eq!(verdict, expected, "{kind:?} declared as {declared:?}");
        }
    }
}

#[test]
fn a_page_a_program_or_a_picture_that_is_a_program_is_none_of_the_types() {
    let files: [&[u8]; 9] = [
        b"",
        b"<!DOCTYPE html><html></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
        b"<?xml version='1.0'?><a/>",
        b"#!/bin/sh\n",
        b"MZ\x90\0\x03\0\0\0",
        b"\x7fELF\x02\x01\x01",
        b"GIF89a\x01\0\x01\0",
        b"var a = 1;",
    ];
    for file in files {
        for kind in Kind::ALL {
            assert_eq!(inspect(file, kind), Err(Reason::TypeMismatch), "{file:?}");
        }
    }
}

/// Two files in one: whoever serves or opens it decides which of them it is.
#[test]
fn a_file_with_another_one_behind_it_is_refused() {
    let tail = material::archive(&[stored("a.txt", b"a")]);
    let rar = b"Rar!\x1a\x07\x01\0".as_slice();
    for (kind, file) in honest() {
        for second in [tail.as_slice(), rar, b"\0", b"<script>x()</script>", b"%PDF-1.4"] {
            let both = [file.as_slice(), second].concat();
            let refused = inspect(&both, kind);
            let is_archive = matches!(kind, Kind::Docx | Kind::Xlsx | Kind::Pptx | Kind::Zip);
            let reasons = if is_archive {
                vec![Reason::ArchiveBroken, Reason::Polyglot]
            } else {
                vec![Reason::Polyglot]
            };
            assert!(
                refused.is_err_and(|reason| reasons.contains(&reason)),
                "{kind:?} and {second:?}: {refused:?}"
            );
        }
    }
}

#[test]
fn a_file_that_begins_with_another_one_is_refused() {
    for (kind, file) in honest() {
        for first in [b"\0".as_slice(), b"<html>", b"%PDF-1.4\n", b"GIF89a", b"MZ"] {
            let both = [first, file.as_slice()].concat();
            assert!(inspect(&both, kind).is_err(), "{first:?} and {kind:?}");
        }
    }
}
