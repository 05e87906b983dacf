//! What a kept answer is kept by: the values of the identity sources, in an event of payload 2.0.
//!
//! API Gateway gives an answer that it keeps to every later call with the same values. A simple response names no route, so
//! the values have to tell apart all calls that the rules may tell apart. The event has the values and not their names: a
//! value that is also a header or a part of the query may be the client's own words, and proves nothing.

use serde_json::{Map, Value};

use crate::domain::rules::attachment::Source;

/// Whether a simple response that is kept under this event's identity sources meets no call that it is not about: all that
/// tells calls of this route apart is among them.
pub(super) fn tell_calls_apart(event: &Value, route_key: &str) -> bool {
    Source::telling_calls_apart(route_key).all(|source| is_told(event, route_key, source))
}

/// Whether the value that an identity source has in this event is there, as the source and nothing else.
fn is_told(event: &Value, route_key: &str, source: Source) -> bool {
    let http = |name: &str| event.pointer("/requestContext/http")?.get(name)?.as_str();
    let values = match source {
        Source::Route => [Some(route_key), None],
        Source::Method => [http("method"), None],
        // With or without the stage: a path is told apart by either.
        Source::Path => [event.get("rawPath").and_then(Value::as_str), http("path")],
        // They tell users and addresses apart, not calls.
        Source::Token | Source::Address => [None, None],
    };
    values.into_iter().flatten().any(|value| is_source(event, value))
}

/// Whether one of the identity sources has this value, and nothing that the client wrote does.
fn is_source(event: &Value, value: &str) -> bool {
    let mut sources = event.get("identitySource").and_then(Value::as_array).into_iter().flatten();
    !value.is_empty()
        && sources.any(|source| source == value)
        && !written(event).any(|text| says(text, value))
}

/// All that a client can write into an identity source.
fn written(event: &Value) -> impl Iterator<Item = &str> {
    let texts = |name: &str| event.get(name).and_then(Value::as_object).into_iter().flat_map(Map::values);
    let cookies = event.get("cookies").and_then(Value::as_array).into_iter().flatten();
    texts("headers").chain(texts("queryStringParameters")).chain(cookies).filter_map(Value::as_str)
}

