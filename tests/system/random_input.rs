//! Random bytes as bodies and headers. The seed is fixed: what fails once fails again.

use nova_test_support::random::Random;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use crate::support::client::Client;
use crate::support::stack::System;

/// Bytes that stand in a header's value: visible, blank, or beyond ASCII.
fn value(random: &mut Random) -> HeaderValue {
    let bytes = random.bytes(60).into_iter().filter(|byte| *byte >= 32 && *byte != 127);
    HeaderValue::from_bytes(&bytes.collect::<Vec<_>>()).unwrap()
}

/// A good body with some of its bytes changed, or no body of ours at all.
fn body(random: &mut Random) -> Vec<u8> {
    if random.below(3) == 0 {
        return random.bytes(300);
    }
    let mut body =
        json!({"email": "nobody@example.com", "password": "Str0ng-enough!", "refreshToken": "a.b.c",
        "deviceInfo": {"userAgent": "x", "ip": "::1", "fingerprint": "y"}})
        .to_string()
        .into_bytes();
    for _ in 0..random.below(6) {
        if body.len() < 2 {
            break;
        }
        let place = random.below(body.len());
        match random.below(3) {
            0 => body[place] = random.next_u64().to_le_bytes()[0],
            1 => drop(body.remove(place)),
            _ => body.truncate(place.max(1)),
        }
    }
    body
}

const NAMES: [&str; 10] = [
    "authorization",
    "accept-language",
    "user-agent",
    "x-forwarded-for",
    "cookie",
    "origin",
    "accept",
    "x-amzn-trace-id",
    "content-encoding",
    "x-csrf-token",
];

#[tokio::test]
async fn two_hundred_random_requests_are_all_refused_and_none_is_our_fault() {
    let system = System::start().await;
    let mut random = Random(20_261_124);
    let urls = [
        ("POST", system.auth("login")),
        ("POST", system.auth("refresh")),
        ("POST", system.auth("logout")),
        ("GET", system.notes("/whoami")),
        ("GET", system.token_notes("/whoami")),
    ];
    for number in 0..200_u8 {
        // An address each: a guess among them must not make the others wait.
        let client = Client::at(number.saturating_add(2));
        let (method, url) = random.pick(&urls).clone();
        let mut request = client.request(method, &url);
        for _ in 0..random.below(8) {
            request =
                request.header(HeaderName::from_static(NAMES[random.below(NAMES.len())]), value(&mut random));
        }
        if random.below(4) > 0 {
            request = request.header("content-type", "application/json");
        }
        let answer = client.send(request.body(body(&mut random))).await;
        let what = format!("request {number} to {url}: {} {}", answer.status, answer.body);
        assert!((400..500).contains(&answer.status), "{what}");
        assert!(!answer.code().is_empty(), "{what}");
        answer.expect_envelope();
    }
    let (sara, client) = (system.user("sara").await, Client::at(250));
    let pair = system.login(&client, &sara).await;
    system.assert_lets_in(&client, &pair.access, &sara).await;
    let logs = system.stop().await;
    assert!(!logs.contains("panicked") && !logs.contains("its process ended"), "{logs}");
}
