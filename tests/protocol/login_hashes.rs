//! Hashes of the old CRM: they verify, and are brought up to date once their session has begun.

use nova_auth::{
    domain::{
        password::{Password, PasswordProfile},
        refusal::Refusal,
    },
    flows::{login::login, operator::Operator},
    passwords::Hasher,
};

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    world::{ADDRESS, CHEAP, OTHER_PASSWORD, PASSWORD, Pair, World, attempt},
};

#[tokio::test]
async fn a_hash_of_the_old_crm_verifies_and_is_upgraded_by_its_login() {
    for (prefix, cost, full) in [("$2a$", 10, 12), ("$2b$", 4, 5), ("$2y$", 4, 5)] {
        let world = World::new().await;
        let mut service = world.instance();
        service.hasher = Hasher::new(full);
        let person = world.person("amal").await;
        let old = bcrypt::hash(PASSWORD, cost).unwrap().replacen("$2b$", prefix, 1);
        world.rows.set_password_hash(&person.email, &old).await;
        let attempt = attempt(&person.email, PASSWORD, ADDRESS);
        let pair = Pair::from(login(&service, &world.at(0), &attempt).await.unwrap());
        world.assert_alive(0, &pair).await;
        let upgraded = world.rows.password_hash(&person.email).await;
        assert!(upgraded.starts_with(&format!("$2b${full:02}$")), "{prefix}");
        assert!(bcrypt::verify(PASSWORD, &upgraded).unwrap());
        let again = Pair::from(login(&service, &world.at(1), &attempt).await.unwrap());
        world.assert_alive(1, &again).await;
        assert_eq!(world.rows.password_hash(&person.email).await, upgraded, "once");
    }
}

/// As an earlier version imported it: the row is spelled in another way than we do, and is found, compared and upgraded.
#[tokio::test]
async fn a_row_with_bits_that_say_nothing_logs_in_and_is_upgraded_and_changes_its_password() {
    for full in [4, 5] {
        let world = World::new().await;
        let mut service = world.instance();
        service.hasher = Hasher::new(full);
        let person = world.person("amal").await;
        let mut odd = bcrypt::hash(PASSWORD, 4).unwrap().into_bytes();
        for at in [28, 59] {
            odd[at] += 1;
        }
        let odd = String::from_utf8(odd).unwrap();
        world.rows.set_password_hash(&person.email, &odd).await;
        let attempt = attempt(&person.email, PASSWORD, ADDRESS);
        let pair = Pair::from(login(&service, &world.at(0), &attempt).await.unwrap());
        world.assert_alive(0, &pair).await;
        assert_eq!(world.rows.password_hash(&person.email).await == odd, full == 4);
        world.rows.set_password_hash(&person.email, &odd).await;
        world.change_password(&world.at(1), &pair.access).await.unwrap();
        world.login_with(&world.at(2), &person, OTHER_PASSWORD).await.unwrap();
    }
}

/// Nothing verifies against it, and it counts: at the account and at the address, in the run and in the log.
#[tokio::test]
async fn a_hash_that_cannot_be_read_is_a_wrong_password_until_an_operator_sets_another() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    world.rows.set_password_hash(&person.email, "$2b$99$canary").await;
    let refused = refusal(world.login(&world.at(1), &person).await);
    let Refusal::InvalidCredentials(quota) = refused else { panic!("{refused:?}") };
    assert_eq!(quota.remaining, 4);
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 1);
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 1);
    assert_eq!(world.rows.count_events(person.id, "authn_login_fail").await, 1);
    let changed = refusal(world.change_password(&world.at(2), &pair.access).await);
    assert!(matches!(changed, Refusal::CurrentPasswordInvalid(_)), "{changed:?}");
    assert_eq!(world.rows.password_hash(&person.email).await, "$2b$99$canary");

    let (moment, store) = (world.at(3), &world.service.store);
    let operator = Operator { store, moment: &moment, journal: world.service.journal, tells: None };
    let user = store.profile(person.id).await.unwrap().unwrap();
    let other = Password::new(OTHER_PASSWORD.to_owned());
    operator.set_password(&user, &other, &PasswordProfile::Crm.into(), Hasher::new(4)).await.unwrap();
    world.login_with(&world.at(4), &person, OTHER_PASSWORD).await.unwrap();
}

/// A password with a letter that keyboards write as one character or as two.
const COMPOSED: &str = "Correct-آمنة-9Aé";
const DECOMPOSED: &str = "Correct-ا\u{653}منة-9Ae\u{301}";

