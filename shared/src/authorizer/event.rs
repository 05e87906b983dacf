//! Authorizer events, read leniently: what is missing, null or of another type is simply not there.
//!
//! Only what decides is looked at. What is called is said by the ARN, and by the resource that API Gateway routed the path
//! to; the raw path, which has the stage or a custom domain's prefix in it, is not read at all.

use lambda_http::http::header;
use serde_json::Value;

use super::{credential, sources};
use crate::{
    domain::{address::ClientAddress, refusal::Refusal},
    flows::authorize::Credential,
    http::{FORWARDED_FOR, client_address, headers_among},
    messages::Language,
    settings::AuthorizerEdge,
};

/// Who is asking, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A REST API, `TOKEN`.
    RestToken,
    /// A REST API, `REQUEST`.
    Rest,
    /// An HTTP API, payload 1.0.
    Http1,
    /// An HTTP API, payload 2.0.
    Http2,
    /// A WebSocket API that is being connected to.
    WebSocket,
}

/// What is asked of the authorizer.
#[derive(Debug)]
pub struct AuthorizerEvent {
    /// The kind of API, and of event.
    pub kind: EventKind,
    /// The method that is being called, as API Gateway names it.
    pub method_arn: String,
    /// The client's token or ticket: none, one, or too many.
    pub credential: Result<Option<Credential>, Refusal>,
    /// The resource of the API that the path was routed to. `TOKEN` events do not say, and neither does a route for
    /// everything (`$default`).
    pub resource: Option<String>,
    /// The client's address. `TOKEN` events do not say.
    pub address: Option<ClientAddress>,
    /// The language of a Deny's message. `TOKEN` events do not say.
    pub language: Language,
    /// Whether an answer that is kept is kept for this call alone: see `sources.rs`. Only payload 2.0 says.
    pub kept_by_route: bool,
}

/// The event is none of an authorizer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an authorizer event")]
pub struct Unreadable;

impl AuthorizerEvent {
    /// Reads an event of any kind.
    ///
    /// # Errors
    /// [`Unreadable`]: nothing says which method is meant, or the event says two different things about it.
    pub fn read(event: &str, edge: &AuthorizerEdge) -> Result<Self, Unreadable> {
        let event: Value = serde_json::from_str(event).map_err(|_| Unreadable)?;
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let kind = kind(&event)?;
        let arn = if kind == EventKind::Http2 { "routeArn" } else { "methodArn" };
        let method_arn = text(arn).ok_or(Unreadable)?.to_owned();
        let credential = credential::of(&event, kind, edge);
        let default_language = edge.default_language;
        if kind == EventKind::RestToken {
            let (resource, address, language) = (None, None, default_language);
            return Ok(Self {
                kind,
                method_arn,
                credential,
                resource,
                address,
                language,
                kept_by_route: false,
            });
        }
        let headers = headers_among(&event, is_looked_at);
        let languages = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        let languages = languages.filter_map(|value| value.to_str().ok());
        let route_key = text("routeKey").unwrap_or_default();
        let resource = match kind {
            EventKind::WebSocket | EventKind::RestToken => None,
            EventKind::Http2 => resource_of(route_key, &method_arn)?,
            EventKind::Rest | EventKind::Http1 => {
                text("resource").filter(|resource| resource.starts_with('/')).map(str::to_owned)
            }
        };
        Ok(Self {
            kind,
            method_arn,
            credential,
            resource,
            address: Some(client_address(
                event.get("requestContext").unwrap_or(&Value::Null),
                &headers,
                &edge.trusted_proxies,
            )),
            language: Language::negotiate(languages, default_language),
            kept_by_route: kind == EventKind::Http2 && sources::tell_calls_apart(&event, route_key),
        })
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
            assert_eq!((read.kind, read.method_arn.as_str()), (kind, arn));
            assert_eq!((read.resource.as_deref(), read.address), (resource, known), "{kind:?}");
        }
        let token = read(r#"{"type":"TOKEN","methodArn":"a","authorizationToken":"Bearer abc"}"#).unwrap();
        assert_eq!((token.kind, token.address, token.resource), (EventKind::RestToken, None, None));
    }

    #[test]
    fn a_route_for_everything_names_no_resource_and_one_of_another_method_is_no_event() {
        let resource = |key: &str| {
            let event =
                json!({"type": "REQUEST", "version": "2.0", "routeArn": "a/b/GET/x", "routeKey": key});
            read(&event.to_string()).map(|event| event.resource)
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
