//! Why a flow did not come to its good end.

use crate::{
    domain::refusal::Refusal,
    entropy::NoEntropy,
    keys::{KeysError, Rejected},
    passwords::HashingFailed,
    store::StoreError,
};

/// Why a flow did not come to its good end.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The answer is no.
    #[error("refused")]
    Refused(Refusal),
    /// The tables did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingFailed),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

impl FlowError {
    /// Whether the same request may go well in a moment.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable { .. }) | Self::Keys(KeysError::Unavailable(_)))
    }

    /// A token that was not accepted, with what to say if that is final.
    pub(crate) fn rejected(rejected: Rejected, refusal: Refusal) -> Self {
        match rejected {
            Rejected::Invalid => Self::Refused(refusal),
            Rejected::Undecided(error) => Self::Keys(error),
        }
    }
}

impl From<Refusal> for FlowError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
