//! Ceremonies that an authenticator of our own makes up: right ones, and those that are wrong in one way and rightly signed.

mod answers;
mod assertion;
mod forge;
mod keys;
mod registration;
mod vectors;

use jiff::Timestamp;

use super::*;
use forge::{Authenticator, Parts};

fn us() -> RelyingParty {
    RelyingParty::new("example.org", "https://example.org,https://app.example.org", "Example").unwrap()
}

fn challenge() -> Challenge {
    Challenge::from_bytes([7; 32])
}

fn user() -> UserId {
    "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_512_600).unwrap()
}

/// The passkey of this authenticator, as our table has it.
fn stored(authenticator: &Authenticator) -> StoredPasskey {
    let answer = authenticator.registration(&Parts::registration());
    us().verify_registration(&challenge(), &answer).unwrap().stored("My phone".to_owned(), now())
}

#[test]
fn a_relying_party_is_a_domain_and_its_encrypted_pages() {
    for (id, origins) in [
        ("example.org", ""),
        ("example.org", "https://example.org, https://app.example.org:8443"),
        ("auth.example.org", "https://auth.example.org"),
        ("localhost", "http://localhost:8080,http://localhost:5173"),
        ("localhost", "http://app.localhost:8080"),
    ] {
        assert!(RelyingParty::new(id, origins, "Example").is_ok(), "{id} {origins}");
    }
    for (id, origins) in [
        ("", ""),
        ("127.0.0.1", ""),
        ("[::1]", ""),
        ("Example.org", ""),
        ("https://example.org", ""),
        ("example.org:443", ""),
        ("example.org/", ""),
        ("example.org", "http://example.org"),
        ("example.org", "https://evil-example.org"),
        ("example.org", "https://example.org.evil.example"),
        ("app.example.org", "https://example.org"),
        ("example.org", "*"),
        ("example.org", "http://localhost:8080"),
        ("localhost", "http://localhost.evil.example"),
    ] {
        assert!(RelyingParty::new(id, origins, "Example").is_err(), "{id} {origins}");
    }
}

#[test]
fn the_one_page_of_a_domain_is_its_own_unless_others_are_named() {
    let own = RelyingParty::new("example.org", "", "Example").unwrap();
    let parts = Parts::registration();
    let phone = Authenticator::es256();
    assert!(own.verify_registration(&challenge(), &phone.registration(&parts)).is_ok());
    let elsewhere = phone.registration(&parts.origin("https://app.example.org"));
    assert_eq!(own.verify_registration(&challenge(), &elsewhere), Err(PasskeyRefused::Origin));
    assert!(us().verify_registration(&challenge(), &elsewhere).is_ok());
}

#[test]
fn pages_that_may_call_with_cookies_may_ask_for_passkeys_where_they_are_on_the_domain() {
    let list = "https://app.example.org,https://partner.example,capacitor://localhost,http://example.org";
    let list = AllowedOrigins::parse(list).unwrap();
    let us = RelyingParty::with_pages_of("example.org", &list, "Example").unwrap();
    for page in ["https://example.org", "https://app.example.org"] {
        assert!(us.has_page(page), "{page}");
    }
    for page in
        ["https://partner.example", "capacitor://localhost", "http://example.org", "https://www.example.org"]
    {
        assert!(!us.has_page(page), "{page}");
    }
    assert!(RelyingParty::with_pages_of("10.0.0.1", &list, "Example").is_err());
}

#[test]
fn on_a_developers_machine_every_port_is_a_page_and_no_other_host() {
    let us = RelyingParty::new("localhost", "", "Example").unwrap();
    for page in ["http://localhost:3000", "http://localhost", "https://localhost:8443", "https://localhost"] {
        assert!(us.has_page(page), "{page}");
    }
    for page in [
        "http://127.0.0.1:3000",
        "http://localhost.evil.example",
        "http://localhost:3000/",
        "http://localhost:3000,http://evil.example",
        "http://evil-localhost",
        "capacitor://localhost",
        "null",
        "",
    ] {
        assert!(!us.has_page(page), "{page}");
    }
    assert!(!RelyingParty::new("example.org", "", "Example").unwrap().has_page("http://localhost:3000"));
}

#[test]
fn nothing_of_a_passkey_stands_in_debug_output() {
    let phone = Authenticator::es256();
    let row = stored(&phone);
    let answers = format!(
        "{:?} {:?} {:?} {:?}",
        challenge(),
        row,
        phone.registration(&Parts::registration()),
        phone.assertion(&Parts::assertion())
    );
    let id = String::from(row.credential_id.clone());
    let key = String::from(row.public_key.clone());
    for secret in [challenge().text(), id, key, "6, 6, 6".to_owned()] {
        assert!(!answers.contains(&secret), "{answers}");
    }
}

#[test]
fn a_passkey_is_its_row_and_back() {
    for authenticator in Authenticator::all() {
        let row = stored(&authenticator);
        let item: std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue> =
            serde_dynamo::to_item(&row).unwrap();
        assert_eq!(serde_dynamo::from_item::<_, StoredPasskey>(item).unwrap(), row);
        let members = serde_json::to_value(&row).unwrap();
        assert_eq!(members["name"], "My phone");
        assert_eq!(members["aaguid"], "06060606-0606-0606-0606-060606060606");
        assert_eq!(members["signCount"], 1);
        assert_eq!(members["transports"], serde_json::json!(["hybrid", "internal"]));
    }
}

#[test]
fn a_row_whose_key_is_none_lets_nobody_in() {
    let row = serde_json::to_value(stored(&Authenticator::es256())).unwrap();
    for (member, value) in
        [("publicKey", "AAAA"), ("publicKey", ""), ("credentialId", "AAAA"), ("alg", "none")]
    {
        let mut changed = row.clone();
        changed[member] = value.into();
        assert!(serde_json::from_value::<StoredPasskey>(changed).is_err(), "{member}");
    }
}

#[test]
fn a_passkey_that_stays_in_its_device_and_one_that_is_shared_are_told_apart() {
    use crate::domain::factors::Amr;
    let mut row = stored(&Authenticator::es256());
    assert_eq!(row.amr(), [Amr::Swk, Amr::User]);
    row.backup_eligible = false;
    assert_eq!(row.amr(), [Amr::Hwk, Amr::User]);
}

#[test]
fn a_browser_is_asked_for_what_we_verify() {
    let user = UserEntity { id: user(), name: "sara@example.org", display_name: "Sara" };
    let row = stored(&Authenticator::es256());
    let id = String::from(row.credential_id.clone());
    assert_eq!(
        us().creation_options(&user, std::slice::from_ref(&row), &challenge()),
        serde_json::json!({
            "rp": { "id": "example.org", "name": "Example" },
            "user": { "id": "AZAWPYaUc5uupZZsJvitkA", "name": "sara@example.org", "displayName": "Sara" },
            "challenge": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [{ "type": "public-key", "id": id, "transports": ["hybrid", "internal"] }],
            "authenticatorSelection":
                { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
            "attestation": "none",
        })
    );
    let silent = StoredPasskey { transports: vec![], ..row };
    assert_eq!(
        us().request_options(&[silent], &challenge()),
        serde_json::json!({
            "challenge": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            "timeout": 300_000,
            "rpId": "example.org",
            "allowCredentials": [{ "type": "public-key", "id": id }],
            "userVerification": "required",
        })
    );
}
