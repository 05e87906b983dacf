//! A user as it is printed.

use nova_auth::domain::user::{Profile, Status};
use serde::Serialize;

/// A user, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View<'a> {
    id: String,
    email: &'a str,
    name: &'a str,
    role: &'a str,
    status: &'static str,
    permissions: Vec<&'a str>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_at: Option<String>,
    password_changed_at: String,
}

impl<'a> View<'a> {
    pub(super) fn of(user: &'a Profile) -> Self {
        View {
            id: user.id.to_string(),
            email: user.email.as_str(),
            name: user.name.as_str(),
            role: user.role.as_str(),
            status: status(user.status),
            permissions: user.permissions.iter().map(String::as_str).collect(),
            created_at: time(user.created_at),
            last_login_at: user.last_login_at.map(time),
            password_changed_at: time(user.password_changed_at),
        }
    }
}

pub(super) const fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
    }
}

/// To the second: people and programs compare days, not milliseconds.
pub(crate) fn time(time: jiff::Timestamp) -> String {
    format!("{time:.0}")
}
