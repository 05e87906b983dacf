//! `nova session …`: where a user is logged in.

use std::error::Error;

use nova_auth::app::start_time;
use nova_auth::domain::ids::SessionId;
use nova_auth::flows::operator::Operator;
use nova_auth::flows::revoke_all::revoke_all;
use serde_json::json;

use crate::failure::refused;
use crate::output::{Output, Table};
use crate::place::Target;
use crate::user::{Common, SessionView, UserName, active, find, moment, operator};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List a user's active sessions, newest first.
    #[command(after_help = "Example:\n  nova session list --local sara@example.com")]
    List(ListArgs),
    /// End one session of a user, or all of them. Takes effect on the next decision.
    #[command(
        after_help = "Examples:\n  nova session revoke --local sara@example.com 0190163d-8694-739b-aea5-966c26f8ad90\n  \
                            nova session revoke --local sara@example.com --all"
    )]
    Revoke(RevokeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The user, by e-mail address or id.
    #[arg(value_name = "USER")]
    user: UserName,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
#[command(override_usage = "nova session revoke [OPTIONS] <USER> <SESSION|--all>",
          group(clap::ArgGroup::new("which").required(true).args(["session", "all"])))]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    common: Common,
    /// The session id, as listed by `nova session list`.
    session: Option<SessionId>,
    /// End all of them in one write, including those just being created.
    #[arg(long)]
    all: bool,
}

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn run(verb: Verb) -> Result<(), Box<dyn Error>> {
    match &verb {
        Verb::List(args) => list(args).await.map_err(|error| args.target.explain(error)),
        Verb::Revoke(args) => revoke(args).await.map_err(|error| args.common.target.explain(error)),
    }
}

async fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let store = args.target.store().await?;
    let user = find(&store, &args.user).await?;
    let sessions = active(store.sessions(user.id).await?, &user, start_time());
    let views: Vec<_> = sessions.iter().map(SessionView::of).collect();
    if views.is_empty() {
        return args.output.print_list(&views, "no active sessions");
    }
    let mut table = Table::new(["SESSION", "BEGAN", "LAST SEEN", "ENDS", "ADDRESS", "USER AGENT"]);
    for view in &views {
        table.row([
            view.id.clone(),
            view.created_at.clone(),
            view.last_seen_at.clone(),
            view.expires_at.clone(),
            view.ip.to_owned(),
            view.user_agent.to_owned(),
        ]);
    }
    args.output.print_list(&views, &table.render())
}

async fn revoke(args: &RevokeArgs) -> Result<(), Box<dyn Error>> {
    let common = &args.common;
    let store = common.target.store().await?;
    let user = find(&store, &common.user).await?;
    let moment = moment()?;
    match args.session {
        Some(session) => {
            let operator = operator(&store, &moment, common.log);
            operator.end_session(user.id, session).await.map_err(refused)?;
            let done = json!({"id": user.id.to_string(), "session": session.to_string(), "ended": true});
            common.output.print(&done, &format!("session {session} of {} has ended", user.id))
        }
        None => {
            let ended = revoke_all(&store, &moment, user.id, &Operator::device(), common.log.journal()).await;
            ended.map_err(refused)?;
            let done = json!({"id": user.id.to_string(), "session": "all", "ended": true});
            common.output.print(&done, &format!("every session of {} has ended", user.id))
        }
    }
}
