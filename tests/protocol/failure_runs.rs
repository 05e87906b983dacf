//! Runs of failures: a hundred in a row alarm, once, and so do the next hundred. They are counted with the places that are
//! reserved before any hash.

use std::sync::Arc;

use nova_auth::{
    domain::{
        attempts::{ALARMING_RUN, Entry, Limit, Run},
        refusal::Refusal,
        user::Status,
    },
    flows::login::login,
    store::{AttemptsKey, Reservation, Wanted},
};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    login_attempts::guess,
    rows::{IDENTITY, SESSIONS, n, number, text},
    world::{Person, World, attempt, time},
};

/// A place that is taken for a guess; the run with it.
async fn fail(world: &World, person: &Person, second: i64) -> Run {
    let (key, moment) = (AttemptsKey::account(&person.email), world.at(second));
    let limit = Limit { max: 1_000, window: world.service.attempts.account.window };
    let entry = Entry::new(&moment);
    let wanted = Wanted { key: &key, entry: &entry, limit, calls: None, now: moment.now };
    match world.service.store.reserve_attempt(wanted).await.unwrap() {
        Reservation::Taken(taken) => taken.run,
        full => panic!("{full:?}"),
    }
}

async fn failures(world: &World, person: &Person) -> u32 {
    world.service.store.account_attempts(&person.email, time(0)).await.unwrap().run
}

/// So many failures before, as if they had been made.
async fn after_failures(world: &World, person: &Person, failures: u32) {
    let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
    world.rows.set(SESSIONS, &account, "WINDOW", "failures", n(failures)).await;
}

/// One failure short of a run, from that second on.
async fn almost_a_run(world: &World, person: &Person, second: i64) {
    let before = failures(world, person).await;
    for failure in before + 1..ALARMING_RUN {
        assert_eq!(fail(world, person, second + i64::from(failure)).await.failures, failure);
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

/// Each is named by its request; what is sent again, or whose answer is lost, is one failure.
#[tokio::test]
async fn a_failure_counts_once_however_often_it_is_sent_and_a_success_begins_anew() {
    let world = World::new().await;
    let person = world.person("amal").await;
    for failure in 1..=20_u32 {
        world.wire.reset();
        let fault = if failure % 2 == 0 { Fault::SendTwice } else { Fault::LoseAnswer };
        world.wire.script(on("UpdateItem"), fault);
        // Windows of fifteen minutes: every third one is of a window before, and opens the next.
        assert_eq!(fail(&world, &person, i64::from(failure) * 400).await.failures, failure);
    }
    world.login(&world.at(10_000), &person).await.unwrap();
    assert_eq!(fail(&world, &person, 10_001).await, Run { failures: 1, alarm: None, told: None });
}

#[tokio::test]
async fn of_racing_failures_each_is_counted() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (world, person) = (Arc::clone(&world), person.clone());
        tasks.spawn(async move { fail(&world, &person, 0).await });
    }
    tasks.join_all().await;
    assert_eq!(failures(&world, &person).await, 50);
}

