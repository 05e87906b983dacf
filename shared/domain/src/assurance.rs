//! How recently, and by what, a user has to have shown who they are; and what a session was shown.
//!
//! *A second factor, at most ten minutes ago* is about the second factor: whoever showed one three days ago, and the password
//! just now, has to show the second factor again.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::factors::Acr;

/// What a call demands of the session that makes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand {
    /// A second factor was shown.
    pub second_factor: bool,
    /// At most so long ago; without a second factor: whatever the user showed.
    pub max_age: Option<MaxAge>,
}

/// What a session was shown, and what the time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// When its user last showed who they are.
    pub authenticated_at: Timestamp,
    /// When its user last showed a second factor, if ever.
    pub factor_at: Option<Timestamp>,
    /// The time of the decision.
    pub now: Timestamp,
}

impl Demand {
    /// Whether nothing is demanded.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        !self.second_factor && self.max_age.is_none()
    }

    /// Whether a session was shown that much. Where nobody knows what it was shown, it was shown nothing.
    #[must_use]
    pub fn is_met(self, shown: Option<Shown>) -> bool {
        if self.is_nothing() {
            return true;
        }
        let Some(shown) = shown else { return false };
        let at = if self.second_factor { shown.factor_at } else { Some(shown.authenticated_at) };
        at.is_some_and(|at| self.max_age.is_none_or(|age| age.has_room_for(at, shown.now)))
    }

    /// Whether every session that meets this meets the other, too.
    #[must_use]
    pub fn implies(self, other: Self) -> bool {
        let is_as_recent = match (self.max_age, other.max_age) {
            (_, None) => true,
            // One age is of the second factor, the other of whatever was shown last: neither says anything of the other.
            (Some(own), Some(others)) => own <= others && self.second_factor == other.second_factor,
            (None, Some(_)) => false,
        };
        is_as_recent && (self.second_factor || !other.second_factor)
    }

    /// The class that a second factor leads to, if one is demanded.
    #[must_use]
    pub fn acr(self) -> Option<Acr> {
        self.second_factor.then_some(Acr::SecondFactor)
    }

    /// The same for a `WWW-Authenticate` (RFC 9470).
    #[must_use]
    pub fn challenge(self) -> String {
        let mut challenge = r#"Bearer error="insufficient_user_authentication""#.to_owned();
        if let Some(acr) = self.acr() {
            challenge.push_str(&format!(", acr_values=\"{}\"", acr.name()));
        }
        if let Some(age) = self.max_age {
            challenge.push_str(&format!(", max_age=\"{}\"", age.seconds()));
        }
        challenge
    }
}

/// How long ago something may have been shown: a minute to a day, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MaxAge(u32);

/// An age outside its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an age is from 1 minute to 24 hours")]
pub struct NotAnAge;

impl MaxAge {
    /// The shortest: a step-up and the call after it have to fit in.
    pub const MIN: Self = Self(60);
    /// The longest.
    pub const MAX: Self = Self(24 * 60 * 60);
    pub const TEN_MINUTES: Self = Self(600);

    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// Whether something of then is as recent as that. What seems to come from the future counts as of now: clocks differ.
    fn has_room_for(self, then: Timestamp, now: Timestamp) -> bool {
        now.duration_since(then) <= SignedDuration::from_secs(self.0.into())
    }
}

impl TryFrom<u32> for MaxAge {
    type Error = NotAnAge;

    fn try_from(seconds: u32) -> Result<Self, NotAnAge> {
        let age = Self(seconds);
        if (Self::MIN..=Self::MAX).contains(&age) { Ok(age) } else { Err(NotAnAge) }
    }
}

impl From<MaxAge> for u32 {
    fn from(age: MaxAge) -> Self {
        age.0
    }
}

/// As people write it: `10m`.
impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds if seconds.is_multiple_of(3600) => write!(f, "{}h", seconds / 3600),
            seconds if seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

