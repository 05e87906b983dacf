//! Where the client's token stands in an event.
//!
//! A token that is there and can't be used is a refusal and never "no token": a public route lets in whoever has none,
//! and refuses whoever has a bad one.

use serde_json::Value;

use super::kind::EventKind;
use crate::{
    domain::refusal::Refusal, flows::authorize::Credential, http::bearer::bearer, keys::Token,
    settings::AuthorizerEdge,
};

/// A subprotocol of a WebSocket that is no protocol but carries the token. What a JWT is made of may stand there
/// (RFC 6455, section 4.1, item 10; RFC 9110, section 5.6.2).
pub const TOKEN_SUBPROTOCOL: &str = "nova.bearer.";

/// The parameter of the query that carries the token, where that is switched on (RFC 6750, section 2.3).
pub const TOKEN_PARAMETER: &str = "access_token";

/// The same for a ticket, where tickets are switched on.
pub const TICKET_SUBPROTOCOL: &str = "nova.ticket.";

/// The parameter of the query that carries a ticket, where tickets are switched on.
pub const TICKET_PARAMETER: &str = "ticket";

/// The one token or ticket of an event; `None` where there is none.
///
/// # Errors
/// `TokenInvalid` for several (two readers could pick different ones), and for one that is not whole.
pub(super) fn of(
    event: &Value,
    kind: EventKind,
    edge: &AuthorizerEdge,
) -> Result<Option<Credential>, Refusal> {
    if kind == EventKind::RestToken {
        let token = bearer(event.get("authorizationToken").and_then(Value::as_str))?;
        return Ok(token.map(Credential::Access));
    }
    if kind == EventKind::AppSync {
        return of_appsync(event.get("authorizationToken"));
    }
    let in_header = bearer(values(event, "multiValueHeaders", "headers", "authorization"))?;
    if kind != EventKind::WebSocket {
        return Ok(in_header.map(Credential::Access));
    }
    let protocols = values(event, "multiValueHeaders", "headers", "sec-websocket-protocol");
    let protocols: Vec<_> = protocols.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    let in_protocol =
        |prefix: &'static str| protocols.iter().filter_map(move |name| name.strip_prefix(prefix));
    let in_query = |is_on: bool, name: &str| {
        let found = || values(event, "multiValueQueryStringParameters", "queryStringParameters", name);
        is_on.then(found).unwrap_or_default()
    };
    let tokens = in_protocol(TOKEN_SUBPROTOCOL).chain(in_query(edge.websocket_token_query, TOKEN_PARAMETER));
    let tokens = tokens.map(Token::new).chain(in_header).map(Credential::Access);
    let tickets = in_protocol(TICKET_SUBPROTOCOL).filter(|_| edge.tickets);
    let tickets =
        tickets.chain(in_query(edge.tickets, TICKET_PARAMETER)).map(Token::new).map(Credential::Ticket);
    let mut found: Vec<Credential> = tokens.chain(tickets).collect();
    match (found.pop(), found.is_empty()) {
        (None, _) => Ok(None),
        (Some(credential), true) if !credential.text().is_empty() => Ok(Some(credential)),
        _ => Err(Refusal::TokenInvalid),
    }
}

/// AppSync hands on what its client sent as `Authorization`, and asks for no scheme: a word alone is the token, too.
fn of_appsync(value: Option<&Value>) -> Result<Option<Credential>, Refusal> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(Refusal::TokenInvalid),
    };
    let token = match bearer([text])? {
        None if text.is_empty() => return Ok(None),
        None if text.contains(|c: char| c.is_whitespace() || c == ',') => return Err(Refusal::TokenInvalid),
        None => Token::new(text),
        Some(token) => token,
    };
    Ok(Some(Credential::Access(token)))
}

