//! Signature first, then claims: how a token of either kind is verified.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{KeyCache, KeysError, Ring};
use crate::domain::{
    claims::{self, Claims, Expected},
    jws::Unverified,
};

/// A token as a client sent it. It redacts itself.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes what the client sent.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The token's text, for the client that it belongs to.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why a token was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// Not ours, not of this kind, not whole, not yet valid.
    Invalid,
    /// The keys to tell are out of reach.
    Undecided(KeysError),
}

/// Verifies all of a token but the end of its time.
pub(super) async fn verify<C: Claims>(
    keys: &KeyCache,
    expected: &Expected,
    typ: &str,
    token: &Token,
    now: Timestamp,
) -> Result<C, Rejected> {
    let parsed = Unverified::parse(token.expose(), typ).map_err(|_| Rejected::Invalid)?;
    let ring = keys.ring(now).await.map_err(Rejected::Undecided)?;
    let ring = match ring.verifier(&parsed.kid, now) {
        Some(_) => ring,
        None => ring_with(keys, &parsed, signed_at::<C>(&parsed, expected, now)?, now).await?,
    };
    let key = ring.verifier(&parsed.kid, now).ok_or(Rejected::Invalid)?;
    // The algorithm is the key's: what the header says can only agree.
    if parsed.alg != key.algorithm.name() {
        return Err(Rejected::Invalid);
    }
    let genuine = jsonwebtoken::crypto::verify(
        parsed.signature,
        parsed.signing_input.as_bytes(),
        &key.verifying,
        key.algorithm.jws(),
    );
    if !matches!(genuine, Ok(true)) {
        return Err(Rejected::Invalid);
    }
    claims::read(parsed.payload(), expected, now).map_err(|_| Rejected::Invalid)
}

/// When a token says that it was signed. Nothing else of it is believed, and it is refused here only for what no
/// signature could mend.
fn signed_at<C: Claims>(
    parsed: &Unverified<'_>,
    expected: &Expected,
    now: Timestamp,
) -> Result<Timestamp, Rejected> {
    let claims: C = claims::read(parsed.payload(), expected, now).map_err(|_| Rejected::Invalid)?;
    let (_, _, issued, ..) = claims.registered();
    Timestamp::from_second(issued).map_err(|_| Rejected::Invalid)
}

/// The ring with the key that a token names.
async fn ring_with(
    keys: &KeyCache,
    parsed: &Unverified<'_>,
    signed: Timestamp,
    now: Timestamp,
) -> Result<Arc<Ring>, Rejected> {
    let ring = keys.ring_with(&parsed.kid, signed, now).await.map_err(Rejected::Undecided)?;
    ring.ok_or(Rejected::Invalid)
}
