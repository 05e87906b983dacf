//! Guesses at a second factor: stopped, written down, and told to the user.

use std::sync::Arc;

use nova_auth::domain::{
    mail::{Mail, MailDigest, MailKey, MailKind, Notice},
    refusal::Refusal,
};
use tokio::task::JoinSet;

use super::{
    answers::refusal,
    faults::{Fault, Gate, on},
    second_factors::{Enrolled, wrong},
};

const MAIL: [(&str, &str); 1] = [("MAIL", "enabled")];

/// So many wrong codes, five in each window, from that second on.
async fn guesses(enrolled: &Enrolled, from: i64, count: i64) {
    for number in 0..count {
        let second = from + 1000 * (number / 5);
        let step = enrolled.password(second).await;
        let guessed = refusal(enrolled.second_step(second, &step.token, wrong()).await);
        assert!(matches!(guessed, Refusal::SecondFactorInvalid(_)), "{guessed:?}");
    }
}

/// The mails that tell of guesses.
async fn told(enrolled: &Enrolled) -> Vec<(MailKey, Mail)> {
    let mailbox = MailDigest::of(&enrolled.person.email);
    let mut mails = enrolled.service.auth.store.newest_mails(&mailbox, MailKind::Notice).await.unwrap();
    mails.retain(|(_, mail)| mail.notice == Some(Notice::FactorsGuessed));
    mails
}

#[tokio::test]
async fn guesses_at_the_second_factor_are_stopped_at_five_and_lock_nobody_out_of_the_password() {
    let enrolled = Enrolled::new().await;
    for left in (0..5).rev() {
        let step = enrolled.password(60).await;
        match refusal(enrolled.second_step(60, &step.token, wrong()).await) {
            Refusal::SecondFactorInvalid(quota) => assert_eq!(quota.remaining, left),
            other => panic!("{other:?}"),
        }
    }
    let step = enrolled.password(61).await;
    let locked = enrolled.second_step(61, &step.token, enrolled.code(61)).await;
    assert!(matches!(refusal(locked), Refusal::SecondFactorLocked(_)));
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail").await, 5);
    // A quarter of an hour after the first guess it goes on.
    enrolled.logs_in(60 + 900).await.unwrap();
}

/// Who guesses there knows the password: of many in a row, whatever the windows, somebody hears.
#[tokio::test]
async fn the_twentieth_wrong_code_in_a_row_has_an_entry_of_its_own_and_a_right_one_ends_the_run() {
    let enrolled = Enrolled::new().await;
    let maxed = async || enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail_max").await;
    for number in 1..=25 {
        let second = 60 + 1000 * ((number - 1) / 5);
        let step = enrolled.password(second).await;
        assert!(enrolled.second_step(second, &step.token, wrong()).await.is_err());
        assert_eq!(maxed().await, usize::from(number >= 20), "{number}");
    }
    enrolled.logs_in(6000).await.unwrap();
    for second in [7000, 8000, 9000] {
        for _ in 0..5 {
            let step = enrolled.password(second).await;
            assert!(enrolled.second_step(second, &step.token, wrong()).await.is_err());
        }
    }
    assert_eq!(maxed().await, 1);
}

#[tokio::test]
async fn fifty_guesses_at_once_are_five() {
    let enrolled = Arc::new(Enrolled::new().await);
    let step = enrolled.password(60).await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (enrolled, token) = (enrolled.clone(), step.token.clone());
        tasks.spawn(async move { refusal(enrolled.second_step(60, &token, wrong()).await) });
    }
    let guessed = tasks.join_all().await.into_iter();
    assert_eq!(guessed.filter(|refused| matches!(refused, Refusal::SecondFactorInvalid(_))).count(), 5);
}

#[tokio::test]
async fn a_right_code_forgives_the_wrong_ones_before_it() {
    let enrolled = Enrolled::new().await;
    for second in [60, 120, 180] {
        for _ in 0..3 {
            let step = enrolled.password(second).await;
            assert!(enrolled.second_step(second, &step.token, wrong()).await.is_err());
        }
        enrolled.logs_in(second).await.unwrap();
    }
}

/// Whoever guesses has the password, and only the user can change that.
#[tokio::test]
async fn a_user_is_told_of_the_twentieth_wrong_code_by_mail_once_a_day_while_it_goes_on() {
    let enrolled = Enrolled::with(&MAIL).await;
    guesses(&enrolled, 60, 19).await;
    assert_eq!(told(&enrolled).await.len(), 0);
    guesses(&enrolled, 5_000, 30).await;
    let [(_, mail)] = &told(&enrolled).await[..] else { panic!("not told, or twice") };
    let shown = format!("{:?}", serde_json::to_value(mail).unwrap());
    assert!(!shown.contains("000000") && !shown.contains("203.0.113"), "{shown}");
    // The next day.
    guesses(&enrolled, 100_000, 10).await;
    assert_eq!(told(&enrolled).await.len(), 2);
    // A right code ends the run.
    enrolled.logs_in(200_000).await.unwrap();
    guesses(&enrolled, 300_000, 19).await;
    assert_eq!(told(&enrolled).await.len(), 2);
    guesses(&enrolled, 310_000, 1).await;
    assert_eq!(told(&enrolled).await.len(), 3);
}

#[tokio::test]
async fn a_stack_that_sends_no_mail_asks_for_none_and_writes_the_guesses_down() {
    let enrolled = Enrolled::new().await;
    guesses(&enrolled, 60, 21).await;
    assert_eq!(told(&enrolled).await.len(), 0);
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail_max").await, 1);
}

/// A failure that is not told is told by the next one, and the guess is wrong all the same.
#[tokio::test]
async fn a_mail_that_could_not_be_asked_for_is_asked_for_by_the_next_guess() {
    let enrolled = Enrolled::with(&MAIL).await;
    guesses(&enrolled, 60, 19).await;
    let lost = on("TransactWriteItems").with("toldAt").every_try();
    enrolled.world.wire.script(lost, Fault::server_error());
    guesses(&enrolled, 5_000, 1).await;
    assert_eq!(told(&enrolled).await.len(), 0);
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail_max").await, 0);
    guesses(&enrolled, 6_000, 1).await;
    assert_eq!(told(&enrolled).await.len(), 1);
}

/// Both are past the nineteenth; a lost answer is one telling too.
#[tokio::test]
async fn of_two_guesses_at_once_one_tells() {
    let enrolled = Arc::new(Enrolled::with(&MAIL).await);
    guesses(&enrolled, 60, 19).await;
    let gate = Gate::default();
    enrolled.world.wire.script(on("TransactWriteItems").with("toldAt"), Fault::Hold(gate.clone()));
    let first = tokio::spawn({
        let enrolled = enrolled.clone();
        async move { guesses(&enrolled, 5_000, 1).await }
    });
    gate.arrival().await;
    guesses(&enrolled, 5_000, 1).await;
    gate.open();
    first.await.unwrap();
    assert_eq!(told(&enrolled).await.len(), 1);
    assert_eq!(enrolled.world.rows.count_events(enrolled.person.id, "authn_mfa_fail_max").await, 1);
}
