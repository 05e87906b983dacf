//! Writes that arrive late: the SDK gave a try up and went on, and the try is still on its way. When it comes, the world
//! is another, and it must find that out by its own condition.

use nova_auth::{
    domain::{
        mail::MailKind,
        refusal::Refusal,
        rules::{Caching, Rules, file},
        user::Status,
    },
    store::StoredRules,
};

use super::{
    answers::{assert_passing, refusal},
    change_of_address::{confirms, new_address, reverts, wishes},
    faults::{Fault, Gate, on},
    login_attempts::guess,
    mailbox::{forgets, reads, reads_of, reset},
    rows::{SESSIONS, number, text},
    world::{ADDRESS, OTHER_PASSWORD, PASSWORD, World, time},
};

#[tokio::test]
async fn a_rotation_that_arrives_again_after_the_next_one_changes_nothing() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    let second = world.refresh(&world.at(60), &first.refresh).await.unwrap();
    let third = world.refresh(&world.at(120), &second.refresh).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 2);
    world.assert_alive(121, &third).await;
    world.refresh(&world.at(180), &third.refresh).await.unwrap();
}

/// The retry of the client came first, and the write of its first try after it.
#[tokio::test]
async fn a_rotation_that_arrives_after_the_clients_retry_is_no_theft() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    world.wire.script(on("UpdateItem").every_try(), Fault::throttled());
    assert_passing(world.refresh(&world.at(60), &first.refresh).await);
    world.wire.reset();
    let second = world.refresh(&world.at(65), &first.refresh).await.unwrap();
    gate.let_it_arrive().await;
    let again = world.refresh(&world.at(66), &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "active");
    world.refresh(&world.at(120), &second.refresh).await.unwrap();
}

#[tokio::test]
async fn a_rotation_that_arrives_after_the_logout_revives_nothing() {
    let world = World::new().await;
    let (person, first) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem"), Fault::Late(gate.clone()));
    world.wire.script(on("UpdateItem").every_try(), Fault::throttled());
    assert_passing(world.refresh(&world.at(60), &first.refresh).await);
    world.wire.reset();
    world.logout(&world.at(61), &first).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(text(&world.rows.session(person.id).await, "state"), "revoked");
    world.assert_dead(62, &first).await;
}

#[tokio::test]
async fn a_login_that_arrives_after_its_user_was_disabled_or_revoked_begins_nothing_that_counts() {
    for disabled in [true, false] {
        let world = World::new().await;
        let person = world.person("amal").await;
        let gate = Gate::default();
        world.wire.script(on("PutItem").with("SESSION#"), Fault::Late(gate.clone()));
        world.wire.script(on("PutItem").with("SESSION#").every_try(), Fault::throttled());
        assert_passing(world.login(&world.at(0), &person).await);
        world.wire.reset();
        match disabled {
            true => world.set_status(&world.at(1), &person, Status::Disabled).await.unwrap(),
            false => world.revoke_all(&world.at(1), &person).await.unwrap(),
        }
        gate.let_it_arrive().await;
        let epoch = number(&world.rows.profile(person.id).await, "epoch");
        for row in world.rows.sessions(person.id).await {
            assert!(number(&row, "epoch") < epoch, "it counts");
        }
    }
}

#[tokio::test]
async fn a_login_that_arrives_again_is_one_session() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("PutItem").with("SESSION#"), Fault::Late(gate.clone()));
    let pair = world.login(&world.at(0), &person).await.unwrap();
    let next = world.refresh(&world.at(1), &pair.refresh).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(number(&world.rows.session(person.id).await, "generation"), 1, "not begun anew");
    world.refresh(&world.at(2), &next.refresh).await.unwrap();
}

/// Raising the epoch a second time would end the sessions that began in between.
#[tokio::test]
async fn a_revocation_of_all_that_arrives_again_does_not_end_what_began_after_it() {
    let world = World::new().await;
    let (person, before) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    world.revoke_all(&world.at(60), &person).await.unwrap();
    let after = world.login(&world.at(61), &person).await.unwrap();
    gate.let_it_arrive().await;
    world.assert_dead(62, &before).await;
    world.assert_alive(62, &after).await;
}

