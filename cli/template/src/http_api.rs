//! `AWS::Serverless::HttpApi`, and the events of functions that make its routes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::api::{Routed, events, function, named_authorizers, own_routes, sources, ttl};
use super::resource::{Reader, Resource};
use super::scalar::scalar_text;
use super::{
    Api, ApiKind, Authorizer, AuthorizerKind, Cors, Identity, JwtAuthorizer, JwtIssuer, Payload, Route,
};

/// The API that SAM makes for events that name none.
pub(super) const IMPLICIT: &str = "ServerlessHttpApi";
/// The stage that no path names, and the route that takes what no other does.
const DEFAULT: &str = "$default";

pub(super) fn function_routes(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Vec<Routed>, String> {
    let mut routes = Vec::new();
    for event in events(reader, resource, "HttpApi") {
        let payload = payload(event.word("PayloadFormatVersion")?.as_deref().unwrap_or("2.0"))?;
        let route = match (event.word("Path")?, event.word("Method")?) {
            (Some(path), Some(method)) => {
                // SAM knows the method of every kind of event as `any` or `x-amazon-apigateway-any-method`.
                let method = if method.eq_ignore_ascii_case("x-amazon-apigateway-any-method") {
                    "ANY"
                } else {
                    &method
                };
                event.route(resource.id, method, path, payload)?
            }
            (None, None) => Route {
                method: "ANY".to_owned(),
                path: DEFAULT.to_owned(),
                function: resource.id.to_owned(),
                authorizer: None,
                scopes: Vec::new(),
                payload,
                responds: false,
            },
            _ => return Err(format!("the event {} has only one of Path and Method", event.name)),
        };
        let route = Route { scopes: event.scopes()?.unwrap_or_default(), ..route };
        let api = event.word("ApiId")?.unwrap_or_else(|| IMPLICIT.to_owned());
        routes.push((api, route, event.authorizer()?));
    }
    Ok(routes)
}

pub(super) fn api(reader: &Reader<'_>, resource: &Resource<'_>, routes: &[Routed]) -> Result<Api, String> {
    let auth = reader.property(resource, "Auth")?.unwrap_or_default();
    let (mut authorizers, mut jwt_authorizers) = (BTreeMap::new(), BTreeMap::new());
    for (name, settings) in named_authorizers(&auth) {
        let problem = |problem| format!("authorizer {name}: {problem}");
        if let Some(jwt) = settings.get("JwtConfiguration") {
            jwt_authorizers.insert(name.clone(), jwt_authorizer(settings, jwt).map_err(problem)?);
        } else {
            authorizers.insert(name.clone(), authorizer(settings).map_err(problem)?);
        }
    }
    let default = auth.get("DefaultAuthorizer").and_then(scalar_text);
    let is_known = |name: &str| authorizers.contains_key(name) || jwt_authorizers.contains_key(name);
    let mut routes = own_routes(resource.id, routes, default.as_ref(), is_known)?;
    for route in &mut routes {
        let jwt = route.authorizer.as_ref().and_then(|name| jwt_authorizers.get(name));
        if let Some(jwt) = jwt.filter(|_| route.scopes.is_empty()) {
            route.scopes.clone_from(&jwt.scopes);
        }
    }
    Ok(Api {
        logical_id: resource.id.to_owned(),
        kind: ApiKind::Http { cors: cors(reader.property(resource, "CorsConfiguration")?)? },
        stage: reader.text(resource, "StageName")?.unwrap_or_else(|| DEFAULT.to_owned()),
        routes,
        authorizers,
        jwt_authorizers,
        responses: BTreeMap::new(),
    })
}

/// A JWT authorizer. SAM takes the names within its configuration in capitals, too.
pub(super) fn jwt_authorizer(settings: &Value, configuration: &Value) -> Result<JwtAuthorizer, String> {
    let given = |names: [&str; 2]| names.into_iter().find_map(|name| configuration.get(name));
    let list = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_array).into_iter().flatten().filter_map(scalar_text).collect()
    };
    let source = settings.get("IdentitySource").and_then(scalar_text).ok_or("it has no IdentitySource")?;
    let issuer = given(["issuer", "Issuer"]).and_then(scalar_text).filter(|issuer| !issuer.is_empty());
    let audience = list(given(["audience", "Audience"]));
    if audience.is_empty() {
        return Err("its JwtConfiguration has no audience".to_owned());
    }
    Ok(JwtAuthorizer {
        source: jwt_source(&source).ok_or_else(|| {
            format!("IdentitySource is neither a header nor a parameter of the query: {source}")
        })?,
        issuers: vec![JwtIssuer {
            name: issuer.ok_or("its JwtConfiguration has no issuer")?,
            audience,
            claims: Vec::new(),
        }],
        // AWS takes RSA-based algorithms without saying which: this one all of its examples have.
        algorithms: vec!["RS256".to_owned()],
        scopes: list(settings.get("AuthorizationScopes")),
    })
}

