//! The time and the request that a decision is made for.

use jiff::Timestamp;

/// When a request is decided, and which one it is. Every flow takes one; none looks at a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The time of the decision.
    pub now: Timestamp,
    /// The invocation: unique, never chosen by a client, the same for every retry that the SDK makes within it.
    pub request: RequestId,
}

impl Moment {
    /// The same request, at a later time (after it had to wait).
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        Self { now, request: self.request.clone() }
    }
}

/// The identifier that Lambda gives to one invocation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// Takes the identifier as the runtime names it.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By its name a retry of the SDK is told from another request: as one name for all, every theft would be a retry.
    #[test]
    fn a_request_that_waited_is_still_the_same_request() {
        let begun = Moment { now: Timestamp::UNIX_EPOCH, request: RequestId::new("8f5") };
        let later = begun.at(Timestamp::MAX);
        assert_eq!((later.now, later.request.as_str()), (Timestamp::MAX, "8f5"));
        assert_ne!(later.request, RequestId::new("8f6"));
    }
}
