//! The services of a stack that takes second factors.

use super::{
    AuthService, EnrolmentPart, FactorService, PasskeyPart, PasskeyService, SecondStepPart, StartError,
    environment::Environment, failure, note, start_time,
};
use crate::{
    aws::Clients,
    config::{Config, ConfigError},
};

impl FactorService<EnrolmentPart> {
    /// Builds all of it as the environment says, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let from = Environment::of(config)?;
        let service = Self::with(EnrolmentPart::of(&from)?, &from)?;
        let (auth, now) = (&service.auth, start_time());
        let (access, factors, store) =
            tokio::join!(auth.access.ready(now), service.keys.ready(now), auth.store.warm_up());
        note([failure(access), failure(factors), failure(store)]);
        Ok(service)
    }
}

impl FactorService<SecondStepPart> {
    /// Builds all of it as the environment says, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let from = Environment::of(config)?;
        let service = Self::with(SecondStepPart::of(&from)?, &from)?;
        let (auth, now) = (&service.auth, start_time());
        let (access, refresh, factors, store) = tokio::join!(
            auth.access.ready(now),
            auth.refresh.ready(now),
            service.keys.ready(now),
            auth.store.warm_up()
        );
        note([failure(access), failure(refresh), failure(factors), failure(store)]);
        Ok(service)
    }
}

impl FactorService {
    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        let from = Environment { config: config.clone(), clients: clients.clone() };
        Self::with(AuthService::of(&from)?, &from)
    }
}

impl<A> FactorService<A> {
    fn with(auth: A, from: &Environment) -> Result<Self, ConfigError> {
        let (name, passkeys) = (from.config.service_name()?, from.config.relying_party_if_any()?);
        Ok(Self { auth, keys: from.factor_keys()?, name, passkeys })
    }
}

impl PasskeyService<PasskeyPart> {
    /// Builds all of it as the environment says, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let from = Environment::of(config)?;
        let service = Self { auth: PasskeyPart::of(&from)?, passkeys: from.config.relying_party()? };
        let (auth, now) = (&service.auth, start_time());
        let (access, refresh, store) =
            tokio::join!(auth.access.ready(now), auth.refresh.ready(now), auth.store.warm_up());
        note([failure(access), failure(refresh), failure(store)]);
        Ok(service)
    }
}

impl PasskeyService {
    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Ok(Self { auth: AuthService::new(config, clients)?, passkeys: config.relying_party()? })
    }
}
