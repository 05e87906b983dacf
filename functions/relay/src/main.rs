//! The relay: what the tables' streams tell, to the queue of mails and the event bus.

use std::process::ExitCode;

use nova_auth::{
    app::{self, Relay},
    aws, relay,
};

mod outlets;

use outlets::Services;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let (service, config) = Relay::start().await?;
        let services = Services::new(&service, &config, aws::http_client(&config)?);
        relay::serve(&service, &services).await
    })
    .await
}
