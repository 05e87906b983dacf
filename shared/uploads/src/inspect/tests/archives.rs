//! Archives, honest and others. The others only say that they are large: nothing here unpacks to anything.

use super::material::{Entry, archive, deflated, stored};
use crate::{inspect::inspect, kind::Kind, reason::Reason};

#[track_caller]
fn refused(entries: &[Entry], reason: Reason) {
    assert_eq!(inspect(&archive(entries), Kind::Zip), Err(reason));
}

#[test]
fn a_name_that_leads_out_of_the_archive_or_hides_another_is_refused() {
    for name in [
        "../a.txt",
        "a/../../b.txt",
        "/etc/a.txt",
        "a\\b.txt",
        "C:a.txt",
        "a\0b.txt",
        "a//b.txt",
        "",
        ".",
        "a/.",
        "a./b.txt",
        "a .txt/ ",
        "a\u{202e}txt.b",
        "a\nb.txt",
    ] {
        refused(&[stored("x.txt", b"x"), stored(name, b"a")], Reason::ArchiveNames);
    }
    refused(&[stored("A.txt", b"a"), stored("a.TXT", b"b")], Reason::ArchiveNames);
    refused(&[stored("a", b"a"), stored("a/", b"")], Reason::ArchiveNames);
    refused(&[Entry { name: vec![0xff, 0xfe], ..stored("x", b"") }], Reason::ArchiveNames);
}

#[test]
fn entries_that_share_their_bytes_are_refused() {
    let second = Entry { name: b"b.txt".to_vec(), shares: Some(0), ..stored("a.txt", b"a") };
    refused(&[stored("a.txt", b"a"), second.clone()], Reason::ArchiveBroken);
    // The same name in the header that they share, so that only the place tells.
    let first = Entry { local_name: Some(b"b.txt".to_vec()), ..stored("a.txt", b"a") };
    refused(&[first, second], Reason::ArchiveBroken);
}

#[test]
fn an_archive_with_room_between_its_parts_is_refused() {
    refused(&[Entry { behind: b"hidden".to_vec(), ..stored("a.txt", b"a") }], Reason::ArchiveBroken);
    refused(&[Entry { behind: vec![0; 16], ..stored("a.txt", b"a") }], Reason::ArchiveBroken);
    let file = archive(&[stored("a.txt", b"a")]);
    let commented = [&file[..file.len() - 2], &[3, 0], b"hey"].concat();
    assert_eq!(inspect(&commented, Kind::Zip), Err(Reason::ArchiveBroken));
}

#[test]
fn an_entry_that_says_two_things_of_itself_is_refused() {
    refused(&[Entry { local_name: Some(b"b.txt".to_vec()), ..stored("a.txt", b"a") }], Reason::ArchiveBroken);
    // It says that there is more than there is.
    refused(&[Entry { unpacked: 2, ..stored("a.txt", b"a") }], Reason::ArchiveBroken);
    refused(&[Entry { unpacked: 3, ..deflated("a.txt", b"a longer text") }], Reason::ArchiveBroken);
    for (from, to) in [(6, 1), (8, 8), (18, 9), (22, 9)] {
        let mut file = archive(&[stored("a.txt", b"a")]);
        file[from] ^= to;
        assert_eq!(inspect(&file, Kind::Zip), Err(Reason::ArchiveBroken), "byte {from}");
    }
}

#[test]
fn an_archive_that_grows_too_much_is_refused_by_what_it_says() {
    refused(&[Entry { unpacked: 300_000, ..deflated("a.txt", b"a") }], Reason::ArchiveTooLarge);
    let large: Vec<_> = (0..30)
        .map(|n| Entry { unpacked: 256 * 1024, ..deflated(&format!("{n}.txt"), &[b'a'; 700]) })
        .collect();
    refused(&large, Reason::ArchiveTooLarge);
    let many: Vec<_> = (0..1001).map(|n| stored(&format!("{n}.txt"), b"")).collect();
    refused(&many, Reason::ArchiveTooLarge);
    assert_eq!(inspect(&archive(&many[..1000]), Kind::Zip), Ok(()));
}

#[test]
fn an_archive_in_an_archive_or_a_program_in_it_is_refused_whatever_its_name() {
    let inner = archive(&[stored("a.txt", b"a")]);
    for content in [
        inner.as_slice(),
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"Rar!\x1a\x07\x01\0",
        b"MZ\x90\0\x03",
        b"\x7fELF\x02\x01\x01\0",
        b"#!/bin/sh\n",
        b"<!DOCTYPE html>",
    ] {
        let reason = if content.starts_with(b"Rar!") { Reason::Polyglot } else { Reason::ArchiveContent };
        refused(
            &[stored("x.txt", b"x"), stored("holiday.jpg", &[content, &[b' '; 1100]].concat())],
            if content.starts_with(b"<!") { Reason::Polyglot } else { reason },
        );
        refused(&[deflated("holiday.jpg", content)], Reason::ArchiveContent);
    }
    for name in ["a.exe", "b/invoice.pdf.JS", "c.lnk", "d.hta", "e.svg"] {
        refused(&[stored(name, b"a")], Reason::ArchiveContent);
    }
}

#[test]
fn an_entry_that_nobody_can_look_into_is_refused() {
    refused(&[Entry { flags: 1, ..stored("a.txt", b"a") }], Reason::Encrypted);
    refused(&[Entry { method: 14, ..stored("a.txt", b"a") }], Reason::ArchiveBroken);
    refused(&[Entry { attributes: 0o120_777 << 16, ..stored("a.txt", b"/etc") }], Reason::ArchiveBroken);
}