#[tokio::test]
async fn a_password_that_arrives_again_after_the_next_one_does_not_come_back() {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    world.change_password(&world.at(60), &pair.access).await.unwrap();
    let next = bcrypt::hash("Next-horse-1!", super::world::CHEAP).unwrap();
    world.rows.set_password_hash(&person.email, &next).await;
    gate.let_it_arrive().await;
    assert_eq!(world.rows.password_hash(&person.email).await, next);
    world.assert_alive(61, &pair).await;
}

/// It finds its own name, and counts neither a place nor a failure nor a call.
#[tokio::test]
async fn a_reservation_that_arrives_again_after_its_wrong_password_counts_nothing() {
    for of in ["ATTEMPTS#ACCOUNT", "ATTEMPTS#ADDRESS"] {
        let world = World::with(&[("API_RATE_LIMIT", "100")]).await;
        let person = world.person("amal").await;
        let gate = Gate::default();
        world.wire.script(on("UpdateItem").with(of), Fault::Late(gate.clone()));
        assert!(world.login_with(&world.at(0), &person, "Wrong-horse-9!").await.is_err());
        let account = format!("ATTEMPTS#ACCOUNT#{}", person.email.digest());
        let address = format!("ATTEMPTS#ADDRESS#{ADDRESS}");
        let before = [
            world.rows.get(SESSIONS, &account, "WINDOW").await,
            world.rows.get(SESSIONS, &address, "WINDOW").await,
        ];
        gate.let_it_arrive().await;
        let after = [
            world.rows.get(SESSIONS, &account, "WINDOW").await,
            world.rows.get(SESSIONS, &address, "WINDOW").await,
        ];
        assert_eq!(after, before, "{of}");
        assert_eq!(number(after[0].as_ref().unwrap(), "failures"), 1);
    }
}

/// The owner was right, and then somebody guessed.
#[tokio::test]
async fn a_success_that_arrives_again_forgives_no_guess_that_came_after_it() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("DeleteItem").with("ATTEMPTS#ACCOUNT"), Fault::Late(gate.clone()));
    world.login(&world.at(0), &person).await.unwrap();
    guess(&world, &person, 1, 5).await;
    gate.let_it_arrive().await;
    assert_eq!(world.rows.account_entries(&person.email).await.len(), 5);
    let failures = world.service.store.account_attempts(&person.email, time(1)).await.unwrap().run;
    assert_eq!(failures, 5);
}

/// It takes a place again, which a wrong password would too, and opens none.
#[tokio::test]
async fn a_reservation_that_arrives_after_its_login_costs_one_place_at_most() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with("ATTEMPTS#ADDRESS"), Fault::Late(gate.clone()));
    world.login(&world.at(0), &person).await.unwrap();
    gate.let_it_arrive().await;
    assert!(world.rows.address_entries(ADDRESS).await.len() <= 1);
    world.login(&world.at(1), &person).await.unwrap();
}

// ---- mail

/// A row that were written again would have its link once more, after it was used.
#[tokio::test]
async fn a_mail_that_is_asked_for_again_when_its_link_was_used_stays_used() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("PutItem").with("RESET#"), Fault::Late(gate.clone()));
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    reset(&world, 2, read.link(), OTHER_PASSWORD).await.unwrap();
    gate.let_it_arrive().await;
    let rows = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "RESET#").await;
    assert_eq!((rows.len(), rows[0].contains_key("usedAt"), rows[0].contains_key("sentAt")), (1, true, true));
    assert_eq!(refusal(reset(&world, 3, read.link(), PASSWORD).await), Refusal::MailTokenInvalid);
}

