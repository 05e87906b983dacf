//! Which failures of storage are worth trying again: by the status of the answer, and where that blames the request, by its
//! code.

use futures_util::future::join_all;
use nova_auth::{
    domain::password::{Password, PasswordProfile},
    domain::rules::{Caching, Rules},
    flows::{FlowError, operator::Operator, refresh::refresh},
    passwords::Hasher,
    store::{StoreError, StoredRules},
};
use serde_json::json;

use super::{
    answers::assert_passing,
    faults::{Fault, on},
    world::{CHEAP, OTHER_PASSWORD, Pair, Person, World, presenting},
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
        "GetItem" | "UpdateItem" => {
            refresh(&world.that_gives_up(), &world.at(10), &presenting(&pair.refresh)).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

/// What comes of each operation where it fails in this way as often as it is tried.
async fn with_each_failing(operations: &[&'static str], fault: Fault) -> Vec<Result<(), FlowError>> {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let mut outcomes = Vec::new();
    for operation in operations {
        world.wire.reset();
        world.wire.script(on(operation).every_call(), fault.clone());
        outcomes.push(call(&world, &person, &pair, operation).await);
        assert!(world.wire.count(operation) > 0, "{operation}");
    }
    outcomes
}

#[tokio::test]
async fn a_failure_of_the_service_is_worth_trying_again_whatever_it_says() {
    let faults = [
        Fault::page(500),
        Fault::page(502),
        Fault::page(503),
        Fault::page(504),
        Fault::page(408),
        Fault::error(500, "SomethingNewException"),
        Fault::error(503, "SomethingNewException"),
        Fault::error(408, "SomethingNewException"),
        Fault::Answer(503, json!({})),
    ];
    for outcomes in join_all(faults.map(|fault| with_each_failing(&OPERATIONS, fault))).await {
        assert_eq!(outcomes.len(), OPERATIONS.len());
        outcomes.into_iter().for_each(assert_passing);
    }
}

#[tokio::test]
async fn a_write_that_meets_one_from_another_region_each_time_is_worth_trying_again() {
    let writes = [["PutItem"], ["UpdateItem"]];
    let met = writes.iter().map(|write| with_each_failing(write, Fault::conflict_with_another_region()));
    for outcomes in join_all(met).await {
        assert_eq!(outcomes.len(), 1);
        outcomes.into_iter().for_each(assert_passing);
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
        for (operation, failed) in OPERATIONS.iter().zip(with_each_failing(&OPERATIONS, fault).await) {
            let refused = matches!(failed, Err(FlowError::Store(StoreError::Refused { .. })));
            assert!(refused, "{operation}: {failed:?}");
        }
    }
}

/// Both or neither: a lock that was lifted for a password that was not set would only serve a guesser.
#[tokio::test]
async fn a_password_that_could_not_be_set_lifts_no_lock() {
    let world = World::new().await;
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
