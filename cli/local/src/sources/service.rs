//! The calls of SQS (`AmazonSQS.…`) and EventBridge (`AWSEvents.…`), as SDKs send them: JSON, the operation in a header.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Map, Value, json};

use super::queues::{Depth, Message, attributes, md5_of};
use super::{Buses, Queues};
use crate::clock::Clock;
use crate::guard;
use crate::random;
use nova_template::Queue;

/// Maximum entries of a batch, of both services.
const BATCH: usize = 10;

/// Maximum bytes of a message, and of all in a batch.
const LARGEST: usize = 1024 * 1024;

/// SQS lets nobody wait longer for a message.
const LONGEST_WAIT_SECONDS: u64 = 20;

/// How often a call that waits looks again.
const RESTS_PER_SECOND: u64 = 20;

/// How long it rests in between.
const REST: Duration = Duration::from_millis(1000 / RESTS_PER_SECOND);

#[derive(Clone)]
struct Services {
    queues: Queues,
    buses: Buses,
    clock: Clock,
}

/// Why a call is refused: the error's type, and its message.
type Refused = (&'static str, String);
type Answer = Result<Value, Refused>;

pub(super) fn router(queues: Queues, buses: Buses, clock: Clock) -> Router {
    Router::new()
        .route("/", post(call))
        .layer(axum::middleware::from_fn(guard::by_programs))
        .with_state(Services { queues, buses, clock })
}

async fn call(State(services): State<Services>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let input: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    let (kind, answer) = match target.split_once('.') {
        Some(("AmazonSQS", operation)) => {
            ("application/x-amz-json-1.0", services.sqs_in_time(operation, &input).await)
        }
        Some(("AWSEvents", operation)) => {
            ("application/x-amz-json-1.1", services.events(operation, &input, services.clock.now_ms()))
        }
        _ => ("application/x-amz-json-1.0", Err(unknown(target))),
    };
    let (status, answer) = match answer {
        Ok(answer) => (StatusCode::OK, answer),
        Err((kind, message)) => (StatusCode::BAD_REQUEST, json!({ "__type": kind, "message": message })),
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::HeaderName::from_static("x-amzn-requestid"), random::uuid()),
    ];
    (status, headers, answer.to_string()).into_response()
}

fn unknown(operation: &str) -> Refused {
    ("UnknownOperationException", format!("nova local does not support {operation}"))
}

impl Services {
    fn events(&self, operation: &str, input: &Map<String, Value>, now_ms: u64) -> Answer {
        if operation != "PutEvents" {
            return Err(unknown(operation));
        }
        let entries = entries(input, "Entries").map_err(|message| ("ValidationException", message))?;
        let answers: Vec<_> = entries
            .iter()
            .map(|entry| match self.buses.put(entry, now_ms) {
                Ok(id) => json!({ "EventId": id }),
                Err((code, message)) => json!({ "ErrorCode": code, "ErrorMessage": message }),
            })
            .collect();
        let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
        Ok(json!({ "FailedEntryCount": failed, "Entries": answers }))
    }

    /// As [`Services::sqs`]; what receives waits for a message as long as it, or its queue, says.
    async fn sqs_in_time(&self, operation: &str, input: &Map<String, Value>) -> Answer {
        for _ in 0..self.rests(operation, input) {
            let answer = self.sqs(operation, input, self.clock.now_ms())?;
            if answer.get("Messages").is_some() {
                return Ok(answer);
            }
            tokio::time::sleep(REST).await;
        }
        self.sqs(operation, input, self.clock.now_ms())
    }

    /// How often a call rests before it is answered that there is nothing.
    fn rests(&self, operation: &str, input: &Map<String, Value>) -> u64 {
        if operation != "ReceiveMessage" {
            return 0;
        }
        let queue = input.get("QueueUrl").and_then(Value::as_str).and_then(|url| self.queues.find(url));
        let own = queue.map_or(0, |queue| queue.wait_seconds);
        let seconds = input.get("WaitTimeSeconds").and_then(Value::as_u64).unwrap_or(own);
        seconds.min(LONGEST_WAIT_SECONDS) * RESTS_PER_SECOND
    }

