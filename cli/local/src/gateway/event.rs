//! The events that a REST API sends: to the function behind a route (payload 1.0), and to an authorizer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::Call;
use nova_template::{ACCOUNT, Api};

/// A call and the resource that it matched.
pub(super) struct Target<'a> {
    pub(super) api: &'a Api,
    pub(super) call: &'a Call,
    /// The resource's path; `None` where no resource matched.
    pub(super) resource: Option<&'a str>,
    pub(super) parameters: &'a BTreeMap<String, String>,
}

impl Target<'_> {
    /// The event of a proxy integration. `authorizer` is what the authorizer added, on routes that have one.
    ///
    /// A REST API without binary media types takes every body for text: bytes that are not UTF-8 are replaced,
    /// and `isBase64Encoded` is never true.
    pub(super) fn proxy(&self, body: &[u8], authorizer: Option<&Value>) -> Value {
        let mut context = self.context();
        if let (Some(authorizer), Some(context)) = (authorizer, context.as_object_mut()) {
            context.insert("authorizer".to_owned(), authorizer.clone());
        }
        let body = (!body.is_empty()).then(|| String::from_utf8_lossy(body));
        json!({
            "resource": self.resource,
            "path": self.call.path,
            "httpMethod": self.call.method,
            "headers": last(&self.call.headers),
            "multiValueHeaders": all(&self.call.headers),
            "queryStringParameters": or_null(last(&self.call.query)),
            "multiValueQueryStringParameters": or_null(all(&self.call.query)),
            "pathParameters": or_null(json!(self.parameters)),
            "stageVariables": null,
            "requestContext": context,
            "body": body,
            "isBase64Encoded": false,
        })
    }

    /// The event of a `TOKEN` authorizer.
    pub(super) fn token(&self, method_arn: &str, token: &str) -> Value {
        json!({ "type": "TOKEN", "methodArn": method_arn, "authorizationToken": token })
    }

    /// The event of a `REQUEST` authorizer, which has empty maps where the function's has null.
    pub(super) fn request(&self, method_arn: &str) -> Value {
        json!({
            "type": "REQUEST",
            "methodArn": method_arn,
            "resource": self.resource,
            "path": self.call.path,
            "httpMethod": self.call.method,
            "headers": last(&self.call.headers),
            "multiValueHeaders": all(&self.call.headers),
            "queryStringParameters": last(&self.call.query),
            "multiValueQueryStringParameters": all(&self.call.query),
            "pathParameters": self.parameters,
            "stageVariables": {},
            "requestContext": self.context(),
        })
    }

    /// `requestContext`, which is also `$context` of gateway responses.
    pub(super) fn context(&self) -> Value {
        let (api, call) = (self.api, self.call);
        let host = call.header("host").unwrap_or_default();
        let domain = host.rsplit_once(':').map_or(host, |(name, _)| name);
        json!({
            "accountId": ACCOUNT,
            "apiId": api.logical_id,
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "extendedRequestId": call.extended_id,
            "httpMethod": call.method,
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
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
            "path": format!("/{}{}", api.stage, call.path),
            "protocol": "HTTP/1.1",
            "requestId": call.request_id,
            "requestTime": request_time(call.now_ms),
            "requestTimeEpoch": call.now_ms,
            "resourceId": self.resource.map(resource_id),
            "resourcePath": self.resource,
            "stage": api.stage,
        })
    }
}

/// An id of six characters that is the same at every start.
fn resource_id(path: &str) -> String {
    let hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}").chars().take(6).collect()
}

pub(super) fn request_time(now_ms: u64) -> String {
    let time = i64::try_from(now_ms).ok().and_then(|now| Timestamp::from_millisecond(now).ok());
    time.unwrap_or_default().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

pub(super) fn last(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}

pub(super) fn all(pairs: &[(String, String)]) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        if let Value::Array(values) = map.entry(name.clone()).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    Value::Object(map)
}

pub(super) fn or_null(map: Value) -> Value {
    if map.as_object().is_some_and(Map::is_empty) { Value::Null } else { map }
}

/// Adds fields to an event.
pub(super) fn insert(event: &mut Value, fields: Value) {
    if let (Value::Object(event), Value::Object(fields)) = (event, fields) {
        event.extend(fields);
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
