//! The authorizer that any API of API Gateway can attach.

use std::process::ExitCode;

use nova_auth::{
    app::{self, Authorizer},
    authorizer,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = Authorizer::start().await?;
        authorizer::serve(&service).await
    })
    .await
}
