//! Registration: one address has one user, whoever else is making one, and a taken address costs what a free one costs.

use std::time::Duration;

use jiff::SignedDuration;
use nova_auth::{
    app::AuthService,
    domain::{
        address::ClientAddress,
        email::Email,
        moment::Moment,
        name::PersonName,
        password::Password,
        refusal::Refusal,
        user::{Profile, Role},
    },
    flows::{
        FlowError, Requester,
        create_user::{Registration, create_user},
        journal::Journal,
        register::{Applicant, Registered, register as registered},
    },
    passwords::Hasher,
};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    world::{ADDRESS, CHEAP, OTHER_PASSWORD, PASSWORD, Person, World, device},
};

async fn register(
    service: &AuthService,
    moment: &Moment,
    applicant: Applicant,
) -> Result<Profile, FlowError> {
    match registered(service, moment, applicant).await? {
        Registered::Made(profile) => Ok(*profile),
        Registered::Asked => panic!("nobody asked for the address to be confirmed"),
    }
}

const OPEN: (&str, &str) = ("REGISTRATION", "open");

pub(super) fn applicant(email: &str, password: &str, address: &str) -> Applicant {
    Applicant {
        name: PersonName::parse("Sara").unwrap(),
        email: Email::parse(email).unwrap(),
        password: Password::new(password.to_owned()),
        caller: Requester { address: ClientAddress::parse(address), device: device(), language: "en" },
    }
}

async fn sara(world: &World, second: i64, password: &str) -> Result<Person, FlowError> {
    let made =
        register(&world.service, &world.at(second), applicant("sara@example.com", password, ADDRESS)).await;
    made.map(|profile| Person { id: profile.id, email: profile.email })
}

#[tokio::test]
async fn of_ten_registrations_of_one_address_at_once_one_is_made_and_its_password_is_the_one_that_counts() {
    let world = World::with(&[OPEN]).await;
    let mut tasks = JoinSet::new();
    for number in 0..10 {
        let world = world.clone();
        tasks.spawn(async move {
            let password = format!("Phrase-number-{number}!");
            let from = format!("203.0.113.{number}");
            let applicant = applicant("sara@example.com", &password, &from);
            (password, register(&world.service, &world.at(0), applicant).await)
        });
    }
    let (made, refused): (Vec<_>, Vec<_>) =
        tasks.join_all().await.into_iter().partition(|(_, made)| made.is_ok());
    assert_eq!((made.len(), refused.len()), (1, 9));
    let (password, profile) = made.into_iter().next().unwrap();
    let profile = profile.unwrap();
    let person = Person { id: profile.id, email: profile.email };
    let mut others = Vec::new();
    for (other, refused) in refused {
        assert_eq!(refusal(refused), Refusal::EmailTaken);
        others.push(other);
    }
    // Of the passwords that lost one is tried: more of them would lock the account.
    assert!(world.login_with(&world.at(1), &person, &others[0]).await.is_err());
    world.login_with(&world.at(1), &person, &password).await.unwrap();
}

