//! A login on another device: its user hears of it once, and a link ends what somebody else began.

use std::sync::Arc;

use super::{
    answers::refusal,
    change_of_address::{confirms, new_address, wishes},
    device_cookies::from_device,
    faults::{Fault, Gate, any, on},
    mailbox::{forgets, named, reads_of, reset},
    rows::{SESSIONS, s, text},
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, Pair, Person, World, attempt, device, time},
};
use nova_auth::{
    domain::{
        address::ClientAddress,
        mail::{Mail, MailDigest, MailKey, MailKind},
        refusal::Refusal,
    },
    flows::{
        FlowError, Requester,
        login::login,
        mail::{
            new_device::{ask, deny},
            redeem::Proof,
        },
    },
};

const HOUR: i64 = 60 * 60;

async fn world() -> Arc<World> {
    World::with(&[("DEVICE_COOKIES", "enabled"), ("NEW_DEVICE_MAIL", "enabled")]).await
}

pub(super) async fn denies(world: &World, second: i64, proof: Proof) -> Result<(), FlowError> {
    denies_as(world, second, "the reader's", proof).await
}

async fn denies_as(world: &World, second: i64, request: &str, proof: Proof) -> Result<(), FlowError> {
    let caller = Requester { address: ClientAddress::parse(ADDRESS), device: device(), language: "en" };
    deny(&world.redemption, &named(second, request), &caller, &proof).await
}

/// Tells the sender of the user's sessions that began on a new device, and counts those that are to be told again.
async fn hears(world: &World, person: &Person) -> usize {
    let mut failed = 0;
    for row in world.rows.sessions(person.id).await {
        if row.contains_key("newDevice") {
            let session = text(&row, "sessionId").parse().unwrap();
            failed += usize::from(ask(&world.service.store, person.id, session).await.is_err());
        }
    }
    failed
}

/// The mails that were asked for, the newest first.
async fn mails(world: &World, person: &Person) -> Vec<Mail> {
    let found =
        world.service.store.newest_mails(&MailDigest::of(&person.email), MailKind::Deny).await.unwrap();
    found.into_iter().map(|(_, mail)| mail).collect()
}

/// Asks for a mail about a session of this user, whatever it began on.
pub(super) async fn asks_about(world: &World, second: i64, person: &Person) {
    let session = world.rows.sessions(person.id).await.remove(0);
    let id = text(&session, "sessionId").parse().unwrap();
    let moment = world.at(second);
    let key = nova_auth::flows::mail::new_key(MailKind::Deny, &person.email, &moment).unwrap();
    let mail = Mail::new(MailKind::Deny, person.email.clone(), "en", &moment);
    let mail = Mail { user_id: Some(person.id), session_id: Some(id), ..mail };
    assert!(world.service.store.put_mail(&key, &mail).await.unwrap());
}

async fn logs_in(world: &World, second: i64, person: &Person) -> Pair {
    from_device(world, second, person, PASSWORD, None).await.unwrap().into()
}

#[tokio::test]
async fn a_user_hears_of_a_login_on_another_device_and_not_of_one_on_a_device_that_they_used_before() {
    let world = world().await;
    let amal = world.person("amal").await;
    let device = from_device(&world, 2 * HOUR, &amal, PASSWORD, None).await.unwrap().device.unwrap();
    hears(&world, &amal).await;
    let [mail] = &mails(&world, &amal).await[..] else { panic!("one mail") };
    // In the service's own: the request may be a thief's.
    assert_eq!(mail.language, "");
    let login = mail.login.as_ref().unwrap();
    assert_eq!((login.client.name(), login.network.as_deref()), (None, Some("203.0.113.0/24")));
    from_device(&world, 3 * HOUR, &amal, PASSWORD, Some(&device)).await.unwrap();
    assert_eq!((hears(&world, &amal).await, mails(&world, &amal).await.len()), (0, 1));
}

/// Each row of a session would wake the relay, and a mail would be asked for that nobody sends.
#[tokio::test]
async fn a_stack_that_tells_nobody_of_new_devices_writes_nothing_of_them() {
    let world = World::with(&[("DEVICE_COOKIES", "enabled")]).await;
    let amal = world.person("amal").await;
    logs_in(&world, 2 * HOUR, &amal).await;
    assert!(!world.rows.session(amal.id).await.contains_key("newDevice"));
    hears(&world, &amal).await;
    assert!(mails(&world, &amal).await.is_empty());
}

