//! The sender of mails: rows that the queue names, to Amazon SES.

use nova_auth::{
    app::{StartError, start_sending},
    aws,
    config::Config,
    runtime::Function,
    send_mail::Sender,
};

mod post;

use post::Ses;

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    let (service, mail, config) = start_sending(&config).await?;
    let post = Ses::new(mail, &config, aws::http_client(&config)?);
    Ok(Sender { service, post })
}
