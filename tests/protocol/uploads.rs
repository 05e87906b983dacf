//! Guarded uploads over a real table: what a grant costs, quotas that hold under repetition, and verdicts in any order against
//! the pure steps.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nova_auth::aws::{AwsConfig, dynamodb_config, http_client};
use nova_auth::config::Config;
use nova_auth::patience::Patience;
use nova_auth_domain::context::Caller;
use nova_auth_domain::email::Email;
use nova_auth_uploads::form::Signer;
use nova_auth_uploads::name::FileName;
use nova_auth_uploads::reason::Reason;
use nova_auth_uploads::rules::{Metadata, Rules, file};
use nova_auth_uploads::service::edge::Problem;
use nova_auth_uploads::service::grant::{Grant, Granting, Wanted};
use nova_auth_uploads::service::{UploadStore, Uploads};
use nova_auth_uploads::upload::{Judge, LATE, State, UNDECIDED, Upload, Verdict, VersionId};
use nova_auth_uploads::wanted::{FORM_LASTS, Sha256, UploadId};
use nova_local::Storage;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

use super::faults::{Fault, Gate, on};
use super::wire::Wire;
use nova_test_support::{engine, workspace};

const RULES: &str = "\
- purpose: avatar
  types: [image/png]
  up-to: 10 B
  per-user: 3 files and 25 B a day
- purpose: document
  types: [application/pdf]
  up-to: 1 MiB
  per-user: 40 files and 40 MiB a day
";

struct World {
    granting: Granting,
    wire: Wire,
    _storage: Storage,
}

fn caller(number: u64) -> Caller {
    let id = format!("0190163d-8694-739b-aea5-{number:012x}");
    Caller {
        user_id: id.parse().unwrap(),
        email: Email::parse("sara@example.com").unwrap(),
        role: "user".parse().unwrap(),
        session_id: id.parse().unwrap(),
        epoch: Some(1),
        acr: None,
        auth_time: None,
    }
}

fn noon() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn rules() -> Rules {
    file::read(RULES).unwrap()
}

impl World {
    async fn new() -> World {
        let storage = engine::storage(&workspace().join("uploads/template.yaml")).await;
        let settings = [
            ("UPLOADS_TABLE", "UploadsTable"),
            ("QUARANTINE_BUCKET", "quarantine"),
            ("CLEAN_BUCKET", "clean"),
            ("UPLOAD_RULES", "default"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", storage.url()),
        ];
        let config: Config = settings.into_iter().collect();
        let patience = Patience { call: Duration::from_secs(60), ..Patience::DEPLOYED };
        let aws = AwsConfig { patience, ..config.aws().unwrap() };
        let wire = Wire::new(http_client(&aws).unwrap());
        let client =
            aws_sdk_dynamodb::Client::from_conf(dynamodb_config(&aws, wire.clone().shared()).build());
        let uploads = Uploads::new(&config, client).unwrap();
        uploads.store.put_rules("default", &rules(), RULES).await.unwrap();
        let signer = Signer {
            region: aws.region.clone(),
            access_key_id: aws.access_key_id.clone(),
            secret_access_key: aws.secret_access_key.clone(),
            session_token: None,
        };
        World { granting: Granting::new(uploads, signer), wire, _storage: storage }
    }

    fn store(&self) -> &UploadStore {
        &self.granting.uploads.store
    }

    async fn grant(&self, user: u64, wanted: Wanted, now: Timestamp) -> Result<Grant, Problem> {
        self.granting.grant(&caller(user), wanted, now).await
    }

    /// An upload that was just granted.
    async fn granted(&self) -> UploadId {
        self.grant(1, document(1), noon()).await.unwrap().id
    }

    async fn state(&self, id: UploadId) -> Upload {
        self.store().get(id).await.unwrap().unwrap().upload
    }
}

fn avatar(size: u64) -> Wanted {
    Wanted {
        purpose: "avatar".to_owned(),
        name: FileName::try_from("me.png".to_owned()).unwrap(),
        media_type: "image/png".to_owned(),
        size,
        sha256: Sha256::of_digest(&[7; 32]),
    }
}

fn document(size: u64) -> Wanted {
    Wanted { purpose: "document".to_owned(), media_type: "application/pdf".to_owned(), ..avatar(size) }
}

fn version(number: usize) -> VersionId {
    VersionId::try_from(format!("v{number}")).unwrap()
}

#[tokio::test]
async fn a_grant_is_one_round_trip_and_two_write_units() {
    let world = World::new().await;
    // The most that a rule may allow: the item of the quota is as large as it gets.
    for second in 0..40 {
        let name = FileName::try_from("ت".repeat(127)).unwrap();
        world.wire.reset();
        let wanted = Wanted { name, ..document(1) };
        world.grant(1, wanted, after(second)).await.unwrap();
        let sent = world.wire.sent();
        let mut calls: Vec<_> = sent.iter().map(|sent| sent.operation.as_str()).collect();
        calls.sort_unstable();
        if second == 0 {
            assert_eq!(calls, ["GetItem", "PutItem", "UpdateItem"], "the rules are read once in a minute");
            continue;
        }
        assert_eq!(calls, ["PutItem", "UpdateItem"]);
        assert!(sent.iter().all(|sent| sent.round == 1), "{sent:?}");
        let units: f64 = sent.iter().map(|sent| sent.units).sum();
        assert!(engine::is_amazons() || units <= 2.0, "{units} write units at the {second}th");
    }
}

#[tokio::test]
async fn a_user_sends_as_many_files_and_bytes_a_day_as_the_rules_say() {
    let world = World::new().await;
    for _ in 0..2 {
        world.grant(1, avatar(10), noon()).await.unwrap();
    }
    // Five bytes are left, and one file.
    let full = world.grant(1, avatar(6), noon()).await.unwrap_err();
    assert_eq!(full, Problem::Quota(12 * 3600));
    world.grant(1, avatar(5), noon()).await.unwrap();
    assert!(matches!(world.grant(1, avatar(1), noon()).await, Err(Problem::Quota(_))));
    // Another user, another purpose and another day have places of their own.
    world.grant(2, avatar(10), noon()).await.unwrap();
    world.grant(1, document(10), noon()).await.unwrap();
    world.grant(1, avatar(10), after(12 * 3600)).await.unwrap();
}

#[tokio::test]
async fn twenty_grants_at_once_get_exactly_the_places_that_there_are() {
    let world = World::new().await;
    world.grant(1, document(1), noon()).await.unwrap();
    let all = (0..20).map(|_| world.grant(1, avatar(1), noon()));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|grant| grant.is_ok()).count(), 3, "{all:?}");
}