/// Where a JWT authorizer may find a token.
fn jwt_source(text: &str) -> Option<Identity> {
    identity_source(text).filter(|source| matches!(source, Identity::Header(_) | Identity::Query(_)))
}

/// `$request.header.NAME`, `$request.querystring.NAME`, `$stageVariables.NAME` or `$context.NAME`.
pub(super) fn identity_source(text: &str) -> Option<Identity> {
    let of = |prefix: &str| text.strip_prefix(prefix).filter(|name| !name.is_empty()).map(str::to_owned);
    of("$request.header.")
        .map(Identity::Header)
        .or_else(|| of("$request.querystring.").map(Identity::Query))
        .or_else(|| of("$stageVariables.").map(Identity::StageVariable))
        .or_else(|| of("$context.").map(Identity::Context))
}

/// A Lambda authorizer.
fn authorizer(settings: &Value) -> Result<Authorizer, String> {
    let version = settings.get("AuthorizerPayloadFormatVersion").and_then(scalar_text);
    let payload = payload(&version.ok_or("it has no AuthorizerPayloadFormatVersion")?)?;
    let flag = |name: &str| settings.get(name).and_then(scalar_text).is_some_and(|on| on == "true");
    let simple = flag("EnableSimpleResponses");
    if simple && payload == Payload::One {
        return Err("EnableSimpleResponses needs AuthorizerPayloadFormatVersion 2.0".to_owned());
    }
    let identity = settings.get("Identity").cloned().unwrap_or_default();
    let sources = sources(&identity);
    // Results are kept for 300 seconds where the template does not say, but never without something to tell them apart.
    let ttl_seconds = ttl(&identity)?.unwrap_or(if sources.is_empty() { 0 } else { 300 });
    if ttl_seconds > 0 && sources.is_empty() {
        return Err("an authorizer without identity sources needs ReauthorizeEvery: 0".to_owned());
    }
    // SAM adds neither: without one of the two, API Gateway may not call the function at all.
    if settings.get("FunctionInvokeRole").is_none() && !flag("EnableFunctionDefaultPermissions") {
        return Err(
            "it has neither FunctionInvokeRole nor EnableFunctionDefaultPermissions: it could not be called"
                .to_owned(),
        );
    }
    let kind = AuthorizerKind::Request(sources);
    Ok(Authorizer { function: function(settings)?, kind, ttl_seconds, payload, simple })
}

pub(super) fn payload(version: &str) -> Result<Payload, String> {
    match version {
        // A number in YAML.
        "1.0" | "1" => Ok(Payload::One),
        "2.0" | "2" => Ok(Payload::Two),
        other => Err(format!("the payload format version is neither 1.0 nor 2.0: {other}")),
    }
}

pub(super) fn cors(given: Option<Value>) -> Result<Option<Cors>, String> {
    let given = match given {
        None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
        Some(Value::Bool(true)) => {
            return Ok(Some(Cors { allow_origins: vec!["*".to_owned()], ..Cors::default() }));
        }
        Some(Value::Object(given)) => given,
        Some(other) => return Err(format!("CorsConfiguration can't be {other}")),
    };
    let list = |name: &str| -> Vec<String> {
        let items = given.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(scalar_text).collect()
    };
    let max_age = match given.get("MaxAge").and_then(scalar_text) {
        Some(text) => Some(text.parse().map_err(|_| format!("MaxAge is not a whole number: {text}"))?),
        None => None,
    };
    let cors = Cors {
        allow_origins: list("AllowOrigins"),
        allow_methods: list("AllowMethods"),
        allow_headers: list("AllowHeaders"),
        expose_headers: list("ExposeHeaders"),
        allow_credentials: given.get("AllowCredentials").and_then(scalar_text).is_some_and(|on| on == "true"),
        max_age,
    };
    // API Gateway refuses it, since browsers would.
    if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == "*") {
        return Err("AllowCredentials needs origins other than *".to_owned());
    }
    Ok(Some(cors))
}

#[cfg(test)]
#[path = "http_api_tests.rs"]
mod tests;
