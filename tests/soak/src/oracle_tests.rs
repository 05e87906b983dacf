//! The judge is judged: histories that hold one wrong answer, and the same ones with that answer right.

use super::*;
use crate::history::Disturbance;

pub(super) const SID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
pub(super) const OTHER: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

pub(super) fn event(begin: At, end: At, act: Act, answer: Answer) -> Event {
    let session = Some(SID.to_owned());
    Event { begin, end, user: 1, session, keys: vec!["access-1".to_owned()], expires: None, act, answer }
}

pub(super) fn login(begin: At, end: At, session: &str) -> Event {
    let act = Act::Login { password: 0, guess: false, gave: Some(session.to_owned()) };
    Event { session: None, ..event(begin, end, act, Answer::Yes) }
}

pub(super) fn decide() -> Act {
    Act::Decide { api: "NotesApi".to_owned(), permission: false, told: None }
}

fn refresh(presented: u32, gave: Option<u32>) -> Act {
    Act::Refresh { presented, gave, outdated: false }
}

pub(super) fn no(code: &str) -> Answer {
    Answer::No(code.to_owned())
}

pub(super) fn broken() -> Answer {
    Answer::Broken("503 SERVICE_UNAVAILABLE".to_owned())
}

/// What is wrong with a session that began at 0 and did all this.
pub(super) fn faults(events: Vec<Event>) -> Vec<&'static str> {
    let whole = Disturbance { begin: 0, end: At::MAX, what: "a test".to_owned() };
    let history = History { events: [vec![login(0, 1, SID)], events].concat(), disturbances: vec![whole] };
    judge(&history).into_iter().map(|wrong| wrong.why).collect()
}

#[test]
fn a_yes_after_the_answer_of_a_logout_is_wrong_and_one_that_began_before_it_is_not() {
    let out = event(10, 20, Act::Logout, Answer::Yes);
    let early = event(19, 30, decide(), Answer::Yes);
    let late = event(20, 30, decide(), Answer::Yes);
    assert_eq!(faults(vec![out.clone(), early]), [""; 0]);
    assert_eq!(faults(vec![out, late]), ["a session that had ended was let in"]);
}

#[test]
fn after_a_logout_that_failed_both_answers_are_right() {
    for answer in [Answer::Yes, no("UNAUTHORIZED")] {
        let out = event(10, 20, Act::Logout, broken());
        assert_eq!(faults(vec![out, event(30, 40, decide(), answer)]), [""; 0]);
    }
}

#[test]
fn a_no_to_a_session_that_goes_on_is_wrong() {
    let refused = event(30, 40, decide(), no("UNAUTHORIZED"));
    assert_eq!(faults(vec![refused.clone()]), ["an honest call was refused though its session went on"]);
    // What began while it was under way may have come first.
    assert_eq!(faults(vec![refused, event(39, 50, Act::EndAll, broken())]), [""; 0]);
}

#[test]
fn everybody_but_the_one_who_changed_the_password_is_out() {
    let change = event(10, 20, Act::Password { from: 0, to: 1 }, Answer::Yes);
    let other = |act, answer| Event { session: Some(OTHER.to_owned()), ..event(30, 40, act, answer) };
    let history = |event| faults(vec![login(2, 3, OTHER), change.clone(), event]);
    assert_eq!(history(other(decide(), Answer::Yes)), ["a session that had ended was let in"]);
    assert_eq!(history(other(decide(), no("UNAUTHORIZED"))), [""; 0]);
    assert_eq!(
        history(event(30, 40, decide(), no("UNAUTHORIZED"))),
        ["an honest call was refused though its session went on"]
    );
    let old = Act::Login { password: 0, guess: false, gave: None };
    assert_eq!(history(other(old, Answer::Yes)), ["a password that had been changed let somebody in"]);
}

#[test]
fn a_disabled_user_gets_nothing_and_a_session_from_before_stays_over() {
    let off = event(10, 20, Act::Active(false), Answer::Yes);
    let on = event(50, 60, Act::Active(true), Answer::Yes);
    let again = Act::Login { password: 0, guess: false, gave: None };
    let history = |event| faults(vec![off.clone(), on.clone(), event]);
    assert_eq!(history(event(30, 40, again.clone(), Answer::Yes)), ["a disabled user got a session"]);
    assert_eq!(history(event(30, 55, again.clone(), Answer::Yes)), [""; 0]);
    assert_eq!(history(event(70, 80, again, no("ACCOUNT_INACTIVE"))), ["an active user was called inactive"]);
    assert_eq!(history(event(70, 80, decide(), Answer::Yes)), ["a session that had ended was let in"]);
}

