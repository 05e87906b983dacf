//! `AWS::Serverless::Api`, and the events of functions that make its routes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::read::{Reader, Resource, at};
use super::yaml::scalar_text;
use super::{Api, Authorizer, AuthorizerKind, GatewayResponse, Identity, Route, TemplateError};

/// The API that SAM makes for events that name none.
const IMPLICIT: &str = "ServerlessRestApi";

pub(super) fn apis(reader: &Reader<'_>, resources: &[Resource<'_>]) -> Result<Vec<Api>, TemplateError> {
    let mut routes = Vec::new();
    for resource in resources.iter().filter(|resource| resource.kind == "AWS::Serverless::Function") {
        routes.extend(reader.checked(resource.id, function_routes(reader, resource))?);
    }
    let mut apis = Vec::new();
    for resource in resources.iter().filter(|resource| resource.kind == "AWS::Serverless::Api") {
        apis.push(reader.checked(resource.id, api(reader, resource, &routes))?);
    }
    if routes.iter().any(|(api, ..)| api == IMPLICIT) {
        let properties = reader.with_globals("Api", json!({ "StageName": "Prod" }));
        let properties = properties.as_object().cloned().unwrap_or_default();
        let implicit = Resource { id: IMPLICIT, kind: "AWS::Serverless::Api", properties };
        apis.push(reader.checked(IMPLICIT, api(reader, &implicit, &routes))?);
    }
    if let Some((name, route, _)) =
        routes.iter().find(|(name, ..)| !apis.iter().any(|api| &api.logical_id == name))
    {
        return reader
            .checked(&route.function, Err(format!("RestApiId names no API of this template: {name}")));
    }
    Ok(apis)
}

/// The route, the API that it belongs to, and the authorizer that its event names instead of the default.
type Routed = (String, Route, Option<String>);

