//! Another address: the new mailbox confirms it, the old one can take it back, and in between nothing is lost.

use nova_auth::{
    domain::{
        address::ClientAddress, email::Email, mail::MailKind, password::Password, refusal::Refusal,
        user::Status,
    },
    flows::{
        FlowError, Requester,
        mail::{
            change::{Wish, confirm, revert, wish},
            redeem::Proof,
        },
    },
    keys::Token,
};
use tokio::task::JoinSet;

use super::{
    answers::refusal,
    faults::{Fault, Gate, on},
    mailbox::{reads_of, reset},
    rows::{SESSIONS, text},
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, Person, World, device},
};

pub(super) fn new_address() -> Email {
    Email::parse("amal.haddad@example.com").unwrap()
}

fn caller(address: &str) -> Requester {
    Requester { address: ClientAddress::parse(address), device: device(), language: "en" }
}

pub(super) async fn wishes(
    world: &World,
    second: i64,
    access: &Token,
    email: &Email,
    password: &str,
) -> Result<(), FlowError> {
    let wanted = Wish {
        access: access.clone(),
        email: email.clone(),
        password: Password::new(password.to_owned()),
        caller: caller(ADDRESS),
    };
    wish(&world.service, &world.at(second), &wanted).await
}

pub(super) async fn confirms(world: &World, second: i64, proof: Proof) -> Result<(), FlowError> {
    confirm(&world.redemption, &world.at(second), &caller(ADDRESS), &proof).await
}

pub(super) async fn reverts(world: &World, second: i64, proof: Proof) -> Result<(), FlowError> {
    revert(&world.redemption, &world.at(second), &caller(ADDRESS), &proof).await
}

/// Asks for another address, and confirms it.
pub(super) async fn moves(world: &World, access: &Token) {
    wishes(world, 11, access, &new_address(), PASSWORD).await.unwrap();
    let read = reads_of(world, 12, &new_address(), MailKind::Change).await;
    confirms(world, 13, read.link()).await.unwrap();
}

fn named(person: &Person, email: &Email) -> Person {
    Person { id: person.id, email: email.clone() }
}

#[tokio::test]
async fn the_new_mailbox_confirms_and_the_session_that_asked_goes_on_alone() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    let other = world.login(&world.at(1), &amal).await.unwrap();
    wishes(&world, 2, &pair.access, &new_address(), PASSWORD).await.unwrap();
    // Until the click nothing is changed.
    world.login(&world.at(3), &amal).await.unwrap();
    let read = reads_of(&world, 4, &new_address(), MailKind::Change).await;
    confirms(&world, 5, read.link()).await.unwrap();
    confirms(&world, 6, read.link()).await.unwrap();
    world.assert_alive(7, &pair).await;
    world.assert_dead(7, &other).await;
    assert!(world.login(&world.at(8), &amal).await.is_err());
    world.login(&world.at(9), &named(&amal, &new_address())).await.unwrap();
    // The old mailbox is told.
    let told = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "REVERT#").await;
    assert_eq!(told.len(), 1);
    let profile = world.rows.profile(amal.id).await;
    assert_eq!(text(&profile, "email"), new_address().as_str());
    assert!(profile.contains_key("emailVerifiedAt"));
}

/// Somebody who knows the password may have done it.
#[tokio::test]
async fn a_user_is_told_of_a_changed_password_where_the_stack_sends_mail() {
    for (mail, told) in [("disabled", 0), ("enabled", 1)] {
        let world = World::with(&[("MAIL", mail)]).await;
        let (amal, pair) = world.logged_in().await;
        world.change_password(&world.at(1), &pair.access).await.unwrap();
        let mails = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "NOTICE#").await;
        assert_eq!(mails.len(), told, "{mail}");
    }
}

