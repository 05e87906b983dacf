//! Patterns of events, as EventBridge rules and the filters of event sources have them: an object is matched key by key, and a
//! list says what a value may be.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

/// A pattern, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(BTreeMap<String, Node>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Below(Pattern),
    /// One of them is enough.
    Any(Vec<Matcher>),
}

#[derive(Clone, Debug, PartialEq)]
enum Matcher {
    Is(Value),
    Prefix(String),
    Suffix(String),
    IgnoringCase(String),
    Exists(bool),
    Numeric(Vec<(Comparison, Number)>),
    /// Anything that is there, but for these.
    But(Vec<Matcher>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Pattern {
    /// Reads a pattern. What is not known here is an error, since it would let other events through than AWS does.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(pattern: &Value) -> Result<Pattern, String> {
        let map = pattern.as_object().filter(|map| !map.is_empty()).ok_or("a pattern is a map with a key")?;
        let node = |(key, value): (&String, &Value)| {
            let node = match value {
                _ if key.starts_with('$') => Err(format!("{key} is not supported here")),
                Value::Object(_) => Pattern::parse(value).map(Node::Below),
                Value::Array(values) if !values.is_empty() => {
                    values.iter().map(matcher).collect::<Result<_, _>>().map(Node::Any)
                }
                _ => Err("a value is matched by a list that is not empty".to_owned()),
            };
            node.map(|node| (key.clone(), node)).map_err(|problem| format!("{key}: {problem}"))
        };
        map.iter().map(node).collect::<Result<_, _>>().map(Pattern)
    }

    /// Whether an event is one of those that the pattern means.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(key, node)| {
            let value = event.get(key);
            match node {
                Node::Below(pattern) => pattern.matches(value.unwrap_or(&Value::Null)),
                Node::Any(matchers) => matchers.iter().any(|matcher| matcher.takes(value)),
            }
        })
    }
}

impl Matcher {
    /// Of a list, one element is enough.
    fn takes(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // A map is there too, but only its own keys exist.
            (Matcher::Exists(wanted), value) => *wanted == value.is_some_and(|value| !value.is_object()),
            (_, None) => false,
            (_, Some(Value::Array(values))) => values.iter().any(|value| self.takes_one(value)),
            (_, Some(value)) => self.takes_one(value),
        }
    }

    fn takes_one(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Matcher::Is(Value::Number(wanted)) => {
                value.as_f64().is_some_and(|value| wanted.as_f64() == Some(value))
            }
            Matcher::Is(wanted) => wanted == value,
            Matcher::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Matcher::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Matcher::IgnoringCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Matcher::Exists(wanted) => *wanted,
            Matcher::Numeric(bounds) => value
                .as_f64()
                .is_some_and(|value| bounds.iter().all(|(comparison, bound)| comparison.holds(value, bound))),
            Matcher::But(others) => !others.iter().any(|other| other.takes_one(value)),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, bound: &Number) -> bool {
        bound.as_f64().is_some_and(|bound| match self {
            Comparison::Less => value < bound,
            Comparison::AtMost => value <= bound,
            Comparison::Equal => value == bound,
            Comparison::AtLeast => value >= bound,
            Comparison::More => value > bound,
        })
    }
}

fn matcher(value: &Value) -> Result<Matcher, String> {
    let map = match value {
        Value::Object(map) => map,
        Value::Array(_) => return Err("a list in a list matches nothing".to_owned()),
        plain => return Ok(Matcher::Is(plain.clone())),
    };
    let mut operators = map.iter();
    let (Some((name, argument)), None) = (operators.next(), operators.next()) else {
        return Err("one operator in each map".to_owned());
    };
    let text = || argument.as_str().map(str::to_owned).ok_or_else(|| format!("{name} expects a string"));
    match name.as_str() {
        "prefix" => text().map(Matcher::Prefix),
        "suffix" => text().map(Matcher::Suffix),
        "equals-ignore-case" => text().map(Matcher::IgnoringCase),
        "exists" => argument.as_bool().map(Matcher::Exists).ok_or("exists expects true or false".to_owned()),
        "numeric" => numeric(argument),
        "anything-but" => match argument {
            Value::Array(values) if !values.is_empty() => {
                values.iter().map(matcher).collect::<Result<_, _>>().map(Matcher::But)
            }
            one => Ok(Matcher::But(vec![matcher(one)?])),
        },
        _ => Err(format!("the operator {name} is not supported here")),
    }
}

