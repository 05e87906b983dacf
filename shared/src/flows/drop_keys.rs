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

/// The ring in force.
struct InForce {
    version: String,
    keys: KeyDocument,
    rotation_under_way: bool,
}

impl InForce {
    async fn read(secret: &VersionedSecret, kind: TokenKind) -> Result<Self, RotationError> {
        let versions = secret.versions().await?;
        let version = versions.current().ok_or(RotationError::NothingInForce)?;
        let text = secret.value(version).await?.ok_or(RotationError::NothingInForce)?;
        Ok(Self {
            version: version.to_owned(),
            keys: KeyDocument::parse(text.expose_secret(), kind)?,
            rotation_under_way: versions.pending().is_some(),
        })
    }

    /// The ring that is to take its place, and its new key, where it needs one.
    fn without(
        &self,
        kids: &[String],
        algorithm: KeyAlgorithm,
        now: Timestamp,
    ) -> Result<(KeyDocument, Option<String>), RotationError> {
        let next = self.keys.clone().without(kids);
        let signs = !next.is_empty() && next.ring()?.signer(now).is_some();
        let signer_stays = self.keys.ring()?.signer(now).is_some_and(|signer| !kids.contains(&signer.kid));
        if signs && signer_stays {
            return Ok((next, None));
        }
        let next = next.with_new_key(algorithm, now, now)?;
        let new_key = next.ring()?.keys().last().map(|key| key.kid.clone());
        Ok((next, new_key))
    }

    /// Puts the ring in this one's place as that version, which pends no more whatever came of it.
    async fn replace(
        &self,
        secret: &VersionedSecret,
        version: &str,
        next: &KeyDocument,
    ) -> Result<(), RotationError> {
        let put = match secret.prepare(version, &next.text()).await {
            Ok(()) => secret.put_in_force(version, &self.version).await,
            // It may have taken, and then it pends.
            Err(error) => Err(error),
        };
        let no_longer_pending = secret.no_longer_pending(version).await;
        Ok(put.and(no_longer_pending)?)
    }
}
