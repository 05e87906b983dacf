//! The composition root: the one place that builds clients, stores and keys.
//!
//! All of it happens before the first request, while Lambda gives a starting function a whole CPU: connections are
//! opened and keys read then. AWS being out of reach at that moment stops nothing; every request finds out for itself,
//! and is refused until it is back.

mod factors;
mod mail;

use std::{future::Future, process::ExitCode};

use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::Clients,
    config::{Config, ConfigError},
    domain::{
        attempts::{Limit, Limits},
        factors::MfaPolicy,
        password::PasswordProfile,
        session::Lifetimes,
    },
    gate::RateLimit,
    journal::Journal,
    keys::{AccessTokens, KeyCache, RefreshTokens, TokenKind, TokenNames, VersionedSecret},
    password_policy::{Breached, PasswordPolicy},
    passwords::Hasher,
    rules_cache::RulesCache,
    runtime::RuntimeEnded,
    settings::{EdgeConfig, RunAction},
    store::{BreachedList, Store},
    telemetry,
};

pub use crate::service::{
    AuthService, Authorizer, FactorService, Introspector, KeyRotation, PasskeyService, Relay,
};
pub use mail::{RecoverService, RedeemService, mail_links, sending, start_sending};

/// What the public key set is made of.
#[derive(Debug)]
pub struct PublicKeys {
    /// Access tokens.
    pub access: AccessTokens,
    /// The name in them.
    pub issuer: String,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

/// What CSRF tokens are made of: the refresh tokens' keys, and nothing else.
#[derive(Debug)]
pub struct CsrfService {
    /// Refresh tokens.
    pub refresh: RefreshTokens,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

/// The rings of keys that a function uses. It asks for no others, and its role lets it read no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rings {
    /// Both.
    Both,
    /// Those of access tokens.
    Access,
    /// Those of refresh tokens.
    Refresh,
    /// None.
    None,
}

/// The settings of the authentication endpoints that not each of them uses. Who does not name one never looks at it, and
/// works with the value that lets nothing through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// How long tokens and sessions live.
    Lifetimes,
    /// What a new hash costs.
    BcryptCost,
    /// Which passwords may be set.
    PasswordProfile,
    /// Which passwords were breached elsewhere.
    Breached,
    /// Whether strangers may register, and how.
    Registration,
    /// How many passwords may be tried.
    Attempts,
    /// Whether devices are known that logged in before, and told of.
    DeviceCookies,
    /// How many sessions a user may have at once.
    MaxSessions,
    /// What happens after a long run of failures.
    RunAction,
    /// How often the endpoints may be called.
    ApiRate,
    /// Whether the stack sends mail.
    Mail,
    /// Who has to have a second factor.
    Mfa,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Lifetimes,
        Self::BcryptCost,
        Self::PasswordProfile,
        Self::Breached,
        Self::Registration,
        Self::Attempts,
        Self::DeviceCookies,
        Self::MaxSessions,
        Self::RunAction,
        Self::ApiRate,
        Self::Mail,
        Self::Mfa,
    ];
}

