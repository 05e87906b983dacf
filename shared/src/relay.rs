//! The edge of the relay: records of the tables' streams in, and the records that are to come again out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    domain::{mail::MailKey, moment::Moment, session::EndReason},
    flows::relay::{Change, Outlets, relay},
    runtime::{Diagnostic, Function},
    service::Relay,
};

/// The event is none of a stream: Lambda tells all of it again.
#[derive(Debug, thiserror::Error)]
#[error("the event is not one of a table's stream: it needs Records, each with a sequence number")]
pub struct Unreadable;

impl From<Unreadable> for Diagnostic {
    fn from(error: Unreadable) -> Self {
        Self { error_type: "RelayFailed".to_owned(), error_message: error.to_string() }
    }
}

/// The relay, and where it tells what it hears.
#[derive(Debug)]
pub struct Relaying<O> {
    pub service: Relay,
    pub outlets: O,
}

impl<O: Outlets> Function for Relaying<O> {
    type Answer = Value;
    type Error = Unreadable;

    async fn answer(&self, event: &str, _: Moment) -> Result<Value, Unreadable> {
        answer(&self.service, &self.outlets, event).await
    }
}

/// Tells what one event has, and says which of its records are to come again.
pub async fn answer(service: &Relay, outlets: &impl Outlets, event: &str) -> Result<Value, Unreadable> {
    let records = read(event).ok_or(Unreadable).inspect_err(|error| tracing::error!(error = %error))?;
    let told: Vec<_> =
        records.iter().filter_map(|record| Some((&record.sequence, record.change.clone()?))).collect();
    let changes: Vec<_> = told.iter().map(|(_, change)| change.clone()).collect();
    let failed = relay(&service.store, outlets, &changes).await;
    tracing::info!(
        records = records.len(),
        told = told.len() - failed.len(),
        failed = failed.len(),
        "relayed"
    );
    let again: BTreeSet<_> =
        failed.into_iter().filter_map(|place| told.get(place)).map(|(id, _)| *id).collect();
    let again: Vec<_> = again.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    Ok(json!({ "batchItemFailures": again }))
}

struct Record {
    sequence: String,
    /// None: it is nobody's business.
    change: Option<Change>,
}

fn read(event: &str) -> Option<Vec<Record>> {
    let event: Value = serde_json::from_str(event).ok()?;
    event.get("Records")?.as_array()?.iter().map(record).collect()
}

fn record(record: &Value) -> Option<Record> {
    let sequence = record.pointer("/dynamodb/SequenceNumber")?.as_str()?.to_owned();
    let change = change(record, &sequence);
    Some(Record { sequence, change })
}

/// What a record tells. The filters in the template let nothing else through; a mapping without them would only cost calls.
fn change(record: &Value, sequence: &str) -> Option<Change> {
    let text = |at: &str| record.pointer(at).and_then(Value::as_str);
    let (name, pk, sk) = (text("/eventName")?, text("/dynamodb/Keys/pk/S")?, text("/dynamodb/Keys/sk/S")?);
    if pk.starts_with("MAIL#") {
        return (name == "INSERT").then(|| MailKey::parse(pk, sk).ok().map(Change::MailAsked)).flatten();
    }
    let user = pk.strip_prefix("USER#")?.parse().ok()?;
    if sk == "PROFILE" {
        return ["MODIFY", "REMOVE"].contains(&name).then(|| Change::UserChanged(user, sequence.to_owned()));
    }
    let session = sk.strip_prefix("SESSION#")?.parse().ok()?;
    if name == "INSERT" {
        let is_told = record.pointer("/dynamodb/NewImage/newDevice/BOOL") == Some(&Value::Bool(true));
        return is_told.then_some(Change::NewDevice(user, session));
    }
    let is_ended = name == "MODIFY" && text("/dynamodb/NewImage/state/S") == Some("revoked");
    is_ended.then(|| {
        let reason = text("/dynamodb/NewImage/endedBy/S").and_then(EndReason::named);
        let at = text("/dynamodb/NewImage/revokedAt/N").and_then(|at| at.parse().ok());
        let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
        Change::SessionEnded { user, session, reason, at }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "USER#0190163d-8694-739b-aea5-966c26f8ad90";
    const SESSION: &str = "SESSION#0190163d-8694-739b-aea5-966c26f8ad91";

    fn told(name: &str, pk: &str, sk: &str, state: &str) -> bool {
        let image = json!({ "state": { "S": state } });
        let event = json!({ "Records": [{ "eventName": name, "dynamodb": {
            "SequenceNumber": "1", "Keys": { "pk": { "S": pk }, "sk": { "S": sk } }, "NewImage": image,
        } }] });
        read(&event.to_string()).unwrap()[0].change.is_some()
    }

    #[test]
    fn what_is_asked_for_ended_or_changed_is_told_and_nothing_else() {
        let mail = format!("MAIL#{}", "a1".repeat(32));
        let reset = "RESET#0190163d-8694-739b-aea5-966c26f8ad92";
        for (name, pk, sk, state, expected) in [
            ("INSERT", mail.as_str(), reset, "", true),
            // The sender's own marks, and the end of its time.
            ("MODIFY", &mail, reset, "", false),
            ("REMOVE", &mail, reset, "", false),
            ("INSERT", &mail, "RESET#1", "", false),
            ("MODIFY", USER, SESSION, "revoked", true),
            // A login, a refresh, and the removal of what has expired.
            ("INSERT", USER, SESSION, "active", false),
            ("MODIFY", USER, SESSION, "active", false),
            ("REMOVE", USER, SESSION, "revoked", false),
            ("MODIFY", USER, "PROFILE", "", true),
            ("REMOVE", USER, "PROFILE", "", true),
            ("INSERT", USER, "PROFILE", "", false),
            ("MODIFY", "EMAIL#sara@example.com", "CREDENTIAL", "", false),
            ("MODIFY", "USER#sara", "PROFILE", "", false),
        ] {
            assert_eq!(told(name, pk, sk, state), expected, "{name} {pk} {sk} {state}");
        }
    }

    #[test]
    fn an_event_of_no_stream_is_an_error() {
        for event in ["[", "{}", r#"{"Records":[{}]}"#, r#"{"Records":1}"#] {
            assert!(read(event).is_none(), "{event}");
        }
    }
}