#[test]
fn a_retry_in_time_gets_the_same_successor_and_is_not_logged_out() {
    let lost = event(10, 20, refresh(0, None), broken());
    let retry = |end, gave, answer| event(end - 5, end, refresh(0, gave), answer);
    let logged_out = retry(GRACE, None, no("REFRESH_TOKEN_INVALID"));
    assert_eq!(faults(vec![lost.clone(), logged_out]), ["an honest client was logged out"]);
    let too_late = retry(11 + GRACE, None, no("REFRESH_TOKEN_INVALID"));
    assert_eq!(faults(vec![lost, too_late]), [""; 0]);
    let twice = vec![retry(30, Some(1), Answer::Yes), retry(40, Some(2), Answer::Yes)];
    assert_eq!(faults(twice), ["one refresh token gave two successors"; 2]);
}

#[test]
fn a_stolen_token_gives_nothing_and_ends_the_session() {
    let theft = |answer| event(10, 20, Act::Refresh { presented: 0, gave: None, outdated: true }, answer);
    assert_eq!(faults(vec![theft(Answer::Yes)]), ["a stolen refresh token gave a successor"]);
    let after = event(30, 40, decide(), Answer::Yes);
    assert_eq!(
        faults(vec![theft(no("REFRESH_TOKEN_INVALID")), after.clone()]),
        ["a session that had ended was let in"]
    );
    assert_eq!(faults(vec![theft(broken()), after]), [""; 0]);
}

#[test]
fn expired_tokens_permissions_and_names_are_looked_at_too() {
    let expired = Event { expires: Some((15, 25)), ..event(30, 40, decide(), Answer::Yes) };
    assert_eq!(faults(vec![expired]), ["an expired token was let in"]);
    let taken = event(10, 20, Act::Permission(false), Answer::Yes);
    let notes = Act::Decide { api: "NotesApi".to_owned(), permission: true, told: None };
    assert_eq!(
        faults(vec![taken, event(30, 40, notes, Answer::Yes)]),
        ["a user without the permission was let in"]
    );
    let taken_for = Act::Decide { api: "NotesApi".to_owned(), permission: false, told: Some(2) };
    assert_eq!(faults(vec![event(30, 40, taken_for, Answer::Yes)]), ["one user was taken for another"]);
    let listed = Act::List { listed: vec![SID.to_owned(), OTHER.to_owned()] };
    let ended = event(10, 20, Act::EndOne { target: OTHER.to_owned() }, Answer::Yes);
    let listing = event(30, 40, listed, Answer::Yes);
    assert_eq!(faults(vec![login(2, 3, OTHER), ended, listing]), ["the list has a session that had ended"]);
}

#[test]
fn a_dropped_key_explains_a_refusal_and_its_successor_for_half_a_minute() {
    let dropped =
        |out: &str, new: &str| Act::DropKeys { out: vec![out.to_owned()], new: Some(new.to_owned()) };
    let refused = |begin| event(begin, begin + 10, decide(), no("UNAUTHORIZED"));
    let out = event(10, 20, dropped("access-1", "access-2"), Answer::Yes);
    assert_eq!(faults(vec![out, refused(SECOND)]), [""; 0]);
    let new = event(10, 20, dropped("access-0", "access-1"), Answer::Yes);
    assert_eq!(faults(vec![new.clone(), refused(SECOND)]), [""; 0]);
    assert_eq!(
        faults(vec![new, refused(40 * SECOND)]),
        ["an honest call was refused though its session went on"]
    );
}

#[test]
fn a_failure_is_wrong_only_where_nothing_had_been_done_to_the_system() {
    let burst = Disturbance { begin: 100, end: 200, what: "a burst".to_owned() };
    let events =
        vec![login(0, 1, SID), event(50, 90, decide(), broken()), event(90, 110, decide(), broken())];
    let history = History { events, disturbances: vec![burst] };
    let wrong = judge(&history);
    assert_eq!(wrong.len(), 1);
    assert_eq!((wrong[0].event.begin, wrong[0].why), (50, "a call failed though nothing was wrong"));
}

/// A part of a run with an authorizer that kept its answers for a second: what a cache on the wrong side of a revocation looks
/// like. Between the two decisions, both of them yes, stands the answer to a logout.
#[test]
fn the_recorded_run_of_an_authorizer_that_keeps_its_decisions_is_found_out() {
    let recorded = include_str!("../histories/cached_decisions.json");
    let mut history: History = serde_json::from_str(recorded).unwrap();
    let why = |history: &History| -> Vec<_> { judge(history).into_iter().map(|wrong| wrong.why).collect() };
    assert_eq!(why(&history), ["a session that had ended was let in"]);
    history.events.retain(|event| event.act != Act::Logout);
    assert_eq!(why(&history), [""; 0], "without the logout there is nothing wrong with it");
}

/// Whether a message of this moment is wrong, of a session that was logged out at 20.
fn message(begin: At, answer: Answer, disturbances: Vec<Disturbance>) -> Vec<&'static str> {
    let speak = event(begin, begin + 1, Act::Speak { told: Some(1) }, answer);
    let events = vec![login(0, 1, SID), event(10, 20, Act::Logout, Answer::Yes), speak];
    judge(&History { events, disturbances }).into_iter().map(|wrong| wrong.why).collect()
}