#[tokio::test]
async fn whoever_made_the_account_within_the_hour_is_not_told_that_they_logged_in() {
    let world = world().await;
    let (amal, badr) = (world.person("amal").await, world.person("badr").await);
    logs_in(&world, -60, &amal).await;
    logs_in(&world, 60, &badr).await;
    hears(&world, &amal).await;
    hears(&world, &badr).await;
    assert_eq!((mails(&world, &amal).await.len(), mails(&world, &badr).await.len()), (0, 1));
    // The second one is another device's, also where it is there before the first is told.
    logs_in(&world, -30, &amal).await;
    hears(&world, &amal).await;
    let [mail] = &mails(&world, &amal).await[..] else { panic!("one mail") };
    assert_eq!(mail.created_at, time(-30));
}

#[tokio::test]
async fn a_mailbox_gets_one_such_mail_in_ten_minutes_however_many_devices_log_in() {
    let world = world().await;
    let amal = world.person("amal").await;
    let begin = 2 * HOUR;
    for (second, expected) in [(0, 1), (1, 1), (599, 1), (600, 2), (1100, 2)] {
        logs_in(&world, begin + second, &amal).await;
        hears(&world, &amal).await;
        assert_eq!(mails(&world, &amal).await.len(), expected, "after {second} s");
    }
}

/// The owner's own client may keep no token. A thief elsewhere does not hide behind its mail; and ten thieves fill no mailbox.
#[tokio::test]
async fn who_logs_in_from_another_network_is_told_up_to_five_of_them_in_ten_minutes() {
    let world = world().await;
    let amal = world.person("amal").await;
    for (number, expected) in (1..=7).zip([1, 2, 3, 4, 5, 5, 5]) {
        let mut attempt = attempt(&amal.email, PASSWORD, "192.0.2.77");
        attempt.caller.device.ip = format!("198.51.{number}.9");
        login(&world.service, &world.at(2 * HOUR + number), &attempt).await.unwrap();
        hears(&world, &amal).await;
        let mailbox =
            world.rows.all(SESSIONS, &MailKey::partition(&MailDigest::of(&amal.email)), "DENY#").await;
        assert_eq!(mailbox.len(), expected, "after {number} networks");
    }
}

/// A thief would log out at once, and come back on a device that is known then.
#[tokio::test]
async fn a_session_that_ended_before_anybody_was_told_of_it_is_told() {
    let world = world().await;
    let amal = world.person("amal").await;
    let pair = logs_in(&world, 2 * HOUR, &amal).await;
    world.logout(&world.at(2 * HOUR + 1), &pair).await.unwrap();
    hears(&world, &amal).await;
    assert_eq!(mails(&world, &amal).await.len(), 1);
}

/// The thief's is one of them.
#[tokio::test]
async fn a_device_that_was_known_before_the_last_password_is_told_as_a_new_one() {
    let world = world().await;
    let amal = world.person("amal").await;
    let device = from_device(&world, HOUR, &amal, PASSWORD, None).await.unwrap().device.unwrap();
    let pair: Pair = from_device(&world, 2 * HOUR, &amal, PASSWORD, Some(&device)).await.unwrap().into();
    world.change_password(&world.at(2 * HOUR + 1), &pair.access).await.unwrap();
    let again = from_device(&world, 4 * HOUR, &amal, OTHER_PASSWORD, Some(&device)).await.unwrap();
    let told = async || {
        let rows = world.rows.sessions(amal.id).await;
        rows.iter().filter(|row| row.contains_key("newDevice")).count()
    };
    assert_eq!(told().await, 2);
    // From then on it is known again.
    from_device(&world, 5 * HOUR, &amal, OTHER_PASSWORD, again.device.as_ref()).await.unwrap();
    assert_eq!(told().await, 2);
}

/// Tokens tell whole seconds: the login that follows a change at once must not look like one before it.
#[tokio::test]
async fn a_device_that_logs_in_within_the_second_of_the_new_password_is_known_from_then_on() {
    let world = world().await;
    let amal = world.person("amal").await;
    let pair = logs_in(&world, 2 * HOUR - 1, &amal).await;
    world.change_password(&world.at(2 * HOUR), &pair.access).await.unwrap();
    let device = from_device(&world, 2 * HOUR, &amal, OTHER_PASSWORD, None).await.unwrap().device.unwrap();
    hears(&world, &amal).await;
    let before = mails(&world, &amal).await.len();
    from_device(&world, 4 * HOUR, &amal, OTHER_PASSWORD, Some(&device)).await.unwrap();
    hears(&world, &amal).await;
    assert_eq!(mails(&world, &amal).await.len(), before);
}

