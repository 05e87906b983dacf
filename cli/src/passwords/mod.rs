//! `nova passwords …`: the filter of breached passwords. It asks nobody: no tables, no network.

mod build;
mod check;
mod list;
mod shards;

use std::error::Error;
use std::path::Path;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Make a filter of the public list of breached passwords (Pwned Passwords, SHA-1), or of a list of your own.
    #[command(after_help = build::HELP)]
    Build(build::Args),
    /// Look a password up in a filter. The password comes from standard input or a prompt.
    #[command(
        after_help = "Example:\n  printf '%s' \"$PASSWORD\" | nova passwords check --folder pwned-2026-11\n\n\
                            Exit code 5: the password is in the list."
    )]
    Check(check::Args),
}

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) fn run(verb: &Verb) -> Result<(), Box<dyn Error>> {
    match verb {
        Verb::Build(args) => build::run(args),
        Verb::Check(args) => check::run(args),
    }
}

/// What is wrong with a file, with its name.
fn of<E: Into<Box<dyn Error>>>(path: &Path) -> impl Fn(E) -> Box<dyn Error> {
    move |error| format!("{}: {}", path.display(), error.into()).into()
}
