use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;

use super::*;
use crate::server::{Server, bind};

/// What an issuer of the test does now, and how often it was asked for its keys.
#[derive(Default)]
struct Kept {
    asked: AtomicUsize,
    fails: AtomicU64,
    newest: AtomicU64,
}

fn rsa(name: &str) -> Value {
    json!({ "kty": "RSA", "kid": name, "n": "AQAB", "e": "AQAB" })
}

/// An issuer at its own address, which names `said` as itself.
async fn serve(said: Option<&'static str>) -> (Server, Issuer, Arc<Kept>) {
    serve_to(Keeping::TwoHours, said).await
}

async fn serve_to(keeping: Keeping, said: Option<&'static str>) -> (Server, Issuer, Arc<Kept>) {
    let (listener, address) = bind(0, "--port").await.unwrap();
    let (name, kept) = (format!("http://{address}"), Arc::new(Kept::default()));
    let document = json!({ "issuer": said.unwrap_or(&name), "jwks_uri": format!("{name}/keys") }).to_string();
    let shared = kept.clone();
    let keys = move || {
        shared.asked.fetch_add(1, Ordering::SeqCst);
        let (fails, newest) = (shared.fails.load(Ordering::SeqCst), shared.newest.load(Ordering::SeqCst));
        let elliptic = json!({ "kty": "EC", "kid": "ec", "crv": "P-256", "x": "AQAB", "y": "AQAB" });
        let mut other = rsa("rs512");
        other["alg"] = json!("RS512");
        let mut sealing = rsa("sealing");
        sealing["use"] = json!("enc");
        let newest = rsa(&format!("newest-{newest}"));
        let set = json!({ "keys": [rsa("first"), newest, elliptic, other, sealing, "no key"] });
        async move { if fails == 0 { Ok(set.to_string()) } else { Err(StatusCode::SERVICE_UNAVAILABLE) } }
    };
    let router = Router::new()
        .route(DISCOVERY, get(move || async move { document.clone() }))
        .route("/keys", get(keys));
    (Server::serve(listener, address, router), Issuer { name, keeping, ..Issuer::default() }, kept)
}

async fn has(issuer: &Issuer, name: &str, now_ms: u64) -> Result<(), NoKey> {
    issuer.key(name, Algorithm::RS256, now_ms).await.map(drop)
}

const KEPT_MS: u64 = 2 * HOUR_MS;

