//! The token in a mail's link: `base64url(1 ‖ kind ‖ SHA-256(address) ‖ id ‖ MAC)`, 88 characters.
//!
//! Parsing says only that it has the form. Whether it counts takes the row, the user and a key.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{MailKey, MailKind};
use crate::{email::Email, ids::MailId};

const VERSION: u8 = 1;

/// SHA-256 of an address: the mailbox's name where the address must not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailDigest(pub(super) [u8; 32]);

impl MailDigest {
    /// Of this address.
    #[must_use]
    pub fn of(email: &Email) -> Self {
        Self(Sha256::digest(email.as_str()).into())
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for MailDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a link dies with: SHA-256 of the password's hash, of the old address, or of whatever else must still be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound([u8; 32]);

impl Bound {
    /// Bound to this text.
    #[must_use]
    pub fn to(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl serde::Serialize for Bound {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Bound {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("not a SHA-256 in base64url"))
    }
}

/// The MAC of a link. Two are compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct MailMac(pub [u8; 16]);

impl PartialEq for MailMac {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for MailMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailMac(redacted)")
    }
}

/// The token of a link. It redacts itself: whoever has it can do what the mail offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MailToken {
    /// The row that it belongs to.
    pub key: MailKey,
    /// What shows that we made it.
    pub mac: MailMac,
}

/// The text is no token of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of a mail")]
pub struct NotAMailToken;

impl MailToken {
    /// The token as links carry it. It is the only way to the text, so that a log can't show it by accident.
    #[must_use]
    pub fn expose(&self) -> String {
        let MailKey { mailbox, kind, id } = &self.key;
        let parts = [&[VERSION, kind.number()], mailbox.as_bytes().as_slice(), id.as_bytes(), &self.mac.0];
        URL_SAFE_NO_PAD.encode(parts.concat())
    }

    /// Reads a token. It has one spelling.
    pub fn parse(text: &str) -> Result<Self, NotAMailToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAMailToken)?;
        let ([VERSION, kind], rest) = bytes.split_first_chunk::<2>().ok_or(NotAMailToken)? else {
            return Err(NotAMailToken);
        };
        let (mailbox, rest) = rest.split_first_chunk::<32>().ok_or(NotAMailToken)?;
        let (id, rest) = rest.split_first_chunk::<16>().ok_or(NotAMailToken)?;
        let mac = rest.try_into().map_err(|_| NotAMailToken)?;
        let key = MailKey {
            mailbox: MailDigest(*mailbox),
            kind: MailKind::numbered(*kind).ok_or(NotAMailToken)?,
            id: MailId::new(Uuid::from_bytes(*id)),
        };
        Ok(Self { key, mac: MailMac(mac) })
    }
}

impl fmt::Debug for MailToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailToken(redacted)")
    }
}

/// Eight digits that do what the link does, for another device. Two are compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct MailCode([u8; 8]);

impl MailCode {
    /// The code made of these bytes. Of 2^64 numbers, the digits are as good as evenly spread.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        let mut left = u64::from_be_bytes(bytes);
        let mut digits = [b'0'; 8];
        for digit in digits.iter_mut().rev() {
            // INVARIANT: a remainder of ten is below ten.
            *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        Self(digits)
    }

    /// Reads what somebody typed: eight digits, Arabic ones too, with blanks or a hyphen anywhere.
    pub fn parse(typed: &str) -> Result<Self, NotAMailToken> {
        let mut digits = Vec::with_capacity(8);
        for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            digits.push(digit(c).filter(|_| digits.len() < 8).ok_or(NotAMailToken)?);
        }
        digits.try_into().map(Self).map_err(|_| NotAMailToken)
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A digit of ours, of Arabic or of Persian.
fn digit(c: char) -> Option<u8> {
    let zero = ['0', '\u{660}', '\u{6f0}']
        .into_iter()
        .find(|zero| (*zero..='\u{6f9}').contains(&c) && u32::from(c) < u32::from(*zero) + 10)?;
    u8::try_from(u32::from(c) - u32::from(zero)).ok().map(|value| b'0' + value)
}

impl PartialEq for MailCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for MailCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> MailToken {
        let mailbox = MailDigest::of(&Email::parse("sara@example.com").unwrap());
        let id = MailId::new(Uuid::from_bytes([7; 16]));
        MailToken { key: MailKey { mailbox, kind: MailKind::Reset, id }, mac: MailMac([9; 16]) }
    }

    #[test]
    fn a_token_comes_back_as_it_was_and_has_one_spelling() {
        let text = token().expose();
        assert_eq!((text.len(), MailToken::parse(&text)), (88, Ok(token())));
        let other = [
            "",
            "AQ",
            &text[1..],
            &format!("{text}="),
            &format!("{text}AAAA"),
            &text.replace('_', "/"),
            &format!("Ag{}", &text[2..]),
        ];
        for other in other.into_iter().filter(|other| *other != text) {
            assert_eq!(MailToken::parse(other), Err(NotAMailToken), "{other}");
        }
    }

    #[test]
    fn neither_token_nor_code_shows_in_debug_output() {
        let code = MailCode::from_bytes([1; 8]);
        let shown = format!("{:?} {code:?} {:?}", token(), token().mac);
        assert!(!shown.contains(&token().expose()) && !shown.contains(code.expose()) && !shown.contains('9'));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = MailCode::from_bytes(12_345_678_u64.to_be_bytes());
        assert_eq!(code.expose(), "12345678");
        for typed in ["12345678", " 1234 5678 ", "1234-5678", "١٢٣٤٥٦٧٨", "۱۲۳۴۵۶۷۸"] {
            assert_eq!(MailCode::parse(typed), Ok(code), "{typed}");
        }
        for typed in ["", "1234567", "123456789", "1234567a", "１２３４５６７８", "12345678:"] {
            assert_eq!(MailCode::parse(typed), Err(NotAMailToken), "{typed}");
        }
        assert_eq!(MailCode::from_bytes(7_u64.to_be_bytes()).expose(), "00000007");
    }
}
