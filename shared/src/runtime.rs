//! The Lambda runtime, as far as every function meets it.

/// It gave up.
#[derive(Debug, thiserror::Error)]
#[error("the Lambda runtime ended: {0}")]
pub struct RuntimeEnded(pub String);
