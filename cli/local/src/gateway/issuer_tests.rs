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
        let set =
            json!({ "keys": [rsa("first"), rsa(&format!("newest-{newest}")), elliptic, other, "no key"] });
        async move { if fails == 0 { Ok(set.to_string()) } else { Err(StatusCode::SERVICE_UNAVAILABLE) } }
    };
    let router = Router::new()
        .route(DISCOVERY, get(move || async move { document.clone() }))
        .route("/keys", get(keys));
    (Server::serve(listener, address, router), Issuer { name, ..Issuer::default() }, kept)
}

async fn has(issuer: &Issuer, name: &str, now_ms: u64) -> Result<(), NoKey> {
    issuer.key(name, now_ms).await.map(drop)
}

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
    for name in ["ec", "rs512", "", "nobody"] {
        assert_eq!(has(&issuer, name, 0).await, Err(NoKey::Unknown), "{name}");
    }
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
