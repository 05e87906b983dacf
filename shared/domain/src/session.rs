//! The life of a session, and what the refresh protocol decides.
//!
//! A refresh token is used once. The row of its session holds the hashes of the current and of the previous one:
//!
//! - *current* is presented → the row takes the next one (one conditional write, made by the store);
//! - *previous* is presented within the grace window → the client's answer was lost, or another tab was faster: it gets
//!   the **same** successor, made again byte for byte, so nobody gains a second chain;
//! - anything else is presented → somebody holds a token that was used up: the session is revoked. So is one whose token
//!   comes another way than it is delivered: in a body, from a cookie that no script reads.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp,
    fmt::serde::timestamp::millisecond::{optional as maybe_millis, required as millis},
};
use serde::{Deserialize, Serialize};

use crate::{
    assurance::Shown,
    factors::{Acr, Amr},
    ids::{AccessId, FingerprintHash, RefreshHash, SessionId, UserId},
    moment::{Moment, RequestId},
    user::Profile,
};

/// A session as the table holds it: the final form of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Whose session it is.
    pub user_id: UserId,
    pub session_id: SessionId,
    /// Whether it was ended.
    pub state: State,
    /// The user's epoch when it began (or when its own password change raised it).
    pub epoch: u64,
    /// Where its refresh tokens travel.
    pub delivery: Delivery,
    /// How often it was refreshed; the generation of the current refresh token.
    pub generation: u64,
    /// Hash of the refresh token that may be used.
    pub current: RefreshHash,
    /// Hash of the one before, for the grace window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RefreshHash>,
    /// When the current refresh token was made: its `iat`, and the start of the grace window. Milliseconds.
    #[serde(with = "millis")]
    pub rotated_at: Timestamp,
    /// The key that signed the current refresh token and made its id.
    pub rotation_kid: String,
    /// The idle end: `exp` of the current refresh token, before the absolute end cuts it. A whole second, like the
    /// absolute end, so that the row's conditions and the token's claims mean the same moment.
    #[serde(with = "millis")]
    pub idle_end: Timestamp,
    /// The request that made the current refresh token.
    pub rotation_request: RequestId,
    /// The device as the service saw it at login.
    pub device: Device,
    /// SHA-256 of the client's fingerprint, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<FingerprintHash>,
    /// What the client said of itself at login. Shown to people, trusted by nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ClaimedDevice>,
    /// The login.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// The session ends here, however busy it is.
    #[serde(with = "millis")]
    pub absolute_end: Timestamp,
    /// The end, in seconds, of the window that its refreshes are counted in; none where their number has no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshes_end: Option<i64>,
    /// How many there were in that window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshes: Option<u32>,
    /// Access tokens of this session that are refused whatever it is: the blacklist.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub revoked_tokens: BTreeSet<AccessId>,
    /// When the user last showed who they are: at the login, or since by a step-up. Rows of before have none: at the login.
    #[serde(default, with = "maybe_millis", skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// When the user last showed a second factor in this session, if ever.
    #[serde(default, with = "maybe_millis", skip_serializing_if = "Option::is_none")]
    pub factor_time: Option<Timestamp>,
    /// It began on a device that the user had not logged in on before, and the user is to hear of it. The relay reads it as the row is
    /// inserted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub new_device: bool,
    /// Why it was ended. None also of one that was withdrawn: nobody was given its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// How the user showed who they are (RFC 8176). Rows of before have none: by password.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub amr: BTreeSet<Amr>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

crate::named! {
    /// Whether a session was ended. A state that this version does not know is an end.
    pub enum State {
        /// It goes on until it expires.
        Active = "active",
        /// Its user has to enrol a second factor first: it opens nothing else. Versions that do not know the state refuse it.
        Enrolling = "enrolling",
        /// It was ended, by its user, an operator or the theft of a token. There is no way back.
        #[serde(other)]
        Revoked = "revoked",
    }
}

