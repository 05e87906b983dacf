//! `nova factor …`: the second factors of a user.

use std::error::Error;

use nova_auth::store::TotpFactor;
use serde_json::{Value, json};

use crate::failure::refused;
use crate::output::{Output, Table};
use crate::place::Target;
use crate::user::{Common, UserName, find, moment, operator, time};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List a user's second factors; nothing secret is shown.
    #[command(after_help = "Example:\n  nova factor list --local sara@example.com")]
    List(ListArgs),
    /// Remove all second factors of a user, including recovery codes, and end every session, for example after a lost
    /// phone. Verify the user's identity first.
    #[command(after_help = "Example:\n  nova factor reset --local sara@example.com")]
    Reset(ResetArgs),
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
pub(crate) struct ResetArgs {
    #[command(flatten)]
    common: Common,
}

/// Does what the verb says.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn run(verb: Verb) -> Result<(), Box<dyn Error>> {
    match &verb {
        Verb::List(args) => list(args).await.map_err(|error| args.target.explain(error)),
        Verb::Reset(args) => reset(args).await.map_err(|error| args.common.target.explain(error)),
    }
}

async fn list(args: &ListArgs) -> Result<(), Box<dyn Error>> {
    let store = args.target.store().await?;
    let user = find(&store, &args.user).await?;
    let rows = store.factors(user.id).await?;
    let active: Vec<_> = rows.totp.iter().filter(|factor| factor.is_active()).collect();
    let left = rows.recovery.map_or(0, |codes| codes.codes.len());
    let all: Vec<Value> = active.iter().map(|factor| view(factor)).collect();
    if all.is_empty() {
        return args.output.print_list(&all, "no second factors");
    }
    let mut table = Table::new(["FACTOR", "KIND", "NAME", "ADDED", "LAST USED"]);
    for factor in &active {
        let used = factor.last_used_at.map_or_else(|| "never".to_owned(), time);
        let name = factor.name.clone().unwrap_or_default();
        table.row([factor.factor_id.to_string(), "totp".to_owned(), name, time(factor.created_at), used]);
    }
    args.output.print_list(&all, &format!("{}\nrecovery codes left: {left}", table.render().trim_end()))
}

fn view(factor: &TotpFactor) -> Value {
    json!({
        "id": factor.factor_id.to_string(),
        "kind": "totp",
        "name": factor.name,
        "createdAt": time(factor.created_at),
        "lastUsedAt": factor.last_used_at.map(time),
    })
}

async fn reset(args: &ResetArgs) -> Result<(), Box<dyn Error>> {
    let common = &args.common;
    let store = common.target.store().await?;
    let user = find(&store, &common.user).await?;
    let moment = moment()?;
    let removed = operator(&store, &moment, common.log).reset_factors(user.id).await.map_err(refused)?;
    let done = json!({"id": user.id.to_string(), "removed": removed, "sessionsEnded": true});
    common
        .output
        .print(&done, &format!("{} no longer has a second factor, and every session has ended", user.id))
}
