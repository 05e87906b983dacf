//! Passwords that were leaked elsewhere: nobody sets one, whoever has one is advised, and the list is no reason to let nobody in.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use nova_auth::{
    domain::{
        breached::{Fingerprint, Fuse, Manifest, Shard},
        email::Email,
        mail::MailKind,
        password::Password,
        refusal::{Fault as Wrong, FieldFault, Refusal},
    },
    flows::{
        FlowError,
        login::{Login, LoginAttempt, login},
        register::{admit, register},
    },
    store::BreachedList,
};
use xorf::BinaryFuse16;

use super::{
    answers::refusal,
    faults::{Fault, on},
    login_attempts::guess,
    mailbox::{forgets, reads_of, reset},
    register::applicant,
    rows::s,
    second_factors::Enrolled,
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, Person, World, attempt, time},
};

const TABLE: &str = "BreachedTable";
const LEAKED: &str = "Leaked-phrase-7!";

async fn world(mode: &str) -> Arc<World> {
    let world = World::with(&settings(mode)).await;
    make_table(&world).await;
    world
}

fn settings(mode: &str) -> [(&str, &str); 3] {
    [("BREACHED_PASSWORDS", mode), ("BREACHED_TABLE", TABLE), ("REGISTRATION", "open")]
}

/// Only some stacks have it.
async fn make_table(world: &World) {
    let mut table =
        world.rows.client().create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let of = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        table = table.attribute_definitions(of.build().unwrap()).key_schema(key.build().unwrap());
    }
    table.send().await.unwrap();
}

fn list(world: &World) -> BreachedList {
    BreachedList::new(world.rows.client().clone(), TABLE.to_owned())
}

/// Puts a list of these, as far as somebody looks one of the two kinds up.
async fn put(world: &World, leaked: &[&str], others: &[&str]) {
    let mut shards: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
    for (password, is_leaked) in leaked.iter().map(|p| (p, true)).chain(others.iter().map(|p| (p, false))) {
        for fingerprint in Password::new((*password).to_owned()).fingerprints() {
            let keys = shards.entry(fingerprint.shard()).or_default();
            keys.extend(is_leaked.then_some(fingerprint.key()));
        }
    }
    let shards: Vec<_> = shards.iter().map(|(number, keys)| shard(*number, keys)).collect();
    list(world).put(&shards).await.unwrap();
}

fn shard(number: u16, keys: &[u64]) -> Shard<'static> {
    if keys.is_empty() {
        return Shard::empty(number);
    }
    let filter = BinaryFuse16::try_from(keys).unwrap();
    let fuse = Fuse {
        seed: filter.descriptor.seed,
        segment_length: filter.descriptor.segment_length,
        segment_count_length: filter.descriptor.segment_count_length,
        fingerprints: &filter.fingerprints,
    };
    Shard::new(number, u32::try_from(keys.len()).unwrap(), fuse).unwrap()
}

/// A world with a list that has [`LEAKED`], and neither of the passwords that the tests set.
async fn with_list(mode: &str) -> Arc<World> {
    let world = world(mode).await;
    put(&world, &[LEAKED], &[PASSWORD, OTHER_PASSWORD]).await;
    world
}

fn faults(field: &'static str, faults: &[Wrong]) -> Refusal {
    Refusal::Invalid(faults.iter().map(|fault| FieldFault { field, fault: *fault }).collect())
}

async fn changes(world: &World, second: i64, person: &Person, new: &str) -> Result<(), FlowError> {
    let pair = world.login(&world.at(second), person).await.unwrap();
    world.change_password_to(&world.at(second + 1), &pair.access, PASSWORD, new).await
}

async fn registers(world: &World, second: i64, password: &str) -> Result<(), FlowError> {
    let email = format!("new-{second}@example.com");
    admit(&world.service).unwrap();
    register(&world.service, &world.at(second), applicant(&email, password, ADDRESS)).await.map(drop)
}

