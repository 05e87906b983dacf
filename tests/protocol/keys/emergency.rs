//! A key that somebody else has: it leaves at once.

use nova_auth::flows::drop_keys::{DropError, drop_keys};
use nova_auth::flows::rotate_keys::{RotationError, Step, StepRequest, rotate_keys};
use nova_auth::keys::{KeyAlgorithm, TokenKind};

use super::steps::rotate;
use super::vault::{ACCESS, Fault, Vault, at};

async fn drop_from(vault: &Vault, kids: &[&str], second: i64) -> Result<Option<String>, DropError> {
    let kids: Vec<_> = kids.iter().map(|kid| (*kid).to_owned()).collect();
    let secret = vault.secret(ACCESS);
    let done = Box::pin(drop_keys(&secret, TokenKind::Access, &kids, KeyAlgorithm::Es256, at(second))).await;
    done.map(|done| done.new_key)
}

#[tokio::test]
async fn the_key_that_signs_is_replaced_at_once() {
    let vault = Vault::new();
    let new = drop_from(&vault, &["access-1"], 0).await.unwrap().unwrap();
    assert_eq!(vault.kids(ACCESS), std::slice::from_ref(&new));
    assert_eq!(vault.in_force(ACCESS).1.signer(at(0)).unwrap().kid, new);
}

#[tokio::test]
async fn a_key_that_only_verifies_or_does_not_sign_yet_leaves_alone() {
    let vault = Vault::new();
    rotate(&vault, KeyAlgorithm::Hs256, 0, ACCESS, "v2").await;
    let future = vault.kids(ACCESS)[1].clone();
    assert_eq!(drop_from(&vault, &[&future], 1).await.unwrap(), None);
    assert_eq!(vault.kids(ACCESS), ["access-1"]);

    rotate(&vault, KeyAlgorithm::Hs256, 10, ACCESS, "v3").await;
    let signer = vault.kids(ACCESS)[1].clone();
    assert_eq!(drop_from(&vault, &["access-1"], 3700).await.unwrap(), None);
    assert_eq!(vault.kids(ACCESS), std::slice::from_ref(&signer));
}

/// The key before it could sign as well; but it was about to leave, and announced keys are known only for an hour.
#[tokio::test]
async fn in_the_place_of_the_key_that_signs_comes_a_new_one_though_an_old_one_is_left() {
    let vault = Vault::new();
    rotate(&vault, KeyAlgorithm::Hs256, 0, ACCESS, "v2").await;
    let signer = vault.kids(ACCESS)[1].clone();
    let new = drop_from(&vault, &[&signer], 3700).await.unwrap().unwrap();
    assert_eq!(vault.kids(ACCESS), ["access-1", &new]);
    assert_eq!(vault.in_force(ACCESS).1.signer(at(3700)).unwrap().kid, new);
}

#[tokio::test]
async fn a_name_that_no_key_has_changes_nothing() {
    let vault = Vault::new();
    let error = drop_from(&vault, &["access-1", "acess-1"], 0).await.unwrap_err();
    assert_eq!(error.to_string(), "the ring has no key acess-1");
    assert_eq!(vault.kids(ACCESS), ["access-1"]);
}

#[tokio::test]
async fn a_rotation_under_way_does_not_bring_the_dropped_key_back() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    vault.begin_rotation(ACCESS, "v2");
    let step = |step| StepRequest { secret: ACCESS.to_owned(), version: "v2".to_owned(), step };
    Box::pin(rotate_keys(&service, at(0), &step(Step::Create))).await.unwrap();
    let new = drop_from(&vault, &["access-1"], 1).await.unwrap().unwrap();
    let error = Box::pin(rotate_keys(&service, at(2), &step(Step::Finish))).await.unwrap_err();
    assert!(matches!(error, RotationError::NotPending(_) | RotationError::NoVersion(_)), "{error}");
    assert_eq!(vault.kids(ACCESS), [new]);
    // Nothing is in the way of the next one.
    rotate(&vault, KeyAlgorithm::Hs256, 3, ACCESS, "v3").await;
}

