//! What calls functions besides requests: streams of tables, queues and event buses, as the templates connect them.
//!
//! | | |
//! |---|---|
//! | `streams` | a table's stream, read in order, batch by batch |
//! | `queues` | SQS: messages, visibility, dead letters; and a queue that calls a function |
//! | `bus` | EventBridge: events, and the rules that call functions or send to queues |
//! | `service` | the calls of both services, in their own protocols |
//!
//! Everything moves by turns, each told the time: tests take them one by one, and nothing in them sleeps.

mod bus;
mod queues;
mod service;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

pub(crate) use bus::Buses;
pub(crate) use queues::Queues;

use crate::clock::Clock;
use crate::documents::Documents;
use crate::logs::LogSink;
use crate::pool::Pool;
use nova_template::{SourceKind, Template, function_arn};
use queues::QueueReader;
use streams::StreamReader;

/// How long a source rests that has nothing to tell.
const REST: Duration = Duration::from_millis(50);

type Answer = Pin<Box<dyn Future<Output = Result<Value, String>> + Send>>;

/// The function that a source calls.
#[derive(Clone)]
pub(crate) struct Target(Arc<dyn Fn(Value) -> Answer + Send + Sync>);

impl Target {
    fn of(pool: &Arc<Pool>) -> Target {
        let pool = pool.clone();
        Target::new(move |event| {
            let pool = pool.clone();
            async move {
                let answer = pool.invoke(Bytes::from(event.to_string())).await;
                let answer = answer.map_err(|error| error.to_string())?;
                // What is no JSON says nothing of failures.
                Ok(serde_json::from_slice(&answer).unwrap_or_default())
            }
        })
    }

    /// A queue in the function's place: an event lies in it as it is.
    fn queue(arn: String, queues: &Queues, clock: &Clock) -> Target {
        let (queues, clock) = (queues.clone(), clock.clone());
        Target::new(move |event| {
            let sent = queues.send(&arn, event.to_string(), None, clock.now_ms());
            let sent = sent.map(|_| Value::Null).ok_or_else(|| format!("no template has the queue {arn}"));
            async move { sent }
        })
    }

    fn new<F>(call: impl Fn(Value) -> F + Send + Sync + 'static) -> Target
    where
        F: Future<Output = Result<Value, String>> + Send + 'static,
    {
        Target(Arc::new(move |event| Box::pin(call(event))))
    }

    async fn call(&self, event: Value) -> Result<Value, String> {
        (self.0)(event).await
    }
}

/// What a function says of a batch: the ids that failed. `None`: all of it.
fn failed(answer: &Value, known: &[&str]) -> Option<BTreeSet<String>> {
    let items = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Some(BTreeSet::new()),
        Some(items) => items.as_array()?,
    };
    let id = |item: &Value| item.get("itemIdentifier").and_then(Value::as_str).map(str::to_owned);
    let failed: BTreeSet<String> = items.iter().map(id).collect::<Option<_>>()?;
    failed.iter().all(|id| known.contains(&id.as_str())).then_some(failed)
}

/// What moves by turns. Each says whether it moved anything.
trait Turning: Send + 'static {
    fn turn(&mut self, now_ms: u64) -> impl Future<Output = Result<bool, String>> + Send;
}

impl Turning for StreamReader {
    async fn turn(&mut self, now_ms: u64) -> Result<bool, String> {
        StreamReader::turn(self, now_ms).await
    }
}

impl Turning for QueueReader {
    async fn turn(&mut self, now_ms: u64) -> Result<bool, String> {
        QueueReader::turn(self, now_ms).await
    }
}

impl Turning for Buses {
    async fn turn(&mut self, now_ms: u64) -> Result<bool, String> {
        Buses::turn(self, now_ms).await
    }
}

/// The queues and buses of the templates, and what calls functions.
#[derive(Debug)]
pub(crate) struct Sources {
    queues: Queues,
    buses: Buses,
    /// Ends when it is dropped.
    readers: JoinSet<()>,
}

impl Sources {
    /// The queues and buses, which call nobody yet.
    pub(crate) fn new(templates: &[Template]) -> Sources {
        let queues = templates.iter().flat_map(|template| template.queues.clone());
        let buses = templates.iter().flat_map(|template| template.buses.clone());
        Sources { queues: Queues::new(queues), buses: Buses::new(buses), readers: JoinSet::new() }
    }

