//! Bytes as the event of an endpoint: read whatever they are, and each member of a body typed or named as a fault.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nova_auth::{
    config::{Config, EdgeConfig},
    domain::{
        email::Email,
        name::PersonName,
        password::{Password, Profile},
        refusal::{Fault, Refusal},
    },
    http::{Request, read},
};
use nova_auth_fuzz::{config, moment};

static CONFIG: LazyLock<Config> = LazyLock::new(|| config(&[("TRUSTED_PROXIES", "10.0.0.0/8")]));

fuzz_target!(|event: &str| {
    let edge: &EdgeConfig = &CONFIG.edge;
    let request = read(event, moment(), edge);
    let _ = request.bearer();
    assert_redacted(&request, event);
    let Ok(mut fields) = request.json() else { return };
    let email = fields.parsed("email", Email::parse);
    let name = fields.parsed("name", PersonName::parse);
    let password = fields.text("password").map(Password::new);
    let _ = fields.device_info();
    let _ = fields.optional_text("tokenDelivery");
    if let Some(email) = &email {
        assert_eq!(Email::parse(email.as_str()).as_ref(), Ok(email), "an address has one normal form");
    }
    if let Some(name) = &name {
        assert_eq!(PersonName::parse(name.as_str()).as_ref(), Ok(name), "a name has one normal form");
    }
    if let Some(password) = &password {
        for profile in [Profile::Crm, Profile::Nist] {
            let faults = profile.faults(password, email.as_ref());
            assert!(
                !faults.is_empty() || password.verifiable_bytes().len() <= 72,
                "bcrypt would cut a password that was accepted"
            );
        }
    }
    match fields.finish(email.zip(name).zip(password)) {
        Ok(_) => {}
        Err(Refusal::Invalid(faults)) => assert!(faults.iter().all(|fault| fault.fault != Fault::NotJson)),
        Err(other) => panic!("a body is refused as {other:?}"),
    }
});

/// A request shows its id and nothing else of what was sent.
fn assert_redacted(request: &Request, event: &str) {
    if event.contains("CanaryCanary") && !event.contains("requestId") {
        assert!(!format!("{request:?}").contains("CanaryCanary"));
    }
}
