//! What API Gateway answers by itself: its gateway responses, as the template words them.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::event::Target;
use nova_template::GatewayResponse;

/// The kinds of refusals that can occur here, each with what API Gateway says where the template says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No such resource, or no such method of it.
    MissingAuthenticationToken,
    /// A signature with keys of AWS that is none, or of another request.
    InvalidSignature,
    /// The identity is missing or not shaped right, or the authorizer said `Unauthorized`.
    Unauthorized,
    /// The authorizer's policy does not allow the call; whether a statement denies it.
    AccessDenied { explicit: bool },
    /// The authorizer failed.
    AuthorizerFailure,
    /// The authorizer's answer makes no sense.
    AuthorizerConfigurationError,
    /// The function took too long.
    IntegrationTimeout,
    /// The function failed, or its answer makes no sense: 502, of no type of its own.
    IntegrationError,
    /// The body is larger than 10 MB.
    RequestTooLarge,
}

/// Name, status, message (`$context.error.message`), and `x-amzn-errortype`.
type Defaults = (&'static str, u16, Option<&'static str>, &'static str);

impl Refusal {
    fn defaults(self) -> Defaults {
        const NO_SIGNATURE: &str = "The request signature we calculated does not match the signature you provided. Check your \
             AWS Secret Access Key and signing method. Consult the service documentation for details.";
        const DENIED: &str = "User is not authorized to access this resource";
        const DENIED_OUTRIGHT: &str = "User is not authorized to access this resource with an explicit deny";
        match self {
            Refusal::MissingAuthenticationToken => {
                let message = "Missing Authentication Token";
                ("MISSING_AUTHENTICATION_TOKEN", 403, Some(message), "MissingAuthenticationTokenException")
            }
            Refusal::InvalidSignature => {
                ("INVALID_SIGNATURE", 403, Some(NO_SIGNATURE), "InvalidSignatureException")
            }
            Refusal::Unauthorized => ("UNAUTHORIZED", 401, Some("Unauthorized"), "UnauthorizedException"),
            Refusal::AccessDenied { explicit } => {
                let message = if explicit { DENIED_OUTRIGHT } else { DENIED };
                ("ACCESS_DENIED", 403, Some(message), "AccessDeniedException")
            }
            Refusal::AuthorizerFailure => ("AUTHORIZER_FAILURE", 500, None, "AuthorizerFailureException"),
            Refusal::AuthorizerConfigurationError => {
                ("AUTHORIZER_CONFIGURATION_ERROR", 500, None, "AuthorizerConfigurationException")
            }
            Refusal::IntegrationTimeout => (
                "INTEGRATION_TIMEOUT",
                504,
                Some("Endpoint request timed out"),
                "InternalServerErrorException",
            ),
            Refusal::IntegrationError => {
                ("DEFAULT_5XX", 502, Some("Internal server error"), "InternalServerErrorException")
            }
            Refusal::RequestTooLarge => {
                ("REQUEST_TOO_LARGE", 413, Some("Request Entity Too Large"), "RequestTooLargeException")
            }
        }
    }

    /// The answer, in the words of the API's own gateway responses. `authorizer` is `$context.authorizer`.
    pub(super) fn answer(self, target: &Target<'_>, authorizer: Option<&Value>) -> Response<Body> {
        let (name, natural, message, error_type) = self.defaults();
        let responses = &target.api.responses;
        let fallback = responses.get(if natural < 500 { "DEFAULT_4XX" } else { "DEFAULT_5XX" });
        let plain = GatewayResponse::default();
        let chosen = responses.get(name).or(fallback).unwrap_or(&plain);
        let mut context = target.context();
        if let Some(map) = context.as_object_mut() {
            let quoted = message.map(|message| json!(message).to_string());
            let error = json!({ "message": message, "messageString": quoted, "responseType": name });
            map.insert("error".to_owned(), error);
            map.insert("authorizer".to_owned(), authorizer.cloned().unwrap_or_default());
        }
        let status = chosen.status.unwrap_or(natural);
        let body = match &chosen.body {
            Some(template) => render(template, &context),
            None => json!({ "message": message }).to_string(),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        set(&mut response, "content-type", "application/json");
        set(&mut response, "x-amzn-errortype", error_type);
        for (name, expression) in &chosen.headers {
            if let Some(value) = parameter(expression, &context, target) {
                set(&mut response, name, &value);
            }
        }
        response
    }
}

/// Sets a header, unless name or value can't be sent.
pub(super) fn set(response: &mut Response<Body>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
        response.headers_mut().insert(name, value);
    }
}

/// A mapping expression of a header: `'literal'`, `context.…` or a parameter of the request.
fn parameter(expression: &str, context: &Value, target: &Target<'_>) -> Option<String> {
    if let Some(literal) = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(literal.to_owned());
    }
    if let Some(path) = expression.strip_prefix("context.") {
        return look_up(context, path);
    }
    let (place, name) = expression.strip_prefix("method.request.")?.split_once('.')?;
    match place {
        "header" => target.call.header(name).map(str::to_owned),
        "querystring" => target.call.query(name).map(str::to_owned),
        "path" => target.parameters.get(name).cloned(),
        _ => None,
    }
}

const ESCAPE: &str = "$util.escapeJavaScript(";

/// Fills in `$context.…`, bare or in `$util.escapeJavaScript(…)`; what is not there becomes nothing.
fn render(template: &str, context: &Value) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some((value, after)) = escaped(from, context) {
            out.push_str(&value);
            rest = after;
        } else if let Some((value, after)) = variable(from, context) {
            out.push_str(&value);
            rest = after;
        } else {
            out.push('$');
            rest = from.strip_prefix('$').unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn escaped<'t>(text: &'t str, context: &Value) -> Option<(String, &'t str)> {
    let (value, after) = variable(text.strip_prefix(ESCAPE)?.trim_start(), context)?;
    Some((escape_java_script(&value), after.trim_start().strip_prefix(')')?))
}

fn variable<'t>(text: &'t str, context: &Value) -> Option<(String, &'t str)> {
    let path = text.strip_prefix("$context.")?;
    let word = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let end = path.find(|character| !word(character)).unwrap_or(path.len());
    // A full stop behind a name ends the sentence.
    let name = path.get(..end)?.trim_end_matches('.');
    Some((look_up(context, name).unwrap_or_default(), path.get(name.len()..)?))
}

/// A value of the context. What a token says comes as JSON that is ASCII.
fn look_up(context: &Value, path: &str) -> Option<String> {
    if let Some(claim) = path.strip_prefix("authorizer.claims.") {
        let value = context.get("authorizer")?.get("claims")?.get(claim)?;
        return Some(ascii(&value.to_string()));
    }
    let value = path.split('.').try_fold(context, |value, key| value.get(key))?;
    nova_template::scalar_text(value)
}

/// JSON keeps its meaning: outside of its texts it is ASCII anyway.
fn ascii(json: &str) -> String {
    let mut out = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(plain) if plain.is_ascii() => out.push(plain.into()),
            _ => out.push_str(&format!("\\u{unit:04X}")),
        }
    }
    out
}

/// As Velocity's tool does it: quotes, backslashes, slashes and control characters are escaped, and all that is
/// not ASCII.
fn escape_java_script(text: &str) -> String {
    let mut out = String::new();
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some(special @ ('"' | '\'' | '\\' | '/')) => out.extend(['\\', special]),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(plain) if (' '..='~').contains(&plain) => out.push(plain),
            _ => out.push_str(&format!("\\u{unit:04X}")),
        }
    }
    out
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
