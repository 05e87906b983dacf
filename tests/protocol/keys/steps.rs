//! The four steps of a rotation: repeated, interrupted, out of order, too late.

use nova_auth::app::KeyRotation;
use nova_auth::flows::rotate_keys::{Done, RotationError, Step, StepRequest, Unfit, rotate_keys};
use nova_auth::keys::KeyAlgorithm;

use super::vault::{ACCESS, Fault, REFRESH, Vault, at};

const STEPS: [Step; 4] = [Step::Create, Step::Set, Step::Test, Step::Finish];

async fn step(
    service: &KeyRotation,
    second: i64,
    secret: &str,
    version: &str,
    step: Step,
) -> Result<Done, RotationError> {
    let request = StepRequest { secret: secret.to_owned(), version: version.to_owned(), step };
    Box::pin(rotate_keys(service, at(second), &request)).await
}

/// A whole rotation at one moment.
pub(super) async fn rotate(vault: &Vault, algorithm: KeyAlgorithm, second: i64, secret: &str, version: &str) {
    let service = vault.rotation(algorithm);
    vault.begin_rotation(secret, version);
    for one in STEPS {
        step(&service, second, secret, version, one).await.unwrap();
    }
}

#[tokio::test]
async fn a_rotation_announces_a_key_an_hour_ahead_and_takes_nothing_away() {
    let vault = Vault::new();
    rotate(&vault, KeyAlgorithm::Es256, 0, ACCESS, "v2").await;
    let (version, ring) = vault.in_force(ACCESS);
    assert_eq!((version.as_str(), ring.keys().count()), ("v2", 2));
    assert_eq!(ring.signer(at(3599)).unwrap().kid, "access-1");
    let new = ring.signer(at(3600)).unwrap();
    assert_eq!((new.algorithm, new.not_before), (KeyAlgorithm::Es256, Some(at(3600))));
}

/// A JWT authorizer of an HTTP API keeps RSA keys for two hours, and what it does not know it refuses.
#[tokio::test]
async fn an_rs256_key_is_announced_for_longer_than_an_http_api_keeps_keys() {
    let vault = Vault::new();
    rotate(&vault, KeyAlgorithm::Rs256, 0, ACCESS, "v2").await;
    let ring = vault.in_force(ACCESS).1;
    assert_eq!(ring.signer(at(10_799)).unwrap().kid, "access-1");
    let new = ring.signer(at(10_800)).unwrap();
    assert_eq!((new.algorithm, new.not_before), (KeyAlgorithm::Rs256, Some(at(10_800))));
    // A rotation that Secrets Manager takes up again late.
    let service = vault.rotation(KeyAlgorithm::Rs256);
    for (begun, late, fits) in [(20_000, 2700, true), (40_000, 2701, false)] {
        let version = format!("v-{begun}");
        vault.begin_rotation(ACCESS, &version);
        step(&service, begun, ACCESS, &version, Step::Create).await.unwrap();
        let finished = step(&service, begun + late, ACCESS, &version, Step::Finish).await;
        assert_eq!(finished.is_ok(), fits, "{finished:?}");
    }
    // Nobody else keeps keys of refresh tokens.
    rotate(&vault, KeyAlgorithm::Rs256, 0, REFRESH, "r2").await;
    assert_eq!(vault.in_force(REFRESH).1.signer(at(3600)).unwrap().not_before, Some(at(3600)));
}

#[tokio::test]
async fn refresh_tokens_stay_with_hs256_whatever_is_configured() {
    let vault = Vault::new();
    rotate(&vault, KeyAlgorithm::Rs256, 0, REFRESH, "v2").await;
    assert!(vault.in_force(REFRESH).1.keys().all(|key| key.algorithm == KeyAlgorithm::Hs256));
    assert!(vault.kids(REFRESH)[1].starts_with("refresh-"));
}

#[tokio::test]
async fn an_old_key_leaves_at_the_rotation_after_its_last_token_is_dead() {
    let vault = Vault::new();
    let (hour, algorithm) = (3600, KeyAlgorithm::Hs256);
    rotate(&vault, algorithm, 0, ACCESS, "v2").await;
    // The successor signs from the first hour on; tokens, staleness, leeway and cache: 6335 seconds.
    rotate(&vault, algorithm, hour + 6334, ACCESS, "v3").await;
    assert_eq!(vault.kids(ACCESS).len(), 3);
    rotate(&vault, algorithm, hour + 6335, ACCESS, "v4").await;
    let kids = vault.kids(ACCESS);
    assert!(kids.len() == 3 && !kids.contains(&"access-1".to_owned()), "{kids:?}");
}