/// The function can't work as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The certificates to trust can't be read.
    #[error("AWS_CA_BUNDLE: {0}")]
    Certificates(#[from] std::io::Error),
    /// The Lambda runtime gave up.
    #[error(transparent)]
    Runtime(#[from] RuntimeEnded),
}

/// Runs a function until Lambda ends it; says in one line why it could not start.
pub async fn run(function: impl Future<Output = Result<(), StartError>>) -> ExitCode {
    match function.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the line that an operator finds in the function's log")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

impl AuthService {
    /// Builds what the function uses from the environment, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(rings: Rings, settings: &[Setting]) -> Result<Self, StartError> {
        let config = started();
        let service = Self::build(&config, &Clients::new(&config.aws()?)?, rings, settings)?;
        let now = start_time();
        let access = async {
            if matches!(rings, Rings::Both | Rings::Access) {
                service.access.ready(now).await
            } else {
                Ok(())
            }
        };
        let refresh = async {
            if matches!(rings, Rings::Both | Rings::Refresh) {
                service.refresh.ready(now).await
            } else {
                Ok(())
            }
        };
        let (access, refresh, store) = tokio::join!(access, refresh, service.store.warm_up());
        note([
            access.err().map(|e| e.to_string()),
            refresh.err().map(|e| e.to_string()),
            store.err().map(|e| e.to_string()),
        ]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Self::build(config, clients, Rings::Both, &Setting::ALL)
    }

    fn build(
        config: &Config,
        clients: &Clients,
        rings: Rings,
        settings: &[Setting],
    ) -> Result<Self, ConfigError> {
        let used = |setting| settings.contains(&setting);
        let nothing = Limit { max: 0, window: SignedDuration::ZERO };
        let lifetimes = match used(Setting::Lifetimes) {
            true => config.lifetimes()?,
            false => Lifetimes::NONE,
        };
        let access = match rings {
            Rings::Both | Rings::Access => config.access_keys_secret()?,
            // Nobody asks for it.
            Rings::Refresh | Rings::None => String::new(),
        };
        let refresh = match rings {
            Rings::Both | Rings::Refresh => Some((config.refresh_keys_secret()?, config.grace()?)),
            Rings::Access | Rings::None => None,
        };
        let (refresh, grace) = refresh.unwrap_or_default();
        let keys = |secret: &str, kind| KeyCache::new(clients.secrets_manager.clone(), secret, kind);
        let names = match rings {
            Rings::None => TokenNames::default(),
            _ => config.token_names()?,
        };
        Ok(Self {
            store: Store::new(clients.dynamodb.clone(), config.tables()?),
            refresh: RefreshTokens::new(keys(&refresh, TokenKind::Refresh), names.clone(), grace),
            access: AccessTokens::new(keys(&access, TokenKind::Access), names, lifetimes),
            hasher: Hasher::new(read(used(Setting::BcryptCost), || config.bcrypt_cost(), 12)?),
            policy: PasswordPolicy {
                profile: read(
                    used(Setting::PasswordProfile),
                    || config.password_profile(),
                    PasswordProfile::Nist,
                )?,
                breached: read(used(Setting::Breached), || breached(config, clients), None)?,
            },
            registration: read(used(Setting::Registration), || config.registration(), false)?,
            verification: read(used(Setting::Registration), || config.email_verification(), true)?,
            mail: read(used(Setting::Mail), || config.mail(), false)?,
            mfa: read(used(Setting::Mfa), || config.mfa_policy(), MfaPolicy::Off)?,
            attempts: read(
                used(Setting::Attempts),
                || config.attempts(),
                Limits { account: nothing, address: nothing },
            )?,
            device_cookies: read(used(Setting::DeviceCookies), || config.device_cookies(), false)?,
            new_device_mail: read(used(Setting::DeviceCookies), || config.new_device_mail(), false)?,
            max_sessions: read(used(Setting::MaxSessions), || config.max_sessions(), None)?,
            run_action: read(used(Setting::RunAction), || config.run_action(), RunAction::Alarm)?,
            rate_limit: RateLimit::new(read(used(Setting::ApiRate), || config.api_rate(100), nothing)?),
            lifetimes,
            journal: Journal::keeping(config.security_log()?),
            edge: config.edge()?,
        })
    }
}

/// The list of breached passwords, where the stack has one.
fn breached(config: &Config, clients: &Clients) -> Result<Option<Breached>, ConfigError> {
    let list = config.breached_passwords()?;
    Ok(list.map(|(table, required)| Breached {
        list: BreachedList::new(clients.dynamodb.clone(), table),
        required,
    }))
}

/// A setting, if it is used.
fn read<T>(
    used: bool,
    setting: impl FnOnce() -> Result<T, ConfigError>,
    unused: T,
) -> Result<T, ConfigError> {
    if used { setting() } else { Ok(unused) }
}

impl Authorizer {
    /// Builds all of it from the environment, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start() -> Result<Self, StartError> {
        let config = started();
        let service = Self::new(&config, &Clients::new(&config.aws()?)?)?;
        let (access, store) = tokio::join!(service.access.ready(start_time()), service.store.warm_up());
        note([access.err().map(|e| e.to_string()), store.err().map(|e| e.to_string()), None]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(clients.dynamodb.clone(), config.tables()?),
            access: AccessTokens::new(access_keys(config, clients)?, config.token_names()?, Lifetimes::NONE),
            rules: RulesCache::default(),
            rate_limit: RateLimit::new(config.api_rate(0)?),
            no_rules: config.no_rules()?,
            http_responses: config.http_responses()?,
            decision_log: config.decision_log()?,
            edge: config.authorizer_edge()?,
        })
    }
}

