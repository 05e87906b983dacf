//! The templates, read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nova_template::{Inputs, Template, TemplateError};

use super::{STACK, StartError};
use crate::options::Options;

/// The first template, with the parameters that were given.
pub(crate) fn load_first(options: &Options) -> Result<Template, TemplateError> {
    let inputs = Inputs {
        parameters: options.parameters.clone(),
        defaults: options.defaults.clone(),
        stack: STACK.to_owned(),
        ..Inputs::default()
    };
    Template::load_with(&options.template, &inputs)
}

/// The first template, and the attached ones with what it exports.
pub(super) fn templates(options: &Options) -> Result<Vec<Template>, StartError> {
    let main = load_first(options)?;
    if main.apis.is_empty() {
        return Err(StartError::NoApi(options.template.clone()));
    }
    let imports = main.exports.clone();
    let mut templates = vec![main];
    for path in &options.attach {
        let stack = absolute_parent(path);
        let stack = stack.file_name().and_then(|name| name.to_str()).unwrap_or("attached").to_owned();
        let inputs = Inputs { imports: imports.clone(), stack, ..Inputs::default() };
        templates.push(attached(path, inputs, &options.attached_parameters)?);
    }
    let mut seen = BTreeSet::new();
    for template in &templates {
        let functions = template.functions.iter().map(|function| &function.logical_id);
        let apis = template.apis.iter().map(|api| &api.logical_id);
        let tables = template.tables.iter().map(|table| &table.name);
        let secrets = template.secrets.iter().map(|secret| &secret.name);
        for logical_id in functions.chain(apis).chain(tables).chain(secrets) {
            if !seen.insert(logical_id.clone()) {
                let (path, logical_id) = (template.path.clone(), logical_id.clone());
                return Err(StartError::TwoOf { path, logical_id });
            }
        }
    }
    Ok(templates)
}

/// An attached template, with the values of those parameters that it has.
fn attached(
    path: &Path,
    inputs: Inputs,
    parameters: &BTreeMap<String, String>,
) -> Result<Template, TemplateError> {
    let known = Template::parameters(path)?;
    let parameters = parameters.iter().filter(|(name, _)| known.contains(*name));
    let parameters = parameters.map(|(name, value)| (name.clone(), value.clone())).collect();
    Template::load_with(path, &Inputs { parameters, ..inputs })
}

pub(crate) fn absolute_parent(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.parent().unwrap_or(Path::new(".")).to_owned()
}
