//! What all clients share: where the system is, who its users are, and whether it is time to act, to rest or to end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::history::{At, KEPT, Recorder};
use super::system::{Failure, System};

/// What a client is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Step after step.
    Run,
    /// Nothing, without a connection.
    Rest,
    /// To show that it is still logged in, and end.
    RollCall,
}

/// An access token, and what is known of it.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) token: String,
    pub(crate) session: String,
    pub(crate) key: String,
    pub(crate) expires: (At, At),
}

/// The API of guarded uploads.
pub(crate) const UPLOADS: &str = "UploadsApi";

/// The numbers of users from here on are those of visitors, who come and go.
pub(crate) const VISITORS: u32 = 1_000_000;

/// Somebody with an account.
pub(crate) struct User {
    pub(crate) number: u32,
    pub(crate) email: String,
    pub(crate) id: String,
    /// The passwords that may be right, the likeliest first. A change that failed leaves two.
    passwords: Mutex<Vec<u32>>,
    last_password: AtomicU32,
    /// Held while a password is changed: a person does not change it twice at once.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// The sessions that clients go on with, each with its latest access token.
    sessions: Mutex<BTreeMap<String, Access>>,
}

pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) auth: String,
    /// The WebSocket API.
    pub(crate) sockets: String,
    /// Whether somebody reads the tables' streams: without that no mail is sent, and nobody ends open connections.
    pub(crate) has_streams: bool,
    pub(crate) apis: Vec<(&'static str, String)>,
    pub(crate) users: Vec<User>,
    /// Those who come and go, by their ids.
    visitors: Mutex<BTreeMap<String, u32>>,
    /// Uploads that somebody has: whose, and their ids.
    uploads: Mutex<Vec<(u32, String)>>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) resting: AtomicUsize,
}

impl World {
    pub(crate) fn new(
        system: System,
        recorder: Arc<Recorder>,
        users: Vec<User>,
        has_streams: bool,
    ) -> Result<World, Failure> {
        let mut apis = Vec::new();
        for name in ["NotesApi", "TokenNotesApi", "HttpNotesApi", KEPT] {
            apis.push((name, system.url(name)?));
        }
        if has_streams {
            apis.push((UPLOADS, system.url(UPLOADS)?));
        }
        let (auth, sockets) = (system.url("ready")?, system.url("ChatApi")?);
        let (phase, resting) = (watch::Sender::new(Phase::Run), AtomicUsize::new(0));
        let (visitors, uploads) = (Mutex::default(), Mutex::default());
        Ok(World {
            system,
            recorder,
            auth,
            sockets,
            has_streams,
            apis,
            users,
            visitors,
            uploads,
            phase,
            resting,
        })
    }

    /// Where an API is.
    pub(crate) fn api(&self, name: &str) -> &str {
        self.apis.iter().find(|(own, _)| *own == name).map_or("", |(_, url)| url)
    }

    pub(crate) fn show_upload(&self, user: u32, id: &str) {
        locked(&self.uploads).push((user, id.to_owned()));
    }

    /// The latest upload of somebody else.
    pub(crate) fn upload_of_another(&self, user: u32) -> Option<String> {
        let uploads = locked(&self.uploads);
        uploads.iter().rev().find(|(other, _)| *other != user).map(|(_, id)| id.clone())
    }

    /// For those who come one after another: whether another one may come. While all rest, it waits; after that nobody does.
    pub(crate) async fn has_room(&self, phase: &mut watch::Receiver<Phase>) -> bool {
        let now = *phase.borrow_and_update();
        if now == Phase::Rest {
            self.resting.fetch_add(1, Ordering::SeqCst);
            drop(phase.wait_for(|phase| *phase != Phase::Rest).await);
            self.resting.fetch_sub(1, Ordering::SeqCst);
        }
        now != Phase::RollCall
    }

    /// A visitor has this id.
    pub(crate) fn meet(&self, id: &str, number: u32) {
        if !id.is_empty() {
            locked(&self.visitors).insert(id.to_owned(), number);
        }
    }

    /// Whose id this is.
    pub(crate) fn number_of(&self, id: &str) -> u32 {
        let user = self.users.iter().find(|user| user.id == id).map(|user| user.number);
        user.or_else(|| locked(&self.visitors).get(id).copied()).unwrap_or(u32::MAX)
    }
}

impl User {
    pub(crate) fn new(number: u32, email: String, id: String) -> User {
        User {
            number,
            email,
            id,
            passwords: Mutex::new(vec![0]),
            last_password: AtomicU32::new(0),
            changing: tokio::sync::Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    pub(crate) fn password(&self, number: u32) -> String {
        password(self.number, number)
    }

    pub(crate) fn passwords(&self) -> Vec<u32> {
        locked(&self.passwords).clone()
    }

    /// A number that no password has had.
    pub(crate) fn new_password(&self) -> u32 {
        self.last_password.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// These may be right from now on.
    pub(crate) fn set_passwords(&self, passwords: Vec<u32>) {
        *locked(&self.passwords) = passwords;
    }

    /// This one was right a moment ago.
    pub(crate) fn prefer(&self, password: u32) {
        locked(&self.passwords).sort_by_key(|other| *other != password);
    }

    /// This one was not.
    pub(crate) fn put_last(&self, password: u32) {
        locked(&self.passwords).sort_by_key(|other| *other == password);
    }

    pub(crate) fn sessions(&self) -> Vec<Access> {
        locked(&self.sessions).values().cloned().collect()
    }

    pub(crate) fn keep(&self, access: &Access) {
        locked(&self.sessions).insert(access.session.clone(), access.clone());
    }

    pub(crate) fn forget(&self, session: &str) {
        locked(&self.sessions).remove(session);
    }
}

pub(crate) fn password(user: u32, number: u32) -> String {
    format!("Quietly-{user}-turning-{number}-Kettle!")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A user, made by the operator.
pub(crate) async fn made(system: &System, number: u32, email: &str) -> Result<User, Failure> {
    let create =
        ["user", "create", "--json", "--email", email, "--name", "Soak", "--permission", "notes:read"];
    let create = [&create[..], &["--permission", "uploads:write"]].concat();
    let made = system.operate(&create, &password(number, 0)).await?;
    let made: serde_json::Value = serde_json::from_str(&made)?;
    let id = made.get("id").and_then(serde_json::Value::as_str).ok_or("a user has no id")?;
    Ok(User::new(number, email.to_owned(), id.to_owned()))
}
