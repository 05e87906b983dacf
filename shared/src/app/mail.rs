//! The services of a stack that sends mail.

use crate::{
    aws::Clients,
    config::{AwsConfig, Config, ConfigError, EdgeConfig, MailConfig},
    flows::mail::{recover::Recovery, redeem::Redemption, send::Sending},
    keys::{KeyCache, MailLinks, TokenKind},
    service::{Relay, Source},
    store::Store,
};

use super::{StartError, environment::Environment, failure, note, start_time};

/// What the recovery works with. It has no keys.
#[derive(Debug)]
pub struct RecoverService {
    /// The flow's part.
    pub recovery: Recovery,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

/// What the redemption of links works with.
#[derive(Debug)]
pub struct RedeemService {
    /// The flow's part.
    pub redemption: Redemption,
    /// How requests are read and answered.
    pub edge: EdgeConfig,
}

impl RecoverService {
    /// Builds all of it as the environment says. It may read nothing, so that no connection is opened before the first request.
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
        let from = Environment { config: config.clone(), clients: clients.clone() };
        let recovery = Recovery { store: from.store()?, rate_limit: from.rate_limit()? };
        Ok(Self { recovery, edge: config.edge()? })
    }
}

impl RedeemService {
    /// Builds all of it as the environment says, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let service = Self::new(config, &Clients::new(&config.aws()?)?)?;
        let Redemption { links, store, .. } = &service.redemption;
        let (links, store) = tokio::join!(links.ready(start_time()), store.warm_up_mail());
        note([failure(links), failure(store)]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        let from = Environment { config: config.clone(), clients: clients.clone() };
        let redemption = Redemption {
            store: from.store()?,
            links: mail_links(config, clients)?,
            hasher: from.hasher()?,
            password_policy: from.password_policy()?,
            guesses: from.attempts()?.address,
            rate_limit: from.rate_limit()?,
            journal: from.journal()?,
        };
        Ok(Self { redemption, edge: config.edge()? })
    }
}

impl Relay {
    /// Builds all of it as the environment says, and warms it up. The second value is how its own clients reach AWS.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start(config: &Config) -> Result<(Self, AwsConfig), StartError> {
        let aws = config.aws()?;
        let service = Self::new(config, &Clients::new(&aws)?)?;
        note([failure(service.store.warm_up().await)]);
        Ok((service, aws))
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(clients.dynamodb.clone(), config.tables()?),
            queue: config.mail_queue(),
            bus: config.event_bus()?,
        })
    }
}

/// Builds what the sender works with as the environment says, and warms it up. The other values are what its post office needs.
///
/// # Errors
/// [`StartError`], for what no retry would cure.
pub async fn start_sending(config: &Config) -> Result<(Sending, MailConfig, AwsConfig), StartError> {
    let aws = config.aws()?;
    let (service, mail) = sending(config, &Clients::new(&aws)?)?;
    let (links, store) = tokio::join!(service.links.ready(start_time()), service.store.warm_up_mail());
    note([failure(links), failure(store)]);
    Ok((service, mail, aws))
}

/// What the sender works with, on these clients.
///
/// # Errors
/// The first variable that is missing or wrong.
pub fn sending(config: &Config, clients: &Clients) -> Result<(Sending, MailConfig), ConfigError> {
    let mail = config.mail_sender()?;
    let service = Sending {
        store: Store::new(clients.dynamodb.clone(), config.tables()?),
        links: mail_links(config, clients)?,
        service: mail.name.clone(),
        app: mail.app.clone(),
        language: config.default_language()?,
    };
    Ok((service, mail))
}

/// The links in mail.
///
/// # Errors
/// Their secret's name is missing, or that of other keys.
pub fn mail_links(config: &Config, clients: &Clients) -> Result<MailLinks, ConfigError> {
    let secret = config.link_keys_secret()?;
    Ok(MailLinks::new(KeyCache::new(clients.secrets_manager.clone(), secret, TokenKind::Link)))
}
