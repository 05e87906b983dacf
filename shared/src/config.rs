//! Every environment variable that the functions read, parsed once, before the first request.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `IDENTITY_TABLE` | – | table of users, credentials and security logs |
//! | `SESSIONS_TABLE` | – | table of sessions, attempts and revoked tokens |
//! | `ACCESS_KEYS_SECRET` | – | secret with the JWK or JWK Set of access tokens |
//! | `REFRESH_KEYS_SECRET` | – | the same for refresh tokens; the authorizer has none |
//! | `TOKEN_ISSUER` | `nova-crm` | `iss` of every token |
//! | `TOKEN_AUDIENCE` | `nova-api` | `aud` of access tokens |
//! | `ACCESS_TOKEN_SECONDS` | 900 | life of an access token, 60 to 3600 |
//! | `REFRESH_TOKEN_SECONDS` | 604800 | idle time that a session survives, at least an access token's life |
//! | `SESSION_MAX_SECONDS` | 2592000 | life of a session, at least the idle time |
//! | `REFRESH_GRACE_SECONDS` | 30 | how long a used refresh token still gets its successor; 0 is off, else 15 to 300 |
//! | `LOGIN_MAX_ATTEMPTS` | 5 | failed logins per account in one window, 1 to 100 |
//! | `LOGIN_MAX_ATTEMPTS_PER_ADDRESS` | 5 | failed logins per source address in one window, 1 to 100 |
//! | `MAX_SESSIONS_PER_USER` | 0 | sessions that one user may have at once: a login ends the oldest beyond that; 0 is no limit, at most 1000 |
//! | `LOGIN_WINDOW_SECONDS` | 900 | that window, 60 to 86400 |
//! | `LOGIN_RUN_ACTION` | `alarm` | after 100 failures in a row: `alarm`, or `disable` the account too |
//! | `BCRYPT_COST` | 12 | work factor of new hashes, 10 to 15 |
//! | `PASSWORD_PROFILE` | `crm` | which passwords may be set: `crm` or `nist` |
//! | `DEFAULT_LANGUAGE` | `ar` | of messages, where the client asks for none of ours: `ar` or `en` |
//! | `TRUSTED_PROXIES` | none | networks whose `X-Forwarded-For` is believed, comma-separated CIDR |
//! | `ALLOWED_ORIGINS` | none | origins of other front ends that may call from a browser, with cookies, comma-separated |
//! | `SECURITY_LOG_DAYS` | 365 | how long security events are kept, 1 to 3650 |
//! | `REGISTRATION` | `closed` | whether strangers may register: `closed` or `open` |
//! | `API_RATE_LIMIT` | 100 | calls of one user, or from one address, in one window; 0 is no limit. The authorizer: 0 |
//! | `API_RATE_SECONDS` | 60 | that window, 1 to 3600 |
//! | `NO_RULES` | `deny` | what an API without rules allows: `deny`, or `authenticated` for any active user |
//! | `HTTP_RESPONSES` | `iam` | what HTTP APIs with payload 2.0 take from the authorizer: `iam` policies, or `simple` responses |
//! | `WEBSOCKET_TOKEN_QUERY` | `off` | whether a WebSocket may say its token in the query (`access_token`): `off` or `on` |
//! | `KEY_ALGORITHM` | `HS256` | of the next key of access tokens: `HS256`, `ES256`, `EdDSA` or `RS256` |
//! | `STACK_NAME` | none | the stack, as its metrics name it; without it nothing is counted |
//!
//! AWS's own: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_CA_BUNDLE`,
//! `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::{
    domain::{
        address::TrustedProxies,
        attempts::{Limit, Limits},
        origin::AllowedOrigins,
        password::Profile,
        session::Lifetimes,
    },
    keys::KeyAlgorithm,
    messages::Language,
    store::Tables,
};

/// How long one try of one call to AWS may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);

/// How long one call to AWS may take with all its tries.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A variable is missing or wrong. The value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    variable: &'static str,
    problem: String,
}

