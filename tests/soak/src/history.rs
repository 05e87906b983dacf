//! What happened: every call with the moments between which it happened, what was asked for and what was answered. It is all
//! that the oracle sees, it can be written down and judged again, and it holds no token and no password.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Microseconds since the run began.
pub(crate) type At = u64;

pub(crate) const SECOND: At = 1_000_000;

/// The API whose gateway keeps answers.
pub(crate) const KEPT: &str = "KeptApi";

/// The clock of a run. It stands at 0 until the run begins.
#[derive(Debug, Default)]
pub(crate) struct Clock(OnceLock<Instant>);

impl Clock {
    /// The run begins now, if it has not begun.
    pub(crate) fn begin(&self) -> Instant {
        *self.0.get_or_init(Instant::now)
    }

    pub(crate) fn now(&self) -> At {
        let elapsed = self.0.get().map_or(Duration::ZERO, Instant::elapsed);
        At::try_from(elapsed.as_micros()).unwrap_or(At::MAX)
    }

    /// Waits for a moment of the run, or not, if it has passed.
    pub(crate) async fn until(&self, at: At) {
        tokio::time::sleep_until((self.begin() + Duration::from_micros(at)).into()).await;
    }
}

/// The answer to a call, as far as a judge has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// 2xx.
    Yes,
    /// 4xx with this code: it was refused.
    No(String),
    /// 429: neither.
    Limited(String),
    /// 5xx, or no answer at all: it may have been done, or not.
    Broken(String),
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// A login with the password of this number; `session` is what it gave. `guess`: the password was never right.
    Login {
        password: u32,
        guess: bool,
        gave: Option<String>,
    },
    /// A refresh with the token of this number, which gave the one of that. `outdated`: a token whose grandchild has been
    /// given already, as a thief would have it.
    Refresh {
        presented: u32,
        gave: Option<u32>,
        outdated: bool,
    },
    /// A call of an attached API; `told` is the user that its function was told of.
    Decide {
        api: String,
        permission: bool,
        told: Option<u32>,
    },
    /// A message on a WebSocket that was opened before; `told` is the user that its function was told of. Its end is a no.
    Speak {
        told: Option<u32>,
    },
    /// The list of the user's sessions.
    List {
        listed: Vec<String>,
    },
    Logout,
    /// The end of another session.
    EndOne {
        target: String,
    },
    /// The end of all sessions.
    EndAll,
    /// A change of the password, from this number to that.
    Password {
        from: u32,
        to: u32,
    },
    /// A registration.
    Register,
    /// A mail with a link was asked for.
    Ask,
    /// It came, or was waited for in vain.
    Mail,
    /// The link in it set the password of this number.
    Recover {
        to: u32,
    },
    /// An operator deleted the user.
    Delete,
    /// An operator disabled the user (false), or enabled them (true).
    Active(bool),
    /// An operator took the permission away (false), or gave it (true).
    Permission(bool),
    /// An operator dropped keys: these are out, and this one took over.
    DropKeys {
        out: Vec<String>,
        new: Option<String>,
    },
    /// A login with the password of this number, whose answer was that a second step is asked for: the one of this number.
    FirstStep {
        password: u32,
        challenge: u32,
    },
    /// The second step of the login of this number; `gave` is the session that came of it.
    SecondStep {
        challenge: u32,
        proof: Proof,
        gave: Option<String>,
    },
    /// A login by a passkey alone.
    PasskeyLogin {
        proof: Proof,
        gave: Option<String>,
    },
    /// A session showed once more whose it is.
    StepUp {
        proof: Proof,
    },
    /// What a factor is made of was asked for.
    BeginFactor,
    /// A factor of this number was confirmed, and came with this set of recovery codes, if it was the first.
    AddFactor {
        factor: u32,
        proof: Proof,
        codes: Option<u32>,
    },
    /// It was removed.
    RemoveFactor {
        factor: u32,
    },
    /// This set of recovery codes took the place of the one before.
    RenewCodes {
        codes: u32,
    },
    /// The user's list of factors.
    ListFactors {
        listed: Vec<u32>,
    },
    /// An operator took every factor away.
    ResetFactors,
    /// An operator invited the user, who has no password yet and the address of number 0.
    Invite,
    /// The invitation was accepted with the password of this number.
    Accept {
        password: u32,
    },
    /// A login with the address of this number.
    LoginAt {
        address: u32,
        password: u32,
        gave: Option<String>,
    },
    /// Another address was asked for, of this number.
    AskMove {
        to: u32,
    },
    /// Its link was opened: the user has the address of this number. The session is the one that asked.
    Move {
        to: u32,
    },
    /// The link of the address before was opened, which has this number: it is the user's again, and the password nobody's.
    Revert {
        to: u32,
    },
    /// A link showed that the address is the user's.
    Verify,
    /// A link was opened once more, long after it was used: whatever the answer, it does nothing.
    OpenAgain,
    /// A link was shown where another kind of link is asked for.
    WrongLink,
    /// A form was asked for, for the upload of this number and on this day; `None`: midnight came in between.
    Grant {
        upload: u32,
        file: File,
        day: Option<u64>,
    },
    /// The file was sent with its form.
    Send {
        upload: u32,
        file: File,
    },
    /// What became of it was asked for.
    Look {
        upload: u32,
        file: File,
        state: String,
        reason: Option<String>,
    },
    /// The file was asked for; `same`: it is what was sent.
    Content {
        upload: u32,
        file: File,
        same: Option<bool>,
    },
    /// The file of another user was asked for.
    Peek,
}

