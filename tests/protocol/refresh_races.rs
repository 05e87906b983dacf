//! Refresh against what ends sessions, in both orders: whoever is first, nothing of an ended session is accepted.

use nova_auth::domain::{refusal::Refusal, user::Status};

use super::{
    answers::refusal,
    faults::{Fault, Gate, Which, on},
    rows::text,
    world::{Pair, Person, World},
};

/// What ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Logout,
    RevokeAll,
    Disable,
}

const ENDS: [End; 3] = [End::Logout, End::RevokeAll, End::Disable];

impl End {
    async fn run(self, world: &World, person: &Person, pair: &Pair) {
        let moment = world.at(60);
        match self {
            Self::Logout => world.logout(&moment, pair).await.unwrap(),
            Self::RevokeAll => world.revoke_all(&moment, person).await.unwrap(),
            Self::Disable => world.set_status(&moment, person, Status::Disabled).await.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_token_of_an_ended_session_is_refused_and_revives_nothing() {
    for end in ENDS {
        let world = World::new().await;
        let (person, pair) = world.logged_in().await;
        end.run(&world, &person, &pair).await;
        let expected = if end == End::Disable { Refusal::UserInactive } else { Refusal::RefreshTokenInvalid };
        assert_eq!(refusal(world.refresh(&world.at(61), &pair.refresh).await), expected, "{end:?}");
        world.assert_dead(61, &pair).await;
        assert_eq!(text(&world.rows.session(person.id).await, "state"), "revoked", "{end:?}");
    }
}

/// The end comes in while the refresh waits at one of its calls; whatever the refresh answers, its tokens are dead.
async fn end_while_refreshing(end: End, point: Which, before_sending: bool) {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    let fault = if before_sending { Fault::Hold(gate.clone()) } else { Fault::HoldAnswer(gate.clone()) };
    world.wire.script(point, fault);
    let moment = world.at(60);
    let (refreshed, ()) = tokio::join!(world.refresh(&moment, &first.refresh), async {
        gate.arrival().await;
        end.run(&world, &person, &first).await;
        gate.open();
    });
    world.assert_dead(60, &first).await;
    if let Ok(second) = refreshed {
        world.assert_dead(60, &second).await;
    }
}

#[tokio::test]
async fn a_session_that_ends_before_the_refresh_writes_stays_ended() {
    for end in ENDS {
        end_while_refreshing(end, on("UpdateItem"), true).await;
    }
}

#[tokio::test]
async fn a_session_that_ends_after_the_refresh_wrote_stays_ended() {
    for end in ENDS {
        end_while_refreshing(end, on("UpdateItem"), false).await;
    }
}

#[tokio::test]
async fn a_session_that_ends_around_the_reading_of_its_user_stays_ended() {
    for end in ENDS {
        for before_sending in [true, false] {
            end_while_refreshing(end, on("GetItem").with("PROFILE"), before_sending).await;
        }
    }
}

#[tokio::test]
async fn an_end_that_is_overtaken_by_a_refresh_ends_what_the_refresh_gave_out() {
    for end in ENDS {
        let world = World::new().await;
        let (person, first) = world.logged_in().await;
        let gate = Gate::default();
        world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
        let moment = world.at(60);
        let ((), second) = tokio::join!(end.run(&world, &person, &first), async {
            gate.arrival().await;
            let second = world.refresh(&moment, &first.refresh).await.unwrap();
            gate.open();
            second
        });
        world.assert_dead(60, &second).await;
        world.assert_dead(60, &first).await;
    }
}

#[tokio::test]
async fn a_refresh_between_the_two_halves_of_a_password_change_goes_on_in_the_session_that_made_it() {
    for before_sending in [true, false] {
        let world = World::new().await;
        let (_, first) = world.logged_in().await;
        let gate = Gate::default();
        let hold = if before_sending { Fault::Hold(gate.clone()) } else { Fault::HoldAnswer(gate.clone()) };
        world.wire.script(on("UpdateItem").with("rotatedAt"), hold);
        let (refreshing, changing) = (world.at(60), world.at(60));
        let (second, ()) = tokio::join!(world.refresh(&refreshing, &first.refresh), async {
            gate.arrival().await;
            world.change_password(&changing, &first.access).await.unwrap();
            gate.open();
        });
        let second = second.unwrap();
        world.assert_alive(60, &second).await;
        world.refresh(&world.at(61), &second.refresh).await.unwrap();
    }
}

#[tokio::test]
async fn sessions_of_a_disabled_user_do_not_come_back_with_the_user() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.set_status(&world.at(60), &person, Status::Disabled).await.unwrap();
    world.set_status(&world.at(61), &person, Status::Active).await.unwrap();
    assert_eq!(refusal(world.authenticate(62, &pair.access).await), Refusal::TokenRevoked);
    world.assert_dead(62, &pair).await;
    let again = world.login(&world.at(63), &person).await.unwrap();
    world.assert_alive(63, &again).await;
}
