//! Histories of second factors that hold one wrong answer, and the same ones with that answer right.

use super::super::tests::{OTHER, SID, broken, decide, event, faults, login, no};
use super::*;

const THIRD: &str = "0190163d-8694-739b-aea5-966c26f8ad92";

/// Of the user, and of no session.
fn bare(begin: At, end: At, act: Act, answer: Answer) -> Event {
    Event { session: None, ..event(begin, end, act, answer) }
}

/// An app that is in force from 20 on, added by the first session, with the codes of set 1.
fn added() -> Event {
    let proof = Proof::Code { factor: 1, step: 100 };
    event(10, 20, Act::AddFactor { factor: 1, proof, codes: Some(1) }, Answer::Yes)
}

fn first(begin: At, challenge: u32) -> Event {
    bare(begin, begin + 5, Act::FirstStep { password: 0, challenge }, Answer::Yes)
}

fn second(begin: At, challenge: u32, proof: Proof, answer: Answer) -> Event {
    let gave = (answer == Answer::Yes).then(|| format!("session-{begin}"));
    bare(begin, begin + 5, Act::SecondStep { challenge, proof, gave }, answer)
}

fn code(step: u64) -> Proof {
    Proof::Code { factor: 1, step }
}

fn recovery(nth: u32) -> Proof {
    Proof::Recovery { codes: 1, nth }
}

fn passkey(ceremony: u32, count: u32) -> Proof {
    Proof::Passkey { factor: 2, ceremony, count }
}

fn with(events: Vec<Event>) -> Vec<&'static str> {
    faults([vec![added()], events].concat())
}

#[test]
fn nobody_gets_in_by_the_password_alone_once_a_factor_is_in_force() {
    let alone = |begin| login(begin, begin + 5, OTHER);
    assert_eq!(with(vec![alone(20)]), ["a session began without the second step"]);
    assert_eq!(with(vec![alone(19)]), [""; 0], "it may have come first");
    assert_eq!(faults(vec![first(20, 1)]), ["a second step was asked of somebody who has no factor"]);
    assert_eq!(with(vec![first(20, 1), second(30, 1, code(101), Answer::Yes)]), [""; 0]);
    assert_eq!(
        with(vec![first(20, 1), second(30, 1, Proof::Wrong, Answer::Yes)]),
        ["a wrong code was taken"]
    );
    let removed = event(40, 50, Act::RemoveFactor { factor: 1 }, Answer::Yes);
    assert_eq!(with(vec![removed, alone(60)]), [""; 0]);
}

#[test]
fn a_login_by_the_password_alone_that_met_the_new_factor_is_over_once_both_are_done() {
    let met = login(15, 40, OTHER);
    let other = |begin, answer| Event {
        session: Some(OTHER.to_owned()),
        ..event(begin, begin + 5, decide(), answer)
    };
    assert_eq!(with(vec![met.clone(), other(50, Answer::Yes)]), ["a session that had ended was let in"]);
    assert_eq!(with(vec![met.clone(), other(50, no("UNAUTHORIZED"))]), [""; 0]);
    // It may have come after a removal.
    let removed = event(25, 30, Act::RemoveFactor { factor: 1 }, Answer::Yes);
    assert_eq!(with(vec![met, removed, other(50, Answer::Yes)]), [""; 0]);
}

#[test]
fn a_code_counts_once_and_none_before_it_counts_after_it() {
    let two = |step, begin| {
        with(vec![
            first(20, 1),
            first(20, 2),
            second(30, 1, code(102), Answer::Yes),
            second(begin, 2, code(step), Answer::Yes),
        ])
    };
    assert_eq!(two(102, 32), ["a code was taken twice"; 2]);
    assert_eq!(two(101, 40), ["an old code was taken"]);
    assert_eq!(two(101, 32), [""; 0], "it may have come first");
    assert_eq!(two(103, 40), [""; 0]);
    // The one that confirmed the app is used, too.
    let confirmed = with(vec![first(20, 1), second(30, 1, code(100), Answer::Yes)]);
    assert_eq!(confirmed, ["a code was taken twice"]);
}

#[test]
fn a_right_code_is_refused_only_if_somebody_may_have_shown_it_or_the_login_may_be_over() {
    let refused = |more: Vec<Event>| {
        with([vec![first(20, 1), second(30, 1, code(101), no("MFA_CODE_INVALID"))], more].concat())
    };
    assert_eq!(refused(vec![]), ["a second factor that was right was refused"]);
    let lost = vec![first(20, 2), second(25, 2, code(101), broken())];
    assert_eq!(refused(lost), [""; 0]);
    assert_eq!(refused(vec![event(24, 25, Act::EndAll, broken())]), [""; 0]);
    assert_eq!(with(vec![first(20, 1), second(30, 1, Proof::Wrong, no("MFA_CODE_INVALID"))]), [""; 0]);
}

