//! Bodies that no client of ours sends: each is a clear no in the envelope, and the next request is served.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::stack::{PASSWORD, System};

const ENDPOINTS: [&str; 5] = ["login", "refresh", "logout", "register", "password"];

/// A system in which every endpoint reads its body.
async fn start() -> System {
    System::start_in(&[("REGISTRATION", "open"), ("API_RATE_LIMIT", "0")]).await
}

async fn post(system: &System, endpoint: &str, kind: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let client = Client::at(2);
    let request = client.request("POST", &system.auth(endpoint)).body(body);
    // A password is changed by bearer; the body is read before anybody asks whose token that is.
    let request = if endpoint == "password" { request.bearer_auth("x") } else { request };
    client.send(kind.iter().fold(request, |request, kind| request.header("content-type", *kind))).await
}

/// The function still serves, and none of its processes fell over on the way.
async fn assert_unharmed(system: System) {
    let (sara, client) = (system.user("unharmed").await, Client::at(250));
    let pair = system.login(&client, &sara).await;
    let next = system.refresh(&client, &pair.refresh).await;
    assert_eq!(next.status, 200, "{}", next.body);
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    let logs = system.stop().await;
    for sign in ["panicked", "its process ended", "malformed"] {
        assert!(!logs.contains(sign), "{logs}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_not_read() {
    let system = start().await;
    let body = json!({"email": "a@example.com", "password": "x", "refreshToken": "x"}).to_string();
    for endpoint in ENDPOINTS {
        for kind in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("application/jsonp"),
            Some("text/json"),
            Some(""),
        ] {
            let answer = post(&system, endpoint, kind, body.clone()).await;
            answer.expect(415, "UNSUPPORTED_MEDIA_TYPE");
        }
        let client = Client::at(2);
        let twice = client.request("POST", &system.auth(endpoint)).body(body.clone()).bearer_auth("x");
        let twice = twice.header("content-type", "application/json").header("content-type", "text/plain");
        client.send(twice).await.expect(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for kind in [
        "APPLICATION/JSON",
        "application/json ; charset=\"UTF-8\"",
        "application/json;x=y",
        "application/json;charset=utf8",
        "application/json; charset=utf-16",
    ] {
        let answer = post(&system, "refresh", Some(kind), body.clone()).await;
        answer.expect(401, "REFRESH_TOKEN_INVALID");
    }
    assert_unharmed(system).await;
}

#[tokio::test]
async fn a_body_that_is_not_one_json_object_with_distinct_members_is_not_read() {
    let system = start().await;
    let deep = format!("{{\"refreshToken\":{}1{}}}", "[".repeat(7_000), "]".repeat(7_000));
    for endpoint in ENDPOINTS {
        for body in [
            "{",
            "}",
            "[]",
            "[{}]",
            "\"x\"",
            "1",
            "null",
            "nul",
            " ",
            "{} {}",
            "{}x",
            "\u{feff}{}",
            "{'a':1}",
            "{\"refreshToken\":\"a\",\"refreshToken\":\"b\"}",
            "{\"email\":\"a@example.com\",\"email\":\"b@example.com\",\"password\":\"x\"}",
            "{\"email\":\"a@example.com\",\"\\u0065mail\":\"b@example.com\",\"password\":\"x\"}",
            "{\"deviceInfo\":{\"ip\":\"a\",\"ip\":\"b\"}}",
            "{\"refreshToken\":\"\u{0}\"}",
            "{\"refreshToken\":\"\n\"}",
            "{\"refreshToken\":\"\\ud800\"}",
            "{\"email\":1e999}",
            "{\"email\":NaN}",
            "refreshToken=x",
            "<xml/>",
            deep.as_str(),
        ] {
            let answer = post(&system, endpoint, Some("application/json"), body.to_owned()).await;
            answer.expect(400, "VALIDATION_FAILED");
            let error = &answer.body["errors"][0];
            assert_eq!((&error["field"], &error["code"]), (&json!("body"), &json!("NOT_JSON")), "{body}");
        }
    }
    assert_unharmed(system).await;
}

#[tokio::test]
async fn a_body_larger_than_any_of_ours_is_refused_whoever_has_to_do_it() {
    let system = start().await;
    // 11 MB are API Gateway's to refuse, 1 MB is ours.
    for size in [16 * 1024 + 1, 1 << 20, 11 << 20] {
        for endpoint in ENDPOINTS {
            let body = json!({"refreshToken": "x".repeat(size)}).to_string();
            let answer = post(&system, endpoint, Some("application/json"), body).await;
            answer.expect(413, "PAYLOAD_TOO_LARGE");
        }
    }
    let padding = 16 * 1024 - json!({"refreshToken": ""}).to_string().len();
    let body = json!({"refreshToken": "x".repeat(padding)}).to_string();
    post(&system, "refresh", Some("application/json"), body).await.expect(401, "REFRESH_TOKEN_INVALID");
    assert_unharmed(system).await;
}

/// The faults of an answer, as `field CODE`.
fn faults(answer: &Answer) -> Vec<String> {
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors.iter().map(|error| format!("{} {}", text(error, "field"), text(error, "code"))).collect()
}

#[tokio::test]
async fn a_field_of_another_type_is_named() {
    let system = start().await;
    let good = json!({"name": "Sara", "email": "a@example.com", "password": PASSWORD, "refreshToken": "x",
        "currentPassword": "x", "newPassword": PASSWORD,
        "deviceInfo": {"userAgent": "x", "ip": "x", "fingerprint": "x"}, "tokenDelivery": "body"});
    let fields = [
        ("login", "/email", "email"),
        ("login", "/password", "password"),
        ("login", "/tokenDelivery", "tokenDelivery"),
        ("login", "/deviceInfo/userAgent", "deviceInfo.userAgent"),
        ("login", "/deviceInfo/ip", "deviceInfo.ip"),
        ("login", "/deviceInfo/fingerprint", "deviceInfo.fingerprint"),
        ("refresh", "/refreshToken", "refreshToken"),
        ("refresh", "/deviceInfo/fingerprint", "deviceInfo.fingerprint"),
        ("logout", "/refreshToken", "refreshToken"),
        ("register", "/name", "name"),
        ("register", "/email", "email"),
        ("register", "/password", "password"),
        ("password", "/currentPassword", "currentPassword"),
        ("password", "/newPassword", "newPassword"),
    ];
    for (endpoint, pointer, field) in fields {
        for value in
            [json!(0), json!(-1.5), json!(true), json!([]), json!(["a@example.com"]), json!({"a": "b"})]
        {
            let mut body = good.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            let answer = post(&system, endpoint, Some("application/json"), body.to_string()).await;
            answer.expect(400, "VALIDATION_FAILED");
            assert_eq!(faults(&answer), [format!("{field} WRONG_TYPE")], "{endpoint} {body}");
        }
    }
    assert_unharmed(system).await;
}

#[tokio::test]
async fn a_field_with_no_value_or_none_that_fits_is_named() {
    let system = start().await;
    let long = format!("{}@example.com", "a".repeat(300));
    for (email, fault) in [
        (json!(null), "REQUIRED"),
        (json!(""), "REQUIRED"),
        (json!("   "), "REQUIRED"),
        (json!("sara"), "INVALID"),
        (json!("a@b@example.com"), "INVALID"),
        (json!("a\u{0}b@example.com"), "INVALID"),
        (json!("a b@example.com"), "INVALID"),
        (json!("a\r\nb@example.com"), "INVALID"),
        (json!("a\u{fffd}@example.com\u{0}"), "INVALID"),
        (json!(long), "TOO_LONG"),
    ] {
        let body = json!({"email": email, "password": "", "tokenDelivery": "pigeon"}).to_string();
        let answer = post(&system, "login", Some("application/json"), body).await;
        answer.expect(400, "VALIDATION_FAILED");
        let expected = [&format!("email {fault}"), "password REQUIRED", "tokenDelivery INVALID"];
        assert_eq!(faults(&answer), expected, "{email}");
    }
    // Nothing of this was an attempt.
    assert!(system.rows.like("SessionsTable", "ATTEMPTS#", "").await.is_empty());
    assert_unharmed(system).await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_as_what_they_are_replaced_by() {
    let system = start().await;
    for endpoint in ENDPOINTS {
        for body in [&b"\xff\xfe\x00\x01"[..], b"{\"email\":\xff}", b"\xef\xbb\xbf{}", b"\0"] {
            let answer = post(&system, endpoint, Some("application/json"), body.to_vec()).await;
            answer.expect(400, "VALIDATION_FAILED");
        }
    }
    let guess = b"{\"email\":\"nobody@example.com\",\"password\":\"\xff\xc3\\u0000\"}".to_vec();
    let answer = post(&system, "login", Some("application/json"), guess).await;
    answer.expect(401, "INVALID_CREDENTIALS");
    assert_unharmed(system).await;
}

/// The endpoints that read no body pass over whatever is sent.
#[tokio::test]
async fn a_body_where_none_is_read_changes_nothing() {
    let system = start().await;
    let sara = system.user("sara").await;
    let client = Client::at(2);
    let pair = system.login(&client, &sara).await;
    let urls = [system.auth("sessions"), format!("{}/api/csrf-token", system.stack.url())];
    for url in urls.iter().chain([&format!("{}/.well-known/jwks.json", system.stack.url())]) {
        for body in [&b"{"[..], b"\xff", b"{\"id\":1}"] {
            let request = client.request("GET", url).bearer_auth(&pair.access).body(body.to_vec());
            assert_eq!(client.send(request).await.status, 200, "{url}");
        }
    }
    for id in ["x", "..", "%00", "{id}", "0190163d-8694-739b-aea5-966c26f8ad9", &"a".repeat(4_000)] {
        let request = client.request("DELETE", &system.auth(&format!("sessions/{id}")));
        let answer = client.send(request.bearer_auth(&pair.access).body("{")).await;
        assert!([403, 404].contains(&answer.status), "{id}: {}", answer.body);
    }
    system.assert_lets_in(&client, &pair.access, &sara).await;
    assert_unharmed(system).await;
}

/// Cookies and CSRF tokens that no browser of ours sends.
#[tokio::test]
async fn a_cookie_or_csrf_token_of_any_bytes_is_a_clear_no() {
    let system = start().await;
    let client = Client::at(2);
    let own = system.stack.url().to_owned();
    let long = "a".repeat(5_000);
    for value in
        ["", "=", ".", "..", "a.b.c", "\"a.b.c\"", "%00", "\u{e9}\u{631}", long.as_str(), "a.b.c; a.b.c"]
    {
        let cookie = format!("__Host-nova-refresh={value}; __Host-nova-csrf={value}");
        for (method, path, expected) in [
            ("GET", "/api/csrf-token", &[200][..]),
            ("POST", "/api/auth/refresh", &[400, 401]),
            ("POST", "/api/auth/logout", &[401]),
            ("POST", "/api/auth/login", &[403]),
        ] {
            let request = client.request(method, &format!("{own}{path}")).header("origin", &own);
            let request =
                request.header("cookie", cookie.as_bytes()).header("x-csrf-token", value.as_bytes());
            let body = json!({"email": "a@example.com", "password": "x", "tokenDelivery": "cookie"});
            let answer = client.send(if method == "GET" { request } else { request.json(&body) }).await;
            assert!(expected.contains(&answer.status), "{path} {value}: {} {}", answer.status, answer.body);
            answer.expect_envelope();
        }
    }
    assert_unharmed(system).await;
}

#[tokio::test]
async fn a_member_that_nobody_knows_is_passed_over() {
    let system = start().await;
    let sara = system.user("sara").await;
    let body = json!({"email": sara.email, "password": PASSWORD, "remember": {"me": [1]}, "isAdmin": true});
    let answer = post(&system, "login", Some("application/json"), body.to_string()).await;
    assert_eq!((answer.status, &answer.body["data"]["user"]["role"]), (200, &json!("user")));
    assert_unharmed(system).await;
}
