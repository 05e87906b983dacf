//! The mails of a stack: their links and codes, computed from the rows as the sender computes them.

use std::time::Duration;

use nova_auth::app::{mail_links, start_time};
use nova_auth::aws::Clients;
use nova_auth::config::Config;
use nova_auth::domain::email::Email;
use nova_auth::domain::mail::{MailDigest, MailKind};
use nova_auth::store::{Credential, Store, Tables};

use super::rows::{IDENTITY, SESSIONS};
use super::stack::System;

/// What stands in a mail.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) token: String,
    pub(crate) code: String,
}

/// The newest mail of a kind in a mailbox; it is made ready, if no sender has done that yet.
pub(crate) async fn read(system: &System, email: &str, kind: MailKind) -> Read {
    let config: Config = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", system.stack.dynamodb_url()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", system.stack.secretsmanager_url()),
        ("LINK_KEYS_SECRET", "LinkKeysSecret"),
    ]
    .into_iter()
    .collect();
    let clients = Clients::new(&config.aws().unwrap()).unwrap();
    let links = mail_links(&config, &clients).unwrap();
    let tables = Tables { identity: IDENTITY.to_owned(), sessions: SESSIONS.to_owned() };
    let store = Store::new(clients.dynamodb, tables);
    let (email, now) = (Email::parse(email).unwrap(), start_time());
    // The sender asks for some of them, a moment after what they are about.
    let asked_for = async {
        loop {
            let newest = store.newest_mails(&MailDigest::of(&email), kind).await.unwrap();
            if let Some(found) = newest.into_iter().next() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let asked_for = tokio::time::timeout(Duration::from_secs(60), asked_for).await;
    let (key, mut mail) = asked_for.unwrap_or_else(|_| panic!("no such mail: {}", system.stack.logs()));
    if mail.prepared.is_none() {
        let credential = store.credential(&email).await.unwrap();
        let bound = mail.bound(kind, credential.as_ref().map(Credential::bound)).unwrap();
        let user = mail.user_id.or(credential.filter(|_| kind == MailKind::Reset).map(|found| found.user_id));
        let prepared = links.prepare(user, bound, now).await.unwrap();
        // A sender that was first has prepared the same.
        if let Some(leased) = store.lease_mail(&key, &prepared, now).await.unwrap() {
            mail = leased;
        } else {
            mail = store.mail(&key).await.unwrap().unwrap();
        }
    }
    let prepared = mail.prepared.clone().unwrap();
    Read {
        token: links.token(&key, &mail, &prepared, now).await.unwrap().unwrap().expose(),
        code: links.code(&key, &mail, &prepared, now).await.unwrap().unwrap().expose().to_owned(),
    }
}