#[test]
fn a_recovery_code_counts_once_and_only_until_others_take_its_place() {
    let twice = vec![
        first(20, 1),
        first(20, 2),
        second(30, 1, recovery(3), Answer::Yes),
        second(40, 2, recovery(3), Answer::Yes),
    ];
    assert_eq!(with(twice), ["a recovery code was taken twice"]);
    let two = vec![
        first(20, 1),
        first(20, 2),
        second(30, 1, recovery(3), Answer::Yes),
        second(40, 2, recovery(4), Answer::Yes),
    ];
    assert_eq!(with(two), [""; 0]);
    let renewed = |answer| event(30, 40, Act::RenewCodes { codes: 2 }, answer);
    let later = |answer| vec![renewed(answer), first(50, 1), second(60, 1, recovery(3), Answer::Yes)];
    assert_eq!(with(later(Answer::Yes)), ["a recovery code that was void was taken"]);
    assert_eq!(with(later(broken())), [""; 0]);
    let refused = vec![first(20, 1), second(30, 1, recovery(3), no("MFA_CODE_INVALID"))];
    assert_eq!(with(refused), ["a second factor that was right was refused"]);
}

#[test]
fn a_login_is_completed_once_and_not_after_what_it_rests_on_has_changed() {
    let twice =
        vec![first(20, 1), second(30, 1, recovery(3), Answer::Yes), second(32, 1, recovery(4), Answer::Yes)];
    assert_eq!(with(twice), ["a login that was over went on"; 2]);
    for act in [Act::Password { from: 0, to: 1 }, Act::EndAll, Act::RenewCodes { codes: 1 }] {
        let changed = |answer| {
            vec![first(20, 1), event(30, 40, act.clone(), answer), second(50, 1, code(101), Answer::Yes)]
        };
        assert_eq!(with(changed(Answer::Yes)), ["a login that was over went on"], "{act:?}");
        assert_eq!(with(changed(broken())), [""; 0], "{act:?}");
    }
}

/// The session has the epoch of the first step: what happened between the steps ends it, also where the second step did not see it.
#[test]
fn a_session_of_two_steps_ends_with_what_changed_after_the_first() {
    let steps = [first(20, 1), second(30, 1, code(101), Answer::Yes)];
    let of_it = |answer| Event { session: Some("session-30".to_owned()), ..event(50, 60, decide(), answer) };
    let change = event(32, 40, Act::EndAll, Answer::Yes);
    let all = |last: &[Event]| with([&steps[..], last].concat());
    assert_eq!(all(&[change.clone(), of_it(Answer::Yes)]), ["a session that had ended was let in"]);
    assert_eq!(all(&[change, of_it(no("UNAUTHORIZED"))]), [""; 0]);
    assert_eq!(all(&[of_it(no("UNAUTHORIZED"))]), ["an honest call was refused though its session went on"]);
}

#[test]
fn a_change_of_factors_ends_every_session_but_the_one_that_made_it() {
    let other = |answer| Event { session: Some(OTHER.to_owned()), ..event(60, 70, decide(), answer) };
    let passkey = Act::AddFactor { factor: 2, proof: passkey(1, 0), codes: None };
    for act in [passkey, Act::RenewCodes { codes: 2 }, Act::RemoveFactor { factor: 1 }] {
        let by = vec![first(22, 1), second(30, 1, code(101), Answer::Yes), event(50, 55, act, Answer::Yes)];
        let of_second = |answer| Event { session: Some("session-30".to_owned()), ..other(answer) };
        let all = |last| with([by.clone(), vec![last]].concat());
        assert_eq!(all(of_second(Answer::Yes)), ["a session that had ended was let in"]);
        assert_eq!(all(of_second(no("UNAUTHORIZED"))), [""; 0]);
        let own = event(60, 70, decide(), no("UNAUTHORIZED"));
        assert_eq!(all(own), ["an honest call was refused though its session went on"]);
    }
    let reset = vec![bare(30, 40, Act::ResetFactors, Answer::Yes), event(60, 70, decide(), Answer::Yes)];
    assert_eq!(with(reset), ["a session that had ended was let in"]);
}

#[test]
fn a_factor_that_was_taken_away_opens_nothing() {
    let gone = |act| vec![first(20, 1), event(30, 40, act, Answer::Yes)];
    for (act, who) in [(Act::RemoveFactor { factor: 1 }, SID), (Act::ResetFactors, THIRD)] {
        let shown = vec![second(50, 1, code(101), Answer::Yes)];
        let wrong = with([gone(act), shown].concat());
        assert_eq!(wrong, ["a login that was over went on"], "{who}");
    }
    let step = |answer| event(50, 60, Act::StepUp { proof: code(101) }, answer);
    let removed =
        |answer| with(vec![event(30, 40, Act::RemoveFactor { factor: 1 }, Answer::Yes), step(answer)]);
    assert_eq!(removed(Answer::Yes), ["a factor that had been removed was taken"]);
    assert_eq!(removed(no("MFA_CODE_INVALID")), [""; 0]);
    assert_eq!(
        with(vec![step(no("MFA_CODE_INVALID"))]),
        ["an honest call was refused though its session went on"]
    );
}

