use aws_sigv4::http_request::SigningInstructions;
use axum::http::{HeaderName, Request};

use super::*;

const NOW: u64 = 1_700_000_000;
const BODY: &[u8] = br#"{"token":"a.b.c"}"#;

/// A request as clients of AWS sign it.
struct Sent {
    headers: HeaderMap,
    call: Call,
}

fn instructions(secret: &str, region: &str, seconds: u64) -> SigningInstructions {
    let identity = Credentials::new("notes", secret, None, None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("execute-api")
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = [("content-type", "application/json")].into_iter();
    let url = "http://127.0.0.1:3000/api/a%20b?x=1&y=%2F";
    let request = SignableRequest::new("POST", url, headers, SignableBody::Bytes(BODY)).unwrap();
    sign(request, &parameters).unwrap().into_parts().0
}

fn sent(secret: &str, region: &str, seconds: u64) -> Sent {
    let mut request = Request::builder()
        .method("POST")
        .uri("/api/a%20b?x=1&y=%2F")
        .header("host", "127.0.0.1:3000")
        .header("content-type", "application/json")
        .body(())
        .unwrap();
    for header in instructions(secret, region, seconds).into_parts().0 {
        let name = HeaderName::try_from(header.name()).unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(header.value()).unwrap());
    }
    let (parts, ()) = request.into_parts();
    let call = Call::new(&parts, "127.0.0.1:5000".parse().unwrap(), 3000, NOW * 1000);
    Sent { headers: parts.headers, call }
}

fn good() -> Sent {
    sent(SECRET, REGION, NOW)
}

fn signer(sent: &Sent, body: &[u8]) -> Result<Signer, Refusal> {
    Signer::of(&sent.call, &sent.headers, body)
}

#[test]
fn a_request_that_is_signed_with_the_secret_of_this_machine_is_its_signers() {
    let signer = signer(&good(), BODY).unwrap();
    assert_eq!(signer.identity()["accessKey"], "notes");
    assert_eq!(signer.identity()["userArn"], format!("arn:aws:iam::{ACCOUNT}:user/notes"));
}

#[test]
fn nothing_of_a_signed_request_can_be_changed() {
    let refused = Err(Refusal::InvalidSignature);
    assert_eq!(signer(&good(), b"{}"), refused);
    for (name, value) in [
        ("content-type", "text/plain"),
        ("host", "127.0.0.1:3001"),
        ("x-amz-date", "20231114T221321Z"),
        ("x-amz-date", "never"),
    ] {
        let mut changed = good();
        changed.headers.insert(name, HeaderValue::from_static(value));
        assert_eq!(signer(&changed, BODY), refused, "{name}");
    }
    let mut changed = good();
    "GET".clone_into(&mut changed.call.method);
    assert_eq!(signer(&changed, BODY), refused);
    let mut changed = good();
    "/api/a".clone_into(&mut changed.call.path);
    assert_eq!(signer(&changed, BODY), refused);
    let mut changed = good();
    "x=2".clone_into(&mut changed.call.raw_query);
    assert_eq!(signer(&changed, BODY), refused);
    let mut changed = good();
    changed.headers.remove("content-type");
    assert_eq!(signer(&changed, BODY), refused);
}

#[test]
fn another_secret_another_region_and_an_old_signature_are_refused() {
    for sent in [
        sent("another", REGION, NOW),
        sent(SECRET, "eu-central-1", NOW),
        sent(SECRET, REGION, NOW - 301),
        sent(SECRET, REGION, NOW + 301),
    ] {
        assert_eq!(signer(&sent, BODY), Err(Refusal::InvalidSignature));
    }
    for seconds in [NOW - 300, NOW + 300] {
        assert!(signer(&sent(SECRET, REGION, seconds), BODY).is_ok());
    }
}

#[test]
fn a_request_without_a_signature_says_that_it_has_none() {
    let mut unsigned = good();
    unsigned.headers.remove("authorization");
    assert_eq!(signer(&unsigned, BODY), Err(Refusal::MissingAuthenticationToken));
    for other in ["Bearer a.b.c", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a/b/c, Signature=d"] {
        unsigned.headers.insert("authorization", HeaderValue::from_static(other));
        assert_eq!(signer(&unsigned, BODY), Err(Refusal::InvalidSignature), "{other}");
    }
}
