//! Public keys of passkeys (COSE, RFC 9052 and 9053): three algorithms, each in one form.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::cbor::{self, Malformed, Reader, Scalar};

crate::domain::named! {
    /// An algorithm that a passkey may sign with. The most wanted comes first.
    pub enum Algorithm {
        /// ECDSA on P-256 with SHA-256: what nearly all have.
        Es256 = "ES256",
        EdDsa = "EdDSA",
        /// RSA, PKCS #1 v1.5, with SHA-256: what a TPM may have.
        Rs256 = "RS256",
    }
}

impl Algorithm {
    /// Its number in the register of COSE.
    #[must_use]
    pub const fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

/// A public key that can be verified with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(Form);

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PublicKey").field(&self.algorithm()).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq)]
enum Form {
    P256 { x: [u8; 32], y: [u8; 32] },
    Ed25519 { x: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// A modulus, in bits: as for our own keys.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

// Labels of COSE (RFC 9052, section 7.1; RFC 9053, section 7; RFC 8230, section 4), and what stands behind them.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const N: i64 = -1;
const E: i64 = -2;
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P256: i64 = 1;
const ED25519_CURVE: i64 = 6;

impl PublicKey {
    /// Reads a key: the members of its algorithm, each once and no other (section 6.5.1.1).
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut members = Members(BTreeMap::new());
        for _ in 0..reader.map()? {
            let Scalar::Integer(label) = reader.scalar()? else { return Err(Malformed) };
            if members.0.insert(label, reader.scalar()?).is_some() {
                return Err(Malformed);
            }
        }
        let form = match (members.integer(KTY)?, members.integer(ALG)?) {
            (EC2, alg) if alg == Algorithm::Es256.cose() && members.integer(CRV)? == P256 => {
                Form::P256 { x: members.array(X)?, y: members.array(Y)? }
            }
            (OKP, alg) if alg == Algorithm::EdDsa.cose() && members.integer(CRV)? == ED25519_CURVE => {
                Form::Ed25519 { x: members.array(X)? }
            }
            (RSA, alg) if alg == Algorithm::Rs256.cose() => rsa(members.bytes(N)?, members.bytes(E)?)?,
            _ => return Err(Malformed),
        };
        let key = Self(form);
        // The curve and the modulus are the library's to judge.
        if members.0.is_empty() && key.parsed().is_some() { Ok(key) } else { Err(Malformed) }
    }

    /// What it signs with. Nothing that an answer says chooses another.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Form::P256 { .. } => Algorithm::Es256,
            Form::Ed25519 { .. } => Algorithm::EdDsa,
            Form::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// The key in the one form that CTAP knows, whatever form it came in.
    fn cose(&self) -> Vec<u8> {
        let alg = (ALG, Scalar::Integer(self.algorithm().cose()));
        let kty = |number| (KTY, Scalar::Integer(number));
        let crv = |number| (CRV, Scalar::Integer(number));
        let members = match &self.0 {
            Form::P256 { x, y } => {
                vec![kty(EC2), alg, crv(P256), (X, Scalar::Bytes(x)), (Y, Scalar::Bytes(y))]
            }
            Form::Ed25519 { x } => vec![kty(OKP), alg, crv(ED25519_CURVE), (X, Scalar::Bytes(x))],
            Form::Rsa { n, e } => vec![kty(RSA), alg, (N, Scalar::Bytes(n)), (E, Scalar::Bytes(e))],
        };
        let mut out = Vec::new();
        cbor::write_map(&mut out, members.len() as u64);
        for (label, value) in members {
            cbor::write(&mut out, Scalar::Integer(label));
            cbor::write(&mut out, value);
        }
        out
    }

    fn parsed(&self) -> Option<ParsedPublicKey> {
        let parsed = match &self.0 {
            Form::P256 { x, y } => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, [&[4], &x[..], &y[..]].concat())
            }
            Form::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x),
            Form::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
        };
        parsed.ok()
    }

    /// Whether this key signed that.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed().is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

fn rsa(n: &[u8], e: &[u8]) -> Result<Form, Malformed> {
    let zeros = n.first().map_or(8, |first| first.leading_zeros() as usize);
    let bits = (n.len() * 8).saturating_sub(zeros);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    // An exponent of 3 and more, and of no more than 32 bits. Zeros in front of either are refused by the library.
    let is_exponent = is_odd(e) && e.len() <= 4 && e != [1];
    if RSA_BITS.contains(&bits) && is_odd(n) && is_exponent {
        Ok(Form::Rsa { n: n.to_vec(), e: e.to_vec() })
    } else {
        Err(Malformed)
    }
}

/// The members of a key that are still to be asked for.
struct Members<'a>(BTreeMap<i64, Scalar<'a>>);

impl<'a> Members<'a> {
    fn integer(&mut self, label: i64) -> Result<i64, Malformed> {
        match self.0.remove(&label) {
            Some(Scalar::Integer(number)) => Ok(number),
            _ => Err(Malformed),
        }
    }

    fn bytes(&mut self, label: i64) -> Result<&'a [u8], Malformed> {
        match self.0.remove(&label) {
            Some(Scalar::Bytes(bytes)) => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    fn array(&mut self, label: i64) -> Result<[u8; 32], Malformed> {
        self.bytes(label)?.try_into().map_err(|_| Malformed)
    }
}

/// A row's text is not such a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key")]
pub struct NotAKey;

impl TryFrom<String> for PublicKey {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        let cose = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAKey)?;
        let mut reader = Reader::new(&cose);
        let key = Self::read(&mut reader).map_err(|_| NotAKey)?;
        reader.end().map(|()| key).map_err(|_| NotAKey)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        URL_SAFE_NO_PAD.encode(key.cose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_offered_in_the_order_and_called_by_the_names_that_they_always_were() {
        assert_eq!(serde_json::json!(Algorithm::ALL), serde_json::json!(["ES256", "EdDSA", "RS256"]));
        assert_eq!(Algorithm::ALL.map(Algorithm::cose), [-7, -8, -257]);
    }
}
