//! One variable, as text, number or word.

use jiff::SignedDuration;

use super::{Config, ConfigError};

/// An empty variable counts as none, as CloudFormation has no other way to leave one out.
impl Config {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.find)(name).filter(|value| !value.trim().is_empty())
    }

    /// A variable that has to be there.
    ///
    /// # Errors
    /// It is missing.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.text(name).ok_or_else(|| ConfigError::new(name, "is not set"))
    }

    /// What `parse` makes of a variable, or of nothing.
    pub(super) fn parsed<T, E>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        problem: &str,
    ) -> Result<T, ConfigError> {
        parse(&self.text(name).unwrap_or_default()).map_err(|_| ConfigError::new(name, problem))
    }

    pub(super) fn number<N>(
        &self,
        name: &'static str,
        default: N,
        range: std::ops::RangeInclusive<N>,
    ) -> Result<N, ConfigError>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.trim().parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let problem = format!("must be a whole number from {} to {}", range.start(), range.end());
            ConfigError::new(name, problem)
        })
    }

    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<SignedDuration, ConfigError> {
        self.number(name, default, range).map(SignedDuration::from_secs)
    }

    /// One of several words; the first is the default.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let word = self.text(name);
        let chosen =
            choices.iter().find(|(choice, _)| word.as_deref().is_none_or(|word| word.trim() == *choice));
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
            ConfigError::new(name, format!("must be one of: {}", words.join(", ")))
        })
    }
}
