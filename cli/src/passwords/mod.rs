//! `nova passwords …`: the filter of breached passwords. It is built on this machine alone, and put into a table of the stack.

mod build;
mod check;
mod list;
mod put;
mod shards;

use std::error::Error;
use std::path::Path;

use nova_auth::store::BreachedList;

use crate::failure::Usage;
use crate::place::Target;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Build a filter from the public list of breached passwords (Pwned Passwords, SHA-1), or from your own list.
    #[command(after_help = build::HELP)]
    Build(build::Args),
    /// Put a filter into the stack's table, replacing the previous one.
    #[command(after_help = put::HELP)]
    Put(put::Args),
    /// Look a password up, in a filter or in the stack's table. The password comes from standard input or a prompt.
    #[command(
        after_help = "Examples:\n  printf '%s' \"$PASSWORD\" | nova passwords check --folder pwned-2026-11\n  \
                            printf '%s' \"$PASSWORD\" | nova passwords check --stack nova-auth\n\n\
                            Exit code 5: the password is in the list."
    )]
    Check(check::Args),
}

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn run(verb: &Verb) -> Result<(), Box<dyn Error>> {
    match verb {
        Verb::Build(args) => build::run(args),
        Verb::Put(args) => put::run(args).await,
        Verb::Check(args) => check::run(args).await,
    }
}

/// The list of the stack that the flags name.
async fn list_of(target: &Target) -> Result<BreachedList, Box<dyn Error>> {
    let list = target.breached_list().await?;
    list.ok_or_else(|| {
        Usage(
            "no table of breached passwords: pass --stack NAME, --breached-table NAME or --local[=URL], of a system with \
             BreachedPasswords=best-effort or required"
                .to_owned(),
        )
        .into()
    })
}

/// What is wrong with a file, with its name.
fn of<E: Into<Box<dyn Error>>>(path: &Path) -> impl Fn(E) -> Box<dyn Error> {
    move |error| format!("{}: {}", path.display(), error.into()).into()
}
