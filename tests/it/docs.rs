//! What is written twice, and must not drift apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_readme_explains_every_variable_as_the_code_reads_it() {
    let rows = |file: &str, prefix: &str| -> BTreeSet<String> {
        let table = read(file);
        let rows = table.lines().filter_map(|line| line.strip_prefix(prefix));
        rows.filter(|row| row.starts_with("| `") && row.contains('_')).map(str::to_owned).collect()
    };
    let code = rows("shared/src/config.rs", "//! ");
    let readme = rows("README.md", "");
    assert!(code.len() > 15, "the table in config.rs was not found");
    let missing: Vec<_> = code.difference(&readme).collect();
    assert!(missing.is_empty(), "not in the README: {missing:#?}");
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