/// Fifty guesses in flight, half of them beyond the hundredth: all of those find that somebody should be told.
#[tokio::test]
async fn a_hundred_failures_alarm_exactly_once_with_fifty_of_them_in_flight() {
    for (text, fault) in [
        ("failures :one", None),
        ("SET alarmed", Some(Fault::LoseAnswer)),
        ("SET alarmed", Some(Fault::SendTwice)),
        ("REMOVE alarmed", Some(Fault::LoseAnswer)),
        ("REMOVE alarmed", Some(Fault::SendTwice)),
        ("failures :one", Some(Fault::LoseAnswer)),
    ] {
        let many = [("LOGIN_MAX_ATTEMPTS", "100"), ("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "100")];
        let world = World::with(&many).await;
        let person = world.person("amal").await;
        after_failures(&world, &person, 75).await;
        world.wire.reset();
        if let Some(fault) = &fault {
            world.wire.script(on("UpdateItem").with(text), fault.clone());
        }
        let mut tasks = JoinSet::new();
        for guess in 0..50 {
            let (world, email) = (Arc::clone(&world), person.email.clone());
            let address = format!("198.51.100.{guess}");
            tasks.spawn(async move {
                let wrong = attempt(&email, "Wrong-horse-9!", &address);
                refusal(login(&world.service, &world.at(0), &wrong).await)
            });
        }
        for refused in tasks.join_all().await {
            assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}");
        }
        assert_eq!(alarms(&world, &person).await, 1, "{text} {fault:?}");
        assert_eq!(failures(&world, &person).await, 25, "the next hundred begin with those beyond it");
        assert_eq!(fail(&world, &person, 1).await.alarm, None);
    }
}

/// The guess that was the hundredth is not through, or was none: the next one that is wrong tells.
#[tokio::test]
async fn an_alarm_does_not_wait_for_the_very_hundredth_failure() {
    let world = World::new().await;
    let person = world.person("amal").await;
    after_failures(&world, &person, 98).await;
    assert_eq!(fail(&world, &person, 0).await.failures, 99);
    assert_eq!(fail(&world, &person, 0).await.failures, 100);
    assert_eq!(alarms(&world, &person).await, 0);
    guess(&world, &person, 1, 1).await;
    assert_eq!(alarms(&world, &person).await, 1);
}

#[tokio::test]
async fn a_right_password_is_no_alarm_though_its_place_was_the_hundredth_failure() {
    let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
    let person = world.person("amal").await;
    after_failures(&world, &person, 99).await;
    world.login(&world.at(0), &person).await.unwrap();
    assert_eq!((alarms(&world, &person).await, failures(&world, &person).await), (0, 0));
    assert!(!is_disabled(&world, &person).await);
}

/// The place of the owner's login was in a window that ended while the password was hashed.
#[tokio::test]
async fn a_success_ends_the_run_though_others_have_opened_the_next_window_meanwhile() {
    let world = World::new().await;
    let person = world.person("amal").await;
    after_failures(&world, &person, 90).await;
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("PROFILE"), Fault::Hold(gate.clone()));
    let moment = world.at(0);
    let (logged_in, ()) = tokio::join!(world.login(&moment, &person), async {
        gate.arrival().await;
        // Whether the place is taken before the profile is asked for or after it: by then it is.
        while world.rows.account_entries(&person.email).await.is_empty() {
            tokio::task::yield_now().await;
        }
        guess(&world, &person, 901, 2).await;
        gate.open();
    });
    logged_in.unwrap();
    assert_eq!(failures(&world, &person).await, 0);
    assert_eq!(
        world.rows.account_entries(&person.email).await.len(),
        2,
        "their guesses count in their window"
    );
}

/// What is given back was no failure; those before it were.
#[tokio::test]
async fn an_attempt_that_guessed_nothing_is_no_failure_also_when_its_answer_was_lost() {
    for before in [0, 1, 3] {
        let world = World::new().await;
        let person = world.person("amal").await;
        guess(&world, &person, 0, before).await;
        let entries = world.rows.account_entries(&person.email).await;
        for second in 1..4 {
            world.wire.reset();
            world.wire.script(on("UpdateItem").with("ATTEMPTS#ACCOUNT#").every_try(), Fault::LoseAnswer);
            assert_passing(world.login(&world.at(second), &person).await);
            world.wire.reset();
            world.wire.script(on("GetItem").with("PROFILE").every_try(), Fault::throttled());
            assert_passing(world.login(&world.at(second), &person).await);
            world.wire.reset();
            assert_eq!(world.rows.account_entries(&person.email).await, entries, "after {before}");
            assert_eq!(usize::try_from(failures(&world, &person).await).unwrap(), before);
        }
        let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
        let left = world.rows.all(SESSIONS, &account, "").await;
        assert_eq!(left.is_empty(), before == 0, "nothing is kept of somebody who guessed nothing");
    }
}

