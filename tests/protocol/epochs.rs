//! Whatever changes how a user authenticates raises the epoch, in the same transaction: that is what lets a login begin without
//! one (docs/decisions/0004-sessions-end-by-an-epoch.md). Held against every write at a credential that there is.

use nova_auth::{
    domain::{
        email::Email,
        ids::UserId,
        password::{Password, PasswordProfile},
        user::Status,
    },
    flows::{
        factors::remove::remove_factor,
        operator::{Edit, Operator},
    },
    passwords::Hasher,
};
use serde_json::Value;

use super::{
    mailbox::{forgets, reads, reset},
    rows::number,
    second_factors::{enrol, request},
    sent::Sent,
    world::{CHEAP, OTHER_PASSWORD, World},
};

const CHANGES: [&str; 10] = [
    "password",
    "operator's password",
    "password by mail",
    "address",
    "address by mail",
    "disabled",
    "deleted",
    "factor added",
    "factor removed",
    "factors reset",
];

/// Everything that there is to change about how a user logs in.
async fn change(world: &World, what: &str) -> (UserId, u64, Option<u64>) {
    let (person, pair) = world.logged_in().await;
    let epoch = async || {
        let row = world.rows.get(super::rows::IDENTITY, &format!("USER#{}", person.id), "PROFILE").await;
        row.map(|row| u64::try_from(number(&row, "epoch")).unwrap())
    };
    let before = epoch().await.unwrap();
    let moment = world.at(10);
    let operator = Operator {
        store: &world.service.store,
        moment: &moment,
        journal: world.service.journal,
        tells: None,
    };
    let user = world.service.store.profile(person.id).await.unwrap().unwrap();
    world.wire.reset();
    match what {
        "password" => world.change_password(&moment, &pair.access).await.unwrap(),
        "operator's password" => {
            let other = Password::new(OTHER_PASSWORD.to_owned());
            operator
                .set_password(&user, &other, &PasswordProfile::Crm.into(), Hasher::new(CHEAP))
                .await
                .unwrap();
        }
        "password by mail" => {
            forgets(world, 11, &person.email).await.unwrap();
            let read = reads(world, 12, &person.email).await;
            reset(world, 13, read.link(), OTHER_PASSWORD).await.unwrap();
        }
        "address by mail" => super::change_of_address::moves(world, &pair.access).await,
        "address" => {
            let edit = Edit { email: Some(Email::parse("other@example.com").unwrap()), name: None };
            operator.edit(person.id, &edit).await.unwrap();
        }
        "disabled" => world.set_status(&moment, &person, Status::Disabled).await.unwrap(),
        "deleted" => drop(operator.delete(&user, false).await.unwrap()),
        "factor added" => drop(enrol(world, &world.factors(), 10, &pair.access).await.unwrap()),
        "factor removed" => {
            let service = world.factors();
            let (factor, ..) = enrol(world, &service, 10, &pair.access).await.unwrap();
            let added = epoch().await;
            remove_factor(&service, &world.at(11), &request(&pair.access), factor).await.unwrap();
            return (person.id, added.unwrap(), epoch().await);
        }
        "factors reset" => drop(operator.reset_factors(person.id).await.unwrap()),
        other => panic!("{other}"),
    }
    (person.id, before, epoch().await)
}

#[tokio::test]
async fn whatever_changes_how_a_user_logs_in_raises_the_epoch() {
    for what in CHANGES {
        let world = World::new().await;
        let (_, before, after) = change(&world, what).await;
        assert!(after.is_none_or(|after| after > before), "{what}: {before}, {after:?}");
    }
}

/// A hash that is brought up to date is one of the same password, and the only write at a credential that stands alone.
#[tokio::test]
async fn no_credential_is_written_without_its_profile() {
    let mut seen = 0;
    for what in CHANGES {
        let world = World::new().await;
        change(&world, what).await;
        for sent in world.wire.sent() {
            for write in writes(&sent).iter().filter(|write| key(write).contains("CREDENTIAL")) {
                let raised = writes(&sent).iter().any(|other| {
                    key(other).contains("PROFILE")
                        && (other.to_string().contains("epoch") || other.get("Delete").is_some())
                });
                assert!(raised, "{what}: {write}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 5, "{seen} writes at credentials");
}

/// The writes of a call, each as a part of a transaction; one that stands alone is one part.
fn writes(sent: &Sent) -> Vec<Value> {
    match sent.operation.as_str() {
        "TransactWriteItems" => sent.body["TransactItems"].as_array().unwrap().clone(),
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![sent.body.clone()],
        _ => vec![],
    }
}

/// What a write says of its key, and nothing of its conditions.
fn key(write: &Value) -> String {
    let part = write
        .as_object()
        .and_then(|part| part.values().find(|value| value.is_object() && value.get("TableName").is_some()));
    let part = part.unwrap_or(write);
    let checks = write.get("ConditionCheck").is_some();
    if checks { String::new() } else { [&part["Key"], &part["Item"]["sk"]].map(Value::to_string).concat() }
}

/// An open WebSocket of the session that goes on would be closed, and one of a session that has ended left open.
#[tokio::test]
async fn the_session_that_goes_on_is_named_where_one_does_and_none_is_where_all_end() {
    let mut kept = Vec::new();
    for what in CHANGES {
        let world = World::new().await;
        let (user, ..) = change(&world, what).await;
        let Some(profile) = world.service.store.profile(user).await.unwrap() else { continue };
        let stands = |session: &&super::rows::Row| {
            u64::try_from(number(session, "epoch")).unwrap() == profile.epoch && profile.is_active()
        };
        let sessions = world.rows.sessions(user).await;
        let standing: Vec<_> =
            sessions.iter().filter(stands).map(|row| row["sessionId"].as_s().unwrap().clone()).collect();
        let named: Vec<_> = profile.kept_session().map(|session| session.to_string()).into_iter().collect();
        assert_eq!(named, standing, "{what}");
        if !named.is_empty() {
            kept.push(what);
        }
    }
    assert_eq!(kept, ["password", "address by mail", "factor added", "factor removed"]);
}
