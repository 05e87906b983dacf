//! A resource of a template, and what the readers of all kinds of resources share.

use std::path::Path;

use serde_json::{Map, Value};

use super::TemplateError;
use super::resolve::Resolver;
use super::scalar::scalar_text;

/// A template under way: what the readers of all kinds of resources share.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) root: &'a Value,
    pub(super) resolver: Resolver<'a>,
}

/// A resource whose properties are still unresolved.
pub(super) struct Resource<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    pub(super) properties: Map<String, Value>,
}

impl Reader<'_> {
    /// Puts the file and the resource's name to a problem.
    pub(super) fn checked<T>(&self, logical_id: &str, result: Result<T, String>) -> Result<T, TemplateError> {
        result.map_err(|problem| TemplateError::Resource {
            path: self.path.to_owned(),
            logical_id: logical_id.to_owned(),
            problem,
        })
    }

    pub(super) fn with_globals(&self, section: &str, own: Value) -> Value {
        match at(self.root, &["Globals", section]) {
            Some(globals) => merge(globals.clone(), own),
            None => own,
        }
    }

    /// A property with everything in it resolved; `None` when it is absent or `AWS::NoValue`.
    pub(super) fn property(&self, resource: &Resource<'_>, name: &str) -> Result<Option<Value>, String> {
        match resource.properties.get(name) {
            Some(value) => self.resolver.resolve(value).map_err(|problem| format!("{name}: {problem}")),
            None => Ok(None),
        }
    }

    pub(super) fn string(&self, value: &Value) -> Result<String, String> {
        let resolved = self.resolver.resolve(value)?.unwrap_or_default();
        scalar_text(&resolved).ok_or_else(|| format!("{resolved} is not a string"))
    }

    pub(super) fn text(&self, resource: &Resource<'_>, name: &str) -> Result<Option<String>, String> {
        self.property(resource, name)?
            .map(|value| scalar_text(&value).ok_or_else(|| format!("{name} is not a string")))
            .transpose()
    }

    pub(super) fn number(&self, resource: &Resource<'_>, name: &str, default: u64) -> Result<u64, String> {
        match self.text(resource, name)? {
            Some(text) => text.parse().map_err(|_| format!("{name} is not a whole number: {text}")),
            None => Ok(default),
        }
    }
}

/// `over` on top of `under`, as SAM merges `Globals`: maps key by key, lists end to end, anything else replaced.
fn merge(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let merged = match under.remove(&key) {
                    Some(below) => merge(below, value),
                    None => value,
                };
                under.insert(key, merged);
            }
            Value::Object(under)
        }
        (Value::Array(mut under), Value::Array(over)) => {
            under.extend(over);
            Value::Array(under)
        }
        (_, over) => over,
    }
}

pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}