/// Its new key was made from a ring with the bad one in it, but is not bad itself.
#[tokio::test]
async fn a_rotation_that_ends_at_that_very_moment_keeps_its_new_key_and_not_the_dropped_one() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    vault.begin_rotation(ACCESS, "v2");
    let create = StepRequest { secret: ACCESS.to_owned(), version: "v2".to_owned(), step: Step::Create };
    Box::pin(rotate_keys(&service, at(0), &create)).await.unwrap();
    vault.set(Fault::Overtaken(1));
    let new = drop_from(&vault, &["access-1"], 1).await.unwrap().unwrap();
    let kids = vault.kids(ACCESS);
    assert!(kids.len() == 2 && kids[1] == new && kids[0] != "access-1", "{kids:?}");
    assert_eq!(vault.in_force(ACCESS).1.signer(at(1)).unwrap().kid, new);
    assert_eq!(vault.staged(ACCESS, "AWSPENDING"), None);
}

#[tokio::test]
async fn who_is_overtaken_every_time_says_so_and_leaves_nothing_pending() {
    let vault = Vault::new();
    vault.set(Fault::Overtaken(3));
    let error = drop_from(&vault, &["access-1"], 0).await.unwrap_err();
    assert_eq!(error.to_string(), "UpdateSecretVersionStage failed (InvalidParameterException)");
    assert_eq!(vault.kids(ACCESS), ["access-1"]);
    assert_eq!(vault.staged(ACCESS, "AWSPENDING"), None);
    vault.set(Fault::Overtaken(2));
    drop_from(&vault, &["access-1"], 1).await.unwrap().unwrap();
}

/// An operator who is told that nothing was done, while everybody is being logged out, does it again. And what fails may
/// leave nothing pending: Secrets Manager would take that for a rotation under way.
#[tokio::test]
async fn an_emergency_that_took_is_not_called_failed_though_an_answer_was_lost() {
    let mut took = 0;
    for call in 0..6 {
        let vault = Vault::new();
        vault.set(Fault::LoseAnswer(call));
        let dropped = drop_from(&vault, &["access-1"], 0).await;
        match dropped {
            Ok(new) => assert_eq!(vault.kids(ACCESS), [new.unwrap()], "call {call}"),
            Err(error) => assert_eq!(vault.kids(ACCESS), ["access-1"], "call {call}: {error}"),
        }
        took += usize::from(vault.kids(ACCESS) != ["access-1"]);
        assert_eq!(vault.staged(ACCESS, "AWSPENDING"), None, "call {call}");
    }
    // The two that move stages, and no answer lost at all.
    assert_eq!(took, 3);
}

/// Also when it pends again, by somebody who moved the stage back by hand.
#[tokio::test]
async fn a_ring_that_was_made_before_the_emergency_is_given_up_when_it_is_compared() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    vault.begin_rotation(ACCESS, "v2");
    let step = |step| StepRequest { secret: ACCESS.to_owned(), version: "v2".to_owned(), step };
    Box::pin(rotate_keys(&service, at(0), &step(Step::Create))).await.unwrap();
    let new = drop_from(&vault, &["access-1"], 1).await.unwrap().unwrap();
    vault.begin_rotation(ACCESS, "v2");
    let error = Box::pin(rotate_keys(&service, at(2), &step(Step::Finish))).await.unwrap_err();
    assert!(
        error.to_string().contains("it has the key access-1, which the ring in force does not have"),
        "{error}"
    );
    assert_eq!(vault.kids(ACCESS), [new]);
}

#[tokio::test]
async fn an_emergency_that_dies_at_any_call_is_repeated_and_never_half_done() {
    for call in 0.. {
        let vault = Vault::new();
        vault.set(Fault::DieAt(call));
        let died = drop_from(&vault, &["access-1"], 0).await.is_err();
        vault.set(Fault::None);
        if !died {
            break;
        }
        // Either nothing happened, or all of it but the last call, which only tidies up.
        if vault.kids(ACCESS) == ["access-1"] {
            drop_from(&vault, &["access-1"], 1).await.unwrap();
        }
        assert_eq!(vault.kids(ACCESS).len(), 1);
        assert!(!vault.kids(ACCESS).contains(&"access-1".to_owned()));
    }
}
