//! The ring of the links in mail, rotated: a link that is out works until its key is gone, and never longer.

use nova_auth::domain::email::Email;
use nova_auth::domain::mail::{Bound, Mail, MailDigest, MailKey, MailKind, MailToken, Prepared};
use nova_auth::domain::moment::{Moment, RequestId};
use nova_auth::flows::drop_keys::drop_keys;
use nova_auth::flows::rotate_keys::{Step, StepRequest, rotate_keys};
use nova_auth::keys::{KeyAlgorithm, KeyCache, MailLinks, TokenKind};

use super::steps::rotate;
use super::vault::{Fault, LINKS, Vault, at};

/// A function that works with links.
fn instance(vault: &Vault) -> MailLinks {
    MailLinks::new(KeyCache::new(vault.client(), LINKS.to_owned(), TokenKind::Link))
}

fn key() -> MailKey {
    let mailbox = MailDigest::of(&Email::parse("sara@example.com").unwrap());
    MailKey { mailbox, kind: MailKind::Invite, id: "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap() }
}

async fn sent(links: &MailLinks, second: i64) -> (Mail, MailToken) {
    let moment = Moment { now: at(second), request: RequestId::new("request") };
    let mail = Mail::new(MailKind::Invite, Email::parse("sara@example.com").unwrap(), "ar", &moment);
    let prepared = links.prepare(None, Bound::to("hash"), at(second)).await.unwrap();
    let mail = Mail { prepared: Some(prepared), sent_at: Some(at(second)), ..mail };
    let token = made(links, &mail, second).await.unwrap();
    (mail, token)
}

/// The link of the mail, computed again: what is clicked has to be this.
async fn made(links: &MailLinks, mail: &Mail, second: i64) -> Option<MailToken> {
    let prepared: &Prepared = mail.prepared.as_ref().unwrap();
    links.token(&key(), mail, prepared, at(second)).await.unwrap()
}

#[tokio::test]
async fn a_link_that_is_out_survives_a_rotation_and_new_ones_are_made_with_the_new_key() {
    let vault = Vault::new();
    let old = instance(&vault);
    let (mail, token) = sent(&old, 0).await;
    rotate(&vault, KeyAlgorithm::Es256, 1, LINKS, "v2").await;
    // Whatever is configured for access tokens: links are MACs.
    assert!(vault.in_force(LINKS).1.keys().all(|key| key.algorithm == KeyAlgorithm::Hs256));
    let new = vault.kids(LINKS)[1].clone();
    assert!(new.starts_with("link-") && new != "link-1", "{new}");
    let (late, week) = (3700, 7 * 24 * 3600);
    for links in [&old, &instance(&vault)] {
        let (newer, _) = sent(links, late).await;
        assert_eq!(newer.prepared.unwrap().kid, new);
        assert_eq!(made(links, &mail, late).await, Some(token));
        assert_eq!(made(links, &mail, week - 1).await, Some(token), "an invitation works for seven days");
    }
}

#[tokio::test]
async fn a_key_leaves_no_sooner_than_its_last_invitation_is_over() {
    let vault = Vault::new();
    let (hour, algorithm) = (3600, KeyAlgorithm::Hs256);
    rotate(&vault, algorithm, 0, LINKS, "v2").await;
    // The successor makes links from the first hour on; an invitation, staleness, leeway and cache: 607 535 seconds.
    let over = hour + 7 * 24 * 3600 + 45 * 60 + 5 + 30;
    rotate(&vault, algorithm, over - 1, LINKS, "v3").await;
    assert!(vault.kids(LINKS).contains(&"link-1".to_owned()));
    rotate(&vault, algorithm, over, LINKS, "v4").await;
    assert!(!vault.kids(LINKS).contains(&"link-1".to_owned()));
}

#[tokio::test]
async fn a_dropped_key_takes_its_links_with_it_within_half_a_minute() {
    let vault = Vault::new();
    let running = instance(&vault);
    let (mail, token) = sent(&running, 0).await;
    let secret = vault.secret(LINKS);
    let kids = ["link-1".to_owned()];
    Box::pin(drop_keys(&secret, TokenKind::Link, &kids, KeyAlgorithm::Hs256, at(10))).await.unwrap();
    assert_eq!(made(&instance(&vault), &mail, 11).await, None);
    assert_eq!(made(&running, &mail, 11).await, Some(token), "it knows the old ring for half a minute");
    assert_eq!(made(&running, &mail, 41).await, None);
    let (_, next) = sent(&running, 42).await;
    assert_ne!(next, token);
}

/// The same as of the other rings (`steps`), seen from a link: it works at every moment of it.
#[tokio::test]
async fn a_step_that_fails_in_between_costs_no_link() {
    for dying in 0..20 {
        let vault = Vault::new();
        let (mail, token) = sent(&instance(&vault), 0).await;
        let service = vault.rotation(KeyAlgorithm::Hs256);
        vault.begin_rotation(LINKS, "v2");
        vault.set(Fault::DieAt(dying));
        for step in [Step::Create, Step::Set, Step::Test, Step::Finish] {
            for _ in 0..2 {
                let request = StepRequest { secret: LINKS.to_owned(), version: "v2".to_owned(), step };
                let done = Box::pin(rotate_keys(&service, at(1), &request)).await;
                vault.set(Fault::None);
                assert_eq!(made(&instance(&vault), &mail, 2).await, Some(token), "{dying} {step:?}");
                if done.is_ok() {
                    break;
                }
            }
        }
        assert_eq!((vault.in_force(LINKS).0.as_str(), vault.kids(LINKS).len()), ("v2", 2), "{dying}");
    }
}
