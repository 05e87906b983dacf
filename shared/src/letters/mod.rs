//! What a mail says: subject, text and HTML, in the language that it was asked for in.
//!
//! The words are in `shared/messages`; here is only where they stand. No image, no tracking, nothing from elsewhere. Names stand in
//! isolates, so that an Arabic name in an English line, and the other way round, turns nothing around. What a stranger may choose (the
//! name of a registration that nobody confirmed) stands in no mail.

mod html;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        mail::{CODE_LIFE, MailCode, MailKind, MailToken, NewLogin, Notice},
        name::PersonName,
    },
    messages::{Argument, Language, message},
};

/// A mail, ready to be sent. It has a link in it: `Debug` shows nothing.
pub struct Letter {
    /// What it is about.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(…)")
    }
}

/// What a letter is made of.
#[derive(Debug)]
pub struct Contents<'a> {
    /// Whose service this is: the name that its users know.
    pub service: &'a str,
    pub about: About<'a>,
    /// Who reads it, where that is a user's own name.
    pub name: Option<&'a PersonName>,
    pub language: Language,
}

/// What a letter is about.
#[derive(Debug)]
pub enum About<'a> {
    /// A link, and for some kinds a code.
    Link {
        kind: MailKind,
        /// The link's token.
        token: &'a MailToken,
        /// The code that does the same.
        code: Option<&'a MailCode>,
        /// The login that it is about: when it was, and what its user may recognise it by.
        login: Option<(Timestamp, &'a NewLogin)>,
        /// Where the front end is.
        app: &'a str,
    },
    /// Something happened.
    Notice(Notice),
}

impl About<'_> {
    /// The beginning of its messages' names.
    const fn words(&self) -> &'static str {
        match self {
            Self::Link { kind, .. } => match kind {
                MailKind::Reset => "mail-reset",
                MailKind::Verify => "mail-verify",
                MailKind::Change => "mail-change",
                MailKind::Invite => "mail-invite",
                MailKind::Deny => "mail-deny",
                // A notice has no link: it comes here only by a mistake, and says what it may.
                MailKind::Revert | MailKind::Notice => "mail-revert",
            },
            Self::Notice(Notice::PasswordChanged) => "mail-password-changed",
            Self::Notice(Notice::AddressTaken) => "mail-address-taken",
            Self::Notice(Notice::FactorsChanged) => "mail-factors-changed",
            Self::Notice(Notice::FactorsGuessed) => "mail-factors-guessed",
            Self::Notice(Notice::AddressChanged) => "mail-address-changed",
        }
    }

    /// The whole link. The token is in the fragment, which no server is sent.
    fn link(&self) -> Option<String> {
        let Self::Link { kind, token, app, .. } = self else { return None };
        let page = match kind {
            MailKind::Reset => "reset",
            MailKind::Verify => "verify",
            MailKind::Change => "email",
            MailKind::Invite => "invitation",
            MailKind::Deny => "login/deny",
            MailKind::Revert | MailKind::Notice => "email/revert",
        };
        Some(format!("{app}/{page}#t={}", token.expose()))
    }

    fn code(&self) -> Option<String> {
        let Self::Link { code: Some(code), .. } = self else { return None };
        let digits = code.expose();
        let (first, last) = digits.split_at_checked(4)?;
        Some(format!("{first} {last}"))
    }

    const fn lifetime(&self) -> Option<SignedDuration> {
        match self {
            Self::Link { kind, .. } => Some(kind.lifetime()),
            Self::Notice(_) => None,
        }
    }
}

/// A part of a letter, as both forms show it.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Title(String),
    Line(String),
    /// A link, and what stands on it.
    Button(String, String),
    /// Digits, and the line before them.
    Code(String, String),
    Small(String),
}

/// Writes a letter.
#[must_use]
pub fn write(contents: &Contents<'_>) -> Letter {
    let words = contents.about.words();
    let service = isolated(contents.service);
    let said = |id: &str| message(id, contents.language, &[("service", service.as_str().into())]);
    // A subject shows no isolates: the name stands there alone, or between words of one direction.
    let plain = [("service", Argument::from(plain(contents.service)))];
    let subject = message(&format!("{words}-subject"), contents.language, &plain);
    let mut parts = vec![Part::Title(said(&format!("{words}-title")))];
    if let Some(name) = contents.name {
        let name = isolated(name.as_str());
        parts.push(Part::Line(message("mail-hello", contents.language, &[("name", name.into())])));
    }
    parts.push(Part::Line(said(&format!("{words}-text"))));
    if let About::Link { login: Some((at, login)), .. } = contents.about {
        parts.extend(lines_of(at, login, contents.language));
    }
    if let Some(link) = contents.about.link() {
        parts.push(Part::Button(said(&format!("{words}-button")), link));
    }
    if let Some(code) = contents.about.code() {
        let minutes = [("number", CODE_LIFE.as_mins().into())];
        parts.push(Part::Code(message("mail-code", contents.language, &minutes), code));
    }
    if let Some(lifetime) = contents.about.lifetime() {
        parts.push(Part::Line(valid(lifetime, contents.language)));
    }
    parts.push(Part::Small(said(&format!("{words}-ignore"))));
    parts.push(Part::Small(said("mail-footer")));
    Letter { html: html::page(&subject, contents.language, &parts), text: text(&parts), subject }
}

/// When somebody logged in, on what, and from which network, as far as that is known.
fn lines_of(at: Timestamp, login: &NewLogin, language: Language) -> impl Iterator<Item = Part> {
    let time = at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let lines = [
        ("mail-login-time", Some(time)),
        ("mail-login-device", login.client.name()),
        ("mail-login-network", login.network.clone()),
    ];
    lines.into_iter().filter_map(move |(id, value)| {
        let value = isolated(&value?);
        Some(Part::Line(message(id, language, &[("value", value.into())])))
    })
}

/// Minutes up to an hour, hours up to three days, days beyond.
fn valid(lifetime: SignedDuration, language: Language) -> String {
    let (minutes, hours) = (lifetime.as_mins(), lifetime.as_hours());
    let (id, number) = match hours {
        0 | 1 => ("mail-valid-minutes", minutes),
        2..=72 => ("mail-valid-hours", hours),
        _ => ("mail-valid-days", hours / 24),
    };
    message(id, language, &[("number", number.into())])
}

/// Between marks that keep its direction to itself. Marks of its own could end that early, and are left out.
fn isolated(text: &str) -> String {
    format!("\u{2068}{}\u{2069}", plain(text))
}

/// Without marks of direction, and on one line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !is_direction_mark(*c) && !c.is_control()).collect()
}

const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn text(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Title(text) | Part::Line(text) | Part::Small(text) => text.clone(),
        Part::Button(text, link) => format!("{text}:\n{link}"),
        Part::Code(text, code) => format!("{text}\n{code}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join("\n\n") + "\n"
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
