//! A forgotten password: by mail it can be set once, in time, by who reads the mailbox, and nobody else learns anything.

use std::time::Duration;

use nova_auth::{
    domain::{email::Email, mail::MailKind, refusal::Refusal, user::Status},
    flows::mail::redeem::Proof,
};
use tokio::task::JoinSet;

use super::{
    answers::{assert_passing, refusal},
    faults::{Fault, Gate, on},
    mailbox::{Read, forgets, reads, reset, reset_from},
    rows::{IDENTITY, SESSIONS, number, s},
    vault::{LINKS, key},
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, World},
};

const THIRD_PASSWORD: &str = "Yet-another-5%";

#[tokio::test]
async fn who_reads_the_mail_sets_a_password_and_every_session_from_before_is_dead() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    assert!(world.login_with(&world.at(1), &amal, "Wrong-horse-9!").await.is_err());
    forgets(&world, 60, &amal.email).await.unwrap();
    let read = reads(&world, 61, &amal.email).await;
    reset(&world, 62, read.link(), OTHER_PASSWORD).await.unwrap();
    world.assert_dead(63, &pair).await;
    assert!(world.login_with(&world.at(64), &amal, PASSWORD).await.is_err());
    // The failures from before are forgotten, and one more login fails than there were.
    assert_eq!(world.rows.account_entries(&amal.email).await.len(), 1);
    world.login_with(&world.at(65), &amal, OTHER_PASSWORD).await.unwrap();
    assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 1);
    assert!(world.rows.profile(amal.id).await.contains_key("emailVerifiedAt"));
    // And the user is told, by a mail that took with the rest.
    let notices = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "NOTICE#").await;
    assert_eq!(notices.len(), 1);
}

#[tokio::test]
async fn of_ten_who_use_a_link_at_once_with_passwords_of_their_own_one_sets_its_own() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let mut tasks = JoinSet::new();
    for number in 0..10 {
        let (world, link) = (world.clone(), read.link());
        tasks.spawn(async move {
            let password = format!("Phrase-number-{number}!");
            let from = format!("203.0.113.{number}");
            (reset_from(&world, 2, link, &password, &from).await, password)
        });
    }
    let (took, refused): (Vec<_>, Vec<_>) =
        tasks.join_all().await.into_iter().partition(|(reset, _)| reset.is_ok());
    assert_eq!((took.len(), refused.len()), (1, 9));
    for (refused, _) in refused {
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid);
    }
    world.login_with(&world.at(3), &amal, &took[0].1).await.unwrap();
    assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 1);
}

/// Somebody who clicks twice hears that it is done, though the first click set the password between the reads of the second.
#[tokio::test]
async fn the_same_request_beside_itself_gets_the_same_answer() {
    let world = World::new().await;
    let (person, _) = world.logged_in().await;
    forgets(&world, 1, &person.email).await.unwrap();
    let read = reads(&world, 2, &person.email).await;
    let gate = Gate::default();
    world.wire.script(on("GetItem").with("CREDENTIAL"), Fault::Hold(gate.clone()));
    let second = async { reset(&world, 3, read.link(), OTHER_PASSWORD).await.unwrap() };
    let first = async {
        gate.arrival().await;
        reset(&world, 3, read.link(), OTHER_PASSWORD).await.unwrap();
        gate.open();
    };
    tokio::join!(second, first);
}

/// The answer was lost, and the client asks again. For ten minutes it is told what it was told.
#[tokio::test]
async fn the_same_request_gets_the_same_answer_for_ten_minutes_and_no_other_request_does() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    reset(&world, 2, read.link(), OTHER_PASSWORD).await.unwrap();
    reset(&world, 600, read.link(), OTHER_PASSWORD).await.unwrap();
    assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 1);
    for (second, password) in [(3, THIRD_PASSWORD), (602, OTHER_PASSWORD)] {
        let again = reset(&world, second, read.link(), password).await;
        assert_eq!(refusal(again), Refusal::MailTokenInvalid, "{second}");
    }
    // Nothing that anybody could try passwords against is in the row.
    let row = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "RESET#").await.remove(0);
    assert!(!format!("{row:?}").contains(OTHER_PASSWORD));
}

