//! The events that a WebSocket API sends: to its authorizer, and to the functions behind its routes.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::Call;
use super::event::{all, insert, last, or_null, request_time};
use crate::random;

/// A connection, and the request that it began with.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) api: String,
    pub(super) stage: String,
    pub(super) id: String,
    pub(super) call: Call,
    /// What the authorizer said when the connection was made: it stays with it.
    pub(super) authorizer: Option<Value>,
}

/// A message of a client.
#[derive(Debug)]
pub(super) enum Message {
    Text(String),
    Binary(Vec<u8>),
}

impl Connection {
    /// An id of the form that AWS gives.
    pub(super) fn new_id() -> String {
        STANDARD.encode(random::bytes::<11>().unwrap_or_default())
    }

    /// The event of the `REQUEST` authorizer, which has empty maps where the function's has null.
    pub(super) fn authorize(&self, arn: &str) -> Value {
        json!({
            "type": "REQUEST",
            "methodArn": arn,
            "headers": last(&self.call.headers),
            "multiValueHeaders": all(&self.call.headers),
            "queryStringParameters": last(&self.call.query),
            "multiValueQueryStringParameters": all(&self.call.query),
            "stageVariables": {},
            "requestContext": self.connect_context(),
        })
    }

    /// The event of `$connect`.
    pub(super) fn connect(&self) -> Value {
        json!({
            "headers": last(&self.call.headers),
            "multiValueHeaders": all(&self.call.headers),
            "queryStringParameters": or_null(last(&self.call.query)),
            "multiValueQueryStringParameters": or_null(all(&self.call.query)),
            "requestContext": self.connect_context(),
            "isBase64Encoded": false,
        })
    }

    /// The event of a message, under the key of the route that it is for.
    pub(super) fn message(&self, key: &str, message: &Message, request_id: &str, now_ms: u64) -> Value {
        let (body, is_encoded) = match message {
            Message::Text(text) => (text.clone(), false),
            Message::Binary(bytes) => (STANDARD.encode(bytes), true),
        };
        let more = json!({ "messageId": Self::new_id() });
        let context = self.context(key, "MESSAGE", request_id, now_ms, more);
        json!({ "requestContext": context, "body": body, "isBase64Encoded": is_encoded })
    }

    /// The event of `$disconnect`.
    pub(super) fn disconnect(&self, status: u16, reason: &str, now_ms: u64) -> Value {
        let more = json!({ "disconnectStatusCode": status, "disconnectReason": reason });
        let context = self.context("$disconnect", "DISCONNECT", &random::uuid(), now_ms, more);
        let headers =
            [("Host", self.call.header("host")), ("X-Forwarded-For", Some(self.call.source_ip.as_str()))];
        let headers: Vec<(String, String)> = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        json!({
            "headers": last(&headers),
            "multiValueHeaders": all(&headers),
            "requestContext": context,
            "isBase64Encoded": false,
        })
    }

    /// `requestContext` at `$connect`, which the identity sources `context.…` are looked up in too.
    pub(super) fn connect_context(&self) -> Value {
        self.context("$connect", "CONNECT", &self.call.request_id, self.call.now_ms, json!({}))
    }

    fn context(&self, key: &str, kind: &str, request_id: &str, now_ms: u64, more: Value) -> Value {
        let host = self.call.header("host").unwrap_or_default();
        let mut context = json!({
            "routeKey": key,
            "eventType": kind,
            "extendedRequestId": self.call.extended_id,
            "requestTime": request_time(now_ms),
            "messageDirection": "IN",
            "stage": self.stage,
            "connectedAt": self.call.now_ms,
            "requestTimeEpoch": now_ms,
            "identity": { "userAgent": self.call.header("user-agent"), "sourceIp": self.call.source_ip },
            "requestId": request_id,
            "domainName": host.rsplit_once(':').map_or(host, |(name, _)| name),
            "connectionId": self.id,
            "apiId": self.api,
        });
        insert(&mut context, more);
        if let Some(authorizer) = &self.authorizer {
            insert(&mut context, json!({ "authorizer": authorizer }));
        }
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(authorizer: Option<Value>) -> Connection {
        let headers =
            [("Host", "127.0.0.1:3000"), ("User-Agent", "curl"), ("Sec-WebSocket-Protocol", "a, b")];
        Connection {
            api: "ChatApi".to_owned(),
            stage: "v1".to_owned(),
            id: "L0SM9cOFvHcCIhw=".to_owned(),
            call: Call {
                headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                source_ip: "127.0.0.2".to_owned(),
                request_id: "rid".to_owned(),
                extended_id: "xid=".to_owned(),
                now_ms: 1_674_162_806_344,
                ..Call::default()
            },
            authorizer,
        }
    }

    /// Field by field the example of AWS's documentation.
    #[test]
    fn the_authorizers_event_is_the_one_of_the_documentation() {
        let headers =
            json!({ "Host": "127.0.0.1:3000", "User-Agent": "curl", "Sec-WebSocket-Protocol": "a, b" });
        let expected = json!({
            "type": "REQUEST",
            "methodArn": "arn:m",
            "headers": headers,
            "multiValueHeaders": { "Host": ["127.0.0.1:3000"], "User-Agent": ["curl"], "Sec-WebSocket-Protocol": ["a, b"] },
            "queryStringParameters": {},
            "multiValueQueryStringParameters": {},
            "stageVariables": {},
            "requestContext": {
                "routeKey": "$connect",
                "eventType": "CONNECT",
                "extendedRequestId": "xid=",
                "requestTime": "19/Jan/2023:21:13:26 +0000",
                "messageDirection": "IN",
                "stage": "v1",
                "connectedAt": 1_674_162_806_344_u64,
                "requestTimeEpoch": 1_674_162_806_344_u64,
                "identity": { "sourceIp": "127.0.0.2", "userAgent": "curl" },
                "requestId": "rid",
                "domainName": "127.0.0.1",
                "connectionId": "L0SM9cOFvHcCIhw=",
                "apiId": "ChatApi"
            }
        });
        assert_eq!(connection(None).authorize("arn:m"), expected);
    }

    #[test]
    fn what_the_authorizer_said_stays_with_the_connection_to_its_end() {
        let connection = connection(Some(json!({ "userId": "u" })));
        let text = Message::Text("{}".to_owned());
        for event in [
            connection.connect(),
            connection.message("$default", &text, "r", 5),
            connection.disconnect(1001, "away", 9),
        ] {
            assert_eq!(event["requestContext"]["authorizer"]["userId"], "u", "{event}");
            assert_eq!(event["requestContext"]["connectedAt"], 1_674_162_806_344_u64);
        }
    }

    #[test]
    fn a_message_carries_its_body_and_bytes_in_base64() {
        let text = connection(None).message("ping", &Message::Text("{}".to_owned()), "r", 5);
        assert_eq!((&text["body"], &text["isBase64Encoded"]), (&json!("{}"), &json!(false)));
        assert_eq!(text["requestContext"]["routeKey"], "ping");
        let bytes = connection(None).message("$default", &Message::Binary(vec![1, 2]), "r", 5);
        assert_eq!((&bytes["body"], &bytes["isBase64Encoded"]), (&json!("AQI="), &json!(true)));
        let end = connection(None).disconnect(1001, "away", 9);
        assert_eq!(end["requestContext"]["disconnectStatusCode"], 1001);
    }
}
