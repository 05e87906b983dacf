//! Runs of failures: a hundred in a row alarm, once, and so do the next hundred.

use std::sync::Arc;

use nova_auth::{
    domain::{
        attempts::{ALARMING_RUN, Entry},
        refusal::Refusal,
        user::Status,
    },
    store::Run,
};
use tokio::task::JoinSet;

use super::{
    answers::refusal,
    faults::{Fault, on},
    login_attempts::guess,
    rows::{IDENTITY, number, text},
    world::{Person, World, time},
};

async fn count(world: &World, person: &Person, second: i64) -> Run {
    let moment = world.at(second);
    world.service.store.count_failure(&person.email, &Entry::new(&moment), moment.now).await.unwrap()
}

/// One failure short of a run, from that second on.
async fn almost_a_run(world: &World, person: &Person, second: i64) {
    for failure in 1..ALARMING_RUN {
        assert_eq!(count(world, person, second + i64::from(failure)).await, Run::Open(failure));
    }
}

/// A run that begins at that second, whose last failure is a real login at 1000 seconds later.
async fn complete_a_run(world: &World, person: &Person, second: i64) {
    almost_a_run(world, person, second).await;
    let alarms = alarms(world, person).await;
    guess(world, person, second + 1000, 1).await;
    assert_eq!(self::alarms(world, person).await, alarms + 1);
}

async fn alarms(world: &World, person: &Person) -> usize {
    world.rows.count_events(person.id, "authn_login_fail_max").await
}

async fn is_disabled(world: &World, person: &Person) -> bool {
    text(&world.rows.profile(person.id).await, "status") == "disabled"
}

/// The alarm of a run: each failure is named by its request, and exactly one of them completes it.
#[tokio::test]
async fn a_run_of_failures_is_complete_exactly_once() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let mut runs = Vec::new();
    for failure in 0..ALARMING_RUN + 5 {
        world.wire.reset();
        if failure % 10 == 0 {
            world.wire.script(on("UpdateItem"), Fault::SendTwice);
        }
        runs.push(count(&world, &person, i64::from(failure) * 1000).await);
    }
    let complete = runs.iter().filter(|run| matches!(run, Run::Complete(_))).count();
    assert_eq!(complete, 1);
    assert_eq!(runs[98], Run::Open(99));
    let Run::Complete(by) = &runs[99] else { panic!("{:?}", runs[99]) };
    assert_eq!(runs[100..102], [Run::Full(by.clone()), Run::Full(by.clone())]);
    world.login(&world.at(0), &person).await.unwrap();
    assert_eq!(count(&world, &person, 1).await, Run::Open(1));
}

#[tokio::test]
async fn racing_failures_complete_a_run_exactly_once() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let mut tasks = JoinSet::new();
    for _ in 0..ALARMING_RUN + 5 {
        let (world, person) = (Arc::clone(&world), person.clone());
        tasks.spawn(async move { count(&world, &person, 0).await });
    }
    let complete = tasks.join_all().await.into_iter().filter(|run| matches!(run, Run::Complete(_))).count();
    // A call that the SDK repeats, on a machine that is slow, may hear of the run again: an alarm more, and never one less.
    let calls = usize::try_from(ALARMING_RUN).unwrap() + 5;
    let repeated = world.wire.count("UpdateItem") - calls;
    assert!((1..=1 + repeated).contains(&complete), "complete {complete} times, {repeated} calls repeated");
}

#[tokio::test]
async fn a_long_run_of_failures_stands_in_the_security_log_and_locks_nobody_out() {
    let world = World::new().await;
    let person = world.person("amal").await;
    complete_a_run(&world, &person, 0).await;
    assert_eq!(world.rows.count_events(person.id, "authn_login_fail").await, 1);
    let rows = world.rows.all(IDENTITY, &format!("EVENT#{}", person.id), "EVENT#").await;
    let year = time(1000).as_second() + 365 * 86_400;
    let failures = rows.iter().filter(|row| text(row, "event").contains("fail"));
    assert!(failures.clone().count() == 2 && failures.clone().all(|row| number(row, "expiresAt") == year));
    world.login(&world.at(1001), &person).await.unwrap();
}

