//! **The one table**: what each refusal and failure looks like from outside.

use std::time::Duration;

use lambda_http::http::StatusCode;

use crate::{
    domain::{
        assurance::Demand,
        attempts::Quota,
        refusal::{Fault, Refusal},
    },
    flows::FlowError,
    messages::{Argument, Language, message},
};

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The answer is no.
    Refused(Refusal),
    /// A login could not be decided, and trying again will not help.
    LoginFailed,
    /// A logout could not be written down. It can be repeated.
    LogoutFailed,
    /// Anything else that is our fault.
    Internal,
    /// Storage or keys are out of reach for the moment.
    Unavailable,
}

impl Problem {
    /// The status and the code of every problem.
    #[must_use]
    pub const fn row(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::Invalid(_) => (S::BAD_REQUEST, "VALIDATION_FAILED"),
                // Not 401, so that a client does not start to refresh.
                Refusal::CurrentPasswordInvalid(_) => (S::BAD_REQUEST, "CURRENT_PASSWORD_INVALID"),
                // One answer for a token that is unknown, used, over, or of another purpose.
                Refusal::MailTokenInvalid => (S::BAD_REQUEST, "MAIL_TOKEN_INVALID"),
                Refusal::RefreshTokenRequired => (S::BAD_REQUEST, "REFRESH_TOKEN_REQUIRED"),
                Refusal::TokenMissing => (S::UNAUTHORIZED, "AUTH_TOKEN_MISSING"),
                Refusal::TokenExpired => (S::UNAUTHORIZED, "TOKEN_EXPIRED"),
                Refusal::TokenRevoked => (S::UNAUTHORIZED, "TOKEN_REVOKED"),
                Refusal::TokenInvalid => (S::UNAUTHORIZED, "TOKEN_INVALID"),
                Refusal::UserInactive => (S::UNAUTHORIZED, "USER_INACTIVE"),
                Refusal::InvalidCredentials(_) => (S::UNAUTHORIZED, "INVALID_CREDENTIALS"),
                Refusal::RefreshTokenInvalid => (S::UNAUTHORIZED, "REFRESH_TOKEN_INVALID"),
                // One answer for a code that is wrong, used or old, and one for a login that is over, used or unknown.
                Refusal::SecondFactorInvalid(_) => (S::UNAUTHORIZED, "MFA_CODE_INVALID"),
                Refusal::SecondStepInvalid => (S::UNAUTHORIZED, "MFA_TOKEN_INVALID"),
                Refusal::PasskeyInvalid => (S::UNAUTHORIZED, "PASSKEY_INVALID"),
                Refusal::SecondFactorUnavailable => (S::FORBIDDEN, "MFA_UNAVAILABLE"),
                Refusal::AccountInactive => (S::FORBIDDEN, "ACCOUNT_INACTIVE"),
                Refusal::RegistrationClosed => (S::FORBIDDEN, "REGISTRATION_CLOSED"),
                Refusal::Forbidden => (S::FORBIDDEN, "FORBIDDEN"),
                Refusal::ForbiddenRole => (S::FORBIDDEN, "FORBIDDEN_ROLE"),
                Refusal::ForbiddenPermission { .. } => (S::FORBIDDEN, "FORBIDDEN_PERMISSION"),
                Refusal::ForbiddenAddress => (S::FORBIDDEN, "FORBIDDEN_ADDRESS"),
                Refusal::StepUpRequired { .. } => (S::FORBIDDEN, "STEP_UP_REQUIRED"),
                Refusal::MfaEnrolmentRequired => (S::FORBIDDEN, "MFA_ENROLMENT_REQUIRED"),
                Refusal::CsrfInvalid => (S::FORBIDDEN, "CSRF_INVALID"),
                Refusal::NotFound => (S::NOT_FOUND, "NOT_FOUND"),
                Refusal::SessionNotFound => (S::NOT_FOUND, "SESSION_NOT_FOUND"),
                Refusal::FactorNotFound => (S::NOT_FOUND, "FACTOR_NOT_FOUND"),
                Refusal::FactorLimit => (S::CONFLICT, "FACTOR_LIMIT"),
                Refusal::PasskeyExists => (S::CONFLICT, "PASSKEY_EXISTS"),
                Refusal::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
                Refusal::EmailTaken => (S::CONFLICT, "EMAIL_TAKEN"),
                Refusal::PayloadTooLarge => (S::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
                Refusal::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
                Refusal::LoginLocked(_) => (S::TOO_MANY_REQUESTS, "LOGIN_LOCKED"),
                Refusal::SecondFactorLocked(_) => (S::TOO_MANY_REQUESTS, "MFA_LOCKED"),
                Refusal::AddressLimited(_) => (S::TOO_MANY_REQUESTS, "AUTH_RATE_LIMITED"),
                Refusal::MailLimited(_) => (S::TOO_MANY_REQUESTS, "MAIL_RATE_LIMITED"),
                Refusal::ApiRateLimited(_) => (S::TOO_MANY_REQUESTS, "API_RATE_LIMITED"),
            },
            Self::LoginFailed => (S::INTERNAL_SERVER_ERROR, "LOGIN_FAILED"),
            Self::LogoutFailed => (S::INTERNAL_SERVER_ERROR, "LOGOUT_FAILED"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        }
    }

