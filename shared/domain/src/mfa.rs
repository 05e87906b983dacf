//! Who has to have a second factor, and what a right password is worth without one.

use crate::{rules::ADMIN, user::Profile};

crate::named! {
    /// Who has to have a second factor, by the words of the parameter. The first is the default.
    pub enum MfaPolicy {
        /// The stack offers none. Whoever has one from before is not let in without it.
        Off = "off",
        /// Whoever wants one.
        Optional = "optional",
        /// Users with the role `admin`, and whoever wants one.
        Admins = "admins",
        /// Everybody.
        Required = "required",
    }
}

impl MfaPolicy {
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
    Session,
    /// A session that enrols a second factor and opens nothing else.
    Enrolment,
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
    use crate::factors::FactorKind;

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
            for policy in MfaPolicy::ALL {
                let after = after_password(&user("user", &[kind]), policy);
                assert!(!matches!(after, AfterPassword::Session | AfterPassword::Enrolment), "{policy:?}");
            }
        }
    }

    #[test]
    fn a_stack_that_is_deployed_again_means_the_same_by_its_parameter() {
        assert_eq!(MfaPolicy::ALL.map(MfaPolicy::name), ["off", "optional", "admins", "required"]);
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
}