/// The SDK makes a call again whose answer was lost.
#[tokio::test]
async fn a_place_is_taken_once_however_often_the_call_arrives() {
    let world = World::new().await;
    for fault in [Fault::LoseAnswer, Fault::SendTwice] {
        world.wire.reset();
        world.wire.script(on("UpdateItem"), fault.clone());
        world.wire.script(on("PutItem"), fault);
        world.grant(1, avatar(1), noon()).await.unwrap();
    }
    world.wire.reset();
    world.grant(1, avatar(1), noon()).await.unwrap();
    assert!(matches!(world.grant(1, avatar(1), noon()).await, Err(Problem::Quota(_))), "two places each");
}

#[tokio::test]
async fn a_place_is_given_back_whose_form_ran_out_unused_and_its_file_is_too_late() {
    let world = World::new().await;
    let mut grants = Vec::new();
    for _ in 0..3 {
        grants.push(world.grant(1, avatar(8), noon()).await.unwrap().id);
    }
    // One of them was used.
    assert!(world.store().judge(grants[0], Judge::Malware, &version(1), Verdict::Yes, noon()).await.unwrap());
    let over = (FORM_LASTS + LATE).as_secs();
    assert!(matches!(world.grant(1, avatar(8), after(over)).await, Err(Problem::Quota(_))));
    for _ in 0..2 {
        world.grant(1, avatar(8), after(over + 1)).await.unwrap();
    }
    assert!(matches!(world.grant(1, avatar(1), after(over + 1)).await, Err(Problem::Quota(_))));
    assert_eq!(world.state(grants[0]).await.state, State::Received);
    for late in [grants[1], grants[2]] {
        assert_eq!(world.state(late).await.state, State::Expired);
        assert!(
            !world.store().judge(late, Judge::Inspection, &version(1), Verdict::Yes, noon()).await.unwrap()
        );
    }
}

