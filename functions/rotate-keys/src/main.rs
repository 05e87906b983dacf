//! The rotation of the two rings of keys, for Secrets Manager.

use std::process::ExitCode;

use nova_auth::{
    app::{self, KeyRotation},
    rotation,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    app::run(async {
        let service = KeyRotation::start()?;
        rotation::serve(&service).await
    })
    .await
}
