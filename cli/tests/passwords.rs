//! `nova passwords`, as an operator types it. It needs no running system, so it is beside the command.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// SHA-1 of "123456", "P@ssw0rd" and "password", as the public list has them.
const LIST: &str = "\
21BD12DC183F740EE76F27B78EB39C8AD972A757:83129\r
5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r
7C4A8D09CA3762AF61E59520943DC26494F8941B:37359195\r
";

/// A folder of this test's own.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("passwords").join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn nova(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova"));
    command.arg("passwords").args(words).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read it may have ended already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

#[track_caller]
fn printed(output: &Output) -> &str {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The exit code, and the line of standard error.
#[track_caller]
fn failed(output: &Output) -> (Option<i32>, &str) {
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap().trim_end())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_password_of_the_list_is_found_and_another_is_not() {
    let folder = fresh("found");
    let built = nova(&folder, &["build", "--from", "-", "--out", "pwned-1/"], LIST);
    let said = printed(&built);
    assert!(said.starts_with("pwned-1: 3 passwords\n"), "{said}");
    assert!(said.contains("put it into a stack: nova passwords put pwned-1 --stack NAME\n"), "{said}");
    assert_eq!(names(&folder), ["pwned-1"]);
    assert_eq!(names(&folder.join("pwned-1")), ["filter", "manifest.json"]);
    for password in ["123456", "P@ssw0rd", "password"] {
        let found = nova(&folder, &["check", "--folder", "pwned-1"], &format!("{password}\n"));
        assert_eq!(failed(&found), (Some(5), "error: this password is in the list of breached passwords"));
    }
    for password in ["Password", "password ", "canary"] {
        let other = nova(&folder, &["check", "--folder", "pwned-1"], password);
        assert_eq!(printed(&other), "not among 3 breached passwords\n");
    }
    let found = nova(&folder, &["check", "--folder", "pwned-1", "--json"], "password");
    assert_eq!((found.status.code(), &found.stdout[..]), (Some(5), &b"{\"breached\":true}\n"[..]));
    let other = nova(&folder, &["check", "--folder", "pwned-1", "--json"], "canary");
    assert_eq!(printed(&other), "{\"breached\":false}\n");
    assert_eq!(failed(&nova(&folder, &["check", "--folder", "pwned-1"], "\n")).0, Some(1));
}

#[test]
fn the_same_list_makes_the_same_filter_and_a_report_for_programs() {
    let folder = fresh("same");
    std::fs::write(folder.join("list.txt"), LIST).unwrap();
    let report = nova(&folder, &["build", "--from", "list.txt", "--out", "one", "--json"], "");
    let document: serde_json::Value = serde_json::from_str(printed(&report)).unwrap();
    let file = std::fs::metadata(folder.join("one/filter")).unwrap().len();
    assert_eq!(
        document,
        serde_json::json!({
            "folder": "one", "passwords": 3, "leftOut": 0, "shardBytes": file / 65_536, "bytes": file,
            "probes": 1_048_576, "seemBreached": 0,
        })
    );
    printed(&nova(&folder, &["build", "--from", "-", "--out", "two"], &LIST.replace('\r', "")));
    for name in ["filter", "manifest.json"] {
        let read = |of: &str| std::fs::read(folder.join(of).join(name)).unwrap();
        assert!(read("one") == read("two"), "{name}");
    }
}

#[test]
fn what_was_seen_too_seldom_is_left_out_and_counted() {
    let folder = fresh("seldom");
    let words = ["build", "--from", "-", "--out", "often", "--at-least", "100000"];
    let built = nova(&folder, &words, LIST);
    let said = printed(&built);
    assert!(
        said.starts_with("often: 2 passwords; 1 were seen fewer than 100000 times and left out\n"),
        "{said}"
    );
    printed(&nova(&folder, &["check", "--folder", "often"], "P@ssw0rd"));
    assert_eq!(failed(&nova(&folder, &["check", "--folder", "often"], "password")).0, Some(5));
}

#[test]
fn a_list_of_somebodys_own_is_a_password_per_line_and_found_in_every_spelling() {
    let folder = fresh("plain");
    let list = "Nova Auth\n\u{fd}es cafe\u{301}\nNova Auth\n";
    let built = nova(&folder, &["build", "--from", "-", "--out", "own words", "--plain"], list);
    let said = printed(&built);
    assert!(said.contains("nova passwords put 'own words' --stack NAME"), "{said}");
    for password in ["Nova Auth", "\u{fd}es cafe\u{301}", "y\u{301}es cafe\u{301}", "\u{fd}es caf\u{e9}"] {
        let found = nova(&folder, &["check", "--folder", "own words"], password);
        assert_eq!(failed(&found).0, Some(5), "{password}");
    }
}

#[test]
fn a_list_that_can_not_be_used_leaves_nothing_and_is_named_by_its_line() {
    let folder = fresh("unusable");
    let mut lines: Vec<_> = LIST.lines().collect();
    lines.reverse();
    let unordered = lines.join("\n");
    let words = ["build", "--from", "-", "--out", "pwned"];
    for (list, words, said) in [
        (unordered.as_str(), &words[..], "line 2: its hash sorts before"),
        ("password\n", &words, "line 1: not HASH:COUNT"),
        ("", &words, "the list is empty"),
        ("\n", &[&words[..], &["--plain"]].concat(), "the list is empty"),
        (
            LIST,
            &[&words[..], &["--at-least", "99999999"]].concat(),
            "no password of the list was seen that often",
        ),
        ("", &["build", "--from", "missing.txt", "--out", "pwned"], "missing.txt: "),
    ] {
        let refused = nova(&folder, words, list);
        let (code, line) = failed(&refused);
        assert!(code == Some(1) && line.contains(said) && !line.contains('\n'), "{said}: {line}");
        assert_eq!(names(&folder), [""; 0], "{said}");
    }
    for words in [
        &["build", "--from", "-", "--out", ".."][..],
        &["build", "--from", "-", "--out", "x", "--at-least", "0"],
        &["build", "--from", "-", "--out", "x", "--at-least", "2", "--plain"],
    ] {
        assert_eq!(failed(&nova(&folder, words, LIST)).0, Some(2), "{words:?}");
    }
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn nothing_is_overwritten() {
    let folder = fresh("kept");
    let words = ["build", "--from", "-", "--out", "pwned"];
    for there in ["pwned", "pwned.partial"] {
        std::fs::create_dir(folder.join(there)).unwrap();
        std::fs::write(folder.join(there).join("filter"), "kept").unwrap();
        let refused = nova(&folder, &words, LIST);
        let (code, line) = failed(&refused);
        assert!(code == Some(1) && line.contains(&format!("{there} exists")), "{line}");
        assert_eq!(std::fs::read_to_string(folder.join(there).join("filter")).unwrap(), "kept");
        std::fs::remove_dir_all(folder.join(there)).unwrap();
    }
}

#[test]
fn a_filter_that_is_not_whole_answers_nothing() {
    let folder = fresh("broken");
    printed(&nova(&folder, &["build", "--from", "-", "--out", "pwned"], LIST));
    let (filter, manifest) = (folder.join("pwned/filter"), folder.join("pwned/manifest.json"));
    let (whole, text) = (std::fs::read(&filter).unwrap(), std::fs::read_to_string(&manifest).unwrap());
    let said = |password: &str| {
        let output = nova(&folder, &["check", "--folder", "pwned"], password);
        let (code, line) = failed(&output);
        assert_eq!(code, Some(1), "{line}");
        line.to_owned()
    };
    std::fs::write(&filter, &whole[..whole.len() / 4]).unwrap();
    assert!(said("password").starts_with("error: pwned/filter: "));
    std::fs::write(&filter, vec![0; whole.len()]).unwrap();
    assert_eq!(said("canary"), "error: pwned/filter: not a filter of breached passwords");
    std::fs::write(&filter, &whole).unwrap();
    std::fs::write(&manifest, text.replace("\"format\":1", "\"format\":2")).unwrap();
    let other =
        "error: pwned/manifest.json: a filter of breached passwords in format 2; this version reads format 1";
    assert_eq!(said("canary"), other);
    std::fs::write(&manifest, "").unwrap();
    assert_eq!(said("canary"), "error: pwned/manifest.json: not a filter of breached passwords");
    std::fs::remove_file(&manifest).unwrap();
    assert!(said("canary").starts_with("error: pwned/manifest.json: "));
}

#[test]
fn every_verb_has_help_with_an_example() {
    let folder = fresh("help");
    for verb in ["build", "check"] {
        let help = nova(&folder, &[verb, "--help"], "");
        let said = printed(&help);
        assert!(said.contains("Example") && said.contains("--json"), "{said}");
    }
    let help = nova(&folder, &["--help"], "");
    assert!(printed(&help).contains("Exit codes:"));
}
