//! A table's stream that calls a function: records in order, a batch at a time, the next one only once the last is done.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{Queues, Target, failed};
use crate::documents::Documents;
use crate::random;
use nova_template::{REGION, StreamSource, function_arn, stream_arn};

/// Maximum records in one read.
const READ: u64 = 1000;

/// A batch that failed is tried again after a rest that doubles up to this.
const LONGEST_REST_MS: u64 = 30_000;
const FIRST_REST_MS: u64 = 250;

/// Reads one stream for one function.
pub(super) struct StreamReader {
    /// The function's and the event's name; also where the document is kept that says how far it has come.
    name: String,
    source: StreamSource,
    target: Target,
    documents: Documents,
    queues: Queues,
    /// Where the next read begins; none before the first read, and after one that failed.
    iterator: Option<String>,
    /// The shard, and the last of its records that was read.
    position: Option<Position>,
    pending: VecDeque<Pending>,
    /// How many records the next batch may have: fewer after a batch was halved.
    size: usize,
    attempts: u64,
    not_before_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    shard: String,
    /// None: nothing of it was read yet.
    sequence: Option<String>,
}

#[derive(Debug)]
struct Pending {
    record: Value,
    sequence: String,
    created_ms: u64,
}

impl StreamReader {
    pub(super) fn new(
        name: &str,
        source: StreamSource,
        target: Target,
        documents: Documents,
        queues: Queues,
    ) -> StreamReader {
        let size = source.batch_size;
        StreamReader {
            name: name.to_owned(),
            source,
            target,
            documents,
            queues,
            iterator: None,
            position: None,
            pending: VecDeque::new(),
            size,
            attempts: 0,
            not_before_ms: 0,
        }
    }

    /// Reads if nothing waits, and calls the function if something does. `false`: there was nothing to do.
    pub(super) async fn turn(&mut self, now_ms: u64) -> Result<bool, String> {
        if self.pending.is_empty() {
            let read = self.read().await;
            if read.is_err() {
                // It may have grown too old; the position says where to go on.
                self.iterator = None;
            }
            read?;
        }
        self.give_up_old(now_ms);
        if self.pending.is_empty() || now_ms < self.not_before_ms {
            return Ok(false);
        }
        self.attend(now_ms).await.map(|()| true)
    }

    async fn call(&self, operation: &str, request: Value) -> Result<Value, String> {
        self.documents.call(operation, &request).await
    }

