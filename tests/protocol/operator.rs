//! What an operator's commands do to the rows, without the command: in force on the next decision, and said when there
//! was nobody to do it to.

use std::time::Duration;

use nova_auth::{
    domain::{
        email::Email,
        ids::UserId,
        moment::Moment,
        name::PersonName,
        password::{Password, PasswordHash, PasswordProfile},
        refusal::{Fault as FieldFault, Refusal},
        user::{Profile, Role, Status},
        user_record::UserRecord,
    },
    flows::{
        login::login,
        operator::{Edit, Edited, Imported, Operator, Patience, moved_before},
        revoke_all::revoke_all,
        set_status::set_status,
    },
    passwords::Hasher,
    store::AccessChange,
};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, Gate, on},
    mailbox::{reads, reset},
    rows::{IDENTITY, SESSIONS, number, s, text},
    world::{ADDRESS, CHEAP, OTHER_PASSWORD, PASSWORD, Person, World, attempt, device},
};

fn operator<'a>(world: &'a World, moment: &'a Moment) -> Operator<'a> {
    Operator { store: &world.service.store, moment, journal: world.service.journal, tells: None }
}

async fn profile(world: &World, person: &Person) -> Profile {
    world.service.store.profile(person.id).await.unwrap().unwrap()
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

/// Another address.
fn to(name: &str) -> Edit {
    Edit { email: Some(email(name)), name: None }
}

/// Another name.
fn named(name: &str) -> Edit {
    Edit { email: None, name: Some(PersonName::parse(name).unwrap()) }
}

/// Somebody who was never there.
fn nobody() -> UserId {
    "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap()
}

/// Whoever took over an operator's account must not change a user's without the user hearing of it.
#[tokio::test]
async fn a_user_whose_password_or_address_an_operator_changed_is_told_where_there_is_mail() {
    for tells in [None, Some("ar")] {
        let world = World::new().await;
        let person = world.person("amal").await;
        let moment = world.at(1);
        let operator = Operator { tells, ..operator(&world, &moment) };
        let (user, other) = (profile(&world, &person).await, Password::new(OTHER_PASSWORD.to_owned()));
        operator.set_password(&user, &other, &PasswordProfile::Crm.into(), Hasher::new(CHEAP)).await.unwrap();
        operator.edit(person.id, &to("badr")).await.unwrap();
        let told = async |email: &Email| {
            let rows = world.rows.all(SESSIONS, &format!("MAIL#{}", email.digest()), "").await;
            let mut told: Vec<_> = rows.iter().map(|row| text(row, "notice")).collect();
            told.sort();
            told
        };
        let expected: &[&str] = if tells.is_some() { &["ADDRESS_CHANGED", "PASSWORD_CHANGED"] } else { &[] };
        assert_eq!(told(&person.email).await, expected);
        assert!(told(&email("badr")).await.is_empty());
    }
}

/// The notice goes with the change, or there is no change.
#[tokio::test]
async fn a_password_that_could_not_be_set_is_told_to_nobody() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let moment = world.at(1);
    let operator = Operator { tells: Some("ar"), ..operator(&world, &moment) };
    let (user, other) = (profile(&world, &person).await, Password::new(OTHER_PASSWORD.to_owned()));
    world.wire.script(on("TransactWriteItems").every_try(), Fault::throttled());
    assert_passing(
        operator.set_password(&user, &other, &PasswordProfile::Crm.into(), Hasher::new(CHEAP)).await,
    );
    assert!(world.rows.all(SESSIONS, &format!("MAIL#{}", person.email.digest()), "").await.is_empty());
}

#[tokio::test]
async fn what_is_done_to_a_user_who_is_not_there_is_said_to_have_been_done_to_nobody() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gone = Profile { id: nobody(), ..profile(&world, &person).await };
    let (moment, store) = (world.at(1), &world.service.store);
    let operator = operator(&world, &moment);
    let change = AccessChange::Role(Role::default());
    assert_eq!(refusal(operator.change_access(gone.id, &change, false).await), Refusal::NotFound);
    assert_eq!(refusal(operator.delete(&gone, false).await), Refusal::NotFound);
    for edit in [to("badr"), named("Badr")] {
        assert_eq!(refusal(operator.edit(gone.id, &edit).await), Refusal::NotFound);
    }
    let other = Password::new(OTHER_PASSWORD.to_owned());
    let set = operator.set_password(&gone, &other, &PasswordProfile::Crm.into(), Hasher::new(CHEAP)).await;
    assert_eq!(refusal(set), Refusal::NotFound);
    let kept = world.service.journal;
    assert_eq!(refusal(revoke_all(store, &moment, gone.id, &device(), kept).await), Refusal::NotFound);
    for status in [Status::Active, Status::Disabled] {
        let set = set_status(store, &moment, gone.id, &gone.email, status, &device(), kept).await;
        assert_eq!(refusal(set), Refusal::NotFound);
    }
    world.login(&world.at(2), &person).await.unwrap();
}