impl Introspector {
    /// Builds all of it from the environment, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start() -> Result<Self, StartError> {
        let config = started();
        let service = Self::new(&config, &Clients::new(&config.aws()?)?)?;
        let (access, store) = tokio::join!(service.access.ready(start_time()), service.store.warm_up());
        note([access.err().map(|e| e.to_string()), store.err().map(|e| e.to_string()), None]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(clients.dynamodb.clone(), config.tables()?),
            access: AccessTokens::new(access_keys(config, clients)?, config.token_names()?, Lifetimes::NONE),
            rules: RulesCache::default(),
            no_rules: config.no_rules()?,
            edge: config.edge()?,
        })
    }
}

impl PublicKeys {
    /// Builds all of it from the environment, and reads the keys.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start() -> Result<Self, StartError> {
        let config = started();
        let keys = access_keys(&config, &Clients::new(&config.aws()?)?)?;
        let access = AccessTokens::new(keys, TokenNames::default(), Lifetimes::NONE);
        let service = Self { access, issuer: config.issuer()?, edge: config.edge()? };
        note([service.access.ready(start_time()).await.err().map(|e| e.to_string()), None, None]);
        Ok(service)
    }
}

impl CsrfService {
    /// Builds all of it from the environment, and reads the keys.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start() -> Result<Self, StartError> {
        let config = started();
        let service = Self::new(&config, &Clients::new(&config.aws()?)?)?;
        note([service.refresh.ready(start_time()).await.err().map(|e| e.to_string()), None, None]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        let secret = config.refresh_keys_secret()?;
        let keys = KeyCache::new(clients.secrets_manager.clone(), &secret, TokenKind::Refresh);
        let refresh = RefreshTokens::new(keys, config.issuers()?, config.grace()?);
        Ok(Self { refresh, edge: config.edge()? })
    }
}

impl KeyRotation {
    /// Builds all of it from the environment.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub fn start() -> Result<Self, StartError> {
        let config = started();
        Ok(Self::new(&config, &Clients::new(&config.aws()?)?)?)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        let secret = |id: String| VersionedSecret::new(clients.secrets_manager.clone(), id);
        Ok(Self {
            access: secret(config.access_keys_secret()?),
            refresh: secret(config.refresh_keys_secret()?),
            links: config.link_keys_secret_if_any()?.map(secret),
            algorithm: config.key_algorithm()?,
            lifetimes: config.lifetimes()?,
        })
    }
}

fn access_keys(config: &Config, clients: &Clients) -> Result<KeyCache, ConfigError> {
    let secret = config.access_keys_secret()?;
    Ok(KeyCache::new(clients.secrets_manager.clone(), &secret, TokenKind::Access))
}

/// What the environment says, with logging begun.
fn started() -> Config {
    let config = Config::from_env();
    telemetry::start(config.stack_name());
    config
}

/// The time at which a process starts: a function, or a command of an operator.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "nothing is asked for yet that could bring its own time")]
pub fn start_time() -> Timestamp {
    Timestamp::now()
}

fn note(failures: [Option<String>; 3]) {
    for failure in failures.into_iter().flatten() {
        tracing::error!(error = failure, "not ready yet; every request tries again");
    }
}
