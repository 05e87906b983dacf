//! What was sent.

use serde_json::Value;

/// A try of a call.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// `GetItem`, and so on.
    pub(super) operation: String,
    /// What it says.
    pub(super) body: Value,
    /// The same for every try that the SDK makes of one call.
    pub(super) invocation: String,
    /// One more than that of the last call whose answer was there when this one was made.
    pub(super) round: u32,
    /// Capacity units that it took.
    pub(super) units: f64,
}
