//! The ring in force, and how an operator puts another one in its place.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::rotate_keys::RotationError;
use crate::keys::{KeyAlgorithm, KeyDocument, TokenKind, VersionedSecret};

/// The ring in force.
pub(super) struct InForce {
    pub(super) version: String,
    pub(super) keys: KeyDocument,
    pub(super) rotation_under_way: bool,
}

impl InForce {
    pub(super) async fn read(secret: &VersionedSecret, kind: TokenKind) -> Result<Self, RotationError> {
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
    pub(super) fn without(
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
    pub(super) async fn replace(
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
