//! Second factors: what a user has, and what a session was shown.
//!
//! | module | what is in it |
//! |---|---|
//! | [`totp`] | codes of authenticator apps (RFC 6238) |
//! | [`recovery`] | the codes that stand in for a lost phone |

pub mod recovery;
pub mod totp;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// How long the second step of a login may take, and an enrolment from its secret to its first code.
pub const STEP_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// How much a session was shown (`acr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acr {
    /// Enough to enrol a second factor, and for nothing else.
    Enrolment,
    Password,
    /// Two factors: a password and a second one, or a passkey that verified its user.
    SecondFactor,
}

impl Acr {
    /// Its name in challenges and for the functions behind the gateway.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enrolment => "urn:nova:0",
            Self::Password => "urn:nova:1",
            Self::SecondFactor => "urn:nova:2",
        }
    }
}

/// One way of showing who one is (`amr`): names of RFC 8176, and `recovery`, for which it has none. One that this version
/// does not know proves nothing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amr {
    /// A password.
    Pwd,
    /// A code of an authenticator app.
    Otp,
    /// A passkey that never leaves its device.
    Hwk,
    /// A passkey that its owner's devices share.
    Swk,
    /// The passkey verified its user, by a PIN or biometrics.
    User,
    /// A recovery code.
    Recovery,
    /// Of a later version.
    #[serde(other)]
    Other,
}

impl Amr {
    /// Its name in the row.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
            Self::Otp => "otp",
            Self::Hwk => "hwk",
            Self::Swk => "swk",
            Self::User => "user",
            Self::Recovery => "recovery",
            Self::Other => "other",
        }
    }
}

/// A kind of second factor that a user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A passkey (WebAuthn).
    Passkey,
    /// Of a later version. It counts: whoever has it is not let in by the password alone.
    #[serde(other)]
    Other,
}

impl FactorKind {
    /// Its name in the row.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Other => "other",
        }
    }
}

/// The kinds of second factor that a user has. It stands in the profile, so that a login reads nothing more.
pub type Factors = BTreeSet<FactorKind>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_of_a_later_version_counts_as_one() {
        let known: Factors = serde_json::from_str(r#"["totp", "palm"]"#).unwrap();
        assert_eq!(known, Factors::from([FactorKind::Totp, FactorKind::Other]));
    }
}
