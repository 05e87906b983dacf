//! How many passwords may be tried: windows of named entries.
//!
//! An entry is put into a window *before* a password is hashed and is named by its request, so that a repeated write
//! counts once and an entry can be returned. A window opens with its first entry and ends a fixed time later; refused
//! attempts leave no entry, so trying does not extend a lock.

use jiff::{SignedDuration, Timestamp};

use crate::moment::{Moment, RequestId};

/// How many entries a window takes, and how long it stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Entries that a window takes.
    pub max: u32,
    /// From the first entry to the end.
    pub window: SignedDuration,
}

/// The limits of the two kinds of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one account, whoever tries.
    pub account: Limit,
    /// Of one address, whatever accounts are tried from it.
    pub address: Limit,
}

/// An entry this young may be an honest login in flight, which returns its entry when it is through.
pub const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(10);

/// One attempt: when it was made and by which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry(String);

impl Entry {
    /// The entry of this request.
    #[must_use]
    pub fn new(moment: &Moment) -> Self {
        Self(format!("{}#{}", moment.now.as_millisecond(), RequestId::as_str(&moment.request)))
    }

    #[must_use]
    pub const fn stored(name: String) -> Self {
        Self(name)
    }

    /// The entry as an element of the stored set.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its request may still be under way.
    #[must_use]
    pub fn is_in_flight(&self, now: Timestamp) -> bool {
        let youngest = now.as_millisecond().saturating_sub(i64::try_from(IN_FLIGHT.as_millis()).unwrap_or(0));
        self.made().is_some_and(|made| made > youngest)
    }

    /// When it was made, in milliseconds.
    fn made(&self) -> Option<i64> {
        self.0.split_once('#')?.0.parse().ok()
    }
}

/// A window as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The entries, `<milliseconds>#<request>`.
    pub entries: Vec<String>,
    /// When all of them are forgotten.
    pub ends: Timestamp,
}

impl Window {
    /// Whether the window's end has come; what it holds counts no more, whether or not it was removed.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends <= now
    }

    /// Whether this entry is in it.
    #[must_use]
    pub fn has(&self, entry: &Entry) -> bool {
        self.entries.iter().any(|name| name == entry.as_str())
    }

    /// How many entries it still takes.
    #[must_use]
    pub fn remaining(&self, limit: Limit) -> u32 {
        limit.max.saturating_sub(u32::try_from(self.entries.len()).unwrap_or(u32::MAX))
    }

    /// How long until it is over, in whole seconds and rounded up: a client that waits that long is let in.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> SignedDuration {
        let left = self.ends.duration_since(now);
        let more = i64::from(left.subsec_nanos() > 0);
        SignedDuration::from_secs((left.as_secs() + more).max(1))
    }

    /// Whether one of the entries may be returned soon.
    #[must_use]
    pub fn has_entries_in_flight(&self, now: Timestamp) -> bool {
        self.entries.iter().any(|entry| Entry(entry.clone()).is_in_flight(now))
    }
}

/// What a client is told of a window: `RateLimit` and `RateLimit-Policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Whose attempts are counted: `account` or `address`.
    pub policy: &'static str,
    /// How many a window takes, and how long it stays open.
    pub limit: Limit,
    /// How many it still takes.
    pub remaining: u32,
    /// How long until it is over.
    pub resets_in: SignedDuration,
}

impl Quota {
    #[must_use]
    pub fn of(policy: &'static str, window: &Window, limit: Limit, now: Timestamp) -> Self {
        // A request may have begun a moment before the one that opened the window; no window is longer than it is.
        let resets_in = window.retry_after(now).min(limit.window);
        Self { policy, limit, remaining: window.remaining(limit), resets_in }
    }

    /// A window that nothing is in.
    #[must_use]
    pub const fn unused(policy: &'static str, limit: Limit) -> Self {
        Self { policy, limit, remaining: limit.max, resets_in: limit.window }
    }
}

/// Failures of one account in a row, however long they take, after which somebody should look.
pub const ALARMING_RUN: u32 = 100;

/// Wrong second factors of one user in a row, however long they take, of which the user hears: who guesses there has the password,
/// or a session.
pub const TELLING_RUN: u32 = 20;