    async fn read(&mut self) -> Result<(), String> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.open().await?,
        };
        let answer = self.call("GetRecords", json!({ "ShardIterator": iterator, "Limit": READ })).await?;
        let records = answer.get("Records").and_then(Value::as_array);
        for record in records.into_iter().flatten() {
            let sequence = text(record.pointer("/dynamodb/SequenceNumber")).unwrap_or_default();
            if let Some(position) = &mut self.position {
                position.sequence = Some(sequence.clone());
            }
            if self.source.filters.is_empty() || self.source.filters.iter().any(|one| one.matches(record)) {
                self.pending.push_back(self.pending(record.clone(), sequence));
            }
        }
        match text(answer.get("NextShardIterator")) {
            Some(next) => self.iterator = Some(next),
            // The shard is closed, and read to its end.
            None => self.next_shard().await?,
        }
        Ok(())
    }

    fn pending(&self, mut record: Value, sequence: String) -> Pending {
        let created = record.pointer("/dynamodb/ApproximateCreationDateTime").and_then(Value::as_f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of this century"
        )]
        let created_ms = (created.unwrap_or_default() * 1000.0) as u64;
        if let Some(record) = record.as_object_mut() {
            record.insert("awsRegion".to_owned(), json!(REGION));
            record.insert("eventSourceARN".to_owned(), json!(stream_arn(&self.source.table)));
        }
        Pending { record, sequence, created_ms }
    }

    /// An iterator at the position: the one of the last run, or the stream's beginning. A stream that begins with the stack has
    /// nothing before it, wherever the template says that reading starts.
    async fn open(&mut self) -> Result<String, String> {
        if self.position.is_none() {
            self.position = self.kept()?;
        }
        let (arn, shards) = self.shards().await?;
        let position = self.position.clone().filter(|position| shards.contains(&position.shard));
        let position = match position {
            Some(position) => position,
            None => {
                let first = shards.first().cloned().ok_or("its stream has no shard yet")?;
                Position { shard: first, sequence: None }
            }
        };
        let mut request = json!({ "StreamArn": arn, "ShardId": position.shard });
        let (kind, sequence) = match &position.sequence {
            Some(sequence) => ("AFTER_SEQUENCE_NUMBER", Some(("SequenceNumber".to_owned(), json!(sequence)))),
            None => ("TRIM_HORIZON", None),
        };
        let kind = ("ShardIteratorType".to_owned(), json!(kind));
        if let Some(request) = request.as_object_mut() {
            request.extend(std::iter::once(kind).chain(sequence));
        }
        self.position = Some(position);
        let answer = self.call("GetShardIterator", request).await?;
        text(answer.get("ShardIterator")).ok_or("there is no iterator".to_owned())
    }

    /// The stream's ARN in the database, and its shards, the oldest first.
    async fn shards(&self) -> Result<(String, Vec<String>), String> {
        let described = self.call("DescribeTable", json!({ "TableName": self.source.table })).await?;
        let arn = text(described.pointer("/Table/LatestStreamArn"))
            .ok_or_else(|| format!("the table {} has no stream", self.source.table))?;
        let described = self.call("DescribeStream", json!({ "StreamArn": arn })).await?;
        let shards = described.pointer("/StreamDescription/Shards").and_then(Value::as_array);
        let shards = shards.into_iter().flatten().filter_map(|shard| text(shard.get("ShardId"))).collect();
        Ok((arn, shards))
    }

    async fn next_shard(&mut self) -> Result<(), String> {
        let (_, shards) = self.shards().await?;
        let current = self.position.as_ref().map(|position| position.shard.as_str());
        let next = shards.iter().skip_while(|shard| Some(shard.as_str()) != current).nth(1);
        if let Some(next) = next {
            self.position = Some(Position { shard: next.clone(), sequence: None });
        }
        Ok(())
    }

    /// Calls the function with the first records that wait.
    async fn attend(&mut self, now_ms: u64) -> Result<(), String> {
        let count = self.pending.len().min(self.size);
        let records: Vec<_> = self.pending.iter().take(count).map(|one| one.record.clone()).collect();
        let answer = self.target.call(json!({ "Records": records })).await;
        let done = match &answer {
            Err(_) => 0,
            Ok(_) if !self.source.reports_failures => count,
            Ok(answer) => self.done(answer, count),
        };
        self.pending.drain(..done);
        if done > 0 {
            (self.size, self.attempts) = (self.source.batch_size, 0);
            self.keep()?;
        }
        if done == count {
            return Ok(());
        }
        self.failed(count - done, now_ms)?;
        answer.map(drop)
    }

    /// How many of the records are done: those before the first that failed. What comes after it is told again.
    fn done(&self, answer: &Value, count: usize) -> usize {
        let known: Vec<_> = self.pending.iter().take(count).map(|one| one.sequence.as_str()).collect();
        match failed(answer, &known) {
            None => 0,
            Some(failed) => known.iter().position(|id| failed.contains(*id)).unwrap_or(count),
        }
    }

    /// The first `count` records that wait failed.
    fn failed(&mut self, count: usize, now_ms: u64) -> Result<(), String> {
        if self.source.bisects && count > 1 {
            // The halves do not count as further attempts.
            self.size = count.div_ceil(2);
            return Ok(());
        }
        if self.source.retries.is_some_and(|most| self.attempts >= most) {
            self.give_up(count, "RetryAttemptsExhausted");
            return self.keep();
        }
        let rest = FIRST_REST_MS.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_REST_MS);
        self.attempts += 1;
        self.not_before_ms = now_ms.saturating_add(rest);
        Ok(())
    }

    fn give_up_old(&mut self, now_ms: u64) {
        let Some(most) = self.source.max_age_seconds else { return };
        let is_old = |one: &Pending| one.created_ms.saturating_add(most.saturating_mul(1000)) < now_ms;
        let old = self.pending.iter().take_while(|one| is_old(one)).count();
        if old > 0 {
            self.give_up(old, "RecordAgeExceeded");
        }
    }

    /// Lets go of records. The queue is told where they were, as on AWS: never what was in them.
    fn give_up(&mut self, count: usize, why: &str) {
        let gone: Vec<_> = self.pending.drain(..count.min(self.pending.len())).collect();
        (self.size, self.attempts, self.not_before_ms) = (self.source.batch_size, 0, 0);
        let (Some(queue), Some(first), Some(last)) = (&self.source.on_failure, gone.first(), gone.last())
        else {
            return;
        };
        let function = self.name.split('.').next().unwrap_or_default();
        let told = json!({
            "requestContext": {
                "requestId": random::uuid(),
                "functionArn": function_arn(function),
                "condition": why,
                "approximateInvokeCount": self.source.retries.map_or(1, |most| most + 1),
            },
            "version": "1.0",
            "DDBStreamBatchInfo": {
                "shardId": self.position.as_ref().map(|position| &position.shard),
                "startSequenceNumber": first.sequence,
                "endSequenceNumber": last.sequence,
                "batchSize": gone.len(),
                "streamArn": stream_arn(&self.source.table),
            },
        });
        self.queues.send_to(queue, told.to_string(), last.created_ms);
    }

    fn document(&self) -> String {
        format!("stream-position-{}", self.name)
    }

    /// Where the last run of this stack had come to.
    fn kept(&self) -> Result<Option<Position>, String> {
        let kept = self.documents.get(&self.document()).map_err(|error| error.to_string())?;
        Ok(kept.and_then(|kept| {
            let (shard, sequence) = kept.split_once(' ')?;
            Some(Position { shard: shard.to_owned(), sequence: Some(sequence.to_owned()) })
        }))
    }

    /// Keeps what is done: all before the first record that waits.
    fn keep(&self) -> Result<(), String> {
        // With records waiting, an earlier position is kept: those after it are told again after a restart, and none is lost.
        let Some(Position { shard, sequence: Some(sequence) }) = &self.position else { return Ok(()) };
        if !self.pending.is_empty() {
            return Ok(());
        }
        self.documents
            .put(&self.document(), &format!("{shard} {sequence}"))
            .map_err(|error| error.to_string())
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
