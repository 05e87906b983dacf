//! The judge. From what was asked and answered, and when, it works out what each answer has to be, and says which were wrong.
//!
//! Calls overlap, and a call that failed may have been done all the same, so much of the time nobody can know. It judges what
//! is certain, and nothing else:
//!
//! - a yes is wrong if, when its call *began*, the session had ended for certain (somebody had the answer that says so), the
//!   token had expired, the permission was gone, the password was another;
//! - a no is wrong if none of what could explain it had even begun when the call *ended*;
//! - neither (5xx) is never wrong about anybody, and wrong by itself if nothing had been done to the system.

mod factors;
mod mail;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Act, Answer, At, Event, History, KEPT, SECOND};
use super::register::{LATE, Register};

/// A refresh that was sent again is in time for this long, from when its token was sent first: the least that
/// `REFRESH_GRACE_SECONDS` of the default gives.
const GRACE: At = 30 * SECOND;

/// For so long a process may refuse a token of a key that took over without notice (decision 0009), with a few seconds more.
const UNKNOWN_KEY: At = 35 * SECOND;

/// A gateway that keeps answers gives one for up to five seconds (kept/template.yaml), with one more for who looks at the clock.
const KEPT_FOR: At = 6 * SECOND;

/// An open connection outlives its session for less than this, while nothing is done to the system.
const UNDISTURBED: At = 10 * SECOND;

/// The same, while it is: the relay rests for up to 30 s before it tries again, and a queue brings what failed after a minute.
const DISTURBED: At = 130 * SECOND;

/// An answer that was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) why: &'static str,
    pub(crate) event: Event,
}

#[derive(Debug)]
struct User {
    active: Register<bool>,
    permission: Register<bool>,
    password: Register<u32>,
    /// Not deleted.
    there: Register<bool>,
    /// Which of the user's addresses is theirs.
    address: Register<u32>,
}

#[derive(Debug)]
struct Session {
    user: u32,
    login: (At, At),
    alive: Register<bool>,
}

