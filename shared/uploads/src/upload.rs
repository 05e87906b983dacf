//! The life of an upload, as pure steps. The store makes each of them one conditional write with the same condition.
//!
//! ```text
//! granted ──first verdict──▶ received ──two yeses, and the copy──▶ clean
//!    ├──────────── a no ────────┴──────────────▶ refused
//!    └──── unused ────────────┴── undecided ──▶ expired
//! ```
//!
//! - Both verdicts are about one version of one object: the first verdict binds the upload to its version, and what is
//!   said of another version counts for nothing.
//! - Each verdict is set once. Events come in any order and any number of times.
//! - A no is final. Silence is no yes, and ends by time: what nobody decided is expired, whether that is written down or not, and
//!   a verdict that comes then is too late.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

/// How long after a form's end its file may still be on its way: a large one on a slow line.
pub const LATE: SignedDuration = SignedDuration::from_mins(15);

/// How long after a form's end its file may wait for a verdict. Soon after, the bucket's lifecycle takes the file.
pub const UNDECIDED: SignedDuration = SignedDuration::from_hours(24);

/// A version of an object, as S3 names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(String);

/// The text can't be a version of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version of an object")]
pub struct NotAVersion;

impl VersionId {
    /// The version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VersionId {
    type Error = NotAVersion;

    /// `null` is the version of a bucket that has none: its object can be replaced, and no verdict about it holds.
    fn try_from(text: String) -> Result<Self, NotAVersion> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_version =
            !text.is_empty() && text.len() <= 1024 && text != "null" && text.bytes().all(is_plain);
        if is_version { Ok(Self(text)) } else { Err(NotAVersion) }
    }
}

/// Who looks at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judge {
    /// Our inspection: is it what it claims to be?
    Inspection,
    /// The malware scanner.
    Malware,
}

impl Judge {
    /// The attribute of the item that has its verdict.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Inspection => "inspection",
            Self::Malware => "malware",
        }
    }
}

/// What a judge says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing speaks against it.
    Yes,
    /// It is refused.
    No(Reason),
}

impl Verdict {
    /// The verdict as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "OK",
            Self::No(reason) => reason.name(),
        }
    }

    /// The verdict that is stored as this text. Whatever else stands there is a no.
    #[must_use]
    pub fn of_str(text: &str) -> Self {
        if text == Self::Yes.as_str() {
            return Self::Yes;
        }
        Self::No(Reason::named(text).unwrap_or(Reason::Unreadable))
    }
}

nova_auth_domain::named! {
    /// Where an upload is, as it is stored and told.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum State {
        /// A form was given out.
        Granted = "granted",
        /// The file is there, and not judged to the end.
        Received = "received",
        /// Two yeses, and the file was copied.
        Clean = "clean",
        /// A no.
        Refused = "refused",
        /// The form ran out unused, or nobody decided about the file in time. What comes now is too late.
        Expired = "expired",
    }
}

impl State {
    /// The state so long after the form's end.
    #[must_use]
    pub fn after(self, passed: SignedDuration) -> Self {
        let most = match self {
            Self::Granted => LATE,
            Self::Received => UNDECIDED,
            Self::Clean | Self::Refused | Self::Expired => return self,
        };
        if passed > most { Self::Expired } else { self }
    }
}

/// What verdicts have made of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it is.
    pub state: State,
    /// The version that the verdicts are about.
    pub version: Option<VersionId>,
    pub inspection: Option<Verdict>,
    /// The scanner's verdict.
    pub malware: Option<Verdict>,
}

impl Upload {
    /// An upload that was just granted.
    pub const GRANTED: Self = Self { state: State::Granted, version: None, inspection: None, malware: None };

    /// What this judge said.
    #[must_use]
    pub const fn verdict(&self, judge: Judge) -> Option<Verdict> {
        match judge {
            Judge::Inspection => self.inspection,
            Judge::Malware => self.malware,
        }
    }

