//! Access tokens, key sets and metadata for the JWT libraries of others, and what we say of the same tokens.
//!
//! Where `NOVA_TEST_VALIDATORS` names a directory, they are written there: `tests/validators/run` asks somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use nova_auth::app::start_time;
use nova_auth::domain::metadata::server_metadata;
use nova_auth::domain::session::Session;
use nova_auth::domain::user::Profile;
use nova_auth::keys::{
    AccessTokens, KeyAlgorithm, KeyCache, KeyDocument, Rejected, Token, TokenKind, TokenNames,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::vault::{ACCESS, Vault, lifetimes, symmetric};
use nova_test_support::tokens::part;

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
const AUDIENCE: &str = "nova-api";
/// The algorithms whose keys are public. First those that every library knows: a key that is taken for another is of one of them.
const PUBLIC: [KeyAlgorithm; 3] = [KeyAlgorithm::Rs256, KeyAlgorithm::Es256, KeyAlgorithm::EdDsa];

/// A key that signs, alone or beside older ones of the other algorithms, as after a change of `KeyAlgorithm`.
fn document(algorithm: KeyAlgorithm, with_others: bool, now: Timestamp) -> KeyDocument {
    let first = KeyDocument::parse(&symmetric("access-1", 'a', ""), TokenKind::Access).unwrap();
    if algorithm == KeyAlgorithm::Hs256 {
        return first;
    }
    let others = PUBLIC.into_iter().filter(|other| with_others && *other != algorithm);
    let document = others.fold(first, |document, other| {
        document.with_new_key(other, now, now - SignedDuration::from_hours(4)).unwrap()
    });
    let document = document.with_new_key(algorithm, now, now - SignedDuration::from_hours(3)).unwrap();
    document.without(&["access-1".to_owned()])
}

/// A key of another algorithm under the name of the one that signs: from the same document where it has one.
fn under_the_name_of(kid: &str, document: &KeyDocument, now: Timestamp) -> KeyDocument {
    let text: Value = serde_json::from_str(document.text().expose_secret()).unwrap();
    let keys = text["keys"].as_array().unwrap();
    let signer = keys.iter().find(|key| key["kid"] == kid).unwrap();
    let other = keys.iter().find(|key| key["kid"] != kid).cloned().unwrap_or_else(|| {
        let algorithm = PUBLIC.into_iter().find(|other| signer["alg"] != other.name()).unwrap();
        let other = self::document(algorithm, false, now);
        serde_json::from_str::<Value>(other.text().expose_secret()).unwrap()["keys"][0].clone()
    });
    let mut renamed = other;
    renamed["kid"] = json!(kid);
    KeyDocument::parse(&renamed.to_string(), TokenKind::Access).unwrap()
}

fn keys(document: &KeyDocument) -> KeyCache {
    let vault = Vault::default();
    vault.put(ACCESS, document.text().expose_secret());
    KeyCache::new(vault.client(), ACCESS, TokenKind::Access)
}

fn tokens(document: &KeyDocument, issuer: &str, audience: &str) -> AccessTokens {
    let names = TokenNames { issuer: issuer.to_owned(), also: None, audience: audience.to_owned() };
    AccessTokens::new(keys(document), names)
}

/// Sara, and her session since `now`.
fn sara(now: Timestamp) -> (Profile, Session) {
    let profile = json!({
        "userId": ID, "email": "sara@example.com", "name": "Sara", "role": "user", "status": "active",
        "permissions": [], "epoch": 1, "createdAt": now, "passwordChangedAt": now,
    });
    let (start, end) = (now.as_millisecond(), now.as_millisecond() + 86_400_000);
    let session = json!({
        "userId": ID, "sessionId": ID, "state": "active", "epoch": 1, "delivery": "body", "generation": 0,
        "current": "A".repeat(43), "rotatedAt": start, "rotationKid": "refresh-1", "idleEnd": end,
        "rotationRequest": ID, "device": {"userAgent": "Mozilla/5.0", "ip": "192.0.2.10"}, "createdAt": start,
        "absoluteEnd": end,
    });
    (serde_json::from_value(profile).unwrap(), serde_json::from_value(session).unwrap())
}

async fn issued(document: &KeyDocument, issuer: &str, audience: &str, now: Timestamp) -> String {
    let (profile, session) = sara(now);
    let tokens = tokens(document, issuer, audience);
    tokens.issue(&profile, &session, &lifetimes(), now).await.unwrap().token.expose().to_owned()
}

/// The token with the first six bits of its signature inverted.
fn with_another_signature(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let first = LETTERS.find(&signature[..1]).unwrap();
    format!("{signed}.{}{}", &LETTERS[63 - first..64 - first], &signature[1..])
}

/// A stack that signs with this algorithm: what everybody can fetch of it, a right token, and wrong ones by what is wrong.
async fn stack(algorithm: KeyAlgorithm, with_others: bool, issuer: &str, now: Timestamp) -> Value {
    let document = document(algorithm, with_others, now);
    let own = tokens(&document, issuer, AUDIENCE);
    let right = issued(&document, issuer, AUDIENCE, now).await;
    let kid = part(&right, 0)["kid"].as_str().unwrap().to_owned();
    let an_hour_ago = now - SignedDuration::from_hours(1);
    let elsewhere = self::document(algorithm, false, now);
    let elsewhere = match algorithm {
        KeyAlgorithm::Hs256 => {
            KeyDocument::parse(&symmetric("access-2", 'b', ""), TokenKind::Access).unwrap()
        }
        _ => elsewhere,
    };
    // By the same key and for the same audience: what tells them apart is `typ`.
    let ticket = own.issue_ticket(AUDIENCE, &sara(now).1, now).await.unwrap().token.expose().to_owned();
    let wrong = BTreeMap::from([
        ("typ", ticket),
        ("audience", issued(&document, issuer, "another-api", now).await),
        ("issuer", issued(&document, "https://another.example.com", AUDIENCE, now).await),
        ("expired", issued(&document, issuer, AUDIENCE, an_hour_ago).await),
        ("signature", with_another_signature(&right)),
        ("alg", issued(&under_the_name_of(&kid, &document, now), issuer, AUDIENCE, now).await),
        ("key", issued(&elsewhere, issuer, AUDIENCE, now).await),
    ]);
    let ring = keys(&document).ring(now).await.unwrap();
    let algorithms: BTreeSet<String> = ring.public_algorithms(now);
    json!({
        "algorithm": algorithm.name(), "issuer": issuer, "audience": AUDIENCE, "subject": ID,
        "metadata": server_metadata(issuer, &algorithms), "jwks": ring.public_set(now),
        "right": right, "wrong": wrong, "document": document.text().expose_secret(),
    })
}

/// Our verdict: on the right token, and which of the wrong ones are refused.
async fn ours(stack: &Value, now: Timestamp) -> (bool, BTreeSet<String>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let document = KeyDocument::parse(stack["document"].as_str().unwrap(), TokenKind::Access).unwrap();
    let own = tokens(&document, &text(&stack["issuer"]), AUDIENCE);
    let takes = async |token: &Value| match own.verify(&Token::new(text(token)), now).await {
        Ok(verified) => !verified.expired,
        Err(Rejected::Invalid) => false,
        Err(undecided) => panic!("{undecided:?}"),
    };
    let mut refused = BTreeSet::new();
    for (what, token) in stack["wrong"].as_object().unwrap() {
        if !takes(token).await {
            refused.insert(what.clone());
        }
    }
    (takes(&stack["right"]).await, refused)
}

#[expect(clippy::disallowed_methods, reason = "a variable for this test alone, and not configuration")]
fn directory() -> Option<PathBuf> {
    std::env::var("NOVA_TEST_VALIDATORS").ok().filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[tokio::test]
async fn a_token_of_every_algorithm_has_what_strict_validators_demand_and_they_are_given_what_we_refuse() {
    let now = start_time();
    let directory = directory();
    let issuers: Value = directory.as_ref().map_or(Value::Null, |directory| {
        let text = std::fs::read_to_string(directory.join("issuers.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    let mut stacks = BTreeMap::new();
    for algorithm in KeyAlgorithm::ALL {
        let name = algorithm.name();
        for with_others in [false, true].into_iter().take(if name == "HS256" { 1 } else { 2 }) {
            let name = format!("{name}{}", if with_others { " beside others" } else { "" });
            let issuer = issuers[&name].as_str().unwrap_or("https://auth.example.com");
            let mut stack = stack(algorithm, with_others, issuer, now).await;
            let (right, refused) = ours(&stack, now).await;
            assert!(right, "{name}");
            assert_eq!(refused.len(), 7, "{name}: {refused:?}");
            demand(&stack);
            stack.as_object_mut().unwrap().remove("document");
            stacks.insert(name, stack);
        }
    }
    assert_eq!(stacks.len(), 7);
    if let Some(directory) = directory {
        std::fs::write(directory.join("stacks.json"), json!(stacks).to_string()).unwrap();
    }
}

/// RFC 9068, sections 2.1 and 2.2, and a key set in which a validator finds the key.
fn demand(stack: &Value) {
    let right = stack["right"].as_str().unwrap();
    let (header, claims) = (part(right, 0), part(right, 1));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &stack["algorithm"]));
    for name in ["iss", "aud", "sub", "client_id", "jti"] {
        assert!(claims[name].as_str().is_some_and(|text| !text.is_empty()), "{name} in {claims}");
    }
    for name in ["iat", "exp", "auth_time"] {
        assert!(claims[name].is_i64(), "{name} in {claims}");
    }
    let keys = stack["jwks"]["keys"].as_array().unwrap();
    if header["alg"] == "HS256" {
        assert!(keys.is_empty() && stack["metadata"].is_null(), "{stack}");
        return;
    }
    assert!(keys.iter().any(|key| key["kid"] == header["kid"] && key["alg"] == header["alg"]), "{stack}");
    assert_eq!(stack["metadata"]["issuer"], claims["iss"]);
}
