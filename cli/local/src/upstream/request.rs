//! A function's event → the request that its server gets.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use nova_template::scalar_text;

/// What API Gateway says of the request: who is calling, above all.
pub(super) const REQUEST_CONTEXT: &str = "x-amzn-request-context";
/// What Lambda says of the call.
pub(super) const LAMBDA_CONTEXT: &str = "x-amzn-lambda-context";

/// Headers of a connection, which are not handed on.
pub(super) const CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The request, with the contexts in the headers that only the gateway may write.
pub(super) fn request(event: &Value, lambda_context: &Value) -> Result<Request<Body>, String> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str);
    let is_two = text("/version") == Some("2.0");
    let method = text(if is_two { "/requestContext/http/method" } else { "/httpMethod" });
    let path = text(if is_two { "/rawPath" } else { "/path" }).unwrap_or("/");
    let query = if is_two { text("/rawQueryString").unwrap_or_default().to_owned() } else { query(event) };
    let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut request = Request::new(body(event)?);
    *request.method_mut() = method
        .and_then(|method| Method::from_bytes(method.as_bytes()).ok())
        .ok_or("the event has no method")?;
    *request.uri_mut() = uri.parse::<Uri>().map_err(|_| "the event's path can't be sent")?;
    for (name, value) in headers(event) {
        if is_of_the_connection(&name) || is_of_the_gateway(&name) {
            continue;
        }
        let unsent = |_| format!("the header {name} can't be sent");
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(unsent)?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("the header {name} can't be sent"))?;
        request.headers_mut().append(name, value);
    }
    let context = event.get("requestContext").unwrap_or(&Value::Null);
    for (name, value) in [(REQUEST_CONTEXT, context), (LAMBDA_CONTEXT, lambda_context)] {
        let value =
            HeaderValue::try_from(ascii(value)).map_err(|_| format!("the header {name} can't be sent"))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// Whether a client that sends this header would speak for the gateway. CGI and WSGI write `-` and `_` alike, so that a server
/// may take `X_Amzn_Request_Context` for the real one.
fn is_of_the_gateway(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    name == REQUEST_CONTEXT || name == LAMBDA_CONTEXT
}

pub(super) fn is_of_the_connection(name: &str) -> bool {
    CONNECTION.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// All headers, each value by itself; payload 2.0 has the cookies beside them.
fn headers(event: &Value) -> Vec<(String, String)> {
    let mut pairs = pairs(event, "multiValueHeaders", "headers");
    let cookies = event.get("cookies").and_then(Value::as_array);
    let cookies: Vec<&str> = cookies.into_iter().flatten().filter_map(Value::as_str).collect();
    if !cookies.is_empty() {
        pairs.push((header::COOKIE.as_str().to_owned(), cookies.join("; ")));
    }
    pairs
}

/// The query of a payload in which it is decoded already.
fn query(event: &Value) -> String {
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let pairs = pairs(event, "multiValueQueryStringParameters", "queryStringParameters");
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// A map of names and values: the one with all values of a name, where the event has it.
fn pairs(event: &Value, many: &str, one: &str) -> Vec<(String, String)> {
    let map = |name: &str| event.get(name).and_then(Value::as_object);
    let mut pairs = Vec::new();
    for (name, value) in map(many).or_else(|| map(one)).into_iter().flatten() {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        pairs.extend(values.iter().filter_map(scalar_text).map(|value| (name.clone(), value)));
    }
    pairs
}

fn body(event: &Value) -> Result<Body, String> {
    let text = event.get("body").and_then(Value::as_str).unwrap_or_default();
    if event.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        let bytes = STANDARD.decode(text).map_err(|_| "the event's body is not in Base64")?;
        return Ok(Body::from(bytes));
    }
    Ok(if text.is_empty() { Body::empty() } else { Body::from(text.to_owned()) })
}

/// JSON in ASCII: servers take a header's bytes for Latin-1, and a name in Arabic would be another one then.
fn ascii(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
