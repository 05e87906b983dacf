//! The end-to-end tests: the real functions, over HTTP, in the system that `nova local` runs.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is test code, and a test may fail"
)]

mod main_job;
mod support;
mod template;
