//! How requests are read and answered.

use super::{Config, ConfigError};
use crate::{
    domain::{
        address::TrustedProxies,
        origin::{AllowedHeaders, AllowedOrigins},
    },
    messages::Language,
    settings::{AuthorizerEdge, EdgeConfig},
};

impl Config {
    /// How the endpoints read requests and answer them.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn edge(&self) -> Result<EdgeConfig, ConfigError> {
        Ok(EdgeConfig {
            default_language: self.default_language()?,
            trusted_proxies: self.trusted_proxies()?,
            allowed_origins: self.allowed_origins()?,
            allowed_headers: self.parsed(
                "ALLOWED_HEADERS",
                AllowedHeaders::parse,
                "must be header names, comma-separated",
            )?,
        })
    }

    /// How the authorizer reads requests and answers them.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn authorizer_edge(&self) -> Result<AuthorizerEdge, ConfigError> {
        Ok(AuthorizerEdge {
            default_language: self.default_language()?,
            trusted_proxies: self.trusted_proxies()?,
            websocket_token_query: self.choice("WEBSOCKET_TOKEN_QUERY", &[("off", false), ("on", true)])?,
            tickets: self.choice("TICKETS", &[("disabled", false), ("enabled", true)])?,
        })
    }

    /// The language of messages, where nobody asks for one of ours.
    ///
    /// # Errors
    /// It is another word.
    pub fn default_language(&self) -> Result<Language, ConfigError> {
        self.choice("DEFAULT_LANGUAGE", &Language::ALL.map(|language| (language.name(), language)))
    }

    pub(super) fn allowed_origins(&self) -> Result<AllowedOrigins, ConfigError> {
        let problem = "must be origins like https://app.example.com, comma-separated";
        self.parsed("ALLOWED_ORIGINS", AllowedOrigins::parse, problem)
    }

    fn trusted_proxies(&self) -> Result<TrustedProxies, ConfigError> {
        let problem = "must be networks like 10.0.0.0/8, without host bits, comma-separated";
        self.parsed("TRUSTED_PROXIES", TrustedProxies::parse, problem)
    }
}