#[tokio::test]
async fn every_step_may_be_repeated_and_changes_nothing_the_second_time() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::EdDsa);
    vault.begin_rotation(ACCESS, "v2");
    for one in STEPS {
        let first = step(&service, 0, ACCESS, "v2", one).await.unwrap();
        let (pending, current) = (vault.staged(ACCESS, "AWSPENDING"), vault.staged(ACCESS, "AWSCURRENT"));
        for second in [1, 60, 2000] {
            let again = step(&service, second, ACCESS, "v2", one).await.unwrap();
            assert!(again == first || one != Step::Create, "{again:?}");
        }
        assert_eq!(vault.staged(ACCESS, "AWSPENDING"), pending, "{one:?}");
        assert_eq!(vault.staged(ACCESS, "AWSCURRENT"), current, "{one:?}");
    }
    // All of it once more, long after: the version is in force, and that is that.
    for one in STEPS {
        assert_eq!(step(&service, 90_000, ACCESS, "v2", one).await.unwrap(), Done::Nothing);
    }
    assert_eq!(vault.in_force(ACCESS).0, "v2");
    assert_eq!(vault.staged(ACCESS, "AWSPENDING"), None);
}

#[tokio::test]
async fn a_step_that_dies_at_any_call_leaves_a_good_ring_in_force_and_is_made_good_by_repeating_it() {
    for fault in [Fault::DieAt as fn(usize) -> Fault, Fault::DieAfter] {
        for dying in STEPS {
            let mut deaths = 0;
            for call in 0.. {
                let vault = Vault::new();
                let service = vault.rotation(KeyAlgorithm::Es256);
                vault.begin_rotation(ACCESS, "v2");
                let mut died = false;
                for one in STEPS {
                    if one == dying {
                        vault.set(fault(call));
                        died = step(&service, 0, ACCESS, "v2", one).await.is_err();
                        vault.set(Fault::None);
                        assert!(vault.in_force(ACCESS).1.signer(at(0)).is_some());
                    }
                    step(&service, 1, ACCESS, "v2", one).await.unwrap();
                }
                assert_eq!((vault.in_force(ACCESS).0.as_str(), vault.kids(ACCESS).len()), ("v2", 2));
                assert_eq!(vault.staged(ACCESS, "AWSPENDING"), None, "the next rotation is blocked");
                if !died {
                    break;
                }
                deaths += 1;
            }
            assert!(deaths > 0, "{dying:?} was never interrupted");
        }
    }
}

#[tokio::test]
async fn steps_that_come_too_early_change_nothing_and_say_which_comes_first() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    vault.begin_rotation(ACCESS, "v2");
    for one in [Step::Test, Step::Finish] {
        let error = step(&service, 0, ACCESS, "v2", one).await.unwrap_err().to_string();
        assert_eq!(error, "the version v2 has no ring yet: createSecret comes first");
    }
    assert_eq!(vault.kids(ACCESS), ["access-1"]);
    // Without its test, finishSecret tests by itself.
    step(&service, 0, ACCESS, "v2", Step::Create).await.unwrap();
    assert!(matches!(step(&service, 0, ACCESS, "v2", Step::Finish).await.unwrap(), Done::InForce(_, _)));
}

/// A deployment sets the schedule up without rotating: Secrets Manager then tries `testSecret` on a pending copy of what is
/// in force, and removes that by itself.
#[tokio::test]
async fn setting_up_the_schedule_tries_the_ring_in_force_and_changes_nothing() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    let (_, text) = vault.staged(ACCESS, "AWSCURRENT").unwrap();
    vault.begin_rotation(ACCESS, "copy");
    vault.secret(ACCESS).prepare("copy", &secrecy::SecretString::from(text)).await.unwrap();
    let tried = step(&service, 0, ACCESS, "copy", Step::Test).await.unwrap();
    assert_eq!(tried, Done::Tested("access-1".to_owned()));
    assert_eq!(vault.staged(ACCESS, "AWSPENDING").unwrap().0, "copy");
    // To put it in force would be no rotation.
    let error = step(&service, 0, ACCESS, "copy", Step::Finish).await.unwrap_err();
    assert!(error.to_string().contains("it has no new key"), "{error}");
    assert_eq!(vault.kids(ACCESS), ["access-1"]);
}

