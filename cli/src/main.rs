//! `nova`: runs, operates and measures Nova Auth. One file a verb.

#[cfg(feature = "local")]
mod bench;
#[cfg(feature = "local")]
mod demo;
mod keys;
#[cfg(feature = "local")]
mod local;
mod rules;
mod secrets;
mod tables;
mod user;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs and operates Nova Auth.
#[derive(Debug, Parser)]
#[command(name = "nova", version, arg_required_else_help = true)]
struct Nova {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole system on this machine, as template.yaml describes it.
    #[cfg(feature = "local")]
    Local(local::Args),
    /// Measure the functions: cold and warm, time, CPU and memory, calls, and what that costs.
    #[cfg(feature = "local")]
    Bench(bench::Args),
    /// The rules of an attached API: check, put, show.
    #[command(subcommand)]
    Rules(rules::Verb),
    /// The keys of the tokens: list, rotate.
    #[command(subcommand)]
    Keys(keys::Verb),
    /// Users: create.
    #[command(subcommand)]
    User(user::Verb),
}

impl Verb {
    async fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            #[cfg(feature = "local")]
            Verb::Local(args) => local::run(args).await,
            #[cfg(feature = "local")]
            Verb::Bench(args) => bench::run(args).await,
            Verb::Rules(verb) => rules::run(verb).await,
            Verb::Keys(verb) => keys::run(verb).await,
            Verb::User(verb) => user::run(verb).await,
        }
    }
}

fn main() -> ExitCode {
    let nova = Nova::parse();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(nova.verb.run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nobody to read the line, the exit code still tells.
            drop(writeln!(std::io::stderr(), "nova: {error}"));
            ExitCode::FAILURE
        }
    }
}
