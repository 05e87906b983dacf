//! Authorizer events, read leniently: what is missing, null or of another type is simply not there.
//!
//! Only what decides is looked at. What is called is said by the ARN, and by the resource that API Gateway routed the path
//! to; the raw path, which has the stage or a custom domain's prefix in it, is not read at all.

use lambda_http::http::header;
use serde_json::Value;

use super::kind::{Called, EventKind, Unreadable};
use super::{appsync, credential, sources};
use crate::{
    domain::{address::ClientAddress, refusal::Refusal},
    flows::authorize::Credential,
    http::{FORWARDED_FOR, client_address, headers_among},
    messages::Language,
    settings::AuthorizerEdge,
};

/// What is asked of the authorizer.
#[derive(Debug)]
pub struct AuthorizerEvent {
    /// The kind of API, and of event.
    pub kind: EventKind,
    /// What is asked about.
    pub called: Called,
    /// The client's token or ticket: none, one, or too many.
    pub credential: Result<Option<Credential>, Refusal>,
    /// The client's address. `TOKEN` events do not say, nor do AppSync's.
    pub address: Option<ClientAddress>,
    /// The language of a Deny's message. `TOKEN` events do not say, and nobody is shown one of AppSync's.
    pub language: Language,
    /// Whether an answer that is kept is kept for this call alone: see `sources.rs`. Only payload 2.0 says.
    pub kept_by_route: bool,
}

impl AuthorizerEvent {
    /// Reads an event of any kind.
    ///
    /// # Errors
    /// [`Unreadable`]: nothing says which method is meant, or the event says two different things about it.
    pub fn read(event: &str, edge: &AuthorizerEdge) -> Result<Self, Unreadable> {
        let event: Value = serde_json::from_str(event).map_err(|_| Unreadable)?;
        if let Some(called) = appsync::called(&event)? {
            return Ok(Self::without_headers(&event, EventKind::AppSync, called, edge));
        }
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let kind = kind(&event)?;
        let arn = if kind == EventKind::Http2 { "routeArn" } else { "methodArn" };
        let arn = text(arn).ok_or(Unreadable)?.to_owned();
        if kind == EventKind::RestToken {
            return Ok(Self::without_headers(&event, kind, Called::Method { arn, resource: None }, edge));
        }
        let headers = headers_among(&event, is_looked_at);
        let languages = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        let languages = languages.filter_map(|value| value.to_str().ok());
        let route_key = text("routeKey").unwrap_or_default();
        let resource = match kind {
            EventKind::WebSocket | EventKind::RestToken | EventKind::AppSync => None,
            EventKind::Http2 => resource_of(route_key, &arn)?,
            EventKind::Rest | EventKind::Http1 => {
                text("resource").filter(|resource| resource.starts_with('/')).map(str::to_owned)
            }
        };
        Ok(Self {
            kind,
            called: Called::Method { arn, resource },
            credential: credential::of(&event, kind, edge),
            address: Some(client_address(
                event.get("requestContext").unwrap_or(&Value::Null),
                &headers,
                &edge.trusted_proxies,
            )),
            language: Language::negotiate(languages, edge.default_language),
            kept_by_route: kind == EventKind::Http2 && sources::tell_calls_apart(&event, route_key),
        })
    }

    /// An event that says a token, and nothing of who sent it.
    fn without_headers(event: &Value, kind: EventKind, called: Called, edge: &AuthorizerEdge) -> Self {
        let (credential, language) = (credential::of(event, kind, edge), edge.default_language);
        Self { kind, called, credential, address: None, language, kept_by_route: false }
    }
}

/// The headers that a decision or its message depends on, beside the token's. Making a header of each costs more than finding these.
fn is_looked_at(name: &str) -> bool {
    [header::ACCEPT_LANGUAGE.as_str(), FORWARDED_FOR].iter().any(|wanted| name.eq_ignore_ascii_case(wanted))
}

fn kind(event: &Value) -> Result<EventKind, Unreadable> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let context = |name: &str| event.get("requestContext")?.get(name)?.as_str();
    match (text("type"), text("version")) {
        (Some("TOKEN"), None) => Ok(EventKind::RestToken),
        (Some("REQUEST"), Some("2.0")) => Ok(EventKind::Http2),
        (Some("REQUEST"), Some("1.0")) => Ok(EventKind::Http1),
        // A version that is not known yet makes them no other API's events: only a WebSocket is opened.
        (Some("REQUEST"), Some(_))
            if context("eventType").or(context("routeKey")).is_some_and(opens_a_websocket) =>
        {
            Ok(EventKind::WebSocket)
        }
        (Some("REQUEST"), None) => match context("routeKey").or(context("eventType")) {
            // Any other route of a WebSocket API is none that can be asked about.
            Some(_) => Ok(EventKind::WebSocket),
            None => Ok(EventKind::Rest),
        },
        _ => Err(Unreadable),
    }
}

/// Whether an event's type or route is that of opening a WebSocket.
fn opens_a_websocket(name: &str) -> bool {
    name == "CONNECT" || name == "$connect"
}

