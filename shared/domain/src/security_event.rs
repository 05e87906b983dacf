//! The vocabulary of the security log: the OWASP Logging Vocabulary Cheat Sheet's names.

use serde::{Deserialize, Serialize};

/// What happened, by its OWASP name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityEvent {
    /// A login was completed.
    AuthnLoginSuccess,
    /// A wrong password.
    AuthnLoginFail,
    /// The failure that filled the account's window.
    AuthnLoginLock,
    /// The failure that completed a run of [`crate::attempts::ALARMING_RUN`].
    AuthnLoginFailMax,
    /// A refresh token was used again: its session was revoked.
    AuthnTokenReuse,
    /// A session was ended on purpose.
    AuthnTokenRevoked,
    /// A user set another password; every other session of theirs ended with it.
    AuthnPasswordChange,
    /// A user who forgot their password set another by mail; every session of theirs ended with it.
    AuthnPasswordReset,
    /// A request with a cookie that no page of ours asked for, or none that can show it.
    MaliciousCsrf,
    /// A user was made.
    UserCreated,
    /// A user's status, role, permissions, address, name or lock was changed by an operator.
    UserUpdated,
    /// A user was deleted.
    UserDeleted,
}

impl SecurityEvent {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::AuthnLoginSuccess,
        Self::AuthnLoginFail,
        Self::AuthnLoginLock,
        Self::AuthnLoginFailMax,
        Self::AuthnTokenReuse,
        Self::AuthnTokenRevoked,
        Self::AuthnPasswordChange,
        Self::AuthnPasswordReset,
        Self::MaliciousCsrf,
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserDeleted,
    ];

    /// The event's name in logs and rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthnLoginSuccess => "authn_login_success",
            Self::AuthnLoginFail => "authn_login_fail",
            Self::AuthnLoginLock => "authn_login_lock",
            Self::AuthnLoginFailMax => "authn_login_fail_max",
            Self::AuthnTokenReuse => "authn_token_reuse",
            Self::AuthnTokenRevoked => "authn_token_revoked",
            Self::AuthnPasswordChange => "authn_password_change",
            Self::AuthnPasswordReset => "authn_password_reset",
            Self::MaliciousCsrf => "malicious_csrf",
            Self::UserCreated => "user_created",
            Self::UserUpdated => "user_updated",
            Self::UserDeleted => "user_deleted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ALL` leaves out is tried by no test, and counted by no metric. A new event stops the match from compiling.
    #[test]
    fn no_event_is_left_out_of_all_of_them() {
        use SecurityEvent::*;
        let next = |event: SecurityEvent| match event {
            AuthnLoginSuccess => Some(AuthnLoginFail),
            AuthnLoginFail => Some(AuthnLoginLock),
            AuthnLoginLock => Some(AuthnLoginFailMax),
            AuthnLoginFailMax => Some(AuthnTokenReuse),
            AuthnTokenReuse => Some(AuthnTokenRevoked),
            AuthnTokenRevoked => Some(AuthnPasswordChange),
            AuthnPasswordChange => Some(AuthnPasswordReset),
            AuthnPasswordReset => Some(MaliciousCsrf),
            MaliciousCsrf => Some(UserCreated),
            UserCreated => Some(UserUpdated),
            UserUpdated => Some(UserDeleted),
            UserDeleted => None,
        };
        let every: Vec<_> = std::iter::successors(Some(AuthnLoginSuccess), |event| next(*event)).collect();
        assert_eq!(SecurityEvent::ALL, every);
    }

    #[test]
    fn the_log_and_the_row_call_an_event_by_the_same_name() {
        for event in SecurityEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
        }
    }
}
