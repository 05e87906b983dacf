//! What is written twice, and must not drift apart.

use std::collections::BTreeSet;
use std::fs;

use nova_test_support::workspace;

#[test]
fn the_deployment_guide_explains_every_variable_as_the_code_reads_it() {
    let code: BTreeSet<String> = read("shared/src/config.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .filter(|row| row.starts_with("| `") && row.contains('_'))
        .map(str::to_owned)
        .collect();
    assert!(code.len() > 15, "the table in config.rs was not found");
    let guide = read("docs/deploy.md");
    // The first cell is the template's parameter.
    let rows: BTreeSet<&str> = guide.lines().filter_map(|row| row.get(row.find(" | `")? + 1..)).collect();
    let missing: Vec<_> = code.iter().filter(|row| !rows.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/deploy.md: {missing:#?}");
}

/// Teams copy it. What stands in the guide is what runs beside `nova local` in CI.
#[test]
fn the_code_in_the_socketio_guide_is_the_samples() {
    let sample = read("tests/consumer/socketio/guard.mjs");
    let guide = read("docs/socketio.md");
    let blocks: Vec<_> = guide.split("```js\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert!(sample.contains(block), "not in guard.mjs:\n{block}");
    }
}

/// What is longer is not read to its end.
#[test]
fn the_readme_is_short() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= 1300, "{words} words");
}

fn read(file: &str) -> String {
    let path = workspace().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
