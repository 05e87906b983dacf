//! `docs/openapi.yaml` against what it describes. A client that is written after it must not meet a route, a code or a
//! message that it does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use boon::{Compiler, Schemas};
use nova_auth::messages::{Language, message};
use nova_test_support::routes::routes;
use nova_test_support::workspace;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

const DOCUMENT: &str = "docs/openapi.yaml";

/// Codes of the table that no answer of this API carries: attached APIs say them, or a function that is called without
/// API Gateway.
const ELSEWHERE: [&str; 5] =
    ["UNAUTHORIZED", "FORBIDDEN_ROLE", "FORBIDDEN_PERMISSION", "FORBIDDEN_ADDRESS", "METHOD_NOT_ALLOWED"];

#[test]
fn it_has_the_routes_of_the_template_and_no_others() {
    let deployed: BTreeSet<_> =
        routes().into_iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let described: BTreeSet<_> = operations(&document()).into_keys().collect();
    assert_eq!(described, deployed);
}

#[test]
fn it_has_the_codes_of_the_table_each_with_its_status() {
    let document = document();
    let listed: BTreeMap<_, _> = document["components"]["schemas"]["Code"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| (text(&code["const"]), code["x-status"].as_u64().unwrap()))
        .collect();
    let mut table = rows_of_the_table();
    // What API Gateway says for an attached API's authorizer; the functions have no use for it.
    table.insert("UNAUTHORIZED".to_owned(), 401);
    assert_eq!(listed, table);
}

#[test]
fn it_has_the_codes_of_fields_and_no_others() {
    let listed: BTreeSet<_> = document()["components"]["schemas"]["FieldCode"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| text(&code["const"]))
        .collect();
    let source = read("shared/src/http/error.rs");
    let faults = source.lines().filter(|line| line.trim_start().starts_with("Fault::"));
    let table: BTreeSet<_> =
        faults.filter_map(|line| Some(line.split_once("=> \"")?.1.split('"').next()?.to_owned())).collect();
    assert!(table.len() > 8, "the table was not found");
    assert_eq!(listed, table);
}

/// A refusal of a status that its row has not, or a code that no operation can answer with, is a slip of the pen.
#[test]
fn every_code_is_the_answer_of_some_operation_under_its_own_status() {
    let document = document();
    let table = rows_of_the_table();
    let mut answered = BTreeSet::new();
    for (operation, described) in operations(&document) {
        for (status, response) in described["responses"].as_object().unwrap() {
            let schema = &resolved(&document, response)["content"]["application/json"]["schema"];
            for code in schema["properties"]["code"]["enum"].as_array().into_iter().flatten().map(text) {
                // API Gateway says of a function that broke, or was late, what the function would have said.
                let own = match status.as_str() {
                    "502" => 500,
                    "504" => 503,
                    status => status.parse().unwrap(),
                };
                assert_eq!(table.get(&code), Some(&own), "{operation}: {status} {code}");
                answered.insert(code);
            }
        }
    }
    let expected: BTreeSet<_> =
        table.into_keys().filter(|code| !ELSEWHERE.contains(&code.as_str())).collect();
    assert_eq!(answered, expected);
}

#[test]
fn its_examples_speak_the_words_of_the_service_in_both_languages() {
    let document = document();
    let examples = document["components"]["examples"].as_object().unwrap();
    let mut languages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, example) in examples {
        let (code, tag) = name.split_once('.').unwrap();
        let language = Language::named(tag).unwrap();
        let value = &example["value"];
        assert_eq!(value["message"], said(code, language), "{name}");
        let expected = if value["success"] == false { json!(code) } else { Value::Null };
        assert_eq!(value["code"], expected, "{name}");
        for error in value["errors"].as_array().into_iter().flatten() {
            assert_eq!(error["message"], said(error["code"].as_str().unwrap(), language), "{name}");
        }
        languages.entry(code).or_default().insert(tag);
    }
    assert!(languages.len() > 20, "the examples were not found");
    for (code, tags) in languages {
        assert_eq!(tags, BTreeSet::from(["ar", "en"]), "{code}");
    }
}