#[tokio::test]
async fn rules_that_arrive_again_after_the_next_ones_do_not_come_back() {
    let (world, gate) = (World::new().await, Gate::default());
    let (lax, strict) = (RULES.replacen("10 B", "9 B", 1), RULES.replacen("10 B", "8 B", 1));
    world.wire.script(on("PutItem").with("RULES"), Fault::Late(gate.clone()));
    assert!(world.store().put_rules("default", &file::read(&lax).unwrap(), &lax).await.unwrap());
    assert!(world.store().put_rules("default", &file::read(&strict).unwrap(), &strict).await.unwrap());
    gate.let_it_arrive().await;
    assert_eq!(world.store().rules("default").await.unwrap().unwrap().1, strict);
}

/// What a purpose wants of pictures is kept with the upload: rules that change later don't change it.
#[tokio::test]
async fn an_upload_is_inspected_by_the_rule_that_it_was_granted_under() {
    let world = World::new().await;
    for (written, metadata) in [("", Metadata::Keep), ("  metadata: refuse\n", Metadata::Refuse)] {
        let rules = RULES.replacen("  up-to: 10 B\n", &format!("  up-to: 10 B\n{written}"), 1);
        world.store().put_rules("default", &file::read(&rules).unwrap(), &rules).await.unwrap();
        // Rules are kept for a minute.
        let later = noon() + SignedDuration::from_mins(if written.is_empty() { 0 } else { 2 });
        let id = world.grant(1, avatar(1), later).await.unwrap().id;
        assert_eq!(world.store().get(id).await.unwrap().unwrap().file.metadata, metadata);
    }
}

/// Ending the upload and giving its place back are two writes, and whoever makes them may stop in between.
#[tokio::test]
async fn a_place_is_given_back_also_where_somebody_stopped_halfway() {
    let world = World::new().await;
    for _ in 0..3 {
        world.grant(1, avatar(8), noon()).await.unwrap();
    }
    let over = (FORM_LASTS + LATE).as_secs() + 1;
    // No place is free; the first upload is ended; then nothing answers.
    world.wire.script(on("UpdateItem").after(2).every_call(), Fault::server_error());
    assert_eq!(world.grant(1, avatar(8), after(over)).await.unwrap_err(), Problem::Unavailable);
    world.wire.reset();
    for _ in 0..3 {
        world.grant(1, avatar(8), after(over)).await.unwrap();
    }
    assert!(
        matches!(world.grant(1, avatar(1), after(over)).await, Err(Problem::Quota(_))),
        "a place too many"
    );
}

#[tokio::test]
async fn a_grant_that_failed_takes_no_place() {
    let world = World::new().await;
    for _ in 0..4 {
        world.wire.script(on("PutItem").every_call(), Fault::server_error());
        assert_eq!(world.grant(1, avatar(8), noon()).await.unwrap_err(), Problem::Unavailable);
        world.wire.reset();
    }
    for _ in 0..3 {
        world.grant(1, avatar(8), noon()).await.unwrap();
    }
}

/// A verdict that was lost for good is no reason to wait for ever, and what a client was told is not taken back.
#[tokio::test]
async fn a_file_that_nobody_decided_about_in_a_day_is_expired_and_stays_so() {
    let world = World::new().await;
    let id = world.granted().await;
    let yes =
        async |judge, now| world.store().judge(id, judge, &version(1), Verdict::Yes, now).await.unwrap();
    assert!(yes(Judge::Malware, noon()).await);
    let last = noon() + FORM_LASTS + UNDECIDED;
    let late = last + SignedDuration::from_millis(1);
    let row = world.store().get(id).await.unwrap().unwrap();
    assert_eq!((row.state(last), row.state(late)), (State::Received, State::Expired));
    assert!(!yes(Judge::Inspection, late).await);
    assert!(yes(Judge::Inspection, last).await);
    assert!(!world.store().copied(id, &version(1), late).await.unwrap());
    assert_eq!(world.state(id).await.state, State::Received);
}

#[tokio::test]
async fn what_the_rules_do_not_allow_gets_no_form_and_takes_no_place() {
    let world = World::new().await;
    let ask = async |wanted| world.grant(1, wanted, noon()).await.unwrap_err();
    assert_eq!(
        ask(Wanted { media_type: "application/pdf".to_owned(), ..avatar(1) }).await,
        Problem::TypeRefused
    );
    assert_eq!(
        ask(Wanted { media_type: "image/svg+xml".to_owned(), ..avatar(1) }).await,
        Problem::TypeRefused
    );
    assert_eq!(ask(avatar(11)).await, Problem::TooLarge);
    assert_eq!(ask(avatar(0)).await, Problem::TooLarge);
    let unknown = Wanted { purpose: "other".to_owned(), ..avatar(1) };
    assert!(matches!(ask(unknown).await, Problem::Refused(_)));
    assert_eq!(world.wire.count("UpdateItem"), 0);
    for _ in 0..3 {
        world.grant(1, avatar(1), noon()).await.unwrap();
    }
}

