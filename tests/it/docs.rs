//! What is written twice, and must not drift apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nova_auth::messages::{Language, message};

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
    let rows: BTreeSet<&str> =
        guide.lines().filter_map(|row| Some(row.get(row.find(" | `")? + 1..)?)).collect();
    let missing: Vec<_> = code.iter().filter(|row| !rows.contains(row.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/deploy.md: {missing:#?}");
}

/// What is longer is not read to its end.
#[test]
fn the_readme_is_short() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= 1300, "{words} words");
}

#[test]
fn api_gateway_says_a_code_in_the_words_of_the_service() {
    for file in ["template.yaml", "tests/consumer/template.yaml"] {
        let template = read(file);
        // The body alone, or one for each language.
        let body = |line: &'_ str| Some(line.split_once(['-', ':'])?.1.trim().to_owned());
        let templates = template.lines().filter_map(body).filter(|body| body.starts_with("'{\"success\":"));
        let mut checked = 0;
        for answer in templates.filter(|answer| !answer.contains("$context")) {
            let answer: serde_json::Value = serde_json::from_str(answer.trim_matches('\'')).unwrap();
            let code = answer["code"].as_str().unwrap();
            // API Gateway's own throttling has no counterpart in the functions yet.
            if code != "API_RATE_LIMITED" {
                let languages = [Language::Arabic, Language::English];
                let said = languages.map(|language| message(code, language, &[]));
                assert!(said.iter().any(|said| answer["message"] == said.as_str()), "{code} in {file}");
                checked += 1;
            }
        }
        assert!(checked > 3, "no gateway responses found in {file}");
    }
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
