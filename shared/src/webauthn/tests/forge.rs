//! An authenticator and a browser that say whatever a test wants, and sign it.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::*;

pub(super) const UP: u8 = 1;
pub(super) const UV: u8 = 1 << 2;
pub(super) const BE: u8 = 1 << 3;
pub(super) const BS: u8 = 1 << 4;
pub(super) const AT: u8 = 1 << 6;
pub(super) const ED: u8 = 1 << 7;

enum Secret {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

pub(super) struct Authenticator {
    secret: Secret,
    pub(super) id: Vec<u8>,
}

/// What makes a ceremony wrong.
pub(super) type Change = fn(&mut Parts);

/// Everything that is said in one ceremony. A test changes a part.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) kind: &'static str,
    pub(super) client_data: Value,
    pub(super) rp_id: &'static str,
    pub(super) flags: u8,
    pub(super) count: u32,
    pub(super) handle: Option<Vec<u8>>,
    /// After the authenticator's data.
    pub(super) extensions: Vec<u8>,
    /// After the attestation object.
    pub(super) trailing: Vec<u8>,
    /// Instead of the authenticator's own key.
    pub(super) cose: Option<Vec<u8>>,
    /// Instead of its own id: in the signed data, and beside it.
    pub(super) attested_id: Option<Vec<u8>>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) raw_id: Option<Vec<u8>>,
    /// Instead of one that signs what is said.
    pub(super) signature: Option<Vec<u8>>,
}

impl Parts {
    fn of(ceremony: &str, flags: u8, count: u32) -> Self {
        Self {
            kind: "public-key",
            client_data: json!({
                "type": ceremony,
                "challenge": super::challenge().text(),
                "origin": "https://example.org",
                "crossOrigin": false,
            }),
            rp_id: "example.org",
            flags,
            count,
            handle: Some(super::user().as_bytes().to_vec()),
            extensions: vec![],
            trailing: vec![],
            cose: None,
            attested_id: None,
            id: None,
            raw_id: None,
            signature: None,
        }
    }

    pub(super) fn registration() -> Self {
        Self::of("webauthn.create", UP | UV | BE | BS | AT, 1)
    }

    pub(super) fn assertion() -> Self {
        Self::of("webauthn.get", UP | UV | BE | BS, 2)
    }

    pub(super) fn origin(mut self, origin: &str) -> Self {
        self.client_data["origin"] = origin.into();
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn header(&self) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id).to_vec();
        data.push(self.flags);
        data.extend(self.count.to_be_bytes());
        data
    }
}

/// A length and what has it, as CBOR's bytes (major 2).
pub(super) fn bytes(value: &[u8]) -> Vec<u8> {
    let mut out = vec![0x59];
    out.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    out.extend(value);
    out
}

pub(super) fn text(value: &str) -> Vec<u8> {
    assert!(value.len() < 24);
    [&[0x60 | u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
}

pub(super) fn attestation_object(data: &[u8]) -> Vec<u8> {
    [&[0xa3][..], &text("fmt"), &text("none"), &text("attStmt"), &[0xa0], &text("authData"), &bytes(data)]
        .concat()
}

impl Authenticator {
    pub(super) fn es256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { secret: Secret::Es256(pair), id: vec![6; 32] }
    }

    pub(super) fn ed_dsa() -> Self {
        Self { secret: Secret::EdDsa(Ed25519KeyPair::generate().unwrap()), id: vec![6; 16] }
    }

    pub(super) fn rs256() -> Self {
        Self { secret: Secret::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()), id: vec![6; 1023] }
    }

    pub(super) fn all() -> [Self; 3] {
        [Self::es256(), Self::ed_dsa(), Self::rs256()]
    }

    /// Its public key as authenticators write it.
    pub(super) fn cose(&self) -> Vec<u8> {
        match &self.secret {
            Secret::Es256(pair) => {
                let point = pair.public_key().as_ref();
                es256(&point[1..33], &point[33..])
            }
            Secret::EdDsa(pair) => {
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], pair.public_key().as_ref()].concat()
            }
            Secret::Rs256(pair) => {
                let public = pair.public_key();
                let strip =
                    |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
                rs256(
                    &strip(public.modulus().big_endian_without_leading_zero()),
                    &strip(public.exponent().big_endian_without_leading_zero()),
                )
            }
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Es256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Secret::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Secret::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    pub(super) fn authenticator_data(&self, parts: &Parts) -> Vec<u8> {
        let mut data = parts.header();
        if parts.flags & AT != 0 {
            let id = parts.attested_id.as_ref().unwrap_or(&self.id);
            data.extend([6; 16]);
            data.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
            data.extend(id);
            data.extend(parts.cose.clone().unwrap_or_else(|| self.cose()));
        }
        data.extend(&parts.extensions);
        data
    }

    pub(super) fn registration_json(&self, parts: &Parts) -> Value {
        let object = [attestation_object(&self.authenticator_data(parts)), parts.trailing.clone()].concat();
        json!({
            "id": URL_SAFE_NO_PAD.encode(parts.id.as_ref().unwrap_or(&self.id)),
            "rawId": URL_SAFE_NO_PAD.encode(parts.raw_id.as_ref().unwrap_or(&self.id)),
            "type": parts.kind,
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(parts.client_data.to_string()),
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "transports": ["internal", "hybrid", "internal", "", "No Transport"],
            },
        })
    }

    pub(super) fn registration(&self, parts: &Parts) -> RegistrationResponse {
        serde_json::from_value(self.registration_json(parts)).unwrap()
    }

    pub(super) fn assertion_json(&self, parts: &Parts) -> Value {
        let data = self.authenticator_data(parts);
        let client_data = parts.client_data.to_string();
        let message = [&data[..], &Sha256::digest(&client_data)].concat();
        json!({
            "id": URL_SAFE_NO_PAD.encode(parts.id.as_ref().unwrap_or(&self.id)),
            "rawId": URL_SAFE_NO_PAD.encode(parts.raw_id.as_ref().unwrap_or(&self.id)),
            "type": parts.kind,
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(parts.signature.clone().unwrap_or_else(|| self.sign(&message))),
                "userHandle": parts.handle.as_ref().map(|handle| URL_SAFE_NO_PAD.encode(handle)),
            },
        })
    }

    pub(super) fn assertion(&self, parts: &Parts) -> AssertionResponse {
        serde_json::from_value(self.assertion_json(parts)).unwrap()
    }
}

pub(super) fn es256(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
}

pub(super) fn rs256(n: &[u8], e: &[u8]) -> Vec<u8> {
    let exponent = [&[0x40 | u8::try_from(e.len()).unwrap()], e].concat();
    [&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20][..], &bytes(n), &[0x21], &exponent].concat()
}
