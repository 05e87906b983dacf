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
    let others = KeyAlgorithm::ALL.into_iter().filter(|other| *other != signer);
    let ring = KeyDocument::parse(&symmetric("access-1", 'a', ""), TokenKind::Access).unwrap();
    let older = now - jiff::SignedDuration::from_hours(2);
    let ring = others.fold(ring, |ring, other| ring.with_new_key(other, now, older).unwrap());
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
            Value::Array(values) => json!([values.as_slice(), &[json!("x")]].concat()),
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
    all.push(("the signature twice".to_owned(), other_signature(&parts, &signature.repeat(2))));
    all.push(("no signature".to_owned(), format!("{}.{}.", parts[0], parts[1])));
    all.push(("a signature of ones".to_owned(), other_signature(&parts, &vec![255; signature.len()])));
    all.extend(malleable(&parts, &signature, &header, ring));
    all
}

/// What the mathematics of each algorithm would let through, if it were not looked at closely.
fn malleable(parts: &[&str], signature: &[u8], header: &Value, ring: &Value) -> Vec<(String, String)> {
    let halves = signature.split_at(signature.len() / 2);
    let all: Vec<(&str, Vec<u8>)> = match header["alg"].as_str().unwrap() {
        "ES256" => vec![
            ("r and s in the other order", [halves.1, halves.0].concat()),
            ("r = 0", [&[0; 32], halves.1].concat()),
            ("s = 0", [halves.0, &[0; 32]].concat()),
            ("r = s = 1", one_and_one()),
            // CVE-2022-21449: numbers that are 0 modulo the order.
            ("r = s = the order", [order(), order()].concat()),
            ("DER", der(halves.0, halves.1)),
        ],
        // RFC 8032, section 5.1.7: S is below the order of the group, or one signature had several spellings.
        "EdDSA" => vec![("S and the order of the group", [halves.0, &plus_group_order(halves.1)].concat())],
        "RS256" => {
            let key =
                ring["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
            let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
            vec![
                ("s and the modulus", added(signature, &modulus)),
                ("a zero in front", [&[0], signature].concat()),
                ("the modulus", modulus),
            ]
        }
        _ => vec![("a zero in front", [&[0], signature].concat())],
    };
    all.into_iter().map(|(what, other)| (what.to_owned(), other_signature(parts, &other))).collect()
}

fn one_and_one() -> Vec<u8> {
    let mut numbers = vec![0; 64];
    (numbers[31], numbers[63]) = (1, 1);
    numbers
}

/// ASN.1, as X.509 and many libraries write an ECDSA signature; RFC 7518, section 3.4, has it not.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let padded = if bytes[0] > 127 { [&[0], bytes].concat() } else { bytes.to_vec() };
        [&[2, u8::try_from(padded.len()).unwrap()], &padded[..]].concat()
    };
    let numbers = [number(r), number(s)].concat();
    [&[0x30, u8::try_from(numbers.len()).unwrap()], &numbers[..]].concat()
}

/// The sum of two numbers, the most significant byte first; one byte longer where it has to be.
fn added(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<u8> = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .map(|(one, other)| {
            let digit = u16::from(*one) + u16::from(*other) + carry;
            carry = digit >> 8;
            digit.to_le_bytes()[0]
        })
        .collect();
    if carry > 0 {
        sum.push(1);
    }
    sum.reverse();
    sum
}

/// S + L of Ed25519, whose numbers have the least significant byte first.
fn plus_group_order(s: &[u8]) -> Vec<u8> {
    let order = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";
    let turned: Vec<u8> = s.iter().rev().copied().collect();
    let mut sum = added(&turned, &bytes(order));
    sum.reverse();
    sum
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

/// The order of P-256 (FIPS 186-5).
fn order() -> Vec<u8> {
    bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// The order of P-256 less this number.
fn negated(number: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = order()
        .iter()
        .rev()
        .zip(number.iter().rev())
        .map(|(order, digit)| {
            let left = i16::from(*order) - i16::from(*digit) - borrow;
            borrow = i16::from(left < 0);
            u8::try_from(left.rem_euclid(256)).unwrap()
        })
        .collect();
    digits.reverse();
    digits
}
