//! `nova user list`.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use nova_auth::app::start_time;
use nova_auth::domain::user::{Profile, Role, Status};
use nova_auth::store::Segment;

use super::view::{View, time, with_last_logins};
use crate::failure::InPart;
use crate::output::{Output, Table, stdout};
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only users with this role.
    #[arg(long)]
    role: Option<Role>,
    /// Only users with this status.
    #[arg(long, value_enum)]
    status: Option<StatusName>,
    /// Stop after this many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StatusName {
    Active,
    Disabled,
    Invited,
}

/// Of a row that can't be read.
pub(super) const NOT_KNOWN: &str = "row not readable by this version";

impl Args {
    fn wants(&self, user: &Profile) -> bool {
        let own = match user.status {
            Status::Active => StatusName::Active,
            Status::Disabled => StatusName::Disabled,
            Status::Invited => StatusName::Invited,
        };
        let is_of = |wanted: StatusName| wanted == own;
        self.role.as_ref().is_none_or(|role| *role == user.role) && self.status.is_none_or(is_of)
    }
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (store, now) = (Arc::new(args.target.store().await?), start_time());
    let mut left = args.limit.unwrap_or(usize::MAX);
    let (mut unreadable, mut is_first, mut from) = (Vec::new(), true, None);
    loop {
        let page = store.users(Segment::WHOLE, from).await?;
        unreadable.extend(page.unreadable);
        let wanted: Vec<_> = page.profiles.into_iter().filter(|user| args.wants(user)).take(left).collect();
        left -= wanted.len();
        print(&with_last_logins(&store, wanted, now).await?, args.output, is_first)?;
        is_first = false;
        from = page.next;
        if from.is_none() || left == 0 {
            break;
        }
    }
    for id in &unreadable {
        writeln!(std::io::stderr(), "user {id}: {NOT_KNOWN}")?;
    }
    match unreadable.len() {
        0 => Ok(()),
        1 => Err(Box::new(InPart("1 user skipped".to_owned()))),
        users => Err(Box::new(InPart(format!("{users} users skipped")))),
    }
}

/// A page of the table at a time: however many users there are, few are in memory.
fn print(users: &[Profile], output: Output, is_first: bool) -> Result<(), Box<dyn Error>> {
    let mut out = stdout();
    let mut table = Table::new(["ID", "STATUS", "ROLE", "LAST LOGIN", "EMAIL", "NAME"]);
    for user in users {
        if output.json {
            serde_json::to_writer(&mut out, &View::of(user)).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            table.row([
                user.id.to_string(),
                user.status.name().to_owned(),
                user.role.as_str().to_owned(),
                user.last_login_at.map_or_else(|| "never".to_owned(), time),
                user.email.as_str().to_owned(),
                user.name.as_str().to_owned(),
            ]);
        }
    }
    if !output.json && is_first {
        out.write_all(table.heading().as_bytes())?;
    }
    out.write_all(table.take_lines().as_bytes())?;
    Ok(out.flush()?)
}
