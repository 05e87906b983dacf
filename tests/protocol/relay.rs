//! What the relay tells of the tables' changes, and what it does when nobody takes it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use nova_auth::{
    app::Relay,
    domain::user::Status,
    flows::{
        operator::Operator,
        relay::{Announcement, Outlets},
    },
    relay::answer,
    store::AccessChange,
};
use serde_json::{Value, json};

use super::world::World;

/// A queue and a bus that take nothing whose text contains one of these.
#[derive(Default)]
struct Fake {
    refused: Mutex<Vec<&'static str>>,
    told: Mutex<Vec<String>>,
}

impl Fake {
    fn take(&self, texts: impl Iterator<Item = String>) -> BTreeSet<usize> {
        let refused = self.refused.lock().unwrap();
        let mut failed = BTreeSet::new();
        for (place, text) in texts.enumerate() {
            if refused.iter().any(|part| text.contains(part)) {
                failed.insert(place);
            } else {
                self.told.lock().unwrap().push(text);
            }
        }
        failed
    }

    /// The ids that were told.
    fn ids(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        let id = |text: String| {
            let text: Value = serde_json::from_str(&text).unwrap();
            text["id"].as_str().unwrap().to_owned()
        };
        told.into_iter().map(id).collect()
    }
}

impl Outlets for Fake {
    async fn queue(&self, messages: &[String]) -> BTreeSet<usize> {
        self.take(messages.iter().cloned())
    }

    async fn announce(&self, events: &[Announcement]) -> BTreeSet<usize> {
        self.take(events.iter().map(|event| event.detail.to_string()))
    }
}

fn service(world: &Arc<World>) -> Relay {
    Relay { store: world.service.store.clone(), queue: None, bus: String::new() }
}

fn record(sequence: u32, name: &str, pk: &str, sk: &str) -> Value {
    let keys = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    let image = json!({ "state": { "S": "revoked" } });
    let change = json!({ "SequenceNumber": sequence.to_string(), "Keys": keys, "NewImage": image });
    json!({ "eventName": name, "dynamodb": change })
}

fn event(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

fn session(sequence: u32, number: u32) -> Value {
    let user = "USER#0190163d-8694-739b-aea5-966c26f8ad90";
    let session = format!("SESSION#0190163d-8694-739b-aea5-{number:012}");
    record(sequence, "MODIFY", user, &session)
}

fn mail(sequence: u32) -> Value {
    let id = "RESET#0190163d-8694-739b-aea5-966c26f8ad92";
    record(sequence, "INSERT", &format!("MAIL#{}", "a1".repeat(32)), id)
}

#[tokio::test]
async fn a_telling_that_is_repeated_has_the_same_id() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    let event = event(&[mail(1), session(2, 1)]);
    // It died between telling and saying so.
    for _ in 0..2 {
        assert_eq!(answer(&relay, &fake, &event).await.unwrap(), json!({ "batchItemFailures": [] }));
        let ids = [
            "mail:0190163d-8694-739b-aea5-966c26f8ad92",
            "session:0190163d-8694-739b-aea5-000000000001:ended",
        ];
        assert_eq!(fake.ids(), ids);
    }
}

#[tokio::test]
async fn what_was_not_taken_and_nothing_else_is_told_again() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    *fake.refused.lock().unwrap() = vec!["mail:", "000000000013"];
    // More than one call has room for, and one of them twice.
    let mut records: Vec<_> = (1..=25).map(|number| session(number, number)).collect();
    records.extend([mail(26), session(27, 13)]);
    let again = answer(&relay, &fake, &event(&records)).await.unwrap();
    let again: Vec<_> = again["batchItemFailures"].as_array().unwrap().iter().collect();
    let again: BTreeSet<_> = again.iter().map(|item| item["itemIdentifier"].as_str().unwrap()).collect();
    assert_eq!(again, BTreeSet::from(["13", "26", "27"]));
    assert_eq!(fake.ids().len(), 24);
}

/// Whoever keeps a connection open for an older epoch has to learn of the newest one.
#[tokio::test]
async fn of_two_changes_of_a_user_the_later_epoch_is_told_once() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    let person = world.person("amal").await;
    world.set_status(&world.at(1), &person, Status::Disabled).await.unwrap();
    world.set_status(&world.at(2), &person, Status::Active).await.unwrap();
    let epoch = world.service.store.profile(person.id).await.unwrap().unwrap().epoch;
    let user = format!("USER#{}", person.id);
    let changed = |sequence| record(sequence, "MODIFY", &user, "PROFILE");
    answer(&relay, &fake, &event(&[changed(1), changed(2)])).await.unwrap();
    assert_eq!(fake.ids(), [format!("user:{}:{epoch}:2", person.id)]);
}

/// Another role raises no epoch. Who handles each id once must hear of it all the same.
#[tokio::test]
async fn a_change_of_a_role_has_an_id_of_its_own_and_the_same_when_it_is_told_again() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    let person = world.person("amal").await;
    let user = format!("USER#{}", person.id);
    let mut told = Vec::new();
    for (sequence, role) in [(7, "admin"), (8, "user"), (8, "user")] {
        let (moment, store) = (world.at(sequence.into()), &world.service.store);
        let operator = Operator { store, moment: &moment, journal: world.service.journal, tells: None };
        let change = AccessChange::Role(role.parse().unwrap());
        operator.change_access(person.id, &change, false).await.unwrap();
        answer(&relay, &fake, &event(&[record(sequence, "MODIFY", &user, "PROFILE")])).await.unwrap();
        told.extend(fake.ids());
    }
    assert_ne!(told[0], told[1]);
    assert_eq!(told[1], told[2]);
}

#[tokio::test]
async fn a_user_who_is_gone_is_told_to_be_gone() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    let user = "0190163d-8694-739b-aea5-966c26f8ad90";
    answer(&relay, &fake, &event(&[record(1, "REMOVE", &format!("USER#{user}"), "PROFILE")])).await.unwrap();
    assert_eq!(fake.ids(), [format!("user:{user}:deleted")]);
}

/// The sender looks who it was; queue and relay know neither address nor device.
#[tokio::test]
async fn a_login_on_another_device_is_told_by_the_name_of_its_session_and_any_other_login_is_not() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    let mut records = [session(1, 1), session(2, 2)];
    for record in &mut records {
        record["eventName"] = json!("INSERT");
        record["dynamodb"]["NewImage"]["state"]["S"] = json!("active");
    }
    records[1]["dynamodb"]["NewImage"]["newDevice"] = json!({ "BOOL": true });
    answer(&relay, &fake, &event(&records)).await.unwrap();
    let told = fake.told.lock().unwrap().clone();
    let sk = "SESSION#0190163d-8694-739b-aea5-000000000002";
    let expected = json!({
        "id": "session:0190163d-8694-739b-aea5-000000000002:device",
        "pk": "USER#0190163d-8694-739b-aea5-966c26f8ad90",
        "sk": sk,
    });
    assert_eq!(told, [expected.to_string()]);
}

/// What has expired was over before: its removal is nobody's news.
#[tokio::test]
async fn what_expires_tells_nobody_anything() {
    let world = World::new().await;
    let (relay, fake) = (service(&world), Fake::default());
    let mut records = [mail(1), session(2, 1)];
    for record in &mut records {
        record["eventName"] = json!("REMOVE");
    }
    answer(&relay, &fake, &event(&records)).await.unwrap();
    assert!(fake.ids().is_empty());
}
