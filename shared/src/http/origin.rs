//! The page that asked for a request, as its browser tells: for CSRF, and for CORS (the Fetch Standard, section 3.3).
//!
//! Scripts can't set any of these headers. What is no browser can, and has nobody's cookies.

use lambda_http::{
    Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
};

use super::answer::put;
use crate::{domain::origin::AllowedHeaders, settings::EdgeConfig};

/// How long a browser may keep what a preflight said.
const PREFLIGHT_SECONDS: &str = "600";

/// The headers that our endpoints read, and those that the browsers' tracing libraries put on every request of a page. Who
/// may call with cookies may say more than that: `EdgeConfig::allowed_headers`.
const HEADERS: &str = "Authorization, Content-Type, X-CSRF-Token, \
    traceparent, tracestate, baggage, sentry-trace, X-Requested-With";

/// What is known of the page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// It is one that may use cookies: ours, or on the allow-list.
    pub(super) ours: bool,
    /// Its origin, where it is another than ours and on the allow-list: it may read what is answered.
    reader: Option<HeaderValue>,
}

impl Page {
    /// Judges by `Origin`; by `Sec-Fetch-Site` where there is none, as in a GET to the own origin. With neither nobody can
    /// tell, and that is a no.
    pub(super) fn of(headers: &HeaderMap, edge: &EdgeConfig) -> Self {
        if !headers.contains_key(header::ORIGIN) {
            let site = single(headers, "sec-fetch-site");
            return Self { ours: matches!(site, Some("same-origin" | "same-site")), reader: None };
        }
        let Some(origin) = single(headers, "origin") else { return Self::default() };
        let allowed = edge.allowed_origins.contains(origin);
        let reader = HeaderValue::from_str(origin).ok().filter(|_| allowed);
        Self { ours: allowed || own(headers).as_deref() == Some(origin), reader }
    }

    /// Lets the page read an answer, if it may. Caches are told that another page gets another one.
    pub(super) fn share(&self, response: &mut Response<Body>) {
        put(response, header::VARY, "Origin");
        let Some(origin) = &self.reader else { return };
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        put(response, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        let readable = "Retry-After, RateLimit, RateLimit-Policy, X-Request-Id";
        put(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }

    /// Lets the page make requests of these methods, with these headers beside those that everybody needs, if it may.
    pub(super) fn permit(&self, response: &mut Response<Body>, methods: &str, more: &AllowedHeaders) {
        self.share(response);
        if self.reader.is_some() {
            put(response, header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            let headers: Vec<&str> = std::iter::once(HEADERS).chain(more.iter()).collect();
            put(response, header::ACCESS_CONTROL_ALLOW_HEADERS, &headers.join(", "));
            put(response, header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
        }
    }
}

/// The origin that the request was sent to. Browsers reach API Gateway by HTTPS alone; it says so itself, whatever the
/// client says.
fn own(headers: &HeaderMap) -> Option<String> {
    let scheme = match headers.contains_key("x-forwarded-proto") {
        true => single(headers, "x-forwarded-proto")?,
        false => "https",
    };
    Some(format!("{scheme}://{}", single(headers, "host")?))
}

/// The value of a header that stands there once.
fn single<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{address::TrustedProxies, origin::AllowedOrigins},
        messages::Language,
    };

    fn page(headers: &[(&'static str, &str)]) -> Page {
        let edge = EdgeConfig {
            default_language: Language::Arabic,
            trusted_proxies: TrustedProxies::default(),
            allowed_origins: AllowedOrigins::parse("https://app.example.com").unwrap(),
            allowed_headers: AllowedHeaders::default(),
        };
        let mut map = HeaderMap::new();
        for (name, value) in [("host", "auth.example.com")].iter().chain(headers) {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Page::of(&map, &edge)
    }

    #[test]
    fn a_page_of_ours_or_of_the_list_may_use_cookies() {
        for ours in [
            &[("origin", "https://auth.example.com")][..],
            &[("origin", "https://app.example.com")],
            &[("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-site")],
            &[("x-forwarded-proto", "http"), ("origin", "http://auth.example.com")],
        ] {
            assert!(page(ours).ours, "{ours:?}");
        }
    }

    #[test]
    fn any_other_may_not_and_neither_may_one_that_nobody_can_tell() {
        for other in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://auth.example.com")],
            &[("origin", "https://auth.example.com:8443")],
            &[("origin", "https://auth.example.com.evil.example")],
            &[("origin", "https://AUTH.example.com")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://auth.example.com"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            &[("x-forwarded-proto", "https"), ("origin", "http://auth.example.com")],
            &[("host", "evil.example"), ("origin", "https://evil.example")],
        ] {
            assert!(!page(other).ours, "{other:?}");
        }
    }

    #[test]
    fn only_a_page_of_the_list_gets_to_read() {
        let shared = |origin: &str| {
            let mut response = Response::new(Body::Empty);
            page(&[("origin", origin)]).share(&mut response);
            assert_eq!(response.headers()["vary"], "Origin");
            let told = response.headers().get("access-control-allow-origin").cloned();
            assert_eq!(told.is_some(), response.headers().contains_key("access-control-allow-credentials"));
            told
        };
        assert_eq!(shared("https://app.example.com").unwrap(), "https://app.example.com");
        for other in ["https://evil.example", "https://auth.example.com", "null"] {
            assert_eq!(shared(other), None, "{other}");
        }
    }
}
