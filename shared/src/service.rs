//! What the flows work with. [`crate::app`] builds it; nothing here knows where it comes from.

use jiff::Timestamp;

use crate::{
    domain::{attempts::Limits, factors::MfaPolicy, session::Lifetimes},
    gate::{FactorGate, Gate, PasswordGate, RateLimit},
    journal::Journal,
    keys::{AccessTokens, FactorKeys, KeyAlgorithm, KeysError, RefreshTokens, VersionedSecret},
    password_policy::PasswordPolicy,
    passwords::Hasher,
    rules_cache::RulesCache,
    settings::{AuthorizerEdge, DecisionLog, EdgeConfig, HttpResponses, NoRules, RunAction},
    store::Store,
    webauthn::RelyingParty,
};

/// What the authentication endpoints work with.
#[derive(Debug)]
pub struct AuthService {
    /// The tables.
    pub store: Store,
    /// Access tokens.
    pub access: AccessTokens,
    /// Refresh tokens.
    pub refresh: RefreshTokens,
    /// Passwords.
    pub hasher: Hasher,
    /// Which passwords may be set.
    pub policy: PasswordPolicy,
    /// Whether strangers may register.
    pub registration: bool,
    /// Whether a registration makes its user only when the address is confirmed by mail.
    pub verification: bool,
    /// Whether the stack sends mail.
    pub mail: bool,
    /// Who has to have a second factor.
    pub mfa: MfaPolicy,
    /// How many passwords may be tried.
    pub attempts: Limits,
    /// Whether devices are known that logged in before.
    pub device_cookies: bool,
    /// Whether a user hears by mail of a login on another device.
    pub new_device_mail: bool,
    /// How many sessions a user may have at once, if there is a limit.
    pub max_sessions: Option<std::num::NonZeroUsize>,
    /// What happens after a long run of failures.
    pub run_action: RunAction,
    /// How often the endpoints may be called.
    pub rate_limit: RateLimit,
    /// How long tokens and sessions live.
    pub lifetimes: Lifetimes,
    /// The security log.
    pub journal: Journal,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

/// What works with second factors.
#[derive(Debug)]
pub struct FactorService {
    /// What every endpoint works with.
    pub auth: AuthService,
    /// What second factors are sealed with.
    pub keys: FactorKeys,
    /// The service's name, as authenticator apps show it.
    pub name: String,
    /// Who asks for passkeys, where the stack takes them.
    pub passkeys: Option<RelyingParty>,
}

/// What works with passkeys alone. It opens nothing that is sealed.
#[derive(Debug)]
pub struct PasskeyService {
    /// What every endpoint works with.
    pub auth: AuthService,
    /// Who asks for passkeys.
    pub passkeys: RelyingParty,
}

/// What the authorizer works with. It has no key that could make a refresh token.
#[derive(Debug)]
pub struct Authorizer {
    /// The tables.
    pub store: Store,
    /// Access tokens.
    pub access: AccessTokens,
    /// The rules of attached APIs.
    pub rules: RulesCache,
    /// How often attached APIs may be called.
    pub rate_limit: RateLimit,
    /// What an API without rules allows.
    pub no_rules: NoRules,
    /// What HTTP APIs take as an answer.
    pub http_responses: HttpResponses,
    /// Which decisions have a line in the log.
    pub decision_log: DecisionLog,
    /// How requests are read and answered.
    pub edge: AuthorizerEdge,
}

/// What introspection works with.
#[derive(Debug)]
pub struct Introspector {
    /// The tables.
    pub store: Store,
    /// Access tokens.
    pub access: AccessTokens,
    /// The rules of APIs.
    pub rules: RulesCache,
    /// What an API without rules allows.
    pub no_rules: NoRules,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

/// What the rotation of keys works with.
#[derive(Debug)]
pub struct KeyRotation {
    /// The secret of the access tokens' keys.
    pub access: VersionedSecret,
    /// The secret of the refresh tokens' keys.
    pub refresh: VersionedSecret,
    /// The secret of the keys of links, where the stack sends mail.
    pub links: Option<VersionedSecret>,
    /// What new keys of access tokens are of.
    pub algorithm: KeyAlgorithm,
    /// How long tokens live: as long their keys stay.
    pub lifetimes: Lifetimes,
}

/// What the relay works with: the tables, and where it tells their changes. It has no keys.
#[derive(Debug)]
pub struct Relay {
    /// The tables.
    pub store: Store,
    /// The address of the queue of mails, where the stack sends mail.
    pub queue: Option<String>,
    /// The name of the event bus.
    pub bus: String,
}

impl AuthService {
    /// What counts calls.
    #[must_use]
    pub const fn gate(&self) -> Gate<'_> {
        Gate { store: &self.store, calls: &self.rate_limit }
    }

    /// What lets passwords be tried.
    #[must_use]
    pub const fn password_gate(&self) -> PasswordGate<'_> {
        let (limits, journal, run_action) = (self.attempts, self.journal, self.run_action);
        PasswordGate { gate: self.gate(), limits, journal, run_action }
    }

    /// What lets second factors be tried.
    #[must_use]
    pub const fn factor_gate(&self) -> FactorGate<'_> {
        let (limit, journal, mail) = (self.attempts.account, self.journal, self.mail);
        FactorGate { store: &self.store, limit, journal, mail }
    }

    /// Makes sure that tokens of both kinds can be made, before anything is begun that ends with them.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn ready(&self, now: Timestamp) -> Result<(), KeysError> {
        tokio::try_join!(self.access.ready(now), self.refresh.ready(now)).map(|_| ())
    }
}