    /// Notes a verdict, so long after the form's end. `false`: it counts for nothing, and nothing was changed.
    pub fn judge(
        &mut self,
        judge: Judge,
        version: &VersionId,
        verdict: Verdict,
        passed: SignedDuration,
    ) -> bool {
        let is_open = matches!(self.state.after(passed), State::Granted | State::Received);
        let is_this = self.version.as_ref().is_none_or(|bound| bound == version);
        // The other judge's no ends it, and this one's first word stays.
        if !is_open || !is_this || self.verdict(judge).is_some() {
            return false;
        }
        self.version = Some(version.clone());
        *match judge {
            Judge::Inspection => &mut self.inspection,
            Judge::Malware => &mut self.malware,
        } = Some(verdict);
        self.state = if verdict == Verdict::Yes { State::Received } else { State::Refused };
        true
    }

    /// The version that is to be copied, so long after the form's end: both judges said yes about it, and it was not copied yet.
    #[must_use]
    pub fn copyable(&self, passed: SignedDuration) -> Option<&VersionId> {
        let both = [self.inspection, self.malware] == [Some(Verdict::Yes); 2];
        self.version.as_ref().filter(|_| both && self.state.after(passed) == State::Received)
    }

    /// Notes that this version was copied. `false`: that is not so, was noted before, or comes too late.
    pub fn copied(&mut self, version: &VersionId, passed: SignedDuration) -> bool {
        let may = self.copyable(passed) == Some(version);
        if may {
            self.state = State::Clean;
        }
        may
    }

