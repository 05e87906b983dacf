//! Users: who they are, what they may do, and whether their sessions still count.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    email::Email,
    factors::Factors,
    ids::{SessionId, UserId},
    name::PersonName,
    refusal::Fault,
};

/// A user as the table holds it. Decisions read it afresh: no decision trusts what a token says of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    #[serde(rename = "userId")]
    pub id: UserId,
    /// The address that the user logs in with.
    pub email: Email,
    /// The name that others see.
    pub name: PersonName,
    /// The role, as it is now.
    pub role: Role,
    /// Whether the user may do anything at all.
    pub status: Status,
    /// `feature:action`, each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub permissions: BTreeSet<String>,
    /// A session counts while its epoch is this one; raising it ends every session in one write.
    pub epoch: u64,
    /// When the user was made.
    pub created_at: Timestamp,
    /// The last login as a version of before wrote it down. It is derived now: from the sessions and the security log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
    /// When the password was last set.
    pub password_changed_at: Timestamp,
    /// When the user last showed that mail to the address reaches them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified_at: Option<Timestamp>,
    /// The kinds of second factor that the user has: with any, the password alone begins no session.
    #[serde(default, skip_serializing_if = "Factors::is_empty")]
    pub factors: Factors,
    /// Which session went on when the epoch was raised, if one did: the one in which the user changed a password or a factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
}

/// A session that a change of the epoch did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The epoch that the session took with the user.
    pub epoch: u64,
    pub session: SessionId,
}

impl Profile {
    /// The session from before this epoch that goes on. No other one of before does.
    #[must_use]
    pub fn kept_session(&self) -> Option<SessionId> {
        self.kept.filter(|kept| kept.epoch == self.epoch).map(|kept| kept.session)
    }

    /// Whether the user may do anything at all.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

crate::named! {
    /// Whether a user may do anything at all. A status that this version does not know is a no.
    pub enum Status {
        /// May log in.
        Active = "active",
        /// Was made by an operator, and has not set a password yet.
        Invited = "invited",
        /// May not, and no session of theirs counts.
        #[serde(other)]
        Disabled = "disabled",
    }
}

/// A role's name: 1 to 32 lower-case letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

impl Role {
    /// The role of a user to whom nobody gave another.
    pub const USER: &'static str = "user";

    /// The role's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Role {
    fn default() -> Self {
        Self(Self::USER.to_owned())
    }
}

/// The text is not a role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to 32 lower-case letters, digits, - and _")]
pub struct NotARole;

impl std::str::FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Role {
    type Error = NotARole;

    fn try_from(text: String) -> Result<Self, NotARole> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if (1..=32).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(NotARole)
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.0
    }
}

/// The text is not a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a permission is feature:action, each of lower-case letters, digits, - and _")]
pub struct NotAPermission;

/// What somebody may do, as `feature:action`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(String);

impl Permission {
    /// The permission as users have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is about, and what may be done with it.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        // INVARIANT: it was checked when it was read.
        self.0.split_once(':').unwrap_or_default()
    }

    fn is_one(text: &str) -> bool {
        let is_word = |word: &str| {
            (1..=64).contains(&word.len())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        };
        text.split_once(':').is_some_and(|(feature, action)| is_word(feature) && is_word(action))
    }
}

impl std::str::FromStr for Permission {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Permission {
    type Error = NotAPermission;

    fn try_from(text: String) -> Result<Self, NotAPermission> {
        if Self::is_one(&text) { Ok(Self(text)) } else { Err(NotAPermission) }
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0
    }
}

/// A user has at most so many permissions. Whoever needs more has a role in truth; and what a user may be at most is what
/// an import takes.
pub const MAX_PERMISSIONS: usize = 200;

/// Checks what a user may do, all of it: wherever a user is made or gets more permissions.
///
/// # Errors
/// [`Fault::TooLong`] for more than [`MAX_PERMISSIONS`], [`Fault::Invalid`] where one is no [`Permission`].
pub fn check_permissions(permissions: &BTreeSet<String>) -> Result<(), Fault> {
    if permissions.len() > MAX_PERMISSIONS {
        return Err(Fault::TooLong);
    }
    if permissions.iter().all(|permission| Permission::is_one(permission)) {
        Ok(())
    } else {
        Err(Fault::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_a_later_version_is_not_taken_for_active() {
        assert_eq!(serde_json::from_str::<Status>("\"active\"").unwrap(), Status::Active);
        assert_eq!(serde_json::from_str::<Status>("\"suspended\"").unwrap(), Status::Disabled);
        assert_eq!(serde_json::from_str::<Status>("\"invited\"").unwrap(), Status::Invited);
    }

    #[test]
    fn rows_exports_and_listings_call_a_status_by_the_same_name_as_ever() {
        assert_eq!(Status::ALL.map(Status::name), ["active", "invited", "disabled"]);
        assert_eq!(serde_json::json!(Status::ALL), serde_json::json!(["active", "invited", "disabled"]));
    }

    #[test]
    fn roles_and_permissions_have_one_form() {
        assert!("admin".parse::<Role>().is_ok());
        for text in ["", "Admin", "a b", &"a".repeat(33)] {
            assert_eq!(text.parse::<Role>(), Err(NotARole), "{text}");
        }
        assert_eq!("notes:read".parse::<Permission>().unwrap().parts(), ("notes", "read"));
        for text in ["notes", "notes:", ":read", "notes:read:all", "Notes:read"] {
            assert_eq!(text.parse::<Permission>(), Err(NotAPermission), "{text}");
        }
    }

    #[test]
    fn a_user_has_up_to_200_permissions_of_the_right_form() {
        let many = |count: usize| (0..count).map(|number| format!("notes:read-{number}")).collect();
        assert_eq!(check_permissions(&BTreeSet::new()), Ok(()));
        assert_eq!(check_permissions(&many(200)), Ok(()));
        assert_eq!(check_permissions(&many(201)), Err(Fault::TooLong));
        assert_eq!(check_permissions(&["notes".to_owned()].into()), Err(Fault::Invalid));
    }

    #[test]
    fn only_an_active_user_may_do_anything() {
        let user = |status: &str| -> Profile {
            serde_json::from_value(serde_json::json!({
                "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A",
                "role": "user", "status": status, "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
                "passwordChangedAt": "2026-01-01T00:00:00Z",
            }))
            .unwrap()
        };
        assert!(user("active").is_active());
        assert!(!user("disabled").is_active() && !user("invited").is_active());
    }
}
