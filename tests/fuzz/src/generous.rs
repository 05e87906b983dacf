//! Storage that has everything that is asked for, in its most permissive form, and takes nothing.

use std::sync::Arc;

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use nova_auth_domain::rules::{Access, Caching, Route, Rule, Rules};
use serde_json::{Map, Value, json};

use crate::{REFRESH_SECRET, now};

/// DynamoDB and Secrets Manager in one, with these keys for access tokens.
pub(crate) fn client(keys: &str) -> SharedHttpClient {
    SharedHttpClient::new(Generous { keys: keys.into(), rules: rules().into() })
}

/// The secret of the refresh tokens: one key, and not one of the access tokens.
const REFRESH_KEYS: &str = r#"{"kty": "oct", "alg": "HS256", "kid": "refresh", "k": "l3Ji0Gf7Dc4Az1Xw8Ut5Rq2On9Lk6Ih3Fe0Cb7Zy4Wv1Ts8Qp5Nm2Kj9Hg6Ed3Ba"}"#;

#[derive(Debug, Clone)]
struct Generous {
    keys: Arc<str>,
    rules: Arc<str>,
}

/// Everything, for every active user; nothing is public.
fn rules() -> String {
    let rule = |route: &str| Rule { line: 1, route: Route::parse(route).unwrap(), access: Access::default() };
    let all = ["ANY /*", "CONNECT $connect", "CONNECT $events", "SUBSCRIBE /*", "PUBLISH /*"];
    let rules = all.map(rule).into();
    serde_json::to_string(&Rules { rules, caching: Caching::Allowed }).unwrap()
}

impl Generous {
    /// `None`: a write, which is refused, so that whatever gets so far is told from what does not.
    fn answer(&self, request: &HttpRequest) -> Option<Value> {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        Some(match target.rsplit('.').next().unwrap_or_default() {
            "GetSecretValue" => {
                let keys = if body["SecretId"] == REFRESH_SECRET { REFRESH_KEYS } else { &*self.keys };
                json!({ "Name": body["SecretId"], "SecretString": keys })
            }
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object().unwrap();
                let found: Map<String, Value> = tables
                    .iter()
                    .map(|(table, wanted)| {
                        let keys = wanted["Keys"].as_array().unwrap();
                        (table.clone(), keys.iter().filter_map(|key| self.item(key)).collect())
                    })
                    .collect();
                json!({ "Responses": found })
            }
            "GetItem" => json!({ "Item": self.item(&body["Key"]) }),
            _ => return None,
        })
    }

    fn item(&self, key: &Value) -> Option<Value> {
        let (pk, sk) = (key["pk"]["S"].as_str().unwrap(), key["sk"]["S"].as_str().unwrap());
        let user = pk.strip_prefix("USER#").unwrap_or_default();
        let mut item = match sk {
            "PROFILE" => json!({
                "userId": {"S": user}, "email": {"S": "amal@example.com"}, "name": {"S": "Amal"},
                "role": {"S": "admin"}, "status": {"S": "active"}, "epoch": {"N": "1"},
                "createdAt": {"S": "2026-01-01T00:00:00Z"}, "passwordChangedAt": {"S": "2026-01-01T00:00:00Z"},
            }),
            "RULES" => json!({
                "rules": {"S": *self.rules}, "source": {"S": ""}, "storedAt": {"S": "2026-01-01T00:00:00Z"},
            }),
            _ if !sk.starts_with("SESSION#") => return None,
            _ => {
                let later = (now().as_millisecond() + 86_400_000).to_string();
                // SHA-256 of something, base64url.
                let hash = "A".repeat(43);
                json!({
                    "userId": {"S": user}, "sessionId": {"S": sk.strip_prefix("SESSION#").unwrap()},
                    "state": {"S": "active"}, "epoch": {"N": "1"}, "delivery": {"S": "body"},
                    "generation": {"N": "1"}, "current": {"S": hash}, "rotatedAt": {"N": "1"},
                    "rotationKid": {"S": "a"}, "idleEnd": {"N": later}, "rotationRequest": {"S": "r"},
                    "device": {"M": {"userAgent": {"S": "x"}, "ip": {"S": "192.0.2.1"}}},
                    "createdAt": {"N": "1"}, "absoluteEnd": {"N": later},
                })
            }
        };
        let members = item.as_object_mut().unwrap();
        members.insert("pk".to_owned(), key["pk"].clone());
        members.insert("sk".to_owned(), key["sk"].clone());
        Some(item)
    }
}

impl HttpClient for Generous {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Generous {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Not one of the errors that the SDK repeats.
        let refused =
            || (400_u16, json!({ "__type": "ValidationException", "message": "nothing is written here" }));
        let (status, body) = self.answer(&request).map_or_else(refused, |body| (200, body));
        let body = SdkBody::from(body.to_string().into_bytes());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}
