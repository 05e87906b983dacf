//! The decision about an access token: one consistent read, never a yes on doubt, never a no for want of an answer.

use aws_sdk_dynamodb::types::AttributeValue;
use nova_auth::{
    domain::{refusal::Refusal, user::Status},
    flows::authenticate::authenticate,
};
use serde_json::{Value, json};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, on},
    rows::{IDENTITY, SESSIONS, n, text},
    world::{Person, World, time},
};

#[tokio::test]
async fn keys_that_were_left_out_of_an_answer_are_asked_for_again() {
    for left_out in ["PROFILE", "SESSION#"] {
        let world = World::new().await;
        let (_, pair) = world.logged_in().await;
        world.wire.reset();
        world.wire.script(on("BatchGetItem"), Fault::Unprocessed(skip(left_out)));
        world.assert_alive(60, &pair).await;
        assert_eq!(world.wire.count("BatchGetItem"), 2, "{left_out}");
        let again = world.wire.sent()[1].body.to_string();
        assert_eq!(again.matches("\"sk\"").count(), 1, "only what is missing: {again}");
    }
}

#[tokio::test]
async fn a_session_that_was_left_out_of_an_answer_keeps_its_blacklist() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    blacklist(&world, &person, &pair.access).await;
    world.wire.script(on("BatchGetItem"), Fault::Unprocessed(skip("SESSION#")));
    assert_eq!(refusal(world.authenticate(60, &pair.access).await), Refusal::TokenRevoked);
}

#[tokio::test]
async fn keys_that_are_never_answered_are_neither_a_no_nor_a_yes() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    world.wire.script(on("BatchGetItem").every_call(), Fault::Unprocessed(skip("PROFILE")));
    let (store, access) = (world.that_gives_up().store, &world.authorizer.access);
    assert_passing(authenticate(&store, access, &world.at(60), &pair.access).await);
    // A table that is short of capacity is not asked for more of it ever again: six pauses that double are longer than all the patience.
    assert!(
        (2..=6).contains(&world.wire.count("BatchGetItem")),
        "{} calls",
        world.wire.count("BatchGetItem")
    );
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_neither_a_no_nor_a_yes() {
    for fault in [Fault::throttled(), Fault::out_of_capacity(), Fault::server_error(), Fault::LoseAnswer] {
        let world = World::new().await;
        let (_, pair) = world.logged_in().await;
        world.wire.script(on("BatchGetItem").every_try(), fault);
        assert_passing(world.authenticate(60, &pair.access).await);
        world.assert_alive(61, &pair).await;
    }
}

#[tokio::test]
async fn half_a_transaction_is_looked_at_once_more() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    world.change_password(&world.at(60), &pair.access).await.unwrap();
    world.wire.reset();
    // The batch saw the session before the change and the profile after it.
    world.wire.script(on("BatchGetItem"), Fault::alter(|answer| set_epoch(answer, SESSIONS, "1")));
    world.assert_alive(61, &pair).await;
    assert_eq!((world.wire.count("BatchGetItem"), world.wire.count("TransactGetItems")), (1, 1));
}

#[tokio::test]
async fn epochs_that_stay_apart_are_a_no_after_one_more_look() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.revoke_all(&world.at(60), &person).await.unwrap();
    world.wire.reset();
    assert_eq!(refusal(world.authenticate(61, &pair.access).await), Refusal::TokenRevoked);
    assert_eq!((world.wire.count("BatchGetItem"), world.wire.count("TransactGetItems")), (1, 1));
}

/// The second look may find what the first could not: the answer is the second one's, whatever it is.
#[tokio::test]
async fn the_second_look_decides() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.set_status(&world.at(60), &person, Status::Disabled).await.unwrap();
    world.wire.script(
        on("BatchGetItem"),
        Fault::alter(|answer| {
            for item in answer["Responses"][IDENTITY].as_array_mut().unwrap() {
                item["status"] = json!({ "S": "active" });
            }
        }),
    );
    assert_eq!(refusal(world.authenticate(61, &pair.access).await), Refusal::UserInactive);
    world.wire.reset();
    world.set_status(&world.at(62), &person, Status::Active).await.unwrap();
    for (second, fault) in [(63, Fault::throttled()), (64, Fault::conflict()), (65, Fault::LoseAnswer)] {
        world.wire.reset();
        world.wire.script(on("TransactGetItems").every_call(), fault);
        assert_passing(world.authenticate(second, &pair.access).await);
    }
    world.wire.reset();
    world.wire.script(on("TransactGetItems"), Fault::conflict());
    assert_eq!(refusal(world.authenticate(66, &pair.access).await), Refusal::TokenRevoked);
}

