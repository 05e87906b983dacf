//! What the sender does with a row that asks for a mail: sent at least once, always with the same link, and to nobody who is not there.

use std::sync::{Arc, Mutex};

use nova_auth::{
    domain::{
        email::Email,
        mail::{Mail, MailKey, MailKind, Notice},
        moment::{Moment, RequestId},
        user::Status,
    },
    flows::{
        mail::send::{NotSent, NotTaken, Post, Sending, Sent, send},
        operator::{Edit, Operator},
    },
    letters::Letter,
    messages::Language,
};

use super::{
    mailbox::{forgets, newest},
    rows::SESSIONS,
    world::{OTHER_PASSWORD, World, time},
};

/// A post office, and what it took.
#[derive(Default)]
struct Office {
    /// What it says of the next letters, until there is nothing more to say.
    refusals: Mutex<Vec<&'static str>>,
    taken: Mutex<Vec<(String, String)>>,
    texts: Mutex<Vec<String>>,
}

impl Office {
    fn closed(times: usize) -> Office {
        Office { refusals: Mutex::new(vec!["SendingPausedException"; times]), ..Office::default() }
    }

    /// Whom it was given letters for, and the link in each.
    fn taken(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().clone()
    }
}

impl Post for Office {
    async fn deliver(&self, to: &Email, letter: &Letter) -> Result<(), NotTaken> {
        if let Some(refusal) = self.refusals.lock().unwrap().pop() {
            return Err(NotTaken(refusal.to_owned()));
        }
        let link = letter.text.split_whitespace().find(|word| word.starts_with("https://"));
        self.texts.lock().unwrap().push(letter.text.clone());
        self.taken.lock().unwrap().push((to.as_str().to_owned(), link.unwrap_or_default().to_owned()));
        Ok(())
    }
}

fn service(world: &Arc<World>) -> Sending {
    Sending {
        store: world.service.store.clone(),
        links: world.mail_links(),
        service: "Nova CRM".to_owned(),
        app: "https://app.example.com".to_owned(),
        language: Language::Arabic,
    }
}

async fn sent(world: &Arc<World>, office: &Office, key: &MailKey, second: i64) -> Result<Sent, NotSent> {
    send(&service(world), office, key, time(second)).await
}

#[tokio::test]
async fn a_mail_is_sent_once_and_a_message_that_comes_again_sends_nothing() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let (office, key) = (Office::default(), newest(&world, &amal.email, MailKind::Reset).await);
    assert_eq!(sent(&world, &office, &key, 1).await.unwrap(), Sent::Now);
    assert_eq!(sent(&world, &office, &key, 2).await.unwrap(), Sent::Before);
    let [(to, link)] = &office.taken()[..] else { panic!("{:?}", office.taken()) };
    assert_eq!(to, amal.email.as_str());
    assert!(link.starts_with("https://app.example.com/reset#t="), "{link}");
}

/// A code is good for ten minutes. One that is over would send its reader into five refusals.
#[tokio::test]
async fn a_mail_that_comes_late_has_its_link_and_no_code() {
    for (second, has_code) in [(599, true), (600, false)] {
        let world = World::new().await;
        let amal = world.person("amal").await;
        forgets(&world, 0, &amal.email).await.unwrap();
        let (office, key) = (Office::default(), newest(&world, &amal.email, MailKind::Reset).await);
        sent(&world, &office, &key, second).await.unwrap();
        let text = office.texts.lock().unwrap().remove(0);
        assert_eq!(text.contains("enter this code"), has_code, "{text}");
        assert!(text.contains("https://app.example.com/reset#t="), "{text}");
    }
}

/// It may have been changed because it was never the user's: whose account it was is nobody's business there.
#[tokio::test]
async fn the_address_that_an_operator_took_away_is_told_and_learns_no_name() {
    let world = World::new().await;
    let person = world.person("amal").await;
    let (moment, store) = (world.at(0), &world.service.store);
    let operator = Operator { store, moment: &moment, journal: world.service.journal, tells: Some("en") };
    let edit = Edit { email: Email::parse("badr@example.com").ok(), name: None };
    operator.edit(person.id, &edit).await.unwrap();
    let (office, key) = (Office::default(), newest(&world, &person.email, MailKind::Notice).await);
    assert_eq!(sent(&world, &office, &key, 1).await.unwrap(), Sent::Now);
    assert_eq!(office.taken(), [(person.email.as_str().to_owned(), String::new())]);
    let text = office.texts.lock().unwrap().remove(0);
    assert!(
        text.contains("another email address") && !text.contains("amal") && !text.contains("badr"),
        "{text}"
    );
}

/// The row is free again after a minute, and the queue shows the message after a minute and a half.
#[tokio::test]
async fn a_mail_that_was_not_taken_is_sent_later_and_nobody_else_sends_it_meanwhile() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let (office, key) = (Office::closed(1), newest(&world, &amal.email, MailKind::Reset).await);
    assert!(matches!(sent(&world, &office, &key, 1).await, Err(NotSent::NotTaken(_))));
    assert!(matches!(sent(&world, &office, &key, 60).await, Err(NotSent::Held)));
    assert_eq!(sent(&world, &office, &key, 91).await.unwrap(), Sent::Now);
    assert_eq!(office.taken().len(), 1);
}

