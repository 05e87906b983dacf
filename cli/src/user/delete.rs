//! `nova user delete`.

use std::error::Error;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use nova_auth::domain::ids::UserId;
use nova_auth::domain::user::Profile;
use nova_auth::flows::operator::Deleted;
use serde_json::json;

use super::{Common, UserName, find, moment, operator};
use crate::failure::{NotFound, refused};
use crate::output::shown;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Delete the user's security log too, and that they were deleted.
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
        format!("{error}. If the user is gone, `nova user delete {}` removes what is left", user.id).into()
    })?;
    say(args, user.id, deleted)
}

fn say(args: &Args, id: UserId, deleted: Deleted) -> Result<(), Box<dyn Error>> {
    let log = match deleted.log {
        Some(entries) => format!("{entries} entries of the security log"),
        None => "no entry of the security log".to_owned(),
    };
    let document = json!({"id": id.to_string(), "sessions": deleted.sessions, "logEntries": deleted.log});
    let remains = if deleted.log.is_some() { "" } else { "the security log (until its days are over), " };
    args.common.output.print(
        &document,
        &format!(
            "deleted {id}, with {} sessions and {log}\nWhat remains until its time is over, and lets nobody in: {remains}\
             counts of calls, tokens on the blacklist, and attempts by address",
            deleted.sessions
        ),
    )
}

/// Asks on a terminal. Nobody to ask is a no.
fn confirm(user: &Profile) -> Result<(), Box<dyn Error>> {
    if !std::io::stdin().is_terminal() {
        return Err("nobody is there to be asked: say --yes".into());
    }
    let mut out = std::io::stderr();
    write!(
        out,
        "Delete {} ({}, {})? There is no way back. [y/N] ",
        shown(user.email.as_str()),
        shown(user.name.as_str()),
        user.id
    )?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err("nothing was deleted".into()),
    }
}
