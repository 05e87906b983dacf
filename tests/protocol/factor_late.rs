//! Writes about second factors that arrive late, or twice: the factor is gone by then, or another is there, and none comes back.

use super::{
    answers::assert_passing,
    faults::{Fault, Gate, on},
    second_factors::{Enrolled, enrol, recovery, request},
};
use nova_auth::flows::{
    factors::{list::list_factors, recovery::renew_recovery_codes},
    operator::Operator,
    step_up::StepUpProof,
};

async fn reset(enrolled: &Enrolled, second: i64) {
    let (world, moment) = (&enrolled.world, enrolled.world.at(second));
    let (store, journal) = (&world.service.store, world.service.journal);
    let operator = Operator { store, moment: &moment, journal, tells: None };
    operator.reset_factors(enrolled.person.id).await.unwrap();
}

/// How many factors the user has, and recovery codes.
async fn left(enrolled: &Enrolled) -> (usize, usize) {
    let rows = enrolled.world.service.store.factors(enrolled.person.id).await.unwrap();
    (rows.totp.len(), rows.recovery.map_or(0, |codes| codes.codes.len()))
}

#[tokio::test]
async fn a_use_of_a_code_that_arrives_after_its_app_was_removed_brings_nothing_back() {
    let enrolled = Enrolled::new().await;
    let (step, gate) = (enrolled.password(60).await, Gate::default());
    enrolled.world.wire.script(on("UpdateItem").with("TOTP#"), Fault::Late(gate.clone()));
    let pair = enrolled.second_step(60, &step.token, enrolled.code(60)).await.unwrap();
    enrolled.removes(61, &pair, enrolled.factor).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(left(&enrolled).await, (0, 0));
    enrolled.world.login(&enrolled.world.at(62), &enrolled.person).await.unwrap();
}

#[tokio::test]
async fn a_use_of_a_recovery_code_that_arrives_after_the_codes_were_renewed_takes_none_of_the_new_ones() {
    let enrolled = Enrolled::new().await;
    let (step, gate) = (enrolled.password(60).await, Gate::default());
    enrolled.world.wire.script(on("UpdateItem").with("RECOVERY"), Fault::Late(gate.clone()));
    let pair = enrolled.second_step(60, &step.token, recovery(&enrolled.codes[0])).await.unwrap();
    let by = request(&pair.access);
    renew_recovery_codes(&enrolled.service, &enrolled.world.at(61), &by).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(left(&enrolled).await, (1, 10));
}

#[tokio::test]
async fn a_change_of_factors_that_arrives_after_an_operators_reset_adds_nothing_and_removes_nothing() {
    // Another app, and the removal of the only one.
    for is_removal in [false, true] {
        let enrolled = Enrolled::new().await;
        let gate = Gate::default();
        let change = on("TransactWriteItems").with("FACTOR#");
        enrolled.world.wire.script(change, Fault::Late(gate.clone()));
        match is_removal {
            true => enrolled.removes(60, &enrolled.pair, enrolled.factor).await.unwrap(),
            false => {
                drop(enrol(&enrolled.world, &enrolled.service, 60, &enrolled.pair.access).await.unwrap())
            }
        }
        reset(&enrolled, 61).await;
        let pair = enrolled.world.login(&enrolled.world.at(62), &enrolled.person).await.unwrap();
        enrol(&enrolled.world, &enrolled.service, 63, &pair.access).await.unwrap();
        gate.let_it_arrive().await;
        assert_eq!(left(&enrolled).await, (1, 10), "removal: {is_removal}");
        enrolled.world.assert_alive(64, &pair).await;
        enrolled.password(65).await;
    }
}

#[tokio::test]
async fn an_enrolment_that_arrives_again_after_its_app_was_confirmed_leaves_it_confirmed() {
    let enrolled = Enrolled::new().await;
    let gate = Gate::default();
    enrolled.world.wire.script(on("PutItem").with("TOTP#"), Fault::Late(gate.clone()));
    enrol(&enrolled.world, &enrolled.service, 60, &enrolled.pair.access).await.unwrap();
    gate.let_it_arrive().await;
    let rows = enrolled.world.service.store.factors(enrolled.person.id).await.unwrap();
    assert_eq!(rows.totp.iter().filter(|factor| factor.is_active()).count(), 2);
}

