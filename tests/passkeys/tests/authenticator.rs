//! Passkeys made by another project's authenticator and client (1Password's passkey-rs), which read our options and whose answers
//! we judge.

use std::ops::Range;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use nova_auth::{
    domain::ids::UserId,
    webauthn::{
        Algorithm, Asserted, AssertionResponse, Challenge, Expected, PasskeyRefused, RegistrationResponse,
        RelyingParty, StoredPasskey, UserEntity,
    },
};
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::{aws_lc_rs::AwsLcRsBackend, iana},
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

/// Somebody who is there, and may say that they were verified.
struct Somebody {
    verified: bool,
}

#[async_trait]
impl UserValidationMethod for Somebody {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        _: bool,
        _: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence: true, verification: self.verified })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

type Browser = Client<Option<Passkey>, Somebody, AwsLcRsBackend, public_suffix::PublicSuffixList, ()>;

fn browser(algorithm: iana::Algorithm, counts: bool) -> Browser {
    let mut authenticator =
        Authenticator::new(Aaguid::new_empty(), None, Somebody { verified: true }, AwsLcRsBackend);
    authenticator.set_make_credentials_with_signature_counter(counts);
    authenticator.set_algorithms(&[algorithm]).unwrap();
    Client::new(authenticator)
}

fn us() -> RelyingParty {
    RelyingParty::new("example.org", "", "Example").unwrap()
}

fn user() -> UserId {
    "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap()
}

fn challenge(byte: u8) -> Challenge {
    Challenge::from_bytes([byte; 32])
}

/// That library writes bytes as lists of numbers; browsers write base64url.
fn as_browsers_write(value: Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_u64) => {
            let bytes: Vec<u8> =
                items.iter().map(|item| u8::try_from(item.as_u64().unwrap()).unwrap()).collect();
            URL_SAFE_NO_PAD.encode(bytes).into()
        }
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, as_browsers_write(value))).collect()
        }
        other => other,
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// What the browser answers to the options for a new passkey, on that page.
fn created(browser: &mut Browser, page: &str, challenge: &Challenge) -> Value {
    let user = UserEntity { id: user(), name: "sara@example.org", display_name: "Sara" };
    let options = json!({ "publicKey": us().creation_options(&user, &[], challenge) });
    let options = serde_json::from_value(options).expect("options that the library reads");
    let page = Url::parse(page).unwrap();
    let answer = run(browser.register(&page, options, DefaultClientData)).expect("a passkey");
    as_browsers_write(serde_json::to_value(answer).unwrap())
}

/// What it answers to the options for a login.
fn got(browser: &mut Browser, page: &str, allow: &[StoredPasskey], challenge: &Challenge) -> Value {
    let options = json!({ "publicKey": us().request_options(allow, challenge) });
    let options = serde_json::from_value(options).expect("options that the library reads");
    let page = Url::parse(page).unwrap();
    let answer = run(browser.authenticate(&page, options, DefaultClientData)).expect("an answer");
    as_browsers_write(serde_json::to_value(answer).unwrap())
}

fn register(answer: &Value, challenge: &Challenge) -> Result<StoredPasskey, PasskeyRefused> {
    let answer: RegistrationResponse = serde_json::from_value(answer.clone()).unwrap();
    Ok(us().verify_registration(challenge, &answer)?.stored("Phone".to_owned(), Timestamp::UNIX_EPOCH))
}

fn log_in(row: &StoredPasskey, answer: &Value, challenge: &Challenge) -> Result<Asserted, PasskeyRefused> {
    let answer: AssertionResponse = serde_json::from_value(answer.clone()).unwrap();
    us().verify_assertion(challenge, Expected::Discovered(user()), row, &answer)
}

const PAGE: &str = "https://example.org";
const KINDS: [(iana::Algorithm, Algorithm); 2] =
    [(iana::Algorithm::ES256, Algorithm::Es256), (iana::Algorithm::EdDSA, Algorithm::EdDsa)];

