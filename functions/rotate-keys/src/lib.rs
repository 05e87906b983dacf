//! The rotation of the two rings of keys, for Secrets Manager.

use nova_auth::{
    app::{KeyRotation, StartError},
    config::Config,
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    KeyRotation::start(&config)
}
