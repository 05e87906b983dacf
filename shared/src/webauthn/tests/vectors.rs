//! The test vectors of the standard: W3C, Web Authentication Level 3, section 16. They ask for an RP of `example.org`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;

fn all() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn bytes(vector: &Value, member: &str) -> Vec<u8> {
    let hex = vector[member].as_str().unwrap().as_bytes();
    hex.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn challenge_of(ceremony: &Value) -> Challenge {
    Challenge::from_bytes(bytes(ceremony, "challenge").try_into().unwrap())
}

fn answer(id: &[u8], ceremony: &Value, members: &[&str]) -> Value {
    let mut response = json!({ "clientDataJSON": URL_SAFE_NO_PAD.encode(bytes(ceremony, "clientDataJSON")) });
    for member in members {
        response[*member] = URL_SAFE_NO_PAD.encode(bytes(ceremony, member)).into();
    }
    let id = URL_SAFE_NO_PAD.encode(id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response })
}

/// Some vectors verify no user. Everything else of them has to be right, and then they are refused for that alone.
#[test]
fn the_vectors_of_the_standard_are_judged_as_it_says() {
    let us = RelyingParty::new("example.org", "", "Example").unwrap();
    let mut seen = Vec::new();
    for vector in all() {
        let name = vector["name"].as_str().unwrap();
        let ceremony = &vector["registration"];
        let id = bytes(ceremony, "credentialId");
        let challenge = challenge_of(ceremony);
        let registration: RegistrationResponse =
            serde_json::from_value(answer(&id, ceremony, &["attestationObject"])).unwrap();
        let registered = us.registration(&challenge, &registration);
        if name.contains("Origin") {
            assert_eq!(registered, Err(PasskeyRefused::CrossOrigin), "{name}");
            continue;
        }
        let (passkey, verified) = registered.unwrap();
        let public = us.verify_registration(&challenge, &registration).map(drop);
        assert_eq!(public, if verified { Ok(()) } else { Err(PasskeyRefused::UserNotVerified) }, "{name}");

        let ceremony = &vector["authentication"];
        if ceremony.is_null() {
            continue;
        }
        let challenge = challenge_of(ceremony);
        let assertion: AssertionResponse =
            serde_json::from_value(answer(&id, ceremony, &["authenticatorData", "signature"])).unwrap();
        let row = passkey.stored(name.to_owned(), now());
        let (asserted, verified) = us.assertion(&challenge, Expected::Of(user()), &row, &assertion).unwrap();
        assert_eq!(asserted.sign_count, 0);
        let public = us.verify_assertion(&challenge, Expected::Of(user()), &row, &assertion).map(drop);
        assert_eq!(public, if verified { Ok(()) } else { Err(PasskeyRefused::UserNotVerified) }, "{name}");
        seen.push((name.to_owned(), row.alg));
    }
    assert_eq!(
        seen,
        [
            ("none.ES256".to_owned(), Algorithm::Es256),
            ("packed.RS256".to_owned(), Algorithm::Rs256),
            ("packed.EdDSA".to_owned(), Algorithm::EdDsa),
        ]
    );
}

/// The one with an assertion made in a frame: only for that.
#[test]
fn an_assertion_in_a_frame_is_refused_for_the_frame() {
    let us = RelyingParty::new("example.org", "", "Example").unwrap();
    let vector = all().into_iter().find(|vector| vector["name"] == "none.ES256.topOrigin").unwrap();
    let id = bytes(&vector["registration"], "credentialId");
    let object = bytes(&vector["registration"], "attestationObject");
    let data = of_attestation(&object).unwrap();
    let attested = AuthenticatorData::read(data).unwrap().attested.unwrap();
    let row = NewPasskey {
        credential_id: attested.credential,
        public_key: attested.key,
        sign_count: 0,
        backup_eligible: false,
        backed_up: false,
        transports: vec![],
        aaguid: String::new(),
    }
    .stored(String::new(), now());
    let ceremony = &vector["authentication"];
    let assertion: AssertionResponse =
        serde_json::from_value(answer(&id, ceremony, &["authenticatorData", "signature"])).unwrap();
    let challenge = challenge_of(ceremony);
    let said = us.verify_assertion(&challenge, Expected::Of(user()), &row, &assertion);
    assert_eq!(said, Err(PasskeyRefused::CrossOrigin));
    let message =
        [bytes(ceremony, "authenticatorData"), Sha256::digest(bytes(ceremony, "clientDataJSON")).to_vec()]
            .concat();
    assert!(row.public_key.signed(&message, &bytes(ceremony, "signature")));
}
