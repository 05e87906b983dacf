//! API Gateway's proxy event (REST APIs, payload 1.0), read leniently.
//!
//! Of an event only what we use is looked at, every part of it may be missing, null or of another type, and no content
//! of it makes reading fail: `lambda_http`'s own parser panics on some hosts and turns odd headers into a 502.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use super::{Request, body::clip, origin::Page};
use crate::{
    domain::{
        address::{ClientAddress, TrustedProxies},
        moment::Moment,
        session::Device,
    },
    flows::Requester,
    messages::Language,
    settings::EdgeConfig,
};

#[must_use]
pub fn read(event: &str, moment: Moment, edge: &EdgeConfig) -> Request {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let context = event.get("requestContext").unwrap_or(&Value::Null);
    let headers = headers(&event);
    let languages = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let language = Language::negotiate(languages, edge.default_language);
    let user_agent = displayable(headers.get(header::USER_AGENT));
    let address = client_address(context, &headers, &edge.trusted_proxies);
    let method = event.get("httpMethod").and_then(Value::as_str).unwrap_or_default();
    let public_id = context.get("requestId").and_then(Value::as_str).unwrap_or(moment.request.as_str());
    Request {
        public_id: clip(public_id, 128),
        caller: Requester {
            address,
            device: Device { user_agent, ip: address.to_string() },
            language: language.name(),
        },
        language,
        method: Method::from_bytes(method.as_bytes()).unwrap_or_default(),
        route: event.get("resource").and_then(Value::as_str).unwrap_or_default().to_owned(),
        parameters: parameters(&event),
        query: query(&event),
        body: body(&event),
        page: Page::of(&headers, edge),
        headers,
        moment,
    }
}

/// Where proxies say whom a request is from.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

/// Every header that HTTP knows how to write; `multiValueHeaders` has more than `headers` wherever both are there.
fn headers(event: &Value) -> HeaderMap {
    headers_among(event, |_| true)
}

/// The same, of the names that somebody looks at.
pub(crate) fn headers_among(event: &Value, is_wanted: impl Fn(&str) -> bool) -> HeaderMap {
    let several =
        event.get("multiValueHeaders").and_then(Value::as_object).filter(|headers| !headers.is_empty());
    let Some(headers) = several.or_else(|| event.get("headers").and_then(Value::as_object)) else {
        return HeaderMap::new();
    };
    let mut read = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| is_wanted(name)) {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        let values = match value {
            Value::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values.iter().filter_map(Value::as_str) {
            if let Ok(value) = HeaderValue::from_str(value) {
                // A map has room for 32,768 headers; API Gateway lets 10 KiB of them through.
                let _ = read.try_append(name.clone(), value);
            }
        }
    }
    read
}

/// A header of free text for people to read. API Gateway passes bytes on that are not ASCII; those that are no UTF-8 show as
/// marks of replacement, and what no screen shows is left out.
fn displayable(value: Option<&HeaderValue>) -> String {
    clip(&String::from_utf8_lossy(value.map_or(&[], HeaderValue::as_bytes)), 512)
}

/// The client's address, behind the proxies that are trusted.
pub(crate) fn client_address(
    context: &Value,
    headers: &HeaderMap,
    trusted_proxies: &TrustedProxies,
) -> ClientAddress {
    // Payload 2.0 of HTTP APIs has it under `http`; no event has both.
    let source = ["identity", "http"].iter().find_map(|part| context.get(part)?.get("sourceIp")?.as_str());
    // What is no text is an element that can't be read, and no reason to look past it.
    let forwarded: Vec<_> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let forwarded: Vec<&str> = forwarded.iter().map(AsRef::as_ref).collect();
    ClientAddress::parse(source.unwrap_or_default()).behind(trusted_proxies, &forwarded)
}

