//! `nova user disable`, `enable`, `role`, `grant`, `revoke` and `unlock`.

use std::collections::BTreeSet;
use std::error::Error;

use nova_auth::domain::address::ClientAddress;
use nova_auth::domain::user::{Permission, Role, Status};
use nova_auth::flows::operator::Operator;
use nova_auth::flows::set_status::set_status;
use nova_auth::store::AccessChange;
use serde_json::json;

use super::{Common, LogArgs, UserName, find, moment, operator};
use crate::failure::refused;
use crate::output::Output;
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UnlockArgs {
    /// The user, by e-mail address or id.
    #[arg(value_name = "USER", required_unless_present = "address")]
    user: Option<UserName>,
    /// Clear the failed logins from this source address instead, for all accounts (IPv6: its /64).
    #[arg(long, value_name = "ADDRESS", conflicts_with = "user", value_parser = source_address)]
    address: Option<ClientAddress>,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

fn source_address(text: &str) -> Result<ClientAddress, &'static str> {
    match ClientAddress::parse(text) {
        ClientAddress::Unknown => Err("not an IP address"),
        known => Ok(known),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RoleArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// The new role.
    role: Role,
    /// End every session in the same write. Otherwise access tokens carry the old role until they expire.
    #[arg(long)]
    end_sessions: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GrantArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Permissions to add.
    #[arg(required = true, value_name = "FEATURE:ACTION")]
    permissions: Vec<Permission>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Permissions to remove.
    #[arg(required = true, value_name = "FEATURE:ACTION")]
    permissions: Vec<Permission>,
    /// End every session in the same write.
    #[arg(long)]
    end_sessions: bool,
}

pub(super) async fn disable(args: &StatusArgs) -> Result<(), Box<dyn Error>> {
    change_status(&args.common, Status::Disabled, "disabled; every session has ended").await
}

pub(super) async fn enable(args: &StatusArgs) -> Result<(), Box<dyn Error>> {
    change_status(&args.common, Status::Active, "enabled; old sessions stay ended").await
}

async fn change_status(common: &Common, to: Status, done: &str) -> Result<(), Box<dyn Error>> {
    let store = common.target.store().await?;
    let user = find(&store, &common.user).await?;
    let set =
        set_status(&store, &moment()?, user.id, &user.email, to, &Operator::device(), common.log.journal())
            .await;
    set.map_err(refused)?;
    let document = json!({"id": user.id.to_string(), "status": to.name()});
    common.output.print(&document, &format!("{} is {done}", user.id))
}

pub(super) async fn role(args: &RoleArgs) -> Result<(), Box<dyn Error>> {
    change_access(&args.common, &AccessChange::Role(args.role.clone()), args.end_sessions).await
}

pub(super) async fn grant(args: &GrantArgs) -> Result<(), Box<dyn Error>> {
    change_access(&args.common, &AccessChange::Grant(set(&args.permissions)), false).await
}

pub(super) async fn revoke(args: &RevokeArgs) -> Result<(), Box<dyn Error>> {
    change_access(&args.common, &AccessChange::Revoke(set(&args.permissions)), args.end_sessions).await
}

async fn change_access(
    common: &Common,
    change: &AccessChange,
    end_sessions: bool,
) -> Result<(), Box<dyn Error>> {
    let store = common.target.store().await?;
    let user = find(&store, &common.user).await?;
    let moment = moment()?;
    let changed = operator(&store, &moment, common.log).change_access(user.id, change, end_sessions).await;
    changed.map_err(refused)?;
    // Others may be at it too: what is said is what is there now.
    let now = find(&store, &UserName::Id(user.id)).await?;
    let permissions: Vec<_> = now.permissions.iter().map(String::as_str).collect();
    let document = json!({
        "id": now.id.to_string(), "role": now.role.as_str(), "permissions": permissions, "sessionsEnded": end_sessions,
    });
    let may = if permissions.is_empty() { "no permissions".to_owned() } else { permissions.join(" ") };
    let ended = if end_sessions { "; every session has ended" } else { "" };
    common.output.print(&document, &format!("{}: role {}, {may}{ended}", now.id, now.role.as_str()))
}

fn set(permissions: &[Permission]) -> BTreeSet<String> {
    permissions.iter().cloned().map(Permission::into).collect()
}

pub(super) async fn unlock(args: &UnlockArgs) -> Result<(), Box<dyn Error>> {
    let store = args.target.store().await?;
    let moment = moment()?;
    let operator = operator(&store, &moment, args.log);
    if let Some(address) = args.address {
        operator.unlock_address(address).await.map_err(refused)?;
        let window = address.window_name();
        let document = json!({"address": window, "failuresForgotten": true});
        return args.output.print(&document, &format!("unlocked {window}"));
    }
    let name = args.user.as_ref().ok_or("expected a user, or a source address with --address")?;
    let user = find(&store, name).await?;
    operator.unlock(&user.email, user.id).await.map_err(refused)?;
    let document = json!({"id": user.id.to_string(), "failuresForgotten": true});
    let said = format!("unlocked {}. A source address is unlocked with --address", user.id);
    args.output.print(&document, &said)
}
