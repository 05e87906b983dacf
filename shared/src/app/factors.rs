//! The services of a stack that takes second factors.

use super::{
    AuthService, FactorService, PasskeyService, Rings, Setting, StartError, note, start_time, started,
};
use crate::{
    aws::Clients,
    config::{Config, ConfigError},
    keys::{FactorKeys, KeyCache, TokenKind},
};

impl FactorService {
    /// Builds what the function uses from the environment, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(rings: Rings, settings: &[Setting]) -> Result<Self, StartError> {
        let config = started();
        let clients = Clients::new(&config.aws()?)?;
        let service = Self::with(AuthService::build(&config, &clients, rings, settings)?, &config, &clients)?;
        let auth = &service.auth;
        let now = start_time();
        let tokens = async {
            match rings {
                Rings::Both => auth.ready(now).await,
                Rings::Access => auth.access.ready(now).await,
                Rings::Refresh => auth.refresh.ready(now).await,
                Rings::None => Ok(()),
            }
        };
        let (tokens, factors, store) = tokio::join!(tokens, service.keys.ready(now), auth.store.warm_up());
        note([
            tokens.err().map(|e| e.to_string()),
            factors.err().map(|e| e.to_string()),
            store.err().map(|e| e.to_string()),
        ]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Self::with(AuthService::new(config, clients)?, config, clients)
    }

    fn with(auth: AuthService, config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        let secret = config.factor_keys_secret()?;
        let keys = KeyCache::new(clients.secrets_manager.clone(), &secret, TokenKind::Factor);
        let passkeys = config.relying_party_if_any()?;
        Ok(Self { auth, keys: FactorKeys::new(keys), name: config.service_name()?, passkeys })
    }
}

impl PasskeyService {
    /// Builds what the function uses from the environment, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(settings: &[Setting]) -> Result<Self, StartError> {
        let config = started();
        let clients = Clients::new(&config.aws()?)?;
        let service = Self::with(AuthService::build(&config, &clients, Rings::Both, settings)?, &config)?;
        let auth = &service.auth;
        let (tokens, store) = tokio::join!(auth.ready(start_time()), auth.store.warm_up());
        note([tokens.err().map(|e| e.to_string()), store.err().map(|e| e.to_string()), None]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Self::with(AuthService::new(config, clients)?, config)
    }

    fn with(auth: AuthService, config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { auth, passkeys: config.relying_party()? })
    }
}