/// An operator who imports users writes them in the same transaction.
#[tokio::test]
async fn a_registration_that_an_import_overtakes_leaves_the_imported_user_as_it_is() {
    for registration_is_first in [true, false] {
        let world = World::with(&[OPEN]).await;
        let gate = Gate::default();
        world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
        let import = async {
            let imported = Registration {
                email: Email::parse("sara@example.com").unwrap(),
                name: PersonName::parse("Imported").unwrap(),
                password: Password::new(OTHER_PASSWORD.to_owned()),
                role: Role::default(),
                permissions: ["notes:read".to_owned()].into(),
                device: device(),
                journal: Journal::keeping(SignedDuration::from_hours(24)),
            };
            let (store, policy) = (&world.service.store, &world.service.password_policy);
            let made = create_user(store, Hasher::new(CHEAP), policy, &world.at(0), imported).await;
            made.map(|profile| Person { id: profile.id, email: profile.email })
        };
        let registration = sara(&world, 0, PASSWORD);
        let (late, early) = if registration_is_first {
            tokio::join!(registration, async {
                gate.arrival().await;
                let early = import.await;
                gate.open();
                early
            })
        } else {
            tokio::join!(import, async {
                gate.arrival().await;
                let early = registration.await;
                gate.open();
                early
            })
        };
        assert_eq!(refusal(late), Refusal::EmailTaken);
        let winner = early.unwrap();
        let (right, wrong) =
            if registration_is_first { (OTHER_PASSWORD, PASSWORD) } else { (PASSWORD, OTHER_PASSWORD) };
        world.login_with(&world.at(1), &winner, right).await.unwrap();
        assert!(world.login_with(&world.at(2), &winner, wrong).await.is_err());
    }
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_made_and_told() {
    let world = World::with(&[OPEN]).await;
    world.wire.script(on("TransactWriteItems"), Fault::LoseAnswer);
    let person = sara(&world, 0, PASSWORD).await.unwrap();
    world.login(&world.at(1), &person).await.unwrap();
}

#[tokio::test]
async fn a_registration_that_storage_fails_holds_nothing_against_the_address() {
    let world = World::with(&[OPEN]).await;
    world.wire.script(on("TransactWriteItems").every_try(), Fault::server_error());
    assert_passing(sara(&world, 0, PASSWORD).await);
    world.wire.reset();
    for second in 0..5 {
        let email = format!("user-{second}@example.com");
        register(&world.service, &world.at(second), applicant(&email, PASSWORD, ADDRESS)).await.unwrap();
    }
}

#[tokio::test]
async fn the_policy_is_the_flows_too_and_a_closed_door_is_before_it() {
    let world = World::with(&[OPEN]).await;
    assert!(matches!(refusal(sara(&world, 0, "short").await), Refusal::Invalid(_)));
    let world = World::new().await;
    assert_eq!(refusal(sara(&world, 0, "short").await), Refusal::RegistrationClosed);
    assert!(world.wire.sent().is_empty());
}

/// The hash is first and the transaction finds out: an address that is taken takes neither more nor less.
#[tokio::test]
async fn a_taken_address_costs_the_same_calls_in_the_same_rounds_and_the_same_hash() {
    let world = World::with(&[OPEN, ("API_RATE_LIMIT", "100")]).await;
    world.person("taken").await;
    world.wire.set_latency(Duration::from_millis(20));
    let mut costs = Vec::new();
    for (email, free) in [("free@example.com", true), ("taken@example.com", false)] {
        world.wire.reset();
        let made = register(&world.service, &world.at(0), applicant(email, PASSWORD, ADDRESS)).await;
        assert_eq!(made.is_ok(), free, "{email}");
        let calls: Vec<_> =
            world.wire.sent().iter().map(|sent| (sent.round, sent.operation.clone())).collect();
        costs.push(calls);
    }
    // Only the place that is given back differs, after the answer is decided.
    let given_back = costs[0].pop().unwrap();
    assert_eq!(given_back, (3, "UpdateItem".to_owned()));
    costs.iter_mut().for_each(|calls| calls.sort());
    assert_eq!(costs[0], costs[1]);
    let mut hasher_times = Vec::new();
    for email in ["free-too@example.com", "taken@example.com"] {
        let mut fastest = Duration::MAX;
        for second in 0..3 {
            let store = &world.service.store;
            let new = Registration {
                email: Email::parse(email).unwrap(),
                name: PersonName::parse("Sara").unwrap(),
                password: Password::new(PASSWORD.to_owned()),
                role: Role::default(),
                permissions: [].into(),
                device: device(),
                journal: Journal::keeping(SignedDuration::from_hours(24)),
            };
            let begin = std::time::Instant::now();
            let made =
                create_user(store, Hasher::new(9), &world.service.password_policy, &world.at(second), new)
                    .await;
            fastest = fastest.min(begin.elapsed());
            drop(made);
        }
        hasher_times.push(fastest);
    }
    let (least, most) = (hasher_times.iter().min().unwrap(), hasher_times.iter().max().unwrap());
    // Without the hash a taken address would be told in a twentieth of the time.
    assert!(*most < *least * 4, "{hasher_times:?}");
}