#[test]
fn a_passkey_of_another_project_is_registered_and_lets_its_owner_in_again_and_again() {
    for (theirs, ours) in KINDS {
        for counts in [true, false] {
            let mut browser = browser(theirs, counts);
            let made = created(&mut browser, PAGE, &challenge(1));
            let said: RegistrationResponse = serde_json::from_value(made.clone()).unwrap();
            assert_eq!(said.challenge(), Ok(challenge(1)));
            let mut row = register(&made, &challenge(1)).unwrap();
            assert_eq!(row.alg, ours);
            for login in 2..12 {
                // With and without a list of what may be used.
                let allow = if login % 2 == 0 { vec![] } else { vec![row.clone()] };
                let answer = got(&mut browser, PAGE, &allow, &challenge(login));
                let asserted = log_in(&row, &answer, &challenge(login)).unwrap();
                assert_eq!(asserted.sign_count > row.sign_count, counts);
                // The same answer, held against the counter that it raised.
                row.sign_count = asserted.sign_count;
                let again = log_in(&row, &answer, &challenge(login)).map(drop);
                assert_eq!(again, if counts { Err(PasskeyRefused::Cloned) } else { Ok(()) });
                assert_eq!(log_in(&row, &answer, &challenge(0)), Err(PasskeyRefused::Challenge));
            }
        }
    }
}

#[test]
fn a_page_of_the_domain_that_is_not_on_our_list_gets_nothing() {
    let mut browser = browser(iana::Algorithm::ES256, true);
    let elsewhere = created(&mut browser, "https://blog.example.org", &challenge(1));
    assert_eq!(register(&elsewhere, &challenge(1)), Err(PasskeyRefused::Origin));
    let row = register(&created(&mut browser, PAGE, &challenge(1)), &challenge(1)).unwrap();
    let elsewhere = got(&mut browser, "https://blog.example.org", &[], &challenge(2));
    assert_eq!(log_in(&row, &elsewhere, &challenge(2)), Err(PasskeyRefused::Origin));
}

#[test]
fn another_persons_passkey_does_not_open() {
    for (theirs, _) in KINDS {
        let [mut owner, mut thief] = [browser(theirs, true), browser(theirs, true)];
        let row = register(&created(&mut owner, PAGE, &challenge(1)), &challenge(1)).unwrap();
        let stolen = register(&created(&mut thief, PAGE, &challenge(1)), &challenge(1)).unwrap();
        let answer = got(&mut thief, PAGE, &[], &challenge(2));
        assert_eq!(log_in(&row, &answer, &challenge(2)), Err(PasskeyRefused::AnotherPasskey));
        let renamed = StoredPasskey { credential_id: stolen.credential_id, ..row };
        assert_eq!(log_in(&renamed, &answer, &challenge(2)), Err(PasskeyRefused::Signature));
    }
}

fn member(answer: &Value, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(answer["response"][name].as_str().unwrap()).unwrap()
}

/// The answer with each byte of this member replaced by every other one, and where that byte is.
fn with_another_byte(answer: &Value, name: &'static str) -> impl Iterator<Item = (usize, Value)> {
    let right = member(answer, name);
    (0..right.len()).flat_map(move |at| (1..=255_u8).map(move |flip| (at, flip))).map({
        let answer = answer.clone();
        let right = member(&answer, name);
        move |(at, flip)| {
            let mut bytes = right.clone();
            bytes[at] ^= flip;
            let mut changed = answer.clone();
            changed["response"][name] = URL_SAFE_NO_PAD.encode(bytes).into();
            (at, changed)
        }
    })
}