    /// Why it is refused.
    #[must_use]
    pub fn reasons(&self) -> BTreeSet<Reason> {
        let no = |verdict| match verdict {
            Some(Verdict::No(reason)) => Some(reason),
            _ => None,
        };
        [self.inspection, self.malware].into_iter().filter_map(no).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Event {
        Judged(Judge, usize, Verdict),
        Copied(usize),
        Passed(SignedDuration),
    }

    fn version(number: usize) -> VersionId {
        VersionId::try_from(format!("v{number}")).unwrap()
    }

    fn event() -> impl Strategy<Value = Event> {
        let judge = prop_oneof![Just(Judge::Inspection), Just(Judge::Malware)];
        let verdict = prop_oneof![
            3 => Just(Verdict::Yes),
            1 => Just(Verdict::No(Reason::Malware)),
            1 => Just(Verdict::No(Reason::Polyglot)),
        ];
        prop_oneof![
            4 => (judge, 0..3_usize, verdict).prop_map(|(judge, version, verdict)| Event::Judged(judge, version, verdict)),
            1 => (0..3_usize).prop_map(Event::Copied),
            1 => (0..30_i64).prop_map(|hours| Event::Passed(SignedDuration::from_hours(hours))),
        ]
    }

    proptest! {
        /// Whatever is said, however often, in whatever order and however late: a refused upload stays refused, an expired one
        /// expired, and a clean one had two yeses about the very version that was copied.
        #[test]
        fn refused_stays_refused_and_clean_is_two_yeses_about_one_version(events in prop::collection::vec(event(), 0..40)) {
            let mut upload = Upload::GRANTED;
            let mut yeses = BTreeSet::new();
            let (mut was_refused, mut passed) = (false, SignedDuration::ZERO);
            for event in events {
                let before = upload.clone();
                let was_expired = upload.state.after(passed) == State::Expired;
                match event {
                    Event::Passed(more) => passed += more,
                    Event::Judged(judge, number, verdict) => {
                        if verdict == Verdict::Yes {
                            yeses.insert((judge, number));
                        }
                        let noted = upload.judge(judge, &version(number), verdict, passed);
                        prop_assert!(noted || upload == before);
                        // A verdict that was set is never another one.
                        for judge in [Judge::Inspection, Judge::Malware] {
                            prop_assert!(before.verdict(judge).is_none() || upload.verdict(judge) == before.verdict(judge));
                        }
                    }
                    Event::Copied(number) => {
                        if upload.copied(&version(number), passed) {
                            prop_assert!(yeses.contains(&(Judge::Inspection, number)));
                            prop_assert!(yeses.contains(&(Judge::Malware, number)));
                        }
                    }
                }
                prop_assert!(before.version.is_none() || upload.version == before.version);
                prop_assert!(!was_refused || upload.state == State::Refused);
                prop_assert!(before.state != State::Clean || upload.state == State::Clean);
                was_refused = upload.state == State::Refused;
                prop_assert_eq!(was_refused, !upload.reasons().is_empty());
                prop_assert!(!was_expired || upload.state.after(passed) == State::Expired);
                if was_refused || was_expired {
                    prop_assert!(upload.copyable(passed).is_none());
                }
            }
        }
    }

    #[test]
    fn two_yeses_about_two_versions_are_one_yes_about_one() {
        let (mut upload, now) = (Upload::GRANTED, SignedDuration::ZERO);
        assert!(upload.judge(Judge::Inspection, &version(1), Verdict::Yes, now));
        assert!(!upload.judge(Judge::Malware, &version(2), Verdict::Yes, now));
        assert_eq!(upload.copyable(now), None);
        assert!(upload.judge(Judge::Malware, &version(1), Verdict::Yes, now));
        assert_eq!(upload.copyable(now), Some(&version(1)));
        assert!(!upload.copied(&version(2), now) && upload.copied(&version(1), now));
        assert!(!upload.copied(&version(1), now));
    }

    #[test]
    fn a_file_that_nobody_decides_about_is_expired_in_the_end_and_nothing_else_is() {
        let later = |most: SignedDuration| most + SignedDuration::from_millis(1);
        for (state, most) in [(State::Granted, LATE), (State::Received, UNDECIDED)] {
            assert_eq!((state.after(most), state.after(later(most))), (state, State::Expired));
        }
        for state in [State::Clean, State::Refused, State::Expired] {
            assert_eq!(state.after(SignedDuration::from_hours(10_000)), state);
        }
        let mut upload = Upload::GRANTED;
        assert!(!upload.judge(Judge::Malware, &version(1), Verdict::Yes, later(LATE)));
        assert!(upload.judge(Judge::Malware, &version(1), Verdict::Yes, LATE));
        assert!(!upload.judge(Judge::Inspection, &version(1), Verdict::Yes, later(UNDECIDED)));
        assert!(upload.judge(Judge::Inspection, &version(1), Verdict::Yes, UNDECIDED));
        assert!(!upload.copied(&version(1), later(UNDECIDED)) && upload.copied(&version(1), UNDECIDED));
    }

    #[test]
    fn an_upload_of_before_an_update_is_where_it_was() {
        let names = ["granted", "received", "clean", "refused", "expired"];
        assert_eq!(State::ALL.map(State::name), names);
        assert_eq!(serde_json::json!(State::ALL), serde_json::json!(names));
        assert_eq!(State::named("approved"), None);
    }

    #[test]
    fn what_is_stored_and_not_understood_is_a_no() {
        assert_eq!(Verdict::of_str("OK"), Verdict::Yes);
        for text in ["", "ok", "YES", "UNREADABLE"] {
            assert_eq!(Verdict::of_str(text), Verdict::No(Reason::Unreadable), "{text}");
        }
        assert_eq!(Verdict::of_str(Verdict::No(Reason::Macros).as_str()), Verdict::No(Reason::Macros));
    }

    #[test]
    fn the_version_of_a_bucket_without_versions_is_none() {
        for text in ["", "null", "a b", "a#b", &"a".repeat(1025)] {
            assert!(VersionId::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(VersionId::try_from("L4kqtJlcpXroDTDmpUMLUo_x.y-z".to_owned()).is_ok());
    }
}
