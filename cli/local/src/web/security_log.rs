//! The security log of the user who asks. No endpoint of the deployment shows it: operators read it in the table.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Response, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{json_answer, pass_on};
use crate::documents::Documents;

/// Who asks has to be who the API takes them for: this endpoint only answers a token that opens it.
const PROOF: &str = "/api/auth/sessions";
/// The newest entries; nobody reads more on a page.
const MOST: u32 = 50;
/// What of an entry is shown.
const SHOWN: [&str; 5] = ["event", "at", "ip", "userAgent", "sessionId"];

#[derive(Debug)]
pub(super) struct SecurityLog {
    api: Router,
    documents: Documents,
    table: String,
}

impl SecurityLog {
    pub(super) fn new(api: Router, documents: Documents, table: String) -> SecurityLog {
        SecurityLog { api, documents, table }
    }

    /// The log, or what the API says of the token.
    pub(super) async fn answer(&self, peer: SocketAddr, headers: &HeaderMap) -> Response<Body> {
        let mut proof = Request::new(Body::empty());
        *proof.uri_mut() = axum::http::Uri::from_static(PROOF);
        *proof.headers_mut() = headers.clone();
        proof.extensions_mut().insert(ConnectInfo(peer));
        let answer = pass_on(&self.api, proof).await;
        if answer.status() != StatusCode::OK {
            return answer;
        }
        // The API has verified the token just now; what is left to do is to read whose it is.
        let entries = match subject(headers) {
            Some(user) => self.entries(&user).await,
            None => None,
        };
        match entries {
            Some(entries) => {
                json_answer(StatusCode::OK, &json!({ "success": true, "data": { "events": entries } }))
            }
            None => json_answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({ "success": false, "code": "INTERNAL_ERROR", "message": "The log can't be read" }),
            ),
        }
    }

    async fn entries(&self, user: &str) -> Option<Vec<Value>> {
        let answer = self
            .documents
            .query(&json!({
                "TableName": self.table,
                "KeyConditionExpression": "pk = :log AND begins_with(sk, :event)",
                "ExpressionAttributeValues": {
                    ":log": { "S": format!("EVENT#{user}") },
                    ":event": { "S": "EVENT#" },
                },
                "ScanIndexForward": false,
                "Limit": MOST,
            }))
            .await
            .ok()?;
        let items = answer.get("Items")?.as_array()?.iter();
        Some(items.map(shown).collect())
    }
}

/// The texts of an entry, without what DynamoDB wraps around them.
fn shown(item: &Value) -> Value {
    let text = |name: &str| Some((name.to_owned(), item.get(name)?.get("S")?.clone()));
    SHOWN.into_iter().filter_map(text).collect::<Map<_, _>>().into()
}

/// `sub` of the bearer token.
fn subject(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let claims = value.trim().rsplit(' ').next()?.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}
