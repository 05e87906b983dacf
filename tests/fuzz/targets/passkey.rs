//! Answers of browsers to passkeys: whatever they are, they are judged without a panic, and what is taken is what was signed.
//!
//! The first byte says what the input is: an answer as JSON, one part of a right answer, or edits of one.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use nova_auth::{
    domain::ids::UserId,
    webauthn::{
        Asserted, AssertionResponse, Challenge, Expected, NewPasskey, PasskeyRefused, RegistrationResponse,
        RelyingParty, StoredPasskey,
    },
};
use nova_auth_fuzz::now;
use serde_json::Value;

static US: LazyLock<RelyingParty> =
    LazyLock::new(|| RelyingParty::new("example.org", "", "Example").unwrap());
static RIGHT: LazyLock<[Value; 2]> =
    LazyLock::new(|| serde_json::from_str(include_str!("../src/passkey.json")).unwrap());
static ROW: LazyLock<StoredPasskey> = LazyLock::new(|| {
    let row = register(&RIGHT[0]).unwrap().unwrap().stored("Phone".to_owned(), now());
    assert!(matches!(log_in(&row, &RIGHT[1]), Some(Ok(_))), "a right answer is refused");
    row
});

fn register(answer: &Value) -> Option<Result<NewPasskey, PasskeyRefused>> {
    let answer = serde_json::from_value::<RegistrationResponse>(answer.clone()).ok()?;
    let _ = answer.challenge();
    Some(US.verify_registration(&Challenge::from_bytes([7; 32]), &answer))
}

fn log_in(row: &StoredPasskey, answer: &Value) -> Option<Result<Asserted, PasskeyRefused>> {
    let user: UserId = "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap();
    let answer = serde_json::from_value::<AssertionResponse>(answer.clone()).ok()?;
    let _ = answer.challenge();
    Some(US.verify_assertion(&Challenge::from_bytes([7; 32]), Expected::Discovered(user), row, &answer))
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let row = &*ROW;
    match kind % 8 {
        0 => judge(serde_json::from_slice(rest).unwrap_or_default()),
        1 => judge(with(0, "attestationObject", rest.to_vec())),
        2 => judge(with(0, "clientDataJSON", rest.to_vec())),
        3 => judge(with(1, "authenticatorData", rest.to_vec())),
        4 => judge(with(1, "clientDataJSON", rest.to_vec())),
        5 => judge(with(1, "signature", rest.to_vec())),
        6 => judge(with(0, "attestationObject", edited(0, "attestationObject", rest))),
        _ => judge(with(1, "authenticatorData", edited(1, "authenticatorData", rest))),
    }
    assert_eq!(row, &*ROW);
});

fn judge(answer: Value) {
    if let Some(Ok(passkey)) = register(&answer) {
        // What its row holds of it is the same after a way through the table.
        let row = passkey.stored("Phone".to_owned(), now());
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<StoredPasskey>(&text).unwrap(), row);
    }
    if let Some(Ok(_)) = log_in(&ROW, &answer) {
        for signed in ["clientDataJSON", "authenticatorData"] {
            assert_eq!(
                answer["response"][signed], RIGHT[1]["response"][signed],
                "taken, though nobody signed it"
            );
        }
    }
}

fn bytes(which: usize, member: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(RIGHT[which]["response"][member].as_str().unwrap()).unwrap()
}

fn with(which: usize, member: &str, bytes: Vec<u8>) -> Value {
    let mut answer = RIGHT[which].clone();
    answer["response"][member] = URL_SAFE_NO_PAD.encode(bytes).into();
    answer
}

/// Each edit is three bytes: where (16 bits) is another byte.
fn edited(which: usize, member: &str, edits: &[u8]) -> Vec<u8> {
    let mut bytes = bytes(which, member);
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
    bytes
}