/// Whether a text is this value, or a list with it: repeated headers come as one, and which of them is the source isn't said.
fn says(text: &str, value: &str) -> bool {
    text == value || text.split([',', ';']).any(|part| part.trim() == value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        authorizer::event::AuthorizerEvent,
        domain::{
            address::TrustedProxies,
            rules::attachment::{Attachment, Kind},
        },
        messages::Language,
        settings::AuthorizerEdge,
    };

    fn kept(route_key: &str, sources: &Value) -> bool {
        kept_with(route_key, sources, &json!({}))
    }

    /// `GET /stage/notes/1`, with these further members.
    fn kept_with(route_key: &str, sources: &Value, more: &Value) -> bool {
        let mut event = json!({
            "identitySource": sources,
            "rawPath": "/stage/notes/1",
            "requestContext": {"http": {"method": "GET", "path": "/stage/notes/1"}},
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        tell_calls_apart(&event, route_key)
    }

    #[test]
    fn an_answer_is_kept_by_route_only_where_the_route_is_an_identity_source() {
        assert!(kept("GET /x", &json!(["Bearer a", "GET /x"])));
        for none in [json!(null), json!([]), json!(["Bearer a"]), json!("GET /x"), json!([["GET /x"]])] {
            assert!(!kept("GET /x", &none), "{none}");
        }
        assert!(!kept("", &json!([""])));
    }

    /// What `nova rules check` and `nova doctor` pass is never a 500, and what the authorizer answers is no surprise to them.
    #[test]
    fn the_authorizer_keeps_what_the_check_before_passes_and_nothing_else() {
        let kind = Kind::Http2 { simple: true };
        let all = [Source::Token, Source::Address, Source::Route, Source::Method, Source::Path];
        for route in
            ["GET /notes", "GET /notes/{id}", "ANY /notes", "GET /{proxy+}", "ANY /{proxy+}", "$default"]
        {
            for chosen in 0..1_usize << all.len() {
                let is_chosen = |index: &usize| chosen & (1 << index) != 0;
                let sources: Vec<Source> = (0..all.len()).filter(is_chosen).map(|index| all[index]).collect();
                let event = event_of(&sources, route);
                let (routes, ttl_seconds) = (vec![route.to_owned()], 60);
                let attachment = Attachment { kind, ttl_seconds, sources, routes };
                let passes = attachment.shared_by_calls().is_none();
                assert_eq!(read(&event).kept_by_route, passes, "{attachment:?}");
            }
        }
    }

    /// A call of the route as API Gateway tells of it, with these identity sources.
    fn event_of(sources: &[Source], route: &str) -> Value {
        let values: Vec<&str> = sources
            .iter()
            .map(|source| match source {
                Source::Token => "Bearer abc",
                Source::Address => "192.0.2.10",
                Source::Route => route,
                Source::Method => "GET",
                Source::Path => "/stage/notes/1",
            })
            .collect();
        json!({
            "type": "REQUEST", "version": "2.0", "routeArn": "arn:aws:execute-api:r:1:a/stage/GET/notes/1",
            "routeKey": route, "identitySource": values, "rawPath": "/stage/notes/1",
            "headers": {"authorization": "Bearer abc", "x-forwarded-for": "192.0.2.10", "host": "a.example"},
            "queryStringParameters": {"page": "2"}, "cookies": ["theme=dark"],
            "requestContext": {"http": {"method": "GET", "path": "/stage/notes/1", "sourceIp": "192.0.2.10"}},
        })
    }

    fn read(event: &Value) -> AuthorizerEvent {
        let trusted_proxies = TrustedProxies::default();
        let edge = AuthorizerEdge {
            default_language: Language::English,
            trusted_proxies,
            websocket_token_query: false,
            tickets: false,
        };
        AuthorizerEvent::read(&event.to_string(), &edge).unwrap()
    }

    /// Or a kept yes to `GET` would be given to `DELETE`.
    #[test]
    fn an_answer_about_a_route_of_any_method_is_kept_by_method_too() {
        let key = "ANY /notes";
        assert!(!kept(key, &json!(["Bearer a", key])));
        assert!(!kept(key, &json!(["Bearer a", "GET"])));
        assert!(kept(key, &json!(["Bearer a", key, "GET"])));
    }

    /// Or a kept yes to one path would be given to all that the route takes: `/notes/1`, `/notes/..`.
    #[test]
    fn an_answer_about_a_route_of_many_paths_is_kept_by_path_too() {
        for key in ["GET /{proxy+}", "GET /notes/{id}", "GET /{any}/1"] {
            assert!(!kept(key, &json!(["Bearer a", key])), "{key}");
            assert!(kept(key, &json!(["Bearer a", key, "/stage/notes/1"])), "{key}");
        }
        for key in ["$default", "ANY /{proxy+}"] {
            assert!(!kept(key, &json!([key, "GET"])), "{key}");
            assert!(!kept(key, &json!([key, "/stage/notes/1"])), "{key}");
            assert!(kept(key, &json!([key, "GET", "/stage/notes/1"])), "{key}");
        }
    }

    /// A client that writes a source itself chooses which kept answer it gets.
    #[test]
    fn what_the_client_may_have_written_is_no_proof() {
        let key = "ANY /notes";
        for (name, written) in [("route", key), ("method", "GET")] {
            for more in [
                json!({"headers": {"x-key": written}}),
                json!({"headers": {"x-key": format!("other, {written}")}}),
                json!({"queryStringParameters": {"key": written}}),
                json!({"cookies": [written]}),
            ] {
                assert!(!kept_with(key, &json!([key, "GET"]), &more), "{name}: {more}");
            }
        }
        let other = json!({"headers": {"x-key": "GET /notes"}, "queryStringParameters": {"key": "get"}});
        assert!(kept_with(key, &json!([key, "GET"]), &other));
    }
}
