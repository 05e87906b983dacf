//! Login against what should keep it from succeeding: wherever in it the user is disabled, revoked or given another
//! password, no session is alive that should not be.

use std::{sync::Arc, time::Duration};

use nova_auth::{
    domain::{refusal::Refusal, user::Status},
    flows::FlowError,
};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, Gate, any, on},
    rows::{n, number, text},
    sent::Sent,
    world::{CHEAP, OTHER_PASSWORD, PASSWORD, Pair, Person, World},
};

/// What happens to the user meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Disabled,
    EverySessionRevoked,
    PasswordChanged,
}

impl Event {
    async fn happen(self, world: &World, person: &Person, other_session: &Pair) {
        let moment = world.at(10);
        match self {
            Self::Disabled => world.set_status(&moment, person, Status::Disabled).await.unwrap(),
            Self::EverySessionRevoked => world.revoke_all(&moment, person).await.unwrap(),
            Self::PasswordChanged => world.change_password(&moment, &other_session.access).await.unwrap(),
        }
    }
}

/// Runs a login for each of its calls, with the event coming in while that call waits: before it is sent, and after it
/// took effect. `check` is told whether that was before the session is put: then the login itself must notice.
async fn at_every_point(event: Event, check: impl AsyncFn(&World, &Person, Result<Pair, Refusal>, bool)) {
    let world = World::new().await;
    world.wire.set_latency(Duration::from_millis(20));
    let person = world.person("measure").await;
    world.wire.reset();
    world.login(&world.at(0), &person).await.unwrap();
    let calls = world.wire.sent();
    let put = calls.iter().find(|sent| puts_a_session(sent)).unwrap().round;
    for (call, sent) in calls.iter().enumerate() {
        for before_sending in [true, false] {
            // A wrong password counts at the address: each login has its own.
            let world = World::new().await;
            let (person, other_session) = world.logged_in().await;
            world.wire.reset();
            let gate = Gate::default();
            let hold =
                if before_sending { Fault::Hold(gate.clone()) } else { Fault::HoldAnswer(gate.clone()) };
            world.wire.script(any().after(call), hold);
            let moment = world.at(10);
            let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
                gate.arrival().await;
                event.happen(&world, &person, &other_session).await;
                gate.open();
            });
            let begun = begun.map_err(|error| refusal(Err::<(), _>(error)));
            check(&world, &person, begun, sent.round < put).await;
        }
    }
}

fn puts_a_session(sent: &Sent) -> bool {
    sent.operation == "PutItem" && sent.body.to_string().contains("SESSION#")
}

#[tokio::test]
async fn no_session_of_a_user_who_is_disabled_during_a_login_is_alive() {
    at_every_point(Event::Disabled, async |world, person, begun, in_time| {
        match begun {
            Ok(pair) => {
                assert!(!in_time, "tokens for a disabled user");
                world.assert_dead(10, &pair).await;
            }
            Err(refused) => assert_eq!(refused, Refusal::AccountInactive),
        }
        let epoch = number(&world.rows.profile(person.id).await, "epoch");
        for session in world.rows.sessions(person.id).await {
            assert_ne!(number(&session, "epoch"), epoch, "it would come back with the user");
        }
    })
    .await;
}

#[tokio::test]
async fn a_login_that_meets_a_revocation_of_all_begins_after_it_or_is_revoked_by_it() {
    at_every_point(Event::EverySessionRevoked, async |world, person, begun, in_time| {
        let pair = begun.unwrap();
        let sid = claims(&pair.access)["sid"].as_str().unwrap().to_owned();
        let sessions = world.rows.sessions(person.id).await;
        let session = sessions.iter().find(|row| text(row, "sessionId") == sid).unwrap();
        if number(session, "epoch") == 2 {
            world.assert_alive(10, &pair).await;
        } else {
            assert!(!in_time, "dead on arrival");
            world.assert_dead(10, &pair).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_login_with_the_old_password_that_meets_its_change_fails_or_is_dead() {
    at_every_point(Event::PasswordChanged, async |world, person, begun, in_time| {
        match begun {
            Ok(pair) => {
                assert!(!in_time, "tokens for the old password");
                world.assert_dead(10, &pair).await;
            }
            Err(refused) => assert!(matches!(refused, Refusal::InvalidCredentials(_)), "{refused:?}"),
        }
        assert!(world.login_with(&world.at(20), person, OTHER_PASSWORD).await.is_ok());
    })
    .await;
}

/// Somebody else who logged in at the same moment upgraded the hash: the password is as right as it was.
#[tokio::test]
async fn a_hash_that_changed_meanwhile_is_verified_again() {
    let same_password = bcrypt::hash(PASSWORD, CHEAP).unwrap();
    let (world, person, begun) = while_it_is_verified(&same_password).await;
    world.assert_alive(0, &begun.unwrap()).await;
    assert_eq!(
        world.wire.count("GetItem"),
        6,
        "credential, profile, both once more, and each for the last time"
    );
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
}

/// Each try is verified against what is there then: a password that was right when the login began and is not any more
/// is a wrong one.
#[tokio::test]
async fn a_hash_of_another_password_that_came_meanwhile_is_a_wrong_password() {
    let (world, person, begun) = while_it_is_verified(&bcrypt::hash(OTHER_PASSWORD, CHEAP).unwrap()).await;
    assert!(matches!(refusal(begun), Refusal::InvalidCredentials(_)));
    assert!(world.rows.sessions(person.id).await.is_empty());
}

/// A login, and another hash in the row before it is read for the last time.
async fn while_it_is_verified(hash: &str) -> (Arc<World>, Person, Result<Pair, FlowError>) {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.reset();
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("CREDENTIAL").after(1), Fault::Hold(gate.clone()));
    let moment = world.at(0);
    let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
        gate.arrival().await;
        world.rows.set_password_hash(&person.email, hash).await;
        gate.open();
    });
    (world, person, begun)
}

/// What no epoch tells: the password is changed after the hash was read, and before the epoch is. The session would have the new
/// epoch and the old password.
#[tokio::test]
async fn a_password_that_changes_between_the_reads_of_its_hash_and_of_the_epoch_begins_no_session() {
    let world = World::new().await;
    let (person, other) = world.logged_in().await;
    world.wire.reset();
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("PROFILE"), Fault::Hold(gate.clone()));
    let moment = world.at(10);
    let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
        gate.arrival().await;
        world.change_password(&world.at(10), &other.access).await.unwrap();
        gate.open();
    });
    assert!(matches!(refusal(begun), Refusal::InvalidCredentials(_)));
    assert_eq!(world.rows.sessions(person.id).await.len(), 1, "the one that changed it");
}