/// The path of `GET /notes/{id}`. Its method must be the ARN's: a simple answer is about the route, a policy about the ARN.
fn resource_of(route_key: &str, arn: &str) -> Result<Option<String>, Unreadable> {
    let Some((method, path)) = route_key.split_once(' ') else { return Ok(None) };
    match arn.split('/').nth(2) {
        Some(called) if method == "ANY" || method == called => Ok(Some(path.to_owned())),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde_json::json;

    use super::*;

    fn read(event: &str) -> Result<AuthorizerEvent, Unreadable> {
        let trusted_proxies = crate::domain::address::TrustedProxies::default();
        let default_language = Language::Arabic;
        AuthorizerEvent::read(
            event,
            &AuthorizerEdge {
                default_language,
                trusted_proxies,
                websocket_token_query: false,
                tickets: false,
            },
        )
    }

    #[test]
    fn every_kind_is_told_from_the_others_and_read_from_its_own_places() {
        let address = |context: Value| json!({"type": "REQUEST", "methodArn": "m", "resource": "/r", "requestContext": context});
        let known = Some(ClientAddress::Known(IpAddr::from([192, 0, 2, 10])));
        let identity = json!({"identity": {"sourceIp": "192.0.2.10"}});
        let mut socket = identity.clone();
        socket["routeKey"] = json!("$connect");
        socket["eventType"] = json!("CONNECT");
        let mut http1 = address(identity.clone());
        http1["version"] = json!("1.0");
        let http2 = json!({"type": "REQUEST", "version": "2.0", "routeArn": "r/s/GET/x", "methodArn": "m",
            "routeKey": "GET /r", "requestContext": {"routeKey": "GET /r", "http": {"sourceIp": "192.0.2.10"}}});
        for (event, kind, arn, resource) in [
            (address(identity), EventKind::Rest, "m", Some("/r")),
            (http1, EventKind::Http1, "m", Some("/r")),
            (http2, EventKind::Http2, "r/s/GET/x", Some("/r")),
            (address(socket), EventKind::WebSocket, "m", None),
        ] {
            let read = read(&event.to_string()).unwrap();
            let called = Called::Method { arn: arn.to_owned(), resource: resource.map(str::to_owned) };
            assert_eq!((read.kind, read.called, read.address), (kind, called, known));
        }
        let token = read(r#"{"type":"TOKEN","methodArn":"a","authorizationToken":"Bearer abc"}"#).unwrap();
        let called = Called::Method { arn: "a".to_owned(), resource: None };
        assert_eq!((token.kind, token.called, token.address), (EventKind::RestToken, called, None));
    }

    #[test]
    fn a_route_for_everything_names_no_resource_and_one_of_another_method_is_no_event() {
        let resource = |key: &str| {
            let event =
                json!({"type": "REQUEST", "version": "2.0", "routeArn": "a/b/GET/x", "routeKey": key});
            read(&event.to_string()).map(|event| match event.called {
                Called::Method { resource, .. } => resource,
                called => panic!("{called:?}"),
            })
        };
        assert_eq!(resource("$default"), Ok(None));
        assert_eq!(resource("ANY /{proxy+}"), Ok(Some("/{proxy+}".to_owned())));
        assert_eq!(resource("GET /x"), Ok(Some("/x".to_owned())));
        assert_eq!(resource("POST /x"), Err(Unreadable));
    }

    #[test]
    fn opening_a_websocket_is_known_whatever_version_its_event_has() {
        for context in
            [json!({"eventType": "CONNECT", "routeKey": "$connect"}), json!({"routeKey": "$connect"})]
        {
            for version in [json!("3.0"), json!(""), json!(null), json!(3)] {
                let event = json!({"type": "REQUEST", "version": version, "methodArn": "m", "requestContext": context});
                assert_eq!(
                    read(&event.to_string()).map(|event| event.kind),
                    Ok(EventKind::WebSocket),
                    "{event}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_authorizer_event_is_said_to_be_none() {
        for event in [
            "",
            "[]",
            "{}",
            r#"{"type":"TOKEN"}"#,
            r#"{"methodArn":"a"}"#,
            r#"{"type":"OTHER","methodArn":"a"}"#,
            r#"{"type":"REQUEST","version":"3.0","methodArn":"a","routeArn":"a"}"#,
            r#"{"type":"REQUEST","version":"3.0","methodArn":"a","requestContext":{"routeKey":"GET /x"}}"#,
            r#"{"type":"REQUEST","version":"3.0","methodArn":"a","requestContext":{"eventType":"MESSAGE","routeKey":"$connect"}}"#,
            r#"{"type":"REQUEST","version":"2.0","methodArn":"a"}"#,
            r#"{"type":"REQUEST","version":"1.0","routeArn":"a"}"#,
            r#"{"type":"TOKEN","version":"2.0","methodArn":"a","routeArn":"a"}"#,
        ] {
            assert_eq!(read(event).err(), Some(Unreadable), "{event}");
        }
    }
}
