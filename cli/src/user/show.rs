//! `nova user show`.

use std::error::Error;

use nova_auth::app::start_time;
use nova_auth::domain::session::Session;
use nova_auth::domain::user::Profile;
use nova_auth::store::{AccountAttempts, LoggedEvent};
use serde_json::json;

use super::suppressed::{Delivery, delivery};
use super::view::{View, time};
use super::{SessionView, UserName, active, find};
use crate::output::{Output, Table, shown};
use crate::place::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The user, by address or id.
    #[arg(value_name = "USER")]
    user: UserName,
    /// Number of security log entries, newest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    events: usize,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    pub(super) target: Target,
}

pub(super) async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let store = args.target.store().await?;
    let mut user = find(&store, &args.user).await?;
    let now = start_time();
    let (last_login, sessions, attempts, log, mail) = tokio::join!(
        store.last_login(user.id, now),
        store.sessions(user.id),
        store.account_attempts(&user.email, now),
        store.security_log(user.id, args.events, now),
        delivery(&args.target, &user.email),
    );
    user.last_login_at = last_login?.max(user.last_login_at);
    let (sessions, attempts, log) = (active(sessions?, &user, now), attempts?, log?);
    let mut document = serde_json::to_value(View::of(&user))?;
    if let Some(members) = document.as_object_mut() {
        let window = attempts.window.as_ref();
        members.insert(
            "failedLogins".to_owned(),
            json!({
                "counted": window.map_or(0, |window| window.entries.len()),
                "until": window.map(|window| time(window.ends)),
                "inARow": attempts.run,
            }),
        );
        let views: Vec<_> = sessions.iter().map(SessionView::of).collect();
        members.insert("sessions".to_owned(), serde_json::to_value(views)?);
        members.insert("events".to_owned(), serde_json::to_value(&log)?);
        if let Some(mail) = &mail {
            members.insert("mail".to_owned(), mail.document());
        }
    }
    let mut lines = lines(&user, &attempts, &sessions);
    lines.extend(mail.as_ref().map(|mail| ("mail", mail.line())));
    lines.extend(mail.as_ref().and_then(Delivery::remedy).map(|remedy| ("", format!("-> {remedy}"))));
    args.output.print(&document, &page(&lines, &log))
}

fn lines(user: &Profile, attempts: &AccountAttempts, sessions: &[Session]) -> Vec<(&'static str, String)> {
    let permissions: Vec<_> = user.permissions.iter().map(String::as_str).collect();
    let failures = match &attempts.window {
        Some(window) if !window.entries.is_empty() => {
            format!("{} until {}, {} in a row", window.entries.len(), time(window.ends), attempts.run)
        }
        _ => format!("0, {} in a row", attempts.run),
    };
    vec![
        ("id", user.id.to_string()),
        ("email", user.email.as_str().to_owned()),
        ("name", user.name.as_str().to_owned()),
        ("role", user.role.as_str().to_owned()),
        ("status", user.status.name().to_owned()),
        ("permissions", if permissions.is_empty() { "none".to_owned() } else { permissions.join(" ") }),
        ("created", time(user.created_at)),
        ("last login", user.last_login_at.map_or_else(|| "never".to_owned(), time)),
        ("password set", time(user.password_changed_at)),
        ("failed logins", failures),
        ("sessions", sessions.len().to_string()),
    ]
}

fn page(lines: &[(&str, String)], log: &[LoggedEvent]) -> String {
    let mut page = String::new();
    for (name, value) in lines {
        page.push_str(&format!("{name:<15}{}\n", shown(value)));
    }
    if log.is_empty() {
        page.push_str("\nThe security log is empty.\n");
    } else {
        let mut table = Table::new(["AT", "EVENT", "ADDRESS", "SESSION", "USER AGENT"]);
        for entry in log {
            table.row([
                time(entry.at),
                entry.event.clone(),
                entry.ip.clone(),
                entry.session_id.clone().unwrap_or_else(|| "-".to_owned()),
                entry.user_agent.clone(),
            ]);
        }
        page.push_str(&format!("\n{}", table.render()));
    }
    page
}