#[tokio::test]
async fn a_blacklisted_token_is_refused_in_a_session_that_goes_on() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    blacklist(&world, &person, &first.access).await;
    let second = world.refresh(&world.at(1), &first.refresh).await.unwrap();
    assert_eq!(refusal(world.authenticate(1, &first.access).await), Refusal::TokenRevoked);
    world.assert_alive(1, &second).await;
}

#[tokio::test]
async fn a_session_whose_time_is_over_is_refused_though_its_row_is_there() {
    for end in ["idleEnd", "absoluteEnd"] {
        let world = World::new().await;
        let (person, pair) = world.logged_in().await;
        world.rows.set_session(person.id, end, n(time(100).as_millisecond())).await;
        world.assert_alive(99, &pair).await;
        assert_eq!(refusal(world.authenticate(101, &pair.access).await), Refusal::TokenRevoked, "{end}");
    }
}

#[tokio::test]
async fn a_user_who_is_gone_or_disabled_and_a_session_that_is_gone_are_refused() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.set_status(&world.at(60), &person, Status::Disabled).await.unwrap();
    assert_eq!(refusal(world.authenticate(60, &pair.access).await), Refusal::UserInactive);
    world.rows.delete(IDENTITY, &format!("USER#{}", person.id), "PROFILE").await;
    assert_eq!(refusal(world.authenticate(60, &pair.access).await), Refusal::UserInactive);
    assert_eq!(refusal(world.refresh(&world.at(60), &pair.refresh).await), Refusal::UserInactive);
    let sk = text(&world.rows.session(person.id).await, "sk");
    world.rows.delete(SESSIONS, &format!("USER#{}", person.id), &sk).await;
    assert_eq!(refusal(world.authenticate(60, &pair.access).await), Refusal::TokenRevoked);
}

#[tokio::test]
async fn a_role_that_was_changed_counts_at_once_whatever_the_token_says() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world
        .rows
        .set(IDENTITY, &format!("USER#{}", person.id), "PROFILE", "role", super::rows::s("admin"))
        .await;
    let second = world.refresh(&world.at(60), &pair.refresh).await.unwrap();
    assert_eq!(claims(&pair.access)["role"], "user");
    assert_eq!(claims(&second.access)["role"], "admin");
    world.assert_alive(60, &pair).await;
}

/// A row that we did not write is a defect, and no reason to let anybody in or to log anybody out.
#[tokio::test]
async fn a_malformed_row_is_an_error_and_no_answer() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.rows.set_session(person.id, "epoch", super::rows::s("one")).await;
    let decision = world.authenticate(60, &pair.access).await;
    let Err(error @ nova_auth::flows::FlowError::Store(_)) = decision else { panic!("{decision:?}") };
    assert!(!error.is_passing(), "a client would be told to try again for ever");
}

fn skip(sk: &'static str) -> fn(&Value) -> bool {
    match sk {
        "PROFILE" => |key| key["sk"]["S"] == "PROFILE",
        _ => |key| key["sk"]["S"].as_str().unwrap().starts_with("SESSION#"),
    }
}

fn set_epoch(answer: &mut Value, table: &str, epoch: &str) {
    for item in answer["Responses"][table].as_array_mut().unwrap() {
        item["epoch"] = json!({ "N": epoch });
    }
}

/// Puts an access token on its session's blacklist, and nothing else: the session goes on.
async fn blacklist(world: &World, person: &Person, access: &nova_auth::keys::Token) {
    let token = claims(access)["jti"].as_str().unwrap().to_owned();
    world.rows.set_session(person.id, "revokedTokens", AttributeValue::Ss(vec![token])).await;
}
