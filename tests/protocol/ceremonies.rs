//! Challenges of passkeys are answered once and in time, and a counter is held against the one that was read.

use std::sync::Arc;

use futures_util::future::join_all;
use nova_auth::{
    domain::moment::Moment,
    store::{CEREMONY_LASTS, Ceremony, CeremonyKind, StoreError},
    webauthn::{Asserted, Challenge, StoredPasskey},
};
use serde_json::json;

use super::{
    faults::{Fault, Gate, on},
    mailbox::named,
    rows::{IDENTITY, number, text},
    world::{World, time},
};

fn challenge() -> Challenge {
    Challenge::from_bytes([7; 32])
}

fn ceremony(kind: CeremonyKind) -> Ceremony {
    Ceremony { kind, user_id: None, session_id: None, ends: time(0) + CEREMONY_LASTS }
}

/// A world in which a challenge for a login was given out.
async fn begun() -> Arc<World> {
    let world = World::new().await;
    world.service.store.begin_ceremony(&challenge(), &ceremony(CeremonyKind::Login)).await.unwrap();
    world
}

async fn take(world: &World, moment: &Moment) -> Option<Ceremony> {
    world.service.store.take_ceremony(&challenge(), CeremonyKind::Login, moment).await.unwrap()
}

#[tokio::test]
async fn of_fifty_answers_to_a_challenge_one_counts() {
    let world = begun().await;
    let taken = join_all((0..50).map(|_| {
        let moment = world.at(1);
        let world = &world;
        async move { take(world, &moment).await.is_some() }
    }))
    .await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
}

#[tokio::test]
async fn what_a_challenge_was_given_out_for_comes_back_with_it() {
    let world = World::new().await;
    let (person, _) = world.logged_in().await;
    let session = text(&world.rows.session(person.id).await, "sessionId").parse().unwrap();
    let begun =
        Ceremony { user_id: Some(person.id), session_id: Some(session), ..ceremony(CeremonyKind::Register) };
    let store = &world.service.store;
    store.begin_ceremony(&challenge(), &begun).await.unwrap();
    let taken = store.take_ceremony(&challenge(), CeremonyKind::Register, &world.at(1)).await.unwrap();
    assert_eq!(taken, Some(begun));
}

#[tokio::test]
async fn an_answer_that_comes_too_late_or_to_no_challenge_of_ours_counts_for_nothing() {
    let world = begun().await;
    let store = &world.service.store;
    let another = Challenge::from_bytes([8; 32]);
    assert_eq!(store.take_ceremony(&another, CeremonyKind::Login, &world.at(1)).await.unwrap(), None);
    // The row is still there: the table forgets it when it pleases.
    assert_eq!(take(&world, &world.at(300)).await, None);
    assert!(take(&world, &world.at(299)).await.is_some());
}