    /// The calls of SQS and EventBridge.
    pub(crate) fn router(&self, clock: &Clock) -> Router {
        service::router(self.queues.clone(), self.buses.clone(), clock.clone())
    }

    /// Begins to call the functions.
    pub(crate) fn begin(
        &mut self,
        templates: &[Template],
        pools: &BTreeMap<String, Arc<Pool>>,
        documents: &Documents,
        clock: &Clock,
        logs: &LogSink,
    ) {
        for source in templates.iter().flat_map(|template| &template.sources) {
            let Some(target) = pools.get(&source.function).map(Target::of) else { continue };
            let name = format!("{}.{}", source.function, source.name);
            match &source.kind {
                SourceKind::Stream(stream) => {
                    let (documents, queues) = (documents.clone(), self.queues.clone());
                    let reader = StreamReader::new(&name, stream.clone(), target, documents, queues);
                    self.keep_turning(name, reader, clock, logs);
                }
                SourceKind::Queue(queue) => {
                    let reader = QueueReader::new(queue.clone(), target, self.queues.clone());
                    self.keep_turning(name, reader, clock, logs);
                }
                SourceKind::Rule { bus, pattern } => self.buses.add(&name, bus, pattern.clone(), target),
            }
        }
        for rule in templates.iter().flat_map(|template| &template.rules) {
            for arn in &rule.targets {
                let function =
                    pools.iter().find(|(id, _)| function_arn(id) == *arn).map(|(_, pool)| Target::of(pool));
                let target = function.unwrap_or_else(|| Target::queue(arn.clone(), &self.queues, clock));
                self.buses.add(&rule.name, &rule.bus, rule.pattern.clone(), target);
            }
        }
        self.keep_turning("events".to_owned(), self.buses.clone(), clock, logs);
    }

    /// Turn after turn until the stack ends, with a rest after each that moved nothing.
    fn keep_turning(&mut self, name: String, mut turning: impl Turning, clock: &Clock, logs: &LogSink) {
        let (clock, logs) = (clock.clone(), logs.clone());
        self.readers.spawn(async move {
            loop {
                let turn = turning.turn(clock.now_ms()).await;
                if let Err(problem) = &turn {
                    logs.line(&name, problem);
                }
                if !turn.is_ok_and(|moved| moved) {
                    tokio::time::sleep(REST).await;
                }
            }
        });
    }

    /// The buses, for who tells them something.
    pub(crate) fn buses(&self) -> Buses {
        self.buses.clone()
    }

    /// What went over queues and buses lately, as texts.
    pub(crate) fn passed(&self) -> Vec<String> {
        let mut passed = self.queues.passed();
        passed.extend(self.buses.passed());
        passed
    }

    /// Calls nobody any more.
    pub(crate) fn stop(&mut self) {
        self.readers.abort_all();
    }
}

/// The last texts of a kind: what a person, or a test, wants to see of what passed by.
#[derive(Debug, Default)]
struct Passed(std::collections::VecDeque<String>);

impl Passed {
    const MOST: usize = 1000;

    fn add(&mut self, text: String) {
        if self.0.len() == Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(text);
    }

    fn texts(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As Lambda's documents say: an id that is empty, missing or unknown fails the whole batch, and no list fails nothing.
    #[test]
    fn what_a_function_says_of_a_batch_is_read_as_lambda_reads_it() {
        let known = ["1", "2"];
        for answer in [json!(null), json!({}), json!({ "batchItemFailures": [] }), json!("done")] {
            assert_eq!(failed(&answer, &known), Some(BTreeSet::new()), "{answer}");
        }
        let one = json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] });
        assert_eq!(failed(&one, &known), Some(BTreeSet::from(["2".to_owned()])));
        for item in [json!({ "itemIdentifier": "3" }), json!({ "itemIdentifier": "" }), json!({}), json!("2")]
        {
            assert_eq!(failed(&json!({ "batchItemFailures": [item] }), &known), None, "{item}");
        }
        assert_eq!(failed(&json!({ "batchItemFailures": "2" }), &known), None);
    }
}