#[tokio::test]
async fn a_reset_whose_answer_was_lost_on_the_way_took_and_says_so() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    world.wire.script(on("TransactWriteItems"), Fault::LoseAnswer);
    reset(&world, 2, read.link(), OTHER_PASSWORD).await.unwrap();
    world.login_with(&world.at(3), &amal, OTHER_PASSWORD).await.unwrap();
    assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 1);
}

/// DynamoDB removes what has expired days later. Until then it is read, and counts for nothing.
#[tokio::test]
async fn a_link_whose_time_is_over_does_nothing_while_its_row_is_still_there() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let late = 30 * 60;
    for proof in [read.link(), read.code(&amal.email)] {
        assert_eq!(refusal(reset(&world, late, proof, OTHER_PASSWORD).await), Refusal::MailTokenInvalid);
    }
    reset(&world, late - 1, read.link(), OTHER_PASSWORD).await.unwrap();
}

/// Eight digits are sooner guessed than a link, and are read over a shoulder.
#[tokio::test]
async fn a_code_works_for_ten_minutes_and_its_link_goes_on() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let late = reset(&world, 600, read.code(&amal.email), OTHER_PASSWORD).await;
    assert_eq!(refusal(late), Refusal::MailTokenInvalid);
    // None of its tries was taken either.
    let row = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "RESET#").await.remove(0);
    assert!(!row.contains_key("tries"));
    reset(&world, 599, read.code(&amal.email), OTHER_PASSWORD).await.unwrap();
    forgets(&world, 700, &amal.email).await.unwrap();
    let next = reads(&world, 701, &amal.email).await;
    reset(&world, 1400, next.link(), THIRD_PASSWORD).await.unwrap();
}

/// A rotation is no reason to ask for another mail; a key that somebody else has is.
#[tokio::test]
async fn a_link_from_before_a_rotation_works_until_its_key_is_dropped() {
    let world = World::new().await;
    let (amal, omar) = (world.person("amal").await, world.person("omar").await);
    for person in [&amal, &omar] {
        forgets(&world, 0, &person.email).await.unwrap();
    }
    let (first, second) = (reads(&world, 1, &amal.email).await, reads(&world, 2, &omar.email).await);
    world.vault.put_keys(LINKS, &[key("link-1", None), key("link-2", Some(super::world::time(60)))]);
    // The instance has read the new ring, and the new key signs.
    forgets(&world, 100, &amal.email).await.unwrap();
    let newer = reads(&world, 101, &amal.email).await;
    let kid = async |of: &Read| {
        world.service.store.mail(&of.token.key).await.unwrap().unwrap().prepared.unwrap().kid
    };
    assert_eq!((kid(&first).await.as_str(), kid(&newer).await.as_str()), ("link-1", "link-2"));
    reset(&world, 102, first.link(), OTHER_PASSWORD).await.unwrap();

    world.vault.put_keys(LINKS, &[key("link-2", Some(super::world::time(60)))]);
    let dropped = refusal(reset(&world, 200, second.link(), OTHER_PASSWORD).await);
    assert_eq!(dropped, Refusal::MailTokenInvalid);
    let dropped = refusal(reset(&world, 201, second.code(&omar.email), OTHER_PASSWORD).await);
    assert_eq!(dropped, Refusal::MailTokenInvalid);
    forgets(&world, 202, &omar.email).await.unwrap();
    let next = reads(&world, 203, &omar.email).await;
    reset(&world, 204, next.link(), OTHER_PASSWORD).await.unwrap();
}

/// Each of these makes the link that is out worthless: it was made for what was there before.
#[tokio::test]
async fn a_link_dies_with_the_password_that_it_was_made_for() {
    for what in ["changed", "upgraded", "deleted", "disabled", "another's"] {
        let world = World::new().await;
        let (amal, pair) = world.logged_in().await;
        forgets(&world, 0, &amal.email).await.unwrap();
        let read = reads(&world, 1, &amal.email).await;
        let credential = format!("EMAIL#{}", amal.email.as_str());
        match what {
            "changed" => {
                world.change_password_to(&world.at(2), &pair.access, PASSWORD, THIRD_PASSWORD).await.unwrap()
            }
            "upgraded" => {
                let other = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
                world.rows.set_password_hash(&amal.email, other).await;
            }
            "deleted" => world.rows.delete(IDENTITY, &credential, "CREDENTIAL").await,
            "disabled" => world.set_status(&world.at(2), &amal, Status::Disabled).await.unwrap(),
            _ => {
                let other = world.person("omar").await;
                world.rows.set(IDENTITY, &credential, "CREDENTIAL", "userId", s(&other.id.to_string())).await;
            }
        }
        let refused = reset(&world, 3, read.link(), OTHER_PASSWORD).await;
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid, "{what}");
        assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 0, "{what}");
    }
}

