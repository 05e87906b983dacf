//! Every environment variable that the functions read.
//!
//! A function asks for what it uses, once, before its first request, and looks at nothing else: a wrong `ALLOWED_ORIGINS`
//! is no reason for the authorizer not to start.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `IDENTITY_TABLE` | – | table of users, credentials and security logs |
//! | `SESSIONS_TABLE` | – | table of sessions, attempts and revoked tokens |
//! | `ACCESS_KEYS_SECRET` | – | secret with the JWK or JWK Set of access tokens |
//! | `REFRESH_KEYS_SECRET` | – | the same for refresh tokens; the authorizer has none |
//! | `LINK_KEYS_SECRET` | – | the same for links in mail, in functions that make or redeem them; `rotate-keys` rotates it if set |
//! | `FACTOR_KEYS_SECRET` | – | the same for the secrets of second factors, in functions that use them |
//! | `MAIL_QUEUE_URL` | – | URL of the mail queue, in `relay`, if the stack sends mail |
//! | `EVENT_BUS` | – | name of the event bus, in `relay` |
//! | `APP_URL` | – | URL of the front end, with which links in mail begin; in `send-mail` |
//! | `MAIL_FROM` | – | sender address of mails; in `send-mail` |
//! | `MAIL_NAME` | `Nova CRM` | the service's name in mails and authenticator apps; up to 40 characters |
//! | `MAIL_CONFIGURATION_SET` | none | configuration set of SES; in `send-mail` |
//! | `TOKEN_ISSUER` | `nova-crm` | `iss` of every token |
//! | `TOKEN_ISSUER_ALSO` | none | another issuer whose tokens are accepted, too: the former one, or the next |
//! | `TOKEN_AUDIENCE` | `nova-api` | `aud` of access tokens |
//! | `ACCESS_TOKEN_SECONDS` | 900 | lifetime of an access token, 60 to 3600 |
//! | `REFRESH_TOKEN_SECONDS` | 604800 | a session idle for longer ends; also caps access tokens; 60 to 31536000 |
//! | `SESSION_MAX_SECONDS` | 2592000 | lifetime of a session, from 60; also caps its idle time |
//! | `REFRESH_GRACE_SECONDS` | 30 | how long a used refresh token still gets its successor; 0 is off, else 15 to 300 |
//! | `LOGIN_MAX_ATTEMPTS` | 5 | failed logins per account in one window, 1 to 100 |
//! | `LOGIN_MAX_ATTEMPTS_PER_ADDRESS` | 5 | failed logins per source address in one window, 1 to 100 |
//! | `LOGIN_WINDOW_SECONDS` | 900 | length of both windows, 60 to 86400 |
//! | `DEVICE_COOKIES` | `disabled` | whether a device that logged in before has its own window, which nobody else can fill: `disabled` or `enabled` |
//! | `NEW_DEVICE_MAIL` | `disabled` | whether users get a mail about a login from a new device: `disabled`, or `enabled` (with `DEVICE_COOKIES=enabled`) |
//! | `BREACHED_PASSWORDS` | `disabled` | whether passwords that were breached elsewhere are refused: `disabled`, `best-effort` or `required` (no password is set while the list can't be read) |
//! | `BREACHED_TABLE` | none | table of the list of breached passwords |
//! | `MAX_SESSIONS_PER_USER` | 0 | sessions that one user may have at once: a login ends the oldest beyond that; 0 is no limit, at most 1000 |
//! | `LOGIN_RUN_ACTION` | `alarm` | after 100 failures in a row: `alarm`, or `disable` the account too |
//! | `BCRYPT_COST` | 12 | work factor of new hashes, 10 to 15 |
//! | `PASSWORD_PROFILE` | `crm` | which passwords may be set: `crm` or `nist` |
//! | `DEFAULT_LANGUAGE` | `ar` | language of messages, if the client asks for neither: `ar` or `en` |
//! | `TRUSTED_PROXIES` | none | networks whose `X-Forwarded-For` is trusted, comma-separated CIDR |
//! | `ALLOWED_ORIGINS` | none | origins of other front ends that may call from a browser, with cookies, comma-separated |
//! | `ALLOWED_HEADERS` | none | further request headers that those front ends may send, comma-separated |
//! | `SECURITY_LOG_DAYS` | 365 | how long security events are kept, 1 to 3650 |
//! | `REGISTRATION` | `closed` | whether strangers may register: `closed` or `open` |
//! | `MAIL` | `disabled` | whether the stack sends mail: `disabled` or `enabled` |
//! | `EMAIL_VERIFICATION` | `off` | whether a registration creates the user only after the address is confirmed by mail: `off` or `required` |
//! | `MFA_POLICY` | `off` | who must have a second factor: `off`, `optional`, `admins` or `required` |
//! | `PASSKEY_RP_ID` | none | the domain of passkeys (WebAuthn's RP ID); without it there are none |
//! | `API_RATE_LIMIT` | 100 | calls of one user, from one address, or refreshes of one session, in one window; 0 is no limit. The authorizer: 0 |
//! | `API_RATE_SECONDS` | 60 | that window, 1 to 3600 |
//! | `NO_RULES` | `deny` | what an API without rules allows: `deny`, or `authenticated` for any active user |
//! | `HTTP_RESPONSES` | `iam` | what HTTP APIs with payload 2.0 expect from the authorizer: `iam` policies, or `simple` responses |
//! | `DECISION_LOG` | `all` | which decisions the authorizer logs: `all`, or only `refusals` |
//! | `WEBSOCKET_TOKEN_QUERY` | `off` | whether a WebSocket may send its token in the query string (`access_token`): `off` or `on` |
//! | `TICKETS` | `disabled` | whether a one-time ticket may open a WebSocket: `disabled` or `enabled`; of the authorizer |
//! | `KEY_ALGORITHM` | `HS256` | of the next key of access tokens: `HS256`, `ES256`, `EdDSA` or `RS256` |
//! | `STACK_NAME` | none | the stack's name in its metrics; without it, nothing is counted |
//!
//! AWS's own: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_CA_BUNDLE`,
//! `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`, and in the
//! functions that call them `AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL_EVENTBRIDGE`, `AWS_ENDPOINT_URL_SESV2` and
//! `AWS_ENDPOINT_URL_S3`. Those of guarded uploads are documented where they are read (`nova_auth_uploads::service`).