#[tokio::test]
async fn a_password_that_was_set_in_one_form_logs_in_in_every_form() {
    let world = World::new().await;
    for (name, set) in [("amal", COMPOSED), ("badr", DECOMPOSED)] {
        let person = world.person(name).await;
        let hash = world.service.hasher.hash(&Password::new(set.to_owned())).await.unwrap();
        world.rows.set_password_hash(&person.email, hash.as_str()).await;
        for typed in [COMPOSED, DECOMPOSED] {
            let moment = world.at(0);
            login(&world.service, &moment, &attempt(&person.email, typed, ADDRESS)).await.unwrap();
            assert_eq!(world.rows.password_hash(&person.email).await, hash.as_str(), "nothing was due");
        }
    }
}

#[tokio::test]
async fn a_hash_of_another_form_than_the_normal_one_verifies_and_is_upgraded_by_its_login() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.rows.set_password_hash(&person.email, &bcrypt::hash(DECOMPOSED, CHEAP).unwrap()).await;
    let as_before = attempt(&person.email, DECOMPOSED, ADDRESS);
    let pair = Pair::from(login(&world.service, &world.at(0), &as_before).await.unwrap());
    world.assert_alive(0, &pair).await;
    let upgraded = world.rows.password_hash(&person.email).await;
    assert!(bcrypt::verify(COMPOSED, &upgraded).unwrap());
    for typed in [COMPOSED, DECOMPOSED] {
        let again = attempt(&person.email, typed, ADDRESS);
        world.assert_alive(1, &login(&world.service, &world.at(1), &again).await.unwrap().into()).await;
        assert_eq!(world.rows.password_hash(&person.email).await, upgraded, "once");
    }
}

#[tokio::test]
async fn the_current_password_is_asked_for_in_any_form_and_the_new_one_is_kept_in_the_normal_one() {
    let world = World::new().await;
    let person = world.person("amal").await;
    world.rows.set_password_hash(&person.email, &bcrypt::hash(DECOMPOSED, CHEAP).unwrap()).await;
    let pair = login(&world.service, &world.at(0), &attempt(&person.email, DECOMPOSED, ADDRESS)).await;
    let pair = Pair::from(pair.unwrap());
    let new = "Another-e\u{301}-9A";
    world.change_password_to(&world.at(1), &pair.access, COMPOSED, new).await.unwrap();
    assert!(bcrypt::verify("Another-é-9A", &world.rows.password_hash(&person.email).await).unwrap());
}

#[tokio::test]
async fn no_hash_is_upgraded_without_its_session() {
    let world = World::new().await;
    let mut service = world.instance();
    service.hasher = Hasher::new(5);
    let person = world.person("amal").await;
    let old = world.rows.password_hash(&person.email).await;
    world.wire.script(on("PutItem").with("SESSION#").every_try(), Fault::throttled());
    let attempt_right = attempt(&person.email, PASSWORD, ADDRESS);
    assert_passing(login(&service, &world.at(0), &attempt_right).await);
    assert_eq!(world.rows.password_hash(&person.email).await, old);
    assert!(world.rows.sessions(person.id).await.is_empty());
    let wrong = login(&service, &world.at(1), &attempt(&person.email, "Wrong-horse-9!", ADDRESS)).await;
    assert!(matches!(refusal(wrong), Refusal::InvalidCredentials(_)));
    assert_eq!(world.rows.password_hash(&person.email).await, old);
}

/// Two first logins of one user after the move from the old CRM: the second finds the hash changed under it.
#[tokio::test]
async fn two_first_logins_at_once_both_succeed() {
    let world = World::new().await;
    let mut service = world.instance();
    service.hasher = Hasher::new(5);
    let person = world.person("amal").await;
    let attempt = attempt(&person.email, PASSWORD, ADDRESS);
    let (one, two) = (world.at(0), world.at(0));
    let (one, two) = tokio::join!(login(&service, &one, &attempt), login(&service, &two, &attempt));
    for pair in [one.unwrap(), two.unwrap()] {
        world.assert_alive(0, &pair.into()).await;
    }
    assert_eq!(world.rows.sessions(person.id).await.len(), 2);
}

/// The upgraded hash is one of the password that was verified: put over a newer one, it would bring the old password
/// back.
#[tokio::test]
async fn an_upgrade_does_not_bring_a_password_back_that_was_changed_meanwhile() {
    let world = World::new().await;
    let mut service = world.instance();
    service.hasher = Hasher::new(5);
    let person = world.person("amal").await;
    let newer = bcrypt::hash(OTHER_PASSWORD, 5).unwrap();
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with(":upgraded"), Fault::Hold(gate.clone()));
    let (moment, attempt) = (world.at(0), attempt(&person.email, PASSWORD, ADDRESS));
    let (begun, ()) = tokio::join!(login(&service, &moment, &attempt), async {
        gate.arrival().await;
        world.rows.set_password_hash(&person.email, &newer).await;
        gate.open();
    });
    begun.unwrap();
    assert_eq!(world.rows.password_hash(&person.email).await, newer);
}