/// Five wrong passwords from one address.
async fn lock(world: &World, person: &Person, second: i64) {
    for _ in 0..5 {
        refusal(world.login_with(&world.at(second), person, "Wrong-horse-9!").await);
    }
    let refused = refusal(world.login(&world.at(second), person).await);
    assert!(matches!(refused, Refusal::LoginLocked(_) | Refusal::AddressLimited(_)), "{refused:?}");
}

#[tokio::test]
async fn whoever_is_given_a_password_gets_in_with_it_though_the_account_was_locked() {
    let world = World::with(&[("LOGIN_MAX_ATTEMPTS_PER_ADDRESS", "100")]).await;
    let person = world.person("amal").await;
    lock(&world, &person, 0).await;
    let (moment, user) = (world.at(1), profile(&world, &person).await);
    let (operator, password) = (operator(&world, &moment), Password::new(OTHER_PASSWORD.to_owned()));
    operator.set_password(&user, &password, &PasswordProfile::Crm.into(), Hasher::new(CHEAP)).await.unwrap();
    world.login_with(&world.at(2), &person, OTHER_PASSWORD).await.unwrap();
    let left = world.service.store.account_attempts(&person.email, moment.now).await.unwrap();
    assert_eq!((left.window, left.run), (None, 0));
}

#[tokio::test]
async fn an_address_that_was_unlocked_lets_its_people_in_and_no_account_is_unlocked_by_it() {
    let world = World::impatient(&[("LOGIN_MAX_ATTEMPTS", "100")]).await;
    let (person, other) = (world.person("amal").await, world.person("sara").await);
    lock(&world, &person, 0).await;
    let moment = world.at(1);
    let address = nova_auth::domain::address::ClientAddress::parse(ADDRESS);
    operator(&world, &moment).unlock_address(address).await.unwrap();
    world.login(&world.at(2), &other).await.unwrap();
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 5);
}

#[tokio::test]
async fn a_role_that_was_changed_is_the_users_and_stands_in_their_log() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let moment = world.at(1);
    let change = AccessChange::Role("admin".parse().unwrap());
    operator(&world, &moment).change_access(person.id, &change, false).await.unwrap();
    assert_eq!(profile(&world, &person).await.role.as_str(), "admin");
    let rows = world.rows.all(IDENTITY, &format!("EVENT#{}", person.id), "EVENT#").await;
    let updated = rows.iter().find(|row| text(row, "event") == "user_updated").unwrap();
    assert_eq!((text(updated, "ip"), text(updated, "userAgent")), ("operator".to_owned(), "nova".to_owned()));
    world.assert_alive(2, &pair).await;
}

#[tokio::test]
async fn a_password_that_an_operator_sets_is_the_only_one_and_ends_every_session() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let (moment, user) = (world.at(1), profile(&world, &person).await);
    let set = async |password: &str| {
        let password = Password::new(password.to_owned());
        operator(&world, &moment)
            .set_password(&user, &password, &PasswordProfile::Crm.into(), Hasher::new(CHEAP))
            .await
    };
    assert!(matches!(refusal(set("weak").await), Refusal::Invalid(_)));
    world.assert_alive(1, &pair).await;
    set(OTHER_PASSWORD).await.unwrap();
    world.assert_dead(2, &pair).await;
    assert!(matches!(refusal(world.login(&world.at(3), &person).await), Refusal::InvalidCredentials(_)));
    world.login_with(&world.at(4), &person, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_session_that_an_operator_ends_is_dead_and_can_be_ended_once() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let moment = world.at(1);
    let session = claims(&pair.access)["sid"].as_str().unwrap().parse().unwrap();
    operator(&world, &moment).end_session(person.id, session).await.unwrap();
    world.assert_dead(2, &pair).await;
    let again = operator(&world, &moment).end_session(person.id, session).await;
    assert_eq!(refusal(again), Refusal::SessionNotFound);
}

