//! The account's suppression list, and the addresses that SES offers for trying things out.
//!
//! SES puts an address on it after a hard bounce or a complaint. Nothing leaves this machine, so nothing bounces: whoever tries it puts the
//! address there by SES's own call.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Mailbox;

/// The document with the list.
const LIST: &str = "suppressed-addresses";

/// SES's mailbox simulator: what is sent there bounces, and no account's list has the address.
const BOUNCING: [&str; 2] = ["bounce@simulator.amazonses.com", "suppressionlist@simulator.amazonses.com"];

/// Why an address is on it, and since when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    reason: String,
    since_ms: u64,
}

impl Entry {
    /// `None`: SES knows no such reason.
    pub(super) fn new(reason: &str, since_ms: u64) -> Option<Entry> {
        ["BOUNCE", "COMPLAINT"].contains(&reason).then(|| Entry { reason: reason.to_owned(), since_ms })
    }

    /// As SES tells it: times are seconds.
    pub(super) fn told(&self, address: &str) -> Value {
        json!({ "SuppressedDestination": {
            "EmailAddress": address, "Reason": self.reason, "LastUpdateTime": self.since_ms / 1000,
        } })
    }
}

impl Mailbox {
    pub(super) fn suppressed(&self, address: &str) -> Option<Entry> {
        self.suppression_list().remove(&folded(address))
    }

    /// Puts an address on the list, or takes it off. Tells whether it was there.
    pub(super) fn suppress(&self, address: &str, entry: Option<Entry>) -> Result<bool, String> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = self.suppression_list();
        let before = match entry {
            Some(entry) => list.insert(folded(address), entry),
            None => list.remove(&folded(address)),
        };
        let list = serde_json::to_string(&list).map_err(|error| error.to_string())?;
        self.documents.put(LIST, &list).map_err(|error| error.to_string())?;
        Ok(before.is_some())
    }

    /// Whether a mail that SES takes arrives.
    pub(super) fn reaches(&self, address: &str) -> bool {
        !BOUNCING.contains(&folded(address).as_str()) && self.suppressed(address).is_none()
    }

    fn suppression_list(&self) -> BTreeMap<String, Entry> {
        let list = self.documents.get(LIST).ok().flatten();
        list.and_then(|list| serde_json::from_str(&list).ok()).unwrap_or_default()
    }
}

fn folded(address: &str) -> String {
    address.to_ascii_lowercase()
}
