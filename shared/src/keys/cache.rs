//! The ring of a secret, kept in memory.
//!
//! - fresh for five minutes; then it is read again, and goes on serving if that fails, up to [`MAX_STALENESS`];
//! - a name that it does not know makes it read again, at most once in 30 seconds, since tokens with made-up names cost
//!   nothing to send. The token is refused only if the ring is fresh; otherwise nobody can tell, and that is a 503.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{BadKeys, Ring, TokenKind, jwk, secret};
use crate::config::ATTEMPT_TIMEOUT;

/// How long a ring is not asked for again.
pub const FRESH: SignedDuration = SignedDuration::from_mins(5);
const BETWEEN_READS: SignedDuration = SignedDuration::from_secs(30);

/// How long a ring serves while Secrets Manager is out of reach. Rotation announces a key an hour before it signs, so
/// within this time no token is met that a stale ring cannot verify.
pub const MAX_STALENESS: SignedDuration = SignedDuration::from_mins(45);

/// How long others may keep the public set. A set that is this old when it is used was made of a ring that was
/// [`FRESH`] at most: together they stay below the least notice of a new key, so that nobody meets a token before its key.
pub const PUBLIC_SET_MAX_AGE: SignedDuration = SignedDuration::from_mins(5);

/// How long a request waits for the ring to be read again, where the old one serves as well.
const PATIENCE: Duration = ATTEMPT_TIMEOUT;

/// No usable keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Secrets Manager did not give the secret.
    #[error("keys are out of reach ({0})")]
    Unavailable(String),
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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ring: Option<(Arc<Ring>, Timestamp)>,
    last_try: Option<Timestamp>,
}

impl State {
    /// The ring, if it was read within `age`.
    fn within(&self, age: SignedDuration, now: Timestamp) -> Option<&Arc<Ring>> {
        self.ring.as_ref().filter(|(_, read)| now.duration_since(*read) < age).map(|(ring, _)| ring)
    }

    fn tried_within(&self, age: SignedDuration, now: Timestamp) -> bool {
        self.last_try.is_some_and(|tried| now.duration_since(tried) < age)
    }
}

impl KeyCache {
    /// A secret that nobody has read yet.
    #[must_use]
    pub fn new(client: aws_sdk_secretsmanager::Client, secret: impl Into<String>, kind: TokenKind) -> Self {
        Self { client, secret: secret.into(), kind, state: Mutex::default() }
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
        if let Some(ring) =
            state.within(MAX_STALENESS, now).filter(|_| state.tried_within(BETWEEN_READS, now))
        {
            return Ok(Arc::clone(ring));
        }
        let read = match state.within(MAX_STALENESS, now) {
            None => self.read(&mut state, now).await,
            Some(_) => tokio::time::timeout(PATIENCE, self.read(&mut state, now))
                .await
                .unwrap_or_else(|_| Err(KeysError::Unavailable("slow".to_owned()))),
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

    /// The ring, read again because a token names a key that it does not have.
    ///
    /// `None`: it was read just now, so the name is unknown for certain.
    ///
    /// # Errors
    /// [`KeysError`]: nobody can tell.
    pub(super) async fn ring_with_unknown(&self, now: Timestamp) -> Result<Option<Arc<Ring>>, KeysError> {
        let mut state = self.state.lock().await;
        if state.within(BETWEEN_READS, now).is_some() {
            return Ok(None);
        }
        if state.tried_within(BETWEEN_READS, now) {
            return Err(KeysError::Unavailable("tried a moment ago".to_owned()));
        }
        self.read(&mut state, now).await.map(Some)
    }

    async fn read(&self, state: &mut State, now: Timestamp) -> Result<Arc<Ring>, KeysError> {
        state.last_try = Some(now);
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.secret)
            .send()
            .await
            .map_err(|error| KeysError::Unavailable(secret::code(&error)))?;
        let ring = Arc::new(jwk::parse(answer.secret_string().unwrap_or_default(), self.kind)?);
        state.ring = Some((Arc::clone(&ring), now));
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