#[test]
fn every_body_has_examples_and_they_are_what_their_schemas_say() {
    let document = document();
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource(DOCUMENT, document.clone()).unwrap();
    let (mut schemas, mut checked) = (Schemas::new(), 0);
    for (operation, place) in bodies(&document) {
        // A preflight's answer has no body.
        for (kind, content) in document.pointer(&place).and_then(Value::as_object).into_iter().flatten() {
            let schema = format!("{DOCUMENT}#{place}/{}/schema", kind.replace('/', "~1"));
            let schema = compiler.compile(&schema, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
            for (name, example) in content["examples"].as_object().unwrap() {
                let value = &resolved(&document, example)["value"];
                if let Err(error) = schemas.validate(value, schema) {
                    panic!("{operation}, {name}: {error:#}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} examples");
}

/// Where the bodies of every operation stand, the request's and those of the answers.
fn bodies(document: &Value) -> Vec<(String, String)> {
    let mut places = Vec::new();
    for (operation, described) in operations(document) {
        let (method, path) = operation.split_once(' ').unwrap();
        let own = format!("/paths/{}/{}", path.replace('/', "~1"), method.to_lowercase());
        if !described["requestBody"].is_null() {
            places.push((operation.clone(), format!("{own}/requestBody/content")));
        }
        for (status, response) in described["responses"].as_object().unwrap() {
            let shared = response["$ref"].as_str().map(|reference| reference[1..].to_owned());
            let place = shared.unwrap_or_else(|| format!("{own}/responses/{status}"));
            places.push((format!("{operation} {status}"), format!("{place}/content")));
        }
    }
    places
}

/// Every code with its status, as the match arms of [`nova_auth::http::error::Problem::row`] have them.
fn rows_of_the_table() -> BTreeMap<String, u64> {
    let source = read("shared/src/http/error.rs");
    let row = |arm: &str| {
        let (status, rest) = arm.split_once(", \"")?;
        let status = match status {
            "BAD_REQUEST" => 400,
            "UNAUTHORIZED" => 401,
            "FORBIDDEN" => 403,
            "NOT_FOUND" => 404,
            "METHOD_NOT_ALLOWED" => 405,
            "CONFLICT" => 409,
            "PAYLOAD_TOO_LARGE" => 413,
            "UNSUPPORTED_MEDIA_TYPE" => 415,
            "TOO_MANY_REQUESTS" => 429,
            "INTERNAL_SERVER_ERROR" => 500,
            "SERVICE_UNAVAILABLE" => 503,
            other => panic!("the table has a new status: {other}"),
        };
        Some((rest.split('"').next()?.to_owned(), status))
    };
    let rows: BTreeMap<_, _> = source.split("=> (S::").skip(1).filter_map(row).collect();
    assert!(rows.len() > 25, "the table was not found");
    rows
}

/// The message of a code as the examples have it: 15 minutes, 8 characters.
fn said(code: &str, language: Language) -> String {
    message(code, language, &[("minutes", 15.into()), ("minimum", 8.into())])
}

/// Every operation, by its method and its path.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.insert(format!("{} {path}", method.to_uppercase()), operation);
        }
    }
    operations
}

/// What a reference of the document stands for; anything else stands for itself.
fn resolved<'v>(document: &'v Value, value: &'v Value) -> &'v Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
        }
        None => value,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn document() -> Value {
    let documents = Yaml::load_from_str(&read(DOCUMENT)).unwrap();
    to_json(&documents[0])
}

fn to_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(to_json).collect(),
        Yaml::Mapping(pairs) => {
            pairs.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value))).collect()
        }
        other => panic!("{other:?} has no place in {DOCUMENT}"),
    }
}