/// The seconds of what people write: `90s`, `10m`, `2h`.
#[must_use]
pub fn parse_seconds(text: &str) -> Option<u32> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse::<u32>().ok().filter(|_| is_number)?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn demand(second_factor: bool, seconds: Option<u32>) -> Demand {
        Demand { second_factor, max_age: seconds.map(|seconds| seconds.try_into().unwrap()) }
    }

    /// Shown at these seconds, and asked at second 100,000.
    fn shown(authenticated: i64, factor: Option<i64>) -> Shown {
        Shown { authenticated_at: at(authenticated), factor_at: factor.map(at), now: at(100_000) }
    }

    const DAYS_AGO: i64 = 1;

    #[test]
    fn an_age_counts_to_its_last_second_and_a_future_time_is_now() {
        let minute = demand(false, Some(60));
        assert!(minute.is_met(Some(shown(99_940, None))), "a minute ago is a minute ago");
        assert!(!minute.is_met(Some(shown(99_939, None))));
        let late = Shown { now: at(100_000) + SignedDuration::from_millis(1), ..shown(99_940, None) };
        assert!(!minute.is_met(Some(late)));
        assert!(minute.is_met(Some(shown(100_000, None))), "the same instant");
        assert!(minute.is_met(Some(shown(100_500, None))), "by a clock that is ahead");
    }

    #[test]
    fn a_password_of_now_does_not_refresh_a_second_factor_of_days_ago() {
        let both = demand(true, Some(600));
        assert!(!both.is_met(Some(shown(100_000, Some(DAYS_AGO)))));
        assert!(both.is_met(Some(shown(DAYS_AGO, Some(99_400)))));
        assert!(!both.is_met(Some(shown(100_000, None))));
    }

    #[test]
    fn a_second_factor_is_one_however_long_ago_and_a_password_is_none() {
        let factor = demand(true, None);
        assert!(factor.is_met(Some(shown(DAYS_AGO, Some(DAYS_AGO)))));
        assert!(!factor.is_met(Some(shown(100_000, None))));
        assert!(!demand(false, Some(600)).is_met(Some(shown(DAYS_AGO, Some(DAYS_AGO)))));
    }

    #[test]
    fn what_nobody_knows_the_session_of_meets_no_demand_and_nothing_is_met_by_all() {
        assert!(Demand::default().is_met(None));
        for (second_factor, seconds) in [(true, None), (false, Some(60)), (true, Some(60))] {
            assert!(!demand(second_factor, seconds).is_met(None));
        }
    }

    #[test]
    fn a_demand_that_implies_another_is_met_by_no_session_that_the_other_refuses() {
        let ages = [None, Some(60), Some(600), Some(86_400)];
        let demands: Vec<Demand> =
            [false, true].into_iter().flat_map(|mfa| ages.map(|age| demand(mfa, age))).collect();
        let times = [DAYS_AGO, 20_000, 99_000, 99_950, 100_001];
        let sessions: Vec<Shown> = times
            .into_iter()
            .flat_map(|auth| [None].into_iter().chain(times.map(Some)).map(move |factor| shown(auth, factor)))
            .collect();
        let mut implied = 0;
        for (one, other) in demands.iter().flat_map(|one| demands.iter().map(move |other| (one, other))) {
            if one.implies(*other) {
                implied += 1;
                let is_hole =
                    |session: &&Shown| one.is_met(Some(**session)) && !other.is_met(Some(**session));
                assert_eq!(sessions.iter().find(is_hole), None, "{one:?} {other:?}");
            }
        }
        assert_eq!(implied, 24, "of itself, of nothing, and of what is laxer");
    }

    #[test]
    fn a_challenge_says_what_is_demanded_and_nothing_else() {
        for (mfa, seconds, challenge) in [
            (true, Some(600), r#", acr_values="urn:nova:2", max_age="600""#),
            (true, None, r#", acr_values="urn:nova:2""#),
            (false, Some(90), r#", max_age="90""#),
        ] {
            let whole = format!(r#"Bearer error="insufficient_user_authentication"{challenge}"#);
            assert_eq!(demand(mfa, seconds).challenge(), whole);
        }
    }

    #[test]
    fn an_age_is_read_as_it_is_written() {
        for (text, seconds) in [
            ("60s", Some(60)),
            ("10m", Some(600)),
            ("24h", Some(86_400)),
            ("0s", Some(0)),
            ("10", None),
            ("m", None),
            ("", None),
            ("+5m", None),
            ("-5m", None),
            ("1.5h", None),
            ("10 m", None),
            ("10M", None),
            ("10d", None),
            ("٥m", None),
            ("10م", None),
            ("4294967295h", None),
        ] {
            assert_eq!(parse_seconds(text), seconds, "{text}");
        }
        for text in ["1m", "90s", "10m", "1h", "24h"] {
            assert_eq!(MaxAge::try_from(parse_seconds(text).unwrap()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_age_is_from_a_minute_to_a_day() {
        for (seconds, is_age) in [(0, false), (59, false), (60, true), (86_400, true), (86_401, false)] {
            assert_eq!(MaxAge::try_from(seconds).is_ok(), is_age, "{seconds}");
            assert_eq!(serde_json::from_str::<MaxAge>(&seconds.to_string()).is_ok(), is_age, "{seconds}");
        }
    }
}
