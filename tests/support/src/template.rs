//! The templates, read as they are written: by a reader of its own, not the one of `nova local`.

use std::collections::BTreeMap;
use std::fs;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

use crate::workspace;

/// The template of the service.
pub const AUTH: &str = "template.yaml";

/// The strings of a list, or the one string that stands alone.
pub fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().chain(value.is_string().then_some(value)).filter_map(Value::as_str)
}

pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

pub fn keys(value: &Value) -> impl Iterator<Item = &str> {
    entries(value).map(|(name, _)| name)
}

pub fn of_type(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let found: BTreeMap<_, _> = entries(&template["Resources"])
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.to_owned(), resource.clone()))
        .collect();
    assert!(!found.is_empty(), "the template has no {kind}");
    found
}

/// A template as JSON, its short tags (`!Ref x`) in the long form (`{"Ref": "x"}`).
pub fn read(path: &str) -> Value {
    let text = fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    to_json(documents.first().expect("a template is one document"))
}

fn to_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(to_json).collect(),
        Yaml::Mapping(pairs) => {
            Value::Object(pairs.iter().map(|(key, value)| (key_of(key), to_json(value))).collect())
        }
        Yaml::Tagged(tag, value) if tag.suffix == "Ref" => json!({"Ref": to_json(value)}),
        Yaml::Tagged(tag, value) => json!({format!("Fn::{}", tag.suffix): to_json(value)}),
        other => panic!("{other:?} has no place in a template"),
    }
}

/// The unquoted key `Null`, say, would be no string, and mean nothing to IAM.
fn key_of(key: &Yaml<'_>) -> String {
    key.as_str().unwrap_or_else(|| panic!("{key:?} is not a string")).to_owned()
}
