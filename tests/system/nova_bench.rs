//! `nova bench` measures every function, counts what it asks of DynamoDB, and says which figures are measured and which
//! computed. What it would lose: the figures of the documentation could not be made again, or would be those of refusals.
//! Nothing here depends on how long anything takes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::binaries;
use crate::support::program::{command, run};

const FUNCTIONS: [&str; 4] = ["login", "logout", "refresh", "token-authorizer"];

#[tokio::test]
async fn a_quick_measurement_has_every_figure_and_says_where_each_is_from() {
    let dir = tempfile::tempdir().unwrap();
    let picture = dir.path().join("bench.svg");
    let template = binaries::workspace().join("template.yaml");
    let arguments = [
        "bench",
        "--quick",
        "--json",
        "--template",
        template.to_str().unwrap(),
        "--plot",
        picture.to_str().unwrap(),
    ];
    let ended = run(command("nova", &arguments), "").await;
    assert!(ended.success, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();

    starts_and_answers_are_counted(&report);
    calls_are_counted(&report);
    dollars_follow_from_the_counts(&report);
    growth_says_what_is_measured(&report);

    let drawn = std::fs::read_to_string(&picture).unwrap();
    assert!(drawn.starts_with("<svg ") && drawn.trim_end().ends_with("</svg>"));
    for function in FUNCTIONS {
        assert!(drawn.contains(&format!(">{function}<")), "{function} is not in the picture");
    }
    for secret in ["eyJ", "Measured-2026!", "quick@example.com"] {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{secret}");
    }
}

fn starts_and_answers_are_counted(report: &Value) {
    for function in FUNCTIONS {
        let cold = &report["cold"][function];
        assert_eq!(cold["init_ms"]["runs"], 2, "{function}");
        assert_eq!(cold["first_answer_ms"]["runs"], 2, "{function}");
        assert!(report["sizes"][function].as_u64().unwrap() > 0, "{function}");
        let memory = &report["memory"][function];
        assert!(memory["template_megabytes"].as_u64().unwrap() >= 128, "{function}");
        if cfg!(target_os = "linux") {
            assert!(memory["peak_bytes"].as_u64().unwrap() > 1_000_000, "{function}");
        }
    }
    for (operation, runs) in [("decision", 6), ("refresh", 4), ("logout", 4), ("login", 2), ("hash", 2)] {
        assert_eq!(report["warm"][operation]["ms"]["runs"], runs, "{operation}");
    }
    for part in ["configuration", "clients and TLS", "keys, read and checked", "connection to the tables"] {
        assert_eq!(report["parts"][part]["runs"], 2, "{part}");
    }
    assert!(report["login_over_hash"]["ms"].as_f64().is_some());
}

/// The same as the flows' own tests count at the wire.
fn calls_are_counted(report: &Value) {
    let calls = |operation: &str| -> BTreeMap<String, u64> {
        serde_json::from_value(report["calls"][operation]["calls"].clone()).unwrap()
    };
    let counted = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    assert_eq!(calls("decision"), counted(&[("BatchGetItem", 1)]));
    assert_eq!(calls("refresh"), counted(&[("GetItem", 1), ("UpdateItem", 1)]));
    assert_eq!(calls("logout"), counted(&[("TransactWriteItems", 1)]));
    let login = [("DeleteItem", 1), ("GetItem", 4), ("PutItem", 2), ("UpdateItem", 3)];
    assert_eq!(calls("login"), counted(&login));
    for (operation, read, written, rounds) in [
        ("first decision", 3.0, 0.0, 1),
        ("decision", 2.0, 0.0, 1),
        ("refresh", 1.0, 1.0, 1),
        ("logout", 0.0, 4.0, 1),
        ("login", 4.0, 6.0, 3),
    ] {
        let of = &report["calls"][operation];
        assert_eq!(of["read_units"], json!(read), "{operation}");
        assert_eq!(of["write_units"], json!(written), "{operation}");
        assert_eq!(of["rounds"], rounds, "{operation}");
    }
}

fn dollars_follow_from_the_counts(report: &Value) {
    let price = |name: &str| report["prices"]["dollars"][name].as_f64().unwrap();
    for operation in ["decision", "refresh", "logout", "login"] {
        let million = &report["million"][operation];
        let dollars = |name: &str| million[name].as_f64().unwrap();
        let units = |name: &str| report["calls"][operation][name].as_f64().unwrap();
        assert_eq!(million["how"], "computed", "{operation}");
        assert!(dollars("logs") > 0.0, "{operation}");
        let reads = units("read_units") * price("dynamodb_million_read_units");
        let writes = units("write_units") * price("dynamodb_million_write_units");
        assert!((dollars("dynamodb_reads") - reads).abs() < 0.001, "{operation}");
        assert!((dollars("dynamodb_writes") - writes).abs() < 0.001, "{operation}");
        let parts = ["lambda_requests", "lambda_compute_arm64", "dynamodb_reads", "dynamodb_writes", "logs"];
        let sum: f64 = parts.into_iter().map(dollars).sum();
        assert!((dollars("total") - sum).abs() < 0.001, "{operation}");
    }
    let logs = |operation: &str| report["million"][operation]["logs"].as_f64().unwrap();
    assert_eq!(logs("decision, not logged"), 0.0);
    assert!(logs("decision") < 0.5 * logs("refresh"), "a yes is logged in few bytes");
    assert!(!report["prices"]["as_of"].as_str().unwrap().is_empty());
}

fn growth_says_what_is_measured(report: &Value) {
    let rates = report["growth"]["requests"].as_array().unwrap();
    let per_second: Vec<_> = rates.iter().map(|rate| rate["per_second"].as_u64().unwrap()).collect();
    assert_eq!(per_second, [1, 10, 100, 1000]);
    let users = report["growth"]["users"].as_array().unwrap();
    let numbers: Vec<_> = users.iter().map(|users| users["users"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]);
    assert_eq!(users[0]["decision_ms"]["how"], "measured");
    for figure in users.iter().skip(1).map(|users| &users["decision_ms"]) {
        assert_eq!(figure["how"], "computed", "no such table was made");
    }
    // It was not tried.
    assert_eq!(rates[3]["ms"]["how"], "computed");
    for row in rates.iter().chain(users) {
        assert_eq!(row["dollars_a_month"]["how"], "computed");
        assert!(row["dollars_a_month"]["value"].as_f64().unwrap() > 0.0);
    }
}

#[tokio::test]
async fn a_measurement_of_functions_that_are_not_there_says_which_one_is_missing() {
    let template = binaries::workspace().join("template.yaml");
    let arguments = ["bench", "--quick", "--template", template.to_str().unwrap(), "--bin-dir", "/nowhere"];
    let ended = run(command("nova", &arguments), "").await;
    assert!(ended.complaint().contains("there is no binary for the function login at "), "{ended:?}");
}

#[tokio::test]
async fn binaries_are_held_against_others_in_turns_and_each_figure_is_a_ratio() {
    let template = binaries::workspace().join("template.yaml");
    let others = tempfile::tempdir().unwrap();
    std::fs::copy(binaries::path("token-authorizer"), others.path().join("token-authorizer")).unwrap();
    let (template, others) = (template.to_str().unwrap(), others.path().to_str().unwrap());
    let arguments = ["bench", "--quick", "--json", "--template", template, "--against", others];
    let ended = run(command("nova", &arguments), "").await;
    assert!(ended.success, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let operations: Vec<_> = report.as_object().unwrap().keys().collect();
    assert_eq!(operations, ["decision"], "the others have no other function");
    // The same binary: what is no time is the same.
    assert_eq!(report["decision"]["binary, MB"]["ratio"], 1.0);
    assert!(report["decision"]["warm answer, ms"]["ratio"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_comparison_with_nothing_says_so() {
    let template = binaries::workspace().join("template.yaml");
    let arguments = ["bench", "--template", template.to_str().unwrap(), "--against", "/nowhere"];
    let ended = run(command("nova", &arguments), "").await;
    assert!(ended.complaint().contains("/nowhere has none of the functions' binaries"), "{ended:?}");
}