#[tokio::test]
async fn of_a_deleted_user_nothing_lets_anybody_in_and_the_log_goes_only_where_it_is_to() {
    for with_log in [false, true] {
        let world = World::new().await;
        let (person, pair) = world.logged_in().await;
        let (moment, user) = (world.at(1), profile(&world, &person).await);
        let deleted = operator(&world, &moment).delete(&user, with_log).await.unwrap();
        assert_eq!((deleted.sessions, deleted.log.is_some()), (1, with_log));
        assert!(world.rows.sessions(person.id).await.is_empty());
        assert_eq!(world.rows.events(person.id).await.is_empty(), with_log);
        world.assert_dead(2, &pair).await;
        assert!(matches!(refusal(world.login(&world.at(3), &person).await), Refusal::InvalidCredentials(_)));
    }
}

#[tokio::test]
async fn an_unlocked_user_logs_in_at_once() {
    let world = World::new().await;
    let person = world.person("amal").await;
    for guess in 0..5 {
        let wrong = attempt(&person.email, "Wrong-horse-9!", &format!("198.51.100.{guess}"));
        refusal(login(&world.service, &world.at(0), &wrong).await);
    }
    assert!(matches!(refusal(world.login(&world.at(1), &person).await), Refusal::LoginLocked(_)));
    let moment = world.at(2);
    operator(&world, &moment).unlock(&person.email, person.id).await.unwrap();
    world.login(&world.at(3), &person).await.unwrap();
}

fn record(name: &str) -> UserRecord {
    UserRecord {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        name: PersonName::parse(name).unwrap(),
        role: Role::default(),
        status: Status::Active,
        permissions: ["notes:read".to_owned()].into(),
        password_hash: PasswordHash::parse(&bcrypt::hash(OTHER_PASSWORD, CHEAP).unwrap()).unwrap(),
    }
}

const IMPATIENT: Patience = Patience { retries: 2, pause: Duration::from_millis(1) };

#[tokio::test]
async fn an_import_makes_who_is_new_and_leaves_who_is_there_as_they_are() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    let (moment, records) = (world.at(1), [record("amal"), record("badr")]);
    let badr = Person { id: nobody(), email: records[1].email.clone() };
    let import =
        async |dry_run| operator(&world, &moment).import(&records, dry_run, IMPATIENT).await.unwrap();

    assert_eq!(import(true).await, [Imported::Existing, Imported::Created]);
    let refused = refusal(world.login_with(&world.at(2), &badr, OTHER_PASSWORD).await);
    assert!(matches!(refused, Refusal::InvalidCredentials(_)), "a trial made somebody: {refused:?}");

    assert_eq!(import(false).await, [Imported::Existing, Imported::Created]);
    world.login_with(&world.at(3), &badr, OTHER_PASSWORD).await.unwrap();
    world.login_with(&world.at(4), &amal, PASSWORD).await.unwrap();
    assert_eq!(import(false).await, [Imported::Existing, Imported::Existing]);
}

/// What passes is waited for; what does not is said, and can be repeated.
#[tokio::test]
async fn an_import_that_is_throttled_goes_on_as_long_as_its_patience_lasts() {
    for (fails, goes_well) in [(2, true), (3, false)] {
        let world = World::new().await;
        let moment = world.at(1);
        for _ in 0..fails {
            world.wire.script(on("TransactWriteItems").every_try(), Fault::throttled());
        }
        let made = operator(&world, &moment).import(&[record("badr")], false, IMPATIENT).await;
        if goes_well {
            assert_eq!(made.unwrap(), [Imported::Created]);
        } else {
            assert_passing(made);
        }
    }
}

fn grant(numbers: std::ops::Range<usize>) -> AccessChange {
    AccessChange::Grant(numbers.map(|number| format!("notes:read-{number}")).collect())
}

