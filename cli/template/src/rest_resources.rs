//! REST APIs as plain CloudFormation has them: `AWS::ApiGateway::RestApi` and the resources, methods, authorizers, gateway responses and
//! the stage that name it. JWT authorizers are read in `rest_jwt`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::{gateway_response, identity, validation};
use super::parts::{Parts, function_of_uri, known, ttl};
use super::resource::{Reader, Resource};
use super::rest_jwt::jwt_authorizer;
use super::scalar::scalar_text;
use super::{
    AWS_IAM, Api, ApiKind, Authorizer, AuthorizerKind, GatewayResponse, Identity, JwtAuthorizer, Payload,
    Route,
};

/// Resources that name each other in a circle end here.
const MAX_DEPTH: usize = 100;

pub(super) fn api(
    reader: &Reader<'_>,
    resource: &Resource<'_>,
    resources: &[Resource<'_>],
) -> Result<Api, String> {
    let parts = Parts::of(reader, resources, "RestApiId", resource.id);
    parts.refuse(resource, &["Body", "BodyS3Location", "CloneFrom"])?;
    let paths = paths(&parts, resource.id)?;
    let (mut authorizers, mut jwt_authorizers) = (BTreeMap::new(), BTreeMap::new());
    for (id, either) in parts.read("AWS::ApiGateway::Authorizer", |part| authorizer(&parts, part))? {
        match either {
            Either::Lambda(authorizer) => drop(authorizers.insert(id.to_owned(), authorizer)),
            Either::Jwt(authorizer) => drop(jwt_authorizers.insert(id.to_owned(), authorizer)),
        }
    }
    let is_known = |kind: &str, name: &str| match kind {
        "JWT" => jwt_authorizers.contains_key(name),
        _ => authorizers.contains_key(name),
    };
    let routes = parts.read("AWS::ApiGateway::Method", |part| route(reader, part, &paths, is_known))?;
    let responses = parts.read("AWS::ApiGateway::GatewayResponse", |part| response(reader, part))?;
    Ok(Api {
        logical_id: resource.id.to_owned(),
        kind: ApiKind::Rest,
        stage: parts.stage("AWS::ApiGateway::Stage")?,
        routes: routes.into_iter().filter_map(|(_, route)| route).collect(),
        authorizers,
        jwt_authorizers,
        responses: responses.into_iter().map(|(_, response)| response).collect(),
    })
}

/// The two kinds of authorizers that run here.
enum Either {
    Lambda(Authorizer),
    Jwt(JwtAuthorizer),
}

/// The path of every resource, by what names it: its own name, and what `RootResourceId` gives for the root.
fn paths(parts: &Parts<'_>, api: &str) -> Result<BTreeMap<String, String>, String> {
    let root = parts.reader.string(&json!({ "Fn::GetAtt": [api, "RootResourceId"] }))?;
    let resources = parts.read("AWS::ApiGateway::Resource", |part| {
        let word = |name: &str| parts.reader.text(part, name)?.ok_or_else(|| format!("it has no {name}"));
        Ok((word("ParentId")?, word("PathPart")?))
    })?;
    let parents: BTreeMap<&str, (String, String)> = resources.into_iter().collect();
    let mut paths = BTreeMap::from([(root.clone(), "/".to_owned())]);
    for id in parents.keys() {
        let (mut path, mut at) = (String::new(), *id);
        while let Some((parent, part)) = parents.get(at) {
            path = format!("/{part}{path}");
            at = parent;
            if path.matches('/').count() > MAX_DEPTH {
                return Err(format!("{id}: its parents form a cycle"));
            }
        }
        if at != root {
            return Err(format!("{id}: its ParentId is not a resource of this API: {at}"));
        }
        paths.insert((*id).to_owned(), path);
    }
    Ok(paths)
}

/// None for a preflight request that API Gateway answers without a function: as with SAM's `Cors`, nobody answers it here.
fn route(
    reader: &Reader<'_>,
    part: &Resource<'_>,
    paths: &BTreeMap<String, String>,
    is_known: impl Fn(&str, &str) -> bool,
) -> Result<Option<Route>, String> {
    let word = |name: &str| reader.text(part, name)?.ok_or_else(|| format!("it has no {name}"));
    let (method, resource) = (word("HttpMethod")?.to_uppercase(), word("ResourceId")?);
    let path = paths
        .get(&resource)
        .ok_or_else(|| format!("its ResourceId is not a resource of this API: {resource}"))?;
    let authorizer = match reader.text(part, "AuthorizationType")?.as_deref() {
        None | Some("NONE") => None,
        Some(AWS_IAM) => Some(AWS_IAM.to_owned()),
        Some(kind @ ("CUSTOM" | "JWT")) => Some(known(word("AuthorizerId")?, |name| is_known(kind, name))?),
        Some(other) => {
            return Err(format!(
                "its AuthorizationType is {other}: only CUSTOM, JWT, AWS_IAM and NONE run here"
            ));
        }
    };
    let integration = reader.property(part, "Integration")?.unwrap_or_default();
    let text = |name: &str| integration.get(name).and_then(scalar_text).unwrap_or_default();
    match text("Type").as_str() {
        "AWS_PROXY" => {}
        "MOCK" if method == "OPTIONS" && authorizer.is_none() => return Ok(None),
        other => return Err(format!("the Type of its Integration is {other:?}: only AWS_PROXY runs here")),
    }
    let scopes = reader.property(part, "AuthorizationScopes")?.unwrap_or_default();
    Ok(Some(Route {
        method,
        path: path.clone(),
        function: function_of_uri(&text("Uri"))?,
        authorizer,
        scopes: scopes.as_array().into_iter().flatten().filter_map(scalar_text).collect(),
        payload: Payload::One,
        responds: false,
    }))
}

fn authorizer(parts: &Parts<'_>, part: &Resource<'_>) -> Result<Either, String> {
    match parts.reader.text(part, "Type")?.as_deref() {
        Some("JWT") => jwt_authorizer(parts.reader, part).map(Either::Jwt),
        Some(kind @ ("REQUEST" | "TOKEN")) => lambda_authorizer(parts, part, kind).map(Either::Lambda),
        other => {
            Err(format!("its Type is {}: only TOKEN, REQUEST and JWT run here", other.unwrap_or("missing")))
        }
    }
}

fn lambda_authorizer(parts: &Parts<'_>, part: &Resource<'_>, kind: &str) -> Result<Authorizer, String> {
    let reader = parts.reader;
    let function = function_of_uri(&reader.text(part, "AuthorizerUri")?.unwrap_or_default())?;
    parts.may_call(part, "AuthorizerCredentials", &function)?;
    let given = reader.text(part, "IdentitySource")?.unwrap_or_default();
    let mut sources = Vec::new();
    for source in given.split(',').map(str::trim).filter(|source| !source.is_empty()) {
        sources.push(
            identity(source).ok_or_else(|| format!("{source} is not an identity source of a REST API"))?,
        );
    }
    let ttl_seconds = ttl(reader, part)?.unwrap_or(300);
    let kind = match kind {
        "REQUEST" if ttl_seconds > 0 && sources.is_empty() => {
            return Err(
                "a REQUEST authorizer without identity sources needs AuthorizerResultTtlInSeconds: 0"
                    .to_owned(),
            );
        }
        "REQUEST" => AuthorizerKind::Request(sources),
        _ => match sources.as_slice() {
            [Identity::Header(header)] => AuthorizerKind::Token {
                header: header.clone(),
                validation: validation(
                    reader.text(part, "IdentityValidationExpression")?,
                    "IdentityValidationExpression",
                )?,
            },
            _ => return Err("the IdentitySource of a TOKEN authorizer is one header".to_owned()),
        },
    };
    Ok(Authorizer { function, kind, ttl_seconds, payload: Payload::One, simple: false })
}

/// SAM puts the headers of a gateway response into groups; CloudFormation writes each group before the name.
fn response(reader: &Reader<'_>, part: &Resource<'_>) -> Result<(String, GatewayResponse), String> {
    let kind = reader.text(part, "ResponseType")?.ok_or("it has no ResponseType")?;
    let parameters = reader.property(part, "ResponseParameters")?.unwrap_or_default();
    let headers: serde_json::Map<String, Value> = parameters
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| {
            Some((name.strip_prefix("gatewayresponse.header.")?.to_owned(), value.clone()))
        })
        .collect();
    let settings = json!({
        "StatusCode": reader.property(part, "StatusCode")?,
        "ResponseParameters": { "Headers": headers },
        "ResponseTemplates": reader.property(part, "ResponseTemplates")?,
    });
    Ok((kind, gateway_response(&settings)?))
}

#[cfg(test)]
#[path = "rest_resources_tests.rs"]
mod tests;
