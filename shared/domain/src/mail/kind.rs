//! What a mail is about, and for how long its link works.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

crate::named! {
    /// What a mail is about, by its name in rows. A link of one kind does nothing that another kind does.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum MailKind {
        /// Another password, for a user who forgot theirs.
        Reset = "RESET",
        /// The address is the user's: of a registration, or of a user who asked for it.
        Verify = "VERIFY",
        /// Another address: to the new one.
        Change = "CHANGE",
        /// An operator made the user; the user sets the first password.
        Invite = "INVITE",
        /// The address was changed: to the old one, which can take it back.
        Revert = "REVERT",
        /// Something was changed. It has no link.
        Notice = "NOTICE",
        /// Somebody logged in on a new device: the user can say that it was not them.
        Deny = "DENY",
    }
}

impl MailKind {
    /// Its number in tokens.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Reset => 1,
            Self::Verify => 2,
            Self::Change => 3,
            Self::Invite => 4,
            Self::Revert => 5,
            Self::Notice => 6,
            Self::Deny => 7,
        }
    }

    /// The kind of this number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// How long its link works, and how long a mail that could not be sent yet is worth sending.
    #[must_use]
    pub const fn lifetime(self) -> SignedDuration {
        match self {
            Self::Reset => SignedDuration::from_mins(30),
            Self::Verify | Self::Notice => SignedDuration::from_hours(24),
            Self::Change => SignedDuration::from_hours(1),
            Self::Invite | Self::Deny => LONGEST_LIFE,
            Self::Revert => SignedDuration::from_hours(72),
        }
    }

    /// Whether its mail has a code of eight digits too, for another device than the one that shows the mail.
    #[must_use]
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Reset | Self::Verify)
    }
}

/// No link works for longer: as long the key that made it stays.
pub const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A code works for this long after it was asked for, whatever its link does: it is short, and is typed at once or not at all.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What a notice tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Notice {
    /// The password was set or changed.
    PasswordChanged,
    /// Somebody registers, or moves to, an address that has an account already.
    AddressTaken,
    /// A second factor was added or removed, or new recovery codes were made.
    FactorsChanged,
    /// Many wrong second factors were shown in a row: somebody has the password, or a session.
    FactorsGuessed,
    /// An operator gave the account another address; this is the old one.
    AddressChanged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_that_were_asked_for_before_an_update_are_still_sent_after_it() {
        let names = ["RESET", "VERIFY", "CHANGE", "INVITE", "REVERT", "NOTICE", "DENY"];
        assert_eq!(MailKind::ALL.map(MailKind::name), names);
        assert_eq!(MailKind::ALL.map(MailKind::number), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_kind_is_found_by_its_name_and_by_its_number_and_by_no_other() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::named(kind.name()), Some(kind));
            assert_eq!(MailKind::numbered(kind.number()), Some(kind));
            assert!(kind.lifetime() <= LONGEST_LIFE, "{kind:?}");
        }
        assert_eq!(
            (MailKind::named("reset"), MailKind::numbered(0), MailKind::numbered(8)),
            (None, None, None)
        );
    }
}
