//! Registrations whose address is confirmed first, addresses that users confirm, and invitations.

use std::time::Duration;

use nova_auth::{
    domain::{
        address::ClientAddress,
        email::Email,
        mail::MailKind,
        name::PersonName,
        password::Password,
        refusal::Refusal,
        user::{Profile, Role, Status},
    },
    flows::{
        FlowError, Requester,
        mail::{
            accept::{Acceptance, accept},
            redeem::Proof,
            verify::verify,
        },
        operator::{Guest, Operator},
        register::{Applicant, Registered, register},
    },
    passwords::Hasher,
};
use tokio::task::JoinSet;

use super::{
    answers::refusal,
    mailbox::{newest, reads_of, reset},
    rows::{IDENTITY, SESSIONS, text},
    world::{ADDRESS, CHEAP, OTHER_PASSWORD, PASSWORD, Person, World, device},
};

const CONFIRMED: &[(&str, &str)] = &[("REGISTRATION", "open"), ("EMAIL_VERIFICATION", "required")];

fn caller(address: &str) -> Requester {
    Requester { address: ClientAddress::parse(address), device: device(), language: "en" }
}

async fn registers(world: &World, second: i64, email: &Email, password: &str) -> Result<(), FlowError> {
    let applicant = Applicant {
        name: PersonName::parse("Sara").unwrap(),
        email: email.clone(),
        password: Password::new(password.to_owned()),
        caller: caller(ADDRESS),
    };
    match register(&world.service, &world.at(second), applicant).await? {
        Registered::Asked => Ok(()),
        Registered::Made(_) => panic!("a user without a confirmed address"),
    }
}

async fn confirms(world: &World, second: i64, proof: Proof, address: &str) -> Result<Profile, FlowError> {
    verify(&world.redemption, &world.at(second), &caller(address), &proof).await
}

fn sara() -> Email {
    Email::parse("sara@example.com").unwrap()
}

async fn has_account(world: &World, email: &Email) -> bool {
    world.rows.get(IDENTITY, &format!("EMAIL#{}", email.as_str()), "CREDENTIAL").await.is_some()
}

#[tokio::test]
async fn a_registration_makes_nobody_before_the_link_is_opened_and_then_the_user_with_their_password() {
    let world = World::with(CONFIRMED).await;
    registers(&world, 0, &sara(), PASSWORD).await.unwrap();
    assert!(!has_account(&world, &sara()).await);
    let read = reads_of(&world, 1, &sara(), MailKind::Verify).await;
    let made = confirms(&world, 2, read.link(), ADDRESS).await.unwrap();
    assert_eq!((made.role.as_str(), made.email_verified_at.is_some()), ("user", true));
    let person = Person { id: made.id, email: made.email };
    world.login(&world.at(3), &person).await.unwrap();
    // The answer was lost, and the browser asks again: the same user.
    assert_eq!(confirms(&world, 60, read.link(), ADDRESS).await.unwrap().id, person.id);
    assert_eq!(refusal(confirms(&world, 700, read.link(), ADDRESS).await), Refusal::MailTokenInvalid);
    assert_eq!(world.rows.count_events(person.id, "user_created").await, 1);
}

#[tokio::test]
async fn of_two_who_register_an_address_the_first_who_reads_its_mail_is_the_user() {
    let world = World::with(CONFIRMED).await;
    registers(&world, 0, &sara(), PASSWORD).await.unwrap();
    let first = reads_of(&world, 1, &sara(), MailKind::Verify).await;
    registers(&world, 2, &sara(), OTHER_PASSWORD).await.unwrap();
    let second = reads_of(&world, 3, &sara(), MailKind::Verify).await;
    let mut tasks = JoinSet::new();
    for (read, password, from) in [(first, PASSWORD, "203.0.113.1"), (second, OTHER_PASSWORD, "203.0.113.2")]
    {
        let world = world.clone();
        tasks.spawn(async move { (confirms(&world, 4, read.link(), from).await, password) });
    }
    let (made, refused): (Vec<_>, Vec<_>) =
        tasks.join_all().await.into_iter().partition(|(made, _)| made.is_ok());
    assert_eq!((made.len(), refused.len()), (1, 1));
    let (user, password) = made.into_iter().next().unwrap();
    let user = user.unwrap();
    let person = Person { id: user.id, email: user.email };
    world.login_with(&world.at(5), &person, password).await.unwrap();
    for (refused, _) in refused {
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid);
    }
}