async fn logs_in(world: &World, second: i64, email: &Email, password: &str) -> Result<bool, FlowError> {
    let attempt = LoginAttempt { ..attempt(email, password, "203.0.113.200") };
    let begun = login(&world.service, &world.at(second), &attempt).await?;
    Ok(begun.begun().unwrap().password_change_advised)
}

/// What is asked of the list.
fn look_ups(world: &World) -> usize {
    let of_the_list = |sent: &&super::sent::Sent| sent.body["TableName"] == TABLE;
    world.wire.sent().iter().filter(of_the_list).count()
}

#[tokio::test]
async fn a_password_that_was_leaked_elsewhere_is_set_nowhere() {
    let world = with_list("required").await;
    let amal = world.person("amal").await;
    let leaked = [Wrong::PasswordBreached];
    assert_eq!(refusal(changes(&world, 0, &amal, LEAKED).await), faults("newPassword", &leaked));
    assert_eq!(refusal(registers(&world, 2, LEAKED).await), faults("password", &leaked));
    forgets(&world, 3, &amal.email).await.unwrap();
    let read = reads_of(&world, 4, &amal.email, MailKind::Reset).await;
    assert_eq!(refusal(reset(&world, 5, read.link(), LEAKED).await), faults("newPassword", &leaked));
    // The link is not used up by that.
    reset(&world, 6, read.link(), OTHER_PASSWORD).await.unwrap();
    registers(&world, 7, OTHER_PASSWORD).await.unwrap();
    put(&world, &["short"], &[]).await;
    let wrong = [
        Wrong::PasswordTooShort(8),
        Wrong::PasswordNeedsMixedCase,
        Wrong::PasswordNeedsDigit,
        Wrong::PasswordNeedsSymbol,
        Wrong::PasswordBreached,
    ];
    assert_eq!(refusal(registers(&world, 8, "short").await), faults("password", &wrong));
}

/// Leaked a year ago is no reason to be locked out today.
#[tokio::test]
async fn whoever_logs_in_with_a_leaked_password_is_let_in_and_advised_to_set_another() {
    let world = world("best-effort").await;
    put(&world, &[PASSWORD], &["Wrong-horse-9!"]).await;
    let amal = world.person("amal").await;
    assert!(logs_in(&world, 0, &amal.email, PASSWORD).await.unwrap());
    put(&world, &[], &[PASSWORD]).await;
    assert!(!logs_in(&world, 1, &amal.email, PASSWORD).await.unwrap());
}

#[tokio::test]
async fn the_advice_outlives_the_second_step() {
    for is_leaked in [true, false] {
        let enrolled = Enrolled::with(&settings("best-effort")).await;
        let world = &enrolled.world;
        make_table(world).await;
        let (leaked, others): (&[&str], &[&str]) =
            if is_leaked { (&[PASSWORD], &[]) } else { (&[], &[PASSWORD]) };
        put(world, leaked, others).await;
        let Login::SecondStep(step) = enrolled.first_step(60).await.unwrap() else {
            panic!("no second step")
        };
        let attempt = super::second_factors::attempting(&step.token, enrolled.code(60));
        let second_step = nova_auth::flows::second_step::second_step;
        let begun = second_step(&enrolled.service, &world.at(60), &attempt).await.unwrap();
        assert_eq!(begun.password_change_advised, is_leaked);
    }
}

/// A look-up that only right passwords cause would tell them apart.
#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_cost_the_same_look_up_as_a_right_one() {
    let world = with_list("best-effort").await;
    put(&world, &[], &["Wrong-horse-9!"]).await;
    let amal = world.person("amal").await;
    let nobody = Email::parse("nobody@example.com").unwrap();
    for (email, password) in [(&amal.email, PASSWORD), (&amal.email, "Wrong-horse-9!"), (&nobody, PASSWORD)] {
        world.wire.reset();
        drop(logs_in(&world, 0, email, password).await);
        assert_eq!(look_ups(&world), 1, "{password}");
    }
}

