//! What the session of a call was shown, as an operator or a table of expectations says it.

use jiff::{SignedDuration, Timestamp};
use nova_auth::domain::assurance::{MaxAge, Shown, parse_seconds};
use nova_auth::domain::factors::Acr;

/// Where neither is said, nothing is known of the session, and nothing that a rule demands of it is met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SessionSpec {
    /// A password alone, unless it is said.
    pub(super) acr: Option<Acr>,
    /// How many seconds ago; now, unless it is said.
    pub(super) age: Option<u32>,
}

impl SessionSpec {
    pub(super) fn shown(self, now: Timestamp) -> Option<Shown> {
        if self == Self::default() {
            return None;
        }
        let at = now - SignedDuration::from_secs(self.age.unwrap_or(0).into());
        let factor_at = (self.acr == Some(Acr::SecondFactor)).then_some(at);
        Some(Shown { authenticated_at: at, factor_at, now })
    }

    /// For people, behind whoever is calling; nothing where nothing is known.
    pub(super) fn words(self) -> String {
        if self == Self::default() {
            return String::new();
        }
        let what = if self.acr == Some(Acr::SecondFactor) { "a second factor" } else { "the password" };
        match self.age {
            None | Some(0) => format!(", who has just shown {what}"),
            Some(seconds) => format!(", who showed {what} {} ago", age_text(seconds)),
        }
    }

    pub(super) fn acr_name(self) -> Option<&'static str> {
        self.acr.map(Acr::name)
    }
}

/// As people write it, also where no rule could ask for it.
fn age_text(seconds: u32) -> String {
    MaxAge::try_from(seconds).map_or_else(|_| format!("{seconds}s"), |age| age.to_string())
}

/// `1`: a password. `2`: a second factor, too.
pub(super) fn acr(text: &str) -> Result<Acr, String> {
    match text {
        "1" => Ok(Acr::Password),
        "2" => Ok(Acr::SecondFactor),
        _ => Err("write 1 (a password) or 2 (a second factor, too)".to_owned()),
    }
}

/// `90s`, `10m`, `2h`.
pub(super) fn age(text: &str) -> Result<u32, String> {
    parse_seconds(text).ok_or_else(|| "write a number and s, m or h, for example 5m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_of_a_session_is_not_taken_for_shown() {
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(SessionSpec::default().shown(now), None);
        let password = SessionSpec { age: Some(60), ..SessionSpec::default() }.shown(now).unwrap();
        assert_eq!((password.authenticated_at.as_second(), password.factor_at), (940, None));
        let factor = SessionSpec { acr: Some(Acr::SecondFactor), age: None }.shown(now).unwrap();
        assert_eq!((factor.authenticated_at, factor.factor_at), (now, Some(now)));
    }

    #[test]
    fn a_session_is_said_in_words() {
        let words = |acr, age| SessionSpec { acr, age }.words();
        assert_eq!(words(None, None), "");
        assert_eq!(words(Some(Acr::SecondFactor), None), ", who has just shown a second factor");
        assert_eq!(words(None, Some(600)), ", who showed the password 10m ago");
        assert_eq!(words(Some(Acr::SecondFactor), Some(172_800)), ", who showed a second factor 172800s ago");
    }
}
