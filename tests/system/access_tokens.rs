//! Tokens that look like ours: none of them opens anything, ends anything, or costs the real one its worth.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::rows::SESSIONS;
use crate::support::stack::{Pair, System, User};
use crate::support::tokens::{self, Keys, claims, expired, resign, sign, sign_text};

/// A system with somebody logged in, and the keys to imitate their tokens with.
struct Scene {
    system: System,
    client: Client,
    sara: User,
    pair: Pair,
    keys: Keys,
}

impl Scene {
    async fn set() -> Scene {
        let system = System::start().await;
        let (sara, client) = (system.user("sara").await, Client::at(2));
        let (pair, keys) = (system.login(&client, &sara).await, system.keys().await);
        Scene { system, client, sara, pair, keys }
    }

    /// Neither API lets it in, and it can't even end the session that it names.
    async fn assert_worthless_as_access(&self, what: &str, token: &str) {
        for url in [self.system.notes("/whoami"), self.system.token_notes("/whoami")] {
            let answer = self.client.get(&url, Some(token)).await;
            assert_eq!((answer.status, answer.code()), (401, "UNAUTHORIZED".to_owned()), "{what}");
        }
        let answer = self.system.logout(&self.client, Some(token), &json!({})).await;
        assert_eq!((answer.status, answer.code()), (401, "TOKEN_INVALID".to_owned()), "{what}");
    }

    /// It gets no successor, and does not end the session that it names either.
    async fn assert_worthless_as_refresh(&self, what: &str, token: &str) {
        let answer = self.system.refresh(&self.client, token).await;
        assert_eq!((answer.status, answer.code()), (401, "REFRESH_TOKEN_INVALID".to_owned()), "{what}");
    }

    async fn assert_the_real_ones_are_good(&self) {
        self.system.assert_lets_in(&self.client, &self.pair.access, &self.sara).await;
        Pair::of(&self.system.refresh(&self.client, &self.pair.refresh).await);
    }
}