/// All that is signed, the signature, and whose it is said to be.
#[test]
fn an_answer_with_another_byte_is_refused_wherever_it_is() {
    for (kind, _) in KINDS {
        let mut browser = browser(kind, true);
        let row = register(&created(&mut browser, PAGE, &challenge(1)), &challenge(1)).unwrap();
        let answer = got(&mut browser, PAGE, &[], &challenge(2));
        log_in(&row, &answer, &challenge(2)).unwrap();
        for name in ["clientDataJSON", "authenticatorData", "signature", "userHandle"] {
            for (at, changed) in with_another_byte(&answer, name) {
                assert!(log_in(&row, &changed, &challenge(2)).is_err(), "{name}, byte {at}");
            }
        }
    }
}

/// Nothing of a registration is signed, since no attestation is asked for. What does not count may be another byte; the credential
/// may not, nor whom it is for, and of the key only bytes that make another key of the same kind.
#[test]
fn a_registration_with_another_byte_is_refused_or_of_the_same_passkey() {
    for (kind, ours) in KINDS {
        let mut browser = browser(kind, true);
        let right = created(&mut browser, PAGE, &challenge(1));
        let row = register(&right, &challenge(1)).unwrap();
        let (data, key) = places(&right, ours);
        for name in ["attestationObject", "clientDataJSON"] {
            for (at, changed) in with_another_byte(&right, name) {
                let Ok(taken) = register(&changed, &challenge(1)) else { continue };
                assert_eq!(taken.credential_id, row.credential_id, "{name}, byte {at}");
                let is_of = |place: &Range<usize>| name == "attestationObject" && place.contains(&at);
                assert!(!is_of(&data), "whom it is for, byte {at}");
                assert_eq!(taken.public_key != row.public_key, is_of(&key), "{name}, byte {at}");
            }
        }
    }
}

/// Where in the attestation object it is said whom it is for, and which bytes of the key make another key of the same kind: on P-256
/// a point has two coordinates, and one of them leaves the other no choice.
fn places(answer: &Value, algorithm: Algorithm) -> (Range<usize>, Range<usize>) {
    let object = member(answer, "attestationObject");
    let data = object.windows(32).position(|window| window == &Sha256::digest("example.org")[..]).unwrap();
    let id = URL_SAFE_NO_PAD.decode(answer["id"].as_str().unwrap()).unwrap().len();
    let key = data + 32 + 1 + 4 + 16 + 2 + id;
    (data..data + 32, if algorithm == Algorithm::EdDsa { key + 10..key + 42 } else { 0..0 })
}

/// The place of the flags: after the hash of the domain.
const FLAGS: usize = 32;

/// Section 7.1: there, verified, with a key; never left its device and left it at once is nothing. Extensions are announced and missing.
fn is_right(flags: u8) -> bool {
    let has = |bit: u8| flags & (1 << bit) != 0;
    has(0) && has(2) && has(6) && !has(7) && (has(3) || !has(4))
}

#[test]
fn with_every_other_flag_a_registration_is_what_the_specification_says_and_an_answer_is_refused() {
    for (kind, ours) in KINDS {
        let mut browser = browser(kind, true);
        let mut right = created(&mut browser, PAGE, &challenge(1));
        let row = register(&right, &challenge(1)).unwrap();
        let mut object = member(&right, "attestationObject");
        let at = places(&right, ours).0.start + FLAGS;
        for flags in 0..=255 {
            object[at] = flags;
            right["response"]["attestationObject"] = URL_SAFE_NO_PAD.encode(&object).into();
            assert_eq!(register(&right, &challenge(1)).is_ok(), is_right(flags), "{flags:#010b}");
        }
        let mut answer = got(&mut browser, PAGE, &[], &challenge(2));
        let mut data = member(&answer, "authenticatorData");
        let signed = data[FLAGS];
        for flags in 0..=255 {
            data[FLAGS] = flags;
            answer["response"]["authenticatorData"] = URL_SAFE_NO_PAD.encode(&data).into();
            assert_eq!(log_in(&row, &answer, &challenge(2)).is_ok(), flags == signed, "{flags:#010b}");
        }
    }
}
