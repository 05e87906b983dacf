//! The name that a user shows to others.

use crate::refusal::Fault;

/// A person's name: 1 to 200 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PersonName(String);

impl PersonName {
    /// Trims and checks a name.
    ///
    /// # Errors
    /// [`Fault::Required`], [`Fault::TooLong`] or [`Fault::Invalid`].
    pub fn parse(typed: &str) -> Result<Self, Fault> {
        let text = typed.trim();
        if text.is_empty() {
            return Err(Fault::Required);
        }
        if text.chars().count() > 200 {
            return Err(Fault::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(Fault::Invalid);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
