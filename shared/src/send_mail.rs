//! The edge of the sender: messages of the queue in, and those that are to come again out.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    domain::{
        ids::{SessionId, UserId},
        mail::MailKey,
        moment::Moment,
    },
    flows::mail::{
        new_device,
        send::{Post, Sending, Sent, send},
    },
    runtime::{Diagnostic, Function},
    telemetry::Metric,
};

/// The event is none of a queue: all of its messages come again.
#[derive(Debug, thiserror::Error)]
#[error("the event is not one of a queue: it needs Records, each with a messageId and a body")]
pub struct Unreadable;

impl From<Unreadable> for Diagnostic {
    fn from(error: Unreadable) -> Self {
        Self { error_type: "SendMailFailed".to_owned(), error_message: error.to_string() }
    }
}

/// The sender, and its post office.
#[derive(Debug)]
pub struct Sender<P> {
    pub service: Sending,
    pub post: P,
}

impl<P: Post> Function for Sender<P> {
    type Answer = Value;
    type Error = Unreadable;

    async fn answer(&self, event: &str, moment: Moment) -> Result<Value, Unreadable> {
        answer(&self.service, &self.post, event, moment.now).await
    }
}

/// Sends the mails of one event, and says which messages are to come again.
pub async fn answer(
    service: &Sending,
    post: &impl Post,
    event: &str,
    now: Timestamp,
) -> Result<Value, Unreadable> {
    let messages = read(event).ok_or(Unreadable).inspect_err(|error| tracing::error!(error = %error))?;
    let mut again = Vec::new();
    for (id, errand) in messages {
        let done = match errand {
            Some(Errand::Mail(key)) => deliver(service, post, &key, now).await,
            Some(Errand::NewDevice(user, session)) => ask_about(service, user, session).await,
            None => {
                tracing::error!("a message of the queue names no mail");
                false
            }
        };
        if !done {
            again.push(json!({ "itemIdentifier": id }));
        }
    }
    Ok(json!({ "batchItemFailures": again }))
}

/// What a message is for. One that can't be read comes again, and ends among the dead letters, where somebody sees it.
enum Errand {
    /// A mail is to be sent.
    Mail(MailKey),
    /// A user is to hear of a login: its mail has to be asked for first.
    NewDevice(UserId, SessionId),
}

/// `false`: it is to come again.
async fn ask_about(service: &Sending, user: UserId, session: SessionId) -> bool {
    let asked = new_device::ask(&service.store, user, session).await;
    if let Err(error) = &asked {
        let (metric, session) = (Metric::MailNotSent.name(), session.to_string());
        tracing::error!(metric, session.id = session, error = %error, "mail not asked for");
    }
    asked.is_ok()
}

/// `false`: it is to come again.
async fn deliver(service: &Sending, post: &impl Post, key: &MailKey, now: Timestamp) -> bool {
    let (id, kind) = (key.id.to_string(), key.kind.name());
    match send(service, post, key, now).await {
        Ok(Sent::Now) => {
            tracing::info!(metric = Metric::MailSent.name(), mail.id = id, mail.kind = kind, "mail sent")
        }
        Ok(sent) => tracing::info!(mail.id = id, mail.kind = kind, outcome = ?sent, "no mail to send"),
        Err(error) => {
            let metric = Metric::MailNotSent.name();
            tracing::error!(metric, mail.id = id, mail.kind = kind, error = %error, "mail not sent");
            return false;
        }
    }
    true
}

/// Each message's id, and what it is for.
fn read(event: &str) -> Option<Vec<(String, Option<Errand>)>> {
    let event: Value = serde_json::from_str(event).ok()?;
    event.get("Records")?.as_array()?.iter().map(message).collect()
}

fn message(record: &Value) -> Option<(String, Option<Errand>)> {
    let text = |name: &str| record.get(name)?.as_str();
    let (id, body) = (text("messageId")?.to_owned(), text("body")?);
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let part = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (pk, sk) = (part("pk"), part("sk"));
    let new_device = || {
        let (user, session) = (pk.strip_prefix("USER#")?, sk.strip_prefix("SESSION#")?);
        Some(Errand::NewDevice(user.parse().ok()?, session.parse().ok()?))
    };
    Some((id, MailKey::parse(pk, sk).ok().map(Errand::Mail).or_else(new_device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_mail_and_one_that_names_none_is_told_apart() {
        let pk = format!("MAIL#{}", "a1".repeat(32));
        let body = json!({ "id": "mail:1", "pk": pk, "sk": "RESET#0190163d-8694-739b-aea5-966c26f8ad92" });
        let user = "USER#0190163d-8694-739b-aea5-966c26f8ad90";
        let session = "SESSION#0190163d-8694-739b-aea5-966c26f8ad91";
        let event = json!({ "Records": [
            { "messageId": "1", "body": body.to_string() },
            { "messageId": "2", "body": "{}" },
            { "messageId": "3", "body": "no JSON" },
            { "messageId": "4", "body": json!({ "pk": user, "sk": session }).to_string() },
            { "messageId": "5", "body": json!({ "pk": user, "sk": "PROFILE" }).to_string() },
        ] });
        let read = read(&event.to_string()).unwrap();
        let read: Vec<_> = read.iter().map(|(id, key)| (id.as_str(), key.is_some())).collect();
        assert_eq!(read, [("1", true), ("2", false), ("3", false), ("4", true), ("5", false)]);
    }

    #[test]
    fn an_event_of_no_queue_is_an_error() {
        for event in ["[", "{}", r#"{"Records":[{}]}"#, r#"{"Records":[{"messageId":"1"}]}"#] {
            assert!(read(event).is_none(), "{event}");
        }
    }
}
