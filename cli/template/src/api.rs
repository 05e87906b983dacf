//! `AWS::Serverless::Api`, the events of functions that make its routes, and what the other kinds of APIs share with it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resource::{Reader, Resource, at};
use super::scalar::scalar_text;
use super::{AWS_IAM, Api, ApiKind, Authorizer, AuthorizerKind, GatewayResponse, Identity, Payload, Route};

/// The API that SAM makes for events that name none.
pub(super) const IMPLICIT: &str = "ServerlessRestApi";

/// The route, the API that it belongs to, and the authorizer that its event names instead of the default.
pub(super) type Routed = (String, Route, Option<String>);

pub(super) fn function_routes(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Vec<Routed>, String> {
    let mut routes = Vec::new();
    for event in events(reader, resource, "Api") {
        let (name, path, method) = (event.name, event.word("Path")?, event.word("Method")?);
        let path = path.ok_or_else(|| format!("the event {name} has no Path"))?;
        let method = method.ok_or_else(|| format!("the event {name} has no Method"))?;
        let api = event.word("RestApiId")?.unwrap_or_else(|| IMPLICIT.to_owned());
        let route = event.route(resource.id, &method, path, Payload::One)?;
        routes.push((api, route, event.authorizer()?));
    }
    Ok(routes)
}

/// An event of a function that makes a route.
pub(super) struct Event<'r> {
    reader: &'r Reader<'r>,
    pub(super) name: &'r str,
    value: &'r Value,
}

/// The events of a function of one `Type`.
pub(super) fn events<'r>(
    reader: &'r Reader<'_>,
    resource: &'r Resource<'_>,
    kind: &'r str,
) -> impl Iterator<Item = Event<'r>> {
    let events = resource.properties.get("Events").and_then(Value::as_object).into_iter().flatten();
    events
        .filter(move |(_, event)| event.get("Type").and_then(Value::as_str) == Some(kind))
        .map(|(name, value)| Event { reader, name, value })
}

impl Event<'_> {
    /// A property; the error names the event.
    pub(super) fn word(&self, key: &str) -> Result<Option<String>, String> {
        let value = at(self.value, &["Properties", key]);
        let word = value.map(|value| self.reader.string(value)).transpose();
        word.map_err(|problem| format!("{}.{key}: {problem}", self.name))
    }

    pub(super) fn authorizer(&self) -> Result<Option<String>, String> {
        let own = at(self.value, &["Properties", "Auth", "Authorizer"]);
        own.map(|value| self.reader.string(value)).transpose()
    }

    /// The scopes that the event names instead of its authorizer's.
    pub(super) fn scopes(&self) -> Result<Option<Vec<String>>, String> {
        let own = at(self.value, &["Properties", "Auth", "AuthorizationScopes"]).and_then(Value::as_array);
        own.map(|own| own.iter().map(|scope| self.reader.string(scope)).collect()).transpose()
    }

    pub(super) fn route(
        &self,
        function: &str,
        method: &str,
        path: String,
        payload: Payload,
    ) -> Result<Route, String> {
        if !path.starts_with('/') {
            return Err(format!("the Path of the event {} does not start with /", self.name));
        }
        Ok(Route {
            method: method.to_uppercase(),
            path,
            function: function.to_owned(),
            authorizer: None,
            scopes: Vec::new(),
            payload,
            responds: false,
        })
    }
}

/// The routes of one API, each with the authorizer that it has in the end.
pub(super) fn own_routes(
    id: &str,
    routes: &[Routed],
    default: Option<&String>,
    is_known: impl Fn(&str) -> bool,
) -> Result<Vec<Route>, String> {
    let mut own_routes = Vec::new();
    for (_, route, own) in routes.iter().filter(|(api, ..)| api == id) {
        let authorizer = own.as_ref().or(default).filter(|name| *name != "NONE").cloned();
        if let Some(name) = authorizer.as_ref().filter(|name| !is_known(name)) {
            return Err(format!("{} {} names an unknown authorizer: {name}", route.method, route.path));
        }
        own_routes.push(Route { authorizer, ..route.clone() });
    }
    Ok(own_routes)
}

/// The authorizers of an API's `Auth`, as they are written.
pub(super) fn named_authorizers(auth: &Value) -> impl Iterator<Item = (&String, &Value)> {
    auth.get("Authorizers").and_then(Value::as_object).into_iter().flatten()
}

/// The Lambda authorizers of an API's `Auth`, each read as its kind of API has them.
pub(super) fn authorizers(
    auth: &Value,
    read: impl Fn(&Value) -> Result<Authorizer, String>,
) -> Result<BTreeMap<String, Authorizer>, String> {
    let mut authorizers = BTreeMap::new();
    for (name, settings) in named_authorizers(auth) {
        let authorizer = read(settings).map_err(|problem| format!("authorizer {name}: {problem}"))?;
        authorizers.insert(name.clone(), authorizer);
    }
    Ok(authorizers)
}

