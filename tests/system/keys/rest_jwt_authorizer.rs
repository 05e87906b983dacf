//! A REST API of another team whose own JWT authorizer takes our tokens: what holds of an HTTP API's (`jwt_authorizer.rs`) and what is
//! different, since it takes more algorithms and refuses in the words of its gateway responses.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use nova_auth::keys::{KeyAlgorithm, KeyDocument};
use nova_local::Options;
use serde_json::json;

use super::jwt_samples::{Attached, REST, kid, later, put_ring, rs256, with};
use crate::support::binaries;
use crate::support::stack::Pair;
use crate::support::tokens::{claims, part};
use crate::support::written::Written;

async fn start(ring: &KeyDocument) -> Attached {
    start_with(Some(ring), |_| ()).await
}

async fn start_with(ring: Option<&KeyDocument>, change: impl FnOnce(&mut Options)) -> Attached {
    Attached::start(REST, ring, change).await
}

/// A ring with an ES256 key that signs, beside an RS256 key.
fn es256() -> KeyDocument {
    with(rs256(), KeyAlgorithm::Es256, SignedDuration::from_hours(-1))
}

/// Asserts that a token is refused in the words of the template, which say nothing of the reason.
async fn refuses(api: &Attached, token: Option<&str>) {
    let answer = api.whoami(token).await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("x-amzn-errortype"), "UnauthorizedException");
    answer.expect(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn our_tokens_of_either_algorithm_open_a_rest_api_that_asks_nobody() {
    let api = start(&rs256()).await;
    assert!(api.system.stack.notes().is_empty(), "{:?}", api.system.stack.notes());
    let before = api.login().await;
    assert_eq!(part(&before.access, 0)["alg"], "RS256");
    api.takes(&before.access).await;
    refuses(&api, None).await;
    assert_eq!(api.client.get(&api.url("/health"), None).await.status, 200);
    assert!(!api.system.stop().await.contains("\"decision\":"), "the authorizer was asked");

    let api = start(&es256()).await;
    let token = api.login().await.access;
    assert_eq!(part(&token, 0)["alg"], "ES256");
    api.takes(&token).await;
}

/// Of an HTTP API each would be a text.
#[tokio::test]
async fn the_function_finds_every_claim_as_the_token_has_it() {
    let api = start(&es256()).await;
    let token = api.login().await.access;
    let answer = api.whoami(Some(&token)).await;
    api.passed(&answer);
    assert_eq!(answer.body["data"]["token"], json!({ "claims": claims(&token) }));
    assert!(claims(&token)["exp"].is_u64());
}

/// The price of asking nobody. Our own authorizer refuses the same token at once.
#[tokio::test]
async fn a_rest_apis_jwt_authorizer_can_not_see_a_logout_and_lets_the_token_in_until_it_expires() {
    let api = start(&es256()).await;
    let pair = api.login().await;
    assert_eq!(api.system.logout(&api.client, Some(&pair.access), &json!({})).await.status, 200);
    assert_eq!(api.system.whoami(&api.client, &pair.access).await.status, 401);
    api.takes(&pair.access).await;
    let end = u64::try_from(claims(&pair.access)["exp"].as_i64().unwrap()).unwrap() * 1000;
    api.time.store(end - 1, Ordering::SeqCst);
    api.takes(&pair.access).await;
    api.time.store(end, Ordering::SeqCst);
    refuses(&api, Some(&pair.access)).await;
}

#[tokio::test]
async fn nothing_else_that_we_sign_opens_a_rest_api() {
    let api = start(&es256()).await;
    let pair = api.login().await;
    // By another ring, which is for nobody else.
    refuses(&api, Some(&pair.refresh)).await;
    let ask = api.client.request("POST", &api.system.auth("tickets")).bearer_auth(&pair.access);
    let ticket = api.client.send(ask.json(&json!({"api": "JwtRestApi"}))).await.text("/data/ticket");
    assert_eq!(part(&ticket, 0)["alg"], "ES256");
    refuses(&api, Some(&ticket)).await;

    let [header, payload, signature]: [&str; 3] =
        pair.access.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = api.login().await.access.split('.').nth(1).unwrap().to_owned();
    for token in [
        format!("{header}.{other}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
    ] {
        refuses(&api, Some(&token)).await;
    }
    // Two tokens are none, and neither is one that nothing is in front of.
    let twice =
        api.client.request("GET", &api.url("/whoami")).bearer_auth(&pair.access).bearer_auth(&pair.access);
    api.client.send(twice).await.expect(401, "UNAUTHORIZED");
    let bare = api.client.request("GET", &api.url("/whoami")).header("authorization", &pair.access);
    api.client.send(bare).await.expect(401, "UNAUTHORIZED");
    api.takes(&pair.access).await;
}

#[tokio::test]
async fn a_rest_api_of_another_audience_refuses_our_tokens() {
    let api = start_with(Some(&es256()), |options| {
        options.attached_parameters.insert("AuthAudience".to_owned(), "their-api".to_owned());
    })
    .await;
    refuses(&api, Some(&api.login().await.access)).await;
}

/// The same API with another template: its method wants a scope, which no token of ours has, and it trusts somebody else besides.
#[tokio::test]
async fn a_rest_api_of_two_issuers_says_403_to_a_good_token_without_a_scope_and_401_to_one_that_it_does_not_take()
 {
    let sample = std::fs::read_to_string(binaries::workspace().join(REST.0)).unwrap();
    let (method, list) = ("      AuthorizationType: JWT\n", "        Issuers:\n");
    assert!(sample.contains(method) && sample.contains(list));
    let sample =
        sample.replace(method, &format!("{method}      AuthorizationScopes: [notes:read]\n")).replace(
            list,
            &format!("{list}          - {{Issuer: 'http://127.0.0.1:1', Audiences: [nova-api]}}\n"),
        );
    let template = Written::new("template.yaml", &sample);
    let api = start_with(Some(&es256()), |options| options.attach = vec![template.to_owned()]).await;
    let [note] = api.system.stack.notes() else { panic!("{:?}", api.system.stack.notes()) };
    assert!(note.starts_with("http://127.0.0.1:1 does not publish its keys"), "{note}");
    let pair = api.login().await;
    let denied = api.whoami(Some(&pair.access)).await;
    let said = json!({ "message": "User is not authorized to access this resource" });
    assert_eq!((denied.status, &denied.body), (403, &said));
    refuses(&api, Some(&pair.refresh)).await;
}

/// `<ApiUrl>/` and `<ApiUrl>` have the same documents; but one issuer is not the other.
#[tokio::test]
async fn an_issuer_that_a_rest_api_does_not_name_to_the_letter_lets_nobody_in_and_nova_local_says_so() {
    let api = start_with(Some(&es256()), |options| {
        options.parameters.insert("TokenIssuer".to_owned(), "<ApiUrl>/".to_owned());
    })
    .await;
    let [note] = api.system.stack.notes() else { panic!("{:?}", api.system.stack.notes()) };
    assert!(note.starts_with(api.system.stack.url()) && note.contains("another issuer's"), "{note}");
    refuses(&api, Some(&api.login().await.access)).await;
}

/// A stack that never rotated has an HS256 key, and nothing public.
#[tokio::test]
async fn an_issuer_without_a_public_key_lets_nobody_into_a_rest_api_and_nova_local_says_so() {
    let api = start_with(None, |_| ()).await;
    assert!(api.system.stack.notes()[0].contains("404"), "{:?}", api.system.stack.notes());
    refuses(&api, Some(&api.login().await.access)).await;
}

#[tokio::test]
async fn a_key_that_was_announced_to_a_rest_api_is_known_when_it_signs() {
    let announced = with(rs256(), KeyAlgorithm::Es256, SignedDuration::from_hours(1));
    let api = start(&announced).await;
    let before = api.login().await;
    api.takes(&before.access).await;
    put_ring(&api.system, &later(&announced)).await;
    // The first call of `refresh`: it reads the ring as it is now.
    let after = Pair::of(&api.system.refresh(&api.client, &before.refresh).await);
    assert_ne!(kid(&after.access), kid(&before.access));
    assert_eq!(part(&after.access, 0)["alg"], "ES256");
    api.takes(&after.access).await;
    api.takes(&before.access).await;
}
