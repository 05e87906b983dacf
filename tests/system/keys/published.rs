//! The public set, as others read it; and `nova keys`, as an operator does.

use nova_auth::app::AuthService;
use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth::keys::{KeyAlgorithm, KeyDocument, Rejected, Token, TokenKind};
use nova_auth::service::HasTokens;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::vault::symmetric;
use crate::support::app::App;
use crate::support::client::Client;
use crate::support::program::{Ended, command, run};
use crate::support::stack::System;

/// A call of the stack's Secrets Manager.
pub(super) async fn secrets(url: &str, operation: &str, input: &Value) -> Value {
    let request = reqwest::Client::new()
        .post(url)
        .header("x-amz-target", format!("secretsmanager.{operation}"))
        .body(input.to_string());
    request.send().await.unwrap().json().await.unwrap()
}

/// Puts a ring in force by hand.
pub(super) async fn put(url: &str, secret: &str, text: &str) {
    let answer = secrets(url, "PutSecretValue", &json!({"SecretId": secret, "SecretString": text})).await;
    assert_eq!(answer["VersionStages"], json!(["AWSCURRENT"]), "{answer}");
}

/// The ring in force.
pub(super) async fn in_force(url: &str, secret: &str) -> Value {
    let answer = secrets(url, "GetSecretValue", &json!({"SecretId": secret})).await;
    serde_json::from_str(answer["SecretString"].as_str().unwrap()).unwrap()
}

/// `nova keys …` on this system.
pub(super) async fn nova_keys(system: &System, arguments: &[&str]) -> Ended {
    let local = format!("--local={}", system.stack.dynamodb_url());
    let (verb, rest) = arguments.split_first().unwrap();
    run(command("nova", &[&["keys", verb, &local], rest].concat()), "").await
}

