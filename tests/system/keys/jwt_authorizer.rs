//! An HTTP API of another team whose own JWT authorizer takes our tokens. Nobody asks a function of ours there, so what is tested is
//! what API Gateway sees by itself: who gets in, who does not, and who still does.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use nova_auth::keys::{KeyAlgorithm, KeyDocument};
use nova_local::Options;
use serde_json::{Value, json};

use super::jwt_samples::{Attached, HTTP, kid, later, put_ring, rs256, with};
use crate::support::stack::Pair;
use crate::support::tokens::{claims, part};

async fn start(ring: &KeyDocument) -> Attached {
    start_with(Some(ring), |_| ()).await
}

async fn start_with(ring: Option<&KeyDocument>, change: impl FnOnce(&mut Options)) -> Attached {
    Attached::start(HTTP, ring, change).await
}

/// Asserts that a token is refused in API Gateway's own words, and why.
async fn refuses(api: &Attached, token: &str, why: &str) {
    let answer = api.whoami(Some(token)).await;
    assert_eq!((answer.status, &answer.body), (401, &json!({ "message": "Unauthorized" })), "{why}");
    let said = format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#);
    assert_eq!(answer.header("www-authenticate"), said);
}

#[tokio::test]
async fn our_token_opens_an_api_that_asks_nobody_and_its_function_sees_the_claims() {
    let api = start(&rs256()).await;
    assert!(api.system.stack.notes().is_empty(), "{:?}", api.system.stack.notes());
    let pair = api.login().await;
    assert_eq!(part(&pair.access, 0)["alg"], "RS256");
    let answer = api.whoami(Some(&pair.access)).await;
    api.passed(&answer);
    let told = &answer.body["data"]["token"];
    let issued = claims(&pair.access);
    assert_eq!(told["scopes"], Value::Null);
    for name in ["iss", "aud", "client_id", "exp", "role", "sid"] {
        let value = issued[name].as_str().map_or_else(|| issued[name].to_string(), str::to_owned);
        assert_eq!(told["claims"][name], value, "{name}");
    }
    assert_eq!((&issued["iss"], &issued["client_id"]), (&json!(api.system.stack.url()), &json!("nova-auth")));

    let nobody = api.whoami(None).await;
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, "Bearer"));
    let health = api.url("/health");
    assert_eq!(api.client.get(&health, None).await.status, 200);
    assert!(!api.system.stop().await.contains("\"decision\":"), "the authorizer was asked");
}

/// The price of asking nobody. Our own authorizer refuses the same token at once.
#[tokio::test]
async fn a_jwt_authorizer_can_not_see_a_logout_and_lets_the_token_in_until_it_expires() {
    let api = start(&rs256()).await;
    let pair = api.login().await;
    assert_eq!(api.system.logout(&api.client, Some(&pair.access), &json!({})).await.status, 200);
    assert_eq!(api.system.whoami(&api.client, &pair.access).await.status, 401);
    api.takes(&pair.access).await;
    let end = u64::try_from(claims(&pair.access)["exp"].as_i64().unwrap()).unwrap() * 1000;
    api.time.store(end - 1, Ordering::SeqCst);
    api.takes(&pair.access).await;
    api.time.store(end, Ordering::SeqCst);
    refuses(&api, &pair.access, "the token has expired").await;
}

#[tokio::test]
async fn nothing_else_that_we_sign_opens_it() {
    let api = start(&rs256()).await;
    let pair = api.login().await;
    // By another ring, which is for nobody else.
    refuses(&api, &pair.refresh, "the token's signing method is not supported").await;
    let ask = api.client.request("POST", &api.system.auth("tickets")).bearer_auth(&pair.access);
    let ticket = api.client.send(ask.json(&json!({"api": "JwtNotesApi"}))).await.text("/data/ticket");
    assert_eq!(part(&ticket, 0)["alg"], "RS256");
    refuses(&api, &ticket, "the token does not have a valid audience").await;

    let [header, payload, signature]: [&str; 3] =
        pair.access.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = api.login().await.access.split('.').nth(1).unwrap().to_owned();
    for token in [format!("{header}.{other}.{signature}"), format!("{header}.{payload}.")] {
        refuses(&api, &token, "the token's signature is not valid").await;
    }
    refuses(&api, &format!("{header}.{payload}"), "the token can not be read").await;
    api.takes(&pair.access).await;
}

#[tokio::test]
async fn an_api_of_another_audience_refuses_our_tokens() {
    let api = start_with(Some(&rs256()), |options| {
        options.attached_parameters.insert("AuthAudience".to_owned(), "their-api".to_owned());
    })
    .await;
    refuses(&api, &api.login().await.access, "the token does not have a valid audience").await;
}

#[tokio::test]
async fn an_http_api_takes_no_es256_token_however_public_its_key() {
    let ring = with(rs256(), KeyAlgorithm::Es256, SignedDuration::from_hours(-1));
    let api = start(&ring).await;
    let token = api.login().await.access;
    assert_eq!(part(&token, 0)["alg"], "ES256");
    refuses(&api, &token, "the token's signing method is not supported").await;
}

/// `<ApiUrl>/` and `<ApiUrl>` have the same documents; but one issuer is not the other.
#[tokio::test]
async fn an_issuer_that_is_not_named_to_the_letter_lets_nobody_in_and_nova_local_says_so() {
    let api = start_with(Some(&rs256()), |options| {
        options.parameters.insert("TokenIssuer".to_owned(), "<ApiUrl>/".to_owned());
    })
    .await;
    let [note] = api.system.stack.notes() else { panic!("{:?}", api.system.stack.notes()) };
    assert!(note.starts_with(api.system.stack.url()) && note.contains("another issuer's"), "{note}");
    refuses(&api, &api.login().await.access, "the issuer's keys can not be fetched").await;
}

/// A stack that never rotated has an HS256 key, and nothing public.
#[tokio::test]
async fn an_issuer_without_a_public_key_lets_nobody_in_and_nova_local_says_so() {
    let api = start_with(None, |_| ()).await;
    assert!(api.system.stack.notes()[0].contains("404"), "{:?}", api.system.stack.notes());
    refuses(&api, &api.login().await.access, "the token's signing method is not supported").await;
}

#[tokio::test]
async fn a_key_that_was_announced_in_time_is_known_when_it_signs() {
    let announced = with(rs256(), KeyAlgorithm::Rs256, SignedDuration::from_hours(3));
    let api = start(&announced).await;
    let before = api.login().await;
    api.takes(&before.access).await;
    put_ring(&api.system, &later(&announced)).await;
    // The first call of `refresh`: it reads the ring as it is now.
    let after = Pair::of(&api.system.refresh(&api.client, &before.refresh).await);
    assert_ne!(kid(&after.access), kid(&before.access));
    api.takes(&after.access).await;
    api.takes(&before.access).await;
}

/// What a `nova keys rotate --drop` comes to there: the API keeps the keys that it knows, and those alone.
#[tokio::test]
async fn a_key_that_signs_before_the_api_knows_it_is_refused_and_one_that_was_dropped_is_not() {
    let api = start(&rs256()).await;
    let before = api.login().await;
    api.takes(&before.access).await;
    put_ring(&api.system, &later(&rs256())).await;
    let after = Pair::of(&api.system.refresh(&api.client, &before.refresh).await);
    assert_ne!(kid(&after.access), kid(&before.access));
    refuses(&api, &after.access, "the token's key is unknown").await;
    api.takes(&before.access).await;
}
