//! What every flow says to DynamoDB: operations, keys, expressions. A change of the code that is to change none of that
//! leaves these lists as they are; one that is to change it shows here what it changed.
//!
//! `INSTA_UPDATE=always` writes them anew.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use nova_auth::{
    domain::{
        address::ClientAddress,
        email::Email,
        ids::SessionId,
        name::PersonName,
        password::{Password, PasswordHash, PasswordProfile},
        policy::MethodArn,
        user::{Role, Status},
        user_record::UserRecord,
    },
    flows::{
        Requester,
        authorize::{Call, Credential, Target, authorize},
        operator::{Edit, Operator, Patience},
        register::{Applicant, register},
        sessions::{Page, list, revoke_every, revoke_one},
    },
    passwords::Hasher,
    store::AccessChange,
};
use serde_json::Value;

use super::{
    answers::claims,
    mailbox::{forgets, reads, reset},
    sent::Sent,
    world::{ADDRESS, CHEAP, OTHER_PASSWORD, PASSWORD, Pair, Person, World, device},
};

/// What makes an expression, in the order in which it is shown.
const PARTS: [&str; 12] = [
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
    "UpdateExpression",
    "ConditionExpression",
    "ConsistentRead",
    "IndexName",
    "Limit",
    "ScanIndexForward",
    "ReturnValues",
    "ReturnValuesOnConditionCheckFailure",
    "ClientRequestToken",
];

/// Which of its kind a value is does not matter: what is random or the time.
fn kind_of(segment: &str) -> String {
    let is = |pattern: &str| regex_lite::Regex::new(pattern).unwrap().is_match(segment);
    if is("^[0-9a-f]{8}-[0-9a-f-]{27}$") {
        "<id>".to_owned()
    } else if is("^[0-9a-f]{64}$") || is("^[A-Za-z0-9_-]{43}$") {
        "<digest>".to_owned()
    } else if is(r"^\d{4}-\d\d-\d\dT.*Z$") {
        "<time>".to_owned()
    } else if is("^request-") {
        "<request>".to_owned()
    } else if is(r"^\d{9,}$") {
        "<second>".to_owned()
    } else {
        segment.to_owned()
    }
}

fn key(of: &Value) -> String {
    let part = |name: &str| {
        let text = of[name]["S"].as_str().unwrap_or("-");
        text.split('#').map(kind_of).collect::<Vec<_>>().join("#")
    };
    format!("{} / {}", part("pk"), part("sk"))
}

/// Names with what they are of: `:now N`.
fn typed(values: &Value) -> String {
    let all: BTreeMap<String, String> = values
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_object().unwrap().keys().next().unwrap().clone()))
        .collect();
    all.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
}

fn describe(operation: &str, part: &Value) -> String {
    let table = part["TableName"].as_str().unwrap_or_default();
    let mut text = match (part.get("Key"), part.get("Item")) {
        (Some(at), _) => format!("{operation} {table} {}\n", key(at)),
        (_, Some(item)) => format!("{operation} {table} {}\n    item: {}\n", key(item), typed(item)),
        _ => format!("{operation} {table}\n"),
    };
    for name in PARTS {
        match &part[name] {
            Value::Null => {}
            Value::String(_) if name == "ClientRequestToken" => text.push_str("    one name for all tries\n"),
            Value::String(said) => writeln!(text, "    {name}: {said}").unwrap(),
            other => writeln!(text, "    {name}: {other}").unwrap(),
        }
    }
    if let Some(names) = part["ExpressionAttributeNames"].as_object() {
        let names: BTreeMap<_, _> = names.iter().map(|(name, of)| (name, of.as_str().unwrap())).collect();
        writeln!(text, "    names: {names:?}").unwrap();
    }
    if part.get("ExpressionAttributeValues").is_some() {
        writeln!(text, "    values: {}", typed(&part["ExpressionAttributeValues"])).unwrap();
    }
    text
}

fn call(sent: &Sent) -> String {
    let (operation, body) = (sent.operation.as_str(), &sent.body);
    match operation {
        "BatchGetItem" => {
            let mut text = format!("{operation}\n");
            let tables: BTreeMap<_, _> = body["RequestItems"].as_object().unwrap().iter().collect();
            for (table, wanted) in tables {
                let keys: Vec<_> = wanted["Keys"].as_array().unwrap().iter().map(key).collect();
                writeln!(text, "  {table} {keys:?} {}", describe("", wanted).trim().replace("\n    ", " "))
                    .unwrap();
            }
            text
        }
        "BatchWriteItem" => {
            let tables: BTreeMap<_, _> = body["RequestItems"].as_object().unwrap().iter().collect();
            format!("{operation} {:?}\n", tables.keys().collect::<Vec<_>>())
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let mut text = describe(operation, body).replace(" \n", "\n");
            for part in body["TransactItems"].as_array().unwrap() {
                for (action, part) in part.as_object().unwrap() {
                    text.push_str(&describe(&format!("  {action}"), part));
                }
            }
            text
        }
        _ => describe(operation, body),
    }
}

