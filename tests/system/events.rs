//! The sample events of `events/`: what each says is sent as a request, and answered as its name promises.

use std::fs;

use nova_auth::authorizer::{AuthorizerEvent, Called, EventKind};
use nova_auth::config::AuthorizerEdge;
use nova_auth::domain::address::TrustedProxies;
use nova_auth::domain::rules::Operation;
use nova_auth::messages::Language;
use serde_json::Value;

use crate::support::binaries::workspace;
use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::signed::signed;
use crate::support::stack::{PASSWORD, System, User, with_every_route};

/// An event with its placeholders filled in.
async fn event(system: &System, sara: &User, file: &str) -> Value {
    let text = fs::read_to_string(workspace().join("events").join(file)).unwrap();
    let wants = |names: &[&str]| names.iter().any(|name| text.contains(&format!("REPLACE_WITH_{name}")));
    let mut filled = text
        .replace("REPLACE_WITH_PASSWORD", PASSWORD)
        // One that nobody was sent.
        .replace("REPLACE_WITH_CHALLENGE_TOKEN", &"A".repeat(43))
        .replace("REPLACE_WITH_MAIL_TOKEN", &"A".repeat(88));
    if wants(&["ACCESS_TOKEN", "REFRESH_TOKEN"]) {
        let pair = system.login(&Client::at(3), sara).await;
        filled = filled
            .replace("REPLACE_WITH_ACCESS_TOKEN", &pair.access)
            .replace("REPLACE_WITH_REFRESH_TOKEN", &pair.refresh);
    }
    if wants(&["CSRF_COOKIE", "LOGIN_CSRF_TOKEN", "REFRESH_COOKIE", "SESSION_CSRF_TOKEN"]) {
        let mut browser = Browser::new(system, 4);
        let login_csrf = browser.csrf().await;
        let login_cookie = browser.cookie("__Host-nova-csrf").unwrap().to_owned();
        browser.log_in(sara).await.expect_envelope();
        filled = filled
            .replace("REPLACE_WITH_CSRF_COOKIE", &login_cookie)
            .replace("REPLACE_WITH_LOGIN_CSRF_TOKEN", &login_csrf)
            .replace("REPLACE_WITH_REFRESH_COOKIE", browser.cookie("__Host-nova-refresh").unwrap())
            .replace("REPLACE_WITH_SESSION_CSRF_TOKEN", &browser.csrf_token);
    }
    assert!(!filled.contains("REPLACE"), "{file}: a placeholder that nobody knows");
    serde_json::from_str(&filled).unwrap()
}

/// Sends what a proxy event says.
async fn send(system: &System, event: &Value) -> Answer {
    let client = Client::at(2);
    let text = |name: &str| event[name].as_str().unwrap();
    let mut request = client.request(text("httpMethod"), &format!("{}{}", system.stack.url(), text("path")));
    for name in [
        "Content-Type",
        "Authorization",
        "Accept-Language",
        "User-Agent",
        "Cookie",
        "X-CSRF-Token",
        "Sec-Fetch-Site",
    ] {
        let value = event["headers"][name].as_str();
        assert_eq!(
            value,
            event["multiValueHeaders"][name][0].as_str(),
            "{name} in headers and in multiValueHeaders"
        );
        request = value.iter().fold(request, |request, value| request.header(name, *value));
    }
    let request = request.body(event["body"].as_str().unwrap_or_default().to_owned());
    // What a signature tells of its signer is in the event.
    let is_signed = event["requestContext"]["identity"]["accessKey"].is_string();
    client.send(if is_signed { signed(request) } else { request }).await
}