#[test]
fn a_connection_may_outlive_its_session_for_as_long_as_an_event_takes_and_no_longer() {
    let late = ["a connection went on long after its session had ended"];
    assert_eq!(message(20 + UNDISTURBED - 1, Answer::Yes, vec![]), [""; 0]);
    assert_eq!(message(20 + UNDISTURBED, Answer::Yes, vec![]), late);
    let burst = || vec![Disturbance { begin: 15, end: 16, what: "a burst".to_owned() }];
    assert_eq!(message(20 + UNDISTURBED, Answer::Yes, burst()), [""; 0]);
    assert_eq!(message(20 + DISTURBED, Answer::Yes, burst()), late);
    assert_eq!(message(21, no("closed"), vec![]), [""; 0]);
}

#[test]
fn a_connection_that_ends_though_its_session_goes_on_or_that_is_somebody_elses_is_wrong() {
    let speak = |told, answer| event(30, 31, Act::Speak { told: Some(told) }, answer);
    assert_eq!(faults(vec![speak(1, Answer::Yes)]), [""; 0]);
    assert_eq!(faults(vec![speak(2, Answer::Yes)]), ["one user was taken for another"]);
    assert_eq!(
        faults(vec![speak(1, no("closed"))]),
        ["an honest call was refused though its session went on"]
    );
}

/// An answer that a gateway keeps may be some seconds old, and no older.
#[test]
fn a_kept_answer_may_be_as_old_as_its_gateway_keeps_it_and_no_older() {
    let kept = |begin, answer| {
        let act = Act::Decide { api: KEPT.to_owned(), permission: true, told: Some(1) };
        event(begin, begin + 10, act, answer)
    };
    let out = event(10, 20, Act::Logout, Answer::Yes);
    assert_eq!(faults(vec![out.clone(), kept(20 + KEPT_FOR - 1, Answer::Yes)]), [""; 0]);
    let late = kept(20 + KEPT_FOR, Answer::Yes);
    assert_eq!(faults(vec![out, late]), ["a session that had ended was let in"]);
    let [taken, given] = [(10, false), (30, true)]
        .map(|(at, has)| Event { session: None, ..event(at, at + 5, Act::Permission(has), Answer::Yes) });
    let both = |answer| faults(vec![taken.clone(), given.clone(), answer]);
    assert_eq!(both(kept(35 + KEPT_FOR - 1, no("FORBIDDEN"))), [""; 0]);
    assert_eq!(
        both(kept(35 + KEPT_FOR, no("FORBIDDEN"))),
        ["an honest call was refused though its session went on"]
    );
}

#[test]
fn a_deleted_user_has_no_session_and_gets_none() {
    let gone = Event { session: None, ..event(10, 20, Act::Delete, Answer::Yes) };
    let again = |answer| Event {
        session: None,
        ..event(30, 40, Act::Login { password: 0, guess: false, gave: None }, answer)
    };
    assert_eq!(
        faults(vec![gone.clone(), event(30, 40, decide(), Answer::Yes), again(Answer::Yes)]),
        ["a session that had ended was let in", "a deleted user got a session"]
    );
    let refused = vec![gone, event(30, 40, decide(), no("UNAUTHORIZED")), again(no("INVALID_CREDENTIALS"))];
    assert_eq!(faults(refused), [""; 0]);
}

#[test]
fn an_address_is_registered_once_and_taken_only_by_whoever_tried_before() {
    let register = |begin, answer| Event { session: None, ..event(begin, begin + 5, Act::Register, answer) };
    let taken = || no("EMAIL_TAKEN");
    assert_eq!(faults(vec![register(10, taken())]), ["a free address was said to be taken"]);
    assert_eq!(faults(vec![register(10, broken()), register(20, taken())]), [""; 0]);
    assert_eq!(
        faults(vec![register(10, Answer::Yes), register(20, Answer::Yes)]),
        ["one address was registered twice"; 2]
    );
}

#[test]
fn a_reset_by_mail_ends_every_session_and_the_old_password() {
    let reset = Event { session: None, ..event(10, 20, Act::Recover { to: 1 }, Answer::Yes) };
    let login = |password, answer| Event {
        session: None,
        ..event(30, 40, Act::Login { password, guess: false, gave: None }, answer)
    };
    assert_eq!(
        faults(vec![reset.clone(), event(30, 40, decide(), Answer::Yes), login(0, Answer::Yes)]),
        ["a session that had ended was let in", "a password that had been changed let somebody in"]
    );
    assert_eq!(
        faults(vec![reset.clone(), login(1, no("INVALID_CREDENTIALS"))]),
        ["the right password was refused"]
    );
    let refused = Event { session: None, ..event(10, 20, Act::Recover { to: 1 }, no("MAIL_TOKEN_INVALID")) };
    assert_eq!(faults(vec![refused]), ["a good link was refused"]);
}
