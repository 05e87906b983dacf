//! Connections that are made at the very moment at which their session ends: the sample's own code on a database, in every order.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use notes::close::{Closed, Sockets};
use notes::connections::{Connections, Ended};
use notes::ended::end;
use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth_domain::context::Caller;
use nova_auth_domain::email::Email;
use nova_auth_domain::ids::{SessionId, UserId};
use nova_local::Storage;
use serde_json::{Value, json};

use crate::support::{binaries, engine};

const NOW: u64 = 1_800_000_000_000;

/// The table, and API Gateway's side: which connections are open.
struct World {
    connections: Connections,
    gateway: Gateway,
    _storage: Storage,
}

#[derive(Default)]
struct Gateway {
    open: Mutex<BTreeSet<String>>,
}

impl Gateway {
    fn opens(&self, id: &str) {
        self.open.lock().unwrap().insert(id.to_owned());
    }

    fn has(&self, id: &str) -> bool {
        self.open.lock().unwrap().contains(id)
    }
}

impl Sockets for Gateway {
    async fn close(&self, id: &str) -> Result<Closed, notes::Error> {
        Ok(if self.open.lock().unwrap().remove(id) { Closed::Done } else { Closed::Gone })
    }
}

impl World {
    async fn new() -> World {
        World::on("ConnectionsTable").await
    }

    /// One whose functions know this table.
    async fn on(table: &str) -> World {
        let template = binaries::workspace().join("tests/consumer/websocket/template.yaml");
        let storage = engine::storage(&template).await;
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", storage.url()),
        ];
        let config: Config = settings.into_iter().collect();
        let client = Clients::new(&config.aws().unwrap()).unwrap().dynamodb;
        World {
            connections: Connections::new(table.to_owned(), client),
            gateway: Gateway::default(),
            _storage: storage,
        }
    }

    /// A connection from its beginning to its end, as nothing else happens.
    async fn connect(&self, caller: &Caller, id: &str) -> bool {
        let admitted = self.connections.admit(caller, id, NOW).await.unwrap();
        if admitted {
            self.gateway.opens(id);
        }
        admitted
    }

    async fn tell(&self, caller: &Caller, ended: Ended) -> Result<(), String> {
        let rests = [Duration::ZERO; 2];
        let done = end(&self.connections, &self.gateway, caller.user_id, ended, NOW, &rests).await;
        done.map_err(|error| error.to_string())
    }
}

fn id(number: u64) -> String {
    format!("0190163d-8694-739b-aea5-{number:012x}")
}

fn caller(number: u64, epoch: u64) -> Caller {
    Caller {
        user_id: id(number).parse::<UserId>().unwrap(),
        email: Email::parse("sara@example.com").unwrap(),
        role: "user".parse().unwrap(),
        session_id: id(1_000_000 + number).parse::<SessionId>().unwrap(),
        epoch: Some(epoch),
        acr: None,
        auth_time: None,
    }
}

/// One side of the race takes its next step, the other one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The authorizer decides; the row is written; tombstones are looked for; API Gateway opens the connection.
    Connection,
    /// The session ends; its tombstone is written; its connections are ended.
    Ending,
}

/// Every order of so many steps of each side.
fn orders(connection: usize, ending: usize) -> Vec<Vec<Side>> {
    match (connection, ending) {
        (0, 0) => vec![vec![]],
        _ => {
            let mut all = Vec::new();
            for (side, left) in [(Side::Connection, connection), (Side::Ending, ending)] {
                if left > 0 {
                    let spent = usize::from(side == Side::Connection);
                    for rest in orders(connection - spent, ending - (1 - spent)) {
                        all.push([vec![side], rest].concat());
                    }
                }
            }
            all
        }
    }
}

/// What is missing from the way in which a connection and an end meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    Tombstone,
    /// `$connect` looks for tombstones before it writes its row.
    OrderInConnect,
    /// The end looks for rows before it writes its tombstone.
    OrderInEnd,
}

/// A side's step of this number, where its second and third may be taken in the wrong order.
const fn exchanged(step: usize, wrongly: bool) -> usize {
    match (step, wrongly) {
        (1, true) => 2,
        (2, true) => 1,
        _ => step,
    }
}