/// Two grants that both have room, and not together: whoever comes second finds none.
#[tokio::test]
async fn no_race_gives_a_user_more_than_they_may_have_and_what_they_have_can_be_granted_again() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let (moment, other) = (world.at(1), world.at(2));
    let change =
        async |moment, change| operator(&world, moment).change_access(person.id, &change, false).await;
    // With the one that everybody has here.
    change(&moment, grant(0..190)).await.unwrap();
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems").with(":held"), Fault::Hold(gate.clone()));
    let (slow, ()) = tokio::join!(change(&moment, grant(185..199)), async {
        gate.arrival().await;
        change(&other, grant(199..204)).await.unwrap();
        gate.open();
    });
    let too_many = Refusal::field("permissions", FieldFault::TooLong);
    assert_eq!(refusal(slow), too_many);
    assert_eq!(profile(&world, &person).await.permissions.len(), 196);
    change(&moment, grant(190..194)).await.unwrap();
    assert_eq!(profile(&world, &person).await.permissions.len(), 200);
    change(&moment, grant(0..194)).await.unwrap();
    assert_eq!(refusal(change(&moment, grant(0..195)).await), too_many);
    assert_eq!(refusal(change(&moment, grant(0..201)).await), too_many);
    assert_eq!(profile(&world, &person).await.permissions.len(), 200);
    let malformed = AccessChange::Grant(["notes".to_owned()].into());
    assert_eq!(refusal(change(&moment, malformed).await), Refusal::field("permissions", FieldFault::Invalid));
}

#[tokio::test]
async fn a_grant_that_lost_its_race_and_has_room_is_done_all_the_same() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let (moment, other) = (world.at(1), world.at(2));
    let change =
        async |moment, change| operator(&world, moment).change_access(person.id, &change, false).await;
    change(&moment, grant(0..190)).await.unwrap();
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems").with(":held"), Fault::Hold(gate.clone()));
    let (slow, ()) = tokio::join!(change(&moment, grant(180..199)), async {
        gate.arrival().await;
        let less = AccessChange::Revoke(["notes:read".to_owned()].into());
        change(&other, less).await.unwrap();
        gate.open();
    });
    slow.unwrap();
    assert_eq!(profile(&world, &person).await.permissions.len(), 199);
}

/// What a user holds in both tables, but for the security log.
async fn standing(world: &World, person: &Person, address: &str) -> (Option<String>, i64, usize) {
    let credential = world.rows.get(IDENTITY, &format!("EMAIL#{address}@example.com"), "CREDENTIAL").await;
    let row = world.rows.profile(person.id).await;
    let events = world.rows.count_events(person.id, "user_updated").await;
    (credential.map(|row| text(&row, "userId")), number(&row, "epoch"), events)
}

#[tokio::test]
async fn another_address_is_one_transaction_that_keeps_the_user_and_ends_every_session() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    // What a later version keeps beside the hash goes with it.
    world.rows.set(IDENTITY, "EMAIL#amal@example.com", "CREDENTIAL", "later", s("kept")).await;
    let hash = world.rows.password_hash(&person.email).await;
    let (moment, edit) = (world.at(1), Edit { name: named("Badr").name, ..to("badr") });
    world.wire.reset();
    let edited = operator(&world, &moment).edit(person.id, &edit).await.unwrap();
    assert_eq!((edited, world.wire.count("TransactWriteItems")), (Edited::Moved, 1));
    let now = profile(&world, &person).await;
    assert_eq!((now.id, now.email.as_str(), now.name.as_str()), (person.id, "badr@example.com", "Badr"));
    assert_eq!(standing(&world, &person, "badr").await, (Some(person.id.to_string()), 2, 1));
    assert_eq!(standing(&world, &person, "amal").await.0, None);
    let moved = world.rows.get(IDENTITY, "EMAIL#badr@example.com", "CREDENTIAL").await.unwrap();
    assert_eq!((text(&moved, "passwordHash"), text(&moved, "later")), (hash, "kept".to_owned()));
    world.assert_dead(2, &pair).await;
    assert!(matches!(refusal(world.login(&world.at(3), &person).await), Refusal::InvalidCredentials(_)));
    let badr = Person { email: email("badr"), ..person.clone() };
    let pair = world.login(&world.at(4), &badr).await.unwrap();

    // Again: nothing is written, nothing ends.
    world.wire.reset();
    let again = operator(&world, &moment).edit(person.id, &edit).await.unwrap();
    assert_eq!((again, world.wire.count("TransactWriteItems")), (Edited::Unchanged, 0));
    world.assert_alive(5, &pair).await;

    // A name alone is nothing that anybody logs in with.
    let renamed = operator(&world, &moment).edit(person.id, &named("Basma")).await.unwrap();
    assert_eq!((renamed, profile(&world, &person).await.name.as_str()), (Edited::Renamed, "Basma"));
    world.assert_alive(6, &pair).await;
}