/// What all calls together say.
struct Facts<'a> {
    history: &'a History,
    /// The calls about each user.
    calls: BTreeMap<u32, Vec<&'a Event>>,
    users: BTreeMap<u32, User>,
    sessions: BTreeMap<&'a str, Session>,
    drops: Vec<&'a Event>,
    /// When a registration of the user was sent first, and how many were answered with a yes.
    registered: BTreeMap<u32, (At, usize)>,
    /// When a refresh token was sent first.
    sent: BTreeMap<(&'a str, u32), At>,
    /// What a refresh token gave.
    gave: BTreeMap<(&'a str, u32), BTreeSet<u32>>,
    second: factors::Second<'a>,
}

/// Every answer that was certainly wrong. At first users are active, have the permission, and password number 0.
pub(crate) fn judge(history: &History) -> Vec<Wrong> {
    let facts = Facts::of(history);
    let wrong = |event: &Event| facts.fault(event).map(|why| Wrong { why, event: event.clone() });
    history.events.iter().filter_map(wrong).collect()
}

impl<'a> Facts<'a> {
    fn of(history: &'a History) -> Facts<'a> {
        let mut facts = Facts {
            history,
            calls: BTreeMap::new(),
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            drops: history.events.iter().filter(|event| matches!(event.act, Act::DropKeys { .. })).collect(),
            registered: BTreeMap::new(),
            sent: BTreeMap::new(),
            gave: BTreeMap::new(),
            second: factors::Second::default(),
        };
        for event in &history.events {
            facts.calls.entry(event.user).or_default().push(event);
            facts.users.entry(event.user).or_insert_with(|| User {
                active: Register::new(true),
                permission: Register::new(true),
                password: Register::new(if event.act == Act::Invite { mail::NOBODYS } else { 0 }),
                there: Register::new(true),
                address: Register::new(0),
            });
            facts.note_session(event);
            facts.note_step(event);
            facts.note_registration(event);
            facts.note_refresh(event);
        }
        for event in &history.events {
            facts.note_change(event);
            facts.note_factors(event);
            facts.note_end(event);
            facts.end_plain(event);
        }
        for event in &history.events {
            facts.note_codes(event);
        }
        facts
    }

    /// The calls about a user.
    fn calls_of(&self, user: u32) -> impl Iterator<Item = &'a Event> + Clone {
        self.calls.get(&user).map(Vec::as_slice).unwrap_or_default().iter().copied()
    }

    fn note_session(&mut self, event: &'a Event) {
        if let Act::Login { gave: Some(session), .. } | Act::LoginAt { gave: Some(session), .. } = &event.act
        {
            let alive = Register::new(true);
            let session_of = Session { user: event.user, login: (event.begin, event.end), alive };
            self.sessions.insert(session, session_of);
        }
    }

    fn note_registration(&mut self, event: &Event) {
        if event.act == Act::Register {
            let (first, yes) = self.registered.entry(event.user).or_insert((event.begin, 0));
            *first = event.begin.min(*first);
            *yes += usize::from(event.answer == Answer::Yes);
        }
    }

    fn note_refresh(&mut self, event: &'a Event) {
        if let (Act::Refresh { presented, gave, .. }, Some(session)) = (&event.act, &event.session) {
            let token = (session.as_str(), *presented);
            let sent = self.sent.entry(token).or_insert(event.begin);
            *sent = event.begin.min(*sent);
            self.gave.entry(token).or_default().extend(gave);
        }
    }

    fn note_change(&mut self, event: &Event) {
        let Some(sure) = done(&event.answer) else { return };
        let Some(user) = self.users.get_mut(&event.user) else { return };
        match event.act {
            Act::Delete => user.there.write(event.begin, event.end, sure, false),
            Act::Password { to, .. } | Act::Recover { to } | Act::Accept { password: to } => {
                user.password.write(event.begin, event.end, sure, to)
            }
            Act::Move { to } => user.address.write(event.begin, event.end, sure, to),
            Act::Revert { to } => {
                user.address.write(event.begin, event.end, sure, to);
                user.password.write(event.begin, event.end, sure, mail::NOBODYS);
            }
            Act::Active(value) => user.active.write(event.begin, event.end, sure, value),
            Act::Permission(value) => user.permission.write(event.begin, event.end, sure, value),
            _ => {}
        }
    }

    /// What the call did to sessions: it may end them, and does so for certain if it was answered so.
    fn note_end(&mut self, event: &Event) {
        let own = event.session.as_deref();
        let done = done(&event.answer);
        match &event.act {
            Act::Logout => self.end_one(own, event, done),
            Act::EndOne { target } => self.end_one(Some(target), event, done),
            Act::EndAll
            | Act::Active(false)
            | Act::Recover { .. }
            | Act::Delete
            | Act::ResetFactors
            | Act::Revert { .. } => {
                self.end_all(None, event, done);
            }
            Act::Password { .. }
            | Act::AddFactor { .. }
            | Act::RemoveFactor { .. }
            | Act::RenewCodes { .. }
            | Act::Move { .. } => self.end_all(own, event, done),
            // A theft is answered with a no once it is written down; not if the token could not even be read.
            Act::Refresh { outdated: true, .. } => match event.answer {
                Answer::No(_) => self.end_one(own, event, Some(!self.key_explains(event))),
                _ => self.end_one(own, event, done.map(|_| false)),
            },
            // A retry that comes too late is taken for a theft.
            Act::Refresh { presented, .. }
                if event.answer != Answer::Yes && !self.in_time(event, *presented) =>
            {
                self.end_one(own, event, Some(false));
            }
            _ => {}
        }
    }

    fn end_one(&mut self, session: Option<&str>, event: &Event, sure: Option<bool>) {
        if let (Some(session), Some(sure)) = (session.and_then(|id| self.sessions.get_mut(id)), sure) {
            session.alive.write(event.begin, event.end, sure, false);
        }
    }

    /// All of the user's but one. A session that began meanwhile may have been before it or after it.
    fn end_all(&mut self, except: Option<&str>, event: &Event, sure: Option<bool>) {
        let Some(sure) = sure else { return };
        let over = if sure { event.end } else { event.end + LATE };
        let sessions = self.sessions.iter_mut().filter(|(id, _)| Some(**id) != except);
        // A login that waits for its second step ends like a session.
        for session in sessions.map(|(_, session)| session).chain(self.second.waiting()) {
            let (begun, there) = session.login;
            if session.user == event.user && begun < over {
                session.alive.write(event.begin, event.end, sure && there <= event.begin, false);
            }
        }
    }

    /// Why the answer was wrong.
    fn fault(&self, event: &Event) -> Option<&'static str> {
        match &event.answer {
            Answer::Yes => self.wrong_yes(event),
            Answer::No(code) => self.wrong_no(event, code),
            Answer::Broken(_) => self.unexplained(event),
            Answer::Limited(code) if code == "MFA_LOCKED" => self.wrong_lock(event),
            Answer::Limited(code) if code == "UPLOAD_QUOTA" => self.wrong_quota(event),
            Answer::Limited(_) => None,
        }
    }

    fn wrong_yes(&self, event: &Event) -> Option<&'static str> {
        let user = self.users.get(&event.user)?;
        let (begin, end) = looked_at(event);
        let is_over =
            event.session.as_deref().is_some_and(|session| self.alive(session, begin, end) == Some(false));
        let is_expired = event.expires.is_some_and(|(_, last)| begin > last);
        match &event.act {
            Act::Logout | Act::Active(_) | Act::Permission(_) | Act::DropKeys { .. } => None,
            Act::Ask | Act::Mail | Act::Recover { .. } | Act::Delete | Act::ResetFactors => None,
            Act::Register => {
                let twice = self.registered.get(&event.user).is_some_and(|(_, yes)| *yes > 1);
                twice.then_some("one address was registered twice")
            }
            Act::Login { guess: true, .. } => Some("a wrong password let somebody in"),
            Act::Login { password, .. } | Act::FirstStep { password, .. } => {
                let was_right = user.password.possible(begin, end).contains(password);
                let is_disabled = user.active.certain(begin, end) == Some(false);
                let is_deleted = user.there.certain(begin, end) == Some(false);
                (!was_right)
                    .then_some("a password that had been changed let somebody in")
                    .or(is_disabled.then_some("a disabled user got a session"))
                    .or(is_deleted.then_some("a deleted user got a session"))
                    .or_else(|| self.wrong_step(event, matches!(event.act, Act::Login { .. })))
            }
            Act::SecondStep { proof, .. } | Act::PasskeyLogin { proof, .. } => {
                self.wrong_begin(event, *proof)
            }
            Act::Invite | Act::Revert { .. } | Act::Verify | Act::OpenAgain => None,
            Act::Accept { .. } | Act::LoginAt { .. } | Act::WrongLink => self.wrong_link(event),
            Act::Speak { told } => self.wrong_message(event, *told),
            _ if is_over => Some("a session that had ended was let in"),
            _ if is_expired => Some("an expired token was let in"),
            Act::Refresh { outdated: true, .. } => Some("a stolen refresh token gave a successor"),
            Act::Refresh { presented, .. } => {
                let given = self.gave.get(&(event.session.as_deref()?, *presented))?;
                (given.len() > 1).then_some("one refresh token gave two successors")
            }
            Act::Decide { permission, told, .. } => {
                let may_not = *permission && user.permission.certain(begin, end) == Some(false);
                may_not
                    .then_some("a user without the permission was let in")
                    .or((*told != Some(event.user) && told.is_some())
                        .then_some("one user was taken for another"))
            }
            Act::List { listed } => self.wrong_list(event, listed),
            Act::EndOne { .. } | Act::EndAll | Act::Password { .. } => None,
            Act::AskMove { .. } | Act::Move { .. } => None,
            Act::Grant { .. } | Act::Send { .. } | Act::Look { .. } | Act::Content { .. } | Act::Peek => {
                self.wrong_upload(event)
            }
            Act::StepUp { proof } => self.wrong_proof(event, *proof),
            Act::ListFactors { listed } => self.wrong_factors(event, listed),
            Act::BeginFactor | Act::AddFactor { .. } | Act::RemoveFactor { .. } | Act::RenewCodes { .. } => {
                self.wrong_change(event)
            }
        }
    }

    /// A connection may outlive its session for a while, and no longer.
    fn wrong_message(&self, event: &Event, told: Option<u32>) -> Option<&'static str> {
        let since = event.begin.saturating_sub(DISTURBED);
        let mut disturbances = self.history.disturbances.iter();
        let is_disturbed = disturbances.any(|one| one.begin <= event.end && one.end >= since);
        let bound = if is_disturbed { DISTURBED } else { UNDISTURBED };
        let session = event.session.as_deref()?;
        let is_late = self.alive(session, event.begin.saturating_sub(bound), event.end) == Some(false);
        is_late
            .then_some("a connection went on long after its session had ended")
            .or((told != Some(event.user)).then_some("one user was taken for another"))
    }

    fn wrong_list(&self, event: &Event, listed: &[String]) -> Option<&'static str> {
        let state = |session: &str| self.alive(session, event.begin, event.end);
        let own = event.session.as_deref()?;
        let has_dead = listed.iter().any(|session| state(session) == Some(false));
        let lacks_own = state(own) == Some(true) && !listed.iter().any(|session| session == own);
        has_dead
            .then_some("the list has a session that had ended")
            .or(lacks_own.then_some("the list lacks the session that asked"))
    }

    fn wrong_no(&self, event: &Event, code: &str) -> Option<&'static str> {
        let user = self.users.get(&event.user)?;
        let (begin, end) = looked_at(event);
        if self.key_explains(event) {
            return None;
        }
        let may_be_over =
            event.session.as_deref().is_some_and(|session| self.alive(session, begin, end) != Some(true));
        let may_be_expired = event.expires.is_some_and(|(first, _)| end >= first);
        match &event.act {
            Act::Login { guess: true, .. } | Act::Mail => None,
            Act::Login { .. } if user.there.certain(begin, end) != Some(true) => None,
            Act::Register if code == "EMAIL_TAKEN" => {
                let before = self.registered.get(&event.user).is_some_and(|(first, _)| *first < begin);
                (!before).then_some("a free address was said to be taken")
            }
            Act::Register => Some("a registration was refused"),
            Act::Ask => Some("a mail was refused"),
            Act::Recover { .. } => Some("a good link was refused"),
            Act::Login { .. } if code == "ACCOUNT_INACTIVE" => (user.active.certain(begin, end)
                == Some(true))
            .then_some("an active user was called inactive"),
            Act::Login { password, .. } => (user.password.certain(begin, end) == Some(*password))
                .then_some("the right password was refused"),
            Act::Logout => Some("a logout was refused"),
            Act::Active(_) | Act::Permission(_) | Act::Delete | Act::ResetFactors | Act::DropKeys { .. } => {
                Some("an operator's command was refused")
            }
            Act::Refresh { outdated: true, .. } => None,
            Act::SecondStep { proof, .. } | Act::PasskeyLogin { proof, .. } => {
                self.wrong_refusal(event, code, *proof)
            }
            Act::Invite => Some("an operator's command was refused"),
            Act::Accept { .. }
            | Act::LoginAt { .. }
            | Act::Move { .. }
            | Act::Revert { .. }
            | Act::Verify
            | Act::OpenAgain
            | Act::WrongLink => self.wrong_refusal_of_link(event, code),
            _ if may_be_over => None,
            Act::Refresh { presented, .. } => {
                self.in_time(event, *presented).then_some("an honest client was logged out")
            }
            _ if may_be_expired => None,
            Act::Decide { permission: true, .. } if user.permission.certain(begin, end) != Some(true) => None,
            Act::EndOne { target } if code == "SESSION_NOT_FOUND" => (self.alive(target, begin, end)
                == Some(true))
            .then_some("a session that goes on was not found"),
            Act::AskMove { .. } if code == "CURRENT_PASSWORD_INVALID" => None,
            Act::Grant { .. } | Act::Send { .. } | Act::Look { .. } | Act::Content { .. } | Act::Peek => {
                self.wrong_refusal_of_upload(event, code)
            }
            Act::Password { from, .. } if code == "CURRENT_PASSWORD_INVALID" => {
                (user.password.certain(begin, end) == Some(*from)).then_some("the right password was refused")
            }
            _ if code == "STEP_UP_REQUIRED" => self.wrong_step_up(event),
            // Of enrolments that were begun and not brought to their end, there may be five.
            Act::BeginFactor | Act::AddFactor { .. } if code == "FACTOR_LIMIT" => None,
            Act::RemoveFactor { .. } | Act::RenewCodes { .. } | Act::AddFactor { .. }
                if code == "FACTOR_NOT_FOUND" && self.may_be_missing(event) =>
            {
                None
            }
            Act::StepUp { proof } | Act::AddFactor { proof, .. } if self.is_proof_excused(event, *proof) => {
                None
            }
            _ => Some("an honest call was refused though its session went on"),
        }
    }

    /// 5xx, and nobody had done anything to the system.
    fn unexplained(&self, event: &Event) -> Option<&'static str> {
        let mut disturbances = self.history.disturbances.iter();
        let is_disturbed =
            disturbances.any(|disturbance| disturbance.begin <= event.end && disturbance.end >= event.begin);
        (!is_disturbed).then_some("a call failed though nothing was wrong")
    }

    /// Whether the session went on throughout; `None`: nobody can tell. Of a session that nobody here knows, neither.
    fn alive(&self, session: &str, begin: At, end: At) -> Option<bool> {
        self.sessions.get(session)?.alive.certain(begin, end)
    }

    /// Whether a retry with this token came within the grace for certain.
    fn in_time(&self, event: &Event, presented: u32) -> bool {
        let session = event.session.as_deref().unwrap_or_default();
        let first = self.sent.get(&(session, presented)).copied().unwrap_or(event.begin);
        event.end <= first + GRACE
    }

    /// Whether a key that was dropped, or that took over without notice, may have been the reason of a refusal.
    fn key_explains(&self, event: &Event) -> bool {
        self.drops.iter().any(|drop| {
            let Act::DropKeys { out, new } = &drop.act else { return false };
            let is_out = event.keys.iter().any(|key| out.contains(key)) && drop.begin < event.end;
            let is_new = new.as_ref().is_some_and(|new| event.keys.contains(new));
            is_out || (is_new && event.begin < drop.end + UNKNOWN_KEY)
        })
    }
}

/// The time in which what an answer says may have been so: longer ago, where a gateway keeps answers.
fn looked_at(event: &Event) -> (At, At) {
    match &event.act {
        Act::Decide { api, .. } if api == KEPT => (event.begin.saturating_sub(KEPT_FOR), event.end),
        _ => (event.begin, event.end),
    }
}

/// Whether a change was done for certain, or perhaps (`Some(false)`), or not.
fn done(answer: &Answer) -> Option<bool> {
    match answer {
        Answer::Yes => Some(true),
        Answer::Broken(_) => Some(false),
        Answer::No(_) | Answer::Limited(_) => None,
    }
}

#[cfg(test)]
#[path = "oracle_tests.rs"]
mod tests;