/// The change comes between what the reset read and what it writes.
#[tokio::test]
async fn a_password_that_is_changed_while_the_link_is_used_stays() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Hold(gate.clone()));
    let late = async {
        let refused = reset_from(&world, 2, read.link(), OTHER_PASSWORD, "203.0.113.9").await;
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid);
    };
    let first = async {
        gate.arrival().await;
        world.change_password_to(&world.at(3), &pair.access, PASSWORD, THIRD_PASSWORD).await.unwrap();
        gate.open();
    };
    tokio::join!(late, first);
    world.login_with(&world.at(4), &amal, THIRD_PASSWORD).await.unwrap();
}

/// It had verified the old password before, and begins its session after.
#[tokio::test]
async fn a_login_with_the_old_password_that_is_under_way_begins_nothing_that_lives() {
    for held in [
        on("GetItem").with("PROFILE"),
        on("GetItem").with("CREDENTIAL").after(1),
        on("PutItem").with("SESSION#"),
    ] {
        let world = World::new().await;
        let amal = world.person("amal").await;
        forgets(&world, 0, &amal.email).await.unwrap();
        let read = reads(&world, 1, &amal.email).await;
        let gate = Gate::default();
        world.wire.script(held, Fault::Hold(gate.clone()));
        let login = async { world.login(&world.at(2), &amal).await };
        let resetting = async {
            gate.arrival().await;
            reset_from(&world, 3, read.link(), OTHER_PASSWORD, "203.0.113.9").await.unwrap();
            gate.open();
        };
        let (login, ()) = tokio::join!(login, resetting);
        if let Ok(pair) = login {
            world.assert_dead(4, &pair).await;
        }
    }
}

#[tokio::test]
async fn a_code_does_what_the_link_does_and_five_wrong_ones_end_it() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    for guess in 0..5 {
        let from = format!("203.0.113.{guess}");
        let wrong = read.wrong_code(&amal.email);
        let refused = reset_from(&world, 2, wrong, OTHER_PASSWORD, &from).await;
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid);
    }
    let right = reset_from(&world, 3, read.code(&amal.email), OTHER_PASSWORD, "203.0.113.99").await;
    assert_eq!(refusal(right), Refusal::MailTokenInvalid);
    // The next mail has a code of its own, and the link of the first one still works.
    forgets(&world, 4, &amal.email).await.unwrap();
    let next = reads(&world, 5, &amal.email).await;
    reset(&world, 6, next.code(&amal.email), OTHER_PASSWORD).await.unwrap();
    world.login_with(&world.at(7), &amal, OTHER_PASSWORD).await.unwrap();
}

/// A try is taken before the code is compared: guesses that come at once get no more of them.
#[tokio::test]
async fn of_fifty_guesses_at_once_five_are_compared() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let (world, wrong) = (world.clone(), read.wrong_code(&amal.email));
        tasks.spawn(async move {
            reset_from(&world, 2, wrong, OTHER_PASSWORD, &format!("203.0.113.{number}")).await
        });
    }
    for refused in tasks.join_all().await {
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid);
    }
    let row = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "RESET#").await.remove(0);
    assert_eq!(row["tries"].as_ss().unwrap().len(), 5);
    let right = reset_from(&world, 3, read.code(&amal.email), OTHER_PASSWORD, "203.0.113.99").await;
    assert_eq!(refusal(right), Refusal::MailTokenInvalid);
}

#[tokio::test]
async fn a_wrong_link_is_held_against_the_address_and_a_right_one_is_not() {
    let world = World::new().await;
    let (amal, omar) = (world.person("amal").await, world.person("omar").await);
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    forgets(&world, 2, &omar.email).await.unwrap();
    let others = reads(&world, 3, &omar.email).await;
    // One that is well made, for another mailbox, purpose or mail.
    let Read { token, .. } = read;
    for mut wrong in [token, token, token, token] {
        match world.rows.address_entries(ADDRESS).await.len() {
            0 => wrong.key.kind = MailKind::Verify,
            1 => wrong.key.mailbox = others.token.key.mailbox,
            2 => wrong.key.id = others.token.key.id,
            _ => wrong.mac = others.token.mac,
        }
        let refused = reset(&world, 4, Proof::Link(wrong), OTHER_PASSWORD).await;
        assert_eq!(refusal(refused), Refusal::MailTokenInvalid);
    }
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 4);
    reset(&world, 5, read.link(), OTHER_PASSWORD).await.unwrap();
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 4);
    let mut wrong = token;
    wrong.mac = others.token.mac;
    assert_eq!(refusal(reset(&world, 6, Proof::Link(wrong), PASSWORD).await), Refusal::MailTokenInvalid);
    let full = refusal(reset(&world, 20, others.link(), OTHER_PASSWORD).await);
    assert!(matches!(full, Refusal::AddressLimited(_)), "{full:?}");
}