/// Plays one order. `true`: a connection of the ended session is open, and nobody is going to end it.
async fn survives(world: &World, number: u64, ended: Ended, order: &[Side], without: Without) -> bool {
    let (me, socket) = (caller(number, 1), format!("c{number}"));
    let (mut is_over, mut let_in, mut refused) = (false, false, false);
    let (mut connecting, mut ending) = (0, 0);
    let mut found = Vec::new();
    for side in order {
        match side {
            Side::Connection => {
                let step = exchanged(connecting, without == Without::OrderInConnect);
                connecting += 1;
                match step {
                    0 => let_in = !is_over,
                    _ if !let_in || refused => {}
                    1 => world.connections.put(&me, &socket, NOW).await.unwrap(),
                    2 => refused = world.connections.has_ended(&me, NOW).await.unwrap(),
                    _ => world.gateway.opens(&socket),
                }
            }
            Side::Ending => {
                let step = exchanged(ending, without == Without::OrderInEnd);
                ending += 1;
                match step {
                    0 => is_over = true,
                    1 if without == Without::Tombstone => {}
                    1 => drop(world.connections.bury(me.user_id, ended, NOW).await.unwrap()),
                    _ => found = world.connections.open(me.user_id).await.unwrap(),
                }
            }
        }
    }
    // The queue brings what could not be ended yet until it is.
    for one in found.iter().filter(|one| ended.ends(one)) {
        world.gateway.close(&one.id).await.unwrap();
    }
    world.gateway.has(&socket)
}

#[tokio::test]
async fn no_order_of_a_connection_and_the_end_of_its_session_leaves_it_open() {
    let world = World::new().await;
    let orders = orders(4, 3);
    assert_eq!(orders.len(), 35);
    let mut number = 0;
    for without in [Without::Nothing, Without::Tombstone, Without::OrderInConnect, Without::OrderInEnd] {
        let mut left = 0;
        for order in &orders {
            for by_epoch in [false, true] {
                number += 1;
                let session = caller(number, 1).session_id;
                let ended = match by_epoch {
                    false => Ended::Session(session),
                    true => Ended::Before { epoch: 2, kept: None },
                };
                let survived = survives(&world, number, ended, order, without).await;
                assert!(!survived || without != Without::Nothing, "{order:?} {ended:?}");
                left += usize::from(survived);
            }
        }
        // Each of its parts is needed: without it, somebody stays.
        assert_eq!(left == 0, without == Without::Nothing, "{without:?}");
    }
}

#[tokio::test]
async fn a_change_of_password_ends_every_connection_but_those_of_the_session_that_made_it() {
    let world = World::new().await;
    let (here, there) = (caller(1, 1), Caller { session_id: caller(2, 1).session_id, ..caller(1, 1) });
    assert!(world.connect(&here, "here").await && world.connect(&there, "there").await);
    let changed = Ended::Before { epoch: 2, kept: Some(here.session_id) };
    world.tell(&here, changed).await.unwrap();
    assert!(world.gateway.has("here") && !world.gateway.has("there"));
    // Its token of before is good still, and so is a new session; a token of the other one came too late.
    assert!(world.connect(&here, "again").await);
    assert!(!world.connect(&there, "too late").await);
    assert!(world.connect(&Caller { epoch: Some(2), ..there }, "logged in again").await);
    let rows = world.connections.open(here.user_id).await.unwrap();
    assert_eq!(rows.len(), 3, "{rows:?}");
}

#[tokio::test]
async fn an_event_that_comes_late_or_twice_ends_nothing_that_a_later_one_left_open() {
    let world = World::new().await;
    let (one, two) = (caller(1, 1), Caller { session_id: caller(2, 1).session_id, ..caller(1, 1) });
    assert!(world.connect(&one, "one").await && world.connect(&two, "two").await);
    let later = Ended::Before { epoch: 3, kept: Some(two.session_id) };
    let earlier = Ended::Before { epoch: 2, kept: Some(one.session_id) };
    for event in [later, earlier, later, earlier] {
        world.tell(&one, event).await.unwrap();
        assert!(!world.gateway.has("one") && world.gateway.has("two"), "{event:?}");
    }
    assert!(!world.connect(&one, "one again").await, "the earlier event takes nothing back");
}

#[tokio::test]
async fn a_connection_that_is_not_open_yet_is_ended_when_its_event_comes_again() {
    let world = World::new().await;
    let me = caller(1, 1);
    let ended = Ended::Session(me.session_id);
    world.connections.put(&me, "slow", NOW).await.unwrap();
    let error = world.tell(&me, ended).await.unwrap_err();
    assert_eq!(error, "1 connections are not ended: it may open yet");
    world.gateway.opens("slow");
    world.tell(&me, ended).await.unwrap();
    assert!(!world.gateway.has("slow"));
    assert!(world.connections.open(me.user_id).await.unwrap().is_empty());
}