#[tokio::test]
async fn a_session_that_conflicts_is_put_again_and_at_last_is_no_answer() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.reset();
    for _ in 0..3 {
        world.wire.script(on("PutItem").with("SESSION#"), Fault::conflict_with_a_transaction());
    }
    let pair = world.login(&world.at(0), &person).await.unwrap();
    world.assert_alive(0, &pair).await;
    assert_eq!(world.wire.sent().iter().filter(|sent| puts_a_session(sent)).count(), 4);

    world.wire.reset();
    let conflict = Fault::conflict_with_a_transaction();
    world.wire.script(on("PutItem").with("SESSION#").every_call(), conflict);
    assert_passing(world.login(&world.at(1), &person).await);
    assert_eq!(world.wire.sent().iter().filter(|sent| puts_a_session(sent)).count(), 6);
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
    assert!(world.rows.account_entries(&person.email).await.is_empty(), "no password was guessed");
    assert!(world.rows.address_entries(super::world::ADDRESS).await.is_empty());
}

#[tokio::test]
async fn a_login_whose_answer_is_lost_is_one_session_and_not_two() {
    for lost in ["SESSION#", "authn_login_success"] {
        let world = World::new().await;
        let person = world.person("amal").await;
        world.wire.script(on("PutItem").with(lost), Fault::LoseAnswer);
        let pair = world.login(&world.at(0), &person).await.unwrap();
        world.assert_alive(0, &pair).await;
        assert_eq!(world.rows.sessions(person.id).await.len(), 1);
        assert_eq!(world.rows.count_events(person.id, "authn_login_success").await, 1);
    }
}

/// No session counts that stands in no log, and none that nobody has the tokens of.
#[tokio::test]
async fn a_login_that_can_t_be_written_down_is_no_login_and_leaves_no_session_that_counts() {
    for fails in [
        on("PutItem").with("SESSION#"),
        on("PutItem").with("authn_login_success"),
        on("GetItem").with("PROFILE").after(1),
    ] {
        let world = World::new().await;
        let person = world.person("amal").await;
        world.wire.script(fails.every_try(), Fault::throttled());
        assert_passing(world.login(&world.at(0), &person).await);
        for row in world.rows.sessions(person.id).await {
            assert_eq!(text(&row, "state"), "revoked");
        }
        assert!(world.rows.account_entries(&person.email).await.is_empty(), "no password was guessed");
        world.wire.reset();
        let pair = world.login(&world.at(1), &person).await.unwrap();
        world.assert_alive(1, &pair).await;
    }
}

/// A user who is raised in epoch again and again cannot be logged in, and is told to come back, not that they are wrong.
#[tokio::test]
async fn a_login_that_never_finds_the_user_at_rest_is_no_answer() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.reset();
    let gate = Gate::default();
    // The profile is read twice in each round, and what it is the second time tells. (What one rule has held, the next does not see.)
    for last in [1, 2, 3] {
        world.wire.script(on("GetItem").with("PROFILE").after(last), Fault::Hold(gate.clone()));
    }
    let moment = world.at(0);
    let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
        for epoch in 2..5 {
            gate.arrival().await;
            let pk = format!("USER#{}", person.id);
            world.rows.set(super::rows::IDENTITY, &pk, "PROFILE", "epoch", n(epoch)).await;
            gate.open();
        }
    });
    assert_passing(begun);
    for row in world.rows.sessions(person.id).await {
        assert_eq!(text(&row, "state"), "revoked", "it has no tokens");
    }
}

/// The first try took, its answer was lost, and the next one met another write: it is one login all the same.
#[tokio::test]
async fn a_conflict_after_a_lost_answer_is_still_the_success_that_it_was() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.script(on("PutItem").with("SESSION#"), Fault::LoseAnswer);
    world.wire.script(on("PutItem").with("SESSION#"), Fault::conflict_with_a_transaction());
    let pair = world.login(&world.at(0), &person).await.unwrap();
    world.assert_alive(0, &pair).await;
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
}
