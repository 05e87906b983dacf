//! The sessions of a user, as two commands show them.

use jiff::Timestamp;
use nova_auth::domain::session::{Session, Standing, standing};
use nova_auth::domain::user::Profile;
use serde::Serialize;

use super::time;

/// A session, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView<'a> {
    pub(crate) id: String,
    pub(crate) ip: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) created_at: String,
    pub(crate) last_seen_at: String,
    pub(crate) expires_at: String,
}

impl<'a> SessionView<'a> {
    pub(crate) fn of(session: &'a Session) -> Self {
        SessionView {
            id: session.session_id.to_string(),
            ip: &session.device.ip,
            user_agent: &session.device.user_agent,
            created_at: time(session.created_at),
            last_seen_at: time(session.rotated_at),
            expires_at: time(session.refresh_expires()),
        }
    }
}

/// Those that are active, the newest first.
pub(crate) fn active(mut sessions: Vec<Session>, user: &Profile, now: Timestamp) -> Vec<Session> {
    sessions.retain(|session| session.is_open(now) && standing(Some(user), session) == Standing::Good);
    sessions.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.session_id)));
    sessions
}
