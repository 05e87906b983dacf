//! Ten thousand files with something changed in them: whatever is let through has to be what an independent reader sees too.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fastrand::Rng;
use lopdf::{Object, dictionary};
use zip::ZipArchive;

use super::material::{archive, deflated, honest, pdf, relation, stored, word};
use crate::{inspect::inspect, kind::Kind};

/// Files to begin with: honest ones, and some that are refused for what they have.
fn seeds() -> Vec<(Kind, Vec<u8>)> {
    let mut seeds = honest();
    seeds.extend([
        (Kind::Docx, word("", &[stored("word/vbaProject.bin", b"macros")])),
        (Kind::Docx, word(&relation("attachedTemplate", "https://example.com/a", "External"), &[])),
        (Kind::Zip, archive(&[deflated("a.txt", b"a"), stored("../b.txt", b"b"), stored("c.exe", b"c")])),
        (
            Kind::Pdf,
            pdf(
                &[(
                    "OpenAction",
                    dictionary! { "S" => "JavaScript", "JS" => Object::string_literal("x()") }.into(),
                )],
                |_| {},
            ),
        ),
    ]);
    seeds
}

fn mutated(seeds: &[(Kind, Vec<u8>)], chance: &mut Rng) -> (Kind, Vec<u8>) {
    let (kind, mut file) = seeds[chance.usize(..seeds.len())].clone();
    for _ in 0..chance.usize(1..6) {
        let at = chance.usize(..file.len());
        match chance.u8(..7) {
            0 => file[at] ^= 1 << chance.u8(..8),
            1 => file[at] = chance.u8(..),
            2 => file.truncate(at.max(1)),
            3 => file.insert(at, chance.u8(..)),
            4 => {
                let end = chance.usize(at..=file.len());
                drop(file.drain(at..end));
            }
            5 => {
                let other = &seeds[chance.usize(..seeds.len())].1;
                let from = chance.usize(..other.len());
                file.splice(at..at, other[from..].iter().copied());
            }
            _ => {
                let end = chance.usize(at..=file.len().min(at + 64));
                let copied = file[at..end].to_vec();
                let to = chance.usize(..=file.len());
                file.splice(to..to, copied);
            }
        }
        if file.is_empty() {
            file.push(0);
        }
    }
    (kind, file)
}

/// What an independent reader of archives may see in a file that was let through.
fn is_right(kind: Kind, file: &[u8]) -> bool {
    let archive = ZipArchive::new(Cursor::new(file));
    if matches!(kind, Kind::Png | Kind::Jpeg | Kind::Webp | Kind::Pdf) {
        let script = String::from_utf8_lossy(file).contains("/JavaScript");
        return archive.is_err() && !script;
    }
    let Ok(mut archive) = archive else { return false };
    let mut unpacked = 0;
    for place in 0..archive.len() {
        let Ok(entry) = archive.by_index_raw(place) else { return false };
        let Ok(name) = entry.name().map(|name| name.to_lowercase()) else { return false };
        unpacked += entry.size();
        let is_bad = entry.enclosed_name().is_none()
            || entry.encrypted()
            || name.contains("vbaproject")
            || (kind == Kind::Zip && name.ends_with(".exe"));
        if is_bad {
            return false;
        }
    }
    let mut rels = String::new();
    if let Ok(mut part) = archive.by_name("_rels/.rels") {
        drop(std::io::Read::read_to_string(&mut part, &mut rels));
    }
    unpacked <= 200 * 1024 * 1024 && !rels.contains("/attachedTemplate\"")
}

#[test]
fn ten_thousand_mutated_files_are_never_taken_for_what_they_are_not() {
    let (seeds, mut chance) = (seeds(), Rng::with_seed(7));
    let (mut yeses, mut slowest) = (0, Duration::ZERO);
    for number in 0..10_000 {
        let (kind, file) = mutated(&seeds, &mut chance);
        let begun = Instant::now();
        let verdict = catch_unwind(AssertUnwindSafe(|| inspect(&file, kind)));
        slowest = slowest.max(begun.elapsed());
        let verdict = verdict.unwrap_or_else(|_| panic!("file {number} is a panic"));
        if verdict.is_ok() {
            yeses += 1;
            assert!(
                is_right(kind, &file),
                "file {number}, {kind:?}, is taken: {:?}",
                String::from_utf8_lossy(&file)
            );
            let others = Kind::ALL.into_iter().filter(|other| *other != kind);
            for other in others {
                assert!(inspect(&file, other).is_err(), "file {number} is {kind:?} and {other:?}");
            }
        }
    }
    assert!(yeses > 100, "only {yeses} files were taken: the oracle saw nothing");
    assert!(slowest < super::super::contained::LONGEST / 2, "a file took {slowest:?}");
}
