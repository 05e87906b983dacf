//! Histories of links and addresses that hold one wrong answer, and the same ones with that answer right.

use super::super::tests::{OTHER, decide, event, no};
use super::*;
use crate::history::{At, Disturbance, History};

fn bare(begin: At, act: Act, answer: Answer) -> Event {
    Event { session: None, ..event(begin, begin + 5, act, answer) }
}

fn of(session: &str, begin: At, act: Act, answer: Answer) -> Event {
    Event { session: Some(session.to_owned()), ..event(begin, begin + 5, act, answer) }
}

fn log_in(begin: At, address: u32, password: u32, answer: Answer) -> Event {
    let gave = (answer == Answer::Yes).then(|| format!("session-{begin}"));
    bare(begin, Act::LoginAt { address, password, gave }, answer)
}

fn accept(begin: At, password: u32, answer: Answer) -> Event {
    bare(begin, Act::Accept { password }, answer)
}

/// What is wrong with somebody who was invited at 0, accepted at 10 and logged in at 20 and 30.
fn faults(events: Vec<Event>) -> Vec<&'static str> {
    let begun = vec![
        bare(0, Act::Invite, Answer::Yes),
        accept(10, 0, Answer::Yes),
        log_in(20, 0, 0, Answer::Yes),
        log_in(30, 0, 0, Answer::Yes),
    ];
    judged([begun, events].concat())
}

fn judged(events: Vec<Event>) -> Vec<&'static str> {
    let whole = Disturbance { begin: 0, end: At::MAX, what: "a test".to_owned() };
    let history = History { events, disturbances: vec![whole] };
    super::super::judge(&history).into_iter().map(|wrong| wrong.why).collect()
}

fn moved(answer: Answer) -> Event {
    of("session-20", 40, Act::Move { to: 1 }, answer)
}

fn reverted() -> Event {
    bare(60, Act::Revert { to: 0 }, Answer::Yes)
}

fn refused() -> Answer {
    no("MAIL_TOKEN_INVALID")
}

#[test]
fn an_invitation_is_accepted_once_and_nobody_gets_in_before() {
    let invited = |events: Vec<Event>| judged([vec![bare(0, Act::Invite, Answer::Yes)], events].concat());
    let early = log_in(5, 0, 0, Answer::Yes);
    assert_eq!(invited(vec![early]), ["a password that had been changed let somebody in"]);
    let both = vec![accept(10, 0, Answer::Yes), accept(11, 1, Answer::Yes)];
    assert_eq!(invited(both), ["one invitation set two passwords"; 2]);
    assert_eq!(invited(vec![accept(10, 0, Answer::Yes), accept(11, 1, refused())]), [""; 0]);
    assert_eq!(invited(vec![accept(10, 0, refused())]), ["a good link was refused"]);
}

#[test]
fn after_a_change_of_address_the_new_one_logs_in_and_the_old_one_does_not() {
    let after = |address, answer| faults(vec![moved(Answer::Yes), log_in(50, address, 0, answer)]);
    assert_eq!(after(0, Answer::Yes), ["an address that was the user's no more let somebody in"]);
    assert_eq!(after(1, no("INVALID_CREDENTIALS")), ["the right password was refused"]);
    assert_eq!(after(0, no("INVALID_CREDENTIALS")), [""; 0]);
    assert_eq!(after(1, Answer::Yes), [""; 0]);
    // Before it, and while nobody is sure, it is the other way round, or either.
    assert_eq!(
        faults(vec![log_in(35, 1, 0, Answer::Yes)]),
        ["an address that was the user's no more let somebody in"]
    );
    for address in [0, 1] {
        let broken = moved(Answer::Broken("503".to_owned()));
        assert_eq!(faults(vec![broken, log_in(50, address, 0, Answer::Yes)]), [""; 0]);
    }
}

#[test]
fn a_change_of_address_ends_every_session_but_the_one_that_asked() {
    let other = |answer| faults(vec![moved(Answer::Yes), of("session-30", 50, decide(), answer)]);
    assert_eq!(other(Answer::Yes), ["a session that had ended was let in"]);
    assert_eq!(other(no("UNAUTHORIZED")), [""; 0]);
    let own = faults(vec![moved(Answer::Yes), of("session-20", 50, decide(), no("UNAUTHORIZED"))]);
    assert_eq!(own, ["an honest call was refused though its session went on"]);
}

#[test]
fn a_change_of_address_whose_session_had_ended_is_refused_and_one_whose_session_goes_on_is_not() {
    let ended = of("session-20", 35, Act::EndAll, Answer::Yes);
    assert_eq!(faults(vec![ended.clone(), moved(Answer::Yes)]), ["a session that had ended was let in"]);
    assert_eq!(faults(vec![ended, moved(refused())]), [""; 0]);
    assert_eq!(faults(vec![moved(refused())]), ["a good link was refused"]);
}

#[test]
fn an_address_that_was_taken_back_has_no_session_and_no_password_until_a_mail_sets_one() {
    let after = |last: Vec<Event>| faults([vec![moved(Answer::Yes), reverted()], last].concat());
    assert_eq!(
        after(vec![of("session-20", 70, decide(), Answer::Yes)]),
        ["a session that had ended was let in"]
    );
    assert_eq!(
        after(vec![log_in(70, 0, 0, Answer::Yes)]),
        ["a password that had been changed let somebody in"]
    );
    assert_eq!(
        after(vec![log_in(70, 1, 0, Answer::Yes)]),
        ["an address that was the user's no more let somebody in"]
    );
    let reset = || bare(70, Act::Recover { to: 2 }, Answer::Yes);
    assert_eq!(after(vec![reset(), log_in(80, 0, 2, Answer::Yes)]), [""; 0]);
    assert_eq!(
        after(vec![reset(), log_in(80, 0, 2, no("INVALID_CREDENTIALS"))]),
        ["the right password was refused"]
    );
    // What moved the address once does not do it again, whatever its answer is.
    let again = || bare(80, Act::OpenAgain, Answer::Yes);
    assert_eq!(
        after(vec![reset(), again(), log_in(90, 1, 2, Answer::Yes)]),
        ["an address that was the user's no more let somebody in"]
    );
    let late = Event { begin: 60, end: 65, ..bare(60, Act::Revert { to: 0 }, refused()) };
    assert_eq!(faults(vec![moved(Answer::Yes), late]), ["a good link was refused"]);
}

#[test]
fn a_link_opens_nothing_that_it_was_not_made_for() {
    let wrong = |answer| faults(vec![bare(40, Act::WrongLink, answer)]);
    assert_eq!(wrong(Answer::Yes), ["a link was taken for what it was not made for"]);
    assert_eq!(wrong(refused()), [""; 0]);
    assert_eq!(faults(vec![bare(40, Act::Verify, refused())]), ["a good link was refused"]);
    let gone = bare(35, Act::Delete, Answer::Yes);
    assert_eq!(
        faults(vec![gone, bare(45, Act::Verify, refused()), of(OTHER, 50, decide(), refused())]),
        [""; 0]
    );
}
