//! Tickets: each opens one WebSocket of one API, once, while its session counts.

use std::sync::Arc;

use futures_util::future::join_all;
use nova_auth::{
    authorizer::AuthorizerError,
    domain::{rules::Caching, user::Status},
    flows::ticket::ticket,
};
use serde_json::{Value, json};

use super::{
    event_kinds::{KINDS, Kind, arn, ask, put},
    faults::{Fault, on},
    world::{Pair, Person, World},
};

const SOCKET: Kind = KINDS[5];
/// The API of the events.
const API: &str = "EXAMPLEAPI";

async fn scene() -> (Arc<World>, Person, Pair) {
    let world = World::with(&[("TICKETS", "enabled")]).await;
    let (person, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: CONNECT $connect\n").await;
    (world, person, pair)
}

async fn make(world: &World, second: i64, pair: &Pair, api: &str) -> String {
    let issued = ticket(&world.service, &world.at(second), &pair.access, api).await.unwrap();
    issued.token.expose().to_owned()
}

/// Opening a socket with it.
fn with(ticket: &str) -> Value {
    let mut event = SOCKET.event(None);
    event["queryStringParameters"] = json!({"ticket": ticket});
    event
}

fn lets_in(answer: &Result<Value, AuthorizerError>) -> bool {
    match answer {
        Ok(answer) => answer["policyDocument"]["Statement"][0]["Effect"] == "Allow",
        Err(AuthorizerError::Unauthorized) => false,
        Err(AuthorizerError::Failed) => panic!("no decision"),
    }
}

#[tokio::test]
async fn a_ticket_opens_one_connection_however_many_ask_at_once() {
    let (world, _, pair) = scene().await;
    let event = with(&make(&world, 1, &pair, API).await);
    let answers = join_all((0..50).map(|_| ask(&world, 2, &event))).await;
    assert_eq!(answers.iter().filter(|answer| lets_in(answer)).count(), 1);
    assert!(!lets_in(&ask(&world, 3, &event).await));
}

#[tokio::test]
async fn a_ticket_is_as_good_as_the_token_of_its_session_in_the_query_and_as_a_subprotocol() {
    let (world, _, pair) = scene().await;
    let event = with(&make(&world, 1, &pair, API).await);
    SOCKET.assert_allows(&ask(&world, 2, &event).await, &arn(&event));
    let mut event = SOCKET.event(None);
    let protocols = format!("chat.v1, nova.ticket.{}", make(&world, 3, &pair, API).await);
    event["headers"]["Sec-WebSocket-Protocol"] = json!(protocols);
    SOCKET.assert_allows(&ask(&world, 4, &event).await, &arn(&event));
}

#[tokio::test]
async fn a_ticket_is_over_after_half_a_minute_and_its_row_stays_longer_than_it_is_taken() {
    let (world, _, pair) = scene().await;
    assert!(
        lets_in(&ask(&world, 35, &with(&make(&world, 1, &pair, API).await)).await),
        "within the clocks' leeway"
    );
    assert!(!lets_in(&ask(&world, 36, &with(&make(&world, 1, &pair, API).await)).await));
    let sent = world.wire.sent();
    let used: Vec<_> = sent.iter().filter(|sent| sent.body.to_string().contains("TICKET#")).collect();
    let [used] = used.as_slice() else { panic!("{used:?}") };
    let ends: i64 = used.body["Item"]["expiresAt"]["N"].as_str().unwrap().parse().unwrap();
    assert!(ends > world.at(36).now.as_second(), "the row may go while the ticket is still taken");
}

#[tokio::test]
async fn a_ticket_is_for_its_api_and_no_other() {
    let (world, _, pair) = scene().await;
    for api in ["OTHERAPI", "exampleapi", "nova-api"] {
        assert!(!lets_in(&ask(&world, 2, &with(&make(&world, 1, &pair, api).await)).await), "{api}");
    }
}

#[tokio::test]
async fn a_ticket_is_no_token_and_a_token_is_no_ticket() {
    let (world, _, pair) = scene().await;
    let made = make(&world, 1, &pair, API).await;
    for kind in KINDS {
        assert!(!lets_in(&ask(&world, 2, &kind.event(Some(&made))).await), "{kind:?}");
    }
    assert!(world.authenticate(2, &nova_auth::keys::Token::new(made.clone())).await.is_err());
    assert!(!lets_in(&ask(&world, 2, &with(pair.access.expose())).await));
    assert!(!lets_in(&ask(&world, 2, &with(pair.refresh.expose())).await));
    // None of that used it up.
    assert!(lets_in(&ask(&world, 3, &with(&made)).await));
}

#[tokio::test]
async fn a_ticket_of_a_session_that_has_ended_or_of_a_user_who_is_disabled_opens_nothing() {
    let (world, person, pair) = scene().await;
    let made = make(&world, 1, &pair, API).await;
    world.logout(&world.at(2), &pair).await.unwrap();
    assert!(!lets_in(&ask(&world, 3, &with(&made)).await));
    let pair = world.login(&world.at(4), &person).await.unwrap();
    let made = make(&world, 5, &pair, API).await;
    world.set_status(&world.at(6), &person, Status::Disabled).await.unwrap();
    assert!(!lets_in(&ask(&world, 7, &with(&made)).await));
}

/// Whether it was used before, nobody knows then.
#[tokio::test]
async fn a_ticket_that_could_not_be_used_up_opens_nothing() {
    let (world, _, pair) = scene().await;
    for fault in [Fault::throttled(), Fault::server_error()] {
        let event = with(&make(&world, 1, &pair, API).await);
        world.wire.script(on("PutItem").with("TICKET#").every_try(), fault);
        assert_eq!(ask(&world, 2, &event).await, Err(AuthorizerError::Failed));
    }
}

#[tokio::test]
async fn a_ticket_whose_use_was_answered_by_nobody_still_opens_its_connection() {
    let (world, _, pair) = scene().await;
    let event = with(&make(&world, 1, &pair, API).await);
    world.wire.script(on("PutItem").with("TICKET#"), Fault::LoseAnswer);
    assert!(lets_in(&ask(&world, 2, &event).await));
    assert!(!lets_in(&ask(&world, 3, &event).await));
}

#[tokio::test]
async fn a_ticket_costs_the_decision_no_round_trip() {
    let (world, _, pair) = scene().await;
    let event = with(&make(&world, 1, &pair, API).await);
    // The rules are kept from the first decision on.
    ask(&world, 2, &SOCKET.event(Some(pair.access.expose()))).await.unwrap();
    world.wire.reset();
    assert!(lets_in(&ask(&world, 3, &event).await));
    let sent: Vec<_> = world.wire.sent().into_iter().map(|sent| (sent.operation, sent.round)).collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.iter().all(|(_, round)| *round == sent[0].1), "{sent:?}");
}

#[tokio::test]
async fn where_tickets_are_off_one_is_nobodys_word() {
    let (world, _, pair) = scene().await;
    let made = make(&world, 1, &pair, API).await;
    let without = World::with(&[]).await;
    put(&without, Caching::Never, "- route: CONNECT $connect\n").await;
    assert_eq!(ask(&without, 2, &with(&made)).await, Err(AuthorizerError::Unauthorized));
}
