//! E-mail addresses, as the keys of accounts.

use std::fmt;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::refusal::Fault;

/// A normalised address: trimmed, NFKC, lower case. It redacts itself: no log holds an address.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const MAX_BYTES: usize = 254;

impl Email {
    /// Normalises and checks an address as people type it.
    ///
    /// The check is the one that matters to us: it can be written to and it is no key of anything else. Whether the
    /// mailbox exists is not ours to know.
    ///
    /// # Errors
    /// [`Fault::Required`], [`Fault::TooLong`] or [`Fault::Invalid`].
    pub fn parse(typed: &str) -> Result<Self, Fault> {
        // Normalising can make a text eighteen times as long, so what is far too long is not even tried.
        if typed.len() > 4 * MAX_BYTES {
            return Err(Fault::TooLong);
        }
        let text: String = typed.trim().nfkc().flat_map(char::to_lowercase).collect();
        let text: String = text.nfkc().collect();
        if text.is_empty() {
            return Err(Fault::Required);
        }
        if text.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || is_treacherous(c)) {
            return Err(Fault::Invalid);
        }
        match text.split_once('@') {
            Some((local, host)) if !local.is_empty() && is_host(host) => Ok(Self(text)),
            _ => Err(Fault::Invalid),
        }
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the address, hexadecimal: the account's name where the address must not stand.
    #[must_use]
    pub fn digest(&self) -> String {
        Sha256::digest(&self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Characters that no mailbox needs unquoted and that others trip over: an API that puts the address into JSON or HTML
/// unescaped, and people who cannot see that two addresses differ.
fn is_treacherous(c: char) -> bool {
    "\"\\<>()[],:;".contains(c)
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_host(host: &str) -> bool {
    !host.contains('@') && host.contains('.') && host.split('.').all(|label| !label.is_empty())
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_spelling() {
        for typed in ["Sara@Example.COM", "  sara@example.com\t", "ｓａｒａ@example.com"] {
            assert_eq!(Email::parse(typed).unwrap().as_str(), "sara@example.com", "{typed}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for typed in ["İbrahim@example.com", "ǅ@example.com", "ſ@example.com"] {
            let once = Email::parse(typed).unwrap();
            assert_eq!(Email::parse(once.as_str()).unwrap(), once, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_written_to_is_refused() {
        for typed in
            ["sara", "@example.com", "sara@", "sara@host", "a@b@example.com", "a b@example.com", "a@.com"]
        {
            assert_eq!(Email::parse(typed), Err(Fault::Invalid), "{typed}");
        }
        for typed in [
            "a\"b@example.com",
            "a\\b@example.com",
            "<a@example.com>",
            "a\u{200b}@example.com",
            "\u{202e}a@example.com",
        ] {
            assert_eq!(Email::parse(typed), Err(Fault::Invalid), "{typed:?}");
        }
        assert_eq!(Email::parse(" "), Err(Fault::Required));
        assert_eq!(Email::parse(&format!("{}@example.com", "a".repeat(300))), Err(Fault::TooLong));
    }

    #[test]
    fn an_address_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Email::parse("sara@example.com").unwrap()), "Email(redacted)");
    }

    #[test]
    fn an_address_of_the_longest_length_is_taken_and_one_byte_more_is_not() {
        let of_length = |length: usize| format!("{}@example.com", "a".repeat(length - 12));
        assert_eq!(Email::parse(&of_length(254)).unwrap().as_str().len(), 254);
        assert_eq!(Email::parse(&of_length(255)), Err(Fault::TooLong));
        // Blanks around it do not make it longer, until there are more than anybody types.
        let padded = |length: usize| format!("{:>length$}", "sara@example.com");
        assert_eq!(Email::parse(&padded(1016)).unwrap().as_str(), "sara@example.com");
        assert_eq!(Email::parse(&padded(1017)), Err(Fault::TooLong));
    }

    /// The name of an account's attempts in the table: with another one, every lock would be open after a deployment.
    #[test]
    fn the_digest_of_an_address_is_its_sha_256() {
        assert_eq!(
            Email::parse("sara@example.com").unwrap().digest(),
            "259b65833bbadfd58ee66dde290489a6e51518339de4886d2331027751f0913a"
        );
    }
}
