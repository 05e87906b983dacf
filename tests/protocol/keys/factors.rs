//! The ring of second factors: keys join it, and none leaves, since nobody can tell what is sealed with it.

use nova_auth::flows::add_key::{Added, add_factor_key};
use nova_auth::flows::rotate_keys::RotationError;

use super::vault::{FACTORS, Fault, Vault, at};

async fn add(vault: &Vault, second: i64) -> Result<Added, RotationError> {
    Box::pin(add_factor_key(&vault.secret(FACTORS), at(second))).await
}

#[tokio::test]
async fn a_new_key_seals_after_an_hour_and_no_key_before_it_ever_leaves() {
    let vault = Vault::new();
    let mut kids = vault.kids(FACTORS);
    for year in 0..20 {
        let second = year * 365 * 86_400;
        let added = add(&vault, second).await.unwrap();
        assert_eq!(added.begins, at(second + 3600));
        let ring = vault.in_force(FACTORS).1;
        assert_eq!(ring.signer(at(second + 3599)).map(|key| &key.kid), kids.last());
        assert_eq!(ring.signer(at(second + 3600)).unwrap().kid, added.kid);
        kids.push(added.kid);
        assert_eq!(vault.kids(FACTORS), kids);
        assert!(kids.iter().all(|kid| ring.verifier(kid, at(second + 3600)).is_some()));
        assert_eq!(vault.staged(FACTORS, "AWSPENDING"), None);
    }
}

/// An operator whose connection broke types it again.
#[tokio::test]
async fn a_key_that_waits_for_its_hour_is_not_joined_by_another() {
    let vault = Vault::new();
    let first = add(&vault, 0).await.unwrap();
    assert_eq!(add(&vault, 3599).await.unwrap(), first);
    assert_eq!(vault.kids(FACTORS).len(), 2);
    assert_ne!(add(&vault, 3600).await.unwrap(), first);
}

#[tokio::test]
async fn whatever_answer_is_lost_one_key_joins_and_nothing_is_left_pending() {
    for call in 0..7 {
        let vault = Vault::new();
        vault.set(Fault::LoseAnswer(call));
        let added = add(&vault, 0).await;
        vault.set(Fault::None);
        let again = add(&vault, 1).await.unwrap();
        if let Ok(added) = added {
            assert_eq!(again, added, "call {call}");
        }
        assert_eq!(vault.kids(FACTORS), ["factor-1", &again.kid], "call {call}");
        assert_eq!(vault.staged(FACTORS, "AWSPENDING"), None, "call {call}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_written_keeps_the_ring_that_it_has() {
    let vault = Vault::new();
    vault.set(Fault::Refuse);
    assert!(add(&vault, 0).await.is_err());
    vault.set(Fault::None);
    assert_eq!(vault.kids(FACTORS), ["factor-1"]);
}

/// Two operators at once, or a rotation beside one: the ring that came first is read again, and none is made for ever.
#[tokio::test]
async fn a_key_joins_whichever_ring_came_before_it_and_gives_up_when_one_always_does() {
    for (times, joins) in [(1, true), (2, true), (3, false)] {
        let vault = Vault::new();
        vault.set(Fault::Overtaken(times));
        let added = add(&vault, 0).await;
        vault.set(Fault::None);
        assert_eq!(added.is_ok(), joins, "{times}: {added:?}");
        assert_eq!(vault.kids(FACTORS).len(), if joins { 2 } else { 1 }, "{times}");
    }
}