/// The ways to make a token that is not exactly ours, for either kind of token.
fn forgeries(token: &str, key: &[u8], kid: &str, typ: &str) -> Vec<(String, String)> {
    let (header, claims) = (json!({"typ": typ, "alg": "HS256", "kid": kid}), claims(token));
    let (head, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let none = |alg: &str| sign(&json!({"typ": typ, "alg": alg, "kid": kid}), &claims, key);
    let unsigned = |token: String| format!("{}.", token.rsplit_once('.').unwrap().0);
    let mut admin = claims.clone();
    admin["role"] = json!("admin");
    let tampered = sign(&header, &admin, b"not the key");
    let tampered = tampered.split('.').nth(1).unwrap();

    let mut all = vec![
        ("signed by another key".to_owned(), sign(&header, &claims, &[7; 48])),
        ("signed by no key".to_owned(), sign(&header, &claims, b"")),
        ("a payload that was not signed".to_owned(), format!("{head}.{tampered}.{signature}")),
        ("a signature cut short".to_owned(), format!("{head}.{payload}.{}", &signature[..20])),
        ("no signature".to_owned(), format!("{head}.{payload}.")),
        ("two parts".to_owned(), format!("{head}.{payload}")),
        ("four parts".to_owned(), format!("{token}.{signature}")),
        ("padding".to_owned(), format!("{token}=")),
        ("too long to be looked at".to_owned(), format!("{head}.{}.{signature}", "A".repeat(5_000))),
    ];
    for alg in ["none", "None", "HS384", "HS512", "RS256", "hs256", ""] {
        all.push((format!("alg {alg:?}"), none(alg)));
        all.push((format!("alg {alg:?}, unsigned"), unsigned(none(alg))));
    }
    for (name, value) in [
        ("kid", json!("access-2")),
        ("kid", json!("../access-1")),
        ("kid", json!("")),
        ("kid", json!(1)),
        ("kid", json!(null)),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("https://example.com/jwks.json")),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("x5u", json!("https://example.com/cert.pem")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("kid", json!("access-1\u{0}")),
        ("kid", json!("ACCESS-1")),
        ("kid", json!(" access-1")),
        ("kid", json!("' OR '1'='1")),
        ("kid", json!("/dev/null")),
        ("kid", json!("https://example.com/jwks.json")),
        ("kid", json!(["access-1"])),
        ("kid", json!("k".repeat(3_000))),
        ("alg", json!(["HS256"])),
        ("alg", json!(null)),
        ("typ", json!("AT+JWT")),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        let mut header = header.clone();
        header[name] = value.clone();
        all.push((format!("header {name} {value}"), sign(&header, &claims, key)));
    }
    for name in ["typ", "alg", "kid"] {
        let mut header = header.clone();
        header.as_object_mut().unwrap().remove(name);
        all.push((format!("header without {name}"), sign(&header, &claims, key)));
    }
    all.extend(other_texts(&header.to_string(), &claims.to_string(), key));
    all.extend(other_spellings(token));
    all.extend(other_claims(token, key));
    all
}

/// Tokens of the real key whose JSON can be read in two ways, or in none.
fn other_texts(header: &str, claims: &str, key: &[u8]) -> Vec<(String, String)> {
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let mut all = Vec::new();
    for member in [r#""alg":"none""#, r#""kid":"access-2""#, r#""typ":"JWT""#, r#""\u0061lg":"HS256""#] {
        all.push((format!("{member} beside the real one"), sign_text(&twice(header, member), claims, key)));
    }
    for member in [r#""sub":"x""#, r#""exp":4000000000"#, r#""aud":"nova-api""#, r#""\u0073id":"x""#] {
        all.push((format!("{member} beside the real one"), sign_text(header, &twice(claims, member), key)));
    }
    for text in ["", "null", "[]", "\"x\"", "{", "{}{}", "\u{feff}{}"] {
        all.push((format!("the header {text}"), sign_text(text, claims, key)));
        all.push((format!("the claims {text}"), sign_text(header, text, key)));
    }
    all.push(("something behind the claims".to_owned(), sign_text(header, &format!("{claims} {{}}"), key)));
    let long = twice(claims, &format!(r#""padding":"{}""#, "x".repeat(4_000)));
    all.push(("well signed and too long".to_owned(), sign_text(header, &long, key)));
    all
}

/// The same token in other letters: one token has one spelling.
fn other_spellings(token: &str) -> Vec<(String, String)> {
    let (rest, last) = token.split_at(token.len() - 1);
    // The last letter of 32 bytes has two bits that mean nothing.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    let twin = &alphabet[at + 1..at + 2];
    let mut all = vec![("bits that mean nothing".to_owned(), format!("{rest}{twin}"))];
    let (head, tail) = token.split_once('.').unwrap();
    for (what, text) in [
        ("a comma behind it", format!("{token},")),
        ("a percent sign", token.replacen('.', "%2E", 1)),
        ("padding of the header", format!("{head}=.{tail}")),
        ("an empty part in front", format!(".{token}")),
        ("an empty part behind", format!("{token}.")),
        ("the signature twice", format!("{token}{}", token.rsplit('.').next().unwrap())),
        ("the whole of it twice", format!("{token}{token}")),
        ("letters in the other case", token.to_uppercase()),
    ] {
        all.push((what.to_owned(), text));
    }
    all
}

/// Tokens of the real key whose claims are not those of a token of ours.
fn other_claims(token: &str, key: &[u8]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let far = claims(token)["iat"].as_i64().unwrap() + 3600;
    for (name, value) in [
        ("iss", json!("nova")),
        ("iss", json!(["nova-crm"])),
        ("aud", json!("other-api")),
        ("aud", json!(["nova-api"])),
        ("iat", json!(far)),
        ("nbf", json!(far)),
        ("exp", json!("soon")),
        ("exp", json!(4e12)),
        ("sub", json!("admin")),
        ("sub", json!("")),
        ("sid", json!("SESSION")),
        ("sid", json!(null)),
    ] {
        all.push((format!("{name} {value}"), resign(token, key, |claims| claims[name] = value)));
    }
    for name in ["iss", "aud", "sub", "iat", "exp", "jti", "sid", "nbf"] {
        for value in [json!({}), json!([1]), json!(true), json!(1.5), json!("x"), json!("")] {
            // A refresh token of another id is a stolen one, and that is another matter.
            if name == "jti" && value.is_string() {
                continue;
            }
            let what = format!("{name} {value}");
            all.push((what, resign(token, key, |claims| claims[name] = value)));
        }
    }
    for name in ["iss", "aud", "sub", "iat", "exp", "jti", "sid"] {
        let without = resign(token, key, |claims| drop(claims.as_object_mut().unwrap().remove(name)));
        all.push((format!("without {name}"), without));
    }
    all
}

#[tokio::test]
async fn an_access_token_that_is_not_exactly_ours_opens_and_ends_nothing() {
    let scene = Scene::set().await;
    for (what, token) in forgeries(&scene.pair.access, &scene.keys.access, "access-1", "at+jwt") {
        scene.assert_worthless_as_access(&what, &token).await;
    }
    scene.assert_worthless_as_access("a refresh token", &scene.pair.refresh).await;
    let as_access = resign(&scene.pair.refresh, &scene.keys.access, |_| ());
    scene.assert_worthless_as_access("a refresh token signed as an access token", &as_access).await;
    scene.assert_the_real_ones_are_good().await;
}

#[tokio::test]
async fn a_refresh_token_that_is_not_exactly_ours_gets_no_successor_and_ends_nothing() {
    let scene = Scene::set().await;
    for (what, token) in forgeries(&scene.pair.refresh, &scene.keys.refresh, "refresh-1", "rt+jwt") {
        scene.assert_worthless_as_refresh(&what, &token).await;
    }
    scene.assert_worthless_as_refresh("an access token", &scene.pair.access).await;
    let late = expired(&scene.pair.refresh, &scene.keys.refresh);
    let late = resign(&late, &scene.keys.refresh, |claims| claims["exp"] = json!(1_600_000_000));
    scene.assert_worthless_as_refresh("an expired one", &late).await;
    scene.assert_the_real_ones_are_good().await;
}

#[tokio::test]
async fn an_access_token_is_worth_nothing_after_its_time() {
    let scene = Scene::set().await;
    let late = expired(&scene.pair.access, &scene.keys.access);
    for url in [scene.system.notes("/whoami"), scene.system.token_notes("/whoami")] {
        scene.client.get(&url, Some(&late)).await.expect(401, "UNAUTHORIZED");
    }
    scene.assert_the_real_ones_are_good().await;
    // What the client can't be told stands in the log.
    assert!(scene.system.stop().await.contains("TOKEN_EXPIRED"));
}

#[tokio::test]
async fn a_token_is_good_for_the_session_and_the_user_that_it_names_and_no_others() {
    let scene = Scene::set().await;
    let omar = scene.system.user("omar").await;
    let as_omar = resign(&scene.pair.access, &scene.keys.access, |claims| claims["sub"] = json!(omar.id));
    let nowhere = "0190163d-8694-739b-aea5-966c26f8ad90";
    for token in [as_omar, tokens::new_access(&scene.keys, &scene.sara.id, nowhere)] {
        scene.system.whoami(&scene.client, &token).await.expect(401, "UNAUTHORIZED");
    }
    let no_session = tokens::new_refresh(&scene.keys, &scene.sara.id, nowhere);
    scene.assert_worthless_as_refresh("of no session", &no_session).await;
    let nobody = tokens::new_refresh(&scene.keys, nowhere, nowhere);
    scene.system.refresh(&scene.client, &nobody).await.expect(401, "USER_INACTIVE");
    scene.assert_the_real_ones_are_good().await;
    let sessions: Vec<Value> = scene.system.rows.like(SESSIONS, "USER#", "SESSION#").await;
    assert_eq!(sessions.len(), 1, "{sessions:?}");
}
