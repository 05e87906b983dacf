//! What an operator decides, as values: how requests are read and answered, and what happens where the operator has a choice. Where
//! they are read from is for [`crate::config`] to know.

use crate::{
    domain::{
        address::TrustedProxies,
        origin::{AllowedHeaders, AllowedOrigins},
        refusal::Refusal,
    },
    messages::Language,
};

/// How the endpoints read requests and answer them.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// The language of messages, where the client asks for none of ours.
    pub default_language: Language,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which pages of other origins may call from a browser.
    pub allowed_origins: AllowedOrigins,
    /// What they may send beside the headers that everybody needs.
    pub allowed_headers: AllowedHeaders,
}

/// How the authorizer reads requests and answers them.
#[derive(Debug, Clone)]
pub struct AuthorizerEdge {
    /// The language of messages, where the client asks for none of ours.
    pub default_language: Language,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Whether a WebSocket may say its token in the query, which ends up in logs and histories.
    pub websocket_token_query: bool,
    /// Whether a WebSocket may be opened by a ticket.
    pub tickets: bool,
}

/// What is made of devices that logged in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Devices {
    /// Whether they are known.
    pub known: bool,
    /// Whether a user hears by mail of a login on another one. Unless they are known, each one would be another.
    pub told: bool,
}

/// Whether strangers may register, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfRegistration {
    /// Nobody may.
    Closed,
    /// Whoever registers is a user.
    Open,
    /// Whoever registers is a user once the address is confirmed by mail.
    Confirmed,
}

/// What happens after a long run of failures on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAction {
    /// Somebody is told.
    Alarm,
    /// Somebody is told, and the account is disabled, as NIST SP 800-63B-4, section 3.2.2, has it. Not by default:
    /// whoever knows an address could lock its owner out.
    Disable,
}

/// What HTTP APIs with payload 2.0 take from the authorizer: `EnableSimpleResponses` of theirs, which no event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpResponses {
    /// IAM policies, which say all that somebody may call.
    Iam,
    /// Yes or no about one route.
    Simple,
}

/// What an API without rules allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRules {
    /// Nothing.
    Deny,
    /// Everything, to any active user.
    Authenticated,
}

impl NoRules {
    /// What an API without rules answers.
    ///
    /// # Errors
    /// `Forbidden`.
    pub const fn answer(self, is_active_user: bool) -> Result<(), Refusal> {
        match self {
            Self::Authenticated if is_active_user => Ok(()),
            _ => Err(Refusal::Forbidden),
        }
    }
}

/// Which decisions of the authorizer have a line in the log. Refusals and failures always do: they are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionLog {
    /// Every one.
    All,
    /// Those that let nobody in.
    Refusals,
}