crate::named! {
    /// Why a session ended, as its row and the event bus call it.
    #[derive(Hash)]
    pub enum EndReason {
        /// A client logged it out.
        Logout = "logout",
        /// Its user ended it from another one.
        User = "user",
        /// An operator ended it.
        Operator = "operator",
        /// A refresh token of it was used twice, or came the wrong way.
        Theft = "theft",
        /// It was the oldest of more sessions than a user may have.
        Limit = "limit",
        /// It was refreshed after its user was disabled, or after an epoch that ended it.
        Epoch = "epoch",
    }
}

crate::named! {
    /// Where a session's refresh tokens travel, by its name in rows.
    pub enum Delivery {
        /// In JSON bodies.
        Body = "body",
        /// In a cookie that no script reads, and in no body ever.
        Cookie = "cookie",
    }
}

/// The device that a session began on, as the service saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The `User-Agent` header, cut at 512 characters.
    pub user_agent: String,
    /// The client's address.
    pub ip: String,
}

/// What a client says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedDevice {
    /// Its idea of its user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Its idea of its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// How long the tokens of a session live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access: SignedDuration,
    /// A refresh token: the idle time that a session survives.
    pub refresh: SignedDuration,
    /// A session, from login.
    pub session: SignedDuration,
    /// How long the previous refresh token still gets the current one. Zero switches it off.
    pub grace: SignedDuration,
}

impl Session {
    /// When the current refresh token, and with it the session, ends unless it is refreshed. To the whole second, as
    /// the token says it.
    #[must_use]
    pub fn refresh_expires(&self) -> Timestamp {
        whole_seconds(self.idle_end.min(self.absolute_end))
    }

    /// Whether the row itself says that the session goes on. Its user must be asked too: [`standing`].
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state == State::Active && self.is_open(now)
    }

    /// The same, or that it may go on once its user has enrolled a second factor: what is listed, counted and ended.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state != State::Revoked && now < self.refresh_expires()
    }

    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Shown {
        let factor_at = self.factor_time.filter(|_| self.acr() == Acr::SecondFactor);
        Shown { authenticated_at: self.authenticated_at(), factor_at, now }
    }

    /// When the user last showed who they are.
    #[must_use]
    pub fn authenticated_at(&self) -> Timestamp {
        self.auth_time.unwrap_or(self.created_at)
    }

    /// How the user showed who they are, by the names of RFC 8176. Only what this version knows is told to others.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        match self.amr.is_empty() {
            true => vec![Amr::Pwd.name()],
            false => self.amr.iter().filter(|amr| **amr != Amr::Other).map(|amr| amr.name()).collect(),
        }
    }

    /// What the user showed.
    #[must_use]
    pub fn acr(&self) -> Acr {
        match (self.state, self.factor_time) {
            (State::Enrolling, _) => Acr::Enrolment,
            (_, None) => Acr::Password,
            (_, Some(_)) => Acr::SecondFactor,
        }
    }

    /// Whether this is the token that the session waits for: nothing about it was used up, and it came the way it should.
    #[must_use]
    pub fn awaits(&self, presented: &Presented) -> bool {
        self.current == presented.hash
            && self.generation == presented.generation
            && self.delivery == presented.delivery
    }

    /// Whether an access token of this session is on its blacklist.
    #[must_use]
    pub fn has_revoked(&self, token: AccessId) -> bool {
        self.revoked_tokens.contains(&token)
    }

    /// When an access token made now ends: it never outlives its session.
    #[must_use]
    pub fn access_expires(&self, now: Timestamp, lifetimes: &Lifetimes) -> Timestamp {
        whole_seconds((now + lifetimes.access).min(self.refresh_expires()))
    }
}

/// Times in tokens are whole seconds.
#[must_use]
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Whether a live session still counts, by its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// The user is gone or not active.
    UserInactive,
    /// The epochs differ: every session was revoked, or a password change is half seen. A reader reads once more
    /// before it says no.
    EpochsApart,
}