/// A run that goes on is told again after a day, and not with every twenty more: nobody's mailbox is flooded.
pub const TOLD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The failures of an account in a row, over all its windows.
///
/// An attempt counts from the moment that its place is taken, so those that are under way count too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// How many there are.
    pub failures: u32,
    /// Whose attempt raises the alarm, or tried to.
    pub alarm: Option<Entry>,
    /// When its user was told of it.
    pub told: Option<Timestamp>,
}

impl Run {
    /// Whether somebody should look, and nobody is telling them at the moment.
    #[must_use]
    pub fn is_alarming(&self, now: Timestamp) -> bool {
        let told = self.alarm.as_ref().is_some_and(|by| by.is_in_flight(now));
        self.failures >= ALARMING_RUN && !told
    }

    /// Whether the user is to hear of it.
    #[must_use]
    pub fn is_to_be_told(&self, now: Timestamp) -> bool {
        self.failures >= TELLING_RUN && self.told.is_none_or(|told| now.duration_since(told) >= TOLD_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_window_that_is_over_counts_no_more_though_its_item_is_still_there() {
        let window = Window { entries: vec!["1#a".into()], ends: at(1_000) };
        assert!(!window.is_over(at(999)));
        assert!(window.is_over(at(1_000)));
    }

    #[test]
    fn a_client_that_waits_as_long_as_it_was_told_is_let_in() {
        let window = Window { entries: vec![], ends: at(900_000) };
        assert_eq!(window.retry_after(at(0)), SignedDuration::from_secs(900));
        assert_eq!(window.retry_after(at(838_100)), SignedDuration::from_secs(62));
        assert_eq!(window.retry_after(at(899_999)), SignedDuration::from_secs(1));
        assert_eq!(window.retry_after(at(900_001)), SignedDuration::from_secs(1));
    }

    #[test]
    fn nobody_is_told_to_wait_for_longer_than_a_window_lasts() {
        let limit = Limit { max: 5, window: SignedDuration::from_mins(15) };
        let window = Window { entries: vec![], ends: at(900_007) };
        assert_eq!(Quota::of("account", &window, limit, at(0)).resets_in, limit.window);
    }

    #[test]
    fn only_a_young_entry_may_be_a_login_in_flight() {
        let moment = Moment { now: at(50_000), request: RequestId::new("r") };
        let window = Window { entries: vec![Entry::new(&moment).as_str().to_owned()], ends: at(900_000) };
        assert!(window.has_entries_in_flight(at(59_999)));
        assert!(!window.has_entries_in_flight(at(60_000)));
    }

    #[test]
    fn a_run_alarms_from_its_hundredth_failure_on_and_not_while_somebody_else_is_at_it() {
        let run = |failures, alarm: Option<&str>| Run {
            failures,
            alarm: alarm.map(|name| Entry::stored(name.to_owned())),
            told: None,
        };
        assert!(!run(99, None).is_alarming(at(0)));
        assert!(run(100, None).is_alarming(at(0)));
        assert!(run(150, None).is_alarming(at(0)));
        assert!(!run(150, Some("50000#a")).is_alarming(at(59_999)));
        assert!(run(150, Some("50000#a")).is_alarming(at(60_000)), "its alarm failed");
    }

    #[test]
    fn a_user_hears_of_a_run_from_its_twentieth_failure_on_and_once_a_day_while_it_goes_on() {
        let run = |failures, told: Option<i64>| Run { failures, alarm: None, told: told.map(at) };
        let day = 86_400_000;
        assert!(!run(19, None).is_to_be_told(at(0)) && run(20, None).is_to_be_told(at(0)));
        // The twentieth may be one that was given back.
        assert!(run(21, None).is_to_be_told(at(0)));
        assert!(!run(40, Some(0)).is_to_be_told(at(day - 1)) && run(40, Some(0)).is_to_be_told(at(day)));
    }

    #[test]
    fn a_client_is_told_how_many_attempts_it_has_left_and_never_fewer_than_none() {
        let limit = Limit { max: 5, window: SignedDuration::from_mins(15) };
        for (taken, left) in [(0, 5), (2, 3), (4, 1), (5, 0), (7, 0)] {
            let window = Window { entries: vec!["1#a".to_owned(); taken], ends: at(900_000) };
            assert_eq!(Quota::of("account", &window, limit, at(0)).remaining, left, "{taken} of 5");
        }
    }
}