/// The parts of the path that the route names.
fn parameters(event: &Value) -> BTreeMap<String, String> {
    let named = event.get("pathParameters").and_then(Value::as_object).into_iter().flatten();
    named.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The query, decoded by API Gateway; `multiValueQueryStringParameters` has more than the other wherever both are there.
fn query(event: &Value) -> BTreeMap<String, Vec<String>> {
    let part = |name: &str| event.get(name).and_then(Value::as_object);
    let several = part("multiValueQueryStringParameters").filter(|several| !several.is_empty());
    let named = several.or_else(|| part("queryStringParameters")).into_iter().flatten();
    let texts = |value: &Value| {
        let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    named.map(|(name, value)| (name.clone(), texts(value))).collect()
}

fn body(event: &Value) -> Option<Vec<u8>> {
    let body = event.get("body").and_then(Value::as_str).unwrap_or_default();
    match event.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => STANDARD.decode(body).ok(),
        _ => Some(body.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{
        moment::RequestId,
        origin::{AllowedHeaders, AllowedOrigins},
        refusal::Refusal,
    };

    fn read(event: &str) -> Request {
        let edge = EdgeConfig {
            default_language: Language::Arabic,
            trusted_proxies: TrustedProxies::default(),
            allowed_origins: AllowedOrigins::default(),
            allowed_headers: AllowedHeaders::default(),
        };
        super::read(
            event,
            Moment { now: Timestamp::UNIX_EPOCH, request: RequestId::new("invocation") },
            &edge,
        )
    }

    #[test]
    fn no_event_makes_reading_fail() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        for event in [
            "",
            "null",
            "[]",
            "{",
            &deep,
            r#"{"headers":null,"multiValueHeaders":null,"requestContext":null,"body":null}"#,
            r#"{"headers":[],"multiValueHeaders":{"a":{"b":1},"":["x"],"a b":["x"],"x":["a\nb",1,null]},"httpMethod":7}"#,
            r#"{"requestContext":{"identity":{"sourceIp":"test-invoke-source-ip"},"requestId":{}}}"#,
        ] {
            let request = read(event);
            assert_eq!(request.caller.address, ClientAddress::Unknown);
            assert_eq!(request.public_id, "invocation");
        }
    }

    #[test]
    fn a_line_of_addresses_with_anything_in_it_is_still_read() {
        let address = |lines: &str| {
            let event = format!(
                r#"{{"multiValueHeaders":{{"X-Forwarded-For":{lines}}},
                    "requestContext":{{"identity":{{"sourceIp":"10.0.0.1"}}}}}}"#
            );
            let event: Value = serde_json::from_str(&event).unwrap();
            let trusted = TrustedProxies::parse("10.0.0.0/8").unwrap();
            client_address(event.get("requestContext").unwrap(), &headers(&event), &trusted).to_string()
        };
        // What the client wrote itself does not hide it, nor is the proxy taken for it where it is hidden.
        assert_eq!(address(r#"["é, 203.0.113.9"]"#), "203.0.113.9");
        assert_eq!(address(r#"["203.0.113.1", "é"]"#), "unknown");
        assert_eq!(address(r#"["[2001:db8::1]"]"#), "2001:db8::1");
        assert_eq!(address("[]"), "10.0.0.1");
    }

    #[test]
    fn a_header_is_found_in_any_case_and_with_all_its_values() {
        let request =
            read(r#"{"multiValueHeaders":{"AUTHORIZATION":["Bearer a","Bearer b"]},"headers":{"x":"y"}}"#);
        assert!(request.bearer().is_err());
        let request = read(r#"{"headers":{"authorization":"Bearer a"}}"#);
        assert_eq!(request.bearer().unwrap().unwrap().expose(), "a");
    }

    #[test]
    fn a_user_agent_that_is_not_ascii_is_kept_and_made_displayable() {
        let agent = |text: &str| {
            let event = serde_json::json!({"headers": {"User-Agent": text}}).to_string();
            read(&event).caller.device.user_agent
        };
        assert_eq!(agent("CRM/1.0 (هاتف سارة)"), "CRM/1.0 (هاتف سارة)");
        assert_eq!(agent("Café/2"), "Café/2");
        assert_eq!(agent("Mozilla/5.0"), "Mozilla/5.0");
        assert_eq!(agent("x\u{85}y"), "xy");
        assert_eq!(agent("x\u{202e}y\u{2066}z"), "xyz");
        assert_eq!(agent(&"é".repeat(600)), "é".repeat(512));
        let latin = HeaderValue::from_bytes(b"Caf\xe9/2").unwrap();
        assert_eq!(displayable(Some(&latin)), "Caf\u{fffd}/2");
    }

    #[test]
    fn every_line_of_accept_language_counts() {
        let event = r#"{"multiValueHeaders":{"accept-language":["fr","en"]}}"#;
        assert_eq!(read(event).language, Language::English);
    }

    #[test]
    fn json_is_json_whatever_charset_it_names() {
        for kind in [
            "application/json",
            "application/json;charset=utf8",
            "Application/JSON ; charset=\"ISO-8859-1\"",
            "application/json; charset=utf-8; profile=\"x;y\"",
            "application/json;charset=\u{e9}",
        ] {
            let event = serde_json::json!({"headers": {"content-type": kind}, "body": "{\"name\":\"سارة\"}"});
            let mut fields =
                read(&event.to_string()).json().unwrap_or_else(|refused| panic!("{kind}: {refused:?}"));
            assert_eq!(fields.text("name").as_deref(), Some("سارة"), "{kind}");
        }
        for kind in ["text/json", "application/jsonp", "application/json, text/html", "charset=utf-8", ""] {
            let event = serde_json::json!({"headers": {"content-type": kind}, "body": "{}"});
            assert_eq!(read(&event.to_string()).json().unwrap_err(), Refusal::UnsupportedMediaType, "{kind}");
        }
        // What it says of itself does not make it text.
        let event = r#"{"headers":{"content-type":"application/json;charset=iso-8859-1"},"body":"eyJhIjoi6SJ9","isBase64Encoded":true}"#;
        assert!(read(event).json().is_err());
    }

    #[test]
    fn what_a_client_sends_never_shows_in_debug_output() {
        let event = r#"{"headers":{"authorization":"Bearer Canary","content-type":"application/json"},
            "body":"{\"password\":\"Canary\",\"deviceInfo\":{\"fingerprint\":\"Canary\"}}"}"#;
        let request = read(event);
        let mut fields = request.json().unwrap();
        let shown = format!("{request:?}{fields:?}{:?}{:?}", request.bearer().unwrap(), fields.device_info());
        assert!(!shown.contains("Canary"), "{shown}");
    }

    #[test]
    fn a_body_in_base64_is_decoded_and_one_that_only_says_so_is_a_clear_no() {
        let json = |event: &str| read(event).json().is_ok();
        let event = r#"{"headers":{"content-type":"application/json"},"body":"e30=","isBase64Encoded":true}"#;
        assert!(json(event));
        assert!(!json(&event.replace("e30=", "e30")));
        assert!(!json(&event.replace("true", "false")));
    }
}