/// A login is not to wait for advice: a busy table, a row that is damaged, and a list that nobody has put.
#[tokio::test]
async fn a_login_goes_on_without_the_list() {
    let look_up = || on("GetItem").with(TABLE).every_call().every_try();
    for fault in [Fault::throttled(), Fault::LoseAnswer] {
        let world = with_list("required").await;
        let amal = world.person("amal").await;
        world.wire.script(look_up(), fault);
        assert!(!logs_in(&world, 0, &amal.email, PASSWORD).await.unwrap());
    }
    let world = world("required").await;
    let amal = world.person("amal").await;
    assert!(!logs_in(&world, 0, &amal.email, PASSWORD).await.unwrap());
}

#[tokio::test]
async fn where_the_list_is_required_no_password_is_set_without_it_and_where_not_it_is() {
    for mode in ["required", "best-effort"] {
        let world = world(mode).await;
        let amal = world.person("amal").await;
        let pair = world.login(&world.at(0), &amal).await.unwrap();
        let change = async |second| {
            world.change_password_to(&world.at(second), &pair.access, PASSWORD, OTHER_PASSWORD).await
        };
        if mode == "best-effort" {
            change(1).await.unwrap();
            continue;
        }
        // Nobody has put it; then a row is of another shard, and another is cut.
        let Err(error) = change(1).await else { panic!("a password was set") };
        assert!(error.is_passing(), "{error:?}");
        let of = Fingerprint::of(OTHER_PASSWORD).shard();
        let pk = format!("BREACHED#{of:04x}");
        for bytes in [Shard::empty(of ^ 1).to_bytes(68).unwrap(), vec![0; 67], Vec::new()] {
            let members = serde_json::json!({});
            world.rows.put(TABLE, &pk, "SHARD", &members).await;
            let blob = aws_sdk_dynamodb::types::AttributeValue::B(bytes.into());
            world.rows.set(TABLE, &pk, "SHARD", "fuse", blob).await;
            assert!(change(2).await.is_err_and(|error| error.is_passing()));
        }
        world.rows.set(TABLE, &pk, "SHARD", "fuse", s("no bytes")).await;
        assert!(change(3).await.is_err());
        // Nothing was changed, and nobody is locked out.
        world.login(&world.at(4), &amal).await.unwrap();
        put(&world, &[], &[OTHER_PASSWORD]).await;
        change(5).await.unwrap();
    }
}

/// Five tries in vain would lock an honest user out.
#[tokio::test]
async fn a_leaked_password_that_somebody_wants_to_set_is_no_guess() {
    let world = with_list("required").await;
    let amal = world.person("amal").await;
    for second in 0..6 {
        let refused = refusal(changes(&world, second * 2, &amal, LEAKED).await);
        assert_eq!(refused, faults("newPassword", &[Wrong::PasswordBreached]));
    }
    assert!(world.rows.account_entries(&amal.email).await.is_empty());
    guess(&world, &amal, 100, 1).await;
}

/// A code has five tries, and is typed on another device than the link is opened on.
#[tokio::test]
async fn a_leaked_password_and_a_list_that_is_out_of_reach_use_up_no_try_of_a_code() {
    let world = with_list("required").await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads_of(&world, 1, &amal.email, MailKind::Reset).await;
    for second in 2..8 {
        let leaked = reset(&world, second, read.code(&amal.email), LEAKED).await;
        assert_eq!(refusal(leaked), faults("newPassword", &[Wrong::PasswordBreached]));
        let unknown = reset(&world, second, read.code(&amal.email), "Not-put-there-1!").await;
        assert!(unknown.is_err_and(|error| error.is_passing()));
    }
    reset(&world, 9, read.code(&amal.email), OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn what_list_there_is_is_known_when_all_of_it_was_put() {
    let world = world("required").await;
    let list = list(&world);
    assert_eq!(list.loaded().await.unwrap(), None);
    put(&world, &[LEAKED], &[]).await;
    assert_eq!(list.loaded().await.unwrap(), None);
    list.finish(&Manifest::new(100, 7, 3).unwrap(), time(0)).await.unwrap();
    let loaded = list.loaded().await.unwrap().unwrap();
    assert_eq!((loaded.entries, loaded.at_least), (7, 3));
}
