//! Mail as `nova local` shows it: the links that an address was sent.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use super::caller::send;
use super::history::At;
use super::system::APP;
use super::world::{Phase, World};

/// The tokens of the links to this page (`/reset`) that were mailed to an address.
pub(crate) async fn links(world: &World, http: &Client, email: &str, page: &str) -> Vec<String> {
    let reply = send(http.get(format!("{}/_local/mail.json", world.auth))).await;
    let mails = reply.body.pointer("/mails").and_then(Value::as_array);
    let own = mails.into_iter().flatten().filter_map(|mail| {
        let is_own = mail.pointer("/to/0").and_then(Value::as_str) == Some(email);
        let (of, token) = mail.get("link")?.as_str()?.split_once("#t=")?;
        (is_own && of.strip_prefix(APP)? == page).then(|| token.to_owned())
    });
    own.collect()
}

/// Waits for a link that is none of these, for so long.
pub(crate) async fn mailed(
    world: &World,
    http: &Client,
    (email, page): (&str, &str),
    (before, patience): (&[String], At),
) -> Option<String> {
    let begun = world.recorder.clock.now();
    while world.recorder.clock.now() < begun + patience && *world.phase.borrow() == Phase::Run {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let new = links(world, http, email, page).await.into_iter().find(|token| !before.contains(token));
        if new.is_some() {
            return new;
        }
    }
    None
}