#[tokio::test]
async fn an_address_that_is_somebodys_stays_theirs_and_nothing_else_changes() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let badr = world.person("badr").await;
    let moment = world.at(1);
    let edit = Edit { name: named("Basma").name, ..to("badr") };
    assert_eq!(refusal(operator(&world, &moment).edit(person.id, &edit).await), Refusal::EmailTaken);
    assert_eq!(profile(&world, &person).await.name.as_str(), "amal");
    assert_eq!(standing(&world, &person, "amal").await, (Some(person.id.to_string()), 1, 0));
    assert_eq!(standing(&world, &badr, "badr").await, (Some(badr.id.to_string()), 1, 0));
    world.assert_alive(2, &pair).await;
    // Whoever was there with it never had the other one.
    let store = &world.service.store;
    assert_eq!(moved_before(store, &moment, &person.email, &badr.email).await.unwrap(), None);
}

#[tokio::test]
async fn a_change_of_address_whose_answer_was_lost_is_found_done_by_id_and_by_the_old_address() {
    for fault in [Fault::throttled(), Fault::LoseAnswer] {
        let world = World::new().await;
        let (person, pair) = world.logged_in().await;
        let moment = world.at(1);
        let edit = async || operator(&world, &moment).edit(person.id, &to("badr")).await;
        let took = matches!(fault, Fault::LoseAnswer);
        world.wire.script(on("TransactWriteItems").every_try(), fault);
        assert_passing(edit().await);
        let found = moved_before(&world.service.store, &moment, &person.email, &email("badr")).await;
        assert_eq!(found.unwrap(), took.then_some(person.id));
        let again = edit().await.unwrap();
        assert_eq!(again, if took { Edited::Unchanged } else { Edited::Moved });
        assert_eq!(standing(&world, &person, "badr").await, (Some(person.id.to_string()), 2, 1));
        world.assert_dead(2, &pair).await;
    }
}

/// What comes in between the reading and the write: a password that is set, or another edit.
#[tokio::test]
async fn a_change_of_address_carries_the_newest_password_over_and_loses_no_other_change() {
    for another_password in [true, false] {
        let world = World::new().await;
        let (person, pair) = world.logged_in().await;
        let moment = world.at(1);
        let gate = Gate::default();
        world.wire.script(on("TransactWriteItems").with("badr@"), Fault::Hold(gate.clone()));
        let moving = async || operator(&world, &moment).edit(person.id, &to("badr")).await;
        let (moved, ()) = tokio::join!(moving(), async {
            gate.arrival().await;
            if another_password {
                world.change_password(&world.at(2), &pair.access).await.unwrap();
            } else {
                let other = world.at(3);
                operator(&world, &other).edit(person.id, &named("Basma")).await.unwrap();
            }
            gate.open();
        });
        assert_eq!(moved.unwrap(), Edited::Moved);
        world.assert_dead(4, &pair).await;
        let badr = Person { email: email("badr"), ..person.clone() };
        if another_password {
            world.login_with(&world.at(5), &badr, OTHER_PASSWORD).await.unwrap();
            let old = refusal(world.login(&world.at(6), &badr).await);
            assert!(matches!(old, Refusal::InvalidCredentials(_)), "the old password is back");
        } else {
            assert_eq!(profile(&world, &person).await.name.as_str(), "Basma");
        }
    }
}

#[tokio::test]
async fn a_login_that_verified_the_old_address_ends_with_it() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("CREDENTIAL").after(1), Fault::Hold(gate.clone()));
    let (moment, other) = (world.at(1), world.at(2));
    let (begun, ()) = tokio::join!(world.login(&moment, &person), async {
        gate.arrival().await;
        operator(&world, &other).edit(person.id, &to("badr")).await.unwrap();
        gate.open();
    });
    assert!(matches!(refusal(begun), Refusal::InvalidCredentials(_)));
    assert!(world.rows.sessions(person.id).await.is_empty());
}

