//! Secrets Manager down at the start, down later, slow; and tokens that name keys which nobody has.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nova_auth::config::TokenNames;
use nova_auth::keys::{AccessTokens, KeyCache, KeysError, Rejected, Token, TokenKind};
use nova_auth::patience::Patience;
use serde_json::json;

use super::vault::{ACCESS, Fault, Vault, at, symmetric};

fn cache(vault: &Vault) -> KeyCache {
    KeyCache::new(vault.client(), ACCESS, TokenKind::Access)
}

/// Long enough for nothing that comes at all.
const MOMENT: Duration = Duration::from_millis(200);

/// The same with another patience.
fn hurried(vault: &Vault, patience: Patience) -> KeyCache {
    KeyCache::new(vault.client_with(patience.timeouts()), ACCESS, TokenKind::Access)
}

fn tokens(vault: &Vault) -> AccessTokens {
    let names = TokenNames { issuer: "nova-crm".into(), also: None, audience: "nova-api".into() };
    AccessTokens::new(cache(vault), names)
}

/// A token that names this key and says that it was signed then. Its signature is bad.
fn naming(kid: &str, signed: i64) -> Token {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}));
    let id = "0190163d-8694-739b-aea5-966c26f8ad90";
    let claims = part(json!({
        "iss": "nova-crm", "aud": "nova-api", "sub": id, "jti": id, "sid": id, "email": "sara@example.com", "role": "user",
        "iat": at(signed).as_second(), "exp": at(signed + 900).as_second(),
    }));
    Token::new(format!("{header}.{claims}.c2ln"))
}

fn is_undecided<T>(verified: &Result<T, Rejected>) -> bool {
    matches!(verified, Err(Rejected::Undecided(KeysError::Unavailable(_))))
}

fn is_invalid<T>(verified: &Result<T, Rejected>) -> bool {
    matches!(verified, Err(Rejected::Invalid))
}

#[tokio::test]
async fn down_at_the_start_nothing_is_decided_and_the_first_call_after_it_goes_well() {
    let vault = Vault::new();
    vault.set(Fault::Refuse);
    let tokens = tokens(&vault);
    assert!(matches!(tokens.ready(at(0)).await, Err(KeysError::Unavailable(_))));
    assert!(is_undecided(&tokens.verify(&naming("access-1", 0), at(0)).await));
    vault.set(Fault::None);
    assert!(tokens.ready(at(0)).await.is_ok());
    assert!(is_invalid(&tokens.verify(&naming("access-1", 0), at(0)).await));
}

#[tokio::test]
async fn down_later_the_ring_serves_for_45_minutes_and_not_a_second_more() {
    let vault = Vault::new();
    let cache = cache(&vault);
    cache.ring(at(0)).await.unwrap();
    vault.set(Fault::Refuse);
    for second in (0..45 * 60).step_by(13) {
        assert!(cache.ring(at(second)).await.is_ok(), "{second}");
    }
    // It was asked for again once in 30 seconds (every third time here), from the first minute on.
    let tries = vault.reads() - 1;
    assert!((50..=80).contains(&tries), "{tries}");
    assert!(matches!(cache.ring(at(45 * 60)).await, Err(KeysError::Unavailable(_))));
    vault.set(Fault::None);
    assert!(cache.ring(at(45 * 60)).await.is_ok());
}

#[tokio::test]
async fn half_a_minute_after_a_drop_no_ring_has_the_dropped_key() {
    let vault = Vault::new();
    let cache = cache(&vault);
    for second in 0..30 {
        cache.ring(at(second)).await.unwrap();
    }
    assert_eq!(vault.reads(), 1);
    vault.put(ACCESS, &symmetric("access-2", 'b', ""));
    let ring = cache.ring(at(30)).await.unwrap();
    assert!(ring.verifier("access-2", at(30)).is_some() && ring.verifier("access-1", at(30)).is_none());
    assert_eq!(ring.signer(at(30)).unwrap().kid, "access-2");
}

/// One try of three that a call has: whoever waited for the call would have made the others.
#[tokio::test]
async fn slow_later_the_old_ring_serves_after_a_moment_and_the_next_requests_do_not_wait() {
    let vault = Vault::new();
    let cache = hurried(&vault, Patience { attempt: MOMENT, ..Patience::DEPLOYED });
    cache.ring(at(0)).await.unwrap();
    vault.set(Fault::Hang);
    assert!(cache.ring(at(301)).await.is_ok());
    assert_eq!(vault.reads(), 2, "it was waited for longer than for one try");
    for second in 302..330 {
        assert!(cache.ring(at(second)).await.is_ok());
    }
    assert_eq!(vault.reads(), 2, "they asked, and waited");
}

#[tokio::test]
async fn slow_at_the_start_ends_in_an_error_and_not_in_waiting_for_ever() {
    let vault = Vault::new();
    vault.set(Fault::Hang);
    let answer = hurried(&vault, Patience { call: MOMENT, ..Patience::DEPLOYED }).ring(at(0)).await;
    assert_eq!(answer.err(), Some(KeysError::Unavailable("time-out".into())));
}

