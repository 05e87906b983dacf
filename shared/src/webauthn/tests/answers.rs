use serde_json::{Value, json};

use super::{
    forge::{Authenticator, Parts},
    *,
};

/// As Chrome's `toJSON()` writes it, with members that nobody here reads.
#[test]
fn browsers_may_say_more_than_is_read() {
    let phone = Authenticator::es256();
    let mut json = phone.registration_json(&Parts::registration());
    json["authenticatorAttachment"] = "platform".into();
    json["clientExtensionResults"] = json!({ "credProps": { "rk": true } });
    json["response"]["publicKey"] = "MFkw".into();
    json["response"]["publicKeyAlgorithm"] = (-7).into();
    json["response"]["authenticatorData"] = "AAAA".into();
    let answer: RegistrationResponse = serde_json::from_value(json).unwrap();
    assert!(us().verify_registration(&challenge(), &answer).is_ok());
    assert_eq!(answer.challenge(), Ok(challenge()));

    let mut json = phone.assertion_json(&Parts::assertion());
    json["authenticatorAttachment"] = Value::Null;
    json["clientExtensionResults"] = json!({});
    let answer: AssertionResponse = serde_json::from_value(json).unwrap();
    let expected = Expected::Discovered(user());
    assert!(us().verify_assertion(&challenge(), expected, &stored(&phone), &answer).is_ok());
    assert_eq!(answer.challenge(), Ok(challenge()));
    assert_eq!(answer.credential(), &stored(&phone).credential_id);
}

#[test]
fn an_answer_of_another_form_or_a_great_length_is_none() {
    let phone = Authenticator::es256();
    let right = phone.assertion_json(&Parts::assertion());
    let padded = format!("{}=", right["id"].as_str().unwrap());
    for (member, value) in [
        ("/id", json!("AAAA")),
        ("/id", json!(padded)),
        ("/rawId", json!("A".repeat(1366))),
        ("/type", Value::Null),
        ("/response", json!([])),
        ("/response/clientDataJSON", json!("A".repeat(5464))),
        ("/response/clientDataJSON", json!("e30=")),
        ("/response/clientDataJSON", json!("++++")),
        ("/response/authenticatorData", json!("A".repeat(5464))),
        ("/response/signature", json!("A".repeat(1368))),
        ("/response/signature", json!("AB")),
        ("/response/signature", json!(7)),
        ("/response/userHandle", json!("A".repeat(88))),
    ] {
        let mut changed = right.clone();
        *changed.pointer_mut(member).unwrap() = value;
        assert!(serde_json::from_value::<AssertionResponse>(changed).is_err(), "{member}");
    }
    let right = phone.registration_json(&Parts::registration());
    for (member, value) in [
        ("/response/attestationObject", json!("A".repeat(21_848))),
        ("/response/attestationObject", Value::Null),
        ("/response/transports", json!("usb")),
        ("/response/clientDataJSON", json!("A".repeat(5464))),
    ] {
        let mut changed = right.clone();
        *changed.pointer_mut(member).unwrap() = value;
        assert!(serde_json::from_value::<RegistrationResponse>(changed).is_err(), "{member}");
    }
}

#[test]
fn an_answer_without_a_challenge_is_to_none_of_ours() {
    let phone = Authenticator::es256();
    for (challenge, refused) in [
        (Value::Null, PasskeyRefused::ClientData),
        ("".into(), PasskeyRefused::Challenge),
        ("BwcHBwcHBwcHBwcHBwcHBw".into(), PasskeyRefused::Challenge),
    ] {
        let parts = Parts::assertion().with(|parts| parts.client_data["challenge"] = challenge);
        assert_eq!(phone.assertion(&parts).challenge(), Err(refused));
    }
}

/// Rows are called by these: with another hash, no passkey would be found.
#[test]
fn what_rows_are_called_by_is_the_sha_256() {
    assert_eq!(challenge().digest(), "S7Bvjk46dxXSAdVz0KpCN2LlXavWGiwCJ4-lbMbSlOA");
    assert_eq!(CredentialId::new(&[7; 32]).unwrap().digest(), challenge().digest());
}
