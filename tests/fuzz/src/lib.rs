//! What the fuzz targets share: storage that says yes to every question, and tokens that have to be accepted.
//!
//! Behind this authorizer every user is an active admin, every session is alive and no token is blacklisted. All that
//! stands between an event and an Allow is the token: whoever gets an Allow without one of [`Tokens`] has found a hole.
//! Nothing is ever written: a request that has passed every check ends with an error of storage, and so is told from one
//! that was refused.

mod browser;
mod generous;
mod tokens;

use std::sync::LazyLock;

use jiff::Timestamp;
use nova_auth::{
    app::{AuthService, Authorizer},
    aws::Clients,
    config::Config,
    domain::moment::{Moment, RequestId},
};

pub use browser::Browser;
pub use tokens::{ALGORITHMS, Tokens};

pub(crate) const REFRESH_SECRET: &str = "refresh";

/// When everything happens.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_780_000_000)
}

/// The moment of a request.
#[must_use]
pub fn moment() -> Moment {
    Moment { now: now(), request: RequestId::new("fuzz") }
}

/// Runs a future that has nothing to wait for.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap());
    RUNTIME.block_on(future)
}

/// The configuration, with this more.
#[must_use]
pub fn config(more: &[(&str, &str)]) -> Config {
    let fixed = [
        ("IDENTITY_TABLE", "identity"),
        ("SESSIONS_TABLE", "sessions"),
        ("ACCESS_KEYS_SECRET", "access"),
        ("REFRESH_KEYS_SECRET", REFRESH_SECRET),
        // Whoever calls as often as this does would be refused for that alone.
        ("API_RATE_LIMIT", "0"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    fixed.iter().chain(more).copied().collect()
}

/// An authorizer on generous storage.
#[must_use]
pub fn authorizer(tokens: &Tokens, config: &Config) -> Authorizer {
    Authorizer::new(config, &clients_of(&tokens.key_set(), config)).unwrap()
}

/// The authentication functions on generous storage.
#[must_use]
pub fn service(tokens: &Tokens, config: &Config) -> AuthService {
    AuthService::new(config, &clients_of(&tokens.key_set(), config)).unwrap()
}

/// Clients of generous storage, with these keys.
fn clients_of(keys: &str, config: &Config) -> Clients {
    let http = generous::client(keys);
    let credentials = aws_sdk_secretsmanager::config::Credentials::new("test", "test", None, None, "test");
    let secrets = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
        .region(aws_sdk_secretsmanager::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .http_client(http.clone());
    Clients {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(
            nova_auth::aws::dynamodb_config(&config.aws().unwrap(), http).build(),
        ),
        secrets_manager: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
    }
}
