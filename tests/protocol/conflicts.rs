//! Every call of every flow meeting another write at its item, and answers that are no answer of DynamoDB's: the first is
//! tried again and shows nowhere, the second is storage out of reach and never a refusal.

use super::{
    answers::refusal,
    faults::{Fault, any},
    world::{CHEAP, OTHER_PASSWORD, Pair, Person, World},
};
use nova_auth::{
    domain::{
        password::{Password, PasswordProfile},
        refusal::Refusal,
    },
    flows::{FlowError, operator::Operator},
    passwords::Hasher,
};

struct Scene {
    person: Person,
    pair: Pair,
}

const NOW: i64 = 200;

async fn scene() -> (std::sync::Arc<World>, Scene) {
    // The counting of calls is one of those that may conflict.
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let (person, pair) = world.logged_in().await;
    world.assert_alive(NOW - 60, &pair).await;
    world.wire.reset();
    (world, Scene { person, pair })
}

/// How DynamoDB says it of this operation; reads by key, alone or in batches, never conflict.
fn conflict(operation: &str) -> Option<Fault> {
    match operation {
        "TransactWriteItems" | "TransactGetItems" => Some(Fault::conflict()),
        "UpdateItem" | "PutItem" | "DeleteItem" => Some(Fault::conflict_with_a_transaction()),
        _ => None,
    }
}

/// Runs the flow with each of its writes meeting another one, once. `check` is what always holds of its outcome.
async fn each_write_conflicts<T>(
    run: impl AsyncFn(&World, &Scene) -> Result<T, FlowError>,
    check: impl AsyncFn(&World, &Scene, Result<T, FlowError>),
) {
    let (world, measure) = scene().await;
    drop(run(&world, &measure).await);
    let calls = world.wire.sent();
    let mut conflicts = 0;
    for (call, sent) in calls.iter().enumerate() {
        let Some(fault) = conflict(&sent.operation) else { continue };
        let (world, scene) = scene().await;
        world.wire.script(any().after(call), fault);
        let outcome = run(&world, &scene).await;
        assert!(world.wire.sent().len() > calls.len(), "{} was not tried again", sent.operation);
        world.wire.reset();
        check(&world, &scene, outcome).await;
        conflicts += 1;
    }
    assert!(conflicts > 0);
}

#[tokio::test]
async fn a_right_password_is_right_whatever_is_written_beside_it() {
    each_write_conflicts(
        async |world, scene| world.login(&world.at(NOW), &scene.person).await,
        async |world, scene, pair| {
            world.assert_alive(NOW, &pair.unwrap()).await;
            assert!(world.rows.account_entries(&scene.person.email).await.is_empty());
            assert!(world.rows.address_entries(super::world::ADDRESS).await.is_empty());
        },
    )
    .await;
}

#[tokio::test]
async fn a_wrong_password_counts_once_whatever_is_written_beside_it() {
    each_write_conflicts(
        async |world, scene| world.login_with(&world.at(NOW), &scene.person, "Wrong-horse-9!").await,
        async |world, scene, outcome| {
            assert!(matches!(refusal(outcome), Refusal::InvalidCredentials(_)));
            assert_eq!(world.rows.account_entries(&scene.person.email).await.len(), 1);
            let run = world.service.store.account_attempts(&scene.person.email, world.at(NOW).now).await;
            assert_eq!(run.unwrap().run, 1);
            assert_eq!(world.rows.count_events(scene.person.id, "authn_login_fail").await, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn a_refresh_and_a_logout_take_whatever_is_written_beside_them() {
    each_write_conflicts(
        async |world, scene| world.refresh(&world.at(NOW), &scene.pair.refresh).await,
        async |world, _, pair| world.assert_alive(NOW, &pair.unwrap()).await,
    )
    .await;
    each_write_conflicts(
        async |world, scene| world.logout(&world.at(NOW), &scene.pair).await,
        async |world, scene, ended| {
            ended.unwrap();
            world.assert_dead(NOW, &scene.pair).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_password_is_changed_whatever_is_written_beside_it() {
    each_write_conflicts(
        async |world, scene| world.change_password(&world.at(NOW), &scene.pair.access).await,
        async |world, scene, changed| {
            changed.unwrap();
            world.assert_alive(NOW, &scene.pair).await;
            world.login_with(&world.at(NOW), &scene.person, OTHER_PASSWORD).await.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn an_operators_change_takes_whatever_is_written_beside_it() {
    each_write_conflicts(
        async |world, scene| {
            let moment = world.at(NOW);
            let journal = world.service.journal;
            let operator = Operator { store: &world.service.store, moment: &moment, journal, tells: None };
            let user = world.service.store.profile(scene.person.id).await?.unwrap();
            operator.unlock(&scene.person.email, scene.person.id).await?;
            let password = Password::new(OTHER_PASSWORD.to_owned());
            operator.set_password(&user, &password, &PasswordProfile::Crm.into(), Hasher::new(CHEAP)).await
        },
        async |world, scene, changed| {
            changed.unwrap();
            world.assert_dead(NOW, &scene.pair).await;
            world.login_with(&world.at(NOW), &scene.person, OTHER_PASSWORD).await.unwrap();
        },
    )
    .await;
}
