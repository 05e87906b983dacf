//! The emergency: keys that somebody else has leave the ring at once, and with them every token that they signed.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::rotate_keys::RotationError;
use crate::{
    entropy,
    keys::{KeyAlgorithm, KeyDocument, TokenKind, VersionedSecret},
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
    /// As in a rotation.
    #[error(transparent)]
    Rotation(#[from] RotationError),
}

/// Replaces the ring in force by one without these keys. If none is left that signs now, a new one does, at once.
///
/// The new ring takes the pending stage first: a rotation that is under way, made from the ring with the bad keys in it,
/// has lost that stage then and can't finish. A ring that somebody changed meanwhile is not overwritten.
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
    let versions = secret.versions().await.map_err(RotationError::from)?;
    let in_force = versions.current().ok_or(RotationError::NothingInForce)?;
    let text = secret.value(in_force).await.map_err(RotationError::from)?;
    let text = text.ok_or(RotationError::NothingInForce)?;
    let current = KeyDocument::parse(text.expose_secret(), kind).map_err(RotationError::from)?;
    let ring = current.ring().map_err(RotationError::from)?;
    if let Some(unknown) = kids.iter().find(|kid| ring.keys().all(|key| key.kid != **kid)) {
        return Err(DropError::NoSuchKey(unknown.clone()));
    }
    let mut next = current.without(kids);
    let signs = !next.is_empty() && next.ring().map_err(RotationError::from)?.signer(now).is_some();
    let signer_stays = ring.signer(now).is_some_and(|signer| !kids.contains(&signer.kid));
    let mut new_key = None;
    if !signs || !signer_stays {
        next = next.with_new_key(algorithm, now, now).map_err(RotationError::from)?;
        let ring = next.ring().map_err(RotationError::from)?;
        new_key = ring.keys().last().map(|key| key.kid.clone());
    }
    let version = entropy::uuid(now).map_err(RotationError::from)?.to_string();
    secret.prepare(&version, &next.text()).await.map_err(RotationError::from)?;
    secret.put_in_force(&version, in_force).await.map_err(RotationError::from)?;
    secret.no_longer_pending(&version).await.map_err(RotationError::from)?;
    Ok(Dropped { new_key, rotation_given_up: versions.pending().is_some() })
}
