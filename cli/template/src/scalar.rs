//! Plain values as texts.

use serde_json::Value;

/// A scalar as CloudFormation would put it into a string; nothing for lists, maps and null.
#[must_use]
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
