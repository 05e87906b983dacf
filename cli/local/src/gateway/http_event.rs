//! The events that an HTTP API sends, in both payload formats: to the function behind a route, and to an authorizer.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::event::{all, insert, last, or_null, request_time};
use nova_template::{ACCOUNT, Api, Route};

/// A call and the route that it matched.
pub(super) struct HttpTarget<'a> {
    pub(super) api: &'a Api,
    pub(super) call: &'a Call,
    pub(super) route: &'a Route,
    /// Still percent-encoded.
    pub(super) parameters: &'a BTreeMap<String, String>,
}

impl HttpTarget<'_> {
    /// The event of a function, payload 1.0.
    pub(super) fn proxy_one(&self, body: &[u8], authorizer: Option<&Value>) -> Value {
        let mut event = self.one();
        let mut context = self.context_one();
        if let (Some(authorizer), Some(context)) = (authorizer, context.as_object_mut()) {
            context.insert("authorizer".to_owned(), authorizer.clone());
        }
        let (body, is_encoded) = self.body(body);
        insert(
            &mut event,
            json!({
                "multiValueHeaders": all(&self.call.headers),
                "multiValueQueryStringParameters": or_null(all(&self.call.query)),
                "queryStringParameters": or_null(last(&self.call.query)),
                "pathParameters": or_null(self.decoded()),
                "stageVariables": null,
                "requestContext": context,
                "body": body,
                "isBase64Encoded": is_encoded,
            }),
        );
        event
    }

    /// The event of a function, payload 2.0: what a request does not have is left out.
    pub(super) fn proxy_two(&self, body: &[u8], authorizer: Option<&Value>) -> Value {
        let mut event = self.two();
        let (body, is_encoded) = self.body(body);
        insert(&mut event, json!({ "isBase64Encoded": is_encoded }));
        if body.is_string() {
            insert(&mut event, json!({ "body": body }));
        }
        if let (Some(authorizer), Some(context)) = (authorizer, event.get_mut("requestContext")) {
            insert(context, json!({ "authorizer": authorizer }));
        }
        event
    }

    /// The event of an authorizer, payload 1.0.
    pub(super) fn request_one(&self, arn: &str, identity: &[String]) -> Value {
        let mut event = self.one();
        insert(
            &mut event,
            json!({
                "type": "REQUEST",
                "methodArn": arn,
                "identitySource": identity.join(","),
                "authorizationToken": identity.join(","),
                "queryStringParameters": last(&self.call.query),
                "pathParameters": self.decoded(),
                "stageVariables": {},
                "requestContext": self.context_one(),
            }),
        );
        event
    }

    /// The event of an authorizer, payload 2.0.
    pub(super) fn request_two(&self, arn: &str, identity: &[String]) -> Value {
        let mut event = self.two();
        insert(
            &mut event,
            json!({
                "type": "REQUEST",
                "routeArn": arn,
                "identitySource": if identity.is_empty() { Value::Null } else { json!(identity) },
            }),
        );
        event
    }

    /// What the identity sources `$context.…` are looked up in.
    pub(super) fn context(&self) -> Value {
        let mut context = self.context_one();
        insert(&mut context, json!({ "routeKey": self.route_key() }));
        context
    }

    /// `GET /notes/{id}`, or `$default`.
    fn route_key(&self) -> String {
        match self.route.path.as_str() {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", self.route.method),
        }
    }

    /// The path with the stage in front, unless no path names the stage.
    fn path(&self) -> String {
        match self.api.stage.as_str() {
            "$default" => self.call.path.clone(),
            stage => format!("/{stage}{}", self.call.path),
        }
    }

    fn one(&self) -> Value {
        json!({
            "version": "1.0",
            "resource": self.route.path,
            "path": self.path(),
            "httpMethod": self.call.method,
            "headers": last(&self.call.headers),
        })
    }

    fn context_one(&self) -> Value {
        let (api, call) = (self.api, self.call);
        let (domain, prefix) = self.domain();
        json!({
            "accountId": ACCOUNT,
            "apiId": api.logical_id,
            "domainName": domain,
            "domainPrefix": prefix,
            "extendedRequestId": call.extended_id,
            "httpMethod": call.method,
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAmr": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": call.source_ip,
                "user": null,
                "userAgent": call.header("user-agent"),
                "userArn": null,
            },
            "path": self.path(),
            "protocol": "HTTP/1.1",
            "requestId": call.extended_id,
            "requestTime": request_time(call.now_ms),
            "requestTimeEpoch": call.now_ms,
            "resourceId": self.route_key(),
            "resourcePath": self.route.path,
            "stage": api.stage,
        })
    }

    fn http(&self) -> Value {
        let call = self.call;
        json!({
            "method": call.method,
            "path": self.path(),
            "protocol": "HTTP/1.1",
            "sourceIp": call.source_ip,
            "userAgent": call.header("user-agent").unwrap_or_default(),
        })
    }

    fn two(&self) -> Value {
        let call = self.call;
        let (domain, prefix) = self.domain();
        let route_key = self.route_key();
        let mut event = json!({
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": self.path(),
            "rawQueryString": call.raw_query,
            "headers": joined(call.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("cookie"))),
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": self.api.logical_id,
                "domainName": domain,
                "domainPrefix": prefix,
                "http": self.http(),
                "requestId": call.extended_id,
                "routeKey": route_key,
                "stage": self.api.stage,
                "time": request_time(call.now_ms),
                "timeEpoch": call.now_ms,
            },
        });
        let cookies: Vec<String> = cookies(call);
        if !cookies.is_empty() {
            insert(&mut event, json!({ "cookies": cookies }));
        }
        if !call.query.is_empty() {
            insert(&mut event, json!({ "queryStringParameters": joined_query(&call.query) }));
        }
        if !self.parameters.is_empty() {
            insert(&mut event, json!({ "pathParameters": self.decoded() }));
        }
        event
    }

    fn domain(&self) -> (String, String) {
        let host = self.call.header("host").unwrap_or_default();
        let domain = host.rsplit_once(':').map_or(host, |(name, _)| name);
        (domain.to_owned(), domain.split('.').next().unwrap_or_default().to_owned())
    }

    fn decoded(&self) -> Value {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        self.parameters
            .iter()
            .map(|(name, value)| (name.clone(), json!(decode(value))))
            .collect::<Map<_, _>>()
            .into()
    }

    /// The body, and whether it is in Base64: only text of known types is sent as text.
    fn body(&self, body: &[u8]) -> (Value, bool) {
        if body.is_empty() {
            return (Value::Null, false);
        }
        let kind = self.call.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
        let is_text = kind.starts_with("text/")
            || ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str());
        match std::str::from_utf8(body) {
            Ok(text) if is_text => (json!(text), false),
            _ => (json!(STANDARD.encode(body)), true),
        }
    }
}

/// The cookies of a request, one by one.
fn cookies(call: &Call) -> Vec<String> {
    let headers = call.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let cookies = headers.flat_map(|(_, value)| value.split(';').map(str::trim));
    cookies.filter(|cookie| !cookie.is_empty()).map(str::to_owned).collect()
}

/// Names in lower case; several values of one, joined.
fn joined<'p>(pairs: impl Iterator<Item = &'p (String, String)>) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        join(&mut map, name.to_ascii_lowercase(), value);
    }
    map.into()
}

fn joined_query(pairs: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        join(&mut map, name.clone(), value);
    }
    map.into()
}

fn join(map: &mut Map<String, Value>, name: String, value: &str) {
    match map.get_mut(&name) {
        Some(Value::String(held)) => {
            held.push(',');
            held.push_str(value);
        }
        _ => drop(map.insert(name, json!(value))),
    }
}

#[cfg(test)]
#[path = "http_event_tests.rs"]
mod tests;