#[tokio::test]
async fn each_hundred_failures_alarm_again_though_nobody_got_it_right_in_between() {
    let world = World::new().await;
    let person = world.person("amal").await;
    for second in [0, 10_000, 20_000] {
        complete_a_run(&world, &person, second).await;
    }
    assert_eq!(alarms(&world, &person).await, 3);
}

#[tokio::test]
async fn a_long_run_of_failures_disables_the_account_where_that_is_switched_on() {
    let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
    let (person, pair) = world.logged_in().await;
    complete_a_run(&world, &person, 0).await;
    let refused = refusal(world.login(&world.at(1001), &person).await);
    assert_eq!(refused, Refusal::AccountInactive);
    world.assert_dead(1002, &pair).await;
}

#[tokio::test]
async fn a_user_who_was_let_in_again_is_disabled_again_by_a_hundred_more_failures_and_alarms_again() {
    let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
    let person = world.person("amal").await;
    for (round, second) in (1..=3).zip([0, 10_000, 20_000]) {
        complete_a_run(&world, &person, second).await;
        assert!(is_disabled(&world, &person).await, "round {round}");
        world.set_status(&world.at(second + 1001), &person, Status::Active).await.unwrap();
        assert_eq!(alarms(&world, &person).await, round);
    }
    world.login(&world.at(30_000), &person).await.unwrap();
}

/// Those that came before, or while they were disabled, are not held against them any more, and no lock is left either.
#[tokio::test]
async fn a_user_who_was_let_in_again_begins_with_no_failures() {
    let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
    let person = world.person("amal").await;
    for failure in 0..50 {
        count(&world, &person, failure).await;
    }
    guess(&world, &person, 100, 5).await;
    world.set_status(&world.at(101), &person, Status::Disabled).await.unwrap();
    world.set_status(&world.at(102), &person, Status::Active).await.unwrap();
    almost_a_run(&world, &person, 200).await;
    assert!(!is_disabled(&world, &person).await);
    world.login(&world.at(400), &person).await.unwrap();
}

/// Whatever of it failed: a run stays complete until its alarm is given.
#[tokio::test]
async fn an_alarm_that_could_not_be_given_is_given_by_a_later_failure() {
    for (failing, with) in
        [("TransactWriteItems", "disabled"), ("PutItem", "fail_max"), ("DeleteItem", "RUN")]
    {
        let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
        let person = world.person("amal").await;
        almost_a_run(&world, &person, 0).await;
        world.wire.script(on(failing).with(with).every_try(), Fault::throttled());
        guess(&world, &person, 1000, 1).await;
        assert_eq!(is_disabled(&world, &person).await, failing == "DeleteItem", "{failing}");
        world.wire.reset();
        // Whoever completed it may be at it still.
        let given = alarms(&world, &person).await;
        guess(&world, &person, 1005, 1).await;
        assert_eq!(alarms(&world, &person).await, given, "{failing}");
        guess(&world, &person, 1011, 1).await;
        assert!(is_disabled(&world, &person).await, "{failing}");
        assert_eq!(alarms(&world, &person).await, given + 1, "{failing}");
        assert_eq!(count(&world, &person, 1020).await, Run::Open(1), "{failing}");
    }
}

/// It names the failure that completed its run.
#[tokio::test]
async fn a_run_is_ended_by_its_own_alarm_and_not_by_a_late_one_of_the_run_before() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let store = &world.service.store;
    almost_a_run(&world, &person, 0).await;
    let Run::Complete(first) = count(&world, &person, 200).await else { panic!("not complete") };
    store.end_run(&person.email, &first).await.unwrap();
    almost_a_run(&world, &person, 1000).await;
    store.end_run(&person.email, &first).await.unwrap();
    let Run::Complete(second) = count(&world, &person, 1200).await else { panic!("not complete") };
    store.end_run(&person.email, &first).await.unwrap();
    assert_eq!(count(&world, &person, 1201).await, Run::Full(second.clone()));
    store.end_run(&person.email, &second).await.unwrap();
    assert_eq!(count(&world, &person, 1202).await, Run::Open(1));
}
