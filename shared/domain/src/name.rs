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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_up_to_200_characters_in_any_script() {
        for letter in ["a", "س"] {
            assert_eq!(PersonName::parse(&letter.repeat(200)).unwrap().as_str(), letter.repeat(200));
            for too_many in [201, 300] {
                assert_eq!(PersonName::parse(&letter.repeat(too_many)), Err(Fault::TooLong));
            }
        }
    }

    #[test]
    fn a_name_that_would_write_on_a_terminal_is_refused() {
        assert_eq!(PersonName::parse("  Sara  ").unwrap().as_str(), "Sara");
        assert_eq!(PersonName::parse(" \t"), Err(Fault::Required));
        assert_eq!(PersonName::parse("Sa\u{1b}[2Jra"), Err(Fault::Invalid));
    }
}
