//! Writes ceremonies with our verdict on each, for another verifier to judge (`oracle`).

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use nova_auth::{
    domain::ids::UserId,
    webauthn::{AssertionResponse, Challenge, Expected, RegistrationResponse, RelyingParty, StoredPasskey},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Key {
    fn cose(&self) -> Vec<u8> {
        match self {
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (&point[1..33], &point[33..]);
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
            }
            Self::EdDsa(pair) => {
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], pair.public_key().as_ref()].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// What is said in one ceremony.
#[derive(Clone)]
struct Said {
    client_data: Value,
    rp_id: &'static str,
    flags: u8,
    count: u32,
    after: Vec<u8>,
}

impl Said {
    fn of(kind: &str, flags: u8, count: u32) -> Self {
        let client_data = json!({
            "type": kind, "challenge": URL_SAFE_NO_PAD.encode([7; 32]), "origin": "https://example.org", "crossOrigin": false,
        });
        Self { client_data, rp_id: "example.org", flags, count, after: vec![] }
    }

    fn data(&self, attested: &[u8]) -> Vec<u8> {
        [&Sha256::digest(self.rp_id)[..], &[self.flags], &self.count.to_be_bytes(), attested, &self.after]
            .concat()
    }

    /// Itself, and what is wrong with it in one way: every other flag, other counts, and all that the browser says.
    fn variants(self) -> Vec<Self> {
        let mut all: Vec<Self> = (0..=255).map(|flags| Self { flags, ..self.clone() }).collect();
        all.extend([0, 1, 4, 5, 6, u32::MAX].map(|count| Self { count, ..self.clone() }));
        all.push(Self { rp_id: "evil.example", ..self.clone() });
        all.push(Self { after: vec![0xa0], ..self.clone() });
        all.push(Self { after: vec![0xa0], flags: self.flags | 0x80, ..self.clone() });
        all.push(Self {
            after: [&b"\xa1\x63uvm\x81\x83\x02\x04\x02"[..]].concat(),
            flags: self.flags | 0x80,
            ..self.clone()
        });
        for (member, value) in [
            ("type", json!("webauthn.other")),
            ("challenge", json!(URL_SAFE_NO_PAD.encode([8; 32]))),
            ("origin", json!("https://evil.example")),
            ("origin", json!("https://example.org:8443")),
            ("origin", json!("http://example.org")),
            ("crossOrigin", json!(true)),
            ("topOrigin", json!("https://evil.example")),
            ("more", json!("of tomorrow")),
        ] {
            let mut changed = self.clone();
            changed.client_data[member] = value;
            all.push(changed);
        }
        all
    }
}

fn answer(response: Value) -> Value {
    let id = URL_SAFE_NO_PAD.encode([6; 32]);
    json!({"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}})
}

fn registration(key: &Key, said: &Said) -> Value {
    let attested = [&[0; 16][..], &[0, 32], &[6; 32], &key.cose()].concat();
    let data = said.data(if said.flags & 0x40 == 0 { &[] } else { &attested });
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let length = if length[0] == 0 { [0x58, length[1]].to_vec() } else { [&[0x59], &length[..]].concat() };
    let object = [&b"\xa3cfmtdnonegattStmt\xa0hauthData"[..], &length, &data].concat();
    answer(json!({
        "clientDataJSON": URL_SAFE_NO_PAD.encode(said.client_data.to_string()),
        "attestationObject": URL_SAFE_NO_PAD.encode(object),
    }))
}

fn assertion(key: &Key, said: &Said) -> Value {
    let (client_data, data) = (said.client_data.to_string(), said.data(&[]));
    let signature = key.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
    answer(json!({
        "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
        "authenticatorData": URL_SAFE_NO_PAD.encode(data),
        "signature": URL_SAFE_NO_PAD.encode(signature),
        "userHandle": "AZAWPYaUc5uupZZsJvitkA",
    }))
}

fn verdict<T>(judged: Result<T, impl ToString>) -> String {
    judged.map_or_else(|refused| refused.to_string(), |_| "taken".to_owned())
}

fn main() {
    let us = RelyingParty::new("example.org", "", "Example").unwrap();
    let challenge = Challenge::from_bytes([7; 32]);
    let user: UserId = "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap();
    let keys = [
        Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()),
        Key::EdDsa(Ed25519KeyPair::generate().unwrap()),
    ];
    let mut all = Vec::new();
    for key in keys {
        let right = Said::of("webauthn.create", 0b0101_1101, 5);
        let parsed: RegistrationResponse = serde_json::from_value(registration(&key, &right)).unwrap();
        let new = us.verify_registration(&challenge, &parsed).unwrap();
        let row: StoredPasskey = new.stored("Phone".to_owned(), Timestamp::UNIX_EPOCH);
        for said in right.variants() {
            let response = registration(&key, &said);
            let parsed: RegistrationResponse = serde_json::from_value(response.clone()).unwrap();
            let ours = verdict(us.verify_registration(&challenge, &parsed));
            all.push(json!({"kind": "registration", "response": response, "ours": ours}));
        }
        for said in Said::of("webauthn.get", 0b0001_1101, 6).variants() {
            let response = assertion(&key, &said);
            let parsed: AssertionResponse = serde_json::from_value(response.clone()).unwrap();
            let ours = verdict(us.verify_assertion(&challenge, Expected::Discovered(user), &row, &parsed));
            let stored =
                json!({"id": row.credential_id, "publicKey": row.public_key, "counter": row.sign_count});
            all.push(json!({"kind": "assertion", "response": response, "stored": stored, "ours": ours}));
        }
    }
    print!("{}", Value::from(all));
}
