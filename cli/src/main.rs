//! `nova`: runs, operates and measures Nova Auth. One file a verb.

#[cfg(feature = "local")]
mod bench;
#[cfg(feature = "local")]
mod demo;
mod doctor;
mod factor;
mod failure;
mod help;
mod keys;
#[cfg(feature = "local")]
mod local;
mod output;
mod passwords;
mod place;
mod rules;
mod session;
mod uploads;
mod user;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Where to begin, for whoever has just installed it.
#[cfg(feature = "local")]
const BEGIN: &str = "\
New here?
  nova local --demo                 watch a login, a call, a refresh and a logout on this machine
  nova user create --local --help   create a user on a running `nova local`
  nova doctor --stack NAME          check a deployed stack";
#[cfg(not(feature = "local"))]
const BEGIN: &str = "\
New here?
  nova user create --stack NAME --help   create a user
  nova doctor --stack NAME               check a deployed stack";

/// Runs and operates Nova Auth.
#[derive(Debug, Parser)]
#[command(name = "nova", version, arg_required_else_help = true, before_help = BEGIN, after_help = failure::EXIT_CODES)]
struct Nova {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the whole system on this machine, as described by template.yaml.
    #[cfg(feature = "local")]
    #[command(after_help = local::EXAMPLES)]
    Local(local::Args),
    /// Measure the functions: cold and warm starts, CPU, memory, calls and cost.
    #[cfg(feature = "local")]
    Bench(bench::Args),
    /// The rules of an attached API: check, test, put, show.
    #[command(subcommand, after_help = failure::EXIT_CODES)]
    Rules(rules::Verb),
    /// The token signing keys: list, rotate.
    #[command(subcommand)]
    Keys(keys::Verb),
    /// Users: create, list, show, edit, disable, enable, role, grant, revoke, password, invite, reset-mail, unlock,
    /// delete, import, export.
    #[command(subcommand, after_help = failure::EXIT_CODES)]
    User(user::Verb),
    /// Sessions of a user: list, revoke.
    #[command(subcommand, after_help = failure::EXIT_CODES)]
    Session(session::Verb),
    /// Second factors of a user: list, reset.
    #[command(subcommand, after_help = failure::EXIT_CODES)]
    Factor(factor::Verb),
    /// Breached passwords: build a filter of them, put it into a stack, check one.
    #[command(subcommand, after_help = failure::EXIT_CODES)]
    Passwords(passwords::Verb),
    /// The rules of guarded uploads: check, put, show.
    #[command(subcommand, after_help = failure::EXIT_CODES)]
    Uploads(uploads::Verb),
    /// Check that a deployment is healthy and production-ready.
    #[command(after_help = doctor::HELP)]
    Doctor(doctor::Args),
    /// Generate shell completions.
    #[command(
        after_help = "Example:\n  nova completions bash > ~/.local/share/bash-completion/completions/nova"
    )]
    Completions(help::Completions),
    /// Print the manual page.
    #[command(after_help = "Examples:\n  nova man | man -l -\n  nova man --dir ~/.local/share/man/man1")]
    Man(help::Man),
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
            Verb::Session(verb) => session::run(verb).await,
            Verb::Factor(verb) => factor::run(verb).await,
            Verb::Passwords(verb) => passwords::run(&verb).await,
            Verb::Uploads(verb) => uploads::run(&verb).await,
            Verb::Doctor(args) => doctor::run(args).await,
            Verb::Completions(args) => help::completions(&args),
            Verb::Man(args) => help::man(&args),
        }
    }
}

fn main() -> ExitCode {
    let nova = Nova::parse();
    let result =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into).and_then(
            |runtime| {
                let result = runtime.block_on(nova.verb.run());
                // A thread may still be waiting for a line that nobody is going to type.
                runtime.shutdown_timeout(Duration::from_secs(1));
                result
            },
        );
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(error.as_ref()),
    }
}
