//! The key in a JWK: what its algorithm needs, checked before it is used. What is private must belong to what is public,
//! or tokens would be signed that nobody can verify.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use pkcs1::{RsaPrivateKeyRef, UintRef, der::Encode as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Map, Value};

use super::{algorithm::KeyAlgorithm, derive::DerivingKey};

/// RFC 7518, section 3.2: a key for HS256 is at least as long as its hash.
const MIN_HS256_BYTES: usize = 32;
/// RFC 7518, section 3.3; beyond the upper one a signature costs more than a login.
const RS256_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// 65537, the one exponent that everybody uses. Small ones have been the way into RSA before.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// A key, ready for use.
pub(super) struct Material {
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    /// For HS256 alone.
    pub(super) deriving: Option<DerivingKey>,
    /// The members that others may see; symmetric keys have none.
    pub(super) public: Option<Map<String, Value>>,
    /// What tells this key from others, whatever their names.
    pub(super) identity: SecretSlice<u8>,
}

/// Reads the members that this algorithm's keys have.
///
/// # Errors
/// What is wrong with them, without any of their values.
pub(super) fn read(algorithm: KeyAlgorithm, jwk: &Map<String, Value>) -> Result<Material, String> {
    match algorithm {
        KeyAlgorithm::Hs256 => symmetric(jwk),
        KeyAlgorithm::Es256 => p256(jwk),
        KeyAlgorithm::EdDsa => ed25519(jwk),
        KeyAlgorithm::Rs256 => rsa(jwk),
    }
}

fn symmetric(jwk: &Map<String, Value>) -> Result<Material, String> {
    of_type(jwk, "oct", None)?;
    let secret = bytes(jwk, "k")?;
    let key = secret.expose_secret();
    if key.len() < MIN_HS256_BYTES {
        return Err("is shorter than the 32 bytes that HS256 needs".to_owned());
    }
    // Guards against a placeholder left in; it is no test of randomness.
    if key.iter().collect::<std::collections::BTreeSet<_>>().len() < 8 {
        return Err("is too uniform to be random".to_owned());
    }
    Ok(Material {
        signing: EncodingKey::from_secret(key),
        verifying: DecodingKey::from_secret(key),
        deriving: Some(DerivingKey::new(key)),
        public: None,
        identity: secret,
    })
}

fn p256(jwk: &Map<String, Value>) -> Result<Material, String> {
    of_type(jwk, "EC", Some("P-256"))?;
    let [x, y, d] = ["x", "y", "d"].map(|name| bytes_of_length(jwk, name, 32));
    let point = [&[4], x?.expose_secret(), y?.expose_secret()].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        d?.expose_secret(),
        &point,
    );
    let pair = pair.map_err(|_| "has x, y and d that do not belong together")?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| "cannot be used")?;
    let [x, y] = ["x", "y"].map(|name| jwk.get(name).and_then(Value::as_str).unwrap_or_default());
    Ok(Material {
        signing: EncodingKey::from_ec_der(pkcs8.as_ref()),
        verifying: DecodingKey::from_ec_components(x, y).map_err(|_| "cannot be used")?,
        deriving: None,
        public: Some(members(jwk, &["kty", "crv", "x", "y"])),
        identity: SecretSlice::from(point),
    })
}

fn ed25519(jwk: &Map<String, Value>) -> Result<Material, String> {
    of_type(jwk, "OKP", Some("Ed25519"))?;
    let [x, d] = ["x", "d"].map(|name| bytes_of_length(jwk, name, 32));
    let x = x?;
    let pair = Ed25519KeyPair::from_seed_and_public_key(d?.expose_secret(), x.expose_secret());
    let pair = pair.map_err(|_| "has x and d that do not belong together")?;
    let pkcs8 = pair.to_pkcs8().map_err(|_| "cannot be used")?;
    let public = jwk.get("x").and_then(Value::as_str).unwrap_or_default();
    Ok(Material {
        signing: EncodingKey::from_ed_der(pkcs8.as_ref()),
        verifying: DecodingKey::from_ed_components(public).map_err(|_| "cannot be used")?,
        deriving: None,
        public: Some(members(jwk, &["kty", "crv", "x"])),
        identity: x,
    })
}

fn rsa(jwk: &Map<String, Value>) -> Result<Material, String> {
    of_type(jwk, "RSA", None)?;
    let [n, e] = [bytes(jwk, "n")?, bytes(jwk, "e")?];
    let modulus = n.expose_secret();
    let zeros = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if !RS256_BITS.contains(&(modulus.len() * 8).saturating_sub(zeros)) || zeros == 8 {
        return Err("has a modulus that is not of 2048 to 4096 bits".to_owned());
    }
    if e.expose_secret() != RSA_EXPONENT {
        return Err("has an exponent other than 65537".to_owned());
    }
    let mut private = Vec::new();
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        private.push(bytes(jwk, name)?);
    }
    let [d, p, q, dp, dq, qi] = private.as_slice() else { return Err("cannot be used".to_owned()) };
    let integer = |part| UintRef::new(SecretSlice::expose_secret(part)).map_err(|_| "cannot be used");
    let der = RsaPrivateKeyRef {
        modulus: integer(&n)?,
        public_exponent: integer(&e)?,
        private_exponent: integer(d)?,
        prime1: integer(p)?,
        prime2: integer(q)?,
        exponent1: integer(dp)?,
        exponent2: integer(dq)?,
        coefficient: integer(qi)?,
        other_prime_infos: None,
    };
    let der = SecretSlice::from(der.to_der().map_err(|_| "cannot be used")?);
    // The library checks that the eight belong together.
    RsaKeyPair::from_der(der.expose_secret())
        .map_err(|_| "has n, e, d, p, q, dp, dq and qi that do not belong together")?;
    Ok(Material {
        signing: EncodingKey::from_rsa_der(der.expose_secret()),
        verifying: DecodingKey::from_rsa_raw_components(modulus, e.expose_secret()),
        deriving: None,
        public: Some(members(jwk, &["kty", "n", "e"])),
        identity: n,
    })
}

/// RFC 7518, section 6: the type of key that goes with an algorithm, and its curve.
fn of_type(jwk: &Map<String, Value>, kty: &str, crv: Option<&str>) -> Result<(), String> {
    let is = |name: &str, wanted: &str| jwk.get(name).and_then(Value::as_str) == Some(wanted);
    match crv {
        _ if !is("kty", kty) => Err(format!("has an alg that takes kty {kty}, and another kty")),
        Some(crv) if !is("crv", crv) => {
            Err(format!("has an alg that takes crv {crv}, and another crv or none"))
        }
        _ => Ok(()),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<SecretSlice<u8>, String> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("needs {name}, as text"))?;
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map(SecretSlice::from).map_err(|_| format!("has a {name} that is not base64url"))
}

fn bytes_of_length(jwk: &Map<String, Value>, name: &str, length: usize) -> Result<SecretSlice<u8>, String> {
    let bytes = bytes(jwk, name)?;
    let fits = bytes.expose_secret().len() == length;
    fits.then_some(bytes).ok_or_else(|| format!("has a {name} that is not of {length} bytes"))
}

fn members(jwk: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    jwk.iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}