/// The thief asked for it with the stolen password; it would take the account along.
#[tokio::test]
async fn whatever_a_thief_asked_for_ends_with_their_session_and_what_an_owner_asked_for_outlives_a_logout() {
    for what in ["denied", "reset", "logged out"] {
        let world = world().await;
        let (amal, pair) = world.logged_in().await;
        wishes(&world, 1, &pair.access, &new_address(), PASSWORD).await.unwrap();
        let moved = reads_of(&world, 2, &new_address(), MailKind::Change).await;
        match what {
            "denied" => {
                asks_about(&world, 3, &amal).await;
                let read = reads_of(&world, 4, &amal.email, MailKind::Deny).await;
                denies(&world, 5, read.link()).await.unwrap();
            }
            "reset" => {
                forgets(&world, 3, &amal.email).await.unwrap();
                let read = reads_of(&world, 4, &amal.email, MailKind::Reset).await;
                reset(&world, 5, read.link(), OTHER_PASSWORD).await.unwrap();
            }
            _ => world.logout(&world.at(5), &pair).await.unwrap(),
        }
        let confirmed = confirms(&world, 6, moved.link()).await;
        if what == "logged out" {
            confirmed.unwrap();
        } else {
            assert_eq!(refusal(confirmed), Refusal::MailTokenInvalid, "{what}");
        }
    }
}

/// A program that logs in a thousand times an hour would have a thousand rows read for each.
#[tokio::test]
async fn however_many_sessions_a_new_user_has_one_of_them_is_read() {
    let world = world().await;
    let amal = world.person("amal").await;
    for second in -50..-40 {
        logs_in(&world, second, &amal).await;
    }
    let newest = world.rows.sessions(amal.id).await.pop().unwrap();
    world.wire.reset();
    ask(&world.service.store, amal.id, text(&newest, "sessionId").parse().unwrap()).await.unwrap();
    let queries = world.wire.sent().into_iter().filter(|sent| sent.operation == "Query");
    let limits: Vec<_> = queries.map(|sent| sent.body["Limit"].clone()).collect();
    assert_eq!(limits, [1]);
}

/// Its tokens were given to nobody: the login failed after its session was written.
#[tokio::test]
async fn a_session_that_was_withdrawn_is_told_to_nobody() {
    let world = world().await;
    let amal = world.person("amal").await;
    logs_in(&world, 2 * HOUR, &amal).await;
    world.rows.set_session(amal.id, "state", s("revoked")).await;
    assert_eq!((hears(&world, &amal).await, mails(&world, &amal).await.len()), (0, 0));
}

/// The stream tells again what was not acknowledged, and a call that failed may have taken.
#[tokio::test]
async fn a_login_that_is_told_again_and_a_call_that_fails_ask_for_one_mail() {
    for fault in [Fault::throttled(), Fault::LoseAnswer] {
        for call in 0..5 {
            let world = world().await;
            let amal = world.person("amal").await;
            logs_in(&world, 2 * HOUR, &amal).await;
            world.wire.reset();
            world.wire.script(any().after(call).every_try(), fault.clone());
            let failed = hears(&world, &amal).await;
            world.wire.reset();
            assert_eq!(failed, 1, "{fault:?} at call {call} was not told again");
            for _ in 0..2 {
                assert_eq!(hears(&world, &amal).await, 0);
            }
            assert_eq!(mails(&world, &amal).await.len(), 1, "{fault:?} at call {call}");
        }
    }
}

#[tokio::test]
async fn the_link_ends_what_a_thief_began_and_the_password_that_they_know_and_lets_the_owner_set_another() {
    let world = world().await;
    let amal = world.person("amal").await;
    let owner = logs_in(&world, 0, &amal).await;
    let thief = logs_in(&world, 2 * HOUR, &amal).await;
    hears(&world, &amal).await;
    let at = 2 * HOUR + 60;
    let read = reads_of(&world, at, &amal.email, MailKind::Deny).await;
    world.assert_alive(at, &thief).await;
    denies(&world, at + 1, read.link()).await.unwrap();
    for pair in [&owner, &thief] {
        world.assert_dead(at + 2, pair).await;
    }
    let again = refusal(from_device(&world, at + 3, &amal, PASSWORD, None).await);
    assert!(matches!(again, Refusal::InvalidCredentials(_)), "{again:?}");
    let mail = reads_of(&world, at + 4, &amal.email, MailKind::Reset).await;
    reset(&world, at + 5, mail.link(), OTHER_PASSWORD).await.unwrap();
    from_device(&world, at + 6, &amal, OTHER_PASSWORD, None).await.unwrap();
    assert_eq!(world.rows.count_events(amal.id, "authn_login_denied").await, 1);
}

