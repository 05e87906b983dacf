//! SQS: messages that are there until somebody deletes them, and queues that call a function.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{Passed, Target, failed};
use crate::random;
use nova_template::{Queue, QueueSource, REGION};

/// All queues of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Queues(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    queues: Vec<Held>,
    passed: Passed,
}

#[derive(Debug)]
struct Held {
    queue: Queue,
    messages: VecDeque<Message>,
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) sent_ms: u64,
    pub(super) first_received_ms: u64,
    pub(super) receives: u64,
    /// Names this receipt, and no earlier one.
    pub(super) receipt: String,
    /// Nobody gets it before.
    visible_ms: u64,
}

impl Message {
    /// Hands it to somebody, out of everybody else's sight for as long.
    fn take(&mut self, now_ms: u64, visibility_seconds: u64) {
        self.receives += 1;
        self.receipt = random::uuid();
        self.visible_ms = later(now_ms, visibility_seconds);
        if self.first_received_ms == 0 {
            self.first_received_ms = now_ms;
        }
    }
}

/// How many messages a queue has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) visible: usize,
    /// With somebody, and not deleted yet.
    pub(super) received: usize,
    pub(super) delayed: usize,
}

impl Queues {
    pub(super) fn new(queues: impl Iterator<Item = Queue>) -> Queues {
        let queues = queues.map(|queue| Held { queue, messages: VecDeque::new() }).collect();
        Queues(Arc::new(Mutex::new(State { queues, passed: Passed::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue of this address, ARN or name.
    pub(super) fn find(&self, any: &str) -> Option<Queue> {
        let name = any.rsplit(['/', ':']).next().unwrap_or_default();
        self.state().queues.iter().map(|held| &held.queue).find(|queue| queue.name == name).cloned()
    }

    pub(super) fn all(&self) -> Vec<Queue> {
        self.state().queues.iter().map(|held| held.queue.clone()).collect()
    }

    /// Puts a message in, and gives its id. `None`: there is no such queue.
    pub(super) fn send(
        &self,
        arn: &str,
        body: String,
        delay_seconds: Option<u64>,
        now_ms: u64,
    ) -> Option<String> {
        let mut state = self.state();
        let held = state.queues.iter_mut().find(|held| held.queue.arn == arn)?;
        let delay = delay_seconds.unwrap_or(held.queue.delay_seconds);
        let id = random::uuid();
        held.messages.push_back(Message {
            id: id.clone(),
            body: body.clone(),
            sent_ms: now_ms,
            first_received_ms: 0,
            receives: 0,
            receipt: String::new(),
            visible_ms: later(now_ms, delay),
        });
        state.passed.add(body);
        Some(id)
    }

    /// As [`Queues::send`]; a queue that is not there gets nothing.
    pub(super) fn send_to(&self, arn: &str, body: String, now_ms: u64) {
        drop(self.send(arn, body, None, now_ms));
    }

    /// Takes messages out of sight. Those that were received too often go to the dead letters instead.
    pub(super) fn receive(
        &self,
        arn: &str,
        most: usize,
        visibility_seconds: Option<u64>,
        now_ms: u64,
    ) -> Vec<Message> {
        let mut state = self.state();
        let Some(held) = state.queues.iter_mut().find(|held| held.queue.arn == arn) else {
            return Vec::new();
        };
        let kept = held.queue.retention_seconds;
        held.messages.retain(|message| now_ms < later(message.sent_ms, kept));
        let dead_letters = held.queue.dead_letters.clone();
        let most_receives = dead_letters.as_ref().map_or(u64::MAX, |(_, most)| *most);
        let visibility = visibility_seconds.unwrap_or(held.queue.visibility_seconds);
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        for mut message in std::mem::take(&mut held.messages) {
            let is_free = message.visible_ms <= now_ms;
            if is_free && message.receives >= most_receives {
                dead.push(message);
                continue;
            }
            if is_free && received.len() < most {
                message.take(now_ms, visibility);
                received.push(message.clone());
            }
            held.messages.push_back(message);
        }
        if let Some((arn, _)) = dead_letters
            && let Some(held) = state.queues.iter_mut().find(|held| held.queue.arn == arn)
        {
            held.messages.extend(dead);
        }
        received
    }

    /// Deletes the message of a receipt. One that is gone already is no error to SQS.
    pub(super) fn delete(&self, arn: &str, receipt: &str) {
        let mut state = self.state();
        if let Some(held) = state.queues.iter_mut().find(|held| held.queue.arn == arn) {
            held.messages.retain(|message| message.receipt.is_empty() || message.receipt != receipt);
        }
    }

    /// Shows a message again after so many seconds. `false`: nothing has this receipt.
    pub(super) fn show_after(&self, arn: &str, receipt: &str, seconds: u64, now_ms: u64) -> bool {
        let mut state = self.state();
        let held = state.queues.iter_mut().find(|held| held.queue.arn == arn);
        let messages = held.into_iter().flat_map(|held| &mut held.messages);
        let Some(message) = messages.into_iter().find(|message| message.receipt == receipt) else {
            return false;
        };
        message.visible_ms = later(now_ms, seconds);
        true
    }

    pub(super) fn purge(&self, arn: &str) {
        let mut state = self.state();
        for held in state.queues.iter_mut().filter(|held| held.queue.arn == arn) {
            held.messages.clear();
        }
    }

    pub(super) fn depth(&self, arn: &str, now_ms: u64) -> Depth {
        let state = self.state();
        let mut depth = Depth::default();
        for message in
            state.queues.iter().filter(|held| held.queue.arn == arn).flat_map(|held| &held.messages)
        {
            match (message.visible_ms <= now_ms, message.receipt.is_empty()) {
                (true, _) => depth.visible += 1,
                (false, true) => depth.delayed += 1,
                (false, false) => depth.received += 1,
            }
        }
        depth
    }

    pub(super) fn passed(&self) -> Vec<String> {
        self.state().passed.texts()
    }
}

fn later(now_ms: u64, seconds: u64) -> u64 {
    now_ms.saturating_add(seconds.saturating_mul(1000))
}

/// A queue that calls a function.
pub(super) struct QueueReader {
    source: QueueSource,
    target: Target,
    queues: Queues,
}

impl QueueReader {
    pub(super) fn new(source: QueueSource, target: Target, queues: Queues) -> QueueReader {
        QueueReader { source, target, queues }
    }

    /// Calls the function with what there is. `false`: there was nothing. What failed is seen again once its time out of
    /// sight is over, as on AWS.
    pub(super) async fn turn(&self, now_ms: u64) -> Result<bool, String> {
        let QueueSource { queue, batch_size, .. } = &self.source;
        let (wanted, unwanted): (Vec<_>, Vec<_>) = self
            .queues
            .receive(queue, *batch_size, None, now_ms)
            .into_iter()
            .partition(|message| self.wants(message));
        for message in &unwanted {
            self.queues.delete(queue, &message.receipt);
        }
        if wanted.is_empty() {
            return Ok(!unwanted.is_empty());
        }
        let records: Vec<_> = wanted.iter().map(|message| record(message, queue)).collect();
        let answer = self.target.call(json!({ "Records": records })).await?;
        let known: Vec<_> = wanted.iter().map(|message| message.id.as_str()).collect();
        let failed =
            if self.source.reports_failures { failed(&answer, &known) } else { Some(Default::default()) };
        let Some(failed) = failed else { return Ok(true) };
        for message in wanted.iter().filter(|message| !failed.contains(&message.id)) {
            self.queues.delete(queue, &message.receipt);
        }
        Ok(true)
    }

    /// A filter sees the body as JSON where it is JSON, and as a string where it is not.
    fn wants(&self, message: &Message) -> bool {
        let body = serde_json::from_str(&message.body).unwrap_or_else(|_| json!(message.body));
        let seen = json!({ "body": body });
        self.source.filters.is_empty() || self.source.filters.iter().any(|one| one.matches(&seen))
    }
}

fn record(message: &Message, arn: &str) -> Value {
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": attributes(message),
        "messageAttributes": {},
        "md5OfBody": md5_of(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    })
}

pub(super) fn attributes(message: &Message) -> Value {
    json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_ms.to_string(),
        "SenderId": "local",
        "ApproximateFirstReceiveTimestamp": message.first_received_ms.to_string(),
    })
}

/// SQS's own check of a body; some SDKs compare it.
pub(super) fn md5_of(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}

#[cfg(test)]
#[path = "queues_tests.rs"]
mod tests;
