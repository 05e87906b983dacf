//! How often an API may be called, by user or by address: a count for each minute.
//!
//! The count is written beside the calls that a request makes anyway, so it costs no time. A refresh counts itself, in the write that
//! it is; and what takes a place in the window of an address is counted in the write that takes it. Who is over the limit is refused from memory, with no call at all, until the window is over.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        address::ClientAddress,
        attempts::{Limit, Quota},
        ids::{SessionId, UserId},
    },
    store::{AttemptsKey, Store, StoreError},
};

/// Whose calls are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Counted(String);

impl Counted {
    /// A user's, from wherever.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self(format!("USER#{user}"))
    }

    /// A session's: its refreshes.
    #[must_use]
    pub fn session(session: SessionId) -> Self {
        Self(format!("SESSION#{session}"))
    }

    /// An address's, of whichever users.
    #[must_use]
    pub fn address(address: ClientAddress) -> Self {
        Self(format!("ADDRESS#{}", address.window_name()))
    }
}

/// The limit, and who is known to be over it.
#[derive(Debug)]
pub struct RateLimit {
    /// `None`: there is none.
    limit: Option<Limit>,
    over: Mutex<HashMap<Counted, Timestamp>>,
}

/// How many callers are remembered; who is beyond is counted like everybody else.
const MAX_REMEMBERED: usize = 10_000;

impl RateLimit {
    /// A limit; none at all if it takes nothing.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self { limit: Some(limit).filter(|limit| limit.max > 0), over: Mutex::default() }
    }

    /// How many calls there may be in a window, if that has a limit.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Whether a caller is known to be over the limit, without asking.
    ///
    /// # Errors
    /// What to tell them.
    pub fn check(&self, counted: &Counted, now: Timestamp) -> Result<(), Quota> {
        let Some(limit) = self.limit else { return Ok(()) };
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        match over.get(counted).filter(|ends| **ends > now) {
            Some(ends) => Err(quota(limit, *ends, now)),
            None => Ok(()),
        }
    }

    /// Counts a call. What to tell its caller, if it is one too many.
    pub async fn count(
        &self,
        store: &Store,
        counted: &Counted,
        now: Timestamp,
    ) -> Result<Option<Quota>, StoreError> {
        let Some(limit) = self.limit else { return Ok(None) };
        let (calls, ends) = store.count_call(&counted.0, limit, now).await?;
        if calls <= limit.max {
            return Ok(None);
        }
        self.remember(counted, ends, now);
        Ok(Some(quota(limit, ends, now)))
    }

    /// Counts a call of an address that the window of its attempts refused: it is one of those that are counted there.
    pub async fn count_refused(
        &self,
        store: &Store,
        window: &AttemptsKey,
        address: ClientAddress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(limit) = self.limit else { return Ok(()) };
        let (calls, ends) = store.count_refused_call(window, limit, now).await?;
        if calls > limit.max {
            self.remember(&Counted::address(address), ends, now);
        }
        Ok(())
    }

    /// Refuses a caller until then, without asking; and says what to tell them.
    pub fn refuse(&self, counted: &Counted, ends: Timestamp, now: Timestamp) -> Quota {
        self.remember(counted, ends, now);
        let limit = self.limit.unwrap_or(Limit { max: 0, window: SignedDuration::ZERO });
        quota(limit, ends, now)
    }

    fn remember(&self, counted: &Counted, ends: Timestamp, now: Timestamp) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if over.len() >= MAX_REMEMBERED {
            over.retain(|_, ends| *ends > now);
        }
        if over.len() < MAX_REMEMBERED {
            over.insert(counted.clone(), ends);
        }
    }
}

/// Nothing is left until then.
fn quota(limit: Limit, ends: Timestamp, now: Timestamp) -> Quota {
    let window = crate::domain::attempts::Window { entries: Vec::new(), ends };
    Quota { policy: "api", limit, remaining: 0, resets_in: window.retry_after(now) }
}