    fn sqs(&self, operation: &str, input: &Map<String, Value>, now_ms: u64) -> Answer {
        let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| input.get(name).and_then(Value::as_u64);
        if operation == "ListQueues" {
            let urls: Vec<_> = self.queues.all().into_iter().map(|queue| queue.url).collect();
            return Ok(json!({ "QueueUrls": urls }));
        }
        let named = if operation == "GetQueueUrl" { text("QueueName") } else { text("QueueUrl") };
        let queue = self.queues.find(named).ok_or_else(no_queue)?;
        match operation {
            "GetQueueUrl" => Ok(json!({ "QueueUrl": queue.url })),
            "GetQueueAttributes" => Ok(described(&queue, self.queues.depth(&queue.arn, now_ms))),
            "SendMessage" => {
                self.send(&queue, input, now_ms).map_err(|(code, message)| (code, message.to_owned()))
            }
            "SendMessageBatch" => self.send_batch(&queue, input, now_ms),
            "ReceiveMessage" => Ok(self.receive(&queue, input, now_ms)),
            "DeleteMessage" => {
                self.queues.delete(&queue.arn, text("ReceiptHandle"));
                Ok(json!({}))
            }
            "DeleteMessageBatch" => self.delete_batch(&queue, input),
            "ChangeMessageVisibility" => {
                let seconds = number("VisibilityTimeout").unwrap_or_default();
                if !self.queues.show_after(&queue.arn, text("ReceiptHandle"), seconds, now_ms) {
                    return Err(("ReceiptHandleIsInvalid", "The receipt handle is not valid.".to_owned()));
                }
                Ok(json!({}))
            }
            "PurgeQueue" => {
                self.queues.purge(&queue.arn);
                Ok(json!({}))
            }
            other => Err(unknown(other)),
        }
    }

    fn receive(&self, queue: &Queue, input: &Map<String, Value>, now_ms: u64) -> Value {
        let number = |name: &str| input.get(name).and_then(Value::as_u64);
        let most = number("MaxNumberOfMessages").and_then(|most| usize::try_from(most).ok()).unwrap_or(1);
        let found = self.queues.receive(&queue.arn, most.min(BATCH), number("VisibilityTimeout"), now_ms);
        let found: Vec<_> = found.iter().map(received).collect();
        if found.is_empty() { json!({}) } else { json!({ "Messages": found }) }
    }

    fn delete_batch(&self, queue: &Queue, input: &Map<String, Value>) -> Answer {
        let entries = batch(input)?;
        let handles = entries.iter().filter_map(|entry| entry.get("ReceiptHandle")?.as_str());
        handles.for_each(|receipt| self.queues.delete(&queue.arn, receipt));
        let done: Vec<_> = entries.iter().map(|entry| json!({ "Id": entry.get("Id") })).collect();
        Ok(json!({ "Successful": done, "Failed": [] }))
    }

    fn send(
        &self,
        queue: &Queue,
        entry: &Map<String, Value>,
        now_ms: u64,
    ) -> Result<Value, (&'static str, &'static str)> {
        let body = entry.get("MessageBody").and_then(Value::as_str).unwrap_or_default();
        if body.is_empty() || body.len() > LARGEST {
            return Err(("InvalidParameterValue", "The message must not be empty, or larger than 1 MiB."));
        }
        let delay = entry.get("DelaySeconds").and_then(Value::as_u64);
        let id = self.queues.send(&queue.arn, body.to_owned(), delay, now_ms).unwrap_or_default();
        Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5_of(body) }))
    }

    fn send_batch(&self, queue: &Queue, input: &Map<String, Value>, now_ms: u64) -> Answer {
        let (mut sent, mut failed) = (Vec::new(), Vec::new());
        for entry in batch(input)? {
            let id = entry.get("Id").cloned().unwrap_or_default();
            let fields = entry.as_object().cloned().unwrap_or_default();
            match self.send(queue, &fields, now_ms) {
                Ok(mut answer) => {
                    if let Some(answer) = answer.as_object_mut() {
                        answer.insert("Id".to_owned(), id);
                    }
                    sent.push(answer);
                }
                Err((code, message)) => {
                    failed.push(json!({ "Id": id, "Code": code, "Message": message, "SenderFault": true }))
                }
            }
        }
        Ok(json!({ "Successful": sent, "Failed": failed }))
    }
}

fn no_queue() -> Refused {
    let message = "The specified queue does not exist.".to_owned();
    ("com.amazonaws.sqs#QueueDoesNotExist", message)
}

/// The entries of a batch, each with an id of its own.
fn batch(input: &Map<String, Value>) -> Result<Vec<Value>, Refused> {
    let entries = entries(input, "Entries")
        .map_err(|message| ("com.amazonaws.sqs#TooManyEntriesInBatchRequest", message))?;
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.get("Id").and_then(Value::as_str)).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        let message = "Two or more batch entries have the same Id.".to_owned();
        return Err(("com.amazonaws.sqs#BatchEntryIdsNotDistinct", message));
    }
    Ok(entries)
}

fn entries(input: &Map<String, Value>, name: &str) -> Result<Vec<Value>, String> {
    let entries = input.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    if entries.is_empty() || entries.len() > BATCH {
        return Err(format!("{} entries; there must be 1 to {BATCH}.", entries.len()));
    }
    Ok(entries)
}

fn received(message: &Message) -> Value {
    json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5_of(&message.body),
        "Attributes": attributes(message),
    })
}

fn described(queue: &Queue, depth: Depth) -> Value {
    json!({ "Attributes": {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": depth.visible.to_string(),
        "ApproximateNumberOfMessagesNotVisible": depth.received.to_string(),
        "ApproximateNumberOfMessagesDelayed": depth.delayed.to_string(),
        "VisibilityTimeout": queue.visibility_seconds.to_string(),
        "MessageRetentionPeriod": queue.retention_seconds.to_string(),
    } })
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
