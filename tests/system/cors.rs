//! Other origins: none may call from a browser unless it is on the list.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::client::{Answer, Client};
use crate::support::stack::{PASSWORD, System, routes, with_every_route};
use serde_json::json;

const APP: &str = "https://app.example.com";
/// Of no session and no factor: nothing is looked for.
const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

/// What our endpoints read, and what the browsers' tracing libraries add to every request of a page.
const ALLOWED: &str = "Authorization, Content-Type, X-CSRF-Token, traceparent, tracestate, baggage, sentry-trace, X-Requested-With";

async fn preflight(system: &System, path: &str, origin: &str) -> Answer {
    let client = Client::at(2);
    let request = client.request("OPTIONS", &format!("{}{path}", system.stack.url()));
    let request = request.header("origin", origin).header("access-control-request-method", "POST");
    client.send(request.header("access-control-request-headers", "content-type,x-csrf-token")).await
}

/// Every path that pages call, with its methods. The key set and the metadata are read by servers, which ask about tokens, too: they
/// have no preflight.
fn paths() -> BTreeMap<String, BTreeSet<String>> {
    let mut paths = BTreeMap::<_, BTreeSet<_>>::new();
    let called = |path: &str| !path.starts_with("/.well-known/") && path != "/api/auth/introspect";
    for route in routes().into_iter().filter(|route| route.method != "OPTIONS" && called(&route.path)) {
        paths.entry(route.path.replace("{id}", ID)).or_default().insert(route.method);
    }
    paths
}

fn told(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(|name| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn a_page_of_the_list_may_ask_every_endpoint_with_cookies_and_read_what_it_says() {
    let system = System::start_with(|options| {
        with_every_route(options);
        let origins = "https://other.example.com, https://app.example.com";
        options.parameters.insert("AllowedOrigins".to_owned(), origins.to_owned());
    })
    .await;
    for (path, methods) in paths() {
        let path = path.as_str();
        let answer = preflight(&system, path, APP).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), APP, "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true", "{path}");
        let listed = answer.header("access-control-allow-methods");
        assert_eq!(listed.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), methods, "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), ALLOWED);
        assert_eq!(answer.header("access-control-max-age"), "600", "{path}");
        assert_eq!(answer.header("allow"), listed, "{path}");
        assert_eq!(answer.header("vary"), "Origin", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    // Answers and refusals alike: a page that can't read a refusal can't say what is wrong.
    let (client, sara) = (Client::at(2), system.user("sara").await);
    for (password, status) in [(PASSWORD, 200), ("wrong", 401)] {
        let request = client.request("POST", &system.auth("login")).header("origin", APP);
        let body = json!({"email": sara.email, "password": password});
        let answer = client.send(request.json(&body)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        let exposed = "Retry-After, RateLimit, RateLimit-Policy, X-Request-Id";
        assert_eq!(answer.header("access-control-expose-headers"), exposed);
        assert_eq!(answer.header("vary"), "Origin");
    }
}

#[tokio::test]
async fn further_headers_are_allowed_by_a_parameter_to_the_pages_of_the_list_alone() {
    let system = System::start_with(|options| {
        options.parameters.insert("AllowedOrigins".to_owned(), APP.to_owned());
        options.parameters.insert("AllowedHeaders".to_owned(), "X-Tenant, x-datadog-trace-id".to_owned());
    })
    .await;
    let answer = preflight(&system, "/api/auth/login", APP).await;
    assert_eq!(
        answer.header("access-control-allow-headers"),
        format!("{ALLOWED}, X-Tenant, x-datadog-trace-id")
    );
    let answer = preflight(&system, "/api/auth/login", "https://evil.example").await;
    assert_eq!(told(&answer), Vec::<&str>::new());
}

/// Each of these stopped every function once.
#[tokio::test]
async fn an_origin_is_taken_as_it_is_meant_and_a_hybrid_app_has_one() {
    let system = System::start_with(|options| {
        let list = "HTTPS://App.Example.com/ ,capacitor://localhost, ionic://localhost,app://crm.example";
        options.parameters.insert("AllowedOrigins".to_owned(), list.to_owned());
    })
    .await;
    for origin in [APP, "capacitor://localhost", "ionic://localhost", "app://crm.example"] {
        let answer = preflight(&system, "/api/auth/login", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    for other in ["https://App.Example.com", "capacitor://evil.example", "http://localhost"] {
        let answer = preflight(&system, "/api/auth/login", other).await;
        assert_eq!(told(&answer), Vec::<&str>::new(), "{other}");
    }
}

#[tokio::test]
async fn any_other_page_is_told_nothing_and_by_default_that_is_every_page() {
    let listed = System::start_with(|options| {
        with_every_route(options);
        options.parameters.insert("AllowedOrigins".to_owned(), APP.to_owned());
    })
    .await;
    let by_default = System::start_with(with_every_route).await;
    for (system, origins) in [
        (
            &listed,
            &["https://evil.example", "null", "http://app.example.com", "https://app.example.com:8443"][..],
        ),
        (&by_default, &[APP, "null"]),
    ] {
        for origin in origins {
            for path in paths().keys() {
                let answer = preflight(system, path, origin).await;
                assert_eq!((answer.status, told(&answer)), (204, vec![]), "{path} {origin}");
                assert_eq!(answer.header("vary"), "Origin", "{path} {origin}");
            }
            let client = Client::at(2);
            let request = client.request("POST", &system.auth("refresh")).header("origin", *origin);
            let answer = client.send(request.json(&json!({"refreshToken": "x"}))).await;
            answer.expect(401, "REFRESH_TOKEN_INVALID");
            assert_eq!((told(&answer), answer.header("vary")), (vec![], "Origin"), "{origin}");
        }
    }
}

/// API Gateway's own refusals are the same for everybody: it can't look at a list. The docs say so.
#[tokio::test]
async fn what_the_gateway_refuses_by_itself_no_page_of_another_origin_can_read() {
    let system = System::start_in(&[("ALLOWED_ORIGINS", APP)]).await;
    let client = Client::at(2);
    let request = client.request("GET", &system.auth("login")).header("origin", APP);
    let answer = client.send(request).await;
    answer.expect(404, "NOT_FOUND");
    assert_eq!(told(&answer), Vec::<&str>::new());
}
