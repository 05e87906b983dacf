//! Login against what should keep it from succeeding: wherever in it the user is disabled, revoked or given another
//! password, no session is alive that should not be.

use nova_auth::domain::{refusal::Refusal, user::Status};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, Gate, any, on},
    rows::{n, number, text},
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
/// took effect. `check` is told whether that was before the login's transaction: then the login itself must notice.
async fn at_every_point(event: Event, check: impl AsyncFn(&World, &Person, Result<Pair, Refusal>, bool)) {
    let world = World::new().await;
    let person = world.person("measure").await;
    world.wire.reset();
    world.login(&world.at(0), &person).await.unwrap();
    let calls = world.wire.sent();
    let transaction = calls.iter().position(|sent| sent.operation == "TransactWriteItems").unwrap();
    for call in 0..calls.len() {
        for before_sending in [true, false] {
            let person = world.person(&format!("amal-{call}-{before_sending}")).await;
            let other_session = world.login(&world.at(0), &person).await.unwrap();
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
            let in_time = call < transaction || call == transaction && before_sending;
            check(&world, &person, begun, in_time).await;
        }
    }
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
    let world = World::new().await;
    let person = world.person("amal").await;
    let same_password = bcrypt::hash(PASSWORD, CHEAP).unwrap();
    world.wire.reset();
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
    let moment = world.at(0);
    let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
        gate.arrival().await;
        world.rows.set_password_hash(&person.email, &same_password).await;
        gate.open();
    });
    world.assert_alive(0, &begun.unwrap()).await;
    assert_eq!(world.wire.count("TransactWriteItems"), 2);
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
}

/// Each try is verified against what is there then: a password that was right when the login began and is not any more
/// is a wrong one.
#[tokio::test]
async fn a_hash_of_another_password_that_came_meanwhile_is_a_wrong_password() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
    let moment = world.at(0);
    let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
        gate.arrival().await;
        let other = bcrypt::hash(OTHER_PASSWORD, CHEAP).unwrap();
        world.rows.set_password_hash(&person.email, &other).await;
        gate.open();
    });
    assert!(matches!(refusal(begun), Refusal::InvalidCredentials(_)));
    assert!(world.rows.sessions(person.id).await.is_empty());
}

#[tokio::test]
async fn a_conflict_of_transactions_is_tried_again_and_at_last_is_no_answer() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.reset();
    for _ in 0..3 {
        world.wire.script(on("TransactWriteItems"), Fault::conflict());
    }
    let pair = world.login(&world.at(0), &person).await.unwrap();
    world.assert_alive(0, &pair).await;
    assert_eq!(world.wire.count("TransactWriteItems"), 4);

    world.wire.reset();
    world.wire.script(on("TransactWriteItems").every_call(), Fault::conflict());
    assert_passing(world.login(&world.at(1), &person).await);
    assert_eq!(world.wire.count("TransactWriteItems"), 6);
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
    assert!(world.rows.account_entries(&person).await.is_empty(), "no password was guessed");
    assert!(world.rows.address_entries(super::world::ADDRESS).await.is_empty());
}

#[tokio::test]
async fn a_login_whose_answer_is_lost_is_one_session_and_not_two() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.script(on("TransactWriteItems"), Fault::LoseAnswer);
    let pair = world.login(&world.at(0), &person).await.unwrap();
    world.assert_alive(0, &pair).await;
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
    assert_eq!(world.rows.count_events(person.id, "authn_login_success").await, 1);
}

/// A user who is raised in epoch again and again cannot be logged in, and is told to come back, not that they are wrong.
#[tokio::test]
async fn a_login_that_never_finds_the_user_at_rest_is_no_answer() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.reset();
    let gate = Gate::default();
    for _ in 0..3 {
        world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
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
    assert!(world.rows.sessions(person.id).await.is_empty());
}

/// The first try took, its answer was lost, and the next one met another transaction: it is one login all the same.
#[tokio::test]
async fn a_conflict_after_a_lost_answer_is_still_the_success_that_it_was() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.wire.script(on("TransactWriteItems"), Fault::LoseAnswer);
    world.wire.script(on("TransactWriteItems"), Fault::conflict());
    let pair = world.login(&world.at(0), &person).await.unwrap();
    world.assert_alive(0, &pair).await;
    assert_eq!(world.rows.sessions(person.id).await.len(), 1);
}
