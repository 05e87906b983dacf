//! Bytes as the event of an endpoint, and as the body of a good event: read whatever they are, and each member of a body
//! typed or named as a fault.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nova_auth::{
    config::EdgeConfig,
    domain::{
        email::Email,
        name::PersonName,
        password::{Password, PasswordProfile},
        refusal::{Fault, Refusal},
    },
    http::{Request, read},
};
use nova_auth_fuzz::{config, moment};
use serde_json::json;
use unicode_normalization::UnicodeNormalization as _;

static EDGE: LazyLock<EdgeConfig> = LazyLock::new(|| {
    let edge = config(&[("TRUSTED_PROXIES", "10.0.0.0/8")]).edge().unwrap();
    // What follows proves something only if a good body is read to its end.
    let good = r#"{"email": "Amal@Example.com", "name": "Amal", "password": "Correct-horse-9!"}"#;
    assert!(read_body(&read(&around(good), moment(), &edge)), "a good body is refused");
    edge
});

fuzz_target!(|input: &str| {
    let edge: &EdgeConfig = &EDGE;
    let request = read(input, moment(), edge);
    let _ = request.bearer();
    read_body(&request);
    // Most bytes are no event, so that they would hardly ever reach a body.
    let request = read(&around(input), moment(), edge);
    assert_eq!(format!("{request:?}"), r#"Request { id: "fuzz", .. }"#, "a body shows");
    read_body(&request);
});

/// A good event with this body.
fn around(body: &str) -> String {
    let headers = json!({ "content-type": "application/json" });
    json!({ "httpMethod": "POST", "headers": headers, "body": body }).to_string()
}

/// Whether the body has all that a registration asks for.
fn read_body(request: &Request) -> bool {
    let Ok(mut fields) = request.json() else { return false };
    let email = fields.parsed("email", Email::parse);
    let name = fields.parsed("name", PersonName::parse);
    let typed = fields.text("password");
    // In the form that is hashed, by another library than the product's.
    let bytes = typed.as_ref().map_or(0, |typed| typed.nfc().collect::<String>().len());
    let password = typed.map(Password::new);
    let _ = fields.device_info();
    let _ = fields.optional_text("tokenDelivery");
    if let Some(email) = &email {
        assert_eq!(Email::parse(email.as_str()).as_ref(), Ok(email), "an address has one normal form");
    }
    if let Some(name) = &name {
        assert_eq!(PersonName::parse(name.as_str()).as_ref(), Ok(name), "a name has one normal form");
    }
    if let Some(password) = &password {
        for profile in [PasswordProfile::Crm, PasswordProfile::Nist] {
            let faults = profile.faults(password, email.as_ref());
            let whole = password.verifiable_bytes().len() == bytes;
            assert!(!faults.is_empty() || whole, "bcrypt would cut a password that was accepted");
        }
    }
    match fields.finish(email.zip(name).zip(password)) {
        Ok(_) => true,
        Err(Refusal::Invalid(faults)) => {
            assert!(!faults.is_empty(), "refused, and nobody knows why");
            assert!(faults.iter().all(|fault| fault.fault != Fault::NotJson));
            false
        }
        Err(other) => panic!("a body is refused as {other:?}"),
    }
}
