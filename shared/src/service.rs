//! What the flows work with. [`crate::app`] builds it; nothing here knows where it comes from.
//!
//! A flow names what it uses by traits, like [`Callers`]. Each function starts with a service that has what its flows use, and no
//! stand-in for anything else: what a function doesn't read, its flows can't ask for. [`AuthService`] has all of it.

#[macro_use]
mod capability;

use jiff::Timestamp;

use crate::{
    domain::session::Lifetimes,
    gate::{FactorGate, Gate, PasswordGate, RateLimit},
    keys::{AccessTokens, FactorKeys, KeyAlgorithm, KeysError, VersionedSecret},
    rules_cache::RulesCache,
    settings::{AuthorizerEdge, DecisionLog, EdgeConfig, HttpResponses, NoRules},
    store::Store,
    webauthn::RelyingParty,
};

pub use capability::*;

service! {
    /// What every flow of the authentication endpoints works with: for tests and measurements. No function has all of it.
    AuthService: store, journal, edge, rate_limit, access, refresh, lifetimes, devices, max_sessions, hasher, password_policy, breached,
        attempts, run_action, registration, mail, mfa;
}

service! {
    /// What a login works with.
    LoginService: store, journal, edge, rate_limit, access, refresh, lifetimes, devices, max_sessions, hasher, breached, attempts,
        run_action, mfa;
}

service! {
    /// What a second step and a step-up work with, beside the factors.
    SecondStepPart: store, journal, edge, rate_limit, access, refresh, lifetimes, devices, max_sessions, hasher, attempts, run_action,
        mail;
}

service! {
    /// What a login by passkey works with, beside the passkeys.
    PasskeyPart: store, journal, edge, rate_limit, access, refresh, lifetimes, devices, max_sessions;
}

service! {
    /// What a change of factors works with, beside the factors.
    EnrolmentPart: store, journal, edge, rate_limit, access, attempts, mail;
}

service! {
    /// What a refresh works with.
    RefreshService: store, journal, edge, rate_limit, access, refresh, lifetimes;
}

service! {
    /// What a logout works with. It issues nothing.
    LogoutService: store, journal, edge, access, refresh;
}

service! {
    /// What works for whoever is logged in: lists and ends sessions, makes tickets.
    SessionsService: store, journal, edge, rate_limit, access;
}

service! {
    /// What a change of password works with.
    PasswordService: store, journal, edge, rate_limit, access, hasher, password_policy, attempts, run_action, mail;
}

service! {
    /// What a change of address works with.
    EmailService: store, journal, edge, rate_limit, access, hasher, attempts, run_action;
}

service! {
    /// What a registration works with. It has no keys.
    RegisterService: store, journal, edge, rate_limit, hasher, password_policy, attempts, registration;
}

/// Who counts calls.
pub trait Counts: HasStore + HasRateLimit {
    /// What counts them.
    fn gate(&self) -> Gate<'_> {
        Gate { store: self.store(), calls: self.rate_limit() }
    }
}

impl<S: HasStore + HasRateLimit> Counts for S {}

/// Who lets passwords be tried.
pub trait TriesPasswords: Counts + HasJournal + HasHasher + HasAttempts + HasRunAction {
    /// What lets them be tried.
    fn password_gate(&self) -> PasswordGate<'_> {
        let (limits, journal, run_action) = (*self.attempts(), *self.journal(), *self.run_action());
        PasswordGate { gate: self.gate(), limits, journal, run_action }
    }
}

impl<S: Counts + HasJournal + HasHasher + HasAttempts + HasRunAction> TriesPasswords for S {}

/// Who lets second factors be tried.
pub trait TriesFactors: HasStore + HasJournal + HasAttempts + HasMail {
    /// What lets them be tried.
    fn factor_gate(&self) -> FactorGate<'_> {
        let (limit, journal, mail) = (self.attempts().account, *self.journal(), *self.mail());
        FactorGate { store: self.store(), limit, journal, mail }
    }
}

impl<S: HasStore + HasJournal + HasAttempts + HasMail> TriesFactors for S {}

/// Who has tokens of both kinds.
pub trait HasTokens: HasAccess + HasRefresh {
    /// Makes sure that tokens of both kinds can be made, before anything is begun that ends with them.
    ///
    /// # Errors
    /// [`KeysError`].
    fn ready(&self, now: Timestamp) -> impl Future<Output = Result<(), KeysError>> {
        let (access, refresh) = (self.access(), self.refresh());
        async move { tokio::try_join!(access.ready(now), refresh.ready(now)).map(|_| ()) }
    }
}

impl<S: HasAccess + HasRefresh> HasTokens for S {}

together! {
    /// Who is called with access tokens.
    Callers: Counts, HasAccess;
    /// Who begins sessions.
    BeginsSessions: HasStore, HasJournal, HasTokens, HasLifetimes, HasDevices, HasMaxSessions;
    /// Who logs users in.
    LogsIn: BeginsSessions, TriesPasswords, HasBreached, HasMfa;
    /// Who exchanges refresh tokens.
    Refreshes: Counts, HasJournal, HasTokens, HasLifetimes;
    /// Who logs users out.
    LogsOut: HasStore, HasJournal, HasTokens;
    /// Who steps sessions up.
    StepsUp: Callers, TriesPasswords, TriesFactors, HasLifetimes;
    /// Who changes passwords.
    ChangesPasswords: Callers, TriesPasswords, HasPasswordPolicy, HasMail;
    /// Who changes second factors.
    ChangesFactors: Callers, HasJournal, HasMail;
    /// Who makes users of strangers.
    Registers: Counts, HasJournal, HasHasher, HasPasswordPolicy, HasAttempts, HasRegistration;
}

/// What works with second factors: with their keys, and with what else its flows use.
#[derive(Debug)]
pub struct FactorService<A = AuthService> {
    /// What else.
    pub auth: A,
    /// What second factors are sealed with.
    pub keys: FactorKeys,
    /// The service's name, as authenticator apps show it.
    pub name: String,
    /// Who asks for passkeys, where the stack takes them.
    pub passkeys: Option<RelyingParty>,
}

/// What works with passkeys alone. It opens nothing that is sealed.
#[derive(Debug)]
pub struct PasskeyService<A = AuthService> {
    /// What else its flows use.
    pub auth: A,
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
