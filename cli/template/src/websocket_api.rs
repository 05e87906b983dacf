//! WebSocket APIs, as CloudFormation has them: `AWS::ApiGatewayV2::Api` and the routes, integrations, authorizers and
//! the stage that name it.

use std::collections::BTreeMap;

use super::parts::{Parts, function_of_uri, known};
use super::resource::{Reader, Resource};
use super::scalar::scalar_text;
use super::{Api, ApiKind, Authorizer, AuthorizerKind, Identity, Payload, Route};

pub(super) fn api(
    reader: &Reader<'_>,
    resource: &Resource<'_>,
    resources: &[Resource<'_>],
) -> Result<Api, String> {
    let selection = reader.text(resource, "RouteSelectionExpression")?;
    let selection = selection.ok_or("it has no RouteSelectionExpression, such as $request.body.action")?;
    let parts = Parts::of(reader, resources, "ApiId", resource.id);
    let integrations = parts.read("AWS::ApiGatewayV2::Integration", |part| integration(reader, part))?;
    let integrations = integrations.into_iter().collect();
    let authorizers = parts.read("AWS::ApiGatewayV2::Authorizer", |part| authorizer(reader, part))?;
    let authorizers = authorizers.into_iter().map(|(id, authorizer)| (id.to_owned(), authorizer)).collect();
    let routes =
        parts.read("AWS::ApiGatewayV2::Route", |part| route(reader, part, &integrations, &authorizers))?;
    Ok(Api {
        logical_id: resource.id.to_owned(),
        kind: ApiKind::WebSocket { selection },
        stage: parts.stage("AWS::ApiGatewayV2::Stage")?,
        routes: routes.into_iter().map(|(_, route)| route).collect(),
        authorizers,
        jwt_authorizers: BTreeMap::new(),
        responses: BTreeMap::new(),
    })
}

/// The function behind an integration.
fn integration(reader: &Reader<'_>, part: &Resource<'_>) -> Result<String, String> {
    match reader.text(part, "IntegrationType")?.as_deref() {
        Some("AWS_PROXY") => function_of_uri(&reader.text(part, "IntegrationUri")?.unwrap_or_default()),
        other => {
            Err(format!("its IntegrationType is {}: only AWS_PROXY runs here", other.unwrap_or("missing")))
        }
    }
}

fn authorizer(reader: &Reader<'_>, part: &Resource<'_>) -> Result<Authorizer, String> {
    match reader.text(part, "AuthorizerType")?.as_deref() {
        Some("REQUEST") => {}
        other => {
            return Err(format!(
                "its AuthorizerType is {}: only REQUEST runs here",
                other.unwrap_or("missing")
            ));
        }
    }
    let given = reader.property(part, "IdentitySource")?.unwrap_or_default();
    let mut sources = Vec::new();
    for source in given.as_array().into_iter().flatten().filter_map(scalar_text) {
        sources.push(
            identity(&source)
                .ok_or_else(|| format!("{source} is not an identity source of a WebSocket API"))?,
        );
    }
    Ok(Authorizer {
        function: function_of_uri(&reader.text(part, "AuthorizerUri")?.unwrap_or_default())?,
        kind: AuthorizerKind::Request(sources),
        // Results are kept for HTTP and REST APIs only: here each connection is asked about once.
        ttl_seconds: 0,
        payload: Payload::One,
        simple: false,
    })
}

fn identity(source: &str) -> Option<Identity> {
    let of = |prefix: &str| source.strip_prefix(prefix).map(str::to_owned);
    of("route.request.header.")
        .map(Identity::Header)
        .or_else(|| of("route.request.querystring.").map(Identity::Query))
        .or_else(|| of("stageVariables.").map(Identity::StageVariable))
        .or_else(|| of("context.").map(Identity::Context))
}

fn route(
    reader: &Reader<'_>,
    part: &Resource<'_>,
    integrations: &BTreeMap<&str, String>,
    authorizers: &BTreeMap<String, Authorizer>,
) -> Result<Route, String> {
    let key = reader.text(part, "RouteKey")?.ok_or("it has no RouteKey")?;
    let target = reader.text(part, "Target")?.ok_or("it has no Target")?;
    let function = target.strip_prefix("integrations/").and_then(|name| integrations.get(name));
    let function =
        function.ok_or_else(|| format!("its Target is not an integration of this API: {target}"))?;
    let authorizer = match reader.text(part, "AuthorizationType")?.as_deref() {
        None | Some("NONE") => None,
        Some("CUSTOM") => {
            let name = reader.text(part, "AuthorizerId")?.ok_or("it has no AuthorizerId")?;
            Some(known(name, |name| authorizers.contains_key(name))?)
        }
        Some(other) => {
            return Err(format!("its AuthorizationType is {other}: only CUSTOM and NONE run here"));
        }
    };
    let method = match key.as_str() {
        "$connect" => "CONNECT",
        "$disconnect" => "DISCONNECT",
        _ => "MESSAGE",
    };
    if authorizer.is_some() && method != "CONNECT" {
        return Err("only $connect can have an authorizer".to_owned());
    }
    Ok(Route {
        method: method.to_owned(),
        path: key,
        function: function.clone(),
        authorizer,
        scopes: Vec::new(),
        payload: Payload::One,
        responds: reader.text(part, "RouteResponseSelectionExpression")?.is_some(),
    })
}

#[cfg(test)]
#[path = "websocket_api_tests.rs"]
mod tests;