/// Whose `$disconnect` was lost must not hold up the queue for two hours.
#[tokio::test]
async fn a_row_of_a_connection_that_has_long_been_gone_is_forgotten() {
    let world = World::new().await;
    let me = caller(1, 1);
    world.connections.put(&me, "gone", NOW - 60_001).await.unwrap();
    world.tell(&me, Ended::Session(me.session_id)).await.unwrap();
    assert!(world.connections.open(me.user_id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_deleted_users_connections_end_and_five_hundred_of_a_session_do() {
    let world = World::new().await;
    let (me, other) = (caller(1, 7), caller(2, 7));
    for socket in 0..500 {
        world.connections.put(&me, &format!("c{socket}"), NOW).await.unwrap();
        world.gateway.opens(&format!("c{socket}"));
    }
    assert!(world.connect(&other, "other").await);
    world.tell(&me, Ended::Before { epoch: u64::MAX, kept: None }).await.unwrap();
    assert_eq!(*world.gateway.open.lock().unwrap(), BTreeSet::from(["other".to_owned()]));
}

#[tokio::test]
async fn without_an_epoch_in_the_context_any_change_of_the_user_refuses_the_connection() {
    let world = World::new().await;
    let me = caller(1, 1);
    world.tell(&me, Ended::Before { epoch: 1, kept: None }).await.unwrap();
    assert!(world.connect(&me, "at this epoch").await);
    assert!(!world.connect(&Caller { epoch: None, ..me }, "at no epoch").await);
}

/// DynamoDB takes up to days to remove what has expired.
#[tokio::test]
async fn a_tombstone_whose_time_is_over_refuses_nobody() {
    let world = World::new().await;
    let me = Caller { epoch: None, ..caller(1, 1) };
    world.tell(&me, Ended::Before { epoch: 2, kept: None }).await.unwrap();
    assert!(!world.connections.admit(&me, "soon after", NOW + 600_000).await.unwrap());
    assert!(world.connections.admit(&me, "later", NOW + 601_000).await.unwrap());
}

/// The messages of a batch, as a queue hands on what the bus tells.
fn batch(events: &[Value]) -> Value {
    let record = |(number, event): (usize, &Value)| {
        let body = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        json!({"messageId": format!("m{number}"), "body": body})
    };
    json!({"Records": events.iter().enumerate().map(record).collect::<Vec<_>>()})
}

async fn again(world: &World, events: &[Value]) -> Value {
    notes::ended::answer(&batch(events), &world.connections, &world.gateway, NOW, &[]).await["batchItemFailures"]
        .take()
}

fn of_user(caller: &Caller, kind: &str, detail: Value) -> Value {
    let mut detail = detail;
    detail["userId"] = json!(caller.user_id.to_string());
    json!({"source": "nova-auth", "detail-type": kind, "detail": detail})
}

#[tokio::test]
async fn a_batch_ends_what_its_events_are_about_and_hands_back_what_can_not_be_read() {
    let world = World::new().await;
    let all: Vec<Caller> = (1..=4).map(|number| caller(number, 1)).collect();
    for (number, caller) in all.iter().enumerate() {
        assert!(world.connect(caller, &format!("c{number}")).await);
    }
    let session = json!({"sessionId": all[0].session_id.to_string()});
    let failed = again(
        &world,
        &[
            of_user(&all[0], "Session Ended", session),
            json!("no event"),
            of_user(&all[1], "User Changed", json!({"epoch": 2, "keptSession": null})),
            of_user(&all[2], "User Changed", json!({"epoch": null, "keptSession": null})),
            // A role: the epoch is the one that it was.
            of_user(&all[3], "User Changed", json!({"epoch": 1, "keptSession": null})),
            of_user(&all[3], "User Changed", json!({"epoch": "2"})),
            of_user(&all[3], "User Changed", json!({"epoch": 2, "keptSession": "x"})),
            of_user(&all[3], "Session Ended", json!({})),
        ],
    )
    .await;
    let named: Vec<_> = failed.as_array().unwrap().iter().map(|one| one["itemIdentifier"].clone()).collect();
    assert_eq!(named, ["m1", "m5", "m6", "m7"]);
    assert_eq!(*world.gateway.open.lock().unwrap(), BTreeSet::from(["c3".to_owned()]));
}

/// An hour without the table delays an end, and loses none: the queue keeps what is handed back.
#[tokio::test]
async fn what_can_not_be_done_is_handed_back_whole_and_done_when_it_comes_again() {
    let (away, world) = (World::on("NoSuchTable").await, World::new().await);
    let me = caller(1, 1);
    assert!(world.connect(&me, "mine").await);
    let events = [of_user(&me, "Session Ended", json!({"sessionId": me.session_id.to_string()}))];
    assert_eq!(again(&away, &events).await, json!([{"itemIdentifier": "m0"}]));
    assert!(away.connections.admit(&me, "other", NOW).await.is_err(), "a connection is made without its row");
    assert!(world.gateway.has("mine"));
    assert_eq!(again(&world, &events).await, json!([]));
    assert!(!world.gateway.has("mine"));
}
