//! The issuer: others find our keys by it, and it can be changed while everybody stays logged in.

use nova_auth::keys::{KeyAlgorithm, KeyDocument, TokenKind};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::published::put;
use super::vault::symmetric;
use crate::support::client::Client;
use crate::support::engine;
use crate::support::stack::{Pair, System};
use crate::support::tokens::part;

const OLD: &str = "nova-crm";
const NEW: &str = "https://auth.example.com";

const DOCUMENTS: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// Has the access tokens signed with a key that others may know.
async fn with_a_public_key(system: &System, algorithm: KeyAlgorithm) {
    let now = nova_auth::app::start_time();
    let ring = KeyDocument::parse(&symmetric("access-1", 'a', ""), TokenKind::Access).unwrap();
    let ring = ring.with_new_key(algorithm, now, now - jiff::SignedDuration::from_hours(1)).unwrap();
    put(system.stack.secretsmanager_url(), "AccessKeysSecret", ring.text().expose_secret()).await;
}

#[tokio::test]
async fn a_library_that_knows_the_issuer_alone_finds_the_keys_and_the_name_that_stands_in_the_tokens() {
    let system = System::start_in(&[("TOKEN_ISSUER", NEW)]).await;
    with_a_public_key(&system, KeyAlgorithm::Es256).await;
    for document in DOCUMENTS {
        let answer = Client::at(2).get(&format!("{}{document}", system.stack.url()), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert_eq!(answer.body["jwks_uri"], format!("{NEW}/.well-known/jwks.json"));
        assert_eq!(answer.body["id_token_signing_alg_values_supported"], json!(["ES256"]));
        let sara = system.user(&document.len().to_string()).await;
        let token = system.login(&Client::at(3), &sara).await.access;
        assert_eq!(part(&token, 1)["iss"], answer.body["issuer"]);
    }
}

/// A library that is told of an empty key set, or of an issuer that no token names, fails later and less clearly.
#[tokio::test]
async fn metadata_by_which_nobody_could_verify_a_token_is_not_there() {
    let (symmetric, nameless) = (System::start_in(&[("TOKEN_ISSUER", NEW)]).await, System::start().await);
    with_a_public_key(&nameless, KeyAlgorithm::Es256).await;
    for system in [&symmetric, &nameless] {
        for document in DOCUMENTS {
            let answer = Client::at(2).get(&format!("{}{document}", system.stack.url()), None).await;
            answer.expect(404, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn an_access_token_says_when_and_how_its_user_proved_who_they_are() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let claims = part(&system.login(&Client::at(2), &sara).await.access, 1);
    assert_eq!((&claims["client_id"], &claims["acr"]), (&json!("nova-auth"), &json!("urn:nova:1")));
    assert_eq!(claims["amr"], json!(["pwd"]));
    let (issued, shown) = (claims["iat"].as_i64().unwrap(), claims["auth_time"].as_i64().unwrap());
    assert!((issued - 5..=issued).contains(&shown), "{claims}");
}

/// Functions of four deployments over the same tables and keys: as it was, and after each step of docs/deploy.md.
async fn deployments() -> [System; 4] {
    let engine = engine::of_one_test().await;
    let first = System::start_with(|options| options.engine.clone_from(&engine)).await;
    let (tables, secrets) =
        (first.stack.dynamodb_url().to_owned(), first.stack.secretsmanager_url().to_owned());
    let next = async |issuer: &str, also: &str| {
        let environment = [
            ("AWS_ENDPOINT_URL_DYNAMODB", tables.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.as_str()),
            ("TOKEN_ISSUER", issuer),
            ("TOKEN_ISSUER_ALSO", also),
        ];
        System::start_with(|options| {
            options.engine.clone_from(&engine);
            let variables = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
            options.environment.extend(variables);
        })
        .await
    };
    let (second, third, last) = (next(OLD, NEW).await, next(NEW, OLD).await, next(NEW, "").await);
    [first, second, third, last]
}

/// While CloudFormation updates one function after the other, a client meets old ones and new ones in turn.
#[tokio::test]
async fn while_each_step_of_a_change_is_deployed_nobody_is_refused_by_the_functions_before_or_after_it() {
    let systems = deployments().await;
    let (sara, client) = (systems[0].user("sara").await, Client::at(2));
    let mut pair = systems[0].login(&client, &sara).await;
    let mut issuers = Vec::new();
    for [before, after] in systems.array_windows() {
        // Long enough after the step before that nobody has a token from before it.
        pair = Pair::of(&before.refresh(&client, &pair.refresh).await);
        for _ in 0..2 {
            for (one, other) in [(after, before), (before, after)] {
                for system in [one, other] {
                    system.assert_lets_in(&client, &pair.access, &sara).await;
                }
                let used = pair.refresh.clone();
                pair = Pair::of(&one.refresh(&client, &used).await);
                // The answer was lost, and the other function answers the retry: the same successor, whoever wrote it.
                let again = Pair::of(&other.refresh(&client, &used).await);
                assert_eq!(part(&again.refresh, 1)["jti"], part(&pair.refresh, 1)["jti"]);
                issuers.push(part(&pair.access, 1)["iss"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(issuers[..4], [OLD; 4], "the first step only takes the new name");
    assert_eq!(issuers[4..8], [NEW, OLD, NEW, OLD], "the second one writes it");
    assert_eq!(issuers[8..], [NEW; 4]);
    let out = systems[3].logout(&client, Some(&pair.access), &json!({"refreshToken": pair.refresh})).await;
    assert_eq!(out.status, 200, "{}", out.body);
    systems[2].assert_dead(&client, &pair).await;
}

/// Why there are three steps: a step left out is met by functions that know only the other name.
#[tokio::test]
async fn without_the_steps_between_the_other_name_is_refused() {
    let [first, .., last] = deployments().await;
    let (sara, client) = (first.user("sara").await, Client::at(2));
    for (one, other) in [(&first, &last), (&last, &first)] {
        let pair = one.login(&client, &sara).await;
        other.assert_dead(&client, &pair).await;
        one.assert_lets_in(&client, &pair.access, &sara).await;
    }
}
