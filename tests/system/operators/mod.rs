//! What an operator types, as they type it: the `nova` binary on a running system, its output and its exit codes.

mod elsewhere;
mod help;
mod people;
mod transfer;

use std::path::PathBuf;

use regex_lite::Regex;

use crate::support::program::{Ended, command, run};
use crate::support::stack::System;

/// Runs `nova`; `LOCAL` is the system, and the other words are what they are.
async fn nova(system: &System, input: &str, words: &[&str]) -> Ended {
    let local = format!("--local={}", system.stack.dynamodb_url());
    let words: Vec<&str> = words.iter().map(|word| if *word == "LOCAL" { &local } else { *word }).collect();
    run(command("nova", &words), input).await
}

/// The same, that has to go well: what it printed.
#[track_caller]
fn printed(ended: &Ended) -> String {
    assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{ended:?}");
    redacted(&ended.stdout)
}

/// What changes from run to run, replaced by something as long: columns stay where they are.
fn redacted(text: &str) -> String {
    let id = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
    let url = Regex::new(r"http://127\.0\.0\.1:\d+").unwrap();
    let text = id.replace_all(text, "00000000-0000-7000-8000-000000000000");
    let text = time.replace_all(&text, "2026-01-01T00:00:00Z");
    url.replace_all(&text, "http://127.0.0.1:8000").into_owned()
}

/// A path for a file of this test's own, where there is none.
fn fresh(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("operators");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    drop(std::fs::remove_file(&path));
    path
}
