//! The rotation of a ring of keys, in Secrets Manager's four steps. Nobody is logged out by it.
//!
//! A new key joins the ring an hour before it signs (three, if it is of RS256), so that whoever has a cached ring learns of
//! it in time; an old key leaves at a later rotation, once the last token that it signed is dead. Each step may be repeated, interrupted or come
//! too early: what is written is written once for a version, and the ring in force is replaced only if it is still the
//! one that the new ring was made from.

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use crate::{
    entropy::NoEntropy,
    keys::{BadKeys, KeyDocument, NotASuccessor, SecretError, TokenKind, VersionedSecret, Versions},
    service::KeyRotation,
};

/// One of the four steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Makes the new ring.
    Create,
    /// Tells it to the service whose secret it is: here, there is none but ourselves.
    Set,
    /// Uses it once.
    Test,
    /// Puts it in force.
    Finish,
}

/// What Secrets Manager asks for.
#[derive(Debug, Clone)]
pub struct StepRequest {
    /// The secret's ARN.
    pub secret: String,
    /// The version that the new ring is to be.
    pub version: String,
    pub step: Step,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was done now, or the version has been in force already.
    Nothing,
    /// The ring is prepared; it was now, or had been before.
    Prepared,
    /// This new key works.
    Tested(String),
    /// The ring with this new key is in force; the key signs in this time.
    InForce(String, SignedDuration),
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The function rotates our two secrets, and no others.
    #[error("this function does not rotate the secret {0}")]
    Unknown(String),
    /// The secret has no such version.
    #[error("the version {0} is not one of this secret: a rotation begins by RotateSecret")]
    NoVersion(String),
    /// Another version is being prepared, or none.
    #[error(
        "the version {0} is not pending (any more): another rotation took its place, or it was given up; begin a new one"
    )]
    NotPending(String),
    /// A later step came before the first.
    #[error("the version {0} has no ring yet: createSecret comes first")]
    NotCreated(String),
    /// The secret has no version in force.
    #[error("the secret has no version in force")]
    NothingInForce,
    /// No key of the ring in force signs now.
    #[error("no key of the ring in force signs now")]
    NoSigner,
    /// The pending ring must not be put in force.
    #[error("the pending ring is given up, since {0}; the ring in force stays: begin a new rotation")]
    GivenUp(Unfit),
    /// A ring can't be read.
    #[error("the ring is not usable: {0}")]
    Bad(#[from] BadKeys),
    /// Secrets Manager.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No key can be made.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Why a pending ring must not be put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not follow from the ring in force.
    #[error(transparent)]
    NotASuccessor(#[from] NotASuccessor),
    /// Somebody would meet the new key's tokens before they know it.
    #[error("its new key {0} signs too soon (or does already): some caches would learn of it too late")]
    TooLate(String),
    /// It can't be read.
    #[error(transparent)]
    Bad(#[from] BadKeys),
}

/// Does one step.
///
/// # Errors
/// [`RotationError`]. The ring in force stays as it is then; the step can be repeated, unless the error says otherwise.
pub async fn rotate_keys(
    service: &KeyRotation,
    now: Timestamp,
    request: &StepRequest,
) -> Result<Done, RotationError> {
    let two = [(&service.access, TokenKind::Access), (&service.refresh, TokenKind::Refresh)];
    let links = service.links.as_ref().map(|links| (links, TokenKind::Link));
    let (secret, kind) = two
        .into_iter()
        .chain(links)
        .find(|(secret, _)| secret.id() == request.secret)
        .ok_or_else(|| RotationError::Unknown(request.secret.clone()))?;
    let versions = secret.versions().await?;
    let (version, current) = (request.version.as_str(), versions.current());
    if !versions.has(version) {
        return Err(RotationError::NoVersion(version.to_owned()));
    }
    if current == Some(version) {
        // Finished before, and maybe interrupted before its last call.
        if versions.is_marked_pending(version) && request.step == Step::Finish {
            secret.no_longer_pending(version).await?;
        }
        return Ok(Done::Nothing);
    }
    if versions.pending() != Some(version) {
        return Err(RotationError::NotPending(version.to_owned()));
    }
    let rings = Rings { service, secret, kind, version, current: current_of(&versions)? };
    match request.step {
        Step::Create => rings.create(now).await,
        Step::Set => Ok(Done::Nothing),
        Step::Test => rings.try_out(now).await,
        Step::Finish => rings.finish(now).await,
    }
}

fn current_of(versions: &Versions) -> Result<&str, RotationError> {
    versions.current().ok_or(RotationError::NothingInForce)
}

/// The ring in force, and the version that is to take its place.
struct Rings<'a> {
    service: &'a KeyRotation,
    secret: &'a VersionedSecret,
    kind: TokenKind,
    version: &'a str,
    current: &'a str,
}

impl Rings<'_> {
    async fn create(&self, now: Timestamp) -> Result<Done, RotationError> {
        if self.secret.value(self.version).await?.is_some() {
            // Made before. If it is too old by now, saying so here saves the other steps.
            self.test(now).await?;
            return Ok(Done::Prepared);
        }
        let lifetimes = &self.service.lifetimes;
        let kept = self.in_force().await?.without_dead_keys(now, lifetimes);
        let next = kept.with_announced_key(self.service.algorithm, now)?;
        self.secret.prepare(self.version, &next.text()).await?;
        Ok(Done::Prepared)
    }

    /// `testSecret`. When a schedule is set up without rotating at once, Secrets Manager calls this step alone, with a
    /// pending version that has the value in force: that is a test of this function, and there is nothing to give up.
    async fn try_out(&self, now: Timestamp) -> Result<Done, RotationError> {
        let current = self.in_force().await?;
        let pending = self.secret.value(self.version).await?;
        let same = pending.and_then(|text| KeyDocument::parse(text.expose_secret(), self.kind).ok());
        if same.is_some_and(|pending| pending.has_the_keys_of(&current)) {
            let ring = current.ring()?;
            let signer = ring.signer(now).filter(|key| key.proves_itself());
            return signer.map(|key| Done::Tested(key.kid.clone())).ok_or(RotationError::NoSigner);
        }
        self.test(now).await.map(|(key, _)| Done::Tested(key))
    }

    /// Reads the pending ring as the functions would, lets its new key sign and verify, and compares all else with the
    /// ring in force. What fails here fails for good: a version's value is written once.
    async fn test(&self, now: Timestamp) -> Result<(String, SignedDuration), RotationError> {
        let Some(pending) = self.secret.value(self.version).await? else {
            return Err(RotationError::NotCreated(self.version.to_owned()));
        };
        let current = self.in_force().await?;
        let checked =
            KeyDocument::parse(pending.expose_secret(), self.kind).map_err(Unfit::from).and_then(|pending| {
                let (key, begins) = pending.follows(&current, now, &self.service.lifetimes)?;
                let notice = begins.duration_since(now);
                if notice < pending.least_notice(&key) { Err(Unfit::TooLate(key)) } else { Ok((key, notice)) }
            });
        let problem = match checked {
            Ok(fit) => return Ok(fit),
            Err(problem) => problem,
        };
        self.secret.no_longer_pending(self.version).await?;
        Err(RotationError::GivenUp(problem))
    }

    async fn finish(&self, now: Timestamp) -> Result<Done, RotationError> {
        let (key, notice) = self.test(now).await?;
        // Takes the place of the ring that was compared with, and of no other.
        self.secret.put_in_force(self.version, self.current).await?;
        self.secret.no_longer_pending(self.version).await?;
        Ok(Done::InForce(key, notice))
    }

    async fn in_force(&self) -> Result<KeyDocument, RotationError> {
        let text = self.secret.value(self.current).await?.ok_or(RotationError::NothingInForce)?;
        Ok(KeyDocument::parse(text.expose_secret(), self.kind)?)
    }
}