fn function_routes(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Vec<Routed>, String> {
    let mut routes = Vec::new();
    let events = resource.properties.get("Events").and_then(Value::as_object);
    for (name, event) in events.into_iter().flatten() {
        if event.get("Type").and_then(Value::as_str) != Some("Api") {
            continue;
        }
        let word = |key: &str| -> Result<Option<String>, String> {
            let value = at(event, &["Properties", key]);
            value
                .map(|value| reader.string(value))
                .transpose()
                .map_err(|problem| format!("{name}.{key}: {problem}"))
        };
        let path = word("Path")?.ok_or_else(|| format!("the event {name} has no Path"))?;
        let method = word("Method")?.ok_or_else(|| format!("the event {name} has no Method"))?;
        if !path.starts_with('/') {
            return Err(format!("the Path of the event {name} does not start with /"));
        }
        let api = word("RestApiId")?.unwrap_or_else(|| IMPLICIT.to_owned());
        let own =
            at(event, &["Properties", "Auth", "Authorizer"]).map(|value| reader.string(value)).transpose()?;
        let route =
            Route { method: method.to_uppercase(), path, function: resource.id.to_owned(), authorizer: None };
        routes.push((api, route, own));
    }
    Ok(routes)
}

fn api(reader: &Reader<'_>, resource: &Resource<'_>, routes: &[Routed]) -> Result<Api, String> {
    let auth = reader.property(resource, "Auth")?.unwrap_or_default();
    let mut authorizers = BTreeMap::new();
    for (name, settings) in auth.get("Authorizers").and_then(Value::as_object).into_iter().flatten() {
        let authorizer = authorizer(settings).map_err(|problem| format!("authorizer {name}: {problem}"))?;
        authorizers.insert(name.clone(), authorizer);
    }
    let default = auth.get("DefaultAuthorizer").and_then(scalar_text);
    let mut own_routes = Vec::new();
    for (_, route, own) in routes.iter().filter(|(api, ..)| api == resource.id) {
        let authorizer = own.clone().or_else(|| default.clone()).filter(|name| name != "NONE");
        if let Some(name) = authorizer.as_ref().filter(|name| !authorizers.contains_key(*name)) {
            return Err(format!("{} {} names an unknown authorizer: {name}", route.method, route.path));
        }
        own_routes.push(Route { authorizer, ..route.clone() });
    }
    let mut responses = BTreeMap::new();
    let given = reader.property(resource, "GatewayResponses")?.unwrap_or_default();
    for (kind, settings) in given.as_object().into_iter().flatten() {
        responses.insert(
            kind.clone(),
            gateway_response(settings).map_err(|problem| format!("{kind}: {problem}"))?,
        );
    }
    let stage = reader.property(resource, "StageName")?.and_then(|stage| scalar_text(&stage));
    Ok(Api {
        logical_id: resource.id.to_owned(),
        stage: stage.ok_or("it has no StageName")?,
        routes: own_routes,
        authorizers,
        responses,
    })
}

fn authorizer(settings: &Value) -> Result<Authorizer, String> {
    let arn = settings.get("FunctionArn").and_then(scalar_text).ok_or("it has no FunctionArn")?;
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME, perhaps with a version or an alias behind it.
    let function = arn.split(':').nth(6).ok_or_else(|| format!("FunctionArn is no function's ARN: {arn}"))?;
    let identity = settings.get("Identity").cloned().unwrap_or_default();
    let ttl = match identity.get("ReauthorizeEvery").and_then(scalar_text) {
        Some(text) => text.parse().map_err(|_| format!("ReauthorizeEvery is not a whole number: {text}"))?,
        None => 300,
    };
    if ttl > 3600 {
        return Err("ReauthorizeEvery is more than 3600".to_owned());
    }
    let kind = match settings.get("FunctionPayloadType").and_then(Value::as_str).unwrap_or("TOKEN") {
        "TOKEN" => token(&identity)?,
        "REQUEST" => AuthorizerKind::Request(sources(&identity)),
        other => return Err(format!("FunctionPayloadType is neither TOKEN nor REQUEST: {other}")),
    };
    if ttl > 0 && matches!(&kind, AuthorizerKind::Request(sources) if sources.is_empty()) {
        return Err("a REQUEST authorizer without identity sources needs ReauthorizeEvery: 0".to_owned());
    }
    Ok(Authorizer { function: function.to_owned(), kind, ttl_seconds: ttl })
}

fn token(identity: &Value) -> Result<AuthorizerKind, String> {
    let header = identity.get("Header").and_then(scalar_text).unwrap_or_else(|| "Authorization".to_owned());
    let validation = match identity.get("ValidationExpression").and_then(scalar_text) {
        // API Gateway matches the whole token.
        Some(pattern) => Some(
            regex_lite::Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|_| format!("ValidationExpression is no regular expression: {pattern}"))?,
        ),
        None => None,
    };
    Ok(AuthorizerKind::Token { header, validation })
}

fn sources(identity: &Value) -> Vec<Identity> {
    let names = |key: &str| {
        let given = identity.get(key).and_then(Value::as_array).into_iter().flatten();
        given.filter_map(scalar_text).collect::<Vec<_>>()
    };
    let mut sources: Vec<Identity> = names("Headers").into_iter().map(Identity::Header).collect();
    sources.extend(names("QueryStrings").into_iter().map(Identity::Query));
    sources.extend(names("StageVariables").into_iter().map(Identity::StageVariable));
    sources.extend(names("Context").into_iter().map(Identity::Context));
    sources
}

fn gateway_response(settings: &Value) -> Result<GatewayResponse, String> {
    let status = match settings.get("StatusCode").and_then(scalar_text) {
        Some(text) => Some(text.parse().map_err(|_| format!("StatusCode is no status: {text}"))?),
        None => None,
    };
    if status.is_some_and(|status| !(200..600).contains(&status)) {
        return Err("StatusCode is no status".to_owned());
    }
    let mut headers = BTreeMap::new();
    let given = at(settings, &["ResponseParameters", "Headers"]).and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        headers.insert(
            name.clone(),
            scalar_text(value).ok_or_else(|| format!("the header {name} is no string"))?,
        );
    }
    let body = at(settings, &["ResponseTemplates", "application/json"]).and_then(scalar_text);
    Ok(GatewayResponse { status, headers, body })
}
