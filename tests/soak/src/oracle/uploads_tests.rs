//! Histories of uploads that hold one wrong answer, and the same ones with that answer right.

use super::super::tests::{event, faults, no};
use super::*;

fn grant(begin: At, upload: u32, file: File, answer: Answer) -> Event {
    event(begin, begin + 5, Act::Grant { upload, file, day: Some(1) }, answer)
}

fn send(begin: At, file: File, answer: Answer) -> Event {
    Event { session: None, ..event(begin, begin + 5, Act::Send { upload: 1, file }, answer) }
}

fn look(begin: At, file: File, state: &str) -> Event {
    let reason = (state == "refused").then(|| "TYPE_MISMATCH".to_owned());
    event(begin, begin + 5, Act::Look { upload: 1, file, state: state.to_owned(), reason }, Answer::Yes)
}

fn content(begin: At, file: File, same: Option<bool>, answer: Answer) -> Event {
    event(begin, begin + 5, Act::Content { upload: 1, file, same }, answer)
}

/// What is wrong with an upload that was granted and sent.
fn with(file: File, events: Vec<Event>) -> Vec<&'static str> {
    let sent = vec![grant(10, 1, file, Answer::Yes), send(20, file, Answer::Yes)];
    faults([sent, events].concat())
}

#[test]
fn what_was_decided_stays_what_it_is_and_only_goes_forward() {
    let picture = |states: [&str; 2]| {
        with(File::Picture, vec![look(30, File::Picture, states[0]), look(40, File::Picture, states[1])])
    };
    for states in [["granted", "received"], ["received", "clean"], ["granted", "clean"], ["clean", "clean"]] {
        assert_eq!(picture(states), [""; 0], "{states:?}");
    }
    for states in [["clean", "received"], ["received", "granted"], ["clean", "expired"]] {
        assert_eq!(picture(states), ["an upload that was decided became another"], "{states:?}");
    }
    let refused = vec![look(30, File::Disguised, "refused"), look(40, File::Disguised, "received")];
    assert_eq!(with(File::Disguised, refused), ["an upload that was decided became another"]);
    // Two that met may have been answered in either order.
    let met = vec![look(30, File::Picture, "clean"), look(32, File::Picture, "received")];
    assert_eq!(with(File::Picture, met), [""; 0]);
}

#[test]
fn what_is_no_picture_is_never_served_and_a_picture_is() {
    let clean = vec![look(30, File::Disguised, "clean")];
    assert_eq!(with(File::Disguised, clean), ["what is no picture was served as one"]);
    let given = vec![content(30, File::Disguised, Some(true), Answer::Yes)];
    assert_eq!(with(File::Disguised, given), ["what is no picture was served as one"]);
    assert_eq!(
        with(File::Picture, vec![look(30, File::Picture, "refused")]),
        ["a harmless file was refused"]
    );
    let given = |same| with(File::Picture, vec![content(30, File::Picture, Some(same), Answer::Yes)]);
    assert_eq!(given(true), [""; 0]);
    assert_eq!(given(false), ["a file is not what was sent"]);
    let kept = |state: &str| {
        let refused = content(40, File::Picture, None, no("UPLOAD_NOT_READY"));
        with(File::Picture, vec![look(30, File::Picture, state), refused])
    };
    assert_eq!(kept("clean"), ["a clean file was not given"]);
    assert_eq!(kept("received"), [""; 0]);
    let unsent = vec![grant(10, 1, File::Picture, Answer::Yes), look(30, File::Picture, "clean")];
    assert_eq!(faults(unsent), ["a file that nobody sent is there"]);
}

#[test]
fn a_form_takes_its_own_file_and_no_other() {
    let sent = |file, answer| faults(vec![grant(10, 1, file, Answer::Yes), send(20, file, answer)]);
    assert_eq!(sent(File::Changed, Answer::Yes), ["a form took another file than its own"]);
    assert_eq!(sent(File::Changed, no("403")), [""; 0]);
    assert_eq!(sent(File::Picture, no("403")), ["a form that fits was refused"]);
    let allowed = grant(10, 1, File::NotAllowed, Answer::Yes);
    assert_eq!(faults(vec![allowed]), ["a type that no rule allows was granted"]);
    assert_eq!(faults(vec![grant(10, 1, File::NotAllowed, no("UPLOAD_TYPE_REFUSED"))]), [""; 0]);
}

#[test]
fn nobody_is_given_the_file_of_another() {
    let peek = |answer| faults(vec![event(30, 40, Act::Peek, answer)]);
    assert_eq!(peek(Answer::Yes), ["somebody was given the file of another"]);
    assert_eq!(peek(no("UPLOAD_NOT_READY")), ["somebody was told of the file of another"]);
    assert_eq!(peek(no("UPLOAD_NOT_FOUND")), [""; 0]);
}

#[test]
fn a_quota_is_given_out_to_its_last_place_and_no_further() {
    let so_many = |count: u32, last: Event| {
        let all = (0..count).map(|nth| grant(10 + u64::from(nth), nth, File::Picture, Answer::Yes));
        faults(all.chain([last]).collect())
    };
    let yes = || grant(100, 100, File::Picture, Answer::Yes);
    let full = || grant(100, 100, File::Picture, Answer::Limited("UPLOAD_QUOTA".to_owned()));
    assert_eq!(so_many(19, yes()), [""; 0]);
    assert_eq!(so_many(20, yes()), ["more was granted than the quota allows"]);
    assert_eq!(so_many(20, full()), [""; 0]);
    assert_eq!(so_many(19, full()), ["a quota was said to be used up that was not"]);
}
