//! The emergency: keys that somebody else has leave the ring at once, and with them every token that they signed.

use jiff::Timestamp;

use super::{in_force::InForce, rotate_keys::RotationError};
use crate::{
    entropy,
    keys::{KeyAlgorithm, TokenKind, VersionedSecret},
};

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The key that signs from now on, where it is a new one.
    pub new_key: Option<String>,
    /// Whether a rotation was under way, and is given up.
    pub rotation_given_up: bool,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// There is no key of that name; a typing error must not pass for a rescue.
    #[error("the ring has no key {0}")]
    NoSuchKey(String),
    #[error(transparent)]
    Rotation(#[from] RotationError),
}

/// How many rings are made, when each time another one comes into force before it.
const TRIES: usize = 3;

/// Replaces the ring in force by one without these keys. If none is left that signs now, a new one does, at once.
///
/// The new ring takes the pending stage first: a rotation that is under way, made from the ring with the bad keys in it,
/// has lost that stage then and can't finish. One that finishes at that very moment is not overwritten: the new ring is
/// made again, from that rotation's.
///
/// # Errors
/// [`DropError`]. The ring in force stays as it is then.
pub async fn drop_keys(
    secret: &VersionedSecret,
    kind: TokenKind,
    kids: &[String],
    algorithm: KeyAlgorithm,
    now: Timestamp,
) -> Result<Dropped, DropError> {
    let mut in_force = InForce::read(secret, kind).await?;
    if let Some(unknown) = kids.iter().find(|kid| !in_force.keys.has(kid)) {
        return Err(DropError::NoSuchKey(unknown.clone()));
    }
    let mut tries = 1;
    loop {
        let (next, new_key) = in_force.without(kids, algorithm, now)?;
        let version = entropy::uuid(now).map_err(RotationError::from)?.to_string();
        let Err(error) = in_force.replace(secret, &version, &next).await else {
            return Ok(Dropped { new_key, rotation_given_up: in_force.rotation_under_way });
        };
        let found = InForce::read(secret, kind).await?;
        if found.version == version {
            // It took, and the answer was lost.
            return Ok(Dropped { new_key, rotation_given_up: in_force.rotation_under_way });
        }
        if found.version == in_force.version || tries == TRIES {
            return Err(error.into());
        }
        in_force = found;
        tries += 1;
    }
}
