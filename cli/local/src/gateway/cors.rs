//! CORS of HTTP APIs, which the gateway does by itself.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::call::Call;
use super::refusal::set;
use nova_template::Cors;

/// The answer to a preflight request that no route takes. It needs no identity, and is sent to every origin: the headers
/// say whether it may.
pub(super) fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Adds what the configuration says to an answer, and takes away what the function says of CORS: with a configuration,
/// the gateway's word alone counts.
pub(super) fn apply(cors: &Cors, call: &Call, response: &mut Response<Body>) {
    for name in ["origin", "methods", "headers", "credentials"] {
        response.headers_mut().remove(format!("access-control-allow-{name}"));
    }
    response.headers_mut().remove("access-control-expose-headers");
    response.headers_mut().remove("access-control-max-age");
    let Some(allowed) = call.header("origin").and_then(|origin| allowed(cors, origin)) else { return };
    set(response, "access-control-allow-origin", allowed);
    if cors.allow_credentials {
        set(response, "access-control-allow-credentials", "true");
    }
    if !cors.expose_headers.is_empty() {
        set(response, "access-control-expose-headers", &cors.expose_headers.join(","));
    }
    if call.method == "OPTIONS" && call.header("access-control-request-method").is_some() {
        for (name, values) in [("methods", &cors.allow_methods), ("headers", &cors.allow_headers)] {
            if !values.is_empty() {
                set(response, &format!("access-control-allow-{name}"), &values.join(","));
            }
        }
        if let Some(seconds) = cors.max_age {
            set(response, "access-control-max-age", &seconds.to_string());
        }
    }
}

/// What the origin is told: itself, or `*` where that is what the configuration says.
fn allowed<'o>(cors: &Cors, origin: &'o str) -> Option<&'o str> {
    let mut origins = cors.allow_origins.iter();
    if origins.clone().any(|own| own == "*") {
        return Some("*");
    }
    origins
        .any(|own| own == origin || scheme(own).is_some_and(|scheme| origin.starts_with(scheme)))
        .then_some(origin)
}

/// `https://` of `https://*`.
fn scheme(origin: &str) -> Option<&str> {
    origin.strip_suffix('*').filter(|scheme| ["http://", "https://"].contains(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cors: &Cors, method: &str, sent: &[(&str, &str)]) -> Vec<(String, String)> {
        let sent = sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let call = Call { method: method.to_owned(), headers: sent, ..Call::default() };
        let mut response = Response::new(Body::empty());
        set(&mut response, "access-control-allow-origin", "https://said.by.the.function");
        apply(cors, &call, &mut response);
        let headers = response.headers().iter();
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
    }

    fn cors() -> Cors {
        Cors {
            allow_origins: vec!["https://app.example.com".to_owned()],
            allow_methods: vec!["GET".to_owned(), "POST".to_owned()],
            allow_headers: vec!["authorization".to_owned()],
            allow_credentials: true,
            max_age: Some(600),
            ..Cors::default()
        }
    }

    #[test]
    fn a_known_origin_is_told_so_and_another_is_told_nothing() {
        let known = headers(&cors(), "GET", &[("origin", "https://app.example.com")]);
        assert_eq!(
            known,
            [
                ("access-control-allow-origin".to_owned(), "https://app.example.com".to_owned()),
                ("access-control-allow-credentials".to_owned(), "true".to_owned())
            ]
        );
        for other in ["https://app.example.com.evil.example", "http://app.example.com", "null", ""] {
            assert!(headers(&cors(), "GET", &[("origin", other)]).is_empty(), "{other}");
        }
        assert!(headers(&cors(), "GET", &[]).is_empty());
    }

    #[test]
    fn a_preflight_request_is_told_methods_headers_and_for_how_long() {
        let sent = [("origin", "https://app.example.com"), ("access-control-request-method", "POST")];
        let told = headers(&cors(), "OPTIONS", &sent);
        let value = |name: &str| told.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        assert_eq!(value("access-control-allow-methods"), Some("GET,POST"));
        assert_eq!(value("access-control-allow-headers"), Some("authorization"));
        assert_eq!(value("access-control-max-age"), Some("600"));
    }

    #[test]
    fn a_star_stands_for_every_origin_and_one_behind_a_scheme_for_that_scheme() {
        let of = |origin: &str| Cors { allow_origins: vec![origin.to_owned()], ..Cors::default() };
        assert_eq!(allowed(&of("*"), "https://a.example"), Some("*"));
        assert_eq!(allowed(&of("https://*"), "https://a.example"), Some("https://a.example"));
        assert_eq!(allowed(&of("https://*"), "http://a.example"), None);
        assert_eq!(allowed(&of("https://*.example.com"), "https://a.example.com"), None);
    }
}
