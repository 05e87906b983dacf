//! HTTP APIs as plain CloudFormation has them: `AWS::ApiGatewayV2::Api` and the routes, integrations, authorizers and the stage that
//! name it.

use std::collections::BTreeMap;

use super::api::function_of;
use super::http_api::{cors, identity_source, jwt_authorizer, payload};
use super::parts::{Parts, function_of_uri, ttl};
use super::resource::{Reader, Resource};
use super::scalar::scalar_text;
use super::{Api, ApiKind, Authorizer, AuthorizerKind, JwtAuthorizer, Payload, Route};

/// What is behind a route: the function, and the event that it gets.
type Integrations = BTreeMap<String, (String, Payload)>;

/// The two kinds of authorizers that an HTTP API has.
enum Either {
    Lambda(Authorizer),
    Jwt(JwtAuthorizer),
}

pub(super) fn api(
    reader: &Reader<'_>,
    resource: &Resource<'_>,
    resources: &[Resource<'_>],
) -> Result<Api, String> {
    let parts = Parts::of(reader, resources, "ApiId", resource.id);
    parts.refuse(resource, &["Body", "BodyS3Location", "Target"])?;
    let integrations: Integrations = parts
        .read("AWS::ApiGatewayV2::Integration", |part| integration(reader, part))?
        .into_iter()
        .map(|(id, behind)| (id.to_owned(), behind))
        .collect();
    let (mut authorizers, mut jwt_authorizers) = (BTreeMap::new(), BTreeMap::new());
    for (id, either) in parts.read("AWS::ApiGatewayV2::Authorizer", |part| authorizer(&parts, part))? {
        match either {
            Either::Lambda(authorizer) => drop(authorizers.insert(id.to_owned(), authorizer)),
            Either::Jwt(authorizer) => drop(jwt_authorizers.insert(id.to_owned(), authorizer)),
        }
    }
    let authorizer = |kind: &str, name: &str| match kind {
        "CUSTOM" => authorizers.contains_key(name),
        _ => jwt_authorizers.contains_key(name),
    };
    let routes =
        parts.read("AWS::ApiGatewayV2::Route", |part| route(reader, part, &integrations, authorizer))?;
    Ok(Api {
        logical_id: resource.id.to_owned(),
        kind: ApiKind::Http { cors: cors(reader.property(resource, "CorsConfiguration")?)? },
        stage: parts.stage("AWS::ApiGatewayV2::Stage")?,
        routes: routes.into_iter().map(|(_, route)| route).collect(),
        authorizers,
        jwt_authorizers,
        responses: BTreeMap::new(),
    })
}

fn integration(reader: &Reader<'_>, part: &Resource<'_>) -> Result<(String, Payload), String> {
    match reader.text(part, "IntegrationType")?.as_deref() {
        Some("AWS_PROXY") => {}
        other => {
            return Err(format!(
                "its IntegrationType is {}: only AWS_PROXY runs here",
                other.unwrap_or("missing")
            ));
        }
    }
    let uri = reader.text(part, "IntegrationUri")?.unwrap_or_default();
    // Of an HTTP API it may be the function's ARN alone.
    let function = function_of_uri(&uri).or_else(|problem| match uri.contains(":lambda:path/") {
        true => Err(problem),
        false => function_of(&uri).ok_or(problem),
    })?;
    let version = reader.text(part, "PayloadFormatVersion")?;
    Ok((function, payload(&version.ok_or("it has no PayloadFormatVersion")?)?))
}

fn authorizer(parts: &Parts<'_>, part: &Resource<'_>) -> Result<Either, String> {
    match parts.reader.text(part, "AuthorizerType")?.as_deref() {
        Some("REQUEST") => lambda_authorizer(parts, part).map(Either::Lambda),
        Some("JWT") => jwt(parts.reader, part).map(Either::Jwt),
        other => Err(format!(
            "its AuthorizerType is {}: it is neither REQUEST nor JWT",
            other.unwrap_or("missing")
        )),
    }
}

fn lambda_authorizer(parts: &Parts<'_>, part: &Resource<'_>) -> Result<Authorizer, String> {
    let reader = parts.reader;
    let version = reader.text(part, "AuthorizerPayloadFormatVersion")?;
    let payload = payload(&version.ok_or("it has no AuthorizerPayloadFormatVersion")?)?;
    let simple = reader.text(part, "EnableSimpleResponses")?.is_some_and(|on| on == "true");
    if simple && payload == Payload::One {
        return Err("EnableSimpleResponses needs AuthorizerPayloadFormatVersion 2.0".to_owned());
    }
    let given = reader.property(part, "IdentitySource")?.unwrap_or_default();
    let mut sources = Vec::new();
    for source in given.as_array().into_iter().flatten().filter_map(scalar_text) {
        sources.push(
            identity_source(&source)
                .ok_or_else(|| format!("{source} is not an identity source of an HTTP API"))?,
        );
    }
    let ttl_seconds = ttl(reader, part)?.unwrap_or(if sources.is_empty() { 0 } else { 300 });
    if ttl_seconds > 0 && sources.is_empty() {
        return Err("an authorizer without identity sources needs AuthorizerResultTtlInSeconds: 0".to_owned());
    }
    let function = function_of_uri(&reader.text(part, "AuthorizerUri")?.unwrap_or_default())?;
    parts.may_call(part, "AuthorizerCredentialsArn", &function)?;
    Ok(Authorizer { function, kind: AuthorizerKind::Request(sources), ttl_seconds, payload, simple })
}

/// SAM has one source where CloudFormation has a list of one.
fn jwt(reader: &Reader<'_>, part: &Resource<'_>) -> Result<JwtAuthorizer, String> {
    let sources = reader.property(part, "IdentitySource")?.unwrap_or_default();
    let source = match sources.as_array().map(Vec::as_slice) {
        Some([source]) => source.clone(),
        _ => return Err("the IdentitySource of a JWT authorizer is a list of one".to_owned()),
    };
    let settings = serde_json::json!({ "IdentitySource": source });
    let configuration = reader.property(part, "JwtConfiguration")?.unwrap_or_default();
    jwt_authorizer(&settings, &configuration)
}

fn route(
    reader: &Reader<'_>,
    part: &Resource<'_>,
    integrations: &Integrations,
    is_known: impl Fn(&str, &str) -> bool,
) -> Result<Route, String> {
    let word = |name: &str| reader.text(part, name)?.ok_or_else(|| format!("it has no {name}"));
    let (key, target) = (word("RouteKey")?, word("Target")?);
    let (method, path) = match key.split_once(' ') {
        None if key == "$default" => ("ANY", "$default"),
        Some((method, path)) if path.starts_with('/') => (method, path),
        _ => return Err(format!("its RouteKey is neither $default nor a method and a path: {key}")),
    };
    let behind = target.strip_prefix("integrations/").and_then(|name| integrations.get(name));
    let (function, payload) =
        behind.ok_or_else(|| format!("its Target is not an integration of this API: {target}"))?;
    let authorizer = match reader.text(part, "AuthorizationType")?.as_deref() {
        None | Some("NONE") => None,
        Some(kind @ ("CUSTOM" | "JWT")) => {
            let name = word("AuthorizerId")?;
            if !is_known(kind, &name) {
                return Err(format!("it names an unknown authorizer: {name}"));
            }
            Some(name)
        }
        Some(other) => {
            return Err(format!("its AuthorizationType is {other}: only CUSTOM, JWT and NONE run here"));
        }
    };
    let scopes = reader.property(part, "AuthorizationScopes")?.unwrap_or_default();
    Ok(Route {
        method: method.to_uppercase(),
        path: path.to_owned(),
        function: function.clone(),
        authorizer,
        scopes: scopes.as_array().into_iter().flatten().filter_map(scalar_text).collect(),
        payload: *payload,
        responds: false,
    })
}

#[cfg(test)]
#[path = "http_resources_tests.rs"]
mod tests;
