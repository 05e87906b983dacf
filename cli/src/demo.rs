//! `nova local --demo`: a walk through the service, on a stack that runs.

use std::error::Error;

use nova_local::Stack;

/// Makes a user and walks login → call → refresh → logout, showing each exchange.
pub(crate) async fn run(_stack: &Stack) -> Result<(), Box<dyn Error>> {
    Err("--demo is not part of this build yet".into())
}