/// A link that stays in a mailbox must not be a way to lock the owner out for ever.
#[tokio::test]
async fn the_link_works_once_for_seven_days_and_does_nothing_else() {
    let world = world().await;
    let (amal, _) = world.logged_in().await;
    asks_about(&world, 1, &amal).await;
    let read = reads_of(&world, 2, &amal.email, MailKind::Deny).await;
    assert_eq!(refusal(reset(&world, 3, read.link(), OTHER_PASSWORD).await), Refusal::MailTokenInvalid);
    denies_as(&world, 4, "first", read.link()).await.unwrap();
    let mail = reads_of(&world, 5, &amal.email, MailKind::Reset).await;
    assert_eq!(refusal(denies(&world, 5, mail.link()).await), Refusal::MailTokenInvalid);
    reset(&world, 6, mail.link(), OTHER_PASSWORD).await.unwrap();
    let after = world.login_with(&world.at(7), &amal, OTHER_PASSWORD).await.unwrap();
    // Its answer may have been lost, so it is said again for a while; and ends nothing more.
    denies_as(&world, 8, "again", read.link()).await.unwrap();
    world.assert_alive(9, &after).await;
    let late = denies_as(&world, 4 + 601, "again", read.link()).await;
    assert_eq!(refusal(late), Refusal::MailTokenInvalid);
    world.assert_alive(4 + 602, &after).await;
    asks_about(&world, 700, &amal).await;
    let read = reads_of(&world, 701, &amal.email, MailKind::Deny).await;
    let week = 7 * 24 * HOUR;
    assert_eq!(refusal(denies(&world, 700 + week, read.link()).await), Refusal::MailTokenInvalid);
}

/// The reset would go to the address that the account has now, which may be the thief's.
#[tokio::test]
async fn a_mailbox_that_the_account_left_takes_its_address_back_first() {
    let world = world().await;
    let (amal, pair) = world.logged_in().await;
    asks_about(&world, 1, &amal).await;
    let read = reads_of(&world, 2, &amal.email, MailKind::Deny).await;
    wishes(&world, 3, &pair.access, &new_address(), PASSWORD).await.unwrap();
    let moved = reads_of(&world, 4, &new_address(), MailKind::Change).await;
    confirms(&world, 5, moved.link()).await.unwrap();
    assert_eq!(refusal(denies(&world, 6, read.link()).await), Refusal::MailTokenInvalid);
    world.assert_alive(7, &pair).await;
    let mailbox = MailDigest::of(&new_address());
    assert!(world.service.store.newest_mails(&mailbox, MailKind::Reset).await.unwrap().is_empty());
}

/// The thief writes while the owner denies the login: the owner is not told that it is done before it is.
#[tokio::test]
async fn a_login_is_denied_though_the_thief_changes_the_password_meanwhile() {
    let world = world().await;
    let (amal, thief) = world.logged_in().await;
    asks_about(&world, 1, &amal).await;
    let read = reads_of(&world, 2, &amal.email, MailKind::Deny).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
    let denying = async { denies(&world, 3, read.link()).await.unwrap() };
    let changing = async {
        gate.arrival().await;
        world.change_password_to(&world.at(4), &thief.access, PASSWORD, OTHER_PASSWORD).await.unwrap();
        gate.open();
    };
    tokio::join!(denying, changing);
    world.assert_dead(5, &thief).await;
    assert!(world.login_with(&world.at(6), &amal, OTHER_PASSWORD).await.is_err());
}

#[tokio::test]
async fn whoever_made_the_account_an_hour_ago_to_the_moment_is_not_told_that_they_logged_in() {
    let world = world().await;
    let amal = world.person("amal").await;
    logs_in(&world, 0, &amal).await;
    hears(&world, &amal).await;
    assert!(mails(&world, &amal).await.is_empty());
}