#[tokio::test]
async fn keys_are_fetched_once_in_two_hours_and_a_key_that_joined_since_is_unknown_until_then() {
    let (_server, issuer, kept) = serve(None).await;
    issuer.discover().await.unwrap();
    let end = 1_000 + KEPT_MS;
    assert_eq!(has(&issuer, "newest-0", 1_000).await, Ok(()));
    kept.newest.store(1, Ordering::SeqCst);
    for now in [1_001, end - 1] {
        assert_eq!(has(&issuer, "newest-1", now).await, Err(NoKey::Unknown));
        assert_eq!(has(&issuer, "newest-0", now).await, Ok(()));
    }
    assert_eq!(kept.asked.load(Ordering::SeqCst), 1);
    assert_eq!(has(&issuer, "newest-1", end).await, Ok(()));
    assert_eq!(has(&issuer, "newest-0", end).await, Err(NoKey::Unknown));
    assert_eq!(kept.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn keys_whose_time_is_over_let_nobody_in_while_the_issuer_is_down() {
    let (_server, issuer, kept) = serve(None).await;
    issuer.discover().await.unwrap();
    assert_eq!(has(&issuer, "first", 0).await, Ok(()));
    kept.fails.store(1, Ordering::SeqCst);
    assert_eq!(has(&issuer, "first", KEPT_MS - 1).await, Ok(()));
    assert_eq!(has(&issuer, "first", KEPT_MS).await, Err(NoKey::Unreachable));
    kept.fails.store(0, Ordering::SeqCst);
    assert_eq!(has(&issuer, "first", KEPT_MS).await, Ok(()));
}

#[tokio::test]
async fn only_keys_that_an_http_api_can_use_are_known() {
    let (_server, issuer, _) = serve(None).await;
    issuer.discover().await.unwrap();
    for name in ["ec", "rs512", "sealing", "", "nobody"] {
        assert_eq!(has(&issuer, name, 0).await, Err(NoKey::Unknown), "{name}");
    }
}

#[tokio::test]
async fn a_rest_api_keeps_keys_for_an_hour_and_looks_again_for_a_key_that_joined_since() {
    let (_server, issuer, kept) = serve_to(Keeping::OneHour, None).await;
    issuer.discover().await.unwrap();
    assert_eq!(has(&issuer, "newest-0", 1_000).await, Ok(()));
    kept.newest.store(1, Ordering::SeqCst);
    // A key that is known is not asked for, also when its issuer took it back.
    assert_eq!(has(&issuer, "newest-0", HOUR_MS + 999).await, Ok(()));
    assert_eq!(kept.asked.load(Ordering::SeqCst), 1);
    assert_eq!(has(&issuer, "newest-1", 1_001).await, Ok(()));
    assert_eq!(kept.asked.load(Ordering::SeqCst), 2);
    // What was fetched is all that counts, and its hour begins.
    assert_eq!(has(&issuer, "newest-0", 1_001).await, Err(NoKey::Unknown));
    let asked = kept.asked.load(Ordering::SeqCst);
    assert_eq!(has(&issuer, "first", HOUR_MS + 2_000).await, Ok(()));
    assert_eq!(kept.asked.load(Ordering::SeqCst), asked + 1);
}

#[tokio::test]
async fn a_made_up_key_takes_no_known_one_from_a_rest_api_while_the_issuer_is_down() {
    let (_server, issuer, kept) = serve_to(Keeping::OneHour, None).await;
    issuer.discover().await.unwrap();
    assert_eq!(has(&issuer, "first", 0).await, Ok(()));
    kept.fails.store(1, Ordering::SeqCst);
    assert_eq!(has(&issuer, "nobody", 1).await, Err(NoKey::Unreachable));
    assert_eq!(has(&issuer, "first", HOUR_MS - 1).await, Ok(()));
    assert_eq!(has(&issuer, "first", HOUR_MS).await, Err(NoKey::Unreachable));
}

/// RFC 8725, section 3.1: a key is for the algorithms of its form, and for no other that it does not name.
#[tokio::test]
async fn a_key_verifies_nothing_but_what_it_is_for() {
    let (_server, issuer, _) = serve_to(Keeping::OneHour, None).await;
    issuer.discover().await.unwrap();
    let [rs256, rs512, es256] = [Algorithm::RS256, Algorithm::RS512, Algorithm::ES256];
    for (name, fits) in
        [("first", [true, true, false]), ("rs512", [false, true, false]), ("ec", [false, false, true])]
    {
        for (algorithm, fits) in [rs256, rs512, es256].into_iter().zip(fits) {
            let found = issuer.key(name, algorithm, 0).await.map(drop);
            assert_eq!(found, if fits { Ok(()) } else { Err(NoKey::Unknown) }, "{name} for {algorithm:?}");
        }
    }
}

#[tokio::test]
async fn an_issuer_that_both_kinds_of_api_name_is_said_once_to_have_no_keys() {
    let issuer = |keeping| Arc::new(Issuer { name: "nobody".to_owned(), keeping, ..Issuer::default() });
    let both = [Keeping::TwoHours, Keeping::OneHour];
    let issuers = Issuers(both.map(|keeping| (("nobody".to_owned(), keeping), issuer(keeping))).into());
    assert_eq!(issuers.discover().await.len(), 1);
    assert_eq!(issuers.get("nobody", Keeping::OneHour).keeping, Keeping::OneHour);
}

#[tokio::test]
async fn an_issuer_that_does_not_say_where_its_keys_are_has_none() {
    let (_server, issuer, kept) = serve(Some("http://127.0.0.1:1/other")).await;
    let problem = issuer.discover().await.unwrap_err();
    assert!(
        problem.ends_with("the document at /.well-known/openid-configuration is another issuer's"),
        "{problem}"
    );
    assert_eq!(has(&issuer, "first", 0).await, Err(NoKey::Unreachable));
    assert_eq!(kept.asked.load(Ordering::SeqCst), 0);
    for name in ["https://auth.example.com", "nova-crm", "", "http://user@127.0.0.1:1"] {
        let issuer = Issuer { name: name.to_owned(), ..Issuer::default() };
        assert!(issuer.discover().await.unwrap_err().contains("expected an address"), "{name}");
    }
}