/// The same answer, the same calls, the same hash: open registration told a stranger who has an account.
#[tokio::test]
async fn a_registration_of_a_taken_address_makes_the_same_calls_as_of_a_free_one() {
    let world = World::with(CONFIRMED).await;
    let amal = world.person("amal").await;
    let mut seen = Vec::new();
    for email in [amal.email.clone(), Email::parse("none@example.com").unwrap()] {
        world.wire.reset();
        world.wire.set_latency(Duration::from_millis(20));
        registers(&world, 0, &email, PASSWORD).await.unwrap();
        let sent = world.wire.sent();
        let mut calls: Vec<_> =
            sent.iter().map(|sent| (sent.operation.clone(), sent.units.to_string())).collect();
        calls.sort();
        for sent in &sent {
            assert!(!sent.body.to_string().contains("IdentityTable"), "{}", sent.body);
        }
        seen.push(calls);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_link_of_a_registration_cannot_take_an_address_over_that_has_an_account_by_now() {
    let world = World::with(CONFIRMED).await;
    registers(&world, 0, &sara(), OTHER_PASSWORD).await.unwrap();
    let read = reads_of(&world, 1, &sara(), MailKind::Verify).await;
    let person = world.person("sara").await;
    assert_eq!(refusal(confirms(&world, 2, read.link(), ADDRESS).await), Refusal::MailTokenInvalid);
    world.login(&world.at(3), &person).await.unwrap();
    // And one of a registration does nothing else either.
    let as_reset = reset(&world, 4, read.link(), OTHER_PASSWORD).await;
    assert_eq!(refusal(as_reset), Refusal::MailTokenInvalid);
}

#[tokio::test]
async fn a_registration_is_confirmed_by_the_code_on_another_device() {
    let world = World::with(CONFIRMED).await;
    registers(&world, 0, &sara(), PASSWORD).await.unwrap();
    let read = reads_of(&world, 1, &sara(), MailKind::Verify).await;
    let wrong = confirms(&world, 2, read.wrong_code(&sara()), ADDRESS).await;
    assert_eq!(refusal(wrong), Refusal::MailTokenInvalid);
    confirms(&world, 2, read.code(&sara()), ADDRESS).await.unwrap();
}

#[tokio::test]
async fn a_user_confirms_the_address_that_is_theirs_and_no_other() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    nova_auth::flows::mail::resend::resend(&world.service, &world.at(1), &pair.access, "en").await.unwrap();
    let read = reads_of(&world, 2, &amal.email, MailKind::Verify).await;
    let confirmed = confirms(&world, 3, read.link(), ADDRESS).await.unwrap();
    assert!(confirmed.email_verified_at.is_some());
    world.assert_alive(4, &pair).await;
    nova_auth::flows::mail::resend::resend(&world.service, &world.at(5), &pair.access, "en").await.unwrap();
    let read = reads_of(&world, 6, &amal.email, MailKind::Verify).await;
    let profile = format!("USER#{}", amal.id);
    world.rows.set(IDENTITY, &profile, "PROFILE", "email", super::rows::s("other@example.com")).await;
    assert_eq!(refusal(confirms(&world, 7, read.link(), ADDRESS).await), Refusal::MailTokenInvalid);
}

// ---- invitations -----------------------------------------------------------------------------------------------------

async fn invited(world: &World, second: i64) -> Profile {
    let moment = world.at(second);
    let operator = Operator {
        store: &world.service.store,
        moment: &moment,
        journal: world.redemption.journal,
        tells: None,
    };
    let guest = Guest {
        email: sara(),
        name: PersonName::parse("Sara").unwrap(),
        role: "admin".parse::<Role>().unwrap(),
        permissions: ["notes:read".to_owned()].into(),
    };
    operator.invite(guest, Hasher::new(CHEAP), "en").await.unwrap()
}

async fn accepts(world: &World, second: i64, proof: Proof, password: &str) -> Result<Profile, FlowError> {
    let acceptance = Acceptance {
        proof,
        password: Password::new(password.to_owned()),
        name: PersonName::parse("Sara Haddad").ok(),
        caller: caller(ADDRESS),
    };
    accept(&world.redemption, &world.at(second), &acceptance).await
}

#[tokio::test]
async fn who_was_invited_sets_a_password_that_nobody_else_knows_and_is_active_from_then_on() {
    let world = World::new().await;
    let user = invited(&world, 0).await;
    let person = Person { id: user.id, email: sara() };
    assert_eq!(text(&world.rows.profile(user.id).await, "status"), "invited");
    assert!(world.login(&world.at(1), &person).await.is_err());
    let read = reads_of(&world, 1, &sara(), MailKind::Invite).await;
    let weak = refusal(accepts(&world, 2, read.link(), "weak").await);
    assert!(matches!(weak, Refusal::Invalid(_)), "{weak:?}");
    let active = accepts(&world, 3, read.link(), PASSWORD).await.unwrap();
    assert_eq!(
        (active.status, active.name.as_str(), active.role.as_str()),
        (Status::Active, "Sara Haddad", "admin")
    );
    world.login(&world.at(4), &person).await.unwrap();
    // Repeated, it is what it was; with another password it is none.
    accepts(&world, 5, read.link(), PASSWORD).await.unwrap();
    assert_eq!(refusal(accepts(&world, 6, read.link(), OTHER_PASSWORD).await), Refusal::MailTokenInvalid);
}

#[tokio::test]
async fn an_invitation_ends_after_a_week_with_the_user_and_when_a_second_one_was_accepted() {
    let world = World::new().await;
    let user = invited(&world, 0).await;
    let first = reads_of(&world, 1, &sara(), MailKind::Invite).await;
    let week = 7 * 24 * 3600;
    let moment = world.at(2);
    let operator = Operator {
        store: &world.service.store,
        moment: &moment,
        journal: world.redemption.journal,
        tells: None,
    };
    assert!(operator.invite_again(&user, "en").await.unwrap());
    assert_eq!(world.rows.count_events(user.id, "user_mailed").await, 1, "who had it sent is not known");
    let second = reads_of(&world, 3, &sara(), MailKind::Invite).await;
    assert_eq!(refusal(accepts(&world, week, first.link(), PASSWORD).await), Refusal::MailTokenInvalid);
    let active = accepts(&world, week + 1, second.link(), PASSWORD).await.unwrap();
    assert_eq!(refusal(accepts(&world, week + 1, first.link(), PASSWORD).await), Refusal::MailTokenInvalid);
    assert!(!operator.invite_again(&active, "en").await.unwrap(), "an active user is not invited again");
}

#[tokio::test]
async fn nobody_is_invited_whose_address_is_taken_and_no_mail_goes_out() {
    let world = World::new().await;
    world.person("sara").await;
    let moment = world.at(0);
    let operator = Operator {
        store: &world.service.store,
        moment: &moment,
        journal: world.redemption.journal,
        tells: None,
    };
    let guest = Guest {
        email: sara(),
        name: PersonName::parse("Sara").unwrap(),
        role: Role::default(),
        permissions: [].into(),
    };
    assert_eq!(refusal(operator.invite(guest, Hasher::new(CHEAP), "en").await), Refusal::EmailTaken);
    let mails = world.rows.all(SESSIONS, &format!("MAIL#{}", sara().digest()), "").await;
    assert!(mails.is_empty(), "{mails:?}");
}

/// A forgotten password is nothing that an invited user can have: the mail goes to nobody, and a link for one would set nothing.
#[tokio::test]
async fn an_invited_user_is_not_let_in_by_another_kind_of_link() {
    let world = World::new().await;
    invited(&world, 0).await;
    super::mailbox::forgets(&world, 1, &sara()).await.unwrap();
    let read = reads_of(&world, 2, &sara(), MailKind::Reset).await;
    assert_eq!(refusal(reset(&world, 3, read.link(), PASSWORD).await), Refusal::MailTokenInvalid);
    let invitation = reads_of(&world, 4, &sara(), MailKind::Invite).await;
    assert_eq!(refusal(reset(&world, 5, invitation.link(), PASSWORD).await), Refusal::MailTokenInvalid);
    let key = newest(&world, &sara(), MailKind::Invite).await;
    assert_eq!(key.kind, MailKind::Invite);
    accepts(&world, 6, invitation.link(), PASSWORD).await.unwrap();
}

/// Each of them makes somebody's mailbox a target of our sender, and none of them has an account yet.
#[tokio::test]
async fn an_address_registers_ten_mailboxes_an_hour() {
    let world = World::with(CONFIRMED).await;
    let somebody = |number: i64| Email::parse(&format!("user-{number}@example.com")).unwrap();
    for number in 0..10 {
        registers(&world, number, &somebody(number), PASSWORD).await.unwrap();
    }
    let full = refusal(registers(&world, 10, &somebody(10), PASSWORD).await);
    assert!(matches!(full, Refusal::AddressLimited(_)), "{full:?}");
    registers(&world, 3601, &somebody(10), PASSWORD).await.unwrap();
}
