//! Second factors: what a user has, and what a session was shown.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How much a session was shown (`acr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acr {
    /// Enough to enrol a second factor, and for nothing else.
    Enrolment,
    /// A password.
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

/// The kinds of second factor that a user has. It stands in the profile, so that a login reads nothing more.
pub type Factors = BTreeSet<FactorKind>;