/// Every value of a name, in any case and however often it is there. The map of several values has more than the other one
/// wherever both have the name.
fn values<'e>(event: &'e Value, several: &str, single: &str, name: &str) -> Vec<&'e str> {
    let of = |map: &str| -> Vec<&'e str> {
        let members = event.get(map).and_then(Value::as_object).into_iter().flatten();
        let named = members.filter(|(member, _)| member.trim().eq_ignore_ascii_case(name));
        named
            .flat_map(|(_, value)| match value {
                Value::Array(values) => values.as_slice(),
                one => std::slice::from_ref(one),
            })
            .filter_map(Value::as_str)
            .collect()
    };
    let found = of(several);
    if found.is_empty() { of(single) } else { found }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edge(websocket_token_query: bool, tickets: bool) -> AuthorizerEdge {
        AuthorizerEdge {
            default_language: crate::messages::Language::English,
            trusted_proxies: crate::domain::address::TrustedProxies::default(),
            websocket_token_query,
            tickets,
        }
    }

    fn read(kind: EventKind, query: bool, event: &Value) -> Result<Option<String>, Refusal> {
        match of(event, kind, &edge(query, true))? {
            Some(Credential::Access(token)) => Ok(Some(token.expose().to_owned())),
            Some(Credential::Ticket(ticket)) => panic!("a ticket: {}", ticket.expose()),
            None => Ok(None),
        }
    }

    /// The ticket, if it is one.
    fn ticket(kind: EventKind, tickets: bool, event: &Value) -> Result<Option<String>, Refusal> {
        match of(event, kind, &edge(true, tickets))? {
            Some(Credential::Ticket(ticket)) => Ok(Some(ticket.expose().to_owned())),
            Some(Credential::Access(_)) => Ok(Some("an access token".to_owned())),
            None => Ok(None),
        }
    }

    #[test]
    fn a_ticket_is_a_websockets_in_the_query_or_among_its_subprotocols_where_tickets_are_on() {
        for event in [
            json!({"queryStringParameters": {"ticket": "a.b.c"}}),
            json!({"multiValueQueryStringParameters": {"ticket": ["a.b.c"]}, "queryStringParameters": {"ticket": "a.b.c"}}),
            json!({"headers": {"sec-websocket-protocol": "chat.v1, nova.ticket.a.b.c"}}),
        ] {
            assert_eq!(ticket(EventKind::WebSocket, true, &event), some("a.b.c"), "{event}");
            assert_eq!(ticket(EventKind::WebSocket, false, &event), Ok(None), "{event}");
            for kind in [EventKind::RestToken, EventKind::Rest, EventKind::Http1, EventKind::Http2] {
                assert_eq!(ticket(kind, true, &event), Ok(None), "{event}");
            }
        }
    }

    #[test]
    fn a_ticket_beside_anything_else_is_refused() {
        for event in [
            json!({"queryStringParameters": {"ticket": "a", "access_token": "b"}}),
            json!({"queryStringParameters": {"ticket": "a"}, "headers": {"authorization": "Bearer b"}}),
            json!({"queryStringParameters": {"ticket": "a"}, "headers": {"sec-websocket-protocol": "nova.ticket.a"}}),
            json!({"headers": {"sec-websocket-protocol": "nova.ticket.a, nova.bearer.b"}}),
            json!({"multiValueQueryStringParameters": {"ticket": ["a", "a"]}}),
            json!({"queryStringParameters": {"ticket": ""}}),
            json!({"headers": {"sec-websocket-protocol": "nova.ticket."}}),
        ] {
            assert_eq!(ticket(EventKind::WebSocket, true, &event), Err(Refusal::TokenInvalid), "{event}");
        }
    }

    fn some(token: &str) -> Result<Option<String>, Refusal> {
        Ok(Some(token.to_owned()))
    }

    #[test]
    fn a_token_is_found_in_any_spelling_of_its_header() {
        for event in [
            json!({"headers": {"authorization": "Bearer abc"}}),
            json!({"headers": {"AUTHORIZATION": "bearer abc"}, "multiValueHeaders": null}),
            json!({"headers": null, "multiValueHeaders": {"Authorization": ["Bearer abc"]}}),
            json!({"headers": {"Authorization": "Bearer abc"}, "multiValueHeaders": {"Authorization": ["Bearer abc"]}}),
            json!({"headers": {"Authorization": "Bearer abc"}, "multiValueHeaders": {"Host": ["x"]}, "cookies": null}),
        ] {
            for kind in [EventKind::Rest, EventKind::Http1, EventKind::Http2, EventKind::WebSocket] {
                assert_eq!(read(kind, false, &event), some("abc"), "{event}");
            }
        }
        let event = json!({"authorizationToken": "Bearer abc", "headers": {"authorization": "Bearer other"}});
        assert_eq!(read(EventKind::RestToken, false, &event), some("abc"));
    }

    #[test]
    fn appsync_hands_on_a_token_with_its_scheme_or_without_and_what_is_neither_is_refused() {
        let of = |value: Value| read(EventKind::AppSync, true, &json!({"authorizationToken": value}));
        for text in ["a.b.c", "Bearer a.b.c", " bearer  a.b.c "] {
            assert_eq!(of(json!(text)), some("a.b.c"), "{text}");
        }
        for none in [json!(null), json!(""), json!(" ")] {
            assert_eq!(of(none.clone()), Ok(None), "{none}");
        }
        for bad in [
            json!("Basic abc"),
            json!("a b"),
            json!("a,b"),
            json!("Bearer a, Bearer b"),
            json!(1),
            json!(["a"]),
        ] {
            assert_eq!(of(bad.clone()), Err(Refusal::TokenInvalid), "{bad}");
        }
        // Nowhere else, and no ticket.
        for elsewhere in [
            json!({"headers": {"authorization": "Bearer abc"}, "requestHeaders": {"authorization": "Bearer abc"}}),
            json!({"queryStringParameters": {"ticket": "a.b.c", "access_token": "a.b.c"}}),
            json!({"headers": {"sec-websocket-protocol": "nova.ticket.a.b.c"}}),
        ] {
            assert_eq!(read(EventKind::AppSync, true, &elsewhere), Ok(None), "{elsewhere}");
        }
    }

    #[test]
    fn several_tokens_are_refused_however_they_are_sent() {
        for event in [
            json!({"multiValueHeaders": {"authorization": ["Bearer a", "Bearer b"]}}),
            json!({"multiValueHeaders": {"authorization": ["Bearer a", "Bearer a"]}}),
            json!({"multiValueHeaders": {"authorization": ["Bearer a"], "Authorization": ["Bearer b"]}}),
            json!({"headers": {"authorization": "Bearer a", "AUTHORIZATION": "Basic b"}}),
            // As HTTP APIs put several into one.
            json!({"headers": {"authorization": "Bearer a,Bearer b"}}),
            json!({"multiValueHeaders": {"authorization": ["Bearer a", "Bearer\nb"]}}),
        ] {
            for kind in [EventKind::Rest, EventKind::Http1, EventKind::Http2, EventKind::WebSocket] {
                assert_eq!(read(kind, true, &event), Err(Refusal::TokenInvalid), "{event}");
            }
        }
    }

    #[test]
    fn a_websocket_says_its_token_among_its_subprotocols() {
        for (protocols, found) in [
            (json!("nova.bearer.a.b.c"), some("a.b.c")),
            (json!("chat.v1, nova.bearer.a.b.c"), some("a.b.c")),
            (json!(["chat.v1", "nova.bearer.a.b.c"]), some("a.b.c")),
            (json!("chat.v1"), Ok(None)),
            (json!("nova.bearer.a, nova.bearer.a"), Err(Refusal::TokenInvalid)),
            (json!(["nova.bearer.a", "nova.bearer.b"]), Err(Refusal::TokenInvalid)),
            (json!("nova.bearer."), Err(Refusal::TokenInvalid)),
            // Subprotocols have one spelling.
            (json!("NOVA.BEARER.a"), Ok(None)),
        ] {
            let event = json!({"multiValueHeaders": {"Sec-WebSocket-Protocol": protocols}});
            assert_eq!(read(EventKind::WebSocket, false, &event), found, "{event}");
            assert_eq!(read(EventKind::Rest, false, &event), Ok(None), "{event}");
        }
        let both =
            json!({"headers": {"sec-websocket-protocol": "nova.bearer.a", "authorization": "Bearer a"}});
        assert_eq!(read(EventKind::WebSocket, false, &both), Err(Refusal::TokenInvalid));
    }

    #[test]
    fn the_query_counts_only_where_it_was_switched_on_and_for_websockets() {
        let event = json!({"queryStringParameters": {"access_token": "a.b.c"}});
        assert_eq!(read(EventKind::WebSocket, false, &event), Ok(None));
        assert_eq!(read(EventKind::WebSocket, true, &event), some("a.b.c"));
        for kind in [EventKind::Rest, EventKind::Http1, EventKind::Http2] {
            assert_eq!(read(kind, true, &event), Ok(None));
        }
        let twice = json!({"multiValueQueryStringParameters": {"access_token": ["a", "b"]}});
        assert_eq!(read(EventKind::WebSocket, true, &twice), Err(Refusal::TokenInvalid));
        let beside =
            json!({"queryStringParameters": {"access_token": "a"}, "headers": {"authorization": "Bearer a"}});
        assert_eq!(read(EventKind::WebSocket, true, &beside), Err(Refusal::TokenInvalid));
    }
}