#[tokio::test]
async fn a_version_or_a_secret_that_is_not_ours_to_rotate_is_refused() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    for one in STEPS {
        let error = step(&service, 0, ACCESS, "nobody", one).await.unwrap_err();
        assert!(matches!(error, RotationError::NoVersion(_)), "{error}");
        let error = step(&service, 0, "arn:other", "v2", one).await.unwrap_err();
        assert!(matches!(error, RotationError::Unknown(_)), "{error}");
    }
}

#[tokio::test]
async fn a_rotation_that_another_one_overtook_can_not_finish() {
    let vault = Vault::new();
    let service = vault.rotation(KeyAlgorithm::Hs256);
    vault.begin_rotation(ACCESS, "v2");
    step(&service, 0, ACCESS, "v2", Step::Create).await.unwrap();
    rotate(&vault, KeyAlgorithm::Hs256, 1, ACCESS, "v3").await;
    for one in STEPS {
        let error = step(&service, 2, ACCESS, "v2", one).await.unwrap_err();
        assert!(matches!(error, RotationError::NotPending(_) | RotationError::NoVersion(_)), "{error}");
    }
    assert_eq!(vault.in_force(ACCESS).0, "v3");
}

#[tokio::test]
async fn a_rotation_that_stood_too_long_is_given_up_and_a_new_one_heals_it() {
    for late in [Step::Create, Step::Test, Step::Finish] {
        let vault = Vault::new();
        let service = vault.rotation(KeyAlgorithm::Hs256);
        vault.begin_rotation(ACCESS, "v2");
        step(&service, 0, ACCESS, "v2", Step::Create).await.unwrap();
        // 15 minutes are enough, a second less is not.
        assert!(step(&service, 45 * 60, ACCESS, "v2", Step::Test).await.is_ok());
        let error = step(&service, 45 * 60 + 1, ACCESS, "v2", late).await.unwrap_err();
        assert!(matches!(error, RotationError::GivenUp(Unfit::TooLate(_))), "{error}");
        assert_eq!((vault.staged(ACCESS, "AWSPENDING"), vault.kids(ACCESS).len()), (None, 1));
        let again = step(&service, 45 * 60 + 2, ACCESS, "v2", Step::Finish).await.unwrap_err();
        assert!(matches!(again, RotationError::NoVersion(_)), "{again}");
        rotate(&vault, KeyAlgorithm::Hs256, 45 * 60 + 3, ACCESS, "v3").await;
        assert_eq!(vault.in_force(ACCESS).0, "v3");
    }
}

#[tokio::test]
async fn a_pending_ring_that_somebody_spoilt_is_given_up() {
    for text in ["spoilt", r#"{"keys":[]}"#] {
        let vault = Vault::new();
        let service = vault.rotation(KeyAlgorithm::Hs256);
        vault.begin_rotation(ACCESS, "v2");
        vault.secret(ACCESS).prepare("v2", &secrecy::SecretString::from(text)).await.unwrap();
        let error = step(&service, 0, ACCESS, "v2", Step::Finish).await.unwrap_err();
        assert!(matches!(error, RotationError::GivenUp(Unfit::Bad(_))), "{error}");
        assert_eq!(vault.kids(ACCESS), ["access-1"]);
    }
}

#[tokio::test]
async fn two_createsecrets_at_once_make_one_ring() {
    let vault = Vault::new();
    let (one, other) = (vault.rotation(KeyAlgorithm::Hs256), vault.rotation(KeyAlgorithm::Hs256));
    vault.begin_rotation(ACCESS, "v2");
    let (first, second) =
        tokio::join!(step(&one, 0, ACCESS, "v2", Step::Create), step(&other, 0, ACCESS, "v2", Step::Create));
    assert_eq!((first.unwrap(), second.unwrap()), (Done::Prepared, Done::Prepared));
    step(&one, 0, ACCESS, "v2", Step::Finish).await.unwrap();
    assert_eq!(vault.kids(ACCESS).len(), 2);
}

#[tokio::test]
async fn the_sample_event_is_one_of_a_rotation() {
    let file = nova_test_support::workspace().join("events/rotate-keys.rotation.json");
    let event = std::fs::read_to_string(file).unwrap();
    let service = Vault::new().rotation(KeyAlgorithm::Hs256);
    let error = Box::pin(nova_auth::rotation::answer(&service, &event, at(0))).await.unwrap_err();
    assert!(error.to_string().starts_with("this function does not rotate the secret arn:aws:"), "{error}");
    let error = Box::pin(nova_auth::rotation::answer(&service, "{}", at(0))).await.unwrap_err();
    assert!(error.to_string().starts_with("the event is not one of a rotation"), "{error}");
}