#[tokio::test]
async fn a_mail_that_counts_again_takes_one_place_of_its_mailbox() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with("MAILS#ACCOUNT"), Fault::Late(gate.clone()));
    forgets(&world, 0, &amal.email).await.unwrap();
    gate.let_it_arrive().await;
    forgets(&world, 1, &amal.email).await.unwrap();
    forgets(&world, 2, &amal.email).await.unwrap();
    assert!(matches!(refusal(forgets(&world, 3, &amal.email).await), Refusal::MailLimited(_)));
}

#[tokio::test]
async fn a_reset_that_arrives_after_another_password_does_not_bring_its_own() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    world.wire.script(on("TransactWriteItems").every_try(), Fault::throttled());
    assert_passing(reset(&world, 2, read.link(), OTHER_PASSWORD).await);
    world.wire.reset();
    world.change_password_to(&world.at(3), &pair.access, PASSWORD, "Next-horse-1!").await.unwrap();
    let hash = world.rows.password_hash(&amal.email).await;
    gate.let_it_arrive().await;
    assert_eq!(world.rows.password_hash(&amal.email).await, hash);
    world.assert_alive(4, &pair).await;
    assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 0);
}

#[tokio::test]
async fn a_reset_that_arrives_again_ends_no_session_that_began_after_it() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    reset(&world, 2, read.link(), OTHER_PASSWORD).await.unwrap();
    let after = world.login_with(&world.at(3), &amal, OTHER_PASSWORD).await.unwrap();
    gate.let_it_arrive().await;
    world.assert_alive(4, &after).await;
    assert_eq!(world.rows.count_events(amal.id, "authn_password_reset").await, 1);
}

/// The thief's confirmation, once more, when the owner has the account back.
#[tokio::test]
async fn a_change_of_address_that_arrives_after_it_was_taken_back_changes_nothing() {
    let world = World::new().await;
    let (amal, pair) = world.logged_in().await;
    wishes(&world, 1, &pair.access, &new_address(), PASSWORD).await.unwrap();
    let read = reads_of(&world, 2, &new_address(), MailKind::Change).await;
    let gate = Gate::default();
    world.wire.script(on("TransactWriteItems"), Fault::Late(gate.clone()));
    confirms(&world, 3, read.link()).await.unwrap();
    let back = reads_of(&world, 4, &amal.email, MailKind::Revert).await;
    reverts(&world, 5, back.link()).await.unwrap();
    gate.let_it_arrive().await;
    assert_eq!(text(&world.rows.profile(amal.id).await, "email"), amal.email.as_str());
    world.assert_dead(6, &pair).await;
}

#[tokio::test]
async fn rules_that_arrive_again_after_the_next_ones_do_not_come_back() {
    let (world, gate) = (World::new().await, Gate::default());
    let rules = |second: i64, source: &str| StoredRules {
        rules: Rules { rules: file::read(source).unwrap(), caching: Caching::Never },
        source: source.to_owned(),
        stored_at: time(second),
    };
    let (lax, strict) = (rules(0, "- route: ANY /*\n"), rules(1, "- route: GET /notes\n"));
    world.wire.script(on("PutItem").with("RULES"), Fault::Late(gate.clone()));
    assert!(world.service.store.put_rules("a1b2c3", &lax).await.unwrap());
    assert!(world.service.store.put_rules("a1b2c3", &strict).await.unwrap());
    gate.let_it_arrive().await;
    assert_eq!(world.service.store.rules("a1b2c3").await.unwrap(), Some(strict));
}

#[tokio::test]
async fn a_try_of_a_code_that_arrives_again_is_one_try() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = reads(&world, 1, &amal.email).await;
    let gate = Gate::default();
    world.wire.script(on("UpdateItem").with("ADD tries"), Fault::Late(gate.clone()));
    let wrong = reset(&world, 2, read.wrong_code(&amal.email), OTHER_PASSWORD).await;
    assert_eq!(refusal(wrong), Refusal::MailTokenInvalid);
    gate.let_it_arrive().await;
    let row = world.rows.all(SESSIONS, &format!("MAIL#{}", amal.email.digest()), "RESET#").await.remove(0);
    assert_eq!(row["tries"].as_ss().unwrap().len(), 1);
}
