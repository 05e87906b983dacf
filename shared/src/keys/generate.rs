//! New keys, as JWK.

use aws_lc_rs::{
    encoding::{AsBigEndian as _, AsDer as _},
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use pkcs1::{RsaPrivateKeyRef, UintRef};
use pkcs8::PrivateKeyInfoRef;
use serde_json::{Map, Value, json};

use super::algorithm::{KeyAlgorithm, TokenKind};
use crate::entropy::{self, NoEntropy};

/// A new key that signs from `not_before` on. Its name tells what it is for, its day, and is never given twice.
///
/// # Errors
/// [`NoEntropy`], for whatever reason the crypto library makes none.
pub(super) fn key(
    kind: TokenKind,
    algorithm: KeyAlgorithm,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<Map<String, Value>, NoEntropy> {
    let mut jwk = match algorithm {
        KeyAlgorithm::Hs256 => json!({"kty": "oct", "k": encoded(&entropy::bytes::<48>()?)}),
        KeyAlgorithm::Es256 => p256().ok_or(NoEntropy)?,
        KeyAlgorithm::EdDsa => ed25519().ok_or(NoEntropy)?,
        KeyAlgorithm::Rs256 => rsa().ok_or(NoEntropy)?,
    };
    let day: String = now.to_string().chars().take(10).filter(char::is_ascii_digit).collect();
    let unique: String = entropy::bytes::<4>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut members = jwk.as_object_mut().map(std::mem::take).unwrap_or_default();
    let name = format!("{}-{day}-{unique}", kind.name());
    for (member, value) in [
        ("kid", json!(name)),
        ("alg", json!(algorithm.name())),
        ("use", json!("sig")),
        ("nbf", json!(not_before.as_second())),
    ] {
        members.insert(member.to_owned(), value);
    }
    Ok(members)
}

fn p256() -> Option<Value> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
    let point = pair.public_key().as_ref().strip_prefix(&[4])?;
    let (x, y) = point.split_at_checked(32)?;
    let private = pair.private_key().as_be_bytes().ok()?;
    Some(
        json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y), "d": encoded(private.as_ref())}),
    )
}

fn ed25519() -> Option<Value> {
    let pair = Ed25519KeyPair::generate().ok()?;
    let seed = pair.seed().ok()?.as_be_bytes().ok()?;
    let public = pair.public_key().as_ref();
    Some(json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(public), "d": encoded(seed.as_ref())}))
}

fn rsa() -> Option<Value> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let pkcs8 = pair.as_der().ok()?;
    let envelope = PrivateKeyInfoRef::try_from(pkcs8.as_ref()).ok()?;
    let key = RsaPrivateKeyRef::try_from(envelope.private_key.as_bytes()).ok()?;
    let integer = |integer: UintRef<'_>| encoded(integer.as_bytes());
    Some(json!({
        "kty": "RSA", "n": integer(key.modulus), "e": integer(key.public_exponent), "d": integer(key.private_exponent),
        "p": integer(key.prime1), "q": integer(key.prime2), "dp": integer(key.exponent1),
        "dq": integer(key.exponent2), "qi": integer(key.coefficient),
    }))
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::jwk::parse;
    use super::*;

    #[test]
    fn a_new_key_of_every_algorithm_is_one_that_is_accepted() {
        let now = Timestamp::from_second(1_795_512_600).unwrap();
        for algorithm in KeyAlgorithm::ALL {
            let name = algorithm.name();
            let jwk = key(TokenKind::Access, algorithm, now, now).unwrap();
            let ring = parse(&Value::Object(jwk.clone()).to_string(), TokenKind::Access).unwrap();
            let signer = ring.signer(now).unwrap();
            assert!(signer.kid.starts_with("access-20261124-") && signer.kid.len() == 24, "{}", signer.kid);
            assert_eq!(jwk["alg"], name);
            assert!(signer.proves_itself(), "{name}");
            let other = key(TokenKind::Access, algorithm, now, now).unwrap();
            assert_ne!(other["kid"], jwk["kid"]);
        }
    }
}
