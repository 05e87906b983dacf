//! The parameters of a template and their constraints, which CloudFormation checks before it changes anything: what a
//! deployment would refuse does not start here either. A value is never repeated, as CloudFormation repeats none.

use std::path::Path;

use regex_lite::Regex;
use serde_json::Value;

use super::scalar::scalar_text;
use super::{Inputs, TemplateError};

/// Checks the value of every parameter, the given one or the default.
pub(super) fn check(path: &Path, root: &Value, inputs: &Inputs) -> Result<(), TemplateError> {
    let declared = root.get("Parameters").and_then(Value::as_object);
    if let Some(name) =
        inputs.parameters.keys().find(|name| declared.is_none_or(|all| !all.contains_key(*name)))
    {
        return Err(TemplateError::NoSuchParameter { path: path.to_owned(), name: name.clone() });
    }
    for (name, parameter) in declared.into_iter().flatten() {
        let given = inputs.parameters.get(name).cloned();
        // One without a value is the problem of whoever refers to it.
        let Some(value) = given.or_else(|| parameter.get("Default").and_then(scalar_text)) else { continue };
        let parameter = Parameter { name, parameter };
        parameter.check(&value).map_err(|problem| TemplateError::Parameter {
            path: path.to_owned(),
            name: name.clone(),
            problem,
        })?;
    }
    Ok(())
}

struct Parameter<'a> {
    name: &'a str,
    parameter: &'a Value,
}

impl Parameter<'_> {
    /// CloudFormation's own words, and then what to write.
    fn check(&self, value: &str) -> Result<(), String> {
        match self.parameter.get("Type").and_then(Value::as_str).unwrap_or_default() {
            "Number" => self.number(value)?,
            "List<Number>" => value.split(',').try_for_each(|item| self.number(item.trim()))?,
            "CommaDelimitedList" => value.split(',').try_for_each(|item| self.pattern(item.trim()))?,
            "String" => {
                self.length(value)?;
                self.pattern(value)?;
            }
            // Those of AWS's own kinds (AWS::EC2::VPC::Id, AWS::SSM::…) are looked up in an account. Here is none.
            kind if kind.starts_with("AWS::") || kind.starts_with("List<AWS::") => {}
            kind => return Err(format!("Unrecognized parameter type: {kind}")),
        }
        self.allowed(value)
    }

    fn number(&self, value: &str) -> Result<(), String> {
        let name = self.name;
        let number: f64 = value
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| format!("Parameter '{name}' must be a number"))?;
        if let Some(least) = self.limit("MinValue")?.filter(|least| number < *least) {
            return self.refuse(&format!("must be a number not less than {least}"));
        }
        if let Some(most) = self.limit("MaxValue")?.filter(|most| number > *most) {
            return self.refuse(&format!("must be a number not greater than {most}"));
        }
        Ok(())
    }

    fn length(&self, value: &str) -> Result<(), String> {
        // As Java counts them.
        let length = value.encode_utf16().count() as f64;
        if let Some(least) = self.limit("MinLength")?.filter(|least| length < *least) {
            return self.refuse(&format!("must contain at least {least} characters"));
        }
        if let Some(most) = self.limit("MaxLength")?.filter(|most| length > *most) {
            return self.refuse(&format!("must contain at most {most} characters"));
        }
        Ok(())
    }

    /// The pattern stands for the whole value.
    fn pattern(&self, value: &str) -> Result<(), String> {
        let Some(pattern) = self.parameter.get("AllowedPattern").and_then(scalar_text) else { return Ok(()) };
        let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|_| {
            format!("AllowedPattern is not a regular expression that is known here: {pattern}")
        })?;
        if whole.is_match(value) {
            return Ok(());
        }
        self.refuse(&format!("must match pattern {pattern}"))
    }

    fn allowed(&self, value: &str) -> Result<(), String> {
        let Some(allowed) = self.parameter.get("AllowedValues").and_then(Value::as_array) else {
            return Ok(());
        };
        let allowed: Vec<String> = allowed.iter().filter_map(scalar_text).collect();
        let is_list = self.parameter.get("Type").and_then(Value::as_str) != Some("String");
        let one = |item: &str| allowed.iter().any(|allowed| allowed == item);
        if one(value) || (is_list && value.split(',').all(|item| one(item.trim()))) {
            return Ok(());
        }
        self.refuse(&format!("must be one of AllowedValues: {}", allowed.join(", ")))
    }

    fn limit(&self, key: &str) -> Result<Option<f64>, String> {
        let Some(text) = self.parameter.get(key).and_then(scalar_text) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("{key} of the parameter {} is not a number", self.name))
    }

    fn refuse(&self, constraint: &str) -> Result<(), String> {
        let name = self.name;
        Err(match self.parameter.get("ConstraintDescription").and_then(scalar_text) {
            Some(described) => format!("Parameter '{name}' failed to satisfy constraint: {described}"),
            None => format!("Parameter '{name}' {constraint}"),
        })
    }
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
