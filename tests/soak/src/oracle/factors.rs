//! What the judge knows of second factors.
//!
//! A change of factors ends every session but the one that made it, and every login that waits for its second step; a code, a
//! recovery code and a passkey's answer count once; and where a factor is in force, nobody gets in by the password alone.

use std::collections::BTreeMap;

use super::super::history::{Act, Answer, At, Event, Proof, SECOND};
use super::super::register::{LATE, Register};
use super::{Facts, Session, done};

/// A code counts for half a minute at least after it was shown first. One that took this long to be judged may have been too old.
const CODE_LASTS: At = 20 * SECOND;

/// The second step of a login has five minutes, and a factor as long to be confirmed.
const STEP_LASTS: At = 280 * SECOND;

/// Who showed something this long ago may change factors still, and who did it that long ago may not.
const FRESH: (At, At) = (570 * SECOND, 620 * SECOND);

/// So many may fail before a user is locked out, in `nova local`, and for so long they count.
const MOST_FAILURES: usize = 100;
const FAILURES_COUNT: At = 910 * SECOND;

/// What all calls say of second factors.
#[derive(Debug, Default)]
pub(super) struct Second<'a> {
    /// Whether a user has a factor; both by their numbers.
    there: BTreeMap<(u32, u32), Register<bool>>,
    /// Which recovery codes a user has.
    codes: BTreeMap<u32, Register<Option<u32>>>,
    /// Logins that wait for their second step.
    waiting: BTreeMap<(u32, u32), Session>,
    /// By user, every call that showed something.
    shown: BTreeMap<u32, Vec<&'a Event>>,
    /// When a session was shown a second factor, perhaps.
    strong: BTreeMap<&'a str, Vec<&'a Event>>,
    /// Sessions that a password alone began, of users who have factors now and then.
    plain: Vec<&'a str>,
}

impl Second<'_> {
    pub(super) fn waiting(&mut self) -> impl Iterator<Item = &mut Session> {
        self.waiting.values_mut()
    }
}

/// What was shown, if the call shows something.
fn proof_of(act: &Act) -> Option<Proof> {
    match act {
        Act::SecondStep { proof, .. }
        | Act::PasskeyLogin { proof, .. }
        | Act::StepUp { proof }
        | Act::AddFactor { proof, .. } => Some(*proof),
        _ => None,
    }
}

/// When nothing more can come of the call.
fn settled(event: &Event) -> At {
    if done(&event.answer) == Some(true) { event.end } else { event.end.saturating_add(LATE) }
}

/// Whether the one may have been done between the begin and the end of the other.
fn may_meet(one: &Event, begin: At, end: At) -> bool {
    done(&one.answer).is_some() && one.begin < end && settled(one) > begin
}

/// Whether it may take a factor away.
fn takes(act: &Act) -> bool {
    matches!(act, Act::RemoveFactor { .. } | Act::ResetFactors)
}

fn is_new_one(event: &Event) -> bool {
    matches!(event.act, Act::AddFactor { .. })
}

/// Whether it ends the logins that wait, and the sessions.
fn ends_logins(act: &Act) -> bool {
    let is_change = matches!(act, Act::AddFactor { .. } | Act::RenewCodes { .. });
    let ends = matches!(act, Act::Password { .. } | Act::Recover { .. } | Act::EndAll | Act::Delete);
    let moves = matches!(act, Act::Move { .. } | Act::Revert { .. } | Act::Active(_));
    takes(act) || is_change || ends || moves
}

