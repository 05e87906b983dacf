//! The services of a stack that sends mail.

use crate::{
    aws::Clients,
    config::{AwsConfig, Config, ConfigError, EdgeConfig, MailConfig},
    flows::{
        journal::Journal,
        mail::{recover::Recovery, redeem::Redemption, send::Sending},
    },
    gate::RateLimit,
    keys::{KeyCache, MailLinks, TokenKind},
    password_policy::PasswordPolicy,
    passwords::Hasher,
    service::Relay,
    store::Store,
};

use super::{StartError, breached, note, start_time, started};

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
    /// Builds all of it from the environment. It may read nothing, so that no connection is opened before the first request.
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
        let recovery = Recovery {
            store: Store::new(clients.dynamodb.clone(), config.tables()?),
            rate_limit: RateLimit::new(config.api_rate(100)?),
        };
        Ok(Self { recovery, edge: config.edge()? })
    }
}

impl RedeemService {
    /// Builds all of it from the environment, and warms it up.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start() -> Result<Self, StartError> {
        let config = started();
        let service = Self::new(&config, &Clients::new(&config.aws()?)?)?;
        let Redemption { links, store, .. } = &service.redemption;
        let (links, store) = tokio::join!(links.ready(start_time()), store.warm_up_mail());
        note([links.err().map(|e| e.to_string()), store.err().map(|e| e.to_string()), None]);
        Ok(service)
    }

    /// Builds all of it on these clients.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn new(config: &Config, clients: &Clients) -> Result<Self, ConfigError> {
        let redemption = Redemption {
            store: Store::new(clients.dynamodb.clone(), config.tables()?),
            links: mail_links(config, clients)?,
            hasher: Hasher::new(config.bcrypt_cost()?),
            policy: PasswordPolicy {
                profile: config.password_profile()?,
                breached: breached(config, clients)?,
            },
            guesses: config.attempts()?.address,
            rate_limit: RateLimit::new(config.api_rate(100)?),
            journal: Journal::keeping(config.security_log()?),
        };
        Ok(Self { redemption, edge: config.edge()? })
    }
}

impl Relay {
    /// Builds all of it from the environment, and warms it up. The second value is how its own clients reach AWS.
    ///
    /// # Errors
    /// [`StartError`], for what no retry would cure.
    pub async fn start() -> Result<(Self, AwsConfig), StartError> {
        let config = started();
        let aws = config.aws()?;
        let service = Self::new(&config, &Clients::new(&aws)?)?;
        note([service.store.warm_up().await.err().map(|e| e.to_string()), None, None]);
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

/// Builds what the sender works with from the environment, and warms it up. The other values are what its post office needs.
///
/// # Errors
/// [`StartError`], for what no retry would cure.
pub async fn start_sending() -> Result<(Sending, MailConfig, AwsConfig), StartError> {
    let config = started();
    let aws = config.aws()?;
    let (service, mail) = sending(&config, &Clients::new(&aws)?)?;
    let (links, store) = tokio::join!(service.links.ready(start_time()), service.store.warm_up_mail());
    note([links.err().map(|e| e.to_string()), store.err().map(|e| e.to_string()), None]);
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