/// `["<", 10]`, or two of them: `[">", 0, "<=", 5]`.
fn numeric(argument: &Value) -> Result<Matcher, String> {
    let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    let bounds = parts.chunks(2).map(|pair| match pair {
        [Value::String(comparison), Value::Number(bound)] => {
            let comparison = match comparison.as_str() {
                "<" => Comparison::Less,
                "<=" => Comparison::AtMost,
                "=" => Comparison::Equal,
                ">=" => Comparison::AtLeast,
                ">" => Comparison::More,
                _ => return None,
            };
            Some((comparison, bound.clone()))
        }
        _ => None,
    });
    let bounds: Option<Vec<_>> = bounds.collect();
    let bounds = bounds.filter(|bounds| !bounds.is_empty());
    bounds.map(Matcher::Numeric).ok_or_else(|| format!("numeric can't take {argument}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: Value, event: Value) -> bool {
        Pattern::parse(&pattern).unwrap().matches(&event)
    }

    /// As AWS's own documents describe each of them.
    #[test]
    fn a_value_is_matched_as_eventbridge_matches_it() {
        let event = json!({
            "eventName": "INSERT", "n": 5, "none": null, "list": ["a", "b"],
            "dynamodb": { "Keys": { "pk": { "S": "MAIL#1" } } }
        });
        for (pattern, expected) in [
            (json!({ "eventName": ["INSERT"] }), true),
            (json!({ "eventName": ["MODIFY", "INSERT"] }), true),
            (json!({ "eventName": ["MODIFY"] }), false),
            (json!({ "eventName": ["insert"] }), false),
            (json!({ "eventName": [{ "equals-ignore-case": "insert" }] }), true),
            (json!({ "eventName": [{ "prefix": "INS" }] }), true),
            (json!({ "eventName": [{ "suffix": "INS" }] }), false),
            (json!({ "eventName": [{ "anything-but": "MODIFY" }] }), true),
            (json!({ "eventName": [{ "anything-but": ["MODIFY", "INSERT"] }] }), false),
            (json!({ "eventName": [{ "anything-but": { "prefix": "INS" } }] }), false),
            (json!({ "absent": [{ "anything-but": "x" }] }), false),
            (json!({ "absent": [{ "exists": false }] }), true),
            (json!({ "absent": { "deeper": [{ "exists": false }] } }), true),
            (json!({ "absent": { "deeper": ["x"] } }), false),
            (json!({ "eventName": [{ "exists": true }] }), true),
            (json!({ "dynamodb": [{ "exists": true }] }), false),
            (json!({ "none": [null] }), true),
            (json!({ "absent": [null] }), false),
            (json!({ "n": [5.0] }), true),
            (json!({ "n": ["5"] }), false),
            (json!({ "n": [{ "numeric": [">", 4, "<=", 5] }] }), true),
            (json!({ "n": [{ "numeric": ["<", 5] }] }), false),
            (json!({ "list": ["b"] }), true),
            (json!({ "list": [{ "anything-but": "a" }] }), true),
            (json!({ "dynamodb": { "Keys": { "pk": { "S": [{ "prefix": "MAIL#" }] } } } }), true),
            (json!({ "dynamodb": { "Keys": { "pk": { "S": [{ "prefix": "USER#" }] } } } }), false),
            (json!({ "eventName": ["INSERT"], "n": [6] }), false),
        ] {
            assert_eq!(matches(pattern.clone(), event.clone()), expected, "{pattern}");
        }
    }

    /// A filter that is not understood must not pass for one that lets everything through.
    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            json!({}),
            json!([]),
            json!({ "a": "b" }),
            json!({ "a": [] }),
            json!({ "a": {} }),
            json!({ "a": [["b"]] }),
            json!({ "a": [{ "wildcard": "b*" }] }),
            json!({ "a": [{ "prefix": 1 }] }),
            json!({ "a": [{ "prefix": "b", "suffix": "c" }] }),
            json!({ "a": [{ "numeric": [">"] }] }),
            json!({ "a": [{ "exists": "yes" }] }),
            json!({ "$or": [{ "a": ["b"] }] }),
        ] {
            assert!(Pattern::parse(&pattern).is_err(), "{pattern}");
        }
    }
}
