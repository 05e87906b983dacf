//! A phone with one passkey, and the browser before it. (The end-to-end tests use it too.)

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The passkeys' domain, and the one page that they are used on.
const DOMAIN: &str = "example.org";
const PAGE: &str = "https://example.org";

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
    /// A phone whose passkey has this id. `None`: there is no randomness.
    pub(crate) fn with_id(id: [u8; 32]) -> Option<Phone> {
        let pair = Ed25519KeyPair::generate().ok()?;
        Some(Phone { pair, id, handle: String::new(), count: 0 })
    }

    /// Makes its passkey as a page asks it to, and answers as the page sends it.
    pub(crate) fn make(&mut self, options: &Value) -> Value {
        let handle = options.pointer("/user/id").and_then(Value::as_str).unwrap_or_default();
        handle.clone_into(&mut self.handle);
        // COSE: an octet key pair (1: 1) for EdDSA (3: -8) on Ed25519 (-1: 6), with its 32 bytes (-2).
        let key =
            [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], self.pair.public_key().as_ref()].concat();
        let data = [&self.data(VERIFIED | ATTESTED)[..], &[0; 16], &[0, 32], &self.id, &key].concat();
        let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
        let object = [&b"\xa3cfmtdnonegattStmt\xa0hauthData\x58"[..], &[length], &data].concat();
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(said("webauthn.create", options)),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
        }))
    }

    /// Answers with it, once more.
    pub(crate) fn show(&mut self, options: &Value) -> Value {
        self.count += 1;
        self.show_again(options)
    }

    /// Answers without counting, as a copy of it would.
    pub(crate) fn show_again(&self, options: &Value) -> Value {
        let (said, data) = (said("webauthn.get", options), self.data(VERIFIED));
        let signature = self.pair.sign(&[&data[..], &Sha256::digest(&said)].concat());
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(said),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": self.handle,
        }))
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        [&Sha256::digest(DOMAIN)[..], &[flags], &self.count.to_be_bytes()].concat()
    }

    fn answer(&self, response: &Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response})
    }
}

fn said(ceremony: &str, options: &Value) -> String {
    json!({"type": ceremony, "challenge": options.get("challenge"), "origin": PAGE}).to_string()
}