#[tokio::test]
async fn every_event_of_an_endpoint_is_answered_as_its_name_promises() {
    let system = System::start_with(|options| {
        with_every_route(options);
        options.parameters.insert("Registration".to_owned(), "open".to_owned());
    })
    .await;
    let sara = system.user_with("user@example.com", PASSWORD).await;
    for (file, status) in [
        ("login.rest.json", 200),
        ("login.rest.wrong-password.json", 401),
        ("login.rest.cookie.json", 200),
        ("refresh.rest.json", 200),
        ("refresh.rest.cookie.json", 200),
        ("refresh.rest.csrf.json", 403),
        ("logout.rest.json", 200),
        ("logout.rest.cookie.json", 200),
        ("csrf-token.rest.json", 200),
        ("jwks.rest.discovery.json", 404),
        ("jwks.rest.metadata.json", 404),
        ("login-factor.rest.rejected.json", 401),
        ("login-factor.rest.step-up.json", 200),
        ("ticket.rest.json", 200),
        ("introspect.rest.json", 200),
        ("passkey.rest.options.json", 200),
        ("passkey.rest.rejected.json", 401),
        ("passkey.rest.second-step-rejected.json", 401),
        ("passkey.rest.step-up-not-found.json", 404),
        ("factors.rest.passkey-options.json", 200),
        ("factors.rest.passkey-rejected.json", 400),
        ("factors.rest.json", 200),
        ("factors.rest.totp.json", 201),
        ("factors.rest.confirm-rejected.json", 404),
        ("factors.rest.recovery-rejected.json", 404),
        ("factors.rest.not-found.json", 404),
        ("password.rest.rejected.json", 400),
        ("register.rest.json", 201),
        ("register.rest.taken.json", 409),
        ("recover.rest.json", 202),
        ("redeem.rest.rejected.json", 400),
        ("redeem.rest.verify-rejected.json", 400),
        ("redeem.rest.invitation-rejected.json", 400),
        ("redeem.rest.email-rejected.json", 400),
        ("redeem.rest.deny-rejected.json", 400),
        ("email.rest.resend.json", 202),
        ("email.rest.json", 202),
        ("sessions.rest.json", 200),
        ("sessions.rest.not-found.json", 404),
        // The last one, for it sets another password than the others log in with.
        ("password.rest.json", 200),
    ] {
        let event = event(&system, &sara, file).await;
        let context = &event["requestContext"];
        assert_eq!(event["resource"], context["resourcePath"], "{file}");
        assert!(context["identity"]["sourceIp"].is_string() && context["requestId"].is_string(), "{file}");
        let answer = send(&system, &event).await;
        assert_eq!(answer.status, status, "{file}: {}", answer.body);
        assert_eq!(answer.header("content-language"), "en", "{file}");
        // RFC 7662 says what this one looks like.
        if !file.starts_with("introspect.") {
            answer.expect_envelope();
        }
    }
}

#[tokio::test]
async fn every_event_of_the_authorizer_is_read_with_its_token() {
    let system = System::start().await;
    let sara = system.user_with("user@example.com", PASSWORD).await;
    let arn = "arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI";
    let lobby = || "/chat/lobby".to_owned();
    let at_appsync = [
        ("appsync.connect", Operation::Connect),
        ("appsync.subscribe", Operation::Subscribe(lobby())),
        ("appsync.publish", Operation::Publish(lobby())),
    ];
    let at_appsync = at_appsync.map(|(file, operation)| {
        (file, EventKind::AppSync, Called::Event { api: "EXAMPLEAPI".to_owned(), operation })
    });
    let methods = [
        ("rest.token", EventKind::RestToken, "/v1/GET/whoami"),
        ("rest.request", EventKind::Rest, "/v1/GET/whoami"),
        ("rest.request.no-token", EventKind::Rest, "/v1/GET/whoami"),
        ("http1", EventKind::Http1, "/$default/GET/whoami"),
        ("http2", EventKind::Http2, "/$default/GET/whoami"),
        ("http2.no-token", EventKind::Http2, "/$default/GET/whoami"),
        ("ws", EventKind::WebSocket, "/v1/$connect"),
        ("ws.no-token", EventKind::WebSocket, "/v1/$connect"),
    ];
    let methods = methods.map(|(file, kind, method)| {
        let resource = match kind {
            EventKind::RestToken | EventKind::WebSocket => None,
            _ => Some("/whoami".to_owned()),
        };
        (file, kind, Called::Method { arn: format!("{arn}{method}"), resource })
    });
    for (file, kind, called) in methods.into_iter().chain(at_appsync) {
        let event = event(&system, &sara, &format!("token-authorizer.{file}.json")).await.to_string();
        let edge = AuthorizerEdge {
            default_language: Language::Arabic,
            trusted_proxies: TrustedProxies::default(),
            websocket_token_query: false,
            tickets: false,
        };
        let read = AuthorizerEvent::read(&event, &edge).unwrap();
        assert_eq!((read.kind, read.called), (kind, called), "{file}");
        match read.credential.unwrap() {
            Some(token) => system.assert_lets_in(&Client::at(2), token.text(), &sara).await,
            None => assert!(file.ends_with(".no-token"), "{file} has a token that is not found"),
        }
    }
}