/// A sender that died after SES had the mail sends it once more: a reader must not find two links of which one is dead.
#[tokio::test]
async fn a_mail_that_is_sent_twice_has_the_same_link_both_times() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let (office, key) = (Office::default(), newest(&world, &amal.email, MailKind::Reset).await);
    sent(&world, &office, &key, 1).await.unwrap();
    world.rows.remove(SESSIONS, &key.pk(), &key.sk(), "sentAt").await;
    assert_eq!(sent(&world, &office, &key, 62).await.unwrap(), Sent::Now);
    let taken = office.taken();
    assert_eq!((taken.len(), &taken[0]), (2, &taken[1]));
}

#[tokio::test]
async fn nobody_and_somebody_who_is_not_active_get_no_mail_and_the_row_remembers_that() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    world.set_status(&world.at(0), &amal, Status::Disabled).await.unwrap();
    let nobody = Email::parse("nobody@example.com").unwrap();
    for email in [&nobody, &amal.email] {
        forgets(&world, 1, email).await.unwrap();
        let (office, key) = (Office::default(), newest(&world, email, MailKind::Reset).await);
        for _ in 0..2 {
            assert_eq!(sent(&world, &office, &key, 2).await.unwrap(), Sent::Nobody);
        }
        assert!(office.taken().is_empty());
        assert!(world.service.store.mail(&key).await.unwrap().unwrap().nobody);
    }
}

/// The row may be there for days after its end.
#[tokio::test]
async fn a_mail_whose_time_is_over_is_not_sent() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let (office, key) = (Office::default(), newest(&world, &amal.email, MailKind::Reset).await);
    assert_eq!(sent(&world, &office, &key, 30 * 60).await.unwrap(), Sent::Over);
    world.rows.delete(SESSIONS, &key.pk(), &key.sk()).await;
    assert_eq!(sent(&world, &office, &key, 1).await.unwrap(), Sent::Over);
    assert!(office.taken().is_empty());
}

/// Registrations go to whoever has the address: one who has an account learns of it, and gets no link to a second one.
#[tokio::test]
async fn an_address_that_is_taken_by_now_gets_a_notice_and_no_link() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    let moment = Moment { now: time(0), request: RequestId::new("register") };
    for (email, is_free) in [(amal.email.clone(), false), (Email::parse("new@example.com").unwrap(), true)] {
        let key = nova_auth::flows::mail::new_key(MailKind::Verify, &email, &moment).unwrap();
        let mail = Mail::new(MailKind::Verify, email.clone(), "en", &moment);
        world.service.store.put_mail(&key, &mail).await.unwrap();
        let office = Office::default();
        assert_eq!(sent(&world, &office, &key, 1).await.unwrap(), Sent::Now);
        let [(to, link)] = &office.taken()[..] else { panic!("{:?}", office.taken()) };
        assert_eq!((to.as_str(), link.contains("/verify#t=")), (email.as_str(), is_free));
    }
}

/// The reader is told of a changed password without a link: there is nothing to click in a mail that warns.
#[tokio::test]
async fn who_set_a_password_by_mail_is_told_by_a_mail_without_a_link() {
    let world = World::new().await;
    let amal = world.person("amal").await;
    forgets(&world, 0, &amal.email).await.unwrap();
    let read = super::mailbox::reads(&world, 1, &amal.email).await;
    super::mailbox::reset(&world, 2, read.link(), OTHER_PASSWORD).await.unwrap();
    let (office, key) = (Office::default(), newest(&world, &amal.email, MailKind::Notice).await);
    assert_eq!(sent(&world, &office, &key, 3).await.unwrap(), Sent::Now);
    assert_eq!(office.taken(), [(amal.email.as_str().to_owned(), String::new())]);
}

/// Between the wish and its sending the account moved, or was disabled: its mail would reach somebody whom it does not concern.
#[tokio::test]
async fn a_mail_about_an_account_goes_to_nobody_once_the_account_has_left_the_address_or_is_disabled() {
    for what in ["nothing", "moved", "disabled"] {
        for (kind, notice) in [
            (MailKind::Verify, None),
            (MailKind::Deny, None),
            (MailKind::Invite, None),
            (MailKind::Notice, Some(Notice::FactorsGuessed)),
        ] {
            let world = World::new().await;
            let amal = world.person("amal").await;
            let (moment, store) = (world.at(0), &world.service.store);
            let key = nova_auth::flows::mail::new_key(kind, &amal.email, &moment).unwrap();
            let session_id =
                (kind == MailKind::Deny).then(|| "0190163d-8694-739b-aea5-966c26f8ad92".parse().unwrap());
            let mail = Mail {
                user_id: Some(amal.id),
                session_id,
                notice,
                ..Mail::new(kind, amal.email.clone(), "en", &moment)
            };
            store.put_mail(&key, &mail).await.unwrap();
            match what {
                "moved" => {
                    let journal = world.service.journal;
                    let operator = Operator { store, moment: &moment, journal, tells: None };
                    let edit = Edit { email: Email::parse("badr@example.com").ok(), name: None };
                    operator.edit(amal.id, &edit).await.unwrap();
                }
                "disabled" => world.set_status(&moment, &amal, Status::Disabled).await.unwrap(),
                _ => {}
            }
            let office = Office::default();
            let became = sent(&world, &office, &key, 1).await.unwrap();
            // Who came already is invited no more.
            let is_sent = what == "nothing" && kind != MailKind::Invite;
            let expected = if is_sent { Sent::Now } else { Sent::Nobody };
            assert_eq!((became, office.taken().len()), (expected, usize::from(is_sent)), "{what}, {kind:?}");
        }
    }
}
