//! The relay: what the tables' streams tell, to the queue of mails and the event bus.

use nova_auth::{
    app::{Relay, StartError},
    aws,
    config::Config,
    relay::Relaying,
    runtime::Function,
};

mod outlets;

use outlets::Services;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let (service, config) = Relay::start(&config).await?;
    let outlets = Services::new(&service, &config, aws::http_client(&config)?);
    Ok(Relaying { service, outlets })
}