    /// What a client is told of its window, where one was looked at.
    #[must_use]
    pub const fn quota(&self) -> Option<&Quota> {
        match self {
            Self::Refused(
                Refusal::InvalidCredentials(quota)
                | Refusal::CurrentPasswordInvalid(quota)
                | Refusal::SecondFactorInvalid(quota)
                | Refusal::SecondFactorLocked(quota)
                | Refusal::LoginLocked(quota)
                | Refusal::AddressLimited(quota)
                | Refusal::MailLimited(quota)
                | Refusal::ApiRateLimited(quota),
            ) => Some(quota),
            _ => None,
        }
    }

    /// What people read of it.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let arguments = match self {
            Self::Refused(Refusal::ForbiddenPermission { feature, action }) => {
                vec![("feature", feature.as_str().into()), ("action", action.as_str().into())]
            }
            _ => {
                let minutes = self.retry_after().map_or(0, |wait| wait.as_secs().div_ceil(60));
                vec![("minutes", i64::try_from(minutes).unwrap_or(0).into())]
            }
        };
        message(self.row().1, language, &arguments)
    }

    /// What a session has to be shown, where that is all that is missing.
    #[must_use]
    pub const fn demand(&self) -> Option<Demand> {
        match self {
            Self::Refused(Refusal::StepUpRequired { second_factor, max_age }) => {
                Some(Demand { second_factor: *second_factor, max_age: *max_age })
            }
            _ => None,
        }
    }

    /// `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(
                Refusal::LoginLocked(quota)
                | Refusal::SecondFactorLocked(quota)
                | Refusal::AddressLimited(quota)
                | Refusal::MailLimited(quota)
                | Refusal::ApiRateLimited(quota),
            ) => Some(quota.resets_in.unsigned_abs()),
            Self::Unavailable => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

/// The code of a field's fault.
#[must_use]
pub const fn fault_code(fault: Fault) -> &'static str {
    match fault {
        Fault::NotJson => "NOT_JSON",
        Fault::Required => "REQUIRED",
        Fault::WrongType => "WRONG_TYPE",
        Fault::Invalid => "INVALID",
        Fault::TooLong => "TOO_LONG",
        Fault::PasswordTooShort(_) => "PASSWORD_TOO_SHORT",
        Fault::PasswordNeedsMixedCase => "PASSWORD_NEEDS_MIXED_CASE",
        Fault::PasswordNeedsDigit => "PASSWORD_NEEDS_DIGIT",
        Fault::PasswordNeedsSymbol => "PASSWORD_NEEDS_SYMBOL",
        Fault::PasswordTooLong => "PASSWORD_TOO_LONG",
        Fault::PasswordTooCommon => "PASSWORD_TOO_COMMON",
        Fault::PasswordBreached => "PASSWORD_BREACHED",
    }
}

/// What stands in the message of a field's fault.
#[must_use]
pub fn fault_arguments(fault: Fault) -> Vec<(&'static str, Argument<'static>)> {
    match fault {
        Fault::PasswordTooShort(minimum) => vec![("minimum", i64::from(minimum).into())],
        _ => vec![],
    }
}

crate::domain::named! {
    /// An endpoint, by what it calls its own failures. Logs know it by its name.
    pub enum Endpoint {
        /// `POST /api/auth/login`
        Login = "login",
        /// `POST /api/auth/refresh`
        Refresh = "refresh",
        /// `POST /api/auth/logout`
        Logout = "logout",
        /// `GET /.well-known/jwks.json`, `GET /.well-known/oauth-authorization-server`, `GET /.well-known/openid-configuration`
        Jwks = "jwks",
        /// `POST /api/auth/register`
        Register = "register",
        /// `POST /api/auth/password`
        Password = "password",
        /// `GET` and `DELETE /api/auth/sessions`, `DELETE /api/auth/sessions/{id}`
        Sessions = "sessions",
        /// `GET /api/csrf-token`
        CsrfToken = "csrf-token",
        /// `POST /api/auth/recovery`
        Recover = "recover",
        /// `POST /api/auth/recovery/confirm`, `/verify`, `/email/confirm`, `/email/revert`, `/login/deny`, `/invitation/accept`
        Redeem = "redeem",
        /// `POST /api/auth/email`, `/verify/resend`
        Email = "email",
        /// `POST /api/auth/login/factor`, `/step-up`
        LoginFactor = "login-factor",
        /// `POST /api/auth/passkey`, `/passkey/options`, `/login/factor/options`, `/step-up/options`
        Passkey = "passkey",
        /// `POST /api/auth/tickets`
        Ticket = "ticket",
        /// `POST /api/auth/introspect`
        Introspect = "introspect",
        /// `GET /api/auth/factors`, `POST /api/auth/factors/…`, `DELETE /api/auth/factors/{id}`
        Factors = "factors",
    }
}