#[tokio::test]
async fn without_its_table_no_form_is_given_out() {
    for operation in ["PutItem", "UpdateItem", "GetItem"] {
        let world = World::new().await;
        world.wire.script(on(operation).every_call(), Fault::server_error());
        let refused = world.grant(1, avatar(1), noon()).await.unwrap_err();
        assert_eq!(refused, Problem::Unavailable, "{operation}");
    }
}

#[derive(Debug, Clone)]
enum Event {
    Judged(Judge, usize, Verdict),
    Copied(usize),
    Passed(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let judge = prop_oneof![Just(Judge::Inspection), Just(Judge::Malware)];
    let verdict = prop_oneof![
        4 => Just(Verdict::Yes),
        1 => Just(Verdict::No(Reason::Malware)),
        1 => Just(Verdict::No(Reason::NotScanned)),
    ];
    prop_oneof![
        4 => (judge, 0..2_usize, verdict).prop_map(|(judge, version, verdict)| Event::Judged(judge, version, verdict)),
        1 => (0..2_usize).prop_map(Event::Copied),
        1 => prop_oneof![Just(60), Just(14 * 60), Just(24 * 3600)].prop_map(Event::Passed),
    ]
}

/// The conditions of the writes are those of the pure steps, whose properties are proven where they are written.
#[test]
fn verdicts_in_any_order_and_number_leave_the_item_as_the_pure_steps_do() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let mut runs = TestRunner::new(Runs { cases: 60, failure_persistence: None, ..Runs::default() });
    let user = std::cell::Cell::new(100);
    let events = prop::collection::vec(event(), 0..14);
    runs.run(&events, |events| {
        user.set(user.get() + 1);
        let id = runtime.block_on(world.grant(user.get(), document(1), noon())).unwrap().id;
        let (mut model, mut seconds) = (Upload::GRANTED, 0);
        for event in events {
            let store = world.store();
            let now = after(seconds);
            let passed = now.duration_since(noon() + FORM_LASTS);
            let (took, expected) = match event {
                Event::Judged(judge, number, verdict) => (
                    runtime.block_on(store.judge(id, judge, &version(number), verdict, now)).unwrap(),
                    model.judge(judge, &version(number), verdict, passed),
                ),
                Event::Copied(number) => (
                    runtime.block_on(store.copied(id, &version(number), now)).unwrap(),
                    model.copied(&version(number), passed),
                ),
                Event::Passed(more) => {
                    seconds += more;
                    (true, true)
                }
            };
            prop_assert_eq!(took, expected);
            prop_assert_eq!(&runtime.block_on(world.state(id)), &model);
        }
        Ok(())
    })
    .unwrap();
}

/// A try whose answer was lost took, and the one that follows finds it done.
#[tokio::test]
async fn a_verdict_that_arrives_twice_is_one() {
    let world = World::new().await;
    for fault in [Fault::LoseAnswer, Fault::SendTwice] {
        let id = world.granted().await;
        world.wire.reset();
        world.wire.script(on("UpdateItem"), fault);
        let no = Verdict::No(Reason::Malware);
        world.store().judge(id, Judge::Malware, &version(1), no, noon()).await.unwrap();
        world.store().judge(id, Judge::Malware, &version(1), Verdict::Yes, noon()).await.unwrap();
        let upload = world.state(id).await;
        assert_eq!((upload.state, upload.malware), (State::Refused, Some(no)));
    }
}

#[tokio::test]
async fn an_upload_that_nobody_granted_is_made_by_no_verdict() {
    let world = World::new().await;
    let id = UploadId::new(noon(), &[9; 10]);
    assert!(!world.store().judge(id, Judge::Inspection, &version(1), Verdict::Yes, noon()).await.unwrap());
    assert!(!world.store().copied(id, &version(1), noon()).await.unwrap());
    assert_eq!(world.store().get(id).await.unwrap(), None);
}