#[tokio::test]
async fn a_stolen_access_token_without_the_password_changes_no_address() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    let refused = refusal(wishes(&world, 1, &pair.access, &new_address(), "Wrong-horse-9!").await);
    assert!(matches!(refused, Refusal::CurrentPasswordInvalid(_)), "{refused:?}");
    assert_eq!(world.rows.account_entries(&amal.email).await.len(), 1);
    let mails = world.rows.all(SESSIONS, &format!("MAIL#{}", new_address().digest()), "").await;
    assert!(mails.is_empty(), "{mails:?}");
    let own = refusal(wishes(&world, 2, &pair.access, &amal.email, PASSWORD).await);
    assert!(matches!(own, Refusal::Invalid(_)), "{own:?}");
}

#[tokio::test]
async fn an_address_that_somebody_has_stays_theirs_and_the_asker_is_not_told() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    let omar = world.person("omar").await;
    wishes(&world, 1, &pair.access, &omar.email, PASSWORD).await.unwrap();
    let read = reads_of(&world, 2, &omar.email, MailKind::Change).await;
    assert_eq!(refusal(confirms(&world, 3, read.link()).await), Refusal::MailTokenInvalid);
    world.login(&world.at(4), &omar).await.unwrap();
    world.assert_alive(5, &pair).await;
}

#[tokio::test]
async fn of_ten_who_confirm_at_once_all_hear_that_it_is_done_and_it_is_done_once() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    wishes(&world, 1, &pair.access, &new_address(), PASSWORD).await.unwrap();
    let read = reads_of(&world, 2, &new_address(), MailKind::Change).await;
    let mut tasks = JoinSet::new();
    for number in 0..10 {
        let (world, link) = (world.clone(), read.link());
        tasks.spawn(async move {
            let caller = caller(&format!("203.0.113.{number}"));
            confirm(&world.redemption, &world.at(3), &caller, &link).await
        });
    }
    let failed: Vec<_> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(super::rows::number(&world.rows.profile(amal.id).await, "epoch"), 2);
    world.assert_alive(4, &pair).await;
}

/// Somebody who clicks twice hears that it is done, though the first click moved the credential between the reads of the second.
#[tokio::test]
async fn a_second_click_that_reads_between_the_first_ones_writes_hears_that_it_is_done() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    wishes(&world, 1, &pair.access, &new_address(), PASSWORD).await.unwrap();
    let read = reads_of(&world, 2, &new_address(), MailKind::Change).await;
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("CREDENTIAL"), Fault::Hold(gate.clone()));
    let second = async { confirms(&world, 3, read.link()).await.unwrap() };
    let first = async {
        gate.arrival().await;
        confirms(&world, 3, read.link()).await.unwrap();
        gate.open();
    };
    tokio::join!(second, first);
    assert_eq!(super::rows::number(&world.rows.profile(amal.id).await, "epoch"), 2);
}

/// The password is changed between what the confirmation read and what it writes. Neither is lost.
#[tokio::test]
async fn a_password_that_is_changed_meanwhile_goes_along_to_the_new_address() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    wishes(&world, 1, &pair.access, &new_address(), PASSWORD).await.unwrap();
    let read = reads_of(&world, 2, &new_address(), MailKind::Change).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
    let confirming = async { confirms(&world, 3, read.link()).await.unwrap() };
    let changing = async {
        gate.arrival().await;
        world.change_password_to(&world.at(4), &pair.access, PASSWORD, OTHER_PASSWORD).await.unwrap();
        gate.open();
    };
    tokio::join!(confirming, changing);
    world.login_with(&world.at(5), &named(&amal, &new_address()), OTHER_PASSWORD).await.unwrap();
    world.assert_alive(6, &pair).await;
}

