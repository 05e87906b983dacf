//! A request as API Gateway sees it, before anything is decided.

use std::net::SocketAddr;

use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::random;

/// One request to an API. Text that is not UTF-8 has its bad bytes replaced: nothing a client sends fails here.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) method: String,
    /// As the client sent it, still percent-encoded, without the query.
    pub(super) path: String,
    /// As the client sent it, without the question mark.
    pub(super) raw_query: String,
    /// Decoded, in order.
    pub(super) query: Vec<(String, String)>,
    /// In order, those of the gateway's own included.
    pub(super) headers: Vec<(String, String)>,
    /// The address of the peer.
    pub(super) source_ip: String,
    pub(super) request_id: String,
    pub(super) extended_id: String,
    pub(super) trace_id: String,
    pub(super) now_ms: u64,
}

/// Headers of the connection, which end at the gateway.
const CONNECTION: [&str; 6] =
    ["connection", "content-length", "expect", "keep-alive", "te", "transfer-encoding"];

impl Call {
    pub(super) fn new(parts: &Parts, peer: SocketAddr, port: u16, now_ms: u64) -> Call {
        let source_ip = peer.ip().to_canonical().to_string();
        let trace_id = random::trace_id(now_ms);
        Call {
            method: parts.method.as_str().to_owned(),
            // API Gateway takes slashes at the beginning for one.
            path: format!("/{}", parts.uri.path().trim_start_matches('/')),
            raw_query: parts.uri.query().unwrap_or_default().to_owned(),
            query: parts.uri.query().map(query).unwrap_or_default(),
            headers: headers(parts, &source_ip, port, &trace_id),
            source_ip,
            request_id: random::uuid(),
            extended_id: format!("{}=", random::hex::<8>()),
            trace_id,
            now_ms,
        }
    }

    /// The last value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a header, as one.
    pub(super) fn joined(&self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    /// The last value of a parameter of the query string.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The client's headers, with the forwarding ones as the gateway adds them. The HTTP library lowers the names (as
/// HTTP/2 does anyway, which most clients of API Gateway speak); those that API Gateway capitalises are.
fn headers(parts: &Parts, source_ip: &str, port: u16, trace_id: &str) -> Vec<(String, String)> {
    let mut forwarded = Vec::new();
    let mut headers = Vec::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let name = match name.as_str() {
            "x-forwarded-for" => {
                forwarded.push(value);
                continue;
            }
            "x-forwarded-port" | "x-forwarded-proto" | "x-amzn-trace-id" => continue,
            name if CONNECTION.contains(&name) => continue,
            "authorization" => "Authorization",
            "host" => "Host",
            "user-agent" => "User-Agent",
            "sec-websocket-protocol" => "Sec-WebSocket-Protocol",
            name => name,
        };
        headers.push((name.to_owned(), value));
    }
    forwarded.push(source_ip.to_owned());
    headers.extend([
        ("X-Amzn-Trace-Id".to_owned(), trace_id.to_owned()),
        ("X-Forwarded-For".to_owned(), forwarded.join(", ")),
        ("X-Forwarded-Port".to_owned(), port.to_string()),
        ("X-Forwarded-Proto".to_owned(), "http".to_owned()),
    ]);
    headers
}

fn query(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    fn call(uri: &str, headers: &[(&str, &[u8])]) -> Call {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Call::new(&parts, "127.0.0.2:5000".parse().unwrap(), 3000, 1_700_000_000_000)
    }

    #[test]
    fn the_peer_is_the_source_and_is_added_to_what_the_client_claims() {
        let plain = call("/a", &[]);
        assert_eq!(plain.source_ip, "127.0.0.2");
        assert_eq!(plain.header("x-forwarded-for"), Some("127.0.0.2"));
        let claimed = call("/a", &[("x-forwarded-for", b"1.1.1.1"), ("x-forwarded-for", b"2.2.2.2")]);
        assert_eq!(claimed.header("X-Forwarded-For"), Some("1.1.1.1, 2.2.2.2, 127.0.0.2"));
        assert_eq!(claimed.source_ip, "127.0.0.2");
    }

    #[test]
    fn headers_of_any_bytes_are_taken_and_those_of_the_connection_are_not() {
        let call = call("/a", &[("x-odd", b"a\xff"), ("connection", b"close"), ("authorization", b"x")]);
        assert_eq!(call.header("x-odd"), Some("a\u{fffd}"));
        assert_eq!(call.header("connection"), None);
        assert!(call.headers.iter().any(|(name, _)| name == "Authorization"));
    }

    #[test]
    fn the_query_is_decoded_and_the_path_is_not() {
        let call = call("//a%20b?x=1&x=%D8%BA+2&y&=z&bad=%ff", &[]);
        assert_eq!(call.path, "/a%20b");
        assert_eq!(call.query("x"), Some("غ 2"));
        assert_eq!(call.query("y"), Some(""));
        assert_eq!(call.query("bad"), Some("\u{fffd}"));
        assert_eq!(call.query.len(), 5);
    }
}
