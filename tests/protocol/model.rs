//! What the protocol promises, as simply as it can be said: the sessions of one user, in memory.

/// Seconds.
pub(super) const ACCESS: i64 = 900;
pub(super) const IDLE: i64 = 3600;
pub(super) const ABSOLUTE: i64 = 7200;
pub(super) const GRACE: i64 = 30;
const LEEWAY: i64 = 5;

/// A user and all their sessions.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) disabled: bool,
    sessions: Vec<Session>,
}

#[derive(Debug)]
struct Session {
    ended: bool,
    created: i64,
    /// When the refresh token of each generation was made; the last one is current.
    made: Vec<i64>,
}

/// A session's name: its place in the list.
pub(super) type Sid = usize;

/// What is to be said to somebody who presents a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented {
    /// The token of this generation.
    Successor(usize),
    /// No.
    Refused,
}

impl Model {
    pub(super) fn login(&mut self) -> Option<Sid> {
        if self.disabled {
            return None;
        }
        self.sessions.push(Session { ended: false, created: self.now, made: vec![self.now] });
        Some(self.sessions.len() - 1)
    }

    pub(super) fn end(&mut self, sid: Sid) {
        self.sessions[sid].ended = true;
    }

    pub(super) fn end_all(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.ended = true);
    }

    /// Whether a session goes on.
    pub(super) fn is_alive(&self, sid: Sid) -> bool {
        let session = &self.sessions[sid];
        let end = (session.made.last().unwrap() + IDLE).min(session.created + ABSOLUTE);
        !session.ended && self.now < end
    }

    /// Whether an access token that was made then is accepted.
    pub(super) fn accepts(&self, sid: Sid, made: i64) -> bool {
        self.is_alive(sid) && self.now < made + ACCESS + LEEWAY
    }

    /// Somebody presents the refresh token of a generation.
    pub(super) fn present(&mut self, sid: Sid, generation: usize) -> Presented {
        if !self.is_alive(sid) || self.is_expired(sid, generation) {
            return Presented::Refused;
        }
        if self.use_up(sid, generation) {
            return Presented::Successor(generation + 1);
        }
        let session = &self.sessions[sid];
        let rotated = session.made.last().unwrap();
        if generation + 2 == session.made.len() && self.now - rotated <= GRACE {
            return Presented::Successor(generation + 1);
        }
        self.end(sid);
        Presented::Refused
    }

    /// The same, by a function that dies after its first write: a current token is used up, nothing else happens.
    pub(super) fn present_and_die(&mut self, sid: Sid, generation: usize) {
        if self.is_alive(sid) && !self.is_expired(sid, generation) {
            self.use_up(sid, generation);
        }
    }

    fn use_up(&mut self, sid: Sid, generation: usize) -> bool {
        let (now, session) = (self.now, &mut self.sessions[sid]);
        let is_current = generation + 1 == session.made.len();
        if is_current {
            session.made.push(now);
        }
        is_current
    }

    fn is_expired(&self, sid: Sid, generation: usize) -> bool {
        let session = &self.sessions[sid];
        // The time of a token may end between its use and the retry: within the window it is answered all the same.
        self.now >= (session.made[generation] + IDLE).min(session.created + ABSOLUTE) + LEEWAY + GRACE
    }
}
