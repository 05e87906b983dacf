//! The system on one machine: no account, no containers, nothing to install.
//!
//! [`Stack`] reads the templates ([`nova_template`]) and runs what they describe, and nothing else: there is no second
//! list of routes, tables or variables.
//!
//! | | |
//! |---|---|
//! | [`storage`], `dynamodb` | DynamoDB in this process, with the templates' tables; its protocol |
//! | `engine` | another DynamoDB in its place |
//! | `ask` | one request to a server that is not ours |
//! | `secrets/` | a stand-in for Secrets Manager |
//! | `mail/` | a stand-in for Amazon SES, and the mailbox |
//! | `sources/` | what calls functions besides requests: streams, queues, event buses |
//! | `binaries` | the functions' binaries, found or built |
//! | `upstream/`, [`in_process`] | in place of a function's processes: a development server, or threads of this process |
//! | `process`, `runtime`, `instance`, `pool` | a function: its processes, the Runtime API they talk to, which call goes where |
//! | [`workbench`] | tables, secrets and processes without a gateway, for those who measure |
//! | `gateway/` | API Gateway: `rest.rs` is the way of a request through it |
//! | `invoke` | Lambda's `Invoke`, for programs beside the functions |
//! | `guard` | who may not ask: pages of other sites |
//! | `web/` | a page that shows the system, for a person with a browser |
//!
//! The functions are the real binaries (or, in tests, the libraries that these run), which talk through the real SDK: this crate knows
//! templates, protocols and processes, and nothing of what the functions do.

mod ask;
mod binaries;
mod clock;
mod documents;
mod dynamodb;
mod engine;
mod expressions;
mod gateway;
mod guard;
pub mod in_process;
mod instance;
mod invoke;
mod logs;
mod mail;
mod objects;
mod options;
mod pool;
mod process;
mod random;
mod runtime;
mod secrets;
mod server;
mod sources;
mod stack;
pub mod storage;
mod tables;
mod upstream;
mod web;
pub mod workbench;

pub use ask::{NotAnOrigin, Origin};
pub use binaries::{Binaries, BinariesError};
pub use clock::Clock;
pub use engine::Engine;
pub use logs::LogSink;
pub use options::{DemoUser, Options};
pub use random::NoRandomness;
pub use secrets::{GenerateError, SecretsError};
pub use server::BindError;
pub use stack::{Stack, StartError};
pub use storage::Storage;