mod aws;
mod edge;
mod mail;
mod read;
mod tokens;

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use jiff::SignedDuration;

use crate::{
    domain::{
        attempts::{Limit, Limits},
        mfa::MfaPolicy,
        password::PasswordProfile,
    },
    keys::KeyAlgorithm,
    store::Tables,
    webauthn::RelyingParty,
};

pub use crate::{
    aws::{AwsConfig, ServiceUrls},
    keys::TokenNames,
    settings::{AuthorizerEdge, DecisionLog, EdgeConfig, HttpResponses, NoRules, RunAction},
};
pub use mail::MailConfig;

/// A variable is missing or wrong. The value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    variable: &'static str,
    problem: String,
}

/// What a function is told by its environment. Each variable is looked at when somebody asks for what it says.
#[derive(Clone)]
pub struct Config {
    find: Arc<Find>,
    cost: Option<u32>,
}

type Find = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The values hold secrets.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

impl Config {
    /// The process's environment.
    #[must_use]
    pub fn from_env() -> Self {
        // Bytes that are no text make it another text, which the checks refuse by its name: it must not count as absent
        // and take a default.
        Self::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// The variables that `get` finds.
    #[must_use]
    pub fn new(get: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { find: Arc::new(get), cost: None }
    }

    /// The same with hashes of less work than the environment can ask for: for tests that make many.
    #[must_use]
    pub fn with_bcrypt_cost(self, cost: u32) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// The tables' names.
    ///
    /// # Errors
    /// One is missing, or both are one.
    pub fn tables(&self) -> Result<Tables, ConfigError> {
        let identity = self.required("IDENTITY_TABLE")?;
        let sessions = self.required("SESSIONS_TABLE")?;
        if identity == sessions {
            return Err(ConfigError::new("SESSIONS_TABLE", "must not be the table of IDENTITY_TABLE"));
        }
        Ok(Tables { identity, sessions })
    }

    /// The secret of the access tokens' keys.
    ///
    /// # Errors
    /// It is missing.
    pub fn access_keys_secret(&self) -> Result<String, ConfigError> {
        self.required("ACCESS_KEYS_SECRET")
    }

    /// The secret of the refresh tokens' keys.
    ///
    /// # Errors
    /// It is missing, or that of the access tokens' keys too.
    pub fn refresh_keys_secret(&self) -> Result<String, ConfigError> {
        let secret = self.required("REFRESH_KEYS_SECRET")?;
        if self.text("ACCESS_KEYS_SECRET").as_ref() == Some(&secret) {
            let problem = "must not be the secret of ACCESS_KEYS_SECRET";
            return Err(ConfigError::new("REFRESH_KEYS_SECRET", problem));
        }
        Ok(secret)
    }

    /// The secret of the keys of links in mail.
    ///
    /// # Errors
    /// It is missing, or that of other keys too.
    pub fn link_keys_secret(&self) -> Result<String, ConfigError> {
        let secret = self.required("LINK_KEYS_SECRET")?;
        if ["ACCESS_KEYS_SECRET", "REFRESH_KEYS_SECRET"]
            .iter()
            .any(|other| self.text(other).as_ref() == Some(&secret))
        {
            let problem = "must not be the secret of ACCESS_KEYS_SECRET or REFRESH_KEYS_SECRET";
            return Err(ConfigError::new("LINK_KEYS_SECRET", problem));
        }
        Ok(secret)
    }

    /// The secret of the keys that second factors are sealed with.
    ///
    /// # Errors
    /// It is missing, or that of other keys too.
    pub fn factor_keys_secret(&self) -> Result<String, ConfigError> {
        let secret = self.required("FACTOR_KEYS_SECRET")?;
        let others = ["ACCESS_KEYS_SECRET", "REFRESH_KEYS_SECRET", "LINK_KEYS_SECRET"];
        if others.iter().any(|other| self.text(other).as_ref() == Some(&secret)) {
            return Err(ConfigError::new("FACTOR_KEYS_SECRET", "must not be the secret of other keys"));
        }
        Ok(secret)
    }

    /// The same, where the stack sends mail.
    ///
    /// # Errors
    /// It is that of other keys too.
    pub fn link_keys_secret_if_any(&self) -> Result<Option<String>, ConfigError> {
        self.text("LINK_KEYS_SECRET").map(|_| self.link_keys_secret()).transpose()
    }

    /// The address of the queue of mails, where the stack sends mail.
    #[must_use]
    pub fn mail_queue(&self) -> Option<String> {
        self.text("MAIL_QUEUE_URL")
    }

    /// The name of the event bus.
    ///
    /// # Errors
    /// It is missing.
    pub fn event_bus(&self) -> Result<String, ConfigError> {
        self.required("EVENT_BUS")
    }

    /// How many passwords may be tried.
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn attempts(&self) -> Result<Limits, ConfigError> {
        let window = self.seconds("LOGIN_WINDOW_SECONDS", 900, 60..=86_400)?;
        let limit = |name| Ok(Limit { max: self.number(name, 5, 1..=100)?, window });
        Ok(Limits {
            account: limit("LOGIN_MAX_ATTEMPTS")?,
            address: limit("LOGIN_MAX_ATTEMPTS_PER_ADDRESS")?,
        })
    }

    /// Whether devices are known that logged in before.
    ///
    /// # Errors
    /// It is another word.
    pub fn device_cookies(&self) -> Result<bool, ConfigError> {
        self.choice("DEVICE_COOKIES", &[("disabled", false), ("enabled", true)])
    }

    /// Whether a user hears by mail of a login on another device. Without device cookies each one would be another.
    ///
    /// # Errors
    /// One of the two is another word.
    pub fn new_device_mail(&self) -> Result<bool, ConfigError> {
        let is_told = self.choice("NEW_DEVICE_MAIL", &[("disabled", false), ("enabled", true)])?;
        Ok(is_told && self.device_cookies()?)
    }

    /// The table of breached passwords, where there is one, and whether no password may be set while it can't be read.
    ///
    /// # Errors
    /// It is another word, or there is no table.
    pub fn breached_passwords(&self) -> Result<Option<(String, bool)>, ConfigError> {
        let words = [("disabled", None), ("best-effort", Some(false)), ("required", Some(true))];
        let Some(is_required) = self.choice("BREACHED_PASSWORDS", &words)? else { return Ok(None) };
        Ok(Some((self.required("BREACHED_TABLE")?, is_required)))
    }

    /// How many sessions a user may have at once, if there is a limit.
    ///
    /// # Errors
    /// It is out of its range.
    pub fn max_sessions(&self) -> Result<Option<NonZeroUsize>, ConfigError> {
        self.number("MAX_SESSIONS_PER_USER", 0, 0..=1000).map(NonZeroUsize::new)
    }

    /// What happens after a long run of failures.
    ///
    /// # Errors
    /// It is another word.
    pub fn run_action(&self) -> Result<RunAction, ConfigError> {
        self.choice("LOGIN_RUN_ACTION", &[("alarm", RunAction::Alarm), ("disable", RunAction::Disable)])
    }

    /// Who has to have a second factor.
    ///
    /// # Errors
    /// It is another word.
    pub fn mfa_policy(&self) -> Result<MfaPolicy, ConfigError> {
        self.choice("MFA_POLICY", &MfaPolicy::ALL.map(|policy| (policy.name(), policy)))
    }

    /// Who asks for passkeys.
    ///
    /// # Errors
    /// It is missing or no domain, or another variable is wrong.
    pub fn relying_party(&self) -> Result<RelyingParty, ConfigError> {
        const NAME: &str = "PASSKEY_RP_ID";
        let us = RelyingParty::with_pages_of(
            &self.required(NAME)?,
            &self.allowed_origins()?,
            &self.service_name()?,
        );
        us.map_err(|_| ConfigError::new(NAME, "must be a domain like example.com, in lower case"))
    }

    /// The same, where the stack takes passkeys.
    ///
    /// # Errors
    /// It is no domain, or another variable is wrong.
    pub fn relying_party_if_any(&self) -> Result<Option<RelyingParty>, ConfigError> {
        self.text("PASSKEY_RP_ID").map(|_| self.relying_party()).transpose()
    }

    /// bcrypt's work factor for new hashes.
    ///
    /// # Errors
    /// It is out of its range.
    pub fn bcrypt_cost(&self) -> Result<u32, ConfigError> {
        self.cost.map_or_else(|| self.number("BCRYPT_COST", 12, 10..=15), Ok)
    }

    /// Which passwords may be set.
    ///
    /// # Errors
    /// It is another word.
    pub fn password_profile(&self) -> Result<PasswordProfile, ConfigError> {
        self.choice("PASSWORD_PROFILE", &[("crm", PasswordProfile::Crm), ("nist", PasswordProfile::Nist)])
    }

    /// Whether strangers may register.
    ///
    /// # Errors
    /// It is another word.
    pub fn registration(&self) -> Result<bool, ConfigError> {
        self.choice("REGISTRATION", &[("closed", false), ("open", true)])
    }

    /// Whether the stack sends mail.
    ///
    /// # Errors
    /// It is another word.
    pub fn mail(&self) -> Result<bool, ConfigError> {
        self.choice("MAIL", &[("disabled", false), ("enabled", true)])
    }

    /// Whether a registration makes its user only when the address is confirmed by mail.
    ///
    /// # Errors
    /// It is another word.
    pub fn email_verification(&self) -> Result<bool, ConfigError> {
        self.choice("EMAIL_VERIFICATION", &[("off", false), ("required", true)])
    }

    /// How long security events are kept.
    ///
    /// # Errors
    /// It is out of its range.
    pub fn security_log(&self) -> Result<SignedDuration, ConfigError> {
        Ok(SignedDuration::from_hours(24) * self.number::<i32>("SECURITY_LOG_DAYS", 365, 1..=3650)?)
    }

    /// How often an API may be called; `default` where the environment does not say.
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn api_rate(&self, default: u32) -> Result<Limit, ConfigError> {
        Ok(Limit {
            max: self.number("API_RATE_LIMIT", default, 0..=1_000_000)?,
            window: self.seconds("API_RATE_SECONDS", 60, 1..=3600)?,
        })
    }

    /// What an API without rules allows.
    ///
    /// # Errors
    /// It is another word.
    pub fn no_rules(&self) -> Result<NoRules, ConfigError> {
        self.choice("NO_RULES", &[("deny", NoRules::Deny), ("authenticated", NoRules::Authenticated)])
    }

    /// What HTTP APIs take from the authorizer.
    ///
    /// # Errors
    /// It is another word.
    pub fn http_responses(&self) -> Result<HttpResponses, ConfigError> {
        self.choice("HTTP_RESPONSES", &[("iam", HttpResponses::Iam), ("simple", HttpResponses::Simple)])
    }

    /// Which decisions have a line in the log.
    ///
    /// # Errors
    /// It is another word.
    pub fn decision_log(&self) -> Result<DecisionLog, ConfigError> {
        self.choice("DECISION_LOG", &[("all", DecisionLog::All), ("refusals", DecisionLog::Refusals)])
    }

    /// What new keys of access tokens are of.
    ///
    /// # Errors
    /// It is another word.
    pub fn key_algorithm(&self) -> Result<KeyAlgorithm, ConfigError> {
        self.choice("KEY_ALGORITHM", &KeyAlgorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
    }

    /// The stack that the function belongs to.
    #[must_use]
    pub fn stack_name(&self) -> Option<String> {
        self.text("STACK_NAME")
    }
}

/// These variables, the later of two of one name.
impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let pairs = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let all: BTreeMap<String, String> = pairs.collect();
        Self::new(move |name| all.get(name).cloned())
    }
}

impl ConfigError {
    /// What is wrong with this variable.
    pub fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self { variable, problem: problem.into() }
    }
}

#[cfg(test)]
mod tests;
