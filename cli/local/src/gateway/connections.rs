//! The open connections of a WebSocket API, and the API by which functions reach them: `@connections`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::call::Call;
use super::refusal::set;

/// The largest message, in either direction.
pub(super) const MAX_MESSAGE: usize = 128 * 1024;

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    held: Mutex<HashMap<String, Held>>,
}

#[derive(Debug)]
struct Held {
    out: UnboundedSender<Out>,
    connected_ms: u64,
    active_ms: u64,
    source_ip: String,
    user_agent: Option<String>,
}

/// What a connection is told to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// To send this to the client: as text where it is that.
    Message(Bytes),
    /// To end.
    Close,
}

impl Connections {
    /// From now on the connection is known; what it has to do comes out of the receiver.
    pub(super) fn open(&self, id: &str, call: &Call) -> (UnboundedSender<Out>, UnboundedReceiver<Out>) {
        let (out, told) = unbounded_channel();
        let held = Held {
            out: out.clone(),
            connected_ms: call.now_ms,
            active_ms: call.now_ms,
            source_ip: call.source_ip.clone(),
            user_agent: call.header("user-agent").map(str::to_owned),
        };
        self.held().insert(id.to_owned(), held);
        (out, told)
    }

    /// Forgets a connection that has ended.
    pub(super) fn remove(&self, id: &str) {
        self.held().remove(id);
    }

    /// Notes that the client sent something.
    pub(super) fn touch(&self, id: &str, now_ms: u64) {
        if let Some(held) = self.held().get_mut(id) {
            held.active_ms = now_ms;
        }
    }

    /// Ends all of them.
    pub(crate) fn close_all(&self) {
        for (_, held) in self.held().drain() {
            drop(held.out.send(Out::Close));
        }
    }

    /// Answers a call to `@connections`. Any signature will do on this machine, but there must be one.
    pub(super) fn manage(&self, id: &str, call: &Call, body: Option<Bytes>) -> Response<Body> {
        if !call.header("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 ")) {
            return error(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
        }
        match call.method.as_str() {
            "POST" => match body.filter(|body| body.len() <= MAX_MESSAGE) {
                None => error(413, "PayloadTooLargeException", "Message too long"),
                Some(body) if self.tell(id, &body) => answer(200, Body::empty()),
                Some(_) => gone(),
            },
            "GET" => self.describe(id).map_or_else(gone, |text| answer(200, Body::from(text.to_string()))),
            "DELETE" if self.close(id) => answer(204, Body::empty()),
            "DELETE" => gone(),
            _ => error(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        }
    }

    fn tell(&self, id: &str, message: &Bytes) -> bool {
        self.held().get(id).is_some_and(|held| held.out.send(Out::Message(message.clone())).is_ok())
    }

    /// It is gone at once for everybody who asks, whatever its client does.
    fn close(&self, id: &str) -> bool {
        self.held().remove(id).is_some_and(|held| held.out.send(Out::Close).is_ok())
    }

    fn describe(&self, id: &str) -> Option<Value> {
        let all = self.held();
        let held = all.get(id)?;
        Some(json!({
            "connectedAt": time(held.connected_ms),
            "identity": { "sourceIp": held.source_ip, "userAgent": held.user_agent },
            "lastActiveAt": time(held.active_ms),
        }))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn time(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.unwrap_or_default().to_string()
}

fn gone() -> Response<Body> {
    error(410, "GoneException", "")
}

fn error(status: u16, kind: &str, message: &str) -> Response<Body> {
    let mut response = answer(status, Body::from(json!({ "message": message }).to_string()));
    set(&mut response, "x-amzn-errortype", kind);
    response
}

fn answer(status: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, "content-type", "application/json");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, authorization: &str) -> Call {
        let headers = [("Authorization", authorization), ("User-Agent", "tests")];
        Call {
            method: method.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            source_ip: "127.0.0.2".to_owned(),
            now_ms: 1_428_582_896_789,
            ..Call::default()
        }
    }

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=local";

    #[test]
    fn a_connection_is_told_what_is_posted_until_it_is_deleted_and_then_it_is_gone() {
        let connections = Connections::default();
        let (_out, mut told) = connections.open("id=", &call("GET", ""));
        let manage = |method: &str, body: &'static [u8]| {
            connections.manage("id=", &call(method, SIGNED), Some(Bytes::from_static(body))).status().as_u16()
        };
        assert_eq!((manage("GET", b""), manage("POST", b"hello"), manage("DELETE", b"")), (200, 200, 204));
        assert_eq!(told.try_recv().unwrap(), Out::Message(Bytes::from_static(b"hello")));
        assert_eq!(told.try_recv().unwrap(), Out::Close);
        assert_eq!((manage("GET", b""), manage("POST", b"hello"), manage("DELETE", b"")), (410, 410, 410));
    }

    #[test]
    fn nobody_reaches_a_connection_without_a_signature() {
        let connections = Connections::default();
        let (_out, mut told) = connections.open("id=", &call("GET", ""));
        for method in ["GET", "POST", "DELETE"] {
            for authorization in ["", "Bearer x", "AWS4-HMAC-SHA256"] {
                let answer = connections.manage("id=", &call(method, authorization), Some(Bytes::new()));
                assert_eq!(answer.status(), 403, "{method} {authorization}");
            }
        }
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn a_message_of_more_than_128_kilobytes_is_too_large() {
        let connections = Connections::default();
        let (_out, _told) = connections.open("id=", &call("GET", ""));
        let post =
            |size: usize| connections.manage("id=", &call("POST", SIGNED), Some(vec![b' '; size].into()));
        assert_eq!(
            (post(MAX_MESSAGE).status().as_u16(), post(MAX_MESSAGE + 1).status().as_u16()),
            (200, 413)
        );
    }
}