impl<'a> Facts<'a> {
    /// What has to be known before anything is said of changes.
    pub(super) fn note_step(&mut self, event: &'a Event) {
        let (times, alive) = ((event.begin, event.end), || Register::new(true));
        let second = &mut self.second;
        if proof_of(&event.act).is_some() {
            second.shown.entry(event.user).or_default().push(event);
        }
        let (gave, login) = match &event.act {
            Act::Login { gave: Some(gave), .. } => return second.plain.push(gave),
            Act::FirstStep { challenge, .. } => {
                let waiting = Session { user: event.user, login: times, alive: alive() };
                second.waiting.insert((event.user, *challenge), waiting);
                return;
            }
            // The session has the epoch that the first step read.
            Act::SecondStep { challenge, gave: Some(gave), .. } => {
                let first = second.waiting.get(&(event.user, *challenge));
                (gave, first.map_or(times, |first| first.login))
            }
            Act::PasskeyLogin { gave: Some(gave), .. } => (gave, times),
            Act::AddFactor { factor, .. } => {
                second.there.entry((event.user, *factor)).or_insert_with(|| Register::new(false));
                return self.note_strong(event);
            }
            Act::StepUp { proof } if !matches!(proof, Proof::Password(_)) => return self.note_strong(event),
            _ => return,
        };
        second.strong.entry(gave).or_default().push(event);
        self.sessions.insert(gave, Session { user: event.user, login, alive: alive() });
    }

    fn note_strong(&mut self, event: &'a Event) {
        if let Some(session) = event.session.as_deref().filter(|_| done(&event.answer).is_some()) {
            self.second.strong.entry(session).or_default().push(event);
        }
    }

    /// What the call did to factors.
    pub(super) fn note_factors(&mut self, event: &Event) {
        let Some(sure) = done(&event.answer) else { return };
        let (user, second) = (event.user, &mut self.second);
        let write = |of: &mut Register<bool>, value| of.write(event.begin, event.end, sure, value);
        match &event.act {
            Act::AddFactor { factor, .. } | Act::RemoveFactor { factor } => {
                let there = second.there.entry((user, *factor)).or_insert_with(|| Register::new(false));
                write(there, matches!(event.act, Act::AddFactor { .. }));
            }
            Act::ResetFactors => {
                second
                    .there
                    .iter_mut()
                    .filter(|((of, _), _)| *of == user)
                    .for_each(|(_, there)| write(there, false));
            }
            Act::SecondStep { challenge, .. } => {
                if let Some(waiting) = second.waiting.get_mut(&(user, *challenge)) {
                    write(&mut waiting.alive, false);
                }
            }
            _ => {}
        }
    }

    /// What the call did to recovery codes, once all is known of factors.
    pub(super) fn note_codes(&mut self, event: &Event) {
        let Some(sure) = done(&event.answer) else { return };
        let (value, sure) = match &event.act {
            Act::AddFactor { codes: Some(codes), .. } | Act::RenewCodes { codes } => (Some(*codes), sure),
            Act::ResetFactors => (None, sure),
            // They go with the last factor.
            Act::RemoveFactor { factor } => match self.has_other_factor(event, *factor) {
                Some(true) => return,
                Some(false) => (None, sure),
                None => (None, false),
            },
            _ => return,
        };
        let codes = self.second.codes.entry(event.user).or_insert_with(|| Register::new(None));
        codes.write(event.begin, event.end, sure, value);
    }

    fn has_other_factor(&self, event: &Event, factor: u32) -> Option<bool> {
        self.has_factor_but(event.user, Some(factor), (event.begin, event.end))
    }

    /// Whether the user had a factor throughout, or none; `None`: nobody can tell.
    fn has_factor(&self, user: u32, times: (At, At)) -> Option<bool> {
        self.has_factor_but(user, None, times)
    }

    fn has_factor_but(&self, user: u32, but: Option<u32>, (begin, end): (At, At)) -> Option<bool> {
        let own = self.second.there.iter().filter(|((of, which), _)| *of == user && Some(*which) != but);
        let states: Vec<_> = own.map(|(_, there)| there.certain(begin, end)).collect();
        if states.contains(&Some(true)) {
            return Some(true);
        }
        states.iter().all(|state| *state == Some(false)).then_some(false)
    }

    fn has(&self, event: &Event, factor: u32) -> Option<bool> {
        self.second.there.get(&(event.user, factor))?.certain(event.begin, event.end)
    }

