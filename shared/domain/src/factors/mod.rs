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

use crate::{rules::ADMIN, user::Profile};

/// How long the second step of a login may take, and an enrolment from its secret to its first code.
pub const STEP_LIFE: SignedDuration = SignedDuration::from_mins(5);

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

/// Who has to have a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfaPolicy {
    /// The stack offers none. Whoever has one from before is not let in without it.
    Off,
    /// Whoever wants one.
    Optional,
    /// Users with the role `admin`, and whoever wants one.
    Admins,
    /// Everybody.
    Required,
}

impl MfaPolicy {
    /// All of them, by their names as a parameter.
    pub const ALL: [(&'static str, Self); 4] = [
        ("off", Self::Off),
        ("optional", Self::Optional),
        ("admins", Self::Admins),
        ("required", Self::Required),
    ];

    /// Whether this user has to have one.
    #[must_use]
    pub fn requires(self, user: &Profile) -> bool {
        match self {
            Self::Off | Self::Optional => false,
            Self::Admins => user.role.as_str() == ADMIN,
            Self::Required => true,
        }
    }
}

/// What a right password is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterPassword {
    /// A session.
    Session,
    /// A session that enrols a second factor and opens nothing else.
    Enrolment,
    /// A second step.
    SecondStep,
    /// Nothing: the user has a second factor, and the stack takes none.
    NoWay,
}

/// What comes after the right password of this user.
#[must_use]
pub fn after_password(user: &Profile, policy: MfaPolicy) -> AfterPassword {
    match (user.factors.is_empty(), policy) {
        (true, policy) if policy.requires(user) => AfterPassword::Enrolment,
        (true, _) => AfterPassword::Session,
        (false, MfaPolicy::Off) => AfterPassword::NoWay,
        (false, _) => AfterPassword::SecondStep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: &str, factors: &[FactorKind]) -> Profile {
        serde_json::from_value(serde_json::json!({
            "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A",
            "role": role, "status": "active", "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
            "passwordChangedAt": "2026-01-01T00:00:00Z", "factors": factors,
        }))
        .unwrap()
    }

    #[test]
    fn whoever_has_a_factor_is_never_let_in_by_the_password_alone() {
        for kind in [FactorKind::Totp, FactorKind::Passkey, FactorKind::Other] {
            for (name, policy) in MfaPolicy::ALL {
                let after = after_password(&user("user", &[kind]), policy);
                assert!(!matches!(after, AfterPassword::Session | AfterPassword::Enrolment), "{name}");
            }
        }
    }

    #[test]
    fn the_policy_says_who_has_to_enrol() {
        let after = |role, policy| after_password(&user(role, &[]), policy);
        assert_eq!(after("admin", MfaPolicy::Off), AfterPassword::Session);
        assert_eq!(after("admin", MfaPolicy::Optional), AfterPassword::Session);
        assert_eq!(after("admin", MfaPolicy::Admins), AfterPassword::Enrolment);
        assert_eq!(after("user", MfaPolicy::Admins), AfterPassword::Session);
        assert_eq!(after("user", MfaPolicy::Required), AfterPassword::Enrolment);
    }

    #[test]
    fn a_factor_of_a_later_version_counts_as_one() {
        let known: Factors = serde_json::from_str(r#"["totp", "palm"]"#).unwrap();
        assert_eq!(known, Factors::from([FactorKind::Totp, FactorKind::Other]));
    }
}
