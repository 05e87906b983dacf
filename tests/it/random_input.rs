//! Random bytes as bodies and headers. The seed is fixed: what fails once fails again.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use crate::support::client::Client;
use crate::support::stack::System;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// Bytes that stand in a header's value: visible, blank, or beyond ASCII.
    fn value(&mut self) -> HeaderValue {
        let bytes = self.bytes(60).into_iter().filter(|byte| *byte >= 32 && *byte != 127);
        HeaderValue::from_bytes(&bytes.collect::<Vec<_>>()).unwrap()
    }

    /// A good body with some of its bytes changed, or no body of ours at all.
    fn body(&mut self) -> Vec<u8> {
        if self.below(3) == 0 {
            return self.bytes(300);
        }
        let mut body =
            json!({"email": "nobody@example.com", "password": "Str0ng-enough!", "refreshToken": "a.b.c",
            "deviceInfo": {"userAgent": "x", "ip": "::1", "fingerprint": "y"}})
            .to_string()
            .into_bytes();
        for _ in 0..self.below(6) {
            if body.len() < 2 {
                break;
            }
            let place = self.below(body.len());
            match self.below(3) {
                0 => body[place] = self.next().to_le_bytes()[0],
                1 => drop(body.remove(place)),
                _ => body.truncate(place.max(1)),
            }
        }
        body
    }
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
                request.header(HeaderName::from_static(NAMES[random.below(NAMES.len())]), random.value());
        }
        if random.below(4) > 0 {
            request = request.header("content-type", "application/json");
        }
        let answer = client.send(request.body(random.body())).await;
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
