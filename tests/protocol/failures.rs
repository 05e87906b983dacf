//! Which failures of storage are worth trying again: by the status of the answer, and where that blames the request, by its
//! code.

use nova_auth::{
    domain::password::{Password, PasswordProfile},
    domain::rules::{Caching, Rules},
    flows::{FlowError, operator::Operator},
    passwords::Hasher,
    store::{StoreError, StoredRules},
};
use serde_json::json;

use super::{
    answers::assert_passing,
    faults::{Fault, on},
    world::{CHEAP, OTHER_PASSWORD, Pair, Person, World},
};

const OPERATIONS: [&str; 5] = ["BatchGetItem", "GetItem", "PutItem", "TransactWriteItems", "UpdateItem"];

/// Something that makes such a call, and whose answer depends on it.
async fn call(world: &World, person: &Person, pair: &Pair, operation: &str) -> Result<(), FlowError> {
    match operation {
        "BatchGetItem" => world.authenticate(10, &pair.access).await,
        "PutItem" => {
            let rules = Rules { rules: Vec::new(), caching: Caching::Never };
            let stored = StoredRules { rules, source: String::new(), stored_at: super::world::time(10) };
            Ok(world.service.store.put_rules("a1b2c3", &stored).await.map(drop)?)
        }
        "TransactWriteItems" => world.revoke_all(&world.at(10), person).await,
        "GetItem" | "UpdateItem" => world.refresh(&world.at(10), &pair.refresh).await.map(drop),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_failure_of_the_service_is_worth_trying_again_whatever_it_says() {
    for fault in [
        Fault::page(500),
        Fault::page(502),
        Fault::page(503),
        Fault::page(504),
        Fault::page(408),
        Fault::error(500, "SomethingNewException"),
        Fault::error(503, "SomethingNewException"),
        Fault::error(408, "SomethingNewException"),
        Fault::Answer(503, json!({})),
    ] {
        let world = World::as_deployed().await;
        let (person, pair) = world.logged_in().await;
        for operation in OPERATIONS {
            world.wire.reset();
            world.wire.script(on(operation).every_call(), fault.clone());
            assert_passing(call(&world, &person, &pair, operation).await);
        }
    }
}

#[tokio::test]
async fn a_write_that_meets_one_from_another_region_each_time_is_worth_trying_again() {
    let world = World::as_deployed().await;
    let (person, pair) = world.logged_in().await;
    for operation in ["PutItem", "UpdateItem"] {
        world.wire.reset();
        world.wire.script(on(operation).every_call(), Fault::conflict_with_another_region());
        assert_passing(call(&world, &person, &pair, operation).await);
    }
}

#[tokio::test]
async fn a_failure_of_the_request_is_not_worth_trying_again() {
    for fault in [
        Fault::error(400, "SomethingNewException"),
        Fault::error(400, "ResourceNotFoundException"),
        Fault::page(403),
        Fault::page(413),
    ] {
        let world = World::as_deployed().await;
        let (person, pair) = world.logged_in().await;
        for operation in OPERATIONS {
            world.wire.reset();
            world.wire.script(on(operation).every_call(), fault.clone());
            let failed = call(&world, &person, &pair, operation).await;
            let refused = matches!(failed, Err(FlowError::Store(StoreError::Refused { .. })));
            assert!(refused, "{operation}: {failed:?}");
        }
    }
}

/// Both or neither: a lock that was lifted for a password that was not set would only serve a guesser.
#[tokio::test]
async fn a_password_that_could_not_be_set_lifts_no_lock() {
    let world = World::as_deployed().await;
    let person = world.person("amal").await;
    let wrong = world.login_with(&world.at(0), &person, "Wrong-horse-9!").await;
    assert!(wrong.is_err());
    let user = world.service.store.profile(person.id).await.unwrap().unwrap();
    world.wire.script(on("TransactWriteItems").every_call(), Fault::throttled());
    let moment = world.at(1);
    let (store, journal) = (&world.service.store, world.service.journal);
    let operator = Operator { store, moment: &moment, journal, tells: None };
    let other = Password::new(OTHER_PASSWORD.to_owned());
    let set = operator.set_password(&user, &other, &PasswordProfile::Crm.into(), Hasher::new(CHEAP)).await;
    assert_passing(set);
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 1);
}
