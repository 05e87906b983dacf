//! The sender of mails: rows that the queue names, to Amazon SES.

use std::process::ExitCode;

use nova_auth::{
    app::{self, start_sending},
    aws, send_mail,
};

mod post;

use post::Ses;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let (service, mail, config) = start_sending().await?;
        let ses = Ses::new(mail, &config, aws::http_client(&config)?);
        send_mail::serve(&service, &ses).await
    })
    .await
}
