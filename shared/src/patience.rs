//! How long AWS is waited for, and a place that others hold. A value, like time: the functions have one, an operator's commands another,
//! and tests so much of it that a busy machine fails none of them, or none where nothing will come.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

/// How long a call to AWS may take, and a place that others hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To connect.
    pub connection: Duration,
    /// One try of one call.
    pub attempt: Duration,
    /// One call with all its tries.
    pub call: Duration,
    /// An honest login, for others of its address that are in flight.
    pub turn: Duration,
}

impl Patience {
    /// That of the functions, whose clients wait for them.
    pub const DEPLOYED: Self = Self {
        connection: Duration::from_secs(1),
        attempt: Duration::from_millis(1_500),
        call: Duration::from_secs(5),
        turn: Duration::from_secs(5),
    };

    /// That of a client, which is said once, where it is built.
    #[must_use]
    pub fn of(timeouts: Option<&TimeoutConfig>) -> Self {
        let said = |which: fn(&TimeoutConfig) -> Option<Duration>| timeouts.and_then(which);
        Self {
            connection: said(TimeoutConfig::connect_timeout).unwrap_or(Self::DEPLOYED.connection),
            attempt: said(TimeoutConfig::operation_attempt_timeout).unwrap_or(Self::DEPLOYED.attempt),
            call: said(TimeoutConfig::operation_timeout).unwrap_or(Self::DEPLOYED.call),
            // The SDK knows of no such wait.
            turn: Self::DEPLOYED.turn,
        }
    }

    /// The same, as the SDK is told it.
    #[must_use]
    pub fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connection)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.call)
            .build()
    }
}
