//! The security log: every entry that a flow writes is there for as long as it was promised, and no longer.

use jiff::Timestamp;
use nova_auth::{
    domain::{address::ClientAddress, ids::UserId, mail::MailKind, password::Password},
    flows::{
        Requester,
        change_password::{PasswordChange, change_password},
        login::login,
        mail::verify::verify,
        operator::Operator,
        register::register,
        sessions::{revoke_every, revoke_one},
    },
};

use super::{
    answers::{claims, refusal},
    log::Log,
    mailbox::reads_of,
    register::applicant,
    rows::{IDENTITY, Row, number, text},
    second_factors::enrol,
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, Person, World, attempt, device, time},
};

const YEAR: i64 = 365 * 86_400;

/// What stands in a user's log of that second, with how long each entry is kept.
async fn kept(world: &World, user: UserId, second: i64) -> Vec<(String, i64)> {
    let rows = world.rows.all(IDENTITY, &format!("EVENT#{user}"), "EVENT#").await;
    let second = time(second).as_second();
    // A login's time goes on while it waits for a place.
    let at = |row: &Row| text(row, "at").parse::<Timestamp>().unwrap().as_second();
    let of_then = rows.iter().filter(|row| at(row) == second);
    of_then.map(|row| (text(row, "event"), number(row, "expiresAt") - second)).collect()
}

/// An entry whose time were over when it is written would be swept away before anybody looked for it.
#[tokio::test]
async fn every_entry_stays_for_the_promised_year() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    assert_year(&world, &person, -3600, "user_created").await;
    assert_year(&world, &person, 0, "authn_login_success").await;

    let wrong = attempt(&person.email, "Wrong-horse-9!", "198.51.100.1");
    refusal(login(&world.service, &world.at(1), &wrong).await);
    assert_year(&world, &person, 1, "authn_login_fail").await;

    world.logout(&world.at(2), &pair).await.unwrap();
    assert_year(&world, &person, 2, "authn_token_revoked").await;

    let stolen = world.login(&world.at(3), &person).await.unwrap();
    world.refresh(&world.at(100), &stolen.refresh).await.unwrap();
    refusal(world.refresh(&world.at(200), &stolen.refresh).await);
    assert_year(&world, &person, 200, "authn_token_reuse").await;

    world.revoke_all(&world.at(201), &person).await.unwrap();
    assert_year(&world, &person, 201, "authn_token_revoked").await;

    let pair = world.login(&world.at(202), &person).await.unwrap();
    let session = claims(&pair.access)["sid"].as_str().unwrap().parse().ok();
    revoke_one(&world.service, &world.at(203), &pair.access, session, &device()).await.unwrap();
    assert_year(&world, &person, 203, "authn_token_revoked").await;

    let pair = world.login(&world.at(204), &person).await.unwrap();
    world.change_password(&world.at(205), &pair.access).await.unwrap();
    assert_year(&world, &person, 205, "authn_password_change").await;
    revoke_every(&world.service, &world.at(206), &pair.access, &device()).await.unwrap();
    assert_year(&world, &person, 206, "authn_token_revoked").await;

    let status = nova_auth::domain::user::Status::Active;
    world.set_status(&world.at(207), &person, status).await.unwrap();
    assert_year(&world, &person, 207, "user_updated").await;

    let (moment, store) = (world.at(208), &world.service.store);
    let operator = Operator { store, moment: &moment, journal: world.service.journal, tells: None };
    operator.unlock(&person.email, person.id).await.unwrap();
    assert_year(&world, &person, 208, "user_updated").await;
}

async fn assert_year(world: &World, person: &Person, second: i64, event: &str) {
    assert_eq!(kept(world, person.id, second).await, [(event.to_owned(), YEAR)], "at {second}");
}

/// Failures at an address that nobody has are written with the same effort, and are nothing to keep.
#[tokio::test]
async fn the_log_of_nobody_is_over_when_it_is_written() {
    let world = World::new().await;
    let nobody = nova_auth::domain::email::Email::parse("nobody@example.com").unwrap();
    refusal(login(&world.service, &world.at(0), &attempt(&nobody, "Wrong-horse-9!", ADDRESS)).await);
    let id = nova_auth::gate::nobody(&nobody);
    assert_eq!(kept(&world, id, 0).await, [("authn_login_fail".to_owned(), 0)]);
}

/// A password change that is typed wrongly is a guess, and gives no place back; one that the policy refuses is none.
#[tokio::test]
async fn only_a_guess_takes_a_place() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let change = |current: &str, new: &str| PasswordChange {
        access: pair.access.clone(),
        current: Password::new(current.to_owned()),
        new: Password::new(new.to_owned()),
        caller: Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" },
    };
    refusal(change_password(&world.service, &world.at(1), &change("Wrong-horse-9!", OTHER_PASSWORD)).await);
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 1);
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 1);
    refusal(change_password(&world.service, &world.at(2), &change("Wrong-horse-9!", "weak")).await);
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 1);
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 1);
}

/// An alarm goes by the line, and whoever looks into it by the row: one of them alone misleads.
#[tokio::test]
async fn what_is_written_into_the_log_of_a_user_is_a_line_of_the_log_too() {
    let world = World::with(&[
        ("MFA_POLICY", "optional"),
        ("REGISTRATION", "open"),
        ("EMAIL_VERIFICATION", "required"),
    ])
    .await;
    let log = Log::of_this_thread();
    let (person, pair) = world.logged_in().await;
    enrol(&world, &world.factors(), 30, &pair.access).await.unwrap();
    world.change_password(&world.at(31), &pair.access).await.unwrap();
    let applicant = applicant("sara@example.com", PASSWORD, ADDRESS);
    let email = applicant.email.clone();
    register(&world.service, &world.at(32), applicant).await.unwrap();
    let read = reads_of(&world, 33, &email, MailKind::Verify).await;
    let caller = Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" };
    let made = verify(&world.redemption, &world.at(34), &caller, &read.link()).await.unwrap();
    let log = log.text();
    for (event, user) in [
        ("authn_login_success", person.id),
        ("authn_mfa_added", person.id),
        ("authn_password_change", person.id),
        ("user_created", made.id),
    ] {
        let (name, user_id) = (format!("metric=\"{event}\""), format!("user.id={user}"));
        let lines = log.lines().filter(|line| line.contains(&name) && line.contains(&user_id)).count();
        assert_eq!(lines, 1, "{event}: {log}");
        assert_eq!(world.rows.count_events(user, event).await, 1, "{event}");
    }
}
