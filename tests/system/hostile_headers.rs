//! Headers that no browser sends: none of them changes who is calling, and none makes a function fail.

use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::client::Client;
use crate::support::rows::SESSIONS;
use crate::support::stack::{PASSWORD, Pair, System};

#[tokio::test]
async fn a_client_that_claims_other_addresses_is_still_counted_at_its_own() {
    let system = System::start().await;
    let client = Client::at(77);
    for claim in ["203.0.113.1", "203.0.113.2, 127.0.0.1", "::1", "unknown", "127.0.0.2"] {
        let request = client.request("POST", &system.auth("login"));
        let request = ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip"]
            .into_iter()
            .fold(request, |request, name| request.header(name, claim));
        let email = format!("nobody-{}@example.com", claim.len());
        let body = json!({"email": email, "password": "x", "deviceInfo": {"ip": claim}});
        client.send(request.json(&body)).await.expect(401, "INVALID_CREDENTIALS");
    }
    let windows = system.rows.like(SESSIONS, "ATTEMPTS#ADDRESS#", "WINDOW").await;
    assert_eq!(windows.len(), 1, "{windows:?}");
    assert_eq!(windows[0]["pk"]["S"], "ATTEMPTS#ADDRESS#127.0.0.77");
    assert_eq!(windows[0]["hits"]["SS"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_its_clients_and_nobody_else_does() {
    let system = System::start_with(|options| {
        options.parameters.insert("TrustedProxies".to_owned(), "127.0.0.9/32".to_owned());
    })
    .await;
    for (last, counted) in [(9, "203.0.113.7"), (8, "127.0.0.8")] {
        let client = Client::at(last);
        let request = client.request("POST", &system.auth("login"));
        let request = request.header("x-forwarded-for", "198.51.100.1, 203.0.113.7");
        let body = json!({"email": format!("nobody-{last}@example.com"), "password": "x"});
        client.send(request.json(&body)).await.expect(401, "INVALID_CREDENTIALS");
        system.rows.one(SESSIONS, &format!("ATTEMPTS#ADDRESS#{counted}"), "WINDOW").await;
    }
    assert_eq!(system.rows.like(SESSIONS, "ATTEMPTS#ADDRESS#", "").await.len(), 2);
}

#[tokio::test]
async fn the_device_is_what_the_service_saw_and_what_the_client_says_is_kept_apart() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(77));
    let agent = HeaderValue::from_bytes(format!("Agent\t{}", "x".repeat(2_000)).as_bytes()).unwrap();
    let claimed = json!({"userAgent": "Claimed/1.0", "ip": "203.0.113.1", "fingerprint": "print"});
    let request = client.request("POST", &system.auth("login")).header("user-agent", agent);
    let body = json!({"email": sara.email, "password": PASSWORD, "deviceInfo": claimed});
    Pair::of(&client.send(request.json(&body)).await);
    let session = system.rows.one(SESSIONS, "USER#", "SESSION#").await;
    let device = &session["device"]["M"];
    assert_eq!(device["ip"]["S"], "127.0.0.77");
    let seen = device["userAgent"]["S"].as_str().unwrap();
    assert!(seen.starts_with("Agentx") && seen.chars().count() == 512, "{seen}");
    assert_eq!(session["claimed"]["M"]["ip"]["S"], "203.0.113.1");
    assert!(!session.to_string().contains("\"print\""), "{session}");
}

#[tokio::test]
async fn an_authorization_that_could_be_read_in_two_ways_is_read_in_none() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let good = format!("Bearer {}", pair.access);
    let values: [&[&[u8]]; 7] = [
        &[good.as_bytes(), good.as_bytes()],
        &[b"Bearer x", good.as_bytes()],
        &[good.as_bytes(), b"Basic eDp5"],
        &[b"Bearer \xd8\xba"],
        &[b"\xff\xfe"],
        &[b"Bearer a b"],
        &[b"Bearer a, Bearer b"],
    ];
    for values in values {
        let with = |request: reqwest::RequestBuilder| {
            values.iter().fold(request, |request, value| {
                request.header("authorization", HeaderValue::from_bytes(value).unwrap())
            })
        };
        let answer = client.send(with(client.request("GET", &system.notes("/whoami")))).await;
        answer.expect(401, "UNAUTHORIZED");
        let answer = client.send(with(client.request("POST", &system.auth("logout")))).await;
        answer.expect_envelope();
        assert_eq!(answer.status, 401, "{values:?} {}", answer.body);
    }
    system.assert_lets_in(&client, &pair.access, &sara).await;
    // The scheme is read in any case, as RFC 9110 has it.
    let request = client.request("GET", &system.notes("/whoami"));
    let answer = client.send(request.header("authorization", format!("bEARER  {}", pair.access))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn odd_wishes_for_a_language_get_an_answer_in_one_that_we_speak() {
    let system = System::start().await;
    let client = Client::at(2);
    let wishes: [Vec<u8>; 8] = [
        b"en;q=nan".to_vec(),
        b"en;q=nan,".repeat(700),
        b"*;q=0".to_vec(),
        b";;;;,,,,====".to_vec(),
        b"en-\xff".to_vec(),
        "عربي".into(),
        b"x".repeat(8_000),
        b"en;q=1e9, ar;q=-0".to_vec(),
    ];
    for wish in wishes {
        let request = client.request("POST", &system.auth("refresh"));
        let request = request.header("accept-language", HeaderValue::from_bytes(&wish).unwrap());
        let answer = client.send(request.json(&json!({}))).await;
        answer.expect(400, "REFRESH_TOKEN_REQUIRED");
        assert_eq!(answer.header("content-language"), "ar", "{wish:?}");
    }
}

/// What a server answers to these very bytes.
async fn raw(system: &System, bytes: &[u8]) -> String {
    let address = system.stack.url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_host_that_is_none_does_not_bring_a_function_down() {
    let system = System::start().await;
    let head =
        |host: &str| format!("POST /api/auth/refresh HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for host in ["a b", "", "[", "a:b:c", "exa\u{fc}mple", "http://x/y?z#"] {
        let request =
            format!("{}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}", head(host));
        let answer = raw(&system, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{host}: {answer}");
        let body: Value = serde_json::from_str(answer.rsplit("\r\n\r\n").next().unwrap()).unwrap();
        assert_eq!(body["code"], "REFRESH_TOKEN_REQUIRED", "{host}");
    }
    assert!(!system.stop().await.contains("panicked"));
}
