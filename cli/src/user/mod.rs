//! `nova user …`: the accounts.

mod change;
mod create;
mod delete;
#[cfg(feature = "local")]
mod demo;
mod edit;
mod export;
mod find;
mod import;
mod invite;
mod language;
mod lines;
mod list;
mod password;
mod records;
mod sessions;
mod show;
mod suppressed;
mod view;

use std::error::Error;

use nova_auth::app::start_time;
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::flows::journal::Journal;
use nova_auth::flows::operator::Operator;
use nova_auth::store::Store;

#[cfg(feature = "local")]
pub(crate) use self::demo::prepare_for_demo;
pub(crate) use self::find::{UserName, find};
pub(crate) use self::import::progress;
pub(crate) use self::password::read_known as read_known_password;
pub(crate) use self::sessions::{SessionView, active};
pub(crate) use self::view::time;
use crate::place::Target;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Create a user. The password comes from standard input, or from a prompt that asks twice.
    #[command(
        after_help = "Example:\n  printf '%s' \"$PASSWORD\" | nova user create --local --email sara@example.com --name Sara --role admin"
    )]
    Create(create::Args),
    /// List users, in no particular order.
    #[command(after_help = "Examples:\n  nova user list --local --role admin\n  \
                            nova user list --stack nova-auth --status disabled --json | jq -r .email")]
    List(list::Args),
    /// Show a user: profile, failed logins, sessions, the security log, and whether mail reaches them.
    #[command(after_help = "Example:\n  nova user show --local sara@example.com --events 50")]
    Show(show::Args),
    /// Disable a user: block login and end every session, in one write.
    #[command(after_help = "Example:\n  nova user disable --local sara@example.com")]
    Disable(change::StatusArgs),
    /// Enable a disabled user. Old sessions stay ended.
    #[command(after_help = "Example:\n  nova user enable --local sara@example.com")]
    Enable(change::StatusArgs),
    /// Change a user's e-mail address or name. A new address ends every session; the password stays.
    #[command(
        after_help = "Examples:\n  nova user edit --local sara@example.com --email sara.haddad@example.com\n  \
                            nova user edit --local sara@example.com --name 'Sara Haddad'"
    )]
    Edit(edit::Args),
    /// Set a user's role.
    #[command(after_help = "Example:\n  nova user role --local sara@example.com admin")]
    Role(change::RoleArgs),
    /// Add permissions to a user.
    #[command(after_help = "Example:\n  nova user grant --local sara@example.com notes:read notes:write")]
    Grant(change::GrantArgs),
    /// Remove permissions from a user. (For sessions: `nova session revoke`.)
    #[command(after_help = "Examples:\n  nova user revoke --local sara@example.com notes:write\n  \
                            nova user revoke --local sara@example.com notes:write --end-sessions")]
    Revoke(change::RevokeArgs),
    /// Set a user's password (from standard input or a prompt), and end every session.
    #[command(
        after_help = "Example:\n  printf '%s' \"$PASSWORD\" | nova user password --local sara@example.com"
    )]
    Password(password::Args),
    /// Invite a user by mail: the link lets them set a password, which no operator knows. Needs Mail=enabled.
    #[command(
        after_help = "Examples:\n  nova user invite --local --email sara@example.com --name Sara --role admin\n  \
                            nova user invite --local --email sara@example.com --resend"
    )]
    Invite(invite::InviteArgs),
    /// Send a user the mail for setting a new password. Needs Mail=enabled.
    #[command(after_help = "Example:\n  nova user reset-mail --local sara@example.com")]
    ResetMail(invite::ResetMailArgs),
    /// Clear the failed logins of a user, or from a source address, so that they can try again at once.
    #[command(after_help = "Examples:\n  nova user unlock --local sara@example.com\n  \
                            nova user unlock --local --address 203.0.113.7")]
    Unlock(change::UnlockArgs),
    /// Delete a user and their sessions.
    #[command(after_help = "Examples:\n  nova user delete --local sara@example.com\n  \
                            nova user delete --local sara@example.com --yes --with-log")]
    Delete(delete::Args),
    /// Import users from a JSON Lines file, with their bcrypt password hashes. Existing users are never changed.
    #[command(after_help = import::HELP)]
    Import(import::Args),
    /// Export all users to a file that import reads, with their password hashes.
    #[command(after_help = "Examples:\n  nova user export --stack nova-auth users.jsonl\n  \
                            nova user export --local - | jq -r .email")]
    Export(export::Args),
}

