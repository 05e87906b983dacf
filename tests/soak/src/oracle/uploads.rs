//! What the judge knows of uploads: a file that was decided stays what it is; what is not what it claims to be is never served, and what is
//! harmless is; nobody sees another's; and no more is granted than the quota allows.

use super::super::history::{Act, Answer, At, Event, File, SECOND};
use super::Facts;

/// Pictures that a user may upload a day (uploads/uploads.yaml).
const QUOTA: usize = 20;

/// A form that was not used gives its place back after 17 minutes.
const PLACE_LASTS: At = 1_000 * SECOND;

/// A form counts for two minutes.
const FORM_LASTS: At = 110 * SECOND;

/// The upload and the file that a call is about.
fn upload_of(act: &Act) -> Option<(u32, File)> {
    match act {
        Act::Grant { upload, file, .. }
        | Act::Send { upload, file }
        | Act::Look { upload, file, .. }
        | Act::Content { upload, file, .. } => Some((*upload, *file)),
        _ => None,
    }
}

/// How far a state is; what is final comes last.
fn rank(state: &str) -> u8 {
    match state {
        "granted" => 0,
        "received" => 1,
        _ => 2,
    }
}

/// What the answer says for certain of where the upload is.
fn told(event: &Event) -> Option<&str> {
    match (&event.act, &event.answer) {
        (Act::Look { state, .. }, Answer::Yes) => Some(state),
        (Act::Content { .. }, Answer::Yes) => Some("clean"),
        (Act::Content { .. }, Answer::No(code)) if code == "UPLOAD_REFUSED" => Some("refused"),
        _ => None,
    }
}

/// Why a harmless file must not have been refused.
fn misjudged(state: &str, file: File, reason: Option<&str>) -> Option<&'static str> {
    match (state, file, reason) {
        // An inspection has ten seconds, which a busy machine may not give it.
        ("refused", File::Picture, Some("UNREADABLE")) => Some("a harmless file could not be read in time"),
        ("refused", File::Picture, Some(_)) => Some("a harmless file was refused"),
        _ => None,
    }
}

impl Facts<'_> {
    /// Other calls about the same upload.
    fn about(&self, event: &Event) -> impl Iterator<Item = &Event> {
        let upload = upload_of(&event.act).map(|(upload, _)| upload);
        self.calls_of(event.user)
            .filter(move |other| upload.is_some() && upload_of(&other.act).map(|(of, _)| of) == upload)
    }

    /// Why what was said of an upload, or done with it, is wrong.
    pub(super) fn wrong_upload(&self, event: &Event) -> Option<&'static str> {
        match &event.act {
            Act::Peek => return Some("somebody was given the file of another"),
            Act::Grant { file: File::NotAllowed, .. } => {
                return Some("a type that no rule allows was granted");
            }
            Act::Grant { day, .. } => return self.wrong_grant(event, *day),
            Act::Send { file: File::Changed, .. } => return Some("a form took another file than its own"),
            Act::Content { same: Some(false), .. } => return Some("a file is not what was sent"),
            _ => {}
        }
        self.wrong_state(event)
    }

    fn wrong_state(&self, event: &Event) -> Option<&'static str> {
        let (state, (_, file)) = (told(event)?, upload_of(&event.act)?);
        let mut before = self.about(event).filter(|other| other.end <= event.begin);
        let is_another = before.any(|other| {
            told(other).is_some_and(|old| rank(old) > rank(state) || (rank(old) == 2 && old != state))
        });
        let was_sent =
            self.about(event).any(|other| matches!(other.act, Act::Send { .. }) && other.begin < event.end);
        let reason = match &event.act {
            Act::Look { reason, .. } => reason.as_deref(),
            _ => None,
        };
        is_another
            .then_some("an upload that was decided became another")
            .or((rank(state) > 0 && state != "expired" && !was_sent)
                .then_some("a file that nobody sent is there"))
            .or((state == "clean" && file != File::Picture).then_some("what is no picture was served as one"))
            .or(misjudged(state, file, reason))
    }

    /// Forms that were given out on that day, so that their places are taken still.
    fn wrong_grant(&self, event: &Event, day: Option<u64>) -> Option<&'static str> {
        let granted = self.grants(event, day?).filter(|other| other.answer == Answer::Yes);
        (granted.count() >= QUOTA).then_some("more was granted than the quota allows")
    }

    /// Other forms that were asked for on that day before this call was over.
    fn grants(&self, event: &Event, day: u64) -> impl Iterator<Item = &Event> {
        let (begin, end) = (event.begin, event.end);
        self.calls_of(event.user).filter(move |other| {
            let is_grant = matches!(other.act, Act::Grant { day: Some(of), .. } if of == day);
            let is_near = other.begin < end && other.begin + PLACE_LASTS > begin;
            is_grant && is_near && !std::ptr::eq(*other, event)
        })
    }

    /// Why the quota can't have been used up.
    pub(super) fn wrong_quota(&self, event: &Event) -> Option<&'static str> {
        let Act::Grant { day: Some(day), .. } = &event.act else { return None };
        let perhaps = self.grants(event, *day).filter(|other| {
            let is_refused = matches!(other.answer, Answer::No(_) | Answer::Limited(_));
            !is_refused || other.end > event.begin
        });
        (perhaps.count() < QUOTA).then_some("a quota was said to be used up that was not")
    }

    /// Why it must not have been refused.
    pub(super) fn wrong_refusal_of_upload(&self, event: &Event, code: &str) -> Option<&'static str> {
        let was_clean = || {
            let mut before = self.about(event).filter(|other| other.end <= event.begin);
            before.any(|other| told(other) == Some("clean"))
        };
        match (&event.act, code) {
            (Act::Peek, "UPLOAD_NOT_FOUND")
            | (Act::Grant { file: File::NotAllowed, .. }, "UPLOAD_TYPE_REFUSED") => None,
            (Act::Peek, _) if code.starts_with("UPLOAD_") => Some("somebody was told of the file of another"),
            (Act::Send { file: File::Changed, .. }, _) => None,
            (Act::Send { .. }, _) => {
                let granted = self.about(event).find(|other| matches!(other.act, Act::Grant { .. }));
                let is_late = granted.is_none_or(|granted| event.end > granted.begin + FORM_LASTS);
                (!is_late).then_some("a form that fits was refused")
            }
            (Act::Content { .. }, "UPLOAD_NOT_READY" | "UPLOAD_REFUSED") => {
                was_clean().then_some("a clean file was not given").or_else(|| self.wrong_state(event))
            }
            _ => Some("an honest call was refused though its session went on"),
        }
    }
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