#[tokio::test]
async fn a_weak_password_uses_no_link_up_and_is_no_guess() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let refused = refusal(reset(&world, 2, read.link(), "weak").await);
    assert!(matches!(&refused, Refusal::Invalid(faults) if faults[0].field == "newPassword"), "{refused:?}");
    assert_eq!(world.rows.address_entries(ADDRESS).await.len(), 0);
    reset(&world, 3, read.link(), OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn keys_or_tables_out_of_reach_use_no_link_up() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    world.wire.script(on("TransactWriteItems").every_try(), Fault::throttled());
    assert_passing(reset(&world, 2, read.link(), OTHER_PASSWORD).await);
    world.wire.reset();
    world.vault.set_failing(true);
    assert_passing(reset(&world, 60 * 46, read.link(), OTHER_PASSWORD).await);
    world.vault.set_failing(false);
    reset(&world, 60, read.link(), OTHER_PASSWORD).await.unwrap();
}

// ---- asking ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_mailbox_gets_three_mails_an_hour_and_ten_a_day_whoever_asks_and_whether_or_not_anybody_has_it() {
    for name in ["amal", "nobody"] {
        let world = World::new().await;
        world.person("amal").await;
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let mut second = 0;
        for mails in [3, 3, 3, 1] {
            for number in 0..mails {
                super::mailbox::forgets_from(&world, second, &email, &format!("203.0.113.{number}"))
                    .await
                    .unwrap();
            }
            let full =
                refusal(super::mailbox::forgets_from(&world, second + 1, &email, "203.0.113.50").await);
            let Refusal::MailLimited(quota) = full else { panic!("{full:?}") };
            assert_eq!(quota.remaining, 0, "{name}");
            assert!(quota.resets_in <= jiff::SignedDuration::from_hours(24) && quota.resets_in.as_secs() > 0);
            second += 3600;
        }
        // The hour is over, and the day is not.
        let full = refusal(super::mailbox::forgets_from(&world, second, &email, "203.0.113.51").await);
        assert!(matches!(full, Refusal::MailLimited(_)), "{name}: {full:?}");
        super::mailbox::forgets_from(&world, 24 * 3600, &email, "203.0.113.52").await.unwrap();
    }
}

#[tokio::test]
async fn of_thirty_mails_at_once_to_one_mailbox_three_are_asked_for() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let (world, email) = (world.clone(), amal.email.clone());
        tasks.spawn(async move {
            super::mailbox::forgets_from(&world, 0, &email, &format!("203.0.113.{number}")).await
        });
    }
    let asked = tasks.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(asked, 3);
    let rows = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "RESET#").await;
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn an_address_asks_for_ten_mails_an_hour() {
    let world = World::new().await;
    for number in 0..10 {
        let email = Email::parse(&format!("user-{number}@example.com")).unwrap();
        forgets(&world, number, &email).await.unwrap();
    }
    let email = Email::parse("user-11@example.com").unwrap();
    let full = refusal(forgets(&world, 11, &email).await);
    assert!(matches!(full, Refusal::AddressLimited(_)), "{full:?}");
    forgets(&world, 3601, &email).await.unwrap();
}

