//! CloudFormation's intrinsic functions, evaluated for one machine.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Inputs, function_arn, scalar::scalar_text};

/// What the attached templates may import: the value, or why it can't be had.
pub type Exports = BTreeMap<String, Result<String, String>>;

/// Conditions that name each other in a circle end here.
const MAX_DEPTH: u32 = 100;

/// Evaluates the intrinsics of one template.
pub(crate) struct Resolver<'a> {
    pub(super) root: &'a Value,
    pub(super) inputs: &'a Inputs,
    depth: Cell<u32>,
}

/// `None` stands for `AWS::NoValue`: whatever holds it does without.
pub(super) type Resolved = Result<Option<Value>, String>;

impl<'a> Resolver<'a> {
    pub(crate) fn new(root: &'a Value, inputs: &'a Inputs) -> Self {
        Self { root, inputs, depth: Cell::new(0) }
    }

    /// The value with every intrinsic in it replaced.
    pub(crate) fn resolve(&self, value: &Value) -> Resolved {
        if self.depth.get() >= MAX_DEPTH {
            return Err("it is nested too deeply, or refers to itself".to_owned());
        }
        self.depth.set(self.depth.get() + 1);
        let resolved = self.resolve_node(value);
        self.depth.set(self.depth.get() - 1);
        resolved
    }

    fn resolve_node(&self, value: &Value) -> Resolved {
        match value {
            Value::Array(items) => {
                let resolved: Result<Vec<_>, _> = items.iter().map(|item| self.resolve(item)).collect();
                Ok(Some(Value::Array(resolved?.into_iter().flatten().collect())))
            }
            Value::Object(map) => match single(map) {
                Some(("Ref", name)) => self.reference(text(name, "Ref")?),
                Some(("Condition", name)) if name.is_string() => {
                    Ok(Some(json!(self.condition(text(name, "Condition")?)?)))
                }
                Some((name, argument)) if name.starts_with("Fn::") => self.function(name, argument),
                _ => {
                    let mut resolved = Map::new();
                    for (key, value) in map {
                        if let Some(value) = self.resolve(value)? {
                            resolved.insert(key.clone(), value);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            plain => Ok(Some(plain.clone())),
        }
    }

    /// Whether the named condition holds.
    pub(crate) fn condition(&self, name: &str) -> Result<bool, String> {
        let condition = self.at(&["Conditions", name]).ok_or(format!("there is no condition {name}"))?;
        self.truth(condition)
    }

    fn truth(&self, value: &Value) -> Result<bool, String> {
        match self.resolve(value)? {
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            other => Err(format!("{} is not a condition", other.unwrap_or_default())),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Resolved {
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let bad = || format!("{name} can't take {argument}");
        Ok(match (name, arguments) {
            ("Fn::Sub", _) => Some(json!(self.substitute(argument)?)),
            ("Fn::GetAtt", [resource, attribute]) => {
                Some(json!(self.attribute(text(resource, name)?, text(attribute, name)?)?))
            }
            ("Fn::GetAtt", []) => {
                let (resource, attribute) = text(argument, name)?.split_once('.').ok_or_else(bad)?;
                Some(json!(self.attribute(resource, attribute)?))
            }
            ("Fn::ImportValue", _) => Some(json!(self.import(&self.string(argument)?)?)),
            ("Fn::If", [condition, yes, no]) => {
                let holds = self.condition(text(condition, name)?)?;
                self.resolve(if holds { yes } else { no })?
            }
            ("Fn::Equals", [one, other]) => {
                let (one, other) = (self.resolve(one)?, self.resolve(other)?);
                let plain = |value: &Option<Value>| value.as_ref().and_then(scalar_text);
                Some(json!(one == other || (plain(&one).is_some() && plain(&one) == plain(&other))))
            }
            ("Fn::Not", [condition]) => Some(json!(!self.truth(condition)?)),
            ("Fn::And", [_, ..]) => Some(json!(self.truths(arguments)?.into_iter().all(|holds| holds))),
            ("Fn::Or", [_, ..]) => Some(json!(self.truths(arguments)?.into_iter().any(|holds| holds))),
            ("Fn::Join", [separator, list]) => Some(json!(self.list(list)?.join(&self.string(separator)?))),
            ("Fn::Split", [separator, whole]) => {
                Some(json!(self.string(whole)?.split(&self.string(separator)?).collect::<Vec<_>>()))
            }
            ("Fn::Select", [index, list]) => {
                let index: usize = self.string(index)?.parse().map_err(|_| bad())?;
                Some(json!(self.list(list)?.get(index).ok_or_else(bad)?))
            }
            ("Fn::FindInMap", [map, first, second]) => {
                let keys = [self.string(map)?, self.string(first)?, self.string(second)?];
                let found = self.at(&["Mappings", &keys[0], &keys[1], &keys[2]]);
                Some(found.ok_or_else(|| format!("{name} finds nothing at {}", keys.join(".")))?.clone())
            }
            _ => return Err(bad()),
        })
    }

    fn truths(&self, conditions: &[Value]) -> Result<Vec<bool>, String> {
        conditions.iter().map(|condition| self.truth(condition)).collect()
    }

    pub(super) fn string(&self, value: &Value) -> Result<String, String> {
        let resolved = self.resolve(value)?.unwrap_or_default();
        scalar_text(&resolved).ok_or_else(|| format!("{resolved} is not a string"))
    }

    fn list(&self, value: &Value) -> Result<Vec<String>, String> {
        match self.resolve(value)? {
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| scalar_text(item).ok_or_else(|| format!("{item} is not a string")))
                .collect(),
            other => Err(format!("{} is not a list", other.unwrap_or_default())),
        }
    }

    fn substitute(&self, argument: &Value) -> Result<String, String> {
        let (pattern, own) = match argument {
            Value::Array(parts) => match parts.as_slice() {
                [pattern, Value::Object(own)] => (text(pattern, "Fn::Sub")?, Some(own)),
                _ => return Err(format!("Fn::Sub can't take {argument}")),
            },
            pattern => (text(pattern, "Fn::Sub")?, None),
        };
        let mut out = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}').ok_or(format!("Fn::Sub: no }} in {pattern}"))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str("${");
                out.push_str(literal);
                out.push('}');
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                out.push_str(&self.string(value)?);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                out.push_str(&self.attribute(resource, attribute)?);
            } else {
                let value = self.reference(name)?.unwrap_or_default();
                out.push_str(&scalar_text(&value).ok_or(format!("${{{name}}} is not a string"))?);
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn import(&self, name: &str) -> Result<String, String> {
        match self.inputs.imports.get(name) {
            None if self.inputs.names_for_imports => Ok(function_arn(name)),
            Some(Ok(value)) => Ok(value.clone()),
            Some(Err(problem)) => Err(format!("the export {name} can't be resolved: {problem}")),
            None => Err(format!("nothing exports {name}")),
        }
    }

    pub(super) fn at(&self, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(self.root, |value, key| value.get(key))
    }
}

fn single(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, value) = map.iter().next()?;
    (map.len() == 1).then_some((key.as_str(), value))
}

fn text<'v>(value: &'v Value, function: &str) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("{function} can't take {value}"))
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