/// The failures are kept for 90 days after the last of them, and the window ends in fifteen minutes all the same.
#[tokio::test]
async fn a_run_is_kept_for_ninety_days_after_its_last_failure() {
    let world = World::new().await;
    let person = world.person("amal").await;
    for second in [0, 1, 86_400, 86_401] {
        guess(&world, &person, second, 1).await;
        let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
        let row = world.rows.get(SESSIONS, &account, "WINDOW").await.unwrap();
        let kept = number(&row, "expiresAt") - time(second).as_second();
        assert_eq!(kept, 900 + 90 * 86_400, "at {second}");
    }
    assert_eq!(failures(&world, &person).await, 4);
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
    after_failures(&world, &person, 50).await;
    guess(&world, &person, 100, 5).await;
    world.set_status(&world.at(101), &person, Status::Disabled).await.unwrap();
    world.set_status(&world.at(102), &person, Status::Active).await.unwrap();
    almost_a_run(&world, &person, 200).await;
    assert!(!is_disabled(&world, &person).await);
    world.login(&world.at(2000), &person).await.unwrap();
}

/// Whatever of it failed: a run stays claimed until its alarm is given.
#[tokio::test]
async fn an_alarm_that_could_not_be_given_is_given_by_a_later_failure() {
    for (failing, with) in
        [("TransactWriteItems", "disabled"), ("PutItem", "fail_max"), ("UpdateItem", "REMOVE alarmed")]
    {
        let world = World::with(&[("LOGIN_RUN_ACTION", "disable")]).await;
        let person = world.person("amal").await;
        after_failures(&world, &person, 99).await;
        world.wire.script(on(failing).with(with).every_try(), Fault::throttled());
        guess(&world, &person, 1000, 1).await;
        assert_eq!(is_disabled(&world, &person).await, failing == "UpdateItem", "{failing}");
        world.wire.reset();
        // Whoever claimed it may be at it still.
        let given = alarms(&world, &person).await;
        guess(&world, &person, 1005, 1).await;
        assert_eq!(alarms(&world, &person).await, given, "{failing}");
        guess(&world, &person, 1011, 1).await;
        assert!(is_disabled(&world, &person).await, "{failing}");
        assert_eq!(alarms(&world, &person).await, given + 1, "{failing}");
        assert_eq!(
            fail(&world, &person, 1020).await,
            Run { failures: 3, alarm: None, told: None },
            "{failing}"
        );
    }
}

/// A claim names whose it is, and so does its end.
#[tokio::test]
async fn an_alarm_is_ended_by_who_claimed_it_and_not_by_a_late_one_of_the_run_before() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let (store, email) = (&world.service.store, &person.email);
    let [first, second] = [0, 1].map(|at| Entry::new(&world.at(at)));
    after_failures(&world, &person, 99).await;
    let run = fail(&world, &person, 0).await;
    assert!(store.claim_alarm(&AttemptsKey::account(email), &first, &run).await.unwrap());
    assert!(
        store.claim_alarm(&AttemptsKey::account(email), &first, &run).await.unwrap(),
        "the same, once more"
    );
    assert!(
        !store.claim_alarm(&AttemptsKey::account(email), &second, &run).await.unwrap(),
        "somebody else's"
    );
    store.end_alarm(&AttemptsKey::account(email), &second).await.unwrap();
    assert_eq!(fail(&world, &person, 1).await, Run { failures: 101, alarm: Some(first.clone()), told: None });
    store.end_alarm(&AttemptsKey::account(email), &first).await.unwrap();
    assert!(!store.claim_alarm(&AttemptsKey::account(email), &second, &run).await.unwrap(), "it was given");

    after_failures(&world, &person, 100).await;
    assert!(store.claim_alarm(&AttemptsKey::account(email), &second, &run).await.unwrap());
    store.end_alarm(&AttemptsKey::account(email), &first).await.unwrap();
    assert_eq!(
        fail(&world, &person, 2).await,
        Run { failures: 101, alarm: Some(second.clone()), told: None }
    );
    store.end_alarm(&AttemptsKey::account(email), &second).await.unwrap();
    store.end_alarm(&AttemptsKey::account(email), &second).await.unwrap();
    assert_eq!(failures(&world, &person).await, 1);
}