#[test]
fn an_answer_of_a_passkey_is_taken_once_and_never_from_a_copy_or_after_its_removal() {
    let made = event(30, 40, Act::AddFactor { factor: 2, proof: passkey(1, 0), codes: None }, Answer::Yes);
    let shown = |begin: At, proof, answer: Answer| {
        let gave = (answer == Answer::Yes).then(|| format!("session-{begin}"));
        bare(begin, begin + 5, Act::PasskeyLogin { proof, gave }, answer)
    };
    let all = |last: Vec<Event>| with([vec![made.clone()], last].concat());
    let yes = |begin, proof| shown(begin, proof, Answer::Yes);
    assert_eq!(all(vec![yes(50, passkey(2, 1)), yes(60, passkey(3, 2))]), [""; 0]);
    assert_eq!(
        all(vec![yes(50, passkey(2, 1)), yes(52, passkey(2, 1))]),
        ["an answer of a passkey was taken twice"; 2]
    );
    assert_eq!(all(vec![yes(50, passkey(2, 2)), yes(60, passkey(3, 2))]), ["a copy of a passkey was taken"]);
    let refused = |begin, count| shown(begin, passkey(3, count), no("PASSKEY_INVALID"));
    assert_eq!(
        all(vec![yes(50, passkey(2, 1)), refused(60, 2)]),
        ["a second factor that was right was refused"]
    );
    assert_eq!(all(vec![yes(50, passkey(2, 1)), refused(52, 2)]), [""; 0], "the two met");
    assert_eq!(all(vec![yes(50, passkey(2, 2)), refused(60, 2)]), [""; 0]);
    let removed = event(42, 45, Act::RemoveFactor { factor: 2 }, Answer::Yes);
    assert_eq!(
        all(vec![removed.clone(), yes(50, passkey(2, 1))]),
        ["a factor that had been removed was taken"]
    );
    assert_eq!(all(vec![removed, refused(60, 2)]), [""; 0]);
}

#[test]
fn factors_are_changed_by_those_alone_who_have_just_shown_one() {
    let renew = |at: At, answer| Event {
        session: Some(OTHER.to_owned()),
        ..event(at, at + 5, Act::RenewCodes { codes: 2 }, answer)
    };
    // A session that is nobody's known login: the judge has never seen it show anything.
    assert_eq!(
        with(vec![renew(30, Answer::Yes)]),
        ["factors were changed by somebody who had not shown one"]
    );
    let step = |answer| Event {
        session: Some(OTHER.to_owned()),
        ..event(22, 25, Act::StepUp { proof: code(101) }, answer)
    };
    assert_eq!(with(vec![step(Answer::Yes), renew(30, Answer::Yes)]), [""; 0]);
    let own = |at: At| event(at, at + 5, Act::RenewCodes { codes: 2 }, no("STEP_UP_REQUIRED"));
    assert_eq!(with(vec![own(30)]), ["somebody who had just shown who they are was asked again"]);
    assert_eq!(with(vec![own(20 + FRESH.1)]), [""; 0]);
    let begin = event(5, 8, Act::BeginFactor, no("STEP_UP_REQUIRED"));
    assert_eq!(faults(vec![begin]), ["somebody who had just shown who they are was asked again"]);
}

#[test]
fn the_list_of_factors_and_the_lock_are_looked_at_too() {
    let list = |listed| event(30, 40, Act::ListFactors { listed }, Answer::Yes);
    assert_eq!(with(vec![list(vec![1])]), [""; 0]);
    assert_eq!(with(vec![list(vec![])]), ["the list lacks a factor"]);
    let removed = event(22, 25, Act::RemoveFactor { factor: 1 }, Answer::Yes);
    assert_eq!(with(vec![removed, list(vec![1])]), ["the list has a factor that had been removed"]);
    let missing = |answer| event(30, 40, Act::RemoveFactor { factor: 1 }, answer);
    assert_eq!(
        with(vec![missing(no("FACTOR_NOT_FOUND"))]),
        ["an honest call was refused though its session went on"]
    );
    let locked = second(30, 1, code(101), Answer::Limited("MFA_LOCKED".to_owned()));
    assert_eq!(with(vec![first(20, 1), locked]), ["somebody was locked out who had not guessed"]);
}
