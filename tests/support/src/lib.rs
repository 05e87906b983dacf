//! What more than one of the packages of tests stands on. What only running functions need is in `tests/system/support`.
//!
//! | module | what is in it |
//! |---|---|
//! | [`engine`] | the DynamoDB of a test: in its process, or Amazon's own |
//! | [`proxy`] | a DynamoDB that fails when it is told to, and sees who calls |
//! | [`dynamodb`] | a call in its protocol |
//! | [`secrets`] | a Secrets Manager in memory, which fails when it is told to |
//! | [`tokens`] | tokens taken apart, and signed as nobody should |
//! | [`totp`], [`passkey`] | second factors, as their users hold them |
//! | [`template`] | the templates as JSON |
//! | [`routes`] | the routes that a stack can have |
//! | [`needs`], [`iam`] | what each function needs, what its role gives it, and what IAM says of a call |
//! | [`random`] | numbers that look random and are the same each time |

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "all of this is test code: it may fail the test that calls it"
)]

pub mod dynamodb;
pub mod engine;
pub mod iam;
pub mod needs;
pub mod passkey;
pub mod proxy;
pub mod random;
pub mod routes;
pub mod secrets;
pub mod template;
pub mod tokens;
pub mod totp;

use std::path::Path;

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}