    /// Other calls of the user's that showed something, and began before this one was over.
    fn others(&self, event: &Event) -> impl Iterator<Item = (&Event, Proof)> {
        let (end, itself) = (event.end, std::ptr::from_ref(event));
        let all = self.second.shown.get(&event.user).into_iter().flatten();
        let others = all.filter(move |other| !std::ptr::eq(**other, itself) && other.begin < end);
        others.filter_map(|other| Some((*other, proof_of(&other.act)?)))
    }

    /// Sessions of a password alone that this new factor ends for certain: a login that came after it would have asked for a second
    /// step, and one that came before has an older epoch, also where the two met.
    pub(super) fn end_plain(&mut self, event: &Event) {
        if !is_new_one(event) || event.answer != Answer::Yes {
            return;
        }
        let own: Vec<_> = self.calls_of(event.user).collect();
        for id in &self.second.plain {
            let Some(session) = self.sessions.get_mut(id).filter(|session| session.user == event.user) else {
                continue;
            };
            let (begun, there) = session.login;
            let is_own = event.session.as_deref() == Some(*id);
            if is_own || begun >= event.end || there <= event.begin {
                continue;
            }
            let mut others = own.iter();
            let is_taken_again =
                others.any(|other| takes(&other.act) && may_meet(other, event.begin, there.max(event.end)));
            if !is_taken_again {
                session.alive.write(event.begin, event.end.max(there), true, false);
            }
        }
    }

