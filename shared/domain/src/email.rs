//! E-mail addresses, as the keys of accounts.

use std::{borrow::Cow, fmt};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use sha2::{Digest as _, Sha256};

use crate::{
    characters::{is_invisible, is_joiner, is_mark, is_readable, nfkc},
    refusal::Fault,
};

/// A normalised address: trimmed, NFKC, lower case, and its domain in the one form that UTS 46 gives it, in Unicode. It
/// redacts itself: no log holds an address.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const MAX_BYTES: usize = 254;

/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;

impl Email {
    /// Normalises and checks an address as people type it.
    ///
    /// The check is the one that matters to us: it can be written to, it looks like no other one, and it is no key of
    /// anything else. Whether the mailbox exists is not ours to know.
    ///
    /// # Errors
    /// [`Fault::Required`], [`Fault::TooLong`] or [`Fault::Invalid`].
    pub fn parse(typed: &str) -> Result<Self, Fault> {
        // Normalising can make a text eighteen times as long, so what is far too long is not even tried.
        if typed.len() > 4 * MAX_BYTES {
            return Err(Fault::TooLong);
        }
        let text: String = nfkc(typed.trim()).chars().flat_map(char::to_lowercase).collect();
        let text = nfkc(&text);
        if text.is_empty() {
            return Err(Fault::Required);
        }
        if text.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        let (local, host) = text.split_once('@').ok_or(Fault::Invalid)?;
        if local.len() > MAX_LOCAL_BYTES {
            return Err(Fault::TooLong);
        }
        if !is_local(local) {
            return Err(Fault::Invalid);
        }
        let Host { ascii, unicode } = Host::parse(host)?;
        // The longer of the two spellings has to fit as well: either may be the one that a mail server is given.
        if local.len() + "@".len() + ascii.len().max(unicode.len()) > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        Ok(Self(format!("{local}@{unicode}")))
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as mail servers are given it: the domain as it stands in DNS. `None`: the local part is not ASCII, which few
    /// servers take.
    #[must_use]
    pub fn in_ascii(&self) -> Option<String> {
        let (local, host) = self.0.split_once('@')?;
        let Host { ascii, .. } = Host::parse(host).ok()?;
        local.is_ascii().then(|| format!("{local}@{ascii}"))
    }

    /// SHA-256 of the address, hexadecimal: the account's name where the address must not stand.
    #[must_use]
    pub fn digest(&self) -> String {
        Sha256::digest(&self.0).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// RFC 5322's dot-atom, with RFC 6531's letters of every script. Quoted forms are not taken: others trip over them, such as
/// an API that puts the address into JSON or HTML unescaped.
fn is_local(local: &str) -> bool {
    let is_allowed = |c: char| match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        c => is_readable(c),
    };
    // A mark that stands first is written on the dot before it, or on nothing.
    local
        .split('.')
        .all(|atom| atom.chars().next().is_some_and(|c| !is_mark(c)) && atom.chars().all(is_allowed))
}

/// The domain of an address. Each of its two spellings gives the other one, so either could be its one form. It is the
/// Unicode one: people read it, and tables from before hold it.
struct Host {
    ascii: String,
    unicode: String,
}

impl Host {
    fn parse(typed: &str) -> Result<Self, Fault> {
        // UTS 46 would leave them out. What nobody sees is refused on either side of the sign.
        if typed.chars().any(|c| is_invisible(c) && !is_joiner(c)) {
            return Err(Fault::Invalid);
        }
        // Some hosts have two hyphens in their third and fourth places, and are written to.
        let (uts46, names, hyphens) = (Uts46::new(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
        let ascii = uts46.to_ascii(typed.as_bytes(), names, hyphens, DnsLength::Verify).map(Cow::into_owned);
        let ascii = ascii.map_err(|_| Fault::Invalid)?;
        let (unicode, valid) = uts46.to_unicode(ascii.as_bytes(), names, hyphens);
        // UTS 46 lets joiners stand where they have work to do only, and what it lets stand may still be a blank.
        let is_seen = unicode.chars().all(|c| is_readable(c) || is_joiner(c));
        let is_name = ascii.rsplit_once('.').is_some_and(|(_, last)| !is_number(last));
        if valid.is_err() || !is_seen || !is_name {
            return Err(Fault::Invalid);
        }
        let unicode = unicode.into_owned();
        Ok(Self { ascii, unicode })
    }
}

/// Whether a host that ends in this label is an IPv4 address, or a bad one (URL Standard, "ends in a number").
fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
        || label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
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
        for local in ["a..b", ".a", "a.", ".", "\u{301}a", "a.\u{301}"] {
            assert_eq!(Email::parse(&format!("{local}@example.com")), Err(Fault::Invalid), "{local:?}");
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
    fn a_mail_server_is_given_a_domain_as_it_stands_in_dns() {
        for (typed, ascii) in [
            ("sara@example.com", Some("sara@example.com")),
            ("sara@bücher.example", Some("sara@xn--bcher-kva.example")),
            ("سارة@example.com", None),
        ] {
            assert_eq!(Email::parse(typed).unwrap().in_ascii().as_deref(), ascii, "{typed}");
        }
    }

    #[test]
    fn an_address_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Email::parse("sara@example.com").unwrap()), "Email(redacted)");
    }

    #[test]
    fn an_address_of_the_longest_length_is_taken_and_one_byte_more_is_not() {
        let label = "a".repeat(62);
        let of_length = |length: usize| {
            let host = format!("{label}.{label}.{label}.com");
            format!("{}@{host}", "a".repeat(length - 1 - host.len()))
        };
        assert_eq!(Email::parse(&of_length(254)).unwrap().as_str().len(), 254);
        assert_eq!(Email::parse(&of_length(255)), Err(Fault::TooLong));
        // Blanks around it do not make it longer, until there are more than anybody types.
        let padded = |length: usize| format!("{:>length$}", "sara@example.com");
        assert_eq!(Email::parse(&padded(1016)).unwrap().as_str(), "sara@example.com");
        assert_eq!(Email::parse(&padded(1017)), Err(Fault::TooLong));
    }

    #[test]
    fn a_local_part_has_64_octets_and_not_one_more() {
        for (letter, most) in [("a", 64), ("س", 32)] {
            let of = |letters: usize| Email::parse(&format!("{}@example.com", letter.repeat(letters)));
            assert!(of(most).is_ok(), "{letter}");
            assert_eq!(of(most + 1), Err(Fault::TooLong), "{letter}");
        }
    }

    #[test]
    fn a_domain_has_one_form_and_it_is_the_one_that_people_read() {
        for (typed, form) in [
            ("sara@xn--mgbh0fb.xn--mgberp4a5d4ar", "sara@مثال.السعودية"),
            ("sara@مثال.السعودية", "sara@مثال.السعودية"),
            ("sara@مثال。السعودية", "sara@مثال.السعودية"),
            ("user@xn--mnchen-3ya.de", "user@münchen.de"),
            ("user@XN--MNCHEN-3YA.de", "user@münchen.de"),
            ("user@MÜNCHEN.DE", "user@münchen.de"),
            ("user@mu\u{308}nchen.de", "user@münchen.de"),
            // Non-transitional: these four are four domains, as browsers have it.
            ("a@straße.de", "a@straße.de"),
            ("a@strasse.de", "a@strasse.de"),
            ("a@βόλος.com", "a@βόλος.com"),
            ("a@xn--nxasmq6b.com", "a@βόλοσ.com"),
            ("a@نامه\u{200c}ای.com", "a@نامه\u{200c}ای.com"),
            ("a@xn--ls8h.la", "a@💩.la"),
        ] {
            assert_eq!(Email::parse(typed).map(|email| email.as_str().to_owned()), Ok(form.to_owned()));
        }
    }

    #[test]
    fn a_host_that_is_no_host_name_is_refused() {
        let long = "a".repeat(64);
        for host in [
            "-x.com",
            "x-.com",
            "exa/mple.com",
            "*.example.com",
            "exa_mple.com",
            "exam!ple.com",
            "999.999.999.999",
            "127.0.0.1",
            "example.1",
            "example.0x1f",
            "[127.0.0.1]",
            "example.com.",
            "example..com",
            "xn--a.com",
            "xn--mgbh0fb-.com",
            "exa\u{ad}mple.com",
            "exa\u{2800}mple.com",
            "xn--example-ob0e.com",
            "نامه\u{200d}.com",
            &format!("{long}.com"),
        ] {
            assert_eq!(Email::parse(&format!("a@{host}")), Err(Fault::Invalid), "{host:?}");
        }
        let longest = "a".repeat(63);
        for host in
            ["a--b.com", "ab--cd.com", "1.com", "x.1com", "xn--p1ai.xn--p1ai", &format!("{longest}.com")]
        {
            assert!(Email::parse(&format!("a@{host}")).is_ok(), "{host:?}");
        }
    }

    #[test]
    fn an_address_that_looks_like_another_one_is_refused() {
        for odd in [
            '\u{3164}',
            '\u{ffa0}',
            '\u{115f}',
            '\u{2800}',
            '\u{34f}',
            '\u{ad}',
            '\u{200c}',
            '\u{200d}',
            '\u{fe0f}',
            '\u{e0100}',
            '\u{e0041}',
            '\u{e000}',
            '\u{100000}',
            '\u{378}',
            '\u{ffff}',
            '\u{fffc}',
            '\u{1d159}',
            '\u{13441}',
            '\u{600}',
        ] {
            for typed in [
                format!("sara{odd}@example.com"),
                format!("{odd}sara@example.com"),
                format!("sara@{odd}example.com"),
                format!("sara@example.com{odd}"),
            ] {
                assert_eq!(Email::parse(&typed), Err(Fault::Invalid), "{typed:?}");
            }
        }
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
