//! The authorizer that any API of API Gateway can attach.

use nova_auth::{
    app::{Authorizer, StartError},
    config::Config,
    runtime::Function,
};

/// Starts the function.
///
/// # Errors
/// A variable is missing or wrong.
pub async fn start(config: Config) -> Result<impl Function, StartError> {
    Authorizer::start(config).await
}