#[tokio::test]
async fn the_public_set_is_empty_for_symmetric_keys_and_may_be_kept_for_five_minutes() {
    let system = System::start().await;
    let answer = Client::at(2).get(&format!("{}/.well-known/jwks.json", system.stack.url()), None).await;
    assert_eq!((answer.status, &answer.body), (200, &json!({"keys": []})));
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

/// Another service, with nothing but the set and a JWT library.
#[tokio::test]
async fn another_service_verifies_a_token_by_the_public_set_alone_before_its_key_even_signs() {
    let now = nova_auth::app::start_time();
    for algorithm in [KeyAlgorithm::Es256, KeyAlgorithm::EdDsa, KeyAlgorithm::Rs256] {
        let system = System::start().await;
        let ring = KeyDocument::parse(&symmetric("access-1", 'a', ""), TokenKind::Access).unwrap();
        let ring = ring.with_new_key(algorithm, now, now - jiff::SignedDuration::from_hours(1)).unwrap();
        let future = now + jiff::SignedDuration::from_hours(1);
        let ring = ring.with_new_key(algorithm, now, future).unwrap();
        put(system.stack.secretsmanager_url(), "AccessKeysSecret", ring.text().expose_secret()).await;
        let (sara, client) = (system.user("sara").await, Client::at(2));
        let token = system.login(&client, &sara).await.access;
        let set = client.get(&format!("{}/.well-known/jwks.json", system.stack.url()), None).await.body;
        assert_eq!(set["keys"].as_array().unwrap().len(), 2, "the key that signs later is there: {set}");
        assert!(!set.to_string().contains("\"d\""), "{set}");
        let claims = verified(&token, &set);
        assert_eq!(claims["sub"], sara.id, "{}", algorithm.name());
        // What it can't see: that the session has ended.
        assert_eq!(system.logout(&client, Some(&token), &json!({})).await.status, 200);
        assert_eq!(system.whoami(&client, &token).await.status, 401);
        assert_eq!(verified(&token, &set)["sub"], sara.id);
    }
}

fn verified(token: &str, set: &Value) -> Value {
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(set.clone()).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.set_audience(&["nova-api"]);
    validation.set_issuer(&["nova-crm"]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn without_its_keys_the_set_is_a_503_that_nobody_keeps() {
    let system = System::start_in(&[("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")]).await;
    let answer = Client::at(2).get(&format!("{}/.well-known/jwks.json", system.stack.url()), None).await;
    answer.expect(503, "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn an_operator_sees_the_keys_rotates_them_and_sees_the_new_ones() {
    let system = System::start_with(|options| {
        options.parameters.insert("KeyAlgorithm".to_owned(), "ES256".to_owned());
    })
    .await;
    let before = nova_keys(&system, &["list"]).await;
    assert!(before.success, "{before:?}");
    let lines: Vec<_> =
        before.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[1], ["access-1", "HS256", "signs"]);
    assert_eq!(lines[3], ["refresh-1", "HS256", "signs"]);

    let rotated = nova_keys(&system, &["rotate"]).await;
    assert!(rotated.success, "{rotated:?}");
    assert_eq!(rotated.stdout.matches("nobody is logged out").count(), 2, "{rotated:?}");
    let after = nova_keys(&system, &["list"]).await.stdout;
    assert!(after.contains("ES256  signs from 20"), "{after}");
    assert_eq!(after.matches("signs from").count(), 2, "{after}");
    let url = system.stack.secretsmanager_url();
    for secret in ["AccessKeysSecret", "RefreshKeysSecret"] {
        for key in in_force(url, secret).await["keys"].as_array().unwrap() {
            for private in ["k", "d"].iter().filter_map(|name| key[*name].as_str()) {
                assert!(!after.contains(private) && !rotated.stdout.contains(private));
                assert!(!system.stack.logs().contains(private));
            }
        }
    }
    // One ring alone.
    let rotated = nova_keys(&system, &["rotate", "refresh"]).await;
    assert!(rotated.success && !rotated.stdout.contains("access:"), "{rotated:?}");
    assert_eq!(in_force(url, "AccessKeysSecret").await["keys"].as_array().unwrap().len(), 2);
    assert_eq!(in_force(url, "RefreshKeysSecret").await["keys"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_ring_of_the_links_in_mail_is_an_operators_like_the_others_where_there_is_one() {
    let none = System::start().await;
    let refused = nova_keys(&none, &["rotate", "link"]).await;
    assert_eq!(refused.complaint(), "error: this system has no link keys");

    let system = System::start_with_mail().await;
    let list = nova_keys(&system, &["list"]).await;
    assert!(list.stdout.contains("link (LinkKeysSecret)\n  link-1 "), "{list:?}");
    let rotated = nova_keys(&system, &["rotate"]).await;
    assert!(rotated.success && rotated.stdout.contains("existing links keep working"), "{rotated:?}");
    let url = system.stack.secretsmanager_url();
    assert_eq!(in_force(url, "LinkKeysSecret").await["keys"].as_array().unwrap().len(), 2);
    let dropped = nova_keys(&system, &["rotate", "--drop", "link-1"]).await;
    assert!(dropped.success && dropped.stdout.contains("users can request another"), "{dropped:?}");
    let kids = in_force(url, "LinkKeysSecret").await;
    assert!(kids["keys"].as_array().unwrap().iter().all(|key| key["kid"] != "link-1"), "it is still there");
}

#[tokio::test]
async fn an_emergency_says_who_is_logged_out_and_does_it() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let unknown = nova_keys(&system, &["rotate", "--drop", "acess-1"]).await;
    assert_eq!(unknown.complaint(), "error: no ring has a key acess-1; see `nova keys list`");

    let access = nova_keys(&system, &["rotate", "--drop", "access-1"]).await;
    assert!(access.success && access.stdout.contains("Logged out: nobody"), "{access:?}");
    assert!(access.stdout.contains("take the dropped key for up to 30 seconds more"), "{access:?}");
    let refresh = nova_keys(&system, &["rotate", "--drop", "refresh-1"]).await;
    assert!(refresh.success && refresh.stdout.contains("Logged out: everybody whose"), "{refresh:?}");

    // Whoever reads the rings from now on takes neither token; the functions that run do, for half a minute.
    let (config, now) = (config(&system), nova_auth::app::start_time());
    let service = AuthService::new(&config, &Clients::new(&config.aws().unwrap()).unwrap()).unwrap();
    let verified = service.access.verify(&Token::new(pair.access), now).await;
    assert!(matches!(verified, Err(Rejected::Invalid)), "{verified:?}");
    let verified = service.refresh.verify(&Token::new(pair.refresh), now).await;
    assert!(matches!(verified, Err(Rejected::Invalid)), "{verified:?}");
    assert!(service.ready(now).await.is_ok());
}

/// What a function of this system that starts now is told.
fn config(system: &System) -> Config {
    let variables = [
        ("IDENTITY_TABLE", "IdentityTable"),
        ("SESSIONS_TABLE", "SessionsTable"),
        ("ACCESS_KEYS_SECRET", "AccessKeysSecret"),
        ("REFRESH_KEYS_SECRET", "RefreshKeysSecret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", system.stack.dynamodb_url()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", system.stack.secretsmanager_url()),
    ];
    variables.into_iter().collect()
}

#[tokio::test]
async fn a_system_that_is_not_there_is_one_clear_line() {
    let ended = run(command("nova", &["keys", "list", "--local=http://127.0.0.1:1"]), "").await;
    assert_eq!(
        ended.complaint(),
        "error: cannot connect to nova local at http://127.0.0.1:1; is it running?"
    );
    let ended = run(command("nova", &["keys", "list"]), "").await;
    assert_eq!(
        ended.complaint(),
        "error: no target: pass --local, --stack NAME, or both --access-keys-secret and --refresh-keys-secret"
    );
}

/// What a key of second factors seals lives as long as its factor: whoever rotates may lock nobody out.
#[tokio::test]
async fn a_key_of_second_factors_joins_and_one_that_somebody_needs_is_dropped_only_by_who_says_so() {
    let system = System::start_with(|options| {
        options.parameters.insert("MfaPolicy".to_owned(), "optional".to_owned());
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let access = system.login(&client, &sara).await.access;
    App::enrol(&system, &client, &access).await;
    let url = system.stack.secretsmanager_url();
    let kids = async || {
        let ring = in_force(url, "FactorKeysSecret").await;
        let all = ring["keys"].as_array().cloned().unwrap_or_else(|| vec![ring]);
        all.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let everything = nova_keys(&system, &["rotate"]).await;
    assert!(everything.success && !everything.stdout.contains("factor"), "{everything:?}");
    let rotated = nova_keys(&system, &["rotate", "factor"]).await;
    assert!(rotated.success && rotated.stdout.contains("enrolled factors keep working"), "{rotated:?}");
    assert_eq!((kids().await.len(), kids().await[0].as_str()), (2, "factor-1"));

    // It seals still.
    let drop = ["rotate", "--drop", "factor-1"];
    let refused = nova_keys(&system, &drop).await;
    assert!(refused.complaint().contains("factor-1 may still seal second factors"), "{refused:?}");
    // It seals no more, and what it sealed is needed.
    let now = nova_auth::app::start_time();
    let ring = in_force(url, "FactorKeysSecret").await.to_string();
    let only_the_first = vec![kids().await[1].clone()];
    let ring = KeyDocument::parse(&ring, TokenKind::Factor).unwrap().without(&only_the_first);
    let ring =
        ring.with_new_key(KeyAlgorithm::Hs256, now, now - jiff::SignedDuration::from_hours(2)).unwrap();
    put(url, "FactorKeysSecret", ring.text().expose_secret()).await;
    let refused = nova_keys(&system, &drop).await;
    let says = format!("the second factors of 1 user still need factor-1: {}.", sara.id);
    assert!(
        refused.complaint().contains(&says) && refused.complaint().contains("--lose-factors"),
        "{refused:?}"
    );
    assert_eq!(kids().await.len(), 2);
    let local = format!("--local={}", system.stack.dynamodb_url());
    let reset = run(command("nova", &["factor", "reset", &local, &sara.email]), "").await;
    assert!(reset.success, "{reset:?}");
    let dropped = nova_keys(&system, &drop).await;
    assert!(dropped.success && kids().await.len() == 1, "{dropped:?}");
    let last = kids().await.remove(0);
    let dropped = nova_keys(&system, &["rotate", "--drop", &last, "--lose-factors"]).await;
    assert!(dropped.success && kids().await != [last], "{dropped:?}");
}
