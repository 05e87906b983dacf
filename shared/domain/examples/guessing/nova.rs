//! The limits of a stack, and the windows that they are kept in.

use jiff::{SignedDuration, Timestamp};
use nova_auth_domain::attempts::{Entry, Limit, Limits, Run, Window};

/// A day, in milliseconds.
pub(crate) const DAY: i64 = 86_400_000;

/// CloudWatch's alarms count in such windows, in milliseconds.
pub(crate) const ALARM_PERIOD: i64 = 300_000;

/// What of a stack's settings decides how much may be guessed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// `LoginMaxAttempts`, `LoginMaxAttemptsPerAddress`, `LoginWindowSeconds`.
    pub(crate) limits: Limits,
    /// `HashingCallsPerSecond`: logins that API Gateway lets through, from everybody together.
    pub(crate) calls_per_second: i64,
    /// `LoginLocksThreshold`.
    pub(crate) locks_threshold: usize,
    /// `LoginFailuresThreshold`.
    pub(crate) failures_threshold: usize,
}

/// The template's.
pub(crate) const DEFAULTS: Settings = Settings {
    limits: Limits { account: FIVE, address: FIVE },
    calls_per_second: 20,
    locks_threshold: 10,
    failures_threshold: 100,
};

const FIVE: Limit = Limit { max: 5, window: SignedDuration::from_secs(900) };

/// A time of the day, in milliseconds.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).expect("a time of that day")
}

/// A window, as the store keeps it, and the run beside it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) window: Window,
    pub(crate) run: Run,
}

impl Kept {
    pub(crate) fn empty() -> Self {
        Self { window: Window { entries: Vec::new(), ends: at(0) }, run: Run::default() }
    }

    /// Takes a place, in a new window where the last one is over or nobody is in it. `false`: it is full.
    pub(crate) fn enter(&mut self, limit: Limit, now: Timestamp, entry: &Entry) -> bool {
        if self.window.entries.is_empty() || self.window.is_over(now) {
            self.window = Window { entries: Vec::new(), ends: now + limit.window };
        }
        let has_room = !self.is_full(limit);
        if has_room {
            self.window.entries.push(entry.as_str().to_owned());
            self.run.failures += 1;
        }
        has_room
    }

    /// Gives a place back.
    pub(crate) fn leave(&mut self, entry: &Entry) {
        self.window.entries.retain(|name| name != entry.as_str());
        self.run.failures = self.run.failures.saturating_sub(1);
    }

    /// A right password: what was held against the account is forgotten.
    pub(crate) fn forgive(&mut self) {
        *self = Self::empty();
    }

    pub(crate) fn is_full(&self, limit: Limit) -> bool {
        self.window.remaining(limit) == 0
    }

    pub(crate) fn ends(&self) -> i64 {
        self.window.ends.as_millisecond()
    }
}
