//! What an operator's commands do to the rows, without the command: in force on the next decision, and said when there
//! was nobody to do it to.

use std::time::Duration;

use nova_auth::{
    domain::{
        email::Email,
        ids::UserId,
        moment::Moment,
        name::PersonName,
        password::{Password, PasswordHash, Profile as PasswordProfile},
        refusal::Refusal,
        user::{Profile, Role, Status},
        user_record::UserRecord,
    },
    flows::{
        login::login,
        operator::{Imported, Operator, Patience},
        revoke_all::revoke_all,
        set_status::set_status,
    },
    passwords::Hasher,
    store::AccessChange,
};

use super::{
    answers::{assert_passing, claims, refusal},
    faults::{Fault, on},
    rows::{IDENTITY, text},
    world::{ADDRESS, CHEAP, OTHER_PASSWORD, PASSWORD, Person, World, attempt, device},
};

fn operator<'a>(world: &'a World, moment: &'a Moment) -> Operator<'a> {
    Operator { store: &world.service.store, moment, security_log: world.service.security_log }
}

async fn profile(world: &World, person: &Person) -> Profile {
    world.service.store.profile(person.id).await.unwrap().unwrap()
}

/// Somebody who was never there.
fn nobody() -> UserId {
    "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap()
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
    let other = Password::new(OTHER_PASSWORD.to_owned());
    let set = operator.set_password(&gone, &other, PasswordProfile::Crm, Hasher::new(CHEAP)).await;
    assert_eq!(refusal(set), Refusal::NotFound);
    let kept = world.service.security_log;
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
    operator.set_password(&user, &password, PasswordProfile::Crm, Hasher::new(CHEAP)).await.unwrap();
    world.login_with(&world.at(2), &person, OTHER_PASSWORD).await.unwrap();
    let left = world.service.store.account_attempts(&person.email, moment.now).await.unwrap();
    assert_eq!((left.window, left.run), (None, 0));
}

#[tokio::test]
async fn an_address_that_was_unlocked_lets_its_people_in_and_no_account_is_unlocked_by_it() {
    let world = World::with(&[("LOGIN_MAX_ATTEMPTS", "100")]).await;
    let (person, other) = (world.person("amal").await, world.person("sara").await);
    lock(&world, &person, 0).await;
    let moment = world.at(1);
    let address = nova_auth::domain::address::ClientAddress::parse(ADDRESS);
    operator(&world, &moment).unlock_address(address).await.unwrap();
    world.login(&world.at(2), &other).await.unwrap();
    assert_eq!(world.rows.account_entries(&person).await.len(), 5);
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
            .set_password(&user, &password, PasswordProfile::Crm, Hasher::new(CHEAP))
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
