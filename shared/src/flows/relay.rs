//! Tells the rest of the world what changed in the tables: mails to be sent to a queue, ended sessions and changed users to an
//! event bus.
//!
//! The change is the record, so nothing that took can be forgotten. A change may be told more than once, and each telling has
//! the same id: `mail:<id>`, `session:<id>:ended`, `session:<id>:device`, `user:<id>:<epoch>:<record>`. What is told are names of rows, never what is in them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    domain::{
        ids::{SessionId, UserId},
        mail::MailKey,
        session::EndReason,
        user::{Profile, Status},
    },
    store::{Store, StoreError},
};

/// Both services take this many entries in one call.
pub const AT_ONCE: usize = 10;

/// A change, as a table's stream tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// Somebody asked for a mail.
    MailAsked(MailKey),
    /// A session began on a device that its user had not logged in on before.
    NewDevice(UserId, SessionId),
    SessionEnded {
        /// Whose it was.
        user: UserId,
        session: SessionId,
        /// Why. None: an older version ended it, or a login that was never answered.
        reason: Option<EndReason>,
        /// When.
        at: Option<Timestamp>,
    },
    /// A user's profile was changed, or is gone; with the name of the record in the stream. Another role raises no epoch, so that
    /// nothing else tells it from the change before.
    UserChanged(UserId, String),
}

/// An event for whoever listens to the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What happened: the event's detail type.
    pub kind: &'static str,
    /// The names of who it happened to.
    pub detail: Value,
}

/// Where changes are told. Each call takes up to [`AT_ONCE`] and gives the places of those that were not taken.
pub trait Outlets: Sync {
    /// Puts messages into the queue of mails.
    fn queue(&self, messages: &[String]) -> impl Future<Output = BTreeSet<usize>> + Send;

    /// Puts events on the bus.
    fn announce(&self, events: &[Announcement]) -> impl Future<Output = BTreeSet<usize>> + Send;
}

/// Tells these changes, and gives the places of those that are to be told again.
pub async fn relay(store: &Store, outlets: &impl Outlets, changes: &[Change]) -> BTreeSet<usize> {
    let mut failed = BTreeSet::new();
    let (mut messages, mut events) = (Vec::new(), Vec::new());
    for (change, places) in distinct(changes) {
        match change {
            Change::MailAsked(key) => messages.push((message(&key), places)),
            Change::NewDevice(user, session) => messages.push((new_device(user, session), places)),
            Change::SessionEnded { user, session, reason, at } => {
                events.push((ended(user, session, reason, at), places));
            }
            Change::UserChanged(user, record) => match changed(store, user, &record).await {
                Ok(event) => events.push((event, places)),
                Err(error) => {
                    tracing::error!(error = %error, "a change of a user could not be read");
                    failed.extend(places);
                }
            },
        }
    }
    for part in messages.chunks(AT_ONCE) {
        let (texts, places): (Vec<_>, Vec<_>) = part.iter().cloned().unzip();
        failed.extend(places_of(outlets.queue(&texts).await, &places));
    }
    for part in events.chunks(AT_ONCE) {
        let (events, places): (Vec<_>, Vec<_>) = part.iter().cloned().unzip();
        failed.extend(places_of(outlets.announce(&events).await, &places));
    }
    failed
}

/// Each change once, in the order of its first telling, with all of its places; of several of a user, the last.
fn distinct(changes: &[Change]) -> Vec<(Change, Vec<usize>)> {
    let mut found: Vec<(Change, Vec<usize>)> = Vec::new();
    let mut known = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        let at = *known.entry(name_of(change)).or_insert(found.len());
        match found.get_mut(at) {
            Some((last, places)) => {
                *last = change.clone();
                places.push(place);
            }
            None => found.push((change.clone(), vec![place])),
        }
    }
    found
}

fn name_of(change: &Change) -> String {
    match change {
        Change::MailAsked(key) => format!("{}/{}", key.pk(), key.sk()),
        Change::NewDevice(_, session) => format!("device/{session}"),
        Change::SessionEnded { session, .. } => format!("session/{session}"),
        Change::UserChanged(user, _) => format!("user/{user}"),
    }
}

fn places_of(failed: BTreeSet<usize>, places: &[Vec<usize>]) -> impl Iterator<Item = usize> {
    failed.into_iter().filter_map(|at| places.get(at)).flatten().copied()
}

fn message(key: &MailKey) -> String {
    json!({ "id": format!("mail:{}", key.id), "pk": key.pk(), "sk": key.sk() }).to_string()
}

fn new_device(user: UserId, session: SessionId) -> String {
    let (pk, sk) = (format!("USER#{user}"), format!("SESSION#{session}"));
    json!({ "id": format!("session:{session}:device"), "pk": pk, "sk": sk }).to_string()
}

/// Shared Signals' names of what happened: CAEP's of a session, RISC's of an account.
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const ACCOUNT_DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const ACCOUNT_PURGED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-purged";

fn ended(user: UserId, session: SessionId, reason: Option<EndReason>, at: Option<Timestamp>) -> Announcement {
    let detail = json!({
        "id": format!("session:{session}:ended"),
        "event": SESSION_REVOKED,
        "sessionId": session.to_string(),
        "userId": user.to_string(),
        "reason": reason.map(EndReason::name),
        "at": at.map(|at| at.to_string()),
    });
    Announcement { kind: "Session Ended", detail }
}

/// The user as they are now, whatever they were when the record was written: of two changes, the later one is told.
async fn changed(store: &Store, user: UserId, record: &str) -> Result<Announcement, StoreError> {
    let profile = store.profile(user).await?;
    let epoch = profile.as_ref().map(|profile| profile.epoch);
    let version = epoch.map_or_else(|| "deleted".to_owned(), |epoch| format!("{epoch}:{record}"));
    // Of an active user it may be a role, a password or a name: no one name of theirs says that.
    let event = match profile.as_ref().map(|profile| profile.status) {
        None => Some(ACCOUNT_PURGED),
        Some(Status::Disabled) => Some(ACCOUNT_DISABLED),
        Some(Status::Active | Status::Invited) => None,
    };
    let detail = json!({
        "id": format!("user:{user}:{version}"),
        "event": event,
        "userId": user.to_string(),
        "epoch": epoch,
        "active": profile.as_ref().is_some_and(Profile::is_active),
        "keptSession": profile.and_then(|profile| profile.kept_session()).map(|session| session.to_string()),
    });
    Ok(Announcement { kind: "User Changed", detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
    const OTHER: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

    #[test]
    fn a_change_that_is_there_twice_is_told_once_and_fails_in_both_places() {
        let session = |id: &str| Change::SessionEnded {
            user: ONE.parse().unwrap(),
            session: id.parse().unwrap(),
            reason: Some(EndReason::Logout),
            at: None,
        };
        let user = |record: &str| Change::UserChanged(ONE.parse().unwrap(), record.to_owned());
        let found = distinct(&[session(ONE), user("1"), session(OTHER), session(ONE), user("4")]);
        assert_eq!(found[1], (user("4"), vec![1, 4]));
        let places: Vec<_> = found.iter().map(|(_, places)| places.clone()).collect();
        assert_eq!(places.len(), 3, "{places:?}");
        assert_eq!(places_of(BTreeSet::from([0]), &places).collect::<Vec<_>>(), [0, 3]);
    }
}
