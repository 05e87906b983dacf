//! What holds of every input, and not only of those that somebody thought of: addresses and networks, windows of attempts,
//! the one spelling of a mailbox, passwords, routes, whole users. Policies have a test of their own (`policies.rs`).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

mod addresses;
mod channels;
mod passwords;
mod routes;
mod spellings;
mod users;
mod windows;

use proptest::prelude::ProptestConfig;

/// Enough to find what is wrong in one of a few hundred inputs, each time.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
