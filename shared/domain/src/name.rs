//! The name that a user shows to others.

use crate::{
    characters::{is_invisible, with_joiners},
    refusal::Fault,
};

/// A person's name: 1 to 200 characters, none of them a control character or one that nobody sees. Joiners are seen, between
/// letters that join.
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
        if with_joiners(text).any(|(c, joins)| c.is_control() || (is_invisible(c) && !joins)) {
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

    #[test]
    fn a_name_holds_nothing_that_nobody_sees_but_joiners_between_letters_that_join() {
        for name in ["علی‌رضا", "ක්‍රිශාන්", "Zoë", "Łukasz O’Brien-Ñuñez", "佐藤", "مُحَمَّد"]
        {
            assert_eq!(PersonName::parse(name).map(|name| name.0), Ok(name.to_owned()));
        }
        for odd in ['\u{3164}', '\u{2800}', '\u{34f}', '\u{200c}', '\u{200d}', '\u{202e}', '\u{feff}'] {
            for name in [format!("Sa{odd}ra"), format!("{odd}Sara"), odd.to_string()] {
                assert_eq!(PersonName::parse(&name), Err(Fault::Invalid), "{name:?}");
            }
        }
        assert_eq!(PersonName::parse("Sara\u{2028}Sara"), Err(Fault::Invalid));
    }
}
