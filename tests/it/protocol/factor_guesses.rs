//! Guesses at a second factor: stopped, written down, and told to the user.

use std::sync::Arc;

use nova_auth::domain::refusal::Refusal;
use tokio::task::JoinSet;

use super::answers::refusal;
use super::second_factors::{Enrolled, wrong};

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