impl Verb {
    fn target(&self) -> &Target {
        match self {
            Verb::Create(args) => &args.target,
            Verb::List(args) => &args.target,
            Verb::Show(args) => &args.target,
            Verb::Disable(args) | Verb::Enable(args) => &args.common.target,
            Verb::Edit(args) => &args.common.target,
            Verb::Role(args) => &args.common.target,
            Verb::Grant(args) => &args.common.target,
            Verb::Revoke(args) => &args.common.target,
            Verb::Password(args) => &args.common.target,
            Verb::Invite(args) => &args.target,
            Verb::ResetMail(args) => &args.common.target,
            Verb::Unlock(args) => &args.target,
            Verb::Delete(args) => &args.common.target,
            Verb::Import(args) => &args.target,
            Verb::Export(args) => &args.target,
        }
    }

    async fn act(&self) -> Result<(), Box<dyn Error>> {
        match self {
            Verb::Create(args) => create::run(args).await,
            Verb::List(args) => list::run(args).await,
            Verb::Show(args) => show::run(args).await,
            Verb::Disable(args) => change::disable(args).await,
            Verb::Enable(args) => change::enable(args).await,
            Verb::Edit(args) => edit::run(args).await,
            Verb::Role(args) => change::role(args).await,
            Verb::Grant(args) => change::grant(args).await,
            Verb::Revoke(args) => change::revoke(args).await,
            Verb::Password(args) => password::run(args).await,
            Verb::Invite(args) => invite::invite(args).await,
            Verb::ResetMail(args) => invite::reset_mail(args).await,
            Verb::Unlock(args) => change::unlock(args).await,
            Verb::Delete(args) => delete::run(args).await,
            Verb::Import(args) => import::run(args).await,
            Verb::Export(args) => export::run(args).await,
        }
    }
}

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn run(verb: Verb) -> Result<(), Box<dyn Error>> {
    verb.act().await.map_err(|error| verb.target().explain(error))
}

/// What every verb takes that changes a user.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The user, by e-mail address or id.
    #[arg(value_name = "USER")]
    pub(crate) user: UserName,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(flatten)]
    pub(crate) output: crate::output::Output,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// How long the security log is kept.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct LogArgs {
    /// Days to keep security log entries written here; must match the functions' configuration.
    #[arg(long, value_name = "DAYS", default_value_t = 365, env = "SECURITY_LOG_DAYS", hide_env_values = true,
          value_parser = clap::value_parser!(i32).range(1..=3650))]
    security_log_days: i32,
}

impl Default for LogArgs {
    fn default() -> Self {
        LogArgs { security_log_days: 365 }
    }
}

impl LogArgs {
    pub(crate) fn journal(self) -> Journal {
        Journal::keeping(jiff::SignedDuration::from_hours(24) * self.security_log_days)
    }
}

/// The time, and a name for this command in the security log.
pub(crate) fn moment() -> Result<Moment, Box<dyn Error>> {
    let now = start_time();
    Ok(Moment { now, request: RequestId::new(nova_auth::entropy::uuid(now)?.to_string()) })
}

/// The operator who types this.
pub(crate) fn operator<'a>(store: &'a Store, moment: &'a Moment, log: LogArgs) -> Operator<'a> {
    Operator { store, moment, journal: log.journal(), tells: None }
}
