//! A password change: this session goes on, every other one ends, and whatever comes in between, it took as a whole or
//! not at all.

use nova_auth::domain::{refusal::Refusal, user::Status};

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    rows::number,
    world::{OTHER_PASSWORD, Pair, Person, World},
};

#[tokio::test]
async fn this_session_goes_on_with_its_tokens_and_every_other_one_ends() {
    let world = World::new().await;
    let (person, mine) = world.logged_in().await;
    let other = world.login(&world.at(1), &person).await.unwrap();
    world.change_password(&world.at(60), &mine.access).await.unwrap();
    world.assert_alive(60, &mine).await;
    world.assert_dead(60, &other).await;
    let next = world.refresh(&world.at(61), &mine.refresh).await.unwrap();
    world.assert_alive(61, &next).await;
    assert!(world.login(&world.at(62), &person).await.is_err(), "the old password is over");
    world.login_with(&world.at(63), &person, OTHER_PASSWORD).await.unwrap();
    assert_eq!(world.rows.count_events(person.id, "authn_password_change").await, 1);
}

/// What comes in while the change waits before its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Logout,
    RevokeAll,
    Disable,
}

async fn change_while(meanwhile: Meanwhile) -> (std::sync::Arc<World>, Person, Pair, Refusal) {
    let world = World::new().await;
    let (person, mine) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems").with("passwordChangedAt"), Fault::Hold(gate.clone()));
    let (changing, moment) = (world.at(60), world.at(60));
    let (changed, ()) = tokio::join!(world.change_password(&changing, &mine.access), async {
        gate.arrival().await;
        match meanwhile {
            Meanwhile::Logout => world.logout(&moment, &mine).await.unwrap(),
            Meanwhile::RevokeAll => world.revoke_all(&moment, &person).await.unwrap(),
            Meanwhile::Disable => world.set_status(&moment, &person, Status::Disabled).await.unwrap(),
        }
        gate.open();
    });
    let refused = refusal(changed);
    (world, person, mine, refused)
}

#[tokio::test]
async fn a_change_by_a_session_that_ends_meanwhile_changes_nothing_and_revives_nothing() {
    for meanwhile in [Meanwhile::Logout, Meanwhile::RevokeAll, Meanwhile::Disable] {
        let (world, person, mine, refused) = change_while(meanwhile).await;
        let expected =
            if meanwhile == Meanwhile::Disable { Refusal::UserInactive } else { Refusal::TokenRevoked };
        assert_eq!(refused, expected, "{meanwhile:?}");
        world.assert_dead(61, &mine).await;
        world.set_status(&world.at(62), &person, Status::Active).await.unwrap();
        world.assert_dead(62, &mine).await;
        world.login(&world.at(63), &person).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_made_and_the_other_typed_what_is_not_the_password_any_more() {
    let world = World::new().await;
    let (person, one) = world.logged_in().await;
    let two = world.login(&world.at(1), &person).await.unwrap();
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems").with("passwordChangedAt"), Fault::Hold(gate.clone()));
    let (first, second) = (world.at(60), world.at(60));
    let (late, early) = tokio::join!(world.change_password(&first, &one.access), async {
        gate.arrival().await;
        let early = world.change_password(&second, &two.access).await;
        gate.open();
        early
    });
    early.unwrap();
    assert_eq!(refusal(late), Refusal::TokenRevoked, "its session ended with the other's change");
    world.assert_alive(60, &two).await;
    world.assert_dead(60, &one).await;
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_made_once() {
    let world = World::new().await;
    let (person, mine) = world.logged_in().await;
    world.wire.script(on("TransactWriteItems"), Fault::LoseAnswer);
    world.change_password(&world.at(60), &mine.access).await.unwrap();
    assert_eq!(number(&world.rows.profile(person.id).await, "epoch"), 2);
    world.assert_alive(60, &mine).await;
}

/// A stolen access token must not be a way around the limit on guessing.
#[tokio::test]
async fn a_wrong_current_password_counts_as_a_guess_at_the_account() {
    let world = World::impatient(&[]).await;
    let (person, mine) = world.logged_in().await;
    let other = bcrypt::hash(OTHER_PASSWORD, super::world::CHEAP).unwrap();
    world.rows.set_password_hash(&person.email, &other).await;
    for guess in 0..5 {
        let refused = refusal(world.change_password(&world.at(guess), &mine.access).await);
        assert!(matches!(refused, Refusal::CurrentPasswordInvalid(_)), "{refused:?}");
    }
    let refused = refusal(world.change_password(&world.at(6), &mine.access).await);
    assert!(matches!(refused, Refusal::AddressLimited(_)), "{refused:?}");
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 5);
    world.assert_alive(6, &mine).await;
}

/// A refresh under way sees one half of the change or the other. The own session is not logged out by that, and no other one
/// survives by it.
#[tokio::test]
async fn a_refresh_that_meets_the_change_goes_on_if_it_is_the_same_session_and_dies_if_it_is_another() {
    for own in [true, false] {
        for operation in ["UpdateItem", "GetItem"] {
            for before_sending in [true, false] {
                let world = World::new().await;
                let (person, mine) = world.logged_in().await;
                let other = world.login(&world.at(1), &person).await.unwrap();
                let refreshing = if own { mine.clone() } else { other };
                let gate = Gate::default();
                let hold =
                    if before_sending { Fault::Hold(gate.clone()) } else { Fault::HoldAnswer(gate.clone()) };
                world.wire.script(on(operation), hold);
                let moment = world.at(60);
                let (refreshed, ()) = tokio::join!(world.refresh(&moment, &refreshing.refresh), async {
                    gate.arrival().await;
                    world.change_password(&world.at(60), &mine.access).await.unwrap();
                    gate.open();
                });
                if own {
                    let next = refreshed.unwrap();
                    world.assert_alive(61, &next).await;
                    world.refresh(&world.at(62), &next.refresh).await.unwrap();
                } else {
                    if let Ok(next) = refreshed {
                        world.assert_dead(61, &next).await;
                    }
                    world.assert_dead(61, &refreshing).await;
                    world.assert_alive(61, &mine).await;
                }
            }
        }
    }
}

/// Five failures of the storage would lock an honest user out.
#[tokio::test]
async fn a_change_that_storage_fails_holds_nothing_against_account_or_address() {
    let world = World::new().await;
    let (person, mine) = world.logged_in().await;
    world.wire.script(on("GetItem").every_try(), Fault::server_error());
    assert_passing(world.change_password(&world.at(1), &mine.access).await);
    assert!(world.rows.account_entries(&person.email).await.is_empty());
    assert!(world.rows.address_entries(super::world::ADDRESS).await.is_empty());
}
