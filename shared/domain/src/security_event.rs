//! The vocabulary of the security log: the OWASP Logging Vocabulary Cheat Sheet's names.

crate::named! {
    /// What happened, by its OWASP name.
    pub enum SecurityEvent {
        /// A login was completed.
        AuthnLoginSuccess = "authn_login_success",
        /// A wrong password.
        AuthnLoginFail = "authn_login_fail",
        /// The failure that filled the account's window.
        AuthnLoginLock = "authn_login_lock",
        /// The failure that completed a run of [`crate::attempts::ALARMING_RUN`].
        AuthnLoginFailMax = "authn_login_fail_max",
        /// A refresh token was used again: its session was revoked.
        AuthnTokenReuse = "authn_token_reuse",
        /// A session was ended on purpose.
        AuthnTokenRevoked = "authn_token_revoked",
        /// A user set another password; every other session of theirs ended with it.
        AuthnPasswordChange = "authn_password_change",
        /// A user who forgot their password set another by mail; every session of theirs ended with it.
        AuthnPasswordReset = "authn_password_reset",
        /// A user said by mail that a login was not theirs: every session ended, and the password opens nothing any more.
        AuthnLoginDenied = "authn_login_denied",
        /// A wrong, used or old second factor.
        AuthnFactorFail = "authn_mfa_fail",
        /// The twentieth wrong second factor in a row, the fortieth, and so on: somebody knows the password.
        AuthnFactorFailMax = "authn_mfa_fail_max",
        /// A second factor was added, or new recovery codes were made; every other session of the user ended with it.
        AuthnFactorAdded = "authn_mfa_added",
        /// A second factor was removed; every other session of the user ended with it.
        AuthnFactorRemoved = "authn_mfa_removed",
        /// A recovery code was used in the place of a second factor.
        AuthnRecoveryCode = "authn_mfa_recovery",
        /// A passkey was used whose counter had not risen: there may be a copy of it.
        AuthnPasskeyClone = "authn_passkey_clone",
        /// Somebody who is logged in showed once more who they are.
        AuthnStepUp = "authn_step_up",
        /// A request with a cookie that no page of ours asked for, or none that can show it.
        MaliciousCsrf = "malicious_csrf",
        /// A user was made.
        UserCreated = "user_created",
        /// A user's status, role, permissions, address, name or lock was changed by an operator.
        UserUpdated = "user_updated",
        /// An operator had a mail sent, by whose link the user sets a password.
        UserMailed = "user_mailed",
        /// A user was deleted.
        UserDeleted = "user_deleted",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn alarms_and_searches_of_before_still_find_every_event_in_logs_and_rows() {
        let names = [
            "authn_login_success",
            "authn_login_fail",
            "authn_login_lock",
            "authn_login_fail_max",
            "authn_token_reuse",
            "authn_token_revoked",
            "authn_password_change",
            "authn_password_reset",
            "authn_login_denied",
            "authn_mfa_fail",
            "authn_mfa_fail_max",
            "authn_mfa_added",
            "authn_mfa_removed",
            "authn_mfa_recovery",
            "authn_passkey_clone",
            "authn_step_up",
            "malicious_csrf",
            "user_created",
            "user_updated",
            "user_mailed",
            "user_deleted",
        ];
        assert_eq!(SecurityEvent::ALL.map(SecurityEvent::name), names);
        assert_eq!(json!(SecurityEvent::ALL), json!(names));
    }
}
