//! APIs as plain CloudFormation has them: one resource, and others that name it. What REST, HTTP and WebSocket APIs share of that.

use serde_json::Value;

use super::Api;
use super::api::function_of;
use super::resource::{Reader, Resource, at};

/// The resources that name one API.
pub(super) struct Parts<'r> {
    pub(super) reader: &'r Reader<'r>,
    resources: &'r [Resource<'r>],
    /// What they call it by: `RestApiId` or `ApiId`.
    key: &'static str,
    api: &'r str,
}

impl<'r> Parts<'r> {
    pub(super) fn of(
        reader: &'r Reader<'r>,
        resources: &'r [Resource<'r>],
        key: &'static str,
        api: &'r str,
    ) -> Self {
        Self { reader, resources, key, api }
    }

    /// Those of one kind, each read. An error names the one that it is about.
    pub(super) fn read<T>(
        &self,
        kind: &str,
        read: impl Fn(&Resource<'_>) -> Result<T, String>,
    ) -> Result<Vec<(&'r str, T)>, String> {
        let mut found = Vec::new();
        for part in self.resources.iter().filter(|part| part.kind == kind) {
            let problem = |problem| format!("{}: {problem}", part.id);
            if self.reader.text(part, self.key).map_err(problem)?.as_deref() == Some(self.api) {
                found.push((part.id, read(part).map_err(problem)?));
            }
        }
        Ok(found)
    }

    /// The name of its stage.
    pub(super) fn stage(&self, kind: &str) -> Result<String, String> {
        let name = |part: &Resource<'_>| {
            self.reader.text(part, "StageName")?.ok_or("it has no StageName".to_owned())
        };
        let stages = self.read(kind, name)?;
        stages.into_iter().next().map(|(_, name)| name).ok_or_else(|| format!("no {kind} names it"))
    }

    /// What the template can't say of an API in resources of its own is not looked for elsewhere.
    pub(super) fn refuse(&self, api: &Resource<'_>, properties: &[&str]) -> Result<(), String> {
        let other = properties.iter().find(|name| api.properties.contains_key(**name));
        other.map_or(Ok(()), |name| {
            Err(format!("{name} is not supported here: define routes and authorizers as resources"))
        })
    }

    /// An authorizer that API Gateway may not call answers 500 to everybody. Either it has a role for the call, or the template
    /// permits the call.
    pub(super) fn may_call(&self, part: &Resource<'_>, role: &str, function: &str) -> Result<(), String> {
        if self.reader.property(part, role)?.is_some() {
            return Ok(());
        }
        for permission in self.resources.iter().filter(|one| one.kind == "AWS::Lambda::Permission") {
            let permitted = self.reader.text(permission, "FunctionName");
            let name =
                permitted.map_err(|problem| format!("{}: {problem}", permission.id))?.unwrap_or_default();
            if function_of(&name).unwrap_or(name) == function {
                return Ok(());
            }
        }
        Err(format!(
            "it has no {role}, and no AWS::Lambda::Permission is for its function: it could not be called"
        ))
    }
}

/// The name of an authorizer that a route asks for, if there is such an authorizer.
pub(super) fn known(name: String, is_known: impl Fn(&str) -> bool) -> Result<String, String> {
    if is_known(&name) { Ok(name) } else { Err(format!("it names an unknown authorizer: {name}")) }
}

/// The function that `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations` calls.
pub(super) fn function_of_uri(uri: &str) -> Result<String, String> {
    let arn = uri.split_once("/functions/").and_then(|(_, rest)| rest.strip_suffix("/invocations"));
    arn.and_then(function_of).ok_or_else(|| format!("it calls no function: {uri}"))
}

/// `AuthorizerResultTtlInSeconds`: at most an hour.
pub(super) fn ttl(reader: &Reader<'_>, part: &Resource<'_>) -> Result<Option<u64>, String> {
    const NAME: &str = "AuthorizerResultTtlInSeconds";
    if reader.property(part, NAME)?.is_none() {
        return Ok(None);
    }
    match reader.number(part, NAME, 0)? {
        seconds @ 0..=3600 => Ok(Some(seconds)),
        _ => Err(format!("{NAME} is more than 3600")),
    }
}

/// Whether a function of plain CloudFormation is run here: an API leads to it, or its metadata says where its code is. Others are helpers of
/// the deployment more often than not, as the CDK's custom resources are, and have no code that could be found.
pub(super) fn is_run(reader: &Reader<'_>, resource: &Resource<'_>, apis: &[Api]) -> bool {
    let mut routes = apis.iter().flat_map(|api| &api.routes);
    let mut authorizers = apis.iter().flat_map(|api| api.authorizers.values());
    routes.any(|route| route.function == resource.id)
        || authorizers.any(|authorizer| authorizer.function == resource.id)
        || code_uri(reader, resource).is_some()
}

fn code_uri<'a>(reader: &Reader<'a>, resource: &Resource<'_>) -> Option<&'a str> {
    at(reader.root, &["Resources", resource.id, "Metadata", "CodeUri"]).and_then(Value::as_str)
}

/// The directory of a function's code: what `Metadata` says as SAM would (`CodeUri`), since what is deployed is a bucket's or was built
/// elsewhere; without that, `Code` as `aws cloudformation package` takes it.
pub(super) fn code(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Option<String>, String> {
    if let Some(said) = code_uri(reader, resource) {
        return Ok(Some(said.to_owned()));
    }
    Ok(reader.property(resource, "Code")?.as_ref().and_then(Value::as_str).map(str::to_owned))
}