#[tokio::test]
async fn a_secret_that_is_spoilt_later_does_not_take_the_good_ring_away() {
    let vault = Vault::new();
    let cache = cache(&vault);
    cache.ring(at(0)).await.unwrap();
    vault.put(ACCESS, "spoilt");
    assert!(cache.ring(at(301)).await.is_ok());
    assert!(matches!(cache.ring(at(45 * 60)).await, Err(KeysError::Bad(_))));
}

/// A key stands in the secret before anybody signs with it.
#[tokio::test]
async fn a_made_up_name_in_a_token_from_before_the_last_read_is_refused_and_costs_nothing() {
    let vault = Vault::new();
    let tokens = tokens(&vault);
    tokens.ready(at(0)).await.unwrap();
    for second in 0..30 {
        for nth in 0..5 {
            let verified = tokens.verify(&naming(&format!("made-up-{second}-{nth}"), -6), at(second)).await;
            assert!(is_invalid(&verified), "{second}: {verified:?}");
        }
    }
    assert_eq!(vault.reads(), 1);
}

#[tokio::test]
async fn a_flood_of_made_up_names_costs_one_read_in_a_second_and_every_token_of_it_is_refused() {
    let vault = Vault::new();
    let tokens = tokens(&vault);
    tokens.ready(at(0)).await.unwrap();
    for second in 0..600 {
        for nth in 0..5 {
            let verified =
                tokens.verify(&naming(&format!("made-up-{second}-{nth}"), second), at(second)).await;
            assert!(is_invalid(&verified), "{second}: {verified:?}");
        }
    }
    assert_eq!(vault.reads(), 600);
}

/// It is refused for what it says, whoever signed it: nobody asks for its key.
#[tokio::test]
async fn a_token_that_no_signature_could_mend_makes_nobody_read_the_keys() {
    let vault = Vault::new();
    let tokens = tokens(&vault);
    tokens.ready(at(0)).await.unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"HS256","kid":"made-up"}"#);
    for claims in ["{}", r#"{"iat":0}"#, "[]"] {
        let token = Token::new(format!("{header}.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)));
        assert!(is_invalid(&tokens.verify(&token, at(9)).await), "{claims}");
    }
    assert_eq!(vault.reads(), 1);
}

#[tokio::test]
async fn a_flood_while_secrets_manager_is_down_costs_no_more_and_nobody_is_told_that_a_token_is_bad() {
    let vault = Vault::new();
    let tokens = tokens(&vault);
    tokens.ready(at(0)).await.unwrap();
    vault.set(Fault::Refuse);
    for second in 30..630 {
        for nth in 0..5 {
            let verified =
                tokens.verify(&naming(&format!("made-up-{second}-{nth}"), second), at(second)).await;
            assert!(is_undecided(&verified), "{second}: {verified:?}");
        }
        // The keys that are known go on being known.
        assert!(is_invalid(&tokens.verify(&naming("access-1", second), at(second)).await));
    }
    assert_eq!(vault.reads(), 1 + 600 / 30);
}

#[tokio::test]
async fn an_unknown_name_finds_at_once_the_key_that_came_meanwhile() {
    let vault = Vault::new();
    let tokens = tokens(&vault);
    tokens.ready(at(0)).await.unwrap();
    vault.put(ACCESS, &symmetric("access-2", 'b', ""));
    // Its signature is bad, which nobody could tell who had not found the key.
    assert!(is_invalid(&tokens.verify(&naming("access-2", 1), at(1)).await));
    assert_eq!(vault.reads(), 2);
    // The dropped key is gone with that, and nobody asks for it again.
    assert!(is_invalid(&tokens.verify(&naming("access-1", -6), at(2)).await));
    assert_eq!(vault.reads(), 2);
}

#[tokio::test]
async fn future_keys_verify_and_do_not_sign_expired_ones_do_neither_and_two_of_one_name_are_refused() {
    let vault = Vault::new();
    let (now, future) = (at(0).as_second(), at(3600).as_second());
    let ring = |keys: &[String]| format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    let expired = symmetric("expired", 'e', &format!(r#","exp":{now}"#));
    let begins = symmetric("future", 'f', &format!(r#","nbf":{future}"#));
    vault.put(ACCESS, &ring(&[expired.clone(), symmetric("present", 'p', ""), begins.clone()]));
    let read = cache(&vault).ring(at(0)).await.unwrap();
    assert_eq!(read.signer(at(0)).unwrap().kid, "present");
    assert_eq!(read.signer(at(3600)).unwrap().kid, "future");
    assert!(read.verifier("future", at(0)).is_some());
    assert!(read.verifier("expired", at(0)).is_none());

    vault.put(ACCESS, &ring(&[expired, begins]));
    assert_eq!(tokens(&vault).ready(at(0)).await, Err(KeysError::NoSigner));

    vault.put(ACCESS, &ring(&[symmetric("twin", 'p', ""), symmetric("twin", 'q', "")]));
    let refused = cache(&vault).ring(at(0)).await.unwrap_err();
    assert_eq!(refused.to_string(), "keys are not usable: key twin: stands twice");
}