    /// Why a password alone must not have had this answer, which is a session (`begun`) or the second step.
    pub(super) fn wrong_step(&self, event: &Event, begun: bool) -> Option<&'static str> {
        match self.has_factor(event.user, (event.begin, event.end)) {
            Some(true) if begun => Some("a session began without the second step"),
            Some(false) if !begun => Some("a second step was asked of somebody who has no factor"),
            _ => None,
        }
    }

    /// Why the second step, or the passkey, must not have begun a session.
    pub(super) fn wrong_begin(&self, event: &Event, proof: Proof) -> Option<&'static str> {
        let user = self.users.get(&event.user)?;
        let at = (event.begin, event.end);
        let is_over = match &event.act {
            Act::SecondStep { challenge, .. } => {
                let waiting = self.second.waiting.get(&(event.user, *challenge));
                waiting.is_some_and(|waiting| waiting.alive.certain(at.0, at.1) == Some(false))
                    || self.other_steps(event).any(|other| other.answer == Answer::Yes)
            }
            _ => false,
        };
        let is_disabled = user.active.certain(at.0, at.1) == Some(false);
        is_over
            .then_some("a login that was over went on")
            .or(is_disabled.then_some("a disabled user got a session"))
            .or_else(|| self.wrong_proof(event, proof))
    }

    /// Other second steps of the same login.
    fn other_steps(&self, event: &Event) -> impl Iterator<Item = &Event> {
        let login = |event: &Event| match event.act {
            Act::SecondStep { challenge, .. } => Some(challenge),
            _ => None,
        };
        let own = login(event);
        self.others(event).map(|(other, _)| other).filter(move |other| own.is_some() && login(other) == own)
    }

    /// Why what was shown must not have been taken.
    pub(super) fn wrong_proof(&self, event: &Event, proof: Proof) -> Option<&'static str> {
        let mut taken = self.others(event).filter(|(other, _)| other.answer == Answer::Yes);
        let is_new = is_new_one(event);
        let is_gone = |factor| !is_new && self.has(event, factor) == Some(false);
        let was = |other: &Event| other.end <= event.begin;
        let why = match proof {
            Proof::Wrong => return Some("a wrong code was taken"),
            Proof::Password(number) => {
                let right = self.users.get(&event.user)?.password.possible(event.begin, event.end);
                return (!right.contains(&number)).then_some("a password that had been changed was taken");
            }
            Proof::Recovery { codes, .. } => {
                let now = self.second.codes.get(&event.user)?.possible(event.begin, event.end);
                (!now.contains(&Some(codes))).then_some("a recovery code that was void was taken")
            }
            Proof::Code { factor, .. } | Proof::Passkey { factor, .. } => {
                is_gone(factor).then_some("a factor that had been removed was taken")
            }
        };
        why.or_else(|| {
            taken.find_map(|(other, shown)| match (proof, shown) {
                (Proof::Code { factor, step }, Proof::Code { factor: of, step: before }) if of == factor => {
                    let is_old = before > step && was(other);
                    (before == step)
                        .then_some("a code was taken twice")
                        .or(is_old.then_some("an old code was taken"))
                }
                (Proof::Recovery { .. }, _) => (proof == shown).then_some("a recovery code was taken twice"),
                (
                    Proof::Passkey { factor, ceremony, count },
                    Proof::Passkey { factor: of, ceremony: before, count: counted },
                ) => {
                    let is_copy = !is_new && of == factor && counted >= count && was(other);
                    (before == ceremony)
                        .then_some("an answer of a passkey was taken twice")
                        .or(is_copy.then_some("a copy of a passkey was taken"))
                }
                _ => None,
            })
        })
    }

    /// Whether something may explain that this was not taken.
    pub(super) fn is_proof_excused(&self, event: &Event, proof: Proof) -> bool {
        let is_unsure = |factor| self.has(event, factor) != Some(true);
        match proof {
            Proof::Wrong => true,
            Proof::Password(number) => {
                let password = self.users.get(&event.user).map(|user| &user.password);
                password.and_then(|password| password.certain(event.begin, event.end)) != Some(number)
            }
            Proof::Code { factor, step } => {
                let is_new = is_new_one(event);
                let mut others = self.others(event);
                event.end - event.begin > CODE_LASTS
                    || (!is_new && is_unsure(factor))
                    || others.any(|(_, other)| {
                        matches!(other, Proof::Code { factor: of, step: before } if of == factor && before >= step)
                    })
            }
            Proof::Recovery { codes, .. } => {
                let now = self.second.codes.get(&event.user);
                let now = now.and_then(|now| now.certain(event.begin, event.end));
                now != Some(Some(codes))
                    || self.has_factor(event.user, (event.begin, event.end)) != Some(true)
                    || self.others(event).any(|(_, other)| other == proof)
            }
            Proof::Passkey { factor, ceremony, count } => {
                let is_new = is_new_one(event);
                let mut others = self.others(event);
                (!is_new && is_unsure(factor))
                    || others.any(|(other, shown)| {
                        let Proof::Passkey { factor: of, ceremony: before, count: counted } = shown else {
                            return false;
                        };
                        // Its counter is held against the one that was read, which another use may raise meanwhile.
                        let is_over = other.end <= event.begin && !matches!(other.answer, Answer::Broken(_));
                        let is_in_the_way = is_new || (!is_new_one(other) && (counted >= count || !is_over));
                        before == ceremony || (of == factor && is_in_the_way)
                    })
            }
        }
    }

    /// Why the second step, or the passkey, must have begun a session.
    pub(super) fn wrong_refusal(&self, event: &Event, code: &str, proof: Proof) -> Option<&'static str> {
        let user = self.users.get(&event.user)?;
        let at = (event.begin, event.end);
        if user.there.certain(at.0, at.1) != Some(true) {
            return None;
        }
        if code == "ACCOUNT_INACTIVE" {
            let is_active = user.active.certain(at.0, at.1) == Some(true);
            return is_active.then_some("an active user was called inactive");
        }
        let mut all = self.calls_of(event.user);
        let is_raised = all.any(|other| ends_logins(&other.act) && may_meet(other, at.0, at.1));
        let may_be_over = match &event.act {
            Act::SecondStep { challenge, .. } => {
                let waiting = self.second.waiting.get(&(event.user, *challenge))?;
                let is_late = at.1 > waiting.login.0 + STEP_LASTS;
                let is_used = self.other_steps(event).any(|other| done(&other.answer).is_some());
                is_late || is_used || waiting.alive.certain(at.0, at.1) != Some(true)
            }
            _ => false,
        };
        let is_excused = is_raised || may_be_over || self.is_proof_excused(event, proof);
        (!is_excused).then_some("a second factor that was right was refused")
    }

    /// Why somebody must not have changed factors.
    pub(super) fn wrong_change(&self, event: &Event) -> Option<&'static str> {
        if let Act::AddFactor { proof, .. } = &event.act
            && let Some(why) = self.wrong_proof(event, *proof)
        {
            return Some(why);
        }
        let mut all = self.calls_of(event.user);
        let is_taken = all.any(|other| {
            takes(&other.act) && !std::ptr::eq(other, event) && may_meet(other, event.begin, event.end)
        });
        // As of its begin: it may itself be the change after which there is none.
        let had = self.has_factor(event.user, (event.begin, event.begin)) == Some(true) && !is_taken;
        let strong = self.second.strong.get(event.session.as_deref()?).into_iter().flatten();
        let mut before = strong.filter(|shown| shown.begin < event.end && !std::ptr::eq(**shown, event));
        let may_be_fresh = before.any(|shown| settled(shown) + FRESH.1 > event.begin);
        (had && !may_be_fresh).then_some("factors were changed by somebody who had not shown one")
    }

    /// Why somebody must not have been asked to show once more who they are.
    pub(super) fn wrong_step_up(&self, event: &Event) -> Option<&'static str> {
        let id = event.session.as_deref()?;
        let is_fresh = |begin: At, end: At| end <= event.begin && event.end < begin + FRESH.0;
        let mut strong = self.second.strong.get(id).into_iter().flatten();
        let is_strong = strong.any(|shown| shown.answer == Answer::Yes && is_fresh(shown.begin, shown.end));
        let login = self.sessions.get(id)?.login;
        let needs_none = self.has_factor(event.user, (event.begin, event.end)) == Some(false);
        let is_enough = is_strong || (needs_none && is_fresh(login.0, login.1));
        is_enough.then_some("somebody who had just shown who they are was asked again")
    }

    /// Whether what is missing may really be missing: a factor that is to be removed, one that is to be confirmed, or any.
    pub(super) fn may_be_missing(&self, event: &Event) -> bool {
        match &event.act {
            Act::RemoveFactor { factor } => self.has(event, *factor) != Some(true),
            Act::RenewCodes { .. } => self.has_factor(event.user, (event.begin, event.end)) != Some(true),
            // Confirmed by a call before, or too old.
            Act::AddFactor { factor, .. } => {
                let mut all = self.calls_of(event.user);
                let is_confirmed = all.clone().any(|other| {
                    let is_same = matches!(other.act, Act::AddFactor { factor: of, .. } if of == *factor);
                    is_same && !std::ptr::eq(other, event) && other.begin < event.end
                });
                let is_reset =
                    all.any(|other| other.act == Act::ResetFactors && may_meet(other, 0, event.end));
                is_confirmed || is_reset || event.end - event.begin > CODE_LASTS
            }
            _ => false,
        }
    }

    /// Why the list of factors was wrong.
    pub(super) fn wrong_factors(&self, event: &Event, listed: &[u32]) -> Option<&'static str> {
        let own = self.second.there.iter().filter(|((of, _), _)| *of == event.user);
        own.map(|((_, which), there)| (listed.contains(which), there.certain(event.begin, event.end)))
            .find_map(|(is_listed, is_there)| match (is_listed, is_there) {
                (true, Some(false)) => Some("the list has a factor that had been removed"),
                (false, Some(true)) => Some("the list lacks a factor"),
                _ => None,
            })
    }

    /// Why somebody must not have been locked out of the second step.
    pub(super) fn wrong_lock(&self, event: &Event) -> Option<&'static str> {
        let recent = self.others(event).filter(|(other, _)| other.end + FAILURES_COUNT > event.begin);
        (recent.count() < MOST_FAILURES).then_some("somebody was locked out who had not guessed")
    }
}

#[cfg(test)]
#[path = "factors_tests.rs"]
mod tests;