pub(super) fn api(reader: &Reader<'_>, resource: &Resource<'_>, routes: &[Routed]) -> Result<Api, String> {
    let auth = reader.property(resource, "Auth")?.unwrap_or_default();
    let authorizers = authorizers(&auth, authorizer)?;
    let default = auth.get("DefaultAuthorizer").and_then(scalar_text);
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
        kind: ApiKind::Rest,
        stage: stage.ok_or("it has no StageName")?,
        routes: own_routes(resource.id, routes, default.as_ref(), |name| {
            name == AWS_IAM || authorizers.contains_key(name)
        })?,
        authorizers,
        jwt_authorizers: BTreeMap::new(),
        responses,
    })
}

fn authorizer(settings: &Value) -> Result<Authorizer, String> {
    let function = function(settings)?;
    let identity = settings.get("Identity").cloned().unwrap_or_default();
    let kind = match settings.get("FunctionPayloadType").and_then(Value::as_str).unwrap_or("TOKEN") {
        "TOKEN" => token(&identity)?,
        "REQUEST" => AuthorizerKind::Request(sources(&identity)),
        other => return Err(format!("FunctionPayloadType is neither TOKEN nor REQUEST: {other}")),
    };
    let ttl_seconds = ttl(&identity)?.unwrap_or(300);
    if ttl_seconds > 0 && matches!(&kind, AuthorizerKind::Request(sources) if sources.is_empty()) {
        return Err("a REQUEST authorizer without identity sources needs ReauthorizeEvery: 0".to_owned());
    }
    Ok(Authorizer { function, kind, ttl_seconds, payload: Payload::One, simple: false })
}

/// The logical id in `FunctionArn`.
pub(super) fn function(settings: &Value) -> Result<String, String> {
    let arn = settings.get("FunctionArn").and_then(scalar_text).ok_or("it has no FunctionArn")?;
    function_of(&arn).ok_or_else(|| format!("FunctionArn is not a function's ARN: {arn}"))
}

/// The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, perhaps with a version or an alias behind it.
pub(super) fn function_of(arn: &str) -> Option<String> {
    arn.starts_with("arn:").then(|| arn.split(':').nth(6).map(str::to_owned))?
}

/// `ReauthorizeEvery`: seconds, at most an hour.
pub(super) fn ttl(identity: &Value) -> Result<Option<u64>, String> {
    let Some(text) = identity.get("ReauthorizeEvery").and_then(scalar_text) else { return Ok(None) };
    let ttl = text.parse().map_err(|_| format!("ReauthorizeEvery is not a whole number: {text}"))?;
    if ttl > 3600 {
        return Err("ReauthorizeEvery is more than 3600".to_owned());
    }
    Ok(Some(ttl))
}

fn token(identity: &Value) -> Result<AuthorizerKind, String> {
    let header = identity.get("Header").and_then(scalar_text).unwrap_or_else(|| "Authorization".to_owned());
    let pattern = identity.get("ValidationExpression").and_then(scalar_text);
    Ok(AuthorizerKind::Token { header, validation: validation(pattern, "ValidationExpression")? })
}

/// What a token has to look like; `name` is what the template calls it.
pub(super) fn validation(pattern: Option<String>, name: &str) -> Result<Option<regex_lite::Regex>, String> {
    let Some(pattern) = pattern else { return Ok(None) };
    // API Gateway matches the whole token.
    let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"));
    whole.map(Some).map_err(|_| format!("{name} is not a regular expression: {pattern}"))
}

pub(super) fn sources(identity: &Value) -> Vec<Identity> {
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

pub(super) fn gateway_response(settings: &Value) -> Result<GatewayResponse, String> {
    let status = match settings.get("StatusCode").and_then(scalar_text) {
        Some(text) => Some(text.parse().map_err(|_| format!("StatusCode is not a status: {text}"))?),
        None => None,
    };
    if status.is_some_and(|status| !(200..600).contains(&status)) {
        return Err("StatusCode is not a status".to_owned());
    }
    let mut headers = BTreeMap::new();
    let given = at(settings, &["ResponseParameters", "Headers"]).and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        headers.insert(
            name.clone(),
            scalar_text(value).ok_or_else(|| format!("the header {name} is not a string"))?,
        );
    }
    let body = at(settings, &["ResponseTemplates", "application/json"]).and_then(scalar_text);
    Ok(GatewayResponse { status, headers, body })
}

/// `method.request.header.NAME`, `method.request.querystring.NAME`, `stageVariables.NAME` or `context.NAME`.
pub(super) fn identity(source: &str) -> Option<Identity> {
    let of = |prefix: &str| source.strip_prefix(prefix).filter(|name| !name.is_empty()).map(str::to_owned);
    of("method.request.header.")
        .map(Identity::Header)
        .or_else(|| of("method.request.querystring.").map(Identity::Query))
        .or_else(|| of("stageVariables.").map(Identity::StageVariable))
        .or_else(|| of("context.").map(Identity::Context))
}
