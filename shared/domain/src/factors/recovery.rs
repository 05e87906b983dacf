//! Recovery codes: ten of 80 bits, each good for one login when the phone is gone.

use secrecy::{ExposeSecret as _, SecretString};

use crate::fault::Fault;

/// So many are made at once.
pub const CODES: usize = 10;

pub const CODE_BYTES: usize = 10;

/// RFC 4648, section 6, in small letters: it has no 0, 1, 8 and 9 to be taken for letters.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A code: sixteen letters and digits, in groups of four.
pub struct RecoveryCode(SecretString);

/// It shows nothing.
impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode")
    }
}

impl RecoveryCode {
    /// The code of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; CODE_BYTES]) -> Self {
        let number = bytes.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        let letter = |place: u32| {
            let index = usize::try_from((number >> (75 - 5 * place)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'a'))
        };
        Self(SecretString::from((0..16).map(letter).collect::<String>()))
    }

    /// Takes it in letters of any case, with or without its hyphens.
    ///
    /// # Errors
    /// [`Fault::Required`] or [`Fault::Invalid`].
    pub fn parse(typed: &str) -> Result<Self, Fault> {
        let typed = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let code: String = typed.map(|c| c.to_ascii_lowercase()).collect();
        match code.len() {
            0 => Err(Fault::Required),
            16 if code.bytes().all(|byte| ALPHABET.contains(&byte)) => Ok(Self(SecretString::from(code))),
            _ => Err(Fault::Invalid),
        }
    }

    /// The sixteen letters, for the MAC that is kept of it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// As people read it: in groups of four.
    #[must_use]
    pub fn grouped(&self) -> String {
        let letters: Vec<char> = self.expose().chars().collect();
        letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_shown_and_as_people_type_it() {
        let code = RecoveryCode::from_bytes(&[0, 68, 50, 20, 199, 66, 84, 182, 53, 207]);
        assert_eq!(code.grouped(), "abcd-efgh-ijkl-mnop");
        for typed in ["abcd-efgh-ijkl-mnop", "ABCDEFGHIJKLMNOP", " abcd efgh ijkl mnop "] {
            assert_eq!(RecoveryCode::parse(typed).unwrap().expose(), code.expose());
        }
        assert_eq!(RecoveryCode::from_bytes(&[255; 10]).grouped(), "7777-7777-7777-7777");
    }

    #[test]
    fn what_is_no_code_is_refused() {
        assert_eq!(RecoveryCode::parse(" - ").err(), Some(Fault::Required));
        for wrong in ["abcd", "abcd-efgh-ijkl-mnop-q", "abcd-efgh-ijkl-mno0", "abcd-efgh-ijkl-mno١"] {
            assert_eq!(RecoveryCode::parse(wrong).err(), Some(Fault::Invalid), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_not_shown() {
        assert_eq!(format!("{:?}", RecoveryCode::from_bytes(&[1; 10])), "RecoveryCode");
    }
}
