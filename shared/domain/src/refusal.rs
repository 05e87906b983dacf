//! Every reason for which a request is refused. What each looks like from outside (status, code, message) is not
//! known here: the edge has one table for that.

pub use crate::fault::Fault;
use crate::{assurance::MaxAge, attempts::Quota};

/// Why the answer is no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The body or one of its fields is not what the endpoint takes; one entry for every fault found.
    Invalid(Vec<FieldFault>),
    /// A refresh without a refresh token.
    RefreshTokenRequired,
    /// No token where one is needed.
    TokenMissing,
    /// A well-signed access token after its `exp`.
    TokenExpired,
    /// A token that was blacklisted, or whose session has ended.
    TokenRevoked,
    /// Anything else that is wrong with an access token.
    TokenInvalid,
    /// The user of a token is gone or not active.
    UserInactive,
    /// Wrong password or unknown address: one answer for both.
    InvalidCredentials(Quota),
    /// The current password is wrong, of a user who is logged in.
    CurrentPasswordInvalid(Quota),
    /// Anything that is wrong with a refresh token, a stolen one included.
    RefreshTokenInvalid,
    /// The password was right, the account is not active.
    AccountInactive,
    /// The request came with a cookie, and without the proof that a page of ours asked for it.
    CsrfInvalid,
    /// The account has had too many failures.
    LoginLocked(Quota),
    /// The address has had too many failures.
    AddressLimited(Quota),
    /// Too many requests of this user, or from this address.
    ApiRateLimited(Quota),
    /// The mailbox has been sent as much mail as it may be.
    MailLimited(Quota),
    /// A second factor that is wrong, used up or old: one answer for all.
    SecondFactorInvalid(Quota),
    /// The user has shown too many wrong second factors.
    SecondFactorLocked(Quota),
    /// The login that a second step names is over, used up, or of another user by now; or there is none.
    SecondStepInvalid,
    /// The user has a second factor, and this stack takes none.
    SecondFactorUnavailable,
    /// No such second factor of this user.
    FactorNotFound,
    /// The user has as many second factors as a user may have.
    FactorLimit,
    /// A passkey that nobody is logged in by, for whatever reason: one answer for all.
    PasskeyInvalid,
    /// The passkey is somebody's already.
    PasskeyExists,
    /// Anything that is wrong with the token or the code of a mail.
    MailTokenInvalid,
    /// The address is somebody's already.
    EmailTaken,
    /// Nobody may register here.
    RegistrationClosed,
    /// Authenticated, but no rule allows it.
    Forbidden,
    /// The rule is for other roles.
    ForbiddenRole,
    /// The rule is for users who have this permission.
    ForbiddenPermission {
        /// What it is about.
        feature: String,
        /// What may be done with it.
        action: String,
    },
    /// The rule is for other addresses.
    ForbiddenAddress,
    /// The user may, once the session was shown more, or again.
    StepUpRequired {
        second_factor: bool,
        /// At most so long ago.
        max_age: Option<MaxAge>,
    },
    /// The user has to enrol a second factor first: the session opens nothing else.
    MfaEnrolmentRequired,
    /// No such resource.
    NotFound,
    /// No such session of this user, or it has ended.
    SessionNotFound,
    /// The resource is there, the method is not.
    MethodNotAllowed,
    /// The body is larger than [`MAX_BODY_BYTES`].
    PayloadTooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
}

/// The largest body that an endpoint reads.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// One fault of one field, for `errors` in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldFault {
    /// The member's name as the client wrote it, `body` for the body as a whole.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Refusal {
    #[must_use]
    pub fn field(field: &'static str, fault: Fault) -> Self {
        Self::Invalid(vec![FieldFault { field, fault }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_have_16_kib_as_it_is_documented() {
        assert_eq!(MAX_BODY_BYTES, 16_384);
    }
}
