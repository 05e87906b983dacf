//! A ceremony: what a browser and an authenticator say, right until it is edited.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::key::{Key, bytes};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Registration,
    Assertion,
}

/// What is said, before it is signed and written down.
#[derive(Clone)]
pub struct Ceremony {
    pub kind: Kind,
    /// The members of the client data, as JSON, and what stands around them.
    pub client_data: Vec<(String, String)>,
    pub around: [&'static str; 2],
    pub rp_id: &'static str,
    pub flags: u8,
    pub count: u32,
    pub aaguid: [u8; 16],
    pub credential: Vec<u8>,
    pub cose: Vec<[Vec<u8>; 2]>,
    pub after: Vec<u8>,
    /// The attestation: its format, whether it is one that the key itself signed, and the members of its statement.
    pub format: &'static str,
    pub is_signed: bool,
    pub statement: Vec<u8>,
    /// Members of the attestation object that stand before the three.
    pub more: Vec<u8>,
    pub id: Vec<u8>,
    pub raw_id: Vec<u8>,
    pub credential_type: &'static str,
    pub user_handle: Option<Vec<u8>>,
    /// What is done to it after it was signed: a member, a place in it, and what its byte is changed by.
    pub flips: Vec<(&'static str, usize, u8)>,
    pub signature: Signature,
    /// What stands after the base64url of the members.
    pub padding: &'static str,
}

/// Who signs an assertion, and how much of that arrives.
#[derive(Clone, Copy)]
pub enum Signature {
    Right,
    Cut,
    Nothing,
    AndMore,
    OfAnother,
}

pub const CREDENTIAL: [u8; 32] = [6; 32];
/// The bytes of the id of the user whom our tests know.
pub const HANDLE: &str = "AZAWPYaUc5uupZZsJvitkA";

impl Ceremony {
    pub fn new(kind: Kind, key: &Key) -> Self {
        let (name, flags, count) = match kind {
            Kind::Registration => ("webauthn.create", 0b0101_1101, 5),
            Kind::Assertion => ("webauthn.get", 0b0001_1101, 6),
        };
        let client_data = [
            ("type", json!(name)),
            ("challenge", json!(URL_SAFE_NO_PAD.encode([7; 32]))),
            ("origin", json!("https://example.org")),
            ("crossOrigin", json!(false)),
        ];
        Self {
            kind,
            client_data: client_data
                .map(|(member, value)| (json!(member).to_string(), value.to_string()))
                .to_vec(),
            around: ["{", "}"],
            rp_id: "example.org",
            flags,
            count,
            aaguid: [0; 16],
            credential: CREDENTIAL.to_vec(),
            cose: key.cose(),
            after: vec![],
            format: "none",
            is_signed: false,
            statement: vec![0xa0],
            more: vec![],
            id: CREDENTIAL.to_vec(),
            raw_id: CREDENTIAL.to_vec(),
            credential_type: "public-key",
            user_handle: Some(URL_SAFE_NO_PAD.decode(HANDLE).unwrap()),
            flips: vec![],
            signature: Signature::Right,
            padding: "",
        }
    }

    /// Says this of a member of the client data.
    pub fn says(&mut self, member: &str, value: &Value) {
        let member = json!(member).to_string();
        self.client_data.retain(|(other, _)| *other != member);
        self.client_data.push((member, value.to_string()));
    }

    fn client_data(&self) -> Vec<u8> {
        let members: Vec<String> =
            self.client_data.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        [self.around[0], &members.join(","), self.around[1]].concat().into_bytes()
    }

    fn authenticator_data(&self) -> Vec<u8> {
        let mut data = [&Sha256::digest(self.rp_id)[..], &[self.flags], &self.count.to_be_bytes()].concat();
        if self.flags & 0x40 != 0 {
            let length = u16::try_from(self.credential.len()).unwrap().to_be_bytes();
            data.extend([&self.aaguid[..], &length, &self.credential].concat());
            data.push(0xa0 | u8::try_from(self.cose.len()).unwrap());
            data.extend(self.cose.concat().concat());
        }
        [data, self.after.clone()].concat()
    }

    /// As a browser writes it, signed by this key, or where it has to be, by the other.
    pub fn answer(&self, key: &Key, other: &Key) -> Value {
        let (client_data, data) = (self.client_data(), self.authenticator_data());
        let message = [&data[..], &Sha256::digest(&client_data)].concat();
        let members = match self.kind {
            Kind::Registration => {
                let object = self.attestation_object(&data, key, &message);
                vec![("clientDataJSON", client_data), ("attestationObject", object)]
            }
            Kind::Assertion => {
                let signature = self.signature(key, other, &message);
                let mut members = vec![
                    ("clientDataJSON", client_data),
                    ("authenticatorData", data),
                    ("signature", signature),
                ];
                members.extend(self.user_handle.clone().map(|handle| ("userHandle", handle)));
                members
            }
        };
        let written = |(name, mut value): (&str, Vec<u8>)| {
            for (_, at, by) in self.flips.iter().filter(|(member, _, _)| *member == name) {
                let length = value.len().max(1);
                if let Some(byte) = value.get_mut(at % length) {
                    *byte ^= by;
                }
            }
            (name.to_owned(), (URL_SAFE_NO_PAD.encode(value) + self.padding).into())
        };
        let response: Value = members.into_iter().map(written).collect::<serde_json::Map<_, _>>().into();
        json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id), "rawId": URL_SAFE_NO_PAD.encode(&self.raw_id),
            "type": self.credential_type, "response": response, "clientExtensionResults": {},
        })
    }

    fn signature(&self, key: &Key, other: &Key, message: &[u8]) -> Vec<u8> {
        let mut signature = match self.signature {
            Signature::OfAnother => other.sign(message),
            _ => key.sign(message),
        };
        match self.signature {
            Signature::Right | Signature::OfAnother => {}
            Signature::Cut => drop(signature.pop()),
            Signature::Nothing => signature.clear(),
            Signature::AndMore => signature.push(0),
        }
        signature
    }

    fn attestation_object(&self, data: &[u8], key: &Key, message: &[u8]) -> Vec<u8> {
        let statement = if self.is_signed {
            let [_, algorithm] = &key.cose()[1];
            [&b"\xa2\x63alg"[..], algorithm, b"\x63sig", &bytes(&key.sign(message))].concat()
        } else {
            self.statement.clone()
        };
        let members = 3 + u8::from(!self.more.is_empty());
        let format = [&[0x60 | u8::try_from(self.format.len()).unwrap()], self.format.as_bytes()].concat();
        let parts =
            [&b"\x63fmt"[..], &format, b"\x67attStmt", &statement, b"\x68authData", &bytes(data)].concat();
        [&[0xa0 | members][..], &self.more, &parts].concat()
    }
}
