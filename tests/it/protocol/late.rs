//! Writes that arrive late: the SDK gave a try up and went on, and the try is still on its way. When it comes, the world
//! is another, and it must find that out by its own condition.

use nova_auth::domain::user::Status;

use super::{
    answers::assert_passing,
    faults::{Fault, Gate, on},
    login_attempts::guess,
    rows::{SESSIONS, number, text},
    world::{ADDRESS, World, time},
};

#[tokio::test]
async fn a_rotation_that_arrives_again_after_the_next_one_changes_nothing() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    let third = world.refresh(&world.at(120), &second.refresh).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 2);
    world.assert_alive(121, &third).await;
    world.refresh(&world.at(180), &third.refresh).await.unwrap();
}

/// The retry of the client came first, and the write of its first try after it.
#[tokio::test]
async fn a_rotation_that_arrives_after_the_clients_retry_is_no_theft() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    world.wire.script(on("UpdateItem").every_try(), Fault::throttled());
    assert_passing(world.refresh(&world.at(60), &first.refresh).await);
    world.wire.reset();
    let second = world.refresh(&world.at(65), &first.refresh).await.unwrap();
    gate.let_it_arrive().await;
    let again = world.refresh(&world.at(66), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "active");
    world.refresh(&world.at(120), &second.refresh).await.unwrap();
}

#[tokio::test]
async fn a_rotation_that_arrives_after_the_logout_revives_nothing() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    world.wire.script(on("UpdateItem").every_try(), Fault::throttled());
    assert_passing(world.refresh(&world.at(60), &first.refresh).await);
    world.wire.reset();
    world.logout(&world.at(61), &first).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "revoked");
    world.assert_dead(62, &first).await;
}

#[tokio::test]
async fn a_login_that_arrives_after_its_user_was_disabled_or_revoked_begins_nothing_that_counts() {
    for disabled in [true, false] {
        let world = World::new().await;
        let person = world.person("amal").await;
        let gate = Gate::default();
        world.wire.script(on("PutItem").with("SESSION#"), Fault::Late(gate.clone()));
        world.wire.script(on("PutItem").with("SESSION#").every_try(), Fault::throttled());
        assert_passing(world.login(&world.at(0), &person).await);
        world.wire.reset();
        match disabled {
            true => world.set_status(&world.at(1), &person, Status::Disabled).await.unwrap(),
            false => world.revoke_all(&world.at(1), &person).await.unwrap(),
        }
        gate.let_it_arrive().await;
        let epoch = number(&world.rows.profile(person.id).await, "epoch");
        for row in world.rows.sessions(person.id).await {
            assert!(number(&row, "epoch") < epoch, "it counts");
        }
    }
}

#[tokio::test]
async fn a_login_that_arrives_again_is_one_session() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("PutItem").with("SESSION#"), Fault::Late(gate.clone()));
    let pair = world.login(&world.at(0), &person).await.unwrap();
    let next = world.refresh(&world.at(1), &pair.refresh).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "not begun anew");
    world.refresh(&world.at(2), &next.refresh).await.unwrap();
}

/// Raising the epoch a second time would end the sessions that began in between.
#[tokio::test]
async fn a_revocation_of_all_that_arrives_again_does_not_end_what_began_after_it() {
    let world = World::new().await;
    let (person, before) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    world.revoke_all(&world.at(60), &person).await.unwrap();
    let after = world.login(&world.at(61), &person).await.unwrap();
    gate.let_it_arrive().await;
    world.assert_dead(62, &before).await;
    world.assert_alive(62, &after).await;
}

#[tokio::test]
async fn a_password_that_arrives_again_after_the_next_one_does_not_come_back() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    world.change_password(&world.at(60), &pair.access).await.unwrap();
    let next = bcrypt::hash("Next-horse-1!", super::world::CHEAP).unwrap();
    world.rows.set_password_hash(&person.email, &next).await;
    gate.let_it_arrive().await;
    assert_eq!(world.rows.password_hash(&person.email).await, next);
    world.assert_alive(61, &pair).await;
}

/// It finds its own name, and counts neither a place nor a failure nor a call.
#[tokio::test]
async fn a_reservation_that_arrives_again_after_its_wrong_password_counts_nothing() {
    for of in ["ATTEMPTS#ACCOUNT", "ATTEMPTS#ADDRESS"] {
        let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
        let person = world.person("amal").await;
        let gate = Gate::default();
        world.wire.script(on("UpdateItem").with(of), Fault::Late(gate.clone()));
        assert!(world.login_with(&world.at(0), &person, "Wrong-horse-9!").await.is_err());
        let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
        let address = format!("ATTEMPTS#ADDRESS#{ADDRESS}");
        let before = [
            world.rows.get(SESSIONS, &account, "WINDOW").await,
            world.rows.get(SESSIONS, &address, "WINDOW").await,
        ];
        gate.let_it_arrive().await;
        let after = [
            world.rows.get(SESSIONS, &account, "WINDOW").await,
            world.rows.get(SESSIONS, &address, "WINDOW").await,
        ];
        assert_eq!(after, before, "{of}");
        assert_eq!(number(after[0].as_ref().unwrap(), "failures"), 1);
    }
}

/// The owner was right, and then somebody guessed.
#[tokio::test]
async fn a_success_that_arrives_again_forgives_no_guess_that_came_after_it() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("DeleteItem").with("ATTEMPTS#ACCOUNT"), Fault::Late(gate.clone()));
    world.login(&world.at(0), &person).await.unwrap();
    guess(&world, &person, 1, 5).await;
    gate.let_it_arrive().await;
    assert_eq!(world.rows.account_entries(&person).await.len(), 5);
    let failures = world.service.store.account_attempts(&person.email, time(1)).await.unwrap().run;
    assert_eq!(failures, 5);
}

/// It takes a place again, which a wrong password would too, and opens none.
#[tokio::test]
async fn a_reservation_that_arrives_after_its_login_costs_one_place_at_most() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with("ATTEMPTS#ADDRESS"), Fault::Late(gate.clone()));
    world.login(&world.at(0), &person).await.unwrap();
    gate.let_it_arrive().await;
    assert!(world.rows.address_entries(ADDRESS).await.len() <= 1);
    world.login(&world.at(1), &person).await.unwrap();
}
