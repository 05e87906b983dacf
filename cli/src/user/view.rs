//! A user as it is printed.

use std::error::Error;
use std::sync::Arc;

use jiff::Timestamp;
use nova_auth::domain::user::Profile;
use nova_auth::store::{Store, StoreError};
use serde::Serialize;
use tokio::task::JoinSet;

/// How many users' last logins are asked for at once.
const AT_ONCE: usize = 32;

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
            status: user.status.name(),
            permissions: user.permissions.iter().map(String::as_str).collect(),
            created_at: time(user.created_at),
            last_login_at: user.last_login_at.map(time),
            password_changed_at: time(user.password_changed_at),
        }
    }
}

/// Users with their last logins, which no profile holds: as many are asked about at once as an operator's machine has
/// connections for. What a version of before wrote into a profile counts too.
pub(super) async fn with_last_logins(
    store: &Arc<Store>,
    users: Vec<Profile>,
    now: Timestamp,
) -> Result<Vec<Profile>, Box<dyn Error>> {
    let mut asked = JoinSet::new();
    let mut found = Vec::with_capacity(users.len());
    for (index, mut user) in users.into_iter().enumerate() {
        if asked.len() >= AT_ONCE {
            found.extend(asked.join_next().await.transpose()?.transpose()?);
        }
        let store = Arc::clone(store);
        asked.spawn(async move {
            user.last_login_at = store.last_login(user.id, now).await?.max(user.last_login_at);
            Ok::<_, StoreError>((index, user))
        });
    }
    for answer in asked.join_all().await {
        found.push(answer?);
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, user)| user).collect())
}

/// To the second: people and programs compare days, not milliseconds.
pub(crate) fn time(time: Timestamp) -> String {
    format!("{time:.0}")
}