/// What a function is told by its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// How AWS is reached.
    pub aws: AwsConfig,
    /// The tables' names.
    pub tables: Tables,
    /// The secret of the access tokens' keys.
    pub access_keys_secret: String,
    /// The secret of the refresh tokens' keys; [`Config::refresh_keys_secret`] insists on it.
    refresh_keys_secret: Option<String>,
    /// Names and lives of tokens.
    pub tokens: TokenConfig,
    /// How many passwords may be tried.
    pub attempts: Limits,
    /// How many sessions a user may have at once, if there is a limit.
    pub max_sessions: Option<std::num::NonZeroUsize>,
    /// What happens after a long run of failures.
    pub run_action: RunAction,
    /// How passwords are kept.
    pub passwords: PasswordConfig,
    /// Whether strangers may register.
    pub registration: bool,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
    /// How long security events are kept.
    pub security_log: SignedDuration,
    /// How often an API may be called, where the environment says so.
    api_rate: Option<u32>,
    /// The window of that.
    api_rate_window: SignedDuration,
    /// What an API without rules allows.
    pub no_rules: NoRules,
    /// What HTTP APIs take from the authorizer.
    pub http_responses: HttpResponses,
    /// What new keys of access tokens are of.
    pub key_algorithm: KeyAlgorithm,
}

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// The region.
    pub region: String,
    /// The access key id, of the function's role.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// Its session.
    pub session_token: Option<SecretString>,
    /// Another address of DynamoDB.
    pub dynamodb_url: Option<String>,
    /// Another address of Secrets Manager.
    pub secrets_manager_url: Option<String>,
    /// A PEM file of certificates to trust instead of Amazon's.
    pub ca_bundle: Option<String>,
}

/// Names and lives of tokens.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of access tokens.
    pub audience: String,
    /// How long tokens and sessions live.
    pub lifetimes: Lifetimes,
}

/// How passwords are kept.
#[derive(Debug, Clone, Copy)]
pub struct PasswordConfig {
    /// bcrypt's work factor for new hashes.
    pub cost: u32,
    /// Which passwords may be set.
    pub profile: Profile,
}

/// How requests are read and answered.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// The language of messages, where the client asks for none of ours.
    pub default_language: Language,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which pages of other origins may call from a browser.
    pub allowed_origins: AllowedOrigins,
    /// Whether a WebSocket may say its token in the query, which ends up in logs and histories.
    pub websocket_token_query: bool,
}

/// What happens after a long run of failures on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAction {
    /// Somebody is told.
    Alarm,
    /// Somebody is told, and the account is disabled, as NIST SP 800-63B-4, section 3.2.2, has it. Not by default:
    /// whoever knows an address could lock its owner out.
    Disable,
}

/// What HTTP APIs with payload 2.0 take from the authorizer: `EnableSimpleResponses` of theirs, which no event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpResponses {
    /// IAM policies, which say all that somebody may call.
    Iam,
    /// Yes or no about one route.
    Simple,
}

/// What an API without rules allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRules {
    /// Nothing.
    Deny,
    /// Everything, to any active user.
    Authenticated,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&from_process)
    }

    /// Reads the variables that `get` finds.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variables = Variables(get);
        let access_keys_secret = variables.required("ACCESS_KEYS_SECRET")?;
        let refresh_keys_secret = variables.text("REFRESH_KEYS_SECRET");
        if refresh_keys_secret.as_ref() == Some(&access_keys_secret) {
            return Err(ConfigError::new(
                "REFRESH_KEYS_SECRET",
                "must be another secret than ACCESS_KEYS_SECRET",
            ));
        }
        Ok(Self {
            aws: AwsConfig::read(&variables)?,
            tables: tables(&variables)?,
            access_keys_secret,
            refresh_keys_secret,
            tokens: TokenConfig::read(&variables)?,
            attempts: attempts(&variables)?,
            max_sessions: std::num::NonZeroUsize::new(variables.number(
                "MAX_SESSIONS_PER_USER",
                0,
                0..=1000,
            )?),
            run_action: variables.choice(
                "LOGIN_RUN_ACTION",
                &[("alarm", RunAction::Alarm), ("disable", RunAction::Disable)],
            )?,
            passwords: PasswordConfig {
                cost: variables.number("BCRYPT_COST", 12, 10..=15)?,
                profile: variables
                    .choice("PASSWORD_PROFILE", &[("crm", Profile::Crm), ("nist", Profile::Nist)])?,
            },
            registration: variables.choice("REGISTRATION", &[("closed", false), ("open", true)])?,
            edge: EdgeConfig {
                default_language: variables
                    .choice("DEFAULT_LANGUAGE", &[("ar", Language::Arabic), ("en", Language::English)])?,
                trusted_proxies: TrustedProxies::parse(
                    &variables.text("TRUSTED_PROXIES").unwrap_or_default(),
                )
                .map_err(|_| {
                    ConfigError::new("TRUSTED_PROXIES", "must be networks in CIDR notation, comma-separated")
                })?,
                allowed_origins: AllowedOrigins::parse(
                    &variables.text("ALLOWED_ORIGINS").unwrap_or_default(),
                )
                .map_err(|_| {
                    ConfigError::new(
                        "ALLOWED_ORIGINS",
                        "must be origins as browsers send them (https://app.example.com), comma-separated",
                    )
                })?,
                websocket_token_query: variables
                    .choice("WEBSOCKET_TOKEN_QUERY", &[("off", false), ("on", true)])?,
            },
            security_log: SignedDuration::from_hours(24)
                * variables.number::<i32>("SECURITY_LOG_DAYS", 365, 1..=3650)?,
            api_rate: match variables.text("API_RATE_LIMIT") {
                Some(_) => Some(variables.number("API_RATE_LIMIT", 0, 0..=1_000_000)?),
                None => None,
            },
            api_rate_window: variables.seconds("API_RATE_SECONDS", 60, 1..=3600)?,
            no_rules: variables
                .choice("NO_RULES", &[("deny", NoRules::Deny), ("authenticated", NoRules::Authenticated)])?,
            http_responses: variables.choice(
                "HTTP_RESPONSES",
                &[("iam", HttpResponses::Iam), ("simple", HttpResponses::Simple)],
            )?,
            key_algorithm: variables.choice("KEY_ALGORITHM", &KeyAlgorithm::ALL)?,
        })
    }

    /// How often an API may be called; `default` where the environment does not say.
    #[must_use]
    pub fn api_rate(&self, default: u32) -> Limit {
        Limit { max: self.api_rate.unwrap_or(default), window: self.api_rate_window }
    }

    /// The secret of the refresh tokens' keys, for the functions that cannot do without.
    ///
    /// # Errors
    /// `REFRESH_KEYS_SECRET` is missing.
    pub fn refresh_keys_secret(&self) -> Result<&str, ConfigError> {
        self.refresh_keys_secret.as_deref().ok_or(ConfigError::new("REFRESH_KEYS_SECRET", "is not set"))
    }
}

