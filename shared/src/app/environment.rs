//! What a service is built of, as the environment says. Each variable is read when something is asked for that it is about: what a service
//! doesn't have is not looked at.

use std::num::NonZeroUsize;

use super::StartError;
use crate::{
    aws::Clients,
    config::{Config, ConfigError, EdgeConfig, RunAction},
    domain::{attempts::Limits, mfa::MfaPolicy, session::Lifetimes},
    gate::RateLimit,
    journal::Journal,
    keys::{AccessTokens, FactorKeys, KeyCache, RefreshTokens, TokenKind},
    password_policy::{Breached, PasswordPolicy},
    passwords::Hasher,
    service::Source,
    settings::{Devices, SelfRegistration},
    store::{BreachedList, Store},
};

/// The environment, and the clients that it asks for.
pub(super) struct Environment {
    pub(super) config: Config,
    pub(super) clients: Clients,
}

impl Environment {
    /// One with clients of its own.
    pub(super) fn of(config: Config) -> Result<Self, StartError> {
        let clients = Clients::new(&config.aws()?)?;
        Ok(Self { config, clients })
    }

    fn keys(&self, secret: &str, kind: TokenKind) -> KeyCache {
        KeyCache::new(self.clients.secrets_manager.clone(), secret, kind)
    }

    /// The keys of access tokens.
    pub(super) fn access_keys(&self) -> Result<KeyCache, ConfigError> {
        Ok(self.keys(&self.config.access_keys_secret()?, TokenKind::Access))
    }

    /// The keys that second factors are sealed with.
    pub(super) fn factor_keys(&self) -> Result<FactorKeys, ConfigError> {
        Ok(FactorKeys::new(self.keys(&self.config.factor_keys_secret()?, TokenKind::Factor)))
    }
}

impl Source for Environment {
    type Error = ConfigError;

    fn store(&self) -> Result<Store, ConfigError> {
        Ok(Store::new(self.clients.dynamodb.clone(), self.config.tables()?))
    }

    fn journal(&self) -> Result<Journal, ConfigError> {
        Ok(Journal::keeping(self.config.security_log()?))
    }

    fn edge(&self) -> Result<EdgeConfig, ConfigError> {
        self.config.edge()
    }

    fn rate_limit(&self) -> Result<RateLimit, ConfigError> {
        Ok(RateLimit::new(self.config.api_rate(100)?))
    }

    fn access(&self) -> Result<AccessTokens, ConfigError> {
        Ok(AccessTokens::new(self.access_keys()?, self.config.token_names()?))
    }

    fn refresh(&self) -> Result<RefreshTokens, ConfigError> {
        let keys = self.keys(&self.config.refresh_keys_secret()?, TokenKind::Refresh);
        Ok(RefreshTokens::new(keys, self.config.issuers()?, self.config.grace()?))
    }

    fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        self.config.lifetimes()
    }

    fn devices(&self) -> Result<Devices, ConfigError> {
        Ok(Devices { known: self.config.device_cookies()?, told: self.config.new_device_mail()? })
    }

    fn max_sessions(&self) -> Result<Option<NonZeroUsize>, ConfigError> {
        self.config.max_sessions()
    }

    fn hasher(&self) -> Result<Hasher, ConfigError> {
        Ok(Hasher::new(self.config.bcrypt_cost()?))
    }

    fn password_policy(&self) -> Result<PasswordPolicy, ConfigError> {
        Ok(PasswordPolicy { profile: self.config.password_profile()?, breached: self.breached()? })
    }

    fn breached(&self) -> Result<Option<Breached>, ConfigError> {
        let list = self.config.breached_passwords()?;
        Ok(list.map(|(table, required)| Breached {
            list: BreachedList::new(self.clients.dynamodb.clone(), table),
            required,
        }))
    }

    fn attempts(&self) -> Result<Limits, ConfigError> {
        self.config.attempts()
    }

    fn run_action(&self) -> Result<RunAction, ConfigError> {
        self.config.run_action()
    }

    fn registration(&self) -> Result<SelfRegistration, ConfigError> {
        let (is_open, is_confirmed) = (self.config.registration()?, self.config.email_verification()?);
        Ok(match (is_open, is_confirmed) {
            (false, _) => SelfRegistration::Closed,
            (true, false) => SelfRegistration::Open,
            (true, true) => SelfRegistration::Confirmed,
        })
    }

    fn mail(&self) -> Result<bool, ConfigError> {
        self.config.mail()
    }

    fn mfa(&self) -> Result<MfaPolicy, ConfigError> {
        self.config.mfa_policy()
    }
}
