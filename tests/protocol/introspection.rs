//! Introspection: a server is told what a token is worth now, or that nobody can tell.

use std::sync::Arc;

use nova_auth::{
    app::Introspector,
    domain::{
        address::ClientAddress,
        refusal::Refusal,
        rules::{Caching, Call},
        user::Status,
    },
    flows::{
        FlowError,
        introspect::{Active, Question, introspect},
        ticket::ticket,
    },
    keys::Token,
};

use super::{
    event_kinds::put,
    faults::{Fault, any, on},
    rows::SESSIONS,
    world::{ADDRESS, Pair, Person, World},
};

/// The API of the rules.
const API: &str = "EXAMPLEAPI";

async fn scene() -> (Arc<World>, Introspector, Person, Pair) {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let introspector = world.introspector();
    (world, introspector, person, pair)
}

fn about(call: &str, address: Option<&str>) -> Question {
    Question {
        api: API.to_owned(),
        call: Call::parse(call).unwrap(),
        address: address.map(ClientAddress::parse),
    }
}

async fn told(
    (world, service): (&World, &Introspector),
    second: i64,
    token: &Token,
) -> Result<Option<Active>, FlowError> {
    introspect(service, &world.at(second), token, None).await
}

async fn is_active(at: (&World, &Introspector), second: i64, token: &Token) -> bool {
    told(at, second, token).await.unwrap().is_some()
}

/// What the rules say of a call with this token.
async fn verdict(
    (world, service): (&World, &Introspector),
    second: i64,
    token: &Token,
    question: &Question,
) -> Option<Result<(), Refusal>> {
    let told = introspect(service, &world.at(second), token, Some(question)).await.unwrap();
    told.map(|active| active.answer.unwrap())
}

#[tokio::test]
async fn a_server_learns_of_a_logout_on_its_next_question() {
    let (world, service, person, pair) = scene().await;
    let at = (&*world, &service);
    let active = told(at, 1, &pair.access).await.unwrap().unwrap();
    assert_eq!((active.claims.sub, active.who.profile.id), (person.id, person.id));
    world.logout(&world.at(2), &pair).await.unwrap();
    assert!(!is_active(at, 3, &pair.access).await);
}

#[tokio::test]
async fn whatever_is_no_access_token_of_a_session_that_counts_gets_one_answer() {
    let (world, service, person, pair) = scene().await;
    let at = (&*world, &service);
    let made = ticket(&world.service, &world.at(1), &pair.access, API).await.unwrap().token;
    let others =
        [Token::new("a.b.c"), Token::new(""), Token::new("x".repeat(20_000)), pair.refresh.clone(), made];
    for other in &others {
        assert!(!is_active(at, 2, other).await);
    }
    // Its time is over.
    assert!(!is_active(at, 10_000, &pair.access).await);
    world.set_status(&world.at(3), &person, Status::Disabled).await.unwrap();
    assert!(!is_active(at, 4, &pair.access).await);
}

#[tokio::test]
async fn a_password_change_ends_what_was_issued_before_it() {
    let (world, service, person, pair) = scene().await;
    let other = world.login(&world.at(1), &person).await.unwrap();
    world.change_password(&world.at(2), &other.access).await.unwrap();
    assert!(!is_active((&*world, &service), 3, &pair.access).await);
    assert!(is_active((&*world, &service), 3, &other.access).await);
}

/// A server that takes an error for a yes would let in whom nobody could look up.
#[tokio::test]
async fn where_nobody_can_tell_it_is_an_error_and_never_an_answer() {
    let (world, service, _, pair) = scene().await;
    for fault in [Fault::throttled(), Fault::server_error()] {
        world.wire.script(any().every_try(), fault);
        let failed = told((&*world, &service), 1, &pair.access).await;
        assert!(failed.is_err_and(|error| !matches!(error, FlowError::Refused(_))));
        world.wire.reset();
    }
    // Without the keys no token can be told from another.
    let cold = world.introspector();
    world.vault.set_failing(true);
    assert!(told((&*world, &cold), 1, &pair.access).await.is_err());
}

#[tokio::test]
async fn the_rules_say_of_a_call_what_they_say_at_the_gateway() {
    let (world, service, _, pair) = scene().await;
    let at = (&*world, &service);
    let rules = "
- route: GET /notes/{id}
- route: POST /notes
  permission: notes:write
- route: GET /office
  addresses: [203.0.113.0/24]
- route: DELETE /notes
  fresh: 10m
- route: CONNECT $connect
";
    put(&world, Caching::Never, rules).await;
    for (call, address, expected) in [
        ("GET /notes/7", None, Ok(())),
        ("GET /notes/7/all", None, Err(Refusal::Forbidden)),
        ("GET /notes/..%2f7", None, Err(Refusal::Forbidden)),
        ("SUBSCRIBE /notes/7", None, Err(Refusal::Forbidden)),
        (
            "POST /notes",
            None,
            Err(Refusal::ForbiddenPermission { feature: "notes".into(), action: "write".into() }),
        ),
        ("GET /office", None, Err(Refusal::ForbiddenAddress)),
        ("GET /office", Some("198.51.100.1"), Err(Refusal::ForbiddenAddress)),
        ("GET /office", Some(ADDRESS), Ok(())),
        ("CONNECT $connect", None, Ok(())),
    ] {
        assert_eq!(verdict(at, 1, &pair.access, &about(call, address)).await, Some(expected), "{call}");
    }
    let step_up = verdict(at, 700, &pair.access, &about("DELETE /notes", None)).await;
    assert!(matches!(step_up, Some(Err(Refusal::StepUpRequired { .. }))), "{step_up:?}");
    world.logout(&world.at(701), &pair).await.unwrap();
    assert_eq!(verdict(at, 702, &pair.access, &about("GET /notes/7", None)).await, None);
}

#[tokio::test]
async fn an_api_without_rules_allows_what_the_operator_said_and_nothing_by_default() {
    let (world, service, _, pair) = scene().await;
    let call = about("GET /notes/7", None);
    assert_eq!(verdict((&*world, &service), 1, &pair.access, &call).await, Some(Err(Refusal::Forbidden)));
    let world = World::with(&[("NO_RULES", "authenticated")]).await;
    let (_, pair) = world.logged_in().await;
    let service = world.introspector();
    assert_eq!(verdict((&*world, &service), 1, &pair.access, &call).await, Some(Ok(())));
}

/// Two read units: the user and the session. The rules are one more, once a minute.
#[tokio::test]
async fn a_question_is_one_round_trip_and_writes_nothing() {
    let (world, service, _, pair) = scene().await;
    put(&world, Caching::Never, "- route: GET /notes/{id}\n").await;
    let call = about("GET /notes/7", None);
    for (question, keys) in [(None, 2), (Some(&call), 3), (Some(&call), 2)] {
        world.wire.reset();
        introspect(&service, &world.at(1), &pair.access, question).await.unwrap().unwrap();
        let sent = world.wire.sent();
        let [batch] = sent.as_slice() else { panic!("{sent:?}") };
        let asked: usize = batch.body["RequestItems"]
            .as_object()
            .unwrap()
            .values()
            .map(|table| table["Keys"].as_array().unwrap().len())
            .sum();
        assert_eq!((batch.operation.as_str(), asked), ("BatchGetItem", keys));
    }
    world.wire.script(on("BatchGetItem").with(SESSIONS), Fault::LoseAnswer);
    assert!(is_active((&*world, &service), 2, &pair.access).await, "a lost answer is asked for again");
}