/// Whoever watches the calls learns no more than who waits for the answer.
#[tokio::test]
async fn asking_makes_the_same_calls_for_everybody_to_the_byte_but_for_digest_and_id() {
    let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
    let amal = world.person("amal").await;
    let disabled = world.person("dina").await;
    world.set_status(&world.at(-10), &disabled, Status::Disabled).await.unwrap();
    let nobody = Email::parse("none@example.com").unwrap();
    let mut seen = Vec::new();
    for (number, email) in [&amal.email, &disabled.email, &nobody].into_iter().enumerate() {
        world.wire.reset();
        world.wire.set_latency(Duration::from_millis(20));
        let moment = super::mailbox::named(0, "request");
        super::mailbox::forgets_at(&world, &moment, email, &format!("203.0.113.{number}")).await.unwrap();
        let calls: Vec<_> = world
            .wire
            .sent()
            .into_iter()
            .map(|sent| {
                let body = sent
                    .body
                    .to_string()
                    .replace(&email.digest(), "DIGEST")
                    .replace(email.as_str(), "ADDRESS");
                let body = body.replace(&format!("203.0.113.{number}"), "SOURCE");
                let id = body.split("RESET#").nth(1).map(|rest| rest[..36].to_owned());
                let body = id.map_or(body.clone(), |id| body.replace(&id, "ID"));
                (sent.operation, body, sent.units.to_string())
            })
            .collect();
        let rounds = world.wire.sent().iter().map(|sent| sent.round).max();
        let units: f64 = world.wire.sent().iter().map(|sent| sent.units).sum();
        // The window of the address, and the call with it; that of the mailbox; the mail.
        assert_eq!((rounds, calls.len()), (Some(3), 3));
        assert!(nova_test_support::engine::is_amazons() || (units - 3.0).abs() < f64::EPSILON, "{units}");
        assert!(calls.iter().all(|(operation, ..)| operation == "UpdateItem" || operation == "PutItem"));
        let mut calls = calls;
        calls.sort();
        seen.push(calls);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

/// Nobody's mail is marked, and its code is guessed at the same price.
#[tokio::test]
async fn a_code_of_nobodys_mail_is_refused_after_the_same_calls() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    let nobody = Email::parse("none@example.com").unwrap();
    let mut seen = Vec::new();
    for email in [&amal.email, &nobody] {
        forgets(&world, 0, email).await.unwrap();
        if *email == amal.email {
            reads(&world, 1, email).await;
        }
        world.wire.reset();
        let wrong = Proof::Code(email.clone(), nova_auth::domain::mail::MailCode::parse("00000000").unwrap());
        assert_eq!(refusal(reset(&world, 2, wrong, OTHER_PASSWORD).await), Refusal::MailTokenInvalid);
        seen.push(world.wire.sent().into_iter().map(|sent| sent.operation).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1]);
}

/// What the sender needs is there before the link is out, and a mail is sent once.
#[tokio::test]
async fn a_mail_is_taken_by_one_sender_at_a_time_and_its_link_stays_the_same() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let store = &world.service.store;
    let key = super::mailbox::newest(&world, &amal.email, MailKind::Reset).await;
    let bound = store.credential(&amal.email).await.unwrap().unwrap().bound();
    let links = &world.redemption.links;
    let prepared = links.prepare(Some(amal.id), bound, super::world::time(1)).await.unwrap();
    let first = store.lease_mail(&key, &prepared, super::world::time(1)).await.unwrap().unwrap();
    assert!(store.lease_mail(&key, &prepared, super::world::time(60)).await.unwrap().is_none());
    // The first one died. The next one computes the same link, whatever it would have prepared itself.
    let other = nova_auth::domain::mail::Bound::to("another");
    let other = links.prepare(None, other, super::world::time(61)).await.unwrap();
    let again = store.lease_mail(&key, &other, super::world::time(61)).await.unwrap().unwrap();
    assert_eq!(again.prepared, first.prepared);
    store.mark_mail_sent(&key, super::world::time(62)).await.unwrap();
    assert!(store.lease_mail(&key, &prepared, super::world::time(300)).await.unwrap().is_none());
    let row = world.rows.all(SESSIONS, &key.pk(), "RESET#").await.remove(0);
    assert_eq!(number(&row, "sentAt"), super::world::time(62).as_millisecond());
}

/// It stands on every list that a stranger would try first, and whose the link is shows only now.
#[tokio::test]
async fn a_forgotten_password_is_not_replaced_by_the_address_itself() {
    let world = World::new().await;
    let amal = world.person("amal1!a").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let refused = refusal(reset(&world, 2, read.link(), "Amal1!A@example.com").await);
    assert!(matches!(&refused, Refusal::Invalid(faults) if faults[0].field == "newPassword"), "{refused:?}");
    // The link is as good as before.
    reset(&world, 3, read.link(), OTHER_PASSWORD).await.unwrap();
}