#[tokio::test]
async fn a_link_for_another_address_dies_with_the_address_that_it_was_asked_from() {
    for what in ["disabled", "moved"] {
        let world = World::new().await;
        let (amal, pair) = world.logged_in().await;
        wishes(&world, 1, &pair.access, &new_address(), PASSWORD).await.unwrap();
        let first = reads_of(&world, 2, &new_address(), MailKind::Change).await;
        if what == "disabled" {
            world.set_status(&world.at(3), &amal, Status::Disabled).await.unwrap();
        } else {
            let third = Email::parse("third@example.com").unwrap();
            wishes(&world, 3, &pair.access, &third, PASSWORD).await.unwrap();
            let second = reads_of(&world, 4, &third, MailKind::Change).await;
            confirms(&world, 5, second.link()).await.unwrap();
        }
        assert_eq!(refusal(confirms(&world, 6, first.link()).await), Refusal::MailTokenInvalid, "{what}");
    }
}

/// The thief has the password and a session, and moves on twice to shake the owner off.
#[tokio::test]
async fn the_old_mailbox_takes_the_account_back_wherever_it_is_and_the_thiefs_password_is_worth_nothing() {
    let world = World::new().await;
    let (amal, thief) = world.logged_in().await;
    let first = Email::parse("thief@example.com").unwrap();
    let second = Email::parse("another@example.com").unwrap();
    for (at, email) in [(1, &first), (4, &second)] {
        wishes(&world, at, &thief.access, email, PASSWORD).await.unwrap();
        let read = reads_of(&world, at + 1, email, MailKind::Change).await;
        confirms(&world, at + 2, read.link()).await.unwrap();
    }
    let owners = reads_of(&world, 7, &amal.email, MailKind::Revert).await;
    reverts(&world, 72 * 3600, owners.link()).await.unwrap();
    let late = 72 * 3600 + 1;
    world.assert_dead(late, &thief).await;
    for email in [&amal.email, &first, &second] {
        let person = named(&amal, email);
        let tried = super::world::attempt(email, PASSWORD, "203.0.113.200");
        let login = nova_auth::flows::login::login(&world.service, &world.at(late), &tried).await;
        assert!(login.is_err(), "{:?}", person.id);
    }
    // A mail is on its way, with which the owner sets a password.
    let mail = reads_of(&world, late, &amal.email, MailKind::Reset).await;
    reset(&world, late + 1, mail.link(), OTHER_PASSWORD).await.unwrap();
    let login = super::world::attempt(&amal.email, OTHER_PASSWORD, "203.0.113.201");
    nova_auth::flows::login::login(&world.service, &world.at(late + 2), &login).await.unwrap();
}

/// The thief writes while the owner takes the account back: the owner is not told that it is done before it is.
#[tokio::test]
async fn an_address_is_taken_back_though_the_thief_changes_the_password_meanwhile() {
    let world = World::new().await;
    let (amal, thief) = world.logged_in().await;
    moves(&world, &thief.access).await;
    let owners = reads_of(&world, 14, &amal.email, MailKind::Revert).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
    let reverting = async { reverts(&world, 15, owners.link()).await.unwrap() };
    let changing = async {
        gate.arrival().await;
        world.change_password_to(&world.at(16), &thief.access, PASSWORD, OTHER_PASSWORD).await.unwrap();
        gate.open();
    };
    tokio::join!(reverting, changing);
    let profile = world.service.store.profile(amal.id).await.unwrap().unwrap();
    assert_eq!(profile.email, amal.email);
    world.assert_dead(17, &thief).await;
    assert!(world.login_with(&world.at(18), &named(&amal, &new_address()), OTHER_PASSWORD).await.is_err());
}

#[tokio::test]
async fn the_way_back_ends_after_72_hours() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    wishes(&world, 0, &pair.access, &new_address(), PASSWORD).await.unwrap();
    let read = reads_of(&world, 1, &new_address(), MailKind::Change).await;
    confirms(&world, 2, read.link()).await.unwrap();
    let back = reads_of(&world, 3, &amal.email, MailKind::Revert).await;
    assert_eq!(refusal(reverts(&world, 72 * 3600 + 3, back.link()).await), Refusal::MailTokenInvalid);
    // And it confirms nothing.
    assert_eq!(refusal(confirms(&world, 4, back.link()).await), Refusal::MailTokenInvalid);
}
