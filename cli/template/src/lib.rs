//! A template of SAM or of plain CloudFormation, read for one machine: which functions, APIs, tables, secrets, queues and event sources there are, with every
//! intrinsic resolved. Resource types that this machine does not run are passed over.

mod api;
mod apis;
mod for_each;
mod generated;
mod http_api;
mod http_resources;
mod model;
mod names;
mod parameters;
mod parts;
mod pattern;
mod read;
mod reference;
mod resolve;
mod resource;
mod rest_jwt;
mod rest_resources;
mod scalar;
mod sources;
mod websocket_api;
mod yaml;

use std::path::{Path, PathBuf};

pub use model::{
    AWS_IAM, Api, ApiKind, Authorizer, AuthorizerKind, Bucket, Cors, Function, GatewayResponse, Generated,
    Identity, JwtAuthorizer, JwtClaim, JwtIssuer, Payload, Route, Secret, SecretValue, Table, Template,
};
pub use names::{ACCOUNT, REGION, function_arn};
pub use pattern::Pattern;
pub use resolve::Exports;
pub use scalar::scalar_text;
pub use sources::stream_arn;
pub use sources::{EventSource, Queue, QueueSource, Rule, SourceKind, StreamSource};

/// Why a template can't be used; each one is the line that a person reads.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file is not there, or can't be read.
    #[error("cannot read the template {}: {source}", path.display())]
    Read {
        /// The template's file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The text is no YAML, or no template.
    #[error("cannot read the template {}: {problem}", path.display())]
    Syntax {
        /// The template's file.
        path: PathBuf,
        /// What is wrong, and in which line.
        problem: String,
    },
    /// A resource says something that this machine can't make sense of.
    #[error("{}: {logical_id}: {problem}", path.display())]
    Resource {
        /// The template's file.
        path: PathBuf,
        /// The resource's name in the template.
        logical_id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A parameter was given that the template does not have.
    #[error("{} has no parameter {name}", path.display())]
    NoSuchParameter {
        /// The template's file.
        path: PathBuf,
        /// The parameter's name.
        name: String,
    },
    /// A parameter's value is not what the template allows.
    #[error("{}: {problem}; give another with --parameter-overrides {name}=VALUE", path.display())]
    Parameter {
        /// The template's file.
        path: PathBuf,
        /// The parameter's name.
        name: String,
        /// What is wrong with the value, which is not repeated.
        problem: String,
    },
}

/// What a template is read with.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Values of parameters.
    pub parameters: std::collections::BTreeMap<String, String>,
    /// In the place of the template's own defaults.
    pub defaults: std::collections::BTreeMap<String, String>,
    /// What other stacks export.
    pub imports: Exports,
    /// Whether an import that nobody exports is taken by its name.
    pub names_for_imports: bool,
    /// What `AWS::StackName` gives.
    pub stack: String,
}

/// A template as it was written, as JSON: intrinsics in their long form and loops unrolled, but nothing resolved.
///
/// # Errors
/// What is wrong with the text, and in which line.
pub fn as_written(text: &str) -> Result<serde_json::Value, String> {
    yaml::parse(text).map(|document| document.root)
}

impl Template {
    /// Reads a template with its default parameters.
    ///
    /// # Errors
    /// When the file can't be read, is no template, or needs something that can't be resolved.
    pub fn load(path: &Path) -> Result<Template, TemplateError> {
        Self::load_with(path, &Inputs { stack: "nova-auth".to_owned(), ..Inputs::default() })
    }

    /// Reads a template by itself: what it imports from other stacks is only known by its name.
    ///
    /// # Errors
    /// When the file can't be read, is no template, or needs something that can't be resolved.
    pub fn load_alone(path: &Path) -> Result<Template, TemplateError> {
        Self::load_alone_with(path, [])
    }

    /// The same, with other parameters.
    ///
    /// # Errors
    /// When the file can't be read, is no template, or needs something that can't be resolved.
    pub fn load_alone_with<'a>(
        path: &Path,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Template, TemplateError> {
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let inputs =
            Inputs { names_for_imports: true, parameters: parameters.collect(), ..Inputs::default() };
        Self::load_with(path, &inputs)
    }

    /// Reads the text of a template with its default parameters; `path` is what errors call it.
    ///
    /// # Errors
    /// When the text is no template, or needs something that can't be resolved.
    pub fn from_text(path: &Path, text: &str) -> Result<Template, TemplateError> {
        read::template(path, text, &Inputs { stack: "nova-auth".to_owned(), ..Inputs::default() })
    }

    /// The names of a template's parameters.
    pub fn parameters(path: &Path) -> Result<std::collections::BTreeSet<String>, TemplateError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TemplateError::Read { path: path.to_owned(), source })?;
        let document =
            yaml::parse(&text).map_err(|problem| TemplateError::Syntax { path: path.to_owned(), problem })?;
        let parameters = document.root.get("Parameters").and_then(serde_json::Value::as_object);
        Ok(parameters.into_iter().flatten().map(|(name, _)| name.clone()).collect())
    }

    /// Reads a template with other parameters, and what it may import.
    pub fn load_with(path: &Path, inputs: &Inputs) -> Result<Template, TemplateError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TemplateError::Read { path: path.to_owned(), source })?;
        read::template(path, &text, inputs)
    }
}