impl Endpoint {
    /// The methods that the endpoint answers to on this route, for `Allow`.
    #[must_use]
    pub fn methods(self, route: &str) -> &'static str {
        match (self, route) {
            (Self::Sessions, "/api/auth/sessions/{id}") | (Self::Factors, "/api/auth/factors/{id}") => {
                "DELETE"
            }
            (Self::Sessions, _) => "GET, DELETE",
            (Self::Factors, "/api/auth/factors") | (Self::Jwks | Self::CsrfToken, _) => "GET",
            (
                Self::Login
                | Self::Refresh
                | Self::Logout
                | Self::Register
                | Self::Password
                | Self::Recover
                | Self::Redeem
                | Self::LoginFactor
                | Self::Passkey
                | Self::Ticket
                | Self::Introspect
                | Self::Factors
                | Self::Email,
                _,
            ) => "POST",
        }
    }

    /// What a flow's error is to this endpoint's clients.
    #[must_use]
    pub fn problem(self, error: FlowError) -> Problem {
        match (self, error) {
            (_, FlowError::Refused(refusal)) => Problem::Refused(refusal),
            (Self::Logout, FlowError::Store(_)) => Problem::LogoutFailed,
            (_, error) if error.is_passing() => Problem::Unavailable,
            (Self::Login | Self::LoginFactor | Self::Passkey, _) => Problem::LoginFailed,
            (Self::Logout, _) => Problem::LogoutFailed,
            (
                Self::Refresh
                | Self::Jwks
                | Self::Register
                | Self::Password
                | Self::Sessions
                | Self::CsrfToken
                | Self::Recover
                | Self::Redeem
                | Self::Ticket
                | Self::Introspect
                | Self::Factors
                | Self::Email,
                _,
            ) => Problem::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{domain::attempts::Limit, keys::KeysError, store::StoreError};

    fn quota() -> Quota {
        Quota::unused("account", Limit { max: 5, window: SignedDuration::from_mins(15) })
    }

    fn problems() -> Vec<Problem> {
        let refusals = [
            Refusal::Invalid(vec![]),
            Refusal::RefreshTokenRequired,
            Refusal::TokenMissing,
            Refusal::TokenExpired,
            Refusal::TokenRevoked,
            Refusal::TokenInvalid,
            Refusal::UserInactive,
            Refusal::InvalidCredentials(quota()),
            Refusal::CurrentPasswordInvalid(quota()),
            Refusal::RefreshTokenInvalid,
            Refusal::AccountInactive,
            Refusal::LoginLocked(quota()),
            Refusal::AddressLimited(quota()),
            Refusal::ApiRateLimited(quota()),
            Refusal::MailLimited(quota()),
            Refusal::MailTokenInvalid,
            Refusal::SecondFactorInvalid(quota()),
            Refusal::SecondFactorLocked(quota()),
            Refusal::SecondStepInvalid,
            Refusal::SecondFactorUnavailable,
            Refusal::FactorNotFound,
            Refusal::PasskeyInvalid,
            Refusal::PasskeyExists,
            Refusal::FactorLimit,
            Refusal::EmailTaken,
            Refusal::RegistrationClosed,
            Refusal::Forbidden,
            Refusal::ForbiddenRole,
            Refusal::ForbiddenPermission { feature: "notes".into(), action: "read".into() },
            Refusal::ForbiddenAddress,
            Refusal::StepUpRequired { second_factor: true, max_age: None },
            Refusal::MfaEnrolmentRequired,
            Refusal::CsrfInvalid,
            Refusal::NotFound,
            Refusal::SessionNotFound,
            Refusal::MethodNotAllowed,
            Refusal::PayloadTooLarge,
            Refusal::UnsupportedMediaType,
        ];
        let ours = [Problem::LoginFailed, Problem::LogoutFailed, Problem::Internal, Problem::Unavailable];
        refusals.into_iter().map(Problem::Refused).chain(ours).collect()
    }

    #[test]
    fn every_code_has_a_message_in_both_languages_and_no_two_share_a_code() {
        let faults = [
            Fault::NotJson,
            Fault::Required,
            Fault::WrongType,
            Fault::Invalid,
            Fault::TooLong,
            Fault::PasswordTooShort(8),
            Fault::PasswordNeedsMixedCase,
            Fault::PasswordNeedsDigit,
            Fault::PasswordNeedsSymbol,
            Fault::PasswordTooLong,
            Fault::PasswordTooCommon,
            Fault::PasswordBreached,
        ];
        let problems = problems();
        let codes = problems.iter().map(|problem| problem.row().1).chain(faults.map(fault_code));
        let mut seen = std::collections::BTreeSet::new();
        for code in codes.chain([
            "LOGGED_OUT",
            "PASSWORD_CHANGED",
            "RECOVERY_SENT",
            "VERIFICATION_SENT",
            "CHANGE_SENT",
            "EMAIL_CHANGED",
            "EMAIL_REVERTED",
            "LOGIN_DENIED",
            "SESSION_REVOKED",
            "SESSIONS_REVOKED",
            "FACTOR_REMOVED",
            "UNAUTHORIZED",
        ]) {
            assert!(seen.insert(code), "{code} twice");
            for language in Language::ALL {
                assert_ne!(
                    message(code, language, &[("minutes", 15.into()), ("minimum", 8.into())]),
                    code,
                    "{code} in {}",
                    language.name()
                );
            }
        }
    }

    #[test]
    fn the_crms_messages_are_word_for_word() {
        for (code, text) in [
            ("REFRESH_TOKEN_REQUIRED", "رمز التجديد مطلوب"),
            ("AUTH_TOKEN_MISSING", "لم يتم توفير رمز المصادقة"),
            ("TOKEN_EXPIRED", "انتهت صلاحية رمز المصادقة"),
            ("TOKEN_REVOKED", "رمز المصادقة غير صالح"),
            ("TOKEN_INVALID", "رمز مصادقة غير صالح"),
            ("USER_INACTIVE", "المستخدم غير موجود أو غير نشط"),
            ("INVALID_CREDENTIALS", "البريد الإلكتروني أو كلمة المرور غير صحيحة"),
            ("REFRESH_TOKEN_INVALID", "رمز تجديد غير صالح"),
            ("ACCOUNT_INACTIVE", "الحساب غير نشط. تواصل مع الدعم"),
            ("FORBIDDEN", "ليس لديك صلاحية للوصول إلى هذا المورد"),
            ("LOGIN_LOCKED", "تم تجاوز عدد المحاولات. حاول بعد 15 دقيقة"),
            ("AUTH_RATE_LIMITED", "تم تجاوز عدد المحاولات. حاول مرة أخرى بعد 15 دقيقة"),
            ("LOGGED_OUT", "تم تسجيل الخروج بنجاح"),
            ("LOGIN_FAILED", "حدث خطأ أثناء تسجيل الدخول"),
            ("LOGOUT_FAILED", "حدث خطأ أثناء تسجيل الخروج"),
            ("UNAUTHORIZED", "غير مصرح"),
            ("PASSWORD_TOO_SHORT", "كلمة المرور يجب أن تكون 8 أحرف على الأقل"),
            ("PASSWORD_NEEDS_MIXED_CASE", "كلمة المرور يجب أن تحتوي على أحرف كبيرة وصغيرة"),
            ("PASSWORD_NEEDS_DIGIT", "كلمة المرور يجب أن تحتوي على أرقام"),
            // The CRM's, and what counts as one, which it did not say.
            ("PASSWORD_NEEDS_SYMBOL", "كلمة المرور يجب أن تحتوي على رمز خاص، أي ما ليس حرفًا ولا رقمًا"),
        ] {
            assert_eq!(
                message(code, Language::Arabic, &[("minutes", 15.into()), ("minimum", 8.into())]),
                text
            );
        }
    }

    #[test]
    fn what_passes_is_a_503_and_what_does_not_is_the_endpoints_own_500() {
        let slow = || FlowError::Store(StoreError::Unavailable { operation: "x", reason: "time-out".into() });
        let denied =
            || FlowError::Store(StoreError::Refused { operation: "x", reason: "AccessDenied".into() });
        let keys = || FlowError::Keys(KeysError::Unavailable("time-out".into()));
        assert_eq!(Endpoint::Login.problem(slow()), Problem::Unavailable);
        assert_eq!(Endpoint::Login.problem(denied()), Problem::LoginFailed);
        assert_eq!(Endpoint::Refresh.problem(slow()), Problem::Unavailable);
        assert_eq!(Endpoint::Refresh.problem(denied()), Problem::Internal);
        assert_eq!(Endpoint::Logout.problem(slow()), Problem::LogoutFailed);
        assert_eq!(Endpoint::Logout.problem(keys()), Problem::Unavailable);
    }
}