/// What was said since the last reset. What is said side by side has no order, so none is shown: `cost` has the rounds.
fn wire(world: &World) -> String {
    let mut calls: Vec<String> = world.wire.sent().iter().map(call).collect();
    calls.sort();
    calls.concat()
}

/// What a flow says, as it is written down under its name.
async fn said<T>(world: &World, name: &str, flow: impl Future<Output = T>) -> T {
    world.wire.reset();
    let outcome = flow.await;
    insta::assert_snapshot!(name, wire(world));
    world.wire.reset();
    outcome
}

/// One in which everything is counted and limited that can be, and nobody waits for a place that is not given back.
async fn world(more: &[(&str, &str)]) -> (Arc<World>, Person, Pair) {
    let all = [&[("API_RATE_LIMIT", "100")], more].concat();
    let world = World::impatient(&all).await;
    let (person, pair) = world.logged_in().await;
    world.assert_alive(0, &pair).await;
    (world, person, pair)
}

fn session_of(pair: &Pair) -> SessionId {
    claims(&pair.access)["sid"].as_str().unwrap().parse().unwrap()
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

#[tokio::test]
async fn what_a_login_says() {
    let (world, amal, _) = world(&[("MAX_SESSIONS_PER_USER", "2")]).await;
    let wrong = async || world.login_with(&world.at(1), &amal, "Wrong-horse-9!").await;
    said(&world, "login_wrong", wrong()).await.unwrap_err();
    said(&world, "login", world.login(&world.at(2), &amal)).await.unwrap();
    said(&world, "login_beyond_the_limit", world.login(&world.at(3), &amal)).await.unwrap();
    let nobody = Person { email: email("nobody"), ..amal.clone() };
    said(&world, "login_nobody", world.login(&world.at(4), &nobody)).await.unwrap_err();
    world.set_status(&world.at(5), &amal, Status::Disabled).await.unwrap();
    said(&world, "login_inactive", world.login(&world.at(6), &amal)).await.unwrap_err();
    for _ in 0..5 {
        wrong().await.unwrap_err();
    }
    // None of them is in flight any more, so nobody waits for them.
    said(&world, "login_locked", world.login(&world.at(60), &amal)).await.unwrap_err();
}

#[tokio::test]
async fn what_a_login_says_whose_hash_is_outdated() {
    let (mut world, amal, _) = world(&[]).await;
    Arc::get_mut(&mut world).unwrap().service.hasher = Hasher::new(CHEAP + 1);
    said(&world, "login_upgrade", world.login(&world.at(1), &amal)).await.unwrap();
}

#[tokio::test]
async fn what_a_refresh_says() {
    let (world, amal, pair) = world(&[]).await;
    let next = said(&world, "refresh", world.refresh(&world.at(1), &pair.refresh)).await.unwrap();
    said(&world, "refresh_repeated", world.refresh(&world.at(2), &pair.refresh)).await.unwrap();
    said(&world, "refresh_stolen", world.refresh(&world.at(100), &pair.refresh)).await.err().unwrap();
    said(&world, "refresh_ended", world.refresh(&world.at(101), &next.refresh)).await.err().unwrap();
    let pair = world.login(&world.at(102), &amal).await.unwrap();
    world.revoke_all(&world.at(103), &amal).await.unwrap();
    said(&world, "refresh_outdated", world.refresh(&world.at(104), &pair.refresh)).await.err().unwrap();
}

#[tokio::test]
async fn what_a_logout_says() {
    let (world, amal, pair) = world(&[]).await;
    let other = world.login(&world.at(1), &amal).await.unwrap();
    let two = Pair { access: pair.access.clone(), refresh: other.refresh };
    said(&world, "logout_of_two", world.logout(&world.at(2), &two)).await.unwrap();
    said(&world, "logout_again", world.logout(&world.at(3), &pair)).await.unwrap();
}

#[tokio::test]
async fn what_a_decision_says() {
    let (world, amal, pair) = world(&[("NO_RULES", "authenticated"), ("AUTHORIZER_RATE_LIMIT", "100")]).await;
    let arn = "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/notes";
    let asked = |credential| Call {
        credential,
        target: Target::Method { method: MethodArn::parse(arn).unwrap(), resource: None },
        address: Some(ClientAddress::parse(ADDRESS)),
    };
    let at = world.at(1);
    let token = Credential::Access(pair.access.clone());
    let decide = authorize(&world.authorizer, &at, asked(Some(&token)));
    said(&world, "decision", decide).await.unwrap();
    said(&world, "decision_about_nobody", authorize(&world.authorizer, &world.at(1), asked(None)))
        .await
        .unwrap_err();
    let at = world.at(2);
    said(&world, "sessions_list", list(&world.service, &at, &pair.access, Page { limit: 100, before: None }))
        .await
        .unwrap();
    let own = Some(session_of(&pair));
    said(&world, "sessions_end_one", revoke_one(&world.service, &at, &pair.access, own, &device()))
        .await
        .unwrap();
    let pair = world.login(&world.at(3), &amal).await.unwrap();
    said(&world, "sessions_end_all", revoke_every(&world.service, &at, &pair.access, &device()))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_change_of_password_says() {
    let (world, _, pair) = world(&[]).await;
    let wrong = world.change_password_to(&world.at(1), &pair.access, "Wrong-horse-9!", OTHER_PASSWORD).await;
    wrong.unwrap_err();
    let at = world.at(2);
    let again = world.change_password_to(&at, &pair.access, "Wrong-horse-9!", OTHER_PASSWORD);
    said(&world, "password_wrong", again).await.unwrap_err();
    said(&world, "password", world.change_password(&world.at(3), &pair.access)).await.unwrap();
}

#[tokio::test]
async fn what_a_registration_says() {
    let (world, ..) = world(&[("REGISTRATION", "open")]).await;
    let sara = || Applicant {
        name: PersonName::parse("Sara").unwrap(),
        email: email("sara"),
        password: Password::new(PASSWORD.to_owned()),
        caller: Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" },
    };
    said(&world, "register", register(&world.service, &world.at(1), sara())).await.unwrap();
    said(&world, "register_taken", register(&world.service, &world.at(2), sara())).await.unwrap_err();
}

#[tokio::test]
async fn what_a_recovery_says() {
    let (world, amal, _) = world(&[]).await;
    said(&world, "recover", forgets(&world, 1, &amal.email)).await.unwrap();
    let read = reads(&world, 2, &amal.email).await;
    said(&world, "redeem_wrong", reset(&world, 3, read.wrong_code(&amal.email), OTHER_PASSWORD))
        .await
        .unwrap_err();
    said(&world, "redeem_reset", reset(&world, 4, read.link(), OTHER_PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn what_an_operator_says() {
    let (world, amal, pair) = world(&[]).await;
    let moment = world.at(1);
    let operator = Operator {
        store: &world.service.store,
        moment: &moment,
        journal: world.service.journal,
        tells: None,
    };
    let access = async |change| operator.change_access(amal.id, &change, true).await;
    said(&world, "operator_role", access(AccessChange::Role(Role::default()))).await.unwrap();
    let more = ["notes:write".to_owned()].into();
    said(&world, "operator_grant", access(AccessChange::Grant(more))).await.unwrap();
    said(&world, "operator_end_session", operator.end_session(amal.id, session_of(&pair))).await.unwrap();
    said(&world, "operator_unlock", operator.unlock(&amal.email, amal.id)).await.unwrap();
    said(&world, "operator_unlock_address", operator.unlock_address(ClientAddress::parse(ADDRESS)))
        .await
        .unwrap();
    said(&world, "operator_end_all", world.revoke_all(&moment, &amal)).await.unwrap();
    said(&world, "operator_disable", world.set_status(&moment, &amal, Status::Disabled)).await.unwrap();
    said(&world, "operator_enable", world.set_status(&moment, &amal, Status::Active)).await.unwrap();
    let edit = Edit { email: None, name: Some(PersonName::parse("Amal B").unwrap()) };
    said(&world, "operator_rename", operator.edit(amal.id, &edit)).await.unwrap();
    let edit = Edit { email: Some(email("amal.b")), name: None };
    said(&world, "operator_move", operator.edit(amal.id, &edit)).await.unwrap();
    let user = world.service.store.profile(amal.id).await.unwrap().unwrap();
    let other = Password::new(OTHER_PASSWORD.to_owned());
    let policy = PasswordProfile::Crm.into();
    let set = operator.set_password(&user, &other, &policy, Hasher::new(CHEAP));
    said(&world, "operator_password", set).await.unwrap();
    said(&world, "operator_delete", operator.delete(&user, true)).await.unwrap();
    let record = UserRecord {
        email: email("badr"),
        name: PersonName::parse("Badr").unwrap(),
        role: Role::default(),
        status: Status::Active,
        permissions: ["notes:read".to_owned()].into(),
        password_hash: PasswordHash::parse(&bcrypt::hash(OTHER_PASSWORD, CHEAP).unwrap()).unwrap(),
    };
    let patience = Patience { retries: 0, pause: Duration::ZERO };
    said(&world, "operator_import", operator.import(&[record], false, patience)).await.unwrap();
}
