//! The ring of a secret, kept in memory.
//!
//! - fresh for 30 seconds; then it is read again, and goes on serving if that fails, up to [`MAX_STALENESS`]. So a key
//!   that was dropped neither signs nor verifies anywhere half a minute later;
//! - a name that it does not know makes it read again at once, unless it was read after the token says it was signed: a
//!   key stands in the secret before anybody signs with it, so the name is unknown for certain then. Tokens with made-up
//!   names cost nothing to send, so that this happens once a second. While reading fails nobody can tell, and that is a
//!   503.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{BadKeys, Ring, TokenKind, jwk};
use crate::{aws::Code, domain::claims::LEEWAY, patience::Patience};

/// How long a ring is not asked for again. Nobody tells an instance that runs of a key that was dropped: it learns of it
/// by asking, and an instance that is busy all month asks for 0.43 dollars.
pub const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// After a read that failed, the next one waits for this long.
const AFTER_A_FAILURE: SignedDuration = SignedDuration::from_secs(30);

/// A ring that was read within this time has every key: nobody reads a new key, signs with it, sends the token to its
/// client and gets it back from there sooner.
const JUST_READ: SignedDuration = SignedDuration::from_secs(1);

/// How long a ring serves while Secrets Manager is out of reach. Rotation announces a key an hour before it signs, so
/// within this time no token is met that a stale ring cannot verify.
pub const MAX_STALENESS: SignedDuration = SignedDuration::from_mins(45);

/// How long others may keep the public set. A set that is this old when it is used was made of a ring that was
/// [`FRESH`] at most: together they stay below the least notice of a new key, so that nobody meets a token before its key.
pub const PUBLIC_SET_MAX_AGE: SignedDuration = SignedDuration::from_mins(5);

/// No usable keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Secrets Manager did not give the secret.
    #[error("keys are out of reach ({0})")]
    Unavailable(#[source] Code),
    /// The secret holds something else.
    #[error("keys are not usable: {0}")]
    Bad(#[from] BadKeys),
    /// No key of the ring may sign now.
    #[error("no key of the ring may sign now")]
    NoSigner,
}

/// A secret and what was last read of it.
#[derive(Debug)]
pub struct KeyCache {
    client: aws_sdk_secretsmanager::Client,
    secret: String,
    kind: TokenKind,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ring: Option<(Arc<Ring>, Timestamp)>,
    last_failure: Option<Timestamp>,
}

impl State {
    /// The ring, if it was read within `age`.
    fn within(&self, age: SignedDuration, now: Timestamp) -> Option<&Arc<Ring>> {
        self.ring.as_ref().filter(|(_, read)| now.duration_since(*read) < age).map(|(ring, _)| ring)
    }

    fn has_just_failed(&self, now: Timestamp) -> bool {
        self.last_failure.is_some_and(|failed| now.duration_since(failed) < AFTER_A_FAILURE)
    }

    /// Whether the ring has every key that signed up to that time.
    fn covers(&self, signed: Timestamp, now: Timestamp) -> bool {
        // Clocks differ, but what is here already was not signed later than now.
        let signed = now.min(signed.saturating_add(LEEWAY).unwrap_or(now));
        self.ring.as_ref().is_some_and(|(_, read)| *read >= signed) || self.within(JUST_READ, now).is_some()
    }
}

impl KeyCache {
    /// A secret that nobody has read yet.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, secret: impl Into<String>, kind: TokenKind) -> Self {
        let patience = Patience::of(client.config().timeout_config());
        Self { client, secret: secret.into(), kind, patience, state: Mutex::default() }
    }

    /// The ring as it is known now.
    ///
    /// # Errors
    /// [`KeysError`], when there is none that is fresh enough and none can be read.
    pub async fn ring(&self, now: Timestamp) -> Result<Arc<Ring>, KeysError> {
        let mut state = self.state.lock().await;
        if let Some(ring) = state.within(FRESH, now) {
            return Ok(Arc::clone(ring));
        }
        // While Secrets Manager is down, a stale ring does not make every request wait for it.
        if let Some(ring) = state.within(MAX_STALENESS, now).filter(|_| state.has_just_failed(now)) {
            return Ok(Arc::clone(ring));
        }
        let read = match state.within(MAX_STALENESS, now) {
            None => self.read(&mut state, now).await,
            // No longer than for one try: the old ring serves as well.
            Some(_) => tokio::time::timeout(self.patience.attempt, self.read(&mut state, now))
                .await
                .unwrap_or_else(|_| Err(KeysError::Unavailable("slow".into()))),
        };
        match read {
            Ok(ring) => Ok(ring),
            Err(error) => match state.within(MAX_STALENESS, now) {
                Some(ring) => {
                    tracing::error!(error = %error, "keys could not be read again; the old ones go on serving");
                    Ok(Arc::clone(ring))
                }
                None => Err(error),
            },
        }
    }

    /// Makes sure that there is a key that signs.
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        self.ring(now).await?.signer(now).map(|_| ()).ok_or(KeysError::NoSigner)
    }

    /// The ring with the key of this name, read again if it lacks it and may be older than the token that names it.
    ///
    /// `None`: there is no such key for certain.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub(super) async fn ring_with(
        &self,
        kid: &str,
        signed: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Arc<Ring>>, KeysError> {
        let ring = self.ring(now).await?;
        if ring.verifier(kid, now).is_some() {
            return Ok(Some(ring));
        }
        let mut state = self.state.lock().await;
        // Another request may have read it meanwhile.
        let known = state.ring.as_ref().filter(|(ring, _)| ring.verifier(kid, now).is_some());
        if let Some((ring, _)) = known {
            return Ok(Some(Arc::clone(ring)));
        }
        if state.covers(signed, now) {
            return Ok(None);
        }
        if state.has_just_failed(now) {
            return Err(KeysError::Unavailable("failed a moment ago".into()));
        }
        let ring = self.read(&mut state, now).await?;
        Ok(ring.verifier(kid, now).is_some().then_some(ring))
    }

    async fn read(&self, state: &mut State, now: Timestamp) -> Result<Arc<Ring>, KeysError> {
        // One that is given up half-way has failed too.
        state.last_failure = Some(now);
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.secret)
            .send()
            .await
            .map_err(|error| KeysError::Unavailable(Code::of(&error)))?;
        let ring = Arc::new(jwk::parse(answer.secret_string().unwrap_or_default(), self.kind)?);
        state.ring = Some((Arc::clone(&ring), now));
        state.last_failure = None;
        Ok(ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{MIN_NOTICE, NOTICE};

    #[test]
    fn whoever_keeps_keys_hears_of_a_new_one_before_it_signs() {
        assert!(FRESH + PUBLIC_SET_MAX_AGE < MIN_NOTICE);
        assert!(MAX_STALENESS < NOTICE);
    }
}
