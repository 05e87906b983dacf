//! What the documents name as proof exists: a review that follows a citation must not end at nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use nova_test_support::workspace;

/// The documents that cite files and tests.
const CITING: [&str; 7] = [
    "docs/asvs.md",
    "docs/guessing.md",
    "docs/threat-model.md",
    "docs/runbook.md",
    "docs/production-checklist.md",
    "SECURITY.md",
    "docs/uploads.md",
];

/// The chapters of ASVS 5.0.0 that are assessed, and how many requirements each of their sections has.
const CHAPTERS: [(u32, &[u32]); 8] = [
    (5, &[1, 6, 3, 3]),
    (6, &[3, 12, 8, 6, 8, 4, 2, 4]),
    (7, &[3, 4, 2, 5, 3, 2]),
    (8, &[4, 4, 3, 2]),
    (9, &[3, 4]),
    (11, &[4, 5, 5, 4, 2, 2, 2]),
    (13, &[4, 6, 4, 7]),
    (16, &[1, 5, 4, 3, 4]),
];

/// The answers, in the order of the summary's columns.
const ANSWERS: [&str; 4] = ["Met", "Partly", "Not met", "Does not apply"];

#[test]
fn every_test_that_a_document_names_is_a_test() {
    let mut named = 0;
    for document in CITING {
        for (file, test) in spans(&read(document)).iter().filter_map(|span| span.split_once(".rs::")) {
            let file = format!("{file}.rs");
            assert!(is_test(&read(&file), test), "{document} names {test} in {file}, where there is none");
            named += 1;
        }
    }
    assert!(named > 100, "the citations were not found: {named}");
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let rooms: Vec<_> = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let is_path = |span: &&String| {
        let first = span.split('/').next().unwrap_or_default();
        !span.contains(['<', '*', ' ']) && rooms.iter().any(|room| room == first)
    };
    for document in CITING {
        for path in spans(&read(document)).iter().filter(is_path) {
            let path = path.split("::").next().unwrap_or_default();
            assert!(root().join(path).exists(), "{document} names {path}");
        }
    }
}

#[test]
fn every_link_between_documents_leads_to_a_heading() {
    for document in documents() {
        let text = read(&document);
        let from = root().join(&document).parent().unwrap().to_path_buf();
        for target in links(&text) {
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { root().join(&document) } else { from.join(file) };
            assert!(file.exists(), "{document} links to {target}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&file).unwrap();
                assert!(anchors(&text).contains(heading), "{document} links to {target}");
            }
        }
    }
}

#[test]
fn the_assessment_answers_every_requirement_of_its_chapters_once_and_counts_right() {
    let text = read("docs/asvs.md");
    let answers = entries(&text, "- **v5.0.0-");
    let mut numbers = Vec::new();
    let mut counts = BTreeMap::<u32, [u32; 4]>::new();
    for entry in &answers {
        let (number, rest) = entry.split_once("** (L").unwrap_or_else(|| panic!("{entry}"));
        let answer = rest.split("**").nth(1).unwrap_or_default();
        let column =
            ANSWERS.iter().position(|one| *one == answer).unwrap_or_else(|| panic!("{number}: {answer}"));
        let proved = entry.contains(".rs::") || entry.contains("(no test");
        assert!(answer != "Met" || proved, "{number} is said to be met, and nothing is named that shows it");
        let chapter = number.split('.').next().unwrap().parse().unwrap();
        counts.entry(chapter).or_default()[column] += 1;
        numbers.push(number.to_owned());
    }
    let wanted: Vec<_> = CHAPTERS
        .iter()
        .flat_map(|(chapter, sections)| (1_u32..).zip(*sections).map(move |section| (chapter, section)))
        .flat_map(|(chapter, (section, last))| (1..=*last).map(move |n| format!("{chapter}.{section}.{n}")))
        .collect();
    assert_eq!(numbers, wanted);
    for (chapter, counted) in counts {
        let row = text.lines().find(|line| line.starts_with(&format!("| {chapter} "))).unwrap();
        let said: Vec<u32> = row.split('|').skip(2).filter_map(|cell| cell.trim().parse().ok()).collect();
        assert_eq!(said, counted, "the summary of chapter {chapter}");
    }
}

#[test]
fn every_threat_says_which_test_stands_against_it() {
    let text = read("docs/threat-model.md");
    let mut letters = BTreeSet::new();
    let mut threats = 0;
    for letter in ["S", "T", "R", "I", "D", "E"] {
        for threat in entries(&text, &format!("- **{letter}** ")) {
            assert!(threat.contains(".rs::") || threat.contains("(no test)"), "no test against: {threat}");
            letters.insert(letter);
            threats += 1;
        }
    }
    assert!(letters.len() == 6 && threats > 50, "{threats} threats of {letters:?} were found");
    let boundaries =
        text.lines().filter(|line| line.starts_with("## ") && line[3..].starts_with(char::is_numeric));
    assert_eq!(boundaries.count(), 10);
}

/// The entries of a list that begin like this, each with its further lines.
fn entries(text: &str, mark: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(first) = line.strip_prefix(mark) {
            found.push(first.to_owned());
            inside = true;
        } else if let (true, Some(more)) = (inside, line.strip_prefix("  ")) {
            let entry = found.last_mut().unwrap();
            entry.push(' ');
            entry.push_str(more);
        } else {
            inside = false;
        }
    }
    found
}

/// What stands between backquotes.
fn spans(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2).collect::<String>();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Where the links of a document lead that stay within the project.
fn links(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2).collect::<String>();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// The names that headings have in links.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let names = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = names.map(|name| name.replace(|c: char| !c.is_alphanumeric() && !"- _".contains(c), ""));
    kept.map(|name| name.replace(' ', "-")).collect()
}

/// Whether a source has a test of this name.
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let declared = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().enumerate().filter(|(_, line)| declared(line)).any(|(at, _)| {
        let above =
            lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// Every document of the project.
fn documents() -> Vec<String> {
    let mut found: Vec<_> =
        ["README.md", "SECURITY.md", "CHANGELOG.md", "clients/cdk/README.md", "clients/web/README.md"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    for folder in ["docs", "docs/decisions"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    workspace()
}

fn read(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
