//! What a kept answer is kept by: the values of the identity sources, in an event of payload 2.0.
//!
//! API Gateway gives an answer that it keeps to every later call with the same values. A simple response names no route, so
//! the values have to tell apart all calls that the rules may tell apart. The event has the values and not their names: a
//! value that is also a header or a part of the query may be the client's own words, and proves nothing.

use serde_json::{Map, Value};

/// Whether a simple response that is kept under this event's identity sources meets no call that it is not about: the route
/// is among them; where the route takes any method, the method too; and where it takes many paths, the path.
pub(super) fn tell_calls_apart(event: &Value, route_key: &str) -> bool {
    let http = |name: &str| event.pointer("/requestContext/http")?.get(name)?.as_str();
    let raw_path = event.get("rawPath").and_then(Value::as_str);
    let is_everything = route_key == "$default";
    // With or without the stage: a path is told apart by either.
    let path_is_told = || [raw_path, http("path")].iter().flatten().any(|path| is_source(event, path));
    is_source(event, route_key)
        && (!(is_everything || route_key.starts_with("ANY "))
            || http("method").is_some_and(|method| is_source(event, method)))
        && (!(is_everything || route_key.contains('{')) || path_is_told())
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
