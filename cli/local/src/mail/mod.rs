//! A stand-in for Amazon SES, and the mailbox that shows what was sent: nothing leaves this machine.
//!
//! | | |
//! |---|---|
//! | `ses` | the calls of SES's API (v2) that a sender and an operator make |
//! | `suppression` | the addresses that SES sends nothing to any more |
//! | `pages` | `/_local/mail`, for a person, and `/_local/mail.json`, for tests |

mod pages;
mod ses;
mod suppression;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use serde::{Deserialize, Serialize};

pub(crate) use pages::answer;

use crate::clock::Clock;
use crate::documents::Documents;
use crate::random;

/// How many mails are kept: the last ones.
const MOST: usize = 200;

/// The document with the ids of all mails.
const INDEX: &str = "mails";

/// The mails, kept beside the secrets: with `--data`, they are there after a restart too.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    documents: Documents,
    /// One change of the index at a time.
    changing: Arc<Mutex<()>>,
}

/// A mail that was sent. It has a link in it: `Debug` shows nothing.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mail {
    pub(crate) id: String,
    pub(crate) sent_at_ms: u64,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Mail {
    /// The link that somebody clicks: the first of the text.
    fn link(&self) -> Option<&str> {
        let is_link = |word: &&str| word.starts_with("https://") || word.starts_with("http://");
        self.text.split_whitespace().find(is_link)
    }
}

impl Mailbox {
    pub(crate) fn new(documents: Documents) -> Mailbox {
        Mailbox { documents, changing: Arc::default() }
    }

    /// SES's API.
    pub(crate) fn router(&self, clock: &Clock) -> Router {
        ses::router(self.clone(), clock.clone())
    }

    fn keep(&self, mail: &Mail) -> Result<(), String> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_string(mail).map_err(|error| error.to_string())?;
        self.documents.put(&document(&mail.id), &text).map_err(|error| error.to_string())?;
        let mut ids = self.ids();
        ids.push(mail.id.clone());
        let old = ids.len().saturating_sub(MOST);
        for id in ids.drain(..old) {
            // What was in it is gone; an empty document is no mail.
            self.documents.put(&document(&id), "").map_err(|error| error.to_string())?;
        }
        let index = serde_json::to_string(&ids).map_err(|error| error.to_string())?;
        self.documents.put(INDEX, &index).map_err(|error| error.to_string())
    }

    fn ids(&self) -> Vec<String> {
        let index = self.documents.get(INDEX).ok().flatten();
        index.and_then(|index| serde_json::from_str(&index).ok()).unwrap_or_default()
    }

    fn find(&self, id: &str) -> Option<Mail> {
        let text = self.documents.get(&document(id)).ok().flatten()?;
        serde_json::from_str(&text).ok()
    }

    /// The newest first.
    fn all(&self) -> Vec<Mail> {
        self.ids().iter().rev().filter_map(|id| self.find(id)).collect()
    }
}

fn document(id: &str) -> String {
    format!("mail-{id}")
}

fn new_id() -> String {
    random::uuid()
}