/// The stack that the function belongs to. It stands beside [`Config`] since what is wrong with that is logged already.
#[must_use]
pub fn stack_name() -> Option<String> {
    Variables(&from_process).text("STACK_NAME")
}

fn attempts(variables: &Variables<'_>) -> Result<Limits, ConfigError> {
    let window = variables.seconds("LOGIN_WINDOW_SECONDS", 900, 60..=86_400)?;
    let limit = |name| Ok(Limit { max: variables.number(name, 5, 1..=100)?, window });
    Ok(Limits { account: limit("LOGIN_MAX_ATTEMPTS")?, address: limit("LOGIN_MAX_ATTEMPTS_PER_ADDRESS")? })
}

fn tables(variables: &Variables<'_>) -> Result<Tables, ConfigError> {
    let identity = variables.required("IDENTITY_TABLE")?;
    let sessions = variables.required("SESSIONS_TABLE")?;
    if identity == sessions {
        return Err(ConfigError::new("SESSIONS_TABLE", "must be another table than IDENTITY_TABLE"));
    }
    Ok(Tables { identity, sessions })
}

impl AwsConfig {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&Variables(&from_process))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigError> {
        let endpoint = |name| match variables.text(name).or_else(|| variables.text("AWS_ENDPOINT_URL")) {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => Ok(Some(url)),
            Some(_) => Err(ConfigError::new(name, "must begin with http:// or https://")),
            None => Ok(None),
        };
        Ok(Self {
            region: variables.required("AWS_REGION")?,
            access_key_id: variables.required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: SecretString::from(variables.required("AWS_SECRET_ACCESS_KEY")?),
            session_token: variables.text("AWS_SESSION_TOKEN").map(SecretString::from),
            dynamodb_url: endpoint("AWS_ENDPOINT_URL_DYNAMODB")?,
            secrets_manager_url: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER")?,
            ca_bundle: variables.text("AWS_CA_BUNDLE"),
        })
    }
}

impl TokenConfig {
    fn read(variables: &Variables<'_>) -> Result<Self, ConfigError> {
        let access = variables.seconds("ACCESS_TOKEN_SECONDS", 900, 60..=3600)?;
        let refresh = variables.seconds("REFRESH_TOKEN_SECONDS", 604_800, access.as_secs()..=31_536_000)?;
        let session = variables.seconds("SESSION_MAX_SECONDS", 2_592_000, refresh.as_secs()..=31_536_000)?;
        let grace = variables.seconds("REFRESH_GRACE_SECONDS", 30, 0..=300)?;
        // A refresh may take its whole time and end as a 503 though its write took. The client's retry comes after
        // that, and must still find the window open.
        if !grace.is_zero() && grace.unsigned_abs() < CALL_TIMEOUT * 3 {
            let least = (CALL_TIMEOUT * 3).as_secs();
            let problem = format!("must be 0, or at least {least}: three request time-outs");
            return Err(ConfigError::new("REFRESH_GRACE_SECONDS", problem));
        }
        Ok(Self {
            issuer: variables.text("TOKEN_ISSUER").unwrap_or_else(|| "nova-crm".to_owned()),
            audience: variables.text("TOKEN_AUDIENCE").unwrap_or_else(|| "nova-api".to_owned()),
            lifetimes: Lifetimes { access, refresh, session, grace },
        })
    }
}

