//! YAML (or JSON) text → one plain JSON value, with every intrinsic in its long form (`{"Fn::Sub": …}`).

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

use super::for_each::{is_loop, unrolled};
use super::scalar::scalar_text;

/// A template as it was written: nothing is resolved yet.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Value,
    /// The logical ids in the order of the file, which the JSON value does not keep.
    pub(crate) order: Vec<String>,
}

/// Reads the text of a template. The error is what is wrong, with its line.
pub(crate) fn parse(text: &str) -> Result<Document, String> {
    let documents = Yaml::load_from_str(text)
        .map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
    let document = documents.first().ok_or("it is empty")?;
    let root = convert(document)?;
    check_transform(document, &root)?;
    if root.get("Resources").and_then(Value::as_object).is_none() {
        return Err("it has no Resources".to_owned());
    }
    let mut order = Vec::new();
    for (key, value) in document.as_mapping_get("Resources").and_then(Yaml::as_mapping).into_iter().flatten()
    {
        let key = key.as_str().unwrap_or_default();
        order.extend(entries(key, convert(value)?)?.into_iter().map(|(name, _)| name));
    }
    Ok(Document { root, order })
}

/// What an entry of a map stands for: itself, or all that a loop makes.
fn entries(key: &str, value: Value) -> Result<Vec<(String, Value)>, String> {
    if is_loop(key) { unrolled(key, &value) } else { Ok(vec![(key.to_owned(), value)]) }
}

/// CloudFormation knows loops by a transform of its own, which has to stand before SAM's.
fn check_transform(document: &Yaml<'_>, root: &Value) -> Result<(), String> {
    const EXTENSIONS: &str = "AWS::LanguageExtensions";
    let transforms = match root.get("Transform") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name.as_str()],
        _ => Vec::new(),
    };
    let extended = transforms.iter().position(|name| *name == EXTENSIONS);
    let sam = transforms.iter().position(|name| name.starts_with("AWS::Serverless"));
    if has_loops(document) && extended.is_none_or(|extended| sam.is_some_and(|sam| sam < extended)) {
        return Err(format!("Fn::ForEach needs the Transform {EXTENSIONS}, before AWS::Serverless"));
    }
    Ok(())
}

fn has_loops(node: &Yaml<'_>) -> bool {
    match node {
        Yaml::Sequence(items) => items.iter().any(has_loops),
        Yaml::Mapping(entries) => {
            entries.iter().any(|(key, value)| key.as_str().is_some_and(is_loop) || has_loops(value))
        }
        Yaml::Tagged(_, inner) => has_loops(inner),
        _ => false,
    }
}

fn convert(node: &Yaml<'_>) -> Result<Value, String> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Representation(text, _, _) => json!(text),
        Yaml::Sequence(items) => Value::Array(items.iter().map(convert).collect::<Result<_, _>>()?),
        Yaml::Mapping(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                let key = scalar_text(&convert(key)?).ok_or("a key is not a plain word")?;
                for (key, value) in entries(&key, convert(value)?)? {
                    // Two keys of the same text are found by the parser; these are a loop's.
                    if map.contains_key(&key) {
                        return Err(format!("{key} appears twice"));
                    }
                    map.insert(key, value);
                }
            }
            Value::Object(map)
        }
        Yaml::Tagged(tag, inner) => intrinsic(&tag.suffix, convert(inner)?),
        Yaml::Alias(_) => return Err("an alias names no anchor".to_owned()),
        Yaml::BadValue => return Err("a value does not fit its tag".to_owned()),
    })
}

/// The long form of a short tag: `!GetAtt A.Arn` is `{"Fn::GetAtt": ["A", "Arn"]}`.
fn intrinsic(name: &str, argument: Value) -> Value {
    match (name, &argument) {
        ("Ref" | "Condition", _) => json!({ name: argument }),
        ("GetAtt", Value::String(dotted)) => match dotted.split_once('.') {
            Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
            None => json!({ "Fn::GetAtt": [dotted] }),
        },
        _ => json!({ format!("Fn::{name}"): argument }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_long_forms() {
        let document = parse(
            "Resources:\n  B: !Sub 'x-${Y}'\n  A:\n    - !GetAtt F.Arn\n    - !Ref T\n    - !If [C, 1, !Ref 'AWS::NoValue']\n",
        )
        .unwrap();
        assert_eq!(
            document.root["Resources"],
            json!({
                "B": {"Fn::Sub": "x-${Y}"},
                "A": [{"Fn::GetAtt": ["F", "Arn"]}, {"Ref": "T"}, {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}]
            })
        );
        assert_eq!(document.order, ["B", "A"]);
    }

    #[test]
    fn broken_yaml_is_reported_with_its_line() {
        let problem = parse("Resources:\n  A: [1\n").unwrap_err();
        assert!(problem.starts_with("line "), "{problem}");
        assert_eq!(parse("a: 1").unwrap_err(), "it has no Resources");
        assert_eq!(parse("").unwrap_err(), "it is empty");
    }
}