#[tokio::test]
async fn a_challenge_for_something_else_is_none_and_is_not_used_up() {
    let world = begun().await;
    for kind in [CeremonyKind::Register, CeremonyKind::StepUp] {
        assert_eq!(world.service.store.take_ceremony(&challenge(), kind, &world.at(1)).await.unwrap(), None);
    }
    assert!(take(&world, &world.at(2)).await.is_some());
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_has_its_challenge_and_the_next_request_has_not() {
    let world = begun().await;
    world.wire.script(on("UpdateItem"), Fault::LoseAnswer);
    let moment = named(1, "the first");
    assert!(take(&world, &moment).await.is_some());
    assert!(take(&world, &moment).await.is_some(), "the SDK's next try");
    assert_eq!(take(&world, &named(2, "the second")).await, None);
}

/// The first try of giving it out arrives after it was answered.
#[tokio::test]
async fn an_answered_challenge_does_not_come_back() {
    let world = World::new().await;
    let gate = Gate::default();
    world.wire.script(on("PutItem"), Fault::Late(gate.clone()));
    world.service.store.begin_ceremony(&challenge(), &ceremony(CeremonyKind::Login)).await.unwrap();
    assert!(take(&world, &world.at(1)).await.is_some());
    gate.let_it_arrive().await;
    assert_eq!(take(&world, &world.at(2)).await, None);
}

#[tokio::test]
async fn a_challenge_is_not_given_out_that_could_not_be_written_down() {
    let world = World::new().await;
    world.wire.script(on("PutItem").every_try(), Fault::throttled());
    let begun = world.service.store.begin_ceremony(&challenge(), &ceremony(CeremonyKind::Login)).await;
    assert!(matches!(begun, Err(StoreError::Unavailable { .. })), "{begun:?}");
}

const KEY: &str = "pAEBAycgBiFYIETgbd0zHDao3GZ7q1K8rmNIbJFqpeM55qzrqoSTS_gy";
const ID: &str = "zp-EDtlllZWAzRQPvHuzIwY_UPYQQa_zMwiuccqoor0";

/// A user's passkey, used so often.
async fn passkey(world: &World, count: u32) -> (nova_auth::domain::ids::UserId, StoredPasskey) {
    let person = world.person("amal").await;
    let members = json!({
        "credentialId": ID, "publicKey": KEY, "alg": "EdDSA", "signCount": count, "backupEligible": true, "backedUp": true,
        "aaguid": "00000000-0000-0000-0000-000000000000", "name": "Phone", "createdAt": time(0).to_string(),
    });
    let row: StoredPasskey = serde_json::from_value(members.clone()).unwrap();
    let sk = format!("PASSKEY#{}", row.credential_id.digest());
    world.rows.put(IDENTITY, &format!("FACTOR#{}", person.id), &sk, &members).await;
    world.rows.put(IDENTITY, &sk, "OWNER", &json!({ "userId": person.id })).await;
    (person.id, row)
}

const fn counted(sign_count: u32) -> Asserted {
    Asserted { sign_count, backed_up: false }
}

#[tokio::test]
async fn a_passkey_is_found_by_its_owner_and_its_owner_by_it() {
    let world = World::new().await;
    let (user, row) = passkey(&world, 1).await;
    let store = &world.service.store;
    assert_eq!(store.passkey_owner(&row.credential_id).await.unwrap(), Some(user));
    assert_eq!(store.passkey(user, &row.credential_id).await.unwrap(), Some(row.clone()));
    assert_eq!(store.factors(user).await.unwrap().passkeys, std::slice::from_ref(&row));
    let other = nova_auth::webauthn::CredentialId::new(&[1; 32]).unwrap();
    assert_eq!(store.passkey_owner(&other).await.unwrap(), None);
    assert_eq!(store.passkey(user, &other).await.unwrap(), None);
    let stranger = world.person("badr").await;
    assert_eq!(store.passkey(stranger.id, &row.credential_id).await.unwrap(), None);
    assert!(store.factors(stranger.id).await.unwrap().passkeys.is_empty());
}

/// Two that were held against the same counter: one of them is a copy.
#[tokio::test]
async fn of_fifty_uses_against_one_counter_one_counts() {
    let world = World::new().await;
    let (user, row) = passkey(&world, 1).await;
    let used = join_all((0..50).map(|_| {
        let (world, row, moment) = (&world, &row, world.at(60));
        async move { world.service.store.use_passkey(user, row, &counted(2), &moment).await.unwrap() }
    }))
    .await;
    assert_eq!(used.iter().filter(|used| **used).count(), 1);
    let after = world.service.store.passkey(user, &row.credential_id).await.unwrap().unwrap();
    assert_eq!((after.sign_count, after.backed_up, after.last_used_at), (2, false, Some(time(60))));
}

/// Those that are shared between devices count nothing: two of them at once are two people's good right.
#[tokio::test]
async fn a_passkey_that_does_not_count_is_used_as_often_as_its_owner_likes() {
    let world = World::new().await;
    let (user, row) = passkey(&world, 0).await;
    for second in [5, 3] {
        assert!(world.service.store.use_passkey(user, &row, &counted(0), &world.at(second)).await.unwrap());
    }
}

#[tokio::test]
async fn a_use_whose_answer_was_lost_is_known_again_and_one_that_comes_late_changes_nothing() {
    let world = World::new().await;
    let (user, row) = passkey(&world, 1).await;
    let store = &world.service.store;
    world.wire.script(on("UpdateItem"), Fault::LoseAnswer);
    assert!(store.use_passkey(user, &row, &counted(2), &named(1, "the first")).await.unwrap());

    let gate = Gate::default();
    let second = store.passkey(user, &row.credential_id).await.unwrap().unwrap();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    assert!(store.use_passkey(user, &second, &counted(3), &named(2, "the second")).await.unwrap());
    let third = store.passkey(user, &row.credential_id).await.unwrap().unwrap();
    assert!(store.use_passkey(user, &third, &counted(4), &named(3, "the third")).await.unwrap());
    gate.let_it_arrive().await;
    let row = store.passkey(user, &row.credential_id).await.unwrap().unwrap();
    assert_eq!(row.sign_count, 4);
}

#[tokio::test]
async fn a_use_of_a_passkey_that_was_removed_brings_nothing_back() {
    let world = World::new().await;
    let (user, row) = passkey(&world, 0).await;
    let (pk, sk) = (format!("FACTOR#{user}"), format!("PASSKEY#{}", row.credential_id.digest()));
    world.rows.delete(IDENTITY, &pk, &sk).await;
    assert!(!world.service.store.use_passkey(user, &row, &counted(0), &world.at(1)).await.unwrap());
    assert!(world.rows.get(IDENTITY, &pk, &sk).await.is_none());
}

/// The clock of another instance is ahead.
#[tokio::test]
async fn the_last_use_does_not_go_back() {
    let world = World::new().await;
    let (user, row) = passkey(&world, 1).await;
    let store = &world.service.store;
    assert!(store.use_passkey(user, &row, &counted(2), &world.at(60)).await.unwrap());
    let read = store.passkey(user, &row.credential_id).await.unwrap().unwrap();
    assert!(store.use_passkey(user, &read, &counted(3), &world.at(59)).await.unwrap());
    let read = store.passkey(user, &row.credential_id).await.unwrap().unwrap();
    assert_eq!(read.last_used_at, Some(time(60)));
    let sk = format!("PASSKEY#{}", row.credential_id.digest());
    assert_eq!(
        number(&world.rows.get(IDENTITY, &format!("FACTOR#{user}"), &sk).await.unwrap(), "signCount"),
        3
    );
}
