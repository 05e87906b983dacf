//! The composition root: the one place that builds clients, stores and keys.
//!
//! All of it happens before the first request, while Lambda gives a starting function a whole CPU: connections are
//! opened and keys read then. AWS being out of reach at that moment stops nothing; every request finds out for itself,
//! and is refused until it is back.

mod environment;
mod factors;
mod mail;

use std::process::ExitCode;

use jiff::Timestamp;

use crate::{
    aws::Clients,
    config::{Config, ConfigError},
    gate::RateLimit,
    keys::{KeyCache, RefreshTokens, VersionedSecret},
    rules_cache::RulesCache,
    runtime::{self, Function, RuntimeEnded},
    service::Source,
    settings::EdgeConfig,
    telemetry,
};

use environment::Environment;

pub use crate::service::{
    AuthService, Authorizer, EmailService, EnrolmentPart, FactorService, Introspector, KeyRotation,
    LoginService, LogoutService, PasskeyPart, PasskeyService, PasswordService, RefreshService,
    RegisterService, Relay, SecondStepPart, SessionsService,
};
pub use mail::{RecoverService, RedeemService, mail_links, sending, start_sending};

/// What the public key set is made of. It has no names: it verifies nothing, and makes no token.
#[derive(Debug)]
pub struct PublicKeys {
    /// The keys of access tokens.
    pub keys: KeyCache,
    /// The name in them.
    pub issuer: String,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

/// What CSRF tokens are made of: the refresh tokens' keys, and nothing else.
#[derive(Debug)]
pub struct CsrfService {
    pub refresh: RefreshTokens,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
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

/// Starts a function as this process's environment says, with logging begun, and runs it until Lambda ends it; says in one line
/// why it could not start.
pub async fn run<F: Function>(start: impl AsyncFnOnce(Config) -> Result<F, StartError>) -> ExitCode {
    let config = Config::from_env();
    telemetry::start(config.stack_name());
    let ended = async { Ok::<_, StartError>(runtime::serve(&start(config).await?).await?) };
    match ended.await {
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

/// How a function starts: with all that its service has. These keys of it, and the tables, are warmed up before the first request.
macro_rules! start {
    ($($service:ident: [$($key:ident),*] $($store:ident)?;)+) => { $(
        impl $service {
            /// Builds all of it as the environment says, and warms it up.
            ///
            /// # Errors
            /// [`StartError`], for what no retry would cure.
            pub async fn start(config: Config) -> Result<Self, StartError> {
                let service = Self::of(&Environment::of(config)?)?;
                let ($($key,)* $($store,)?) =
                    tokio::join!($(service.$key.ready(start_time()),)* $(service.$store.warm_up(),)?);
                note([$(failure($key),)* $(failure($store),)?]);
                Ok(service)
            }
        }
    )+ };
}

start! {
    LoginService: [access, refresh] store;
    RefreshService: [access, refresh] store;
    LogoutService: [access, refresh] store;
    SessionsService: [access] store;
    PasswordService: [access] store;
    EmailService: [access] store;
    RegisterService: [] store;
    Authorizer: [access] store;
    Introspector: [access] store;
    PublicKeys: [keys];
    CsrfService: [refresh];
}

/// Builds a service on clients that are there already: for tests, and for who measures.
macro_rules! new {
    ($($service:ident),+) => { $(
        impl $service {
            /// Builds all of it on these clients.
            ///
            /// # Errors
            /// The first variable that is missing or wrong.
            pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
                Self::of(&Environment { config: config.clone(), clients: clients.clone() })
            }
        }
    )+ };
}

new! { AuthService, Authorizer, Introspector, CsrfService }

impl Authorizer {
    fn of(from: &Environment) -> Result<Self, ConfigError> {
        let config = &from.config;
        Ok(Self {
            store: from.store()?,
            access: from.access()?,
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
    fn of(from: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            store: from.store()?,
            access: from.access()?,
            rules: RulesCache::default(),
            no_rules: from.config.no_rules()?,
            edge: from.edge()?,
        })
    }
}

impl PublicKeys {
    fn of(from: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { keys: from.access_keys()?, issuer: from.config.issuer()?, edge: from.edge()? })
    }
}

impl CsrfService {
    fn of(from: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { refresh: from.refresh()?, edge: from.edge()? })
    }
}

impl KeyRotation {
    /// Builds all of it as the environment says.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        Ok(Self::new(config, &Clients::new(&config.aws()?)?)?)
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

/// The time at which a process starts: a function, or a command of an operator.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "nothing is asked for yet that could bring its own time")]
pub fn start_time() -> Timestamp {
    Timestamp::now()
}

/// What to tell of something that could not be warmed up.
fn failure(warmed: Result<(), impl std::fmt::Display>) -> Option<String> {
    warmed.err().map(|error| error.to_string())
}

fn note<const PARTS: usize>(failures: [Option<String>; PARTS]) {
    for failure in failures.into_iter().flatten() {
        tracing::error!(error = failure, "not ready yet; every request tries again");
    }
}
