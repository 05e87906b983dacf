//! `nova user delete`.

use std::error::Error;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use nova_auth::domain::ids::UserId;
use nova_auth::domain::user::Profile;
use nova_auth::flows::operator::Deleted;
use serde_json::json;

use super::{Common, UserName, find, moment, operator};
use crate::failure::{NotFound, Usage, refused, told};
use crate::output::shown;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    /// Skip the confirmation.
    #[arg(long, short)]
    yes: bool,
    /// Delete the security log too, including the entry about this deletion.
    #[arg(long)]
    with_log: bool,
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let common = &args.common;
    let store = common.target.store().await?;
    let moment = moment()?;
    let operator = operator(&store, &moment, common.log);
    let user = match find(&store, &common.user).await {
        Err(error) if error.is::<NotFound>() => {
            // A deletion that broke off in the middle is brought to its end by the id.
            let UserName::Id(id) = common.user else { return Err(error) };
            let left = operator.clear_up(id, args.with_log).await?;
            if left.sessions == 0 && left.log.unwrap_or(0) == 0 {
                return Err(error);
            }
            return say(args, id, left);
        }
        found => found?,
    };
    if !args.yes {
        confirm(&user)?;
    }
    let deleted = operator.delete(&user, args.with_log).await.map_err(|error| {
        let error = refused(error);
        if error.is::<NotFound>() {
            return error;
        }
        let line =
            format!("{error}. If the user is gone, `nova user delete {}` completes the deletion", user.id);
        told(line, error)
    })?;
    say(args, user.id, deleted)
}

fn say(args: &Args, id: UserId, deleted: Deleted) -> Result<(), Box<dyn Error>> {
    let log = match deleted.log {
        Some(entries) => format!("security log entries: {entries}"),
        None => "security log kept".to_owned(),
    };
    let document = json!({"id": id.to_string(), "sessions": deleted.sessions, "logEntries": deleted.log});
    let remains = if deleted.log.is_some() { "" } else { "the security log (--with-log removes it), " };
    args.common.output.print(
        &document,
        &format!(
            "deleted {id} (sessions: {}, {log})\nKept until it expires, and grants no access: {remains}\
             call counters, revoked tokens, failed logins by source address",
            deleted.sessions
        ),
    )
}

/// Asks on a terminal. Nobody to ask is a no.
fn confirm(user: &Profile) -> Result<(), Box<dyn Error>> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage("not a terminal; pass --yes to confirm".to_owned()).into());
    }
    let mut out = std::io::stderr();
    write!(
        out,
        "Delete {} ({}, {})? This cannot be undone. [y/N] ",
        shown(user.email.as_str()),
        shown(user.name.as_str()),
        user.id
    )?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err("cancelled; nothing was deleted".into()),
    }
}