/// A file that is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum File {
    /// A harmless picture.
    Picture,
    /// Something else, which is declared as a picture.
    Disguised,
    /// Of a type that no rule allows.
    NotAllowed,
    /// Not the bytes that were declared.
    Changed,
}

/// A second factor, or what else shows who somebody is. Its numbers say which one of the user's it was; the history holds no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Proof {
    /// A code of an authenticator app, of this step.
    Code { factor: u32, step: u64 },
    /// A recovery code of this set.
    Recovery { codes: u32, nth: u32 },
    /// What a passkey answered to a challenge; `count` is how often it says that it was used.
    Passkey { factor: u32, ceremony: u32, count: u32 },
    /// A code that is nobody's.
    Wrong,
    /// The password of this number.
    Password(u32),
}

impl Act {
    /// Its name, for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Act::Login { guess: false, .. } => "login",
            Act::Login { guess: true, .. } => "login with a wrong password",
            Act::Refresh { outdated: false, .. } => "refresh",
            Act::Refresh { outdated: true, .. } => "refresh with a stolen token",
            Act::Decide { .. } => "decision",
            Act::Speak { .. } => "message",
            Act::List { .. } => "list sessions",
            Act::Logout => "logout",
            Act::EndOne { .. } => "end one session",
            Act::EndAll => "end all sessions",
            Act::Password { .. } => "change password",
            Act::Register => "register",
            Act::Ask => "ask for a reset by mail",
            Act::Mail => "mail",
            Act::Recover { .. } => "reset by mail",
            Act::Delete => "operator: delete",
            Act::Active(false) => "operator: disable",
            Act::Active(true) => "operator: enable",
            Act::Permission(false) => "operator: revoke permission",
            Act::Permission(true) => "operator: grant permission",
            Act::DropKeys { .. } => "operator: drop key",
            Act::FirstStep { .. } => "login, first step",
            Act::SecondStep { proof: Proof::Wrong, .. } => "login, second step with a wrong code",
            Act::SecondStep { proof: Proof::Recovery { .. }, .. } => {
                "login, second step with a recovery code"
            }
            Act::SecondStep { proof: Proof::Passkey { .. }, .. } => "login, second step with a passkey",
            Act::SecondStep { .. } => "login, second step with a code",
            Act::PasskeyLogin { .. } => "login with a passkey",
            Act::StepUp { .. } => "step up",
            Act::BeginFactor => "begin a factor",
            Act::AddFactor { proof: Proof::Passkey { .. }, .. } => "add a passkey",
            Act::AddFactor { .. } => "confirm an app",
            Act::RemoveFactor { .. } => "remove a factor",
            Act::RenewCodes { .. } => "renew recovery codes",
            Act::ListFactors { .. } => "list factors",
            Act::ResetFactors => "operator: reset factors",
            Act::Invite => "operator: invite",
            Act::Accept { .. } => "accept an invitation",
            Act::LoginAt { .. } => "login by one of two addresses",
            Act::AskMove { .. } => "ask for another address",
            Act::Move { .. } => "confirm another address",
            Act::Revert { .. } => "take an address back",
            Act::Verify => "verify an address",
            Act::OpenAgain => "open a used link",
            Act::WrongLink => "open a link of another kind",
            Act::Grant { .. } => "ask for a form",
            Act::Send { .. } => "send a file",
            Act::Look { .. } => "look at an upload",
            Act::Content { .. } => "ask for a file",
            Act::Peek => "ask for the file of another",
        }
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// It was sent no sooner than this.
    pub(crate) begin: At,
    /// It was answered no later than this.
    pub(crate) end: At,
    /// The user whom it is about.
    pub(crate) user: u32,
    /// The session whose token it carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// The names of the keys that made what it carried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
    /// The access token that it carried is good until the first of these, and not after the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<(At, At)>,
    pub(crate) act: Act,
    pub(crate) answer: Answer,
}

/// Something that was done to the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disturbance {
    pub(crate) begin: At,
    /// Calls that begin later than this know nothing of it any more.
    pub(crate) end: At,
    pub(crate) what: String,
}

/// A whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
    pub(crate) disturbances: Vec<Disturbance>,
}

/// Where everybody writes.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) clock: Clock,
    history: Mutex<History>,
}

impl Recorder {
    pub(crate) fn note(&self, event: Event) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).events.push(event);
    }

    pub(crate) fn disturb(&self, begin: At, end: At, what: impl Into<String>) {
        let what = what.into();
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.disturbances.push(Disturbance { begin, end, what });
    }

    /// All of it, in the order in which calls began.
    pub(crate) fn take(&self) -> History {
        let mut history = std::mem::take(&mut *self.history.lock().unwrap_or_else(PoisonError::into_inner));
        history.events.sort_by_key(|event| event.begin);
        history.disturbances.sort_by_key(|disturbance| disturbance.begin);
        history
    }
}