impl ConfigError {
    fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self { variable, problem: problem.into() }
    }
}

/// A variable of the process. Bytes that are no text make it another text, which the checks refuse by its name: it must
/// not count as absent and take a default.
fn from_process(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The environment; an empty variable counts as none, as CloudFormation has no other way to leave one out.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.text(name).ok_or_else(|| ConfigError::new(name, "is not set"))
    }

    fn number<N>(
        &self,
        name: &'static str,
        default: N,
        range: std::ops::RangeInclusive<N>,
    ) -> Result<N, ConfigError>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.trim().parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let problem = format!("must be a whole number from {} to {}", range.start(), range.end());
            ConfigError::new(name, problem)
        })
    }

    fn seconds(
        &self,
        name: &'static str,
        default: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<SignedDuration, ConfigError> {
        self.number(name, default, range).map(SignedDuration::from_secs)
    }

    /// One of several words; the first is the default.
    fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let word = self.text(name);
        let chosen =
            choices.iter().find(|(choice, _)| word.as_deref().is_none_or(|word| word.trim() == *choice));
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
            ConfigError::new(name, format!("must be one of: {}", words.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let defaults = [
            ("IDENTITY_TABLE", "identity"),
            ("SESSIONS_TABLE", "sessions"),
            ("ACCESS_KEYS_SECRET", "access"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "Canary"),
        ];
        Config::read(&|name| {
            let found = changes.iter().chain(&defaults).find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_defaults_are_the_crms() {
        let config = read(&[]).unwrap();
        assert_eq!(config.tokens.issuer, "nova-crm");
        assert_eq!(config.tokens.lifetimes.access, SignedDuration::from_mins(15));
        let limit = Limit { max: 5, window: SignedDuration::from_mins(15) };
        assert_eq!(config.attempts, Limits { account: limit, address: limit });
        assert_eq!(config.passwords.cost, 12);
        assert_eq!(config.no_rules, NoRules::Deny);
        assert!(!config.registration);
        assert_eq!(config.edge.default_language, Language::Arabic);
    }

    #[test]
    fn a_wrong_variable_is_named_and_its_value_is_not() {
        for (variable, value) in [
            ("IDENTITY_TABLE", " "),
            ("AWS_REGION", ""),
            ("AWS_ENDPOINT_URL_DYNAMODB", "localhost:8000"),
            ("SESSIONS_TABLE", "identity"),
            ("REFRESH_KEYS_SECRET", "access"),
            ("ACCESS_TOKEN_SECONDS", "15m"),
            ("ACCESS_TOKEN_SECONDS", "59"),
            ("REFRESH_TOKEN_SECONDS", "899"),
            ("SESSION_MAX_SECONDS", "604799"),
            ("REFRESH_GRACE_SECONDS", "14"),
            ("LOGIN_MAX_ATTEMPTS", "0"),
            ("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "101"),
            ("LOGIN_WINDOW_SECONDS", "-1"),
            ("LOGIN_RUN_ACTION", "ban"),
            ("BCRYPT_COST", "9"),
            ("PASSWORD_PROFILE", "CRM"),
            ("DEFAULT_LANGUAGE", "fr"),
            ("TRUSTED_PROXIES", "10.0.0.0/99"),
            ("ALLOWED_ORIGINS", "*"),
            ("ALLOWED_ORIGINS", "https://web.example.org/"),
            ("SECURITY_LOG_DAYS", "0"),
            ("API_RATE_LIMIT", "-1"),
            ("API_RATE_SECONDS", "0"),
            ("NO_RULES", "allow"),
            ("HTTP_RESPONSES", "both"),
            ("WEBSOCKET_TOKEN_QUERY", "true"),
            ("KEY_ALGORITHM", "none"),
            ("KEY_ALGORITHM", "HS512"),
            ("REGISTRATION", "on"),
        ] {
            let line = read(&[(variable, value)]).unwrap_err().to_string();
            assert!(line.starts_with(&format!("{variable}: ")), "{line}");
            assert!(value.trim().is_empty() || value.len() < 3 || !line.contains(value), "{line}");
        }
    }

    #[test]
    fn grace_can_be_switched_off() {
        assert!(read(&[("REFRESH_GRACE_SECONDS", "0")]).unwrap().tokens.lifetimes.grace.is_zero());
    }

    #[test]
    fn a_function_that_needs_the_refresh_keys_says_so_by_name() {
        let line = read(&[]).unwrap().refresh_keys_secret().unwrap_err().to_string();
        assert_eq!(line, "REFRESH_KEYS_SECRET: is not set");
    }

    #[test]
    fn no_secret_shows_in_debug_output() {
        assert!(!format!("{:?}", read(&[]).unwrap()).contains("Canary"));
    }
}