/// A credential that outlives its user would keep the address for ever.
#[tokio::test]
async fn a_password_and_a_deletion_reach_a_user_whose_address_is_changed_meanwhile() {
    for delete in [false, true] {
        let world = World::new().await;
        let person = world.person("amal").await;
        let (moment, other, user) = (world.at(1), world.at(2), profile(&world, &person).await);
        operator(&world, &other).edit(person.id, &to("badr")).await.unwrap();
        let badr = Person { email: email("badr"), ..person.clone() };
        if delete {
            operator(&world, &moment).delete(&user, false).await.unwrap();
            for address in ["amal", "badr"] {
                let pk = format!("EMAIL#{address}@example.com");
                assert_eq!(world.rows.get(IDENTITY, &pk, "CREDENTIAL").await, None, "{address}");
            }
            continue;
        }
        let password = Password::new(OTHER_PASSWORD.to_owned());
        let operator = operator(&world, &moment);
        operator
            .set_password(&user, &password, &PasswordProfile::Crm.into(), Hasher::new(CHEAP))
            .await
            .unwrap();
        world.login_with(&world.at(3), &badr, OTHER_PASSWORD).await.unwrap();
    }
}

/// Two profiles of one address: one of them has no password, and is nobody to log in.
#[tokio::test]
async fn of_a_profile_whose_address_is_another_users_only_the_profile_is_deleted_and_it_gets_no_address() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let badr = world.person("badr").await;
    let pk = format!("USER#{}", badr.id);
    world.rows.set(IDENTITY, &pk, "PROFILE", "email", s("amal@example.com")).await;
    let wrong = attempt(&person.email, "Wrong-horse-9!", ADDRESS);
    refusal(login(&world.service, &world.at(0), &wrong).await);
    let moment = world.at(1);
    assert_eq!(refusal(operator(&world, &moment).edit(badr.id, &to("cala")).await), Refusal::NotFound);
    let orphan = profile(&world, &badr).await;
    operator(&world, &moment).delete(&orphan, false).await.unwrap();
    assert_eq!(world.rows.get(IDENTITY, &pk, "PROFILE").await, None);
    assert_eq!(world.rows.count_events(badr.id, "user_deleted").await, 1);
    assert_eq!(
        world.rows.account_entries(&person.email).await.len(),
        1,
        "attempts at somebody else's account"
    );
    assert_eq!(refusal(operator(&world, &moment).delete(&orphan, false).await), Refusal::NotFound);
    world.login(&world.at(2), &person).await.unwrap();
}

/// Two operators at once: the user is there, and no `NotFound` says otherwise.
#[tokio::test]
async fn an_address_that_another_operator_moves_meanwhile_is_moved_on_from_there() {
    let world = World::new().await;
    let (amal, moment) = (world.person("amal").await, world.at(1));
    let to = |email: &str| Edit { email: Email::parse(email).ok(), name: None };
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("CREDENTIAL"), Fault::Hold(gate.clone()));
    let second = async { operator(&world, &moment).edit(amal.id, &to("second@example.com")).await.unwrap() };
    let first = async {
        gate.arrival().await;
        operator(&world, &moment).edit(amal.id, &to("first@example.com")).await.unwrap();
        gate.open();
    };
    assert_eq!(tokio::join!(second, first).0, Edited::Moved);
    assert_eq!(profile(&world, &amal).await.email.as_str(), "second@example.com");
}

/// The user asked a person, who says that it is on its way.
#[tokio::test]
async fn a_link_that_an_operator_has_sent_sets_a_password_and_a_disabled_user_gets_none() {
    let world = World::new().await;
    let (amal, moment) = (world.person("amal").await, world.at(1));
    assert!(operator(&world, &moment).send_reset(&profile(&world, &amal).await, "en").await.unwrap());
    assert_eq!(world.rows.count_events(amal.id, "user_mailed").await, 1);
    let read = reads(&world, 2, &amal.email).await;
    reset(&world, 3, read.link(), OTHER_PASSWORD).await.unwrap();
    world.login_with(&world.at(4), &amal, OTHER_PASSWORD).await.unwrap();
    world.set_status(&world.at(5), &amal, Status::Disabled).await.unwrap();
    assert!(!operator(&world, &moment).send_reset(&profile(&world, &amal).await, "en").await.unwrap());
    assert_eq!(world.rows.count_events(amal.id, "user_mailed").await, 1);
}
