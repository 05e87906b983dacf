//! A key joins the ring of second factors. None leaves by it: what a key seals lives as long as its factor, and a recovery code can't be
//! sealed anew by anybody but its user.
//!
//! No function of the stack has a right to change that ring, so the operator does it, as in an emergency (see
//! [`super::drop_keys`]); but with an hour's notice, as in a rotation: whoever has a cached ring learns of the key before anything is
//! sealed with it.

use jiff::Timestamp;

use super::{in_force::InForce, rotate_keys::RotationError};
use crate::{
    entropy,
    keys::{KeyAlgorithm, KeyDocument, TokenKind, VersionedSecret},
};

/// A key that joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub kid: String,
    /// When it begins to seal.
    pub begins: Timestamp,
}

/// How many rings are made, when each time another one comes into force before it.
const TRIES: usize = 3;

/// Adds a key to the ring of second factors. A ring whose newest key does not seal yet stays as it is: so this can be repeated.
///
/// # Errors
/// [`RotationError`]. The ring in force stays as it is then, or has the key: repeat it.
pub async fn add_factor_key(secret: &VersionedSecret, now: Timestamp) -> Result<Added, RotationError> {
    let mut tries = 1;
    loop {
        let in_force = InForce::read(secret, TokenKind::Factor).await?;
        if let Some(waiting) = waiting(&in_force.keys, now)? {
            return Ok(waiting);
        }
        let next = in_force.keys.clone().with_announced_key(KeyAlgorithm::Hs256, now)?;
        let added = waiting(&next, now)?.ok_or(RotationError::NoSigner)?;
        let version = entropy::uuid(now)?.to_string();
        match in_force.replace(secret, &version, &next).await {
            Ok(()) => return Ok(added),
            Err(error) if tries == TRIES => return Err(error),
            // It may have taken, or another ring came before it: the one in force says so.
            Err(_) => tries += 1,
        }
    }
}

/// A key that is in the ring, and seals nothing yet.
fn waiting(keys: &KeyDocument, now: Timestamp) -> Result<Option<Added>, RotationError> {
    let ring = keys.ring()?;
    let newest = ring.keys().filter_map(|key| Some((key.not_before?, key))).max_by_key(|(begins, _)| *begins);
    let newest = newest.filter(|(begins, _)| *begins > now);
    Ok(newest.map(|(begins, key)| Added { kid: key.kid.clone(), begins }))
}