#[tokio::test]
async fn a_first_step_that_arrives_again_after_its_second_one_stays_used_up() {
    let enrolled = Enrolled::new().await;
    let gate = Gate::default();
    enrolled.world.wire.script(on("PutItem").with("LOGIN#"), Fault::Late(gate.clone()));
    let step = enrolled.password(60).await;
    enrolled.second_step(60, &step.token, enrolled.code(60)).await.unwrap();
    gate.let_it_arrive().await;
    assert!(enrolled.second_step(90, &step.token, enrolled.code(90)).await.is_err());
}

#[tokio::test]
async fn a_reset_that_arrives_again_after_the_next_enrolment_takes_none_of_its_recovery_codes() {
    let (enrolled, gate) = (Enrolled::new().await, Gate::default());
    enrolled.world.wire.script(on("DeleteItem").with("RECOVERY"), Fault::Late(gate.clone()));
    reset(&enrolled, 61).await;
    let pair = enrolled.world.login(&enrolled.world.at(62), &enrolled.person).await.unwrap();
    enrol(&enrolled.world, &enrolled.service, 63, &pair.access).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(left(&enrolled).await, (1, 10));
}

#[tokio::test]
async fn a_step_up_that_arrives_after_the_logout_changes_nothing() {
    let enrolled = Enrolled::new().await;
    let gate = Gate::default();
    let step_up = || on("UpdateItem").with("authTime");
    enrolled.world.wire.script(step_up(), Fault::Late(gate.clone()));
    enrolled.world.wire.script(step_up().every_try(), Fault::throttled());
    let proof = StepUpProof::Factor(enrolled.code(90));
    assert_passing(enrolled.steps_up(90, &enrolled.pair, proof).await);
    enrolled.world.wire.reset();
    enrolled.world.logout(&enrolled.world.at(91), &enrolled.pair).await.unwrap();
    let before = enrolled.world.rows.session(enrolled.person.id).await;
    gate.let_it_arrive().await;
    assert_eq!(enrolled.world.rows.session(enrolled.person.id).await, before);
    enrolled.world.assert_dead(92, &enrolled.pair).await;
}

#[tokio::test]
async fn a_login_whose_second_step_arrives_twice_is_one_session_and_stays_used_up() {
    for (operation, with) in [("UpdateItem", "TOTP#"), ("UpdateItem", "LOGIN#"), ("PutItem", "SESSION#")] {
        let enrolled = Enrolled::new().await;
        let before = enrolled.world.rows.sessions(enrolled.person.id).await.len();
        let step = enrolled.password(60).await;
        enrolled.world.wire.script(on(operation).with(with), Fault::SendTwice);
        let pair = enrolled.second_step(60, &step.token, enrolled.code(60)).await.unwrap();
        enrolled.world.assert_alive(61, &pair).await;
        assert_eq!(enrolled.world.rows.sessions(enrolled.person.id).await.len(), before + 1, "{with}");
        assert!(enrolled.second_step(90, &step.token, enrolled.code(90)).await.is_err(), "{with}");
    }
}

#[tokio::test]
async fn a_change_of_factors_that_arrives_twice_is_one_change() {
    let enrolled = Enrolled::new().await;
    enrolled.world.wire.script(on("TransactWriteItems").with("FACTOR#"), Fault::SendTwice);
    enrol(&enrolled.world, &enrolled.service, 60, &enrolled.pair.access).await.unwrap();
    assert_eq!(left(&enrolled).await, (2, 10));
    enrolled.world.assert_alive(61, &enrolled.pair).await;
    let by = request(&enrolled.pair.access);
    let listed = list_factors(&enrolled.service, &enrolled.world.at(62), &by).await.unwrap();
    assert_eq!(listed.factors.len(), 2);
}