/// Holds a session against its user.
#[must_use]
pub fn standing(profile: Option<&Profile>, session: &Session) -> Standing {
    match profile {
        Some(profile) if !profile.is_active() => Standing::UserInactive,
        Some(profile) if profile.epoch == session.epoch => Standing::Good,
        Some(_) => Standing::EpochsApart,
        None => Standing::UserInactive,
    }
}

/// What a client presents to be refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Hash of the token's id.
    pub hash: RefreshHash,
    /// The token's generation.
    pub generation: u64,
    /// SHA-256 of the client's fingerprint, where it gave one.
    pub fingerprint: Option<FingerprintHash>,
    /// How it came.
    pub delivery: Delivery,
}

/// What to do with a refresh whose conditional write did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostRotation {
    /// The write was this request's own and had taken before; the SDK repeated it.
    TookAlready,
    /// Another request with the same token was faster: send the same successor.
    SameSuccessor,
    /// The session ended before; nothing is to be revoked.
    Ended,
    /// Its user has to enrol a second factor first. The token is as good as before.
    Enrolling,
    /// The token is the current one still: the write failed for a reason that is gone. It can be presented again.
    StillCurrent,
    /// The token was used up, or came another way than its session delivers. The session is to be revoked.
    Theft,
}

/// Decides on the row that the failed condition returned.
#[must_use]
pub fn judge_lost_rotation(
    row: &Session,
    presented: &Presented,
    moment: &Moment,
    lifetimes: &Lifetimes,
) -> LostRotation {
    if !row.is_open(moment.now) {
        return LostRotation::Ended;
    }
    // Nothing was ever rotated, so nothing tells an old token from a stolen one; and no token opens anything.
    if row.state == State::Enrolling {
        return LostRotation::Enrolling;
    }
    // A token never leaves its channel by itself: somebody took it out of there.
    if row.delivery != presented.delivery {
        return LostRotation::Theft;
    }
    if row.awaits(presented) {
        return LostRotation::StillCurrent;
    }
    // INVARIANT: a rotation replaces exactly one generation, so the token before the current one has generation - 1.
    let is_previous = row.previous.as_ref() == Some(&presented.hash)
        && row.generation.checked_sub(1) == Some(presented.generation);
    if !is_previous {
        return LostRotation::Theft;
    }
    if row.rotation_request == moment.request {
        return LostRotation::TookAlready;
    }
    let fingerprints_agree = match (&row.fingerprint, &presented.fingerprint) {
        (Some(known), Some(shown)) => known == shown,
        _ => true,
    };
    let in_grace = moment.now.duration_since(row.rotated_at) <= lifetimes.grace && !lifetimes.grace.is_zero();
    if in_grace && fingerprints_agree { LostRotation::SameSuccessor } else { LostRotation::Theft }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::RefreshId;

    const GRACE: i64 = 30;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hash(generation: u8) -> RefreshHash {
        RefreshId::from_bytes(&[generation; 32]).hash()
    }

    fn presented(generation: u8) -> Presented {
        Presented {
            hash: hash(generation),
            generation: generation.into(),
            fingerprint: None,
            delivery: Delivery::Body,
        }
    }

    fn moment(second: i64) -> Moment {
        Moment { now: at(second), request: RequestId::new("later") }
    }

    fn lifetimes(grace: i64) -> Lifetimes {
        let seconds = SignedDuration::from_secs;
        Lifetimes {
            access: seconds(900),
            refresh: seconds(604_800),
            session: seconds(2_592_000),
            grace: seconds(grace),
        }
    }

    /// A session at generation 5, rotated at second 1000.
    fn row() -> Session {
        let id = "0190163d-8694-739b-aea5-966c26f8ad90";
        Session {
            user_id: id.parse().unwrap(),
            session_id: id.parse().unwrap(),
            state: State::Active,
            epoch: 1,
            delivery: Delivery::Body,
            generation: 5,
            current: hash(5),
            previous: Some(hash(4)),
            rotated_at: at(1_000),
            rotation_kid: "refresh-1".into(),
            idle_end: at(605_800),
            rotation_request: RequestId::new("rotation"),
            device: Device { user_agent: String::new(), ip: "192.0.2.1".into() },
            fingerprint: None,
            claimed: None,
            created_at: at(0),
            absolute_end: at(2_592_000),
            refreshes_end: None,
            refreshes: None,
            revoked_tokens: BTreeSet::new(),
            auth_time: None,
            new_device: false,
            ended_by: None,
            factor_time: None,
            amr: BTreeSet::new(),
        }
    }

    fn judge(row: &Session, presented: &Presented, second: i64) -> LostRotation {
        judge_lost_rotation(row, presented, &moment(second), &lifetimes(GRACE))
    }

    #[test]
    fn a_client_whose_answer_was_lost_gets_the_same_successor_within_the_window() {
        assert_eq!(judge(&row(), &presented(4), 1_000), LostRotation::SameSuccessor);
        assert_eq!(judge(&row(), &presented(4), 1_000 + GRACE), LostRotation::SameSuccessor);
        assert_eq!(judge(&row(), &presented(4), 1_001 + GRACE), LostRotation::Theft);
    }

    /// The count of its refreshes may be in the way of a write, and be out of the way by the time somebody looks.
    #[test]
    fn a_token_that_is_current_still_is_no_theft() {
        assert_eq!(judge(&row(), &presented(5), 1_001), LostRotation::StillCurrent);
        let forged = Presented { generation: 4, ..presented(5) };
        assert_eq!(judge(&row(), &forged, 1_001), LostRotation::Theft);
    }

    #[test]
    fn an_older_generation_is_theft_even_within_the_window() {
        assert_eq!(judge(&row(), &presented(3), 1_001), LostRotation::Theft);
    }

    #[test]
    fn a_hash_of_the_previous_token_under_another_generation_is_theft() {
        let forged = Presented { generation: 3, ..presented(4) };
        assert_eq!(judge(&row(), &forged, 1_001), LostRotation::Theft);
    }

    #[test]
    fn another_device_does_not_get_the_successor() {
        let row = Session { fingerprint: Some(FingerprintHash::of("known")), ..row() };
        let other = Presented { fingerprint: Some(FingerprintHash::of("other")), ..presented(4) };
        assert_eq!(judge(&row, &other, 1_001), LostRotation::Theft);
        assert_eq!(judge(&row, &presented(4), 1_001), LostRotation::SameSuccessor);
    }

    #[test]
    fn a_token_that_comes_another_way_than_its_session_delivers_is_theft_even_the_current_one() {
        let in_cookies = Session { delivery: Delivery::Cookie, ..row() };
        for generation in [4, 5] {
            assert_eq!(judge(&in_cookies, &presented(generation), 1_001), LostRotation::Theft);
            let by_cookie = Presented { delivery: Delivery::Cookie, ..presented(generation) };
            assert_eq!(judge(&row(), &by_cookie, 1_001), LostRotation::Theft);
        }
        let by_cookie = Presented { delivery: Delivery::Cookie, ..presented(4) };
        assert_eq!(judge(&in_cookies, &by_cookie, 1_001), LostRotation::SameSuccessor);
    }

    #[test]
    fn with_grace_switched_off_the_previous_token_is_theft_at_once() {
        let verdict = judge_lost_rotation(&row(), &presented(4), &moment(1_000), &lifetimes(0));
        assert_eq!(verdict, LostRotation::Theft);
    }

    #[test]
    fn a_write_that_the_sdk_repeated_is_the_success_it_was_even_without_grace() {
        let own = Moment { request: RequestId::new("rotation"), ..moment(1_000) };
        assert_eq!(
            judge_lost_rotation(&row(), &presented(4), &own, &lifetimes(0)),
            LostRotation::TookAlready
        );
    }

    #[test]
    fn a_session_that_has_ended_stays_ended_for_every_token() {
        for ended in [
            Session { state: State::Revoked, ..row() },
            Session { idle_end: at(1_001), ..row() },
            Session { absolute_end: at(1_001), ..row() },
        ] {
            for generation in [3, 4, 5] {
                assert_eq!(judge(&ended, &presented(generation), 1_001), LostRotation::Ended);
            }
        }
    }

    #[test]
    fn others_are_told_how_a_user_showed_who_they_are_and_nothing_that_this_version_does_not_know() {
        let shown = |amr: &[Amr]| Session { amr: amr.iter().copied().collect(), ..row() }.methods();
        assert_eq!(shown(&[]), ["pwd"], "a row of before");
        assert_eq!(shown(&[Amr::Pwd, Amr::Otp]), ["pwd", "otp"]);
        assert_eq!(shown(&[Amr::User, Amr::Hwk, Amr::Other]), ["hwk", "user"]);
    }

    #[test]
    fn a_refresh_before_the_enrolment_is_no_theft_whatever_is_presented() {
        let enrolling = Session { state: State::Enrolling, ..row() };
        for generation in [3, 4, 5] {
            assert_eq!(judge(&enrolling, &presented(generation), 1_001), LostRotation::Enrolling);
        }
        let shown = Session { factor_time: Some(at(1_000)), ..enrolling.clone() };
        assert_eq!(shown.shown(at(1_001)).factor_at, None, "what it is to enrol counts for nothing yet");
        let ended = Session { absolute_end: at(1_001), ..enrolling.clone() };
        assert_eq!(judge(&ended, &presented(5), 1_001), LostRotation::Ended);
        assert!(!enrolling.is_live(at(1_001)) && enrolling.is_open(at(1_001)) && !ended.is_open(at(1_001)));
    }

    #[test]
    fn no_token_outlives_the_absolute_end() {
        let row = Session { absolute_end: at(1_500), ..row() };
        assert_eq!(row.refresh_expires(), at(1_500));
        assert_eq!(row.access_expires(at(1_000), &lifetimes(GRACE)), at(1_500));
    }

    #[test]
    fn rows_of_before_and_the_conditions_on_them_call_everything_by_the_same_name() {
        assert_eq!(Delivery::ALL.map(Delivery::name), ["body", "cookie"]);
        assert_eq!(json!(Delivery::ALL), json!(["body", "cookie"]));
        assert_eq!(State::ALL.map(State::name), ["active", "enrolling", "revoked"]);
        assert_eq!(json!(State::ALL), json!(["active", "enrolling", "revoked"]));
    }

    #[test]
    fn who_hears_of_an_end_on_the_event_bus_reads_the_reason_as_ever() {
        let names = ["logout", "user", "operator", "theft", "limit", "epoch"];
        assert_eq!(EndReason::ALL.map(EndReason::name), names);
        assert_eq!(EndReason::named("forgotten"), None);
    }

    #[test]
    fn a_state_of_a_later_version_is_not_taken_for_active() {
        assert_eq!(serde_json::from_str::<State>("\"paused\"").unwrap(), State::Revoked);
    }

    #[test]
    fn a_session_counts_while_its_user_is_active_and_at_its_epoch() {
        let user = |status: &str, epoch: u64| -> Profile {
            serde_json::from_value(json!({
                "userId": row().user_id, "email": "a@example.com", "name": "A", "role": "user", "status": status,
                "epoch": epoch, "createdAt": "2026-01-01T00:00:00Z", "passwordChangedAt": "2026-01-01T00:00:00Z",
            }))
            .unwrap()
        };
        for (profile, expected) in [
            (Some(user("active", 1)), Standing::Good),
            (Some(user("active", 2)), Standing::EpochsApart),
            (Some(user("active", 0)), Standing::EpochsApart),
            (Some(user("disabled", 1)), Standing::UserInactive),
            (Some(user("disabled", 2)), Standing::UserInactive),
            (None, Standing::UserInactive),
        ] {
            assert_eq!(standing(profile.as_ref(), &row()), expected, "{profile:?}");
        }
    }
}
