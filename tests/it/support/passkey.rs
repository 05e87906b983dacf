//! A phone with one passkey of `https://example.org`, and the browser before it.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nova_auth::webauthn::{AssertionResponse, RegistrationResponse};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) struct Phone {
    pair: Ed25519KeyPair,
    id: [u8; 32],
    handle: String,
    /// How often it was used; it says so.
    pub(crate) count: u32,
}

const VERIFIED: u8 = 0b0000_0101;
const ATTESTED: u8 = 0b0100_0000;

impl Phone {
    /// Another phone for each byte.
    pub(crate) fn new(byte: u8) -> Phone {
        let pair = Ed25519KeyPair::generate().unwrap();
        Phone { pair, id: [byte; 32], handle: String::new(), count: 0 }
    }

    fn said(&self, ceremony: &str, options: &Value) -> String {
        let challenge = &options["challenge"];
        json!({"type": ceremony, "challenge": challenge, "origin": "https://example.org"}).to_string()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        [&Sha256::digest("example.org")[..], &[flags], &self.count.to_be_bytes()].concat()
    }

    fn answer(&self, response: Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response})
    }

    /// Makes its passkey as it is asked to.
    pub(crate) fn create(&mut self, options: &Value) -> RegistrationResponse {
        serde_json::from_value(self.make(options)).unwrap()
    }

    /// The same, as a page sends it.
    pub(crate) fn make(&mut self, options: &Value) -> Value {
        options["user"]["id"].as_str().unwrap().clone_into(&mut self.handle);
        let key =
            [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], self.pair.public_key().as_ref()].concat();
        let data = [&self.data(VERIFIED | ATTESTED)[..], &[0; 16], &[0, 32], &self.id, &key].concat();
        let length = u8::try_from(data.len()).unwrap();
        let object = [&b"\xa3cfmtdnonegattStmt\xa0hauthData\x58"[..], &[length], &data].concat();
        self.answer(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(self.said("webauthn.create", options)),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
        }))
    }

    /// Answers with it, once more.
    pub(crate) fn get(&mut self, options: &Value) -> AssertionResponse {
        self.count += 1;
        self.get_again(options)
    }

    /// Answers without counting, as a copy of it would.
    pub(crate) fn get_again(&self, options: &Value) -> AssertionResponse {
        serde_json::from_value(self.answered(options)).unwrap()
    }

    /// Answers with it, once more, as a page sends it.
    pub(crate) fn show(&mut self, options: &Value) -> Value {
        self.count += 1;
        self.answered(options)
    }

    fn answered(&self, options: &Value) -> Value {
        let (said, data) = (self.said("webauthn.get", options), self.data(VERIFIED));
        let signature = self.pair.sign(&[&data[..], &Sha256::digest(&said)].concat());
        self.answer(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(said),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": self.handle,
        }))
    }
}
