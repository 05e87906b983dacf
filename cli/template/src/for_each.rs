//! `Fn::ForEach` of AWS's language extensions: loops over a list that is written out, unrolled before anything else is read.

use serde_json::{Map, Value, json};

use super::scalar::scalar_text;

/// What the keys of loops begin with; the loop's own name follows.
const LOOP: &str = "Fn::ForEach::";

/// Whether a key of a template is that of a loop.
pub(super) fn is_loop(key: &str) -> bool {
    key.starts_with(LOOP)
}

/// The entries that a loop stands for, in its order. A loop within it is unrolled before. The error says why it can't be.
pub(super) fn unrolled(key: &str, arguments: &Value) -> Result<Vec<(String, Value)>, String> {
    let problem = |what: &str| format!("{key}: {what}");
    let name = key.strip_prefix(LOOP).unwrap_or_default();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(problem("the name of a loop is letters and digits"));
    }
    let [Value::String(identifier), list, Value::Object(body)] =
        arguments.as_array().map(Vec::as_slice).unwrap_or_default()
    else {
        return Err(problem("a loop is an identifier, a list, and a map of what is repeated"));
    };
    let Value::Array(list) = list else {
        return Err(problem("the list has to be written out: a reference is not looked up here"));
    };
    let mut entries: Vec<(String, Value)> = Vec::new();
    for item in list {
        let item = scalar_text(item).ok_or_else(|| problem("the list holds plain words"))?;
        for (output, value) in body {
            let output = replaced(output, identifier, &item);
            if entries.iter().any(|(known, _)| *known == output) {
                return Err(problem(&format!("it makes {output} twice")));
            }
            entries.push((output, filled_in(value, identifier, &item)));
        }
    }
    Ok(entries)
}

/// A value of the loop's body, for one item.
fn filled_in(value: &Value, identifier: &str, item: &str) -> Value {
    match value {
        Value::String(text) => json!(replaced(text, identifier, item)),
        Value::Array(values) => values.iter().map(|value| filled_in(value, identifier, item)).collect(),
        Value::Object(map) if is_reference(map, identifier) => json!(item),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                (replaced(key, identifier, item), filled_in(value, identifier, item))
            };
            Value::Object(map.iter().map(entry).collect())
        }
        plain => plain.clone(),
    }
}

fn is_reference(map: &Map<String, Value>, identifier: &str) -> bool {
    map.len() == 1 && map.get("Ref").is_some_and(|name| name == identifier)
}

/// `${Name}` is the item as it stands, `&{Name}` its letters and digits.
fn replaced(text: &str, identifier: &str, item: &str) -> String {
    let plain: String = item.chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace(&format!("${{{identifier}}}"), item).replace(&format!("&{{{identifier}}}"), &plain)
}

#[cfg(test)]
#[path = "for_each_tests.rs"]
mod tests;
