//! Tokens of every algorithm, changed in every part: none opens anything.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nova_auth::app::start_time;
use nova_auth::keys::{KeyAlgorithm, KeyDocument, TokenKind};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;

use super::published::{put, secrets};
use super::vault::symmetric;
use crate::support::client::Client;
use crate::support::stack::System;
use crate::support::tokens::part;

/// A ring with a key of each algorithm, of which one signs.
fn ring(signer: KeyAlgorithm) -> KeyDocument {
    let now = start_time();
    let others = KeyAlgorithm::ALL.iter().filter(|(_, other)| *other != signer);
    let ring = KeyDocument::parse(&symmetric("access-1", 'a', ""), TokenKind::Access).unwrap();
    let older = now - jiff::SignedDuration::from_hours(2);
    let ring = others.fold(ring, |ring, (_, other)| ring.with_new_key(*other, now, older).unwrap());
    ring.with_new_key(signer, now, now - jiff::SignedDuration::from_hours(1)).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Every way to change one thing of a token, with what was changed.
fn changed(token: &str, ring: &Value) -> Vec<(String, String)> {
    let parts: Vec<_> = token.split('.').collect();
    let (header, claims) = (part(token, 0), part(token, 1));
    let mut all = Vec::new();
    for (name, _) in header.as_object().unwrap() {
        let others = ["none", "HS256", "ES256", "EdDSA", "RS256", "HS512", "at+jwt", "rt+jwt", "JWT", ""];
        let kids = ring["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap());
        for other in others.into_iter().chain(kids).filter(|other| header[name] != *other) {
            let mut header = header.clone();
            header[name] = json!(other);
            all.push((format!("{name}: {other}"), format!("{}.{}.{}", encoded(&header), parts[1], parts[2])));
        }
    }
    for (name, value) in claims.as_object().unwrap() {
        let mut others = claims.clone();
        others[name] = match value {
            Value::Number(number) => json!(number.as_i64().unwrap() + 1),
            other => json!(format!("{}x", other.as_str().unwrap())),
        };
        let mut without = claims.clone();
        without.as_object_mut().unwrap().remove(name);
        for claims in [others, without] {
            all.push((
                format!("{name} in {claims}"),
                format!("{}.{}.{}", parts[0], encoded(&claims), parts[2]),
            ));
        }
    }
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    for index in [0, signature.len() / 2, signature.len() - 1] {
        let mut other = signature.clone();
        other[index] ^= 1;
        all.push((format!("signature byte {index}"), other_signature(&parts, &other)));
    }
    all.push(("half a signature".to_owned(), other_signature(&parts, &signature[..signature.len() / 2])));
    all.push(("a signature of zeros".to_owned(), other_signature(&parts, &vec![0; signature.len()])));
    all.push(("a longer signature".to_owned(), other_signature(&parts, &[&signature[..], &[0]].concat())));
    all
}

fn other_signature(parts: &[&str], signature: &[u8]) -> String {
    format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(signature))
}

/// HS256 with what everybody can read of an asymmetric key: the classic confusion.
fn confused(token: &str, key: &Value) -> Vec<(String, String)> {
    let mut header = part(token, 0);
    header["alg"] = json!("HS256");
    let input = format!("{}.{}", encoded(&header), token.split('.').nth(1).unwrap());
    let public = ["x", "n", "y"].iter().filter_map(|name| key[*name].as_str());
    let mut secrets: Vec<Vec<u8>> = public.clone().map(|text| text.as_bytes().to_vec()).collect();
    secrets.extend(public.map(|text| URL_SAFE_NO_PAD.decode(text).unwrap()));
    secrets.push(key.to_string().into_bytes());
    let sign = |secret: &Vec<u8>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(|secret| ("HS256 with the public key".to_owned(), sign(secret))).collect()
}

async fn tamper(algorithm: KeyAlgorithm) {
    let system = System::start().await;
    let url = system.stack.secretsmanager_url();
    let ring = ring(algorithm);
    put(url, "AccessKeysSecret", ring.text().expose_secret()).await;
    let ring: Value = serde_json::from_str(ring.text().expose_secret()).unwrap();
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(part(&pair.access, 0)["alg"], algorithm.name());
    system.assert_lets_in(&client, &pair.access, &sara).await;

    let key = ring["keys"].as_array().unwrap().last().unwrap();
    let mut forgeries = changed(&pair.access, &ring);
    if algorithm != KeyAlgorithm::Hs256 {
        forgeries.extend(confused(&pair.access, key));
    }
    assert!(forgeries.len() > 40, "{}", forgeries.len());
    for (what, token) in &forgeries {
        let answer = system.whoami(&client, token).await;
        assert_eq!(answer.status, 401, "{} with {what} is let in", algorithm.name());
    }
    // The real one is as good as before, and refresh tokens are what they were.
    system.assert_lets_in(&client, &pair.access, &sara).await;
    assert_eq!(part(&pair.refresh, 0)["alg"], "HS256");
    assert_eq!(system.refresh(&client, &pair.access).await.status, 401);
    let described = secrets(url, "DescribeSecret", &json!({"SecretId": "AccessKeysSecret"})).await;
    assert_eq!(described["RotationEnabled"], true);
}

#[tokio::test]
async fn a_token_of_hs256_that_was_changed_anywhere_opens_nothing() {
    tamper(KeyAlgorithm::Hs256).await;
}

#[tokio::test]
async fn a_token_of_es256_that_was_changed_anywhere_opens_nothing() {
    tamper(KeyAlgorithm::Es256).await;
}

#[tokio::test]
async fn a_token_of_eddsa_that_was_changed_anywhere_opens_nothing() {
    tamper(KeyAlgorithm::EdDsa).await;
}

#[tokio::test]
async fn a_token_of_rs256_that_was_changed_anywhere_opens_nothing() {
    tamper(KeyAlgorithm::Rs256).await;
}

/// ECDSA gives two signatures for one message, (r, s) and (r, n - s), and anybody can make one of the other. So one token
/// has two spellings; both are the same token: what is blacklisted is its id.
#[tokio::test]
async fn the_other_spelling_of_an_es256_token_dies_with_it() {
    let system = System::start().await;
    let url = system.stack.secretsmanager_url();
    put(url, "AccessKeysSecret", ring(KeyAlgorithm::Es256).text().expose_secret()).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let parts: Vec<_> = pair.access.split('.').collect();
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let twin = other_signature(&parts, &[&signature[..32], &negated(&signature[32..])].concat());
    assert_ne!(twin, pair.access);
    system.assert_lets_in(&client, &twin, &sara).await;
    assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    for token in [&pair.access, &twin] {
        assert_eq!(system.whoami(&client, token).await.status, 401);
    }
}

/// The order of P-256 (FIPS 186-5) less this number.
fn negated(number: &[u8]) -> Vec<u8> {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order = (0..32).map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap());
    let mut borrow = 0;
    let mut digits: Vec<u8> = order
        .rev()
        .zip(number.iter().rev())
        .map(|(order, digit)| {
            let left = i16::from(order) - i16::from(*digit) - borrow;
            borrow = i16::from(left < 0);
            u8::try_from(left.rem_euclid(256)).unwrap()
        })
        .collect();
    digits.reverse();
    digits
}
