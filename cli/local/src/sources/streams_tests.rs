use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::{Queues, Target};
use super::StreamReader;
use crate::documents::Documents;
use crate::tables::create;
use nova_template::{Pattern, Queue, StreamSource, Table};

const DEAD: &str = "arn:aws:sqs:us-east-1:123456789012:Dead";

/// A table with a stream, and what its function was told and answers.
struct World {
    documents: Documents,
    queues: Queues,
    told: Arc<Mutex<Vec<Vec<String>>>>,
    answers: Arc<Mutex<Vec<Result<Value, String>>>>,
}

impl World {
    fn new() -> World {
        let database = dynoxide::Database::memory().unwrap();
        let definition = json!({
            "TableName": "One",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }]
        });
        let stream = Some("NEW_IMAGE".to_owned());
        create(&database, &Table { name: "One".to_owned(), definition, ttl_attribute: None, stream })
            .unwrap();
        let dead = Queue {
            name: "Dead".to_owned(),
            arn: DEAD.to_owned(),
            url: String::new(),
            visibility_seconds: 30,
            retention_seconds: u64::MAX,
            delay_seconds: 0,
            wait_seconds: 0,
            dead_letters: None,
        };
        let documents = Documents::new(database);
        let queues = Queues::new([dead].into_iter());
        World { documents, queues, told: Arc::default(), answers: Arc::default() }
    }

    fn reader(&self, source: StreamSource) -> StreamReader {
        let (told, answers) = (self.told.clone(), self.answers.clone());
        let target = Target::new(move |event: Value| {
            let records = event["Records"].as_array().unwrap();
            let of = |record: &Value| {
                let key = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned();
                format!("{} {key}", record["eventName"].as_str().unwrap())
            };
            told.lock().unwrap().push(records.iter().map(of).collect());
            let mut answers = answers.lock().unwrap();
            let mut answer = if answers.is_empty() { Ok(Value::Null) } else { answers.remove(0) };
            // `"#1"`: the sequence number of the second record.
            if let Ok(Value::String(text)) = &answer
                && let Some(index) = text.strip_prefix('#').and_then(|index| index.parse::<usize>().ok())
            {
                let id = &records[index]["dynamodb"]["SequenceNumber"];
                answer = Ok(json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
            }
            async move { answer }
        });
        StreamReader::new("One.Stream", source, target, self.documents.clone(), self.queues.clone())
    }

    async fn put(&self, keys: &[&str]) {
        for key in keys {
            let item = json!({ "pk": { "S": key }, "n": { "S": "x" } });
            self.documents.call("PutItem", &json!({ "TableName": "One", "Item": item })).await.unwrap();
        }
    }

    fn will_answer(&self, answers: impl IntoIterator<Item = Result<Value, String>>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn told(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn source() -> StreamSource {
    StreamSource {
        table: "One".to_owned(),
        batch_size: 10,
        filters: Vec::new(),
        reports_failures: true,
        bisects: false,
        retries: None,
        max_age_seconds: None,
        on_failure: Some(DEAD.to_owned()),
    }
}

fn no() -> Result<Value, String> {
    Err("no".to_owned())
}

#[tokio::test]
async fn records_come_in_order_and_each_once() {
    let world = World::new();
    let mut reader = world.reader(StreamSource { batch_size: 2, ..source() });
    assert_eq!(reader.turn(0).await, Ok(false));
    world.put(&["a", "b", "c", "a"]).await;
    while reader.turn(0).await.unwrap() {}
    assert_eq!(world.told(), [["INSERT a", "INSERT b"], ["INSERT c", "MODIFY a"]]);
    assert_eq!(reader.turn(0).await, Ok(false));
    assert!(world.told().is_empty());
}

#[tokio::test]
async fn a_record_that_no_filter_wants_is_not_told() {
    let world = World::new();
    let wanted = |pattern| Pattern::parse(&pattern).unwrap();
    let filters = vec![
        wanted(
            json!({ "eventName": ["INSERT"], "dynamodb": { "Keys": { "pk": { "S": [{ "prefix": "a" }] } } } }),
        ),
        wanted(json!({ "eventName": ["MODIFY"] })),
    ];
    let mut reader = world.reader(StreamSource { filters, ..source() });
    world.put(&["a1", "b1", "b1"]).await;
    while reader.turn(0).await.unwrap() {}
    assert_eq!(world.told(), [["INSERT a1", "MODIFY b1"]]);
}

#[tokio::test]
async fn a_batch_that_failed_is_told_again_after_a_rest_and_holds_up_what_follows() {
    let world = World::new();
    let mut reader = world.reader(StreamSource { batch_size: 1, ..source() });
    world.put(&["a", "b"]).await;
    world.will_answer([no(), no()]);
    reader.turn(0).await.unwrap_err();
    assert_eq!(reader.turn(249).await, Ok(false));
    reader.turn(250).await.unwrap_err();
    assert_eq!(reader.turn(250 + 499).await, Ok(false));
    while reader.turn(250 + 500).await.unwrap() {}
    assert_eq!(world.told(), [["INSERT a"], ["INSERT a"], ["INSERT a"], ["INSERT b"]]);
}

#[tokio::test]
async fn what_came_before_the_first_failure_is_not_told_again() {
    let world = World::new();
    let mut reader = world.reader(source());
    world.put(&["a", "b", "c"]).await;
    world.will_answer([Ok(json!("#1"))]);
    while reader.turn(0).await.unwrap() {}
    while reader.turn(10_000).await.unwrap() {}
    assert_eq!(world.told(), [vec!["INSERT a", "INSERT b", "INSERT c"], vec!["INSERT b", "INSERT c"]]);
}

/// One record that can't be read must not keep the others from being told.
#[tokio::test]
async fn a_batch_is_halved_until_the_one_record_that_fails_is_given_up_and_named_to_the_queue() {
    let world = World::new();
    let mut reader = world.reader(StreamSource { bisects: true, retries: Some(0), ..source() });
    world.put(&["a", "b", "c"]).await;
    world.will_answer([no(), no(), no()]);
    for _ in 0..3 {
        drop(reader.turn(0).await);
    }
    while reader.turn(0).await.unwrap() {}
    assert_eq!(
        world.told(),
        [
            vec!["INSERT a", "INSERT b", "INSERT c"],
            vec!["INSERT a", "INSERT b"],
            vec!["INSERT a"],
            vec!["INSERT b", "INSERT c"]
        ]
    );
    let dead = world.queues.passed();
    assert_eq!(dead.len(), 1);
    let dead: Value = serde_json::from_str(&dead[0]).unwrap();
    assert_eq!(dead["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(dead["DDBStreamBatchInfo"]["batchSize"], 1);
    assert!(!dead.to_string().contains("INSERT"), "{dead}");
}

#[tokio::test]
async fn a_record_that_is_too_old_is_given_up_and_named_to_the_queue() {
    let world = World::new();
    let mut reader = world.reader(StreamSource { max_age_seconds: Some(3600), ..source() });
    world.put(&["a"]).await;
    // The year 2100: whatever the database's clock says, an hour is over.
    assert_eq!(reader.turn(4_102_444_800_000).await, Ok(false));
    assert!(world.told().is_empty());
    assert!(world.queues.passed()[0].contains("RecordAgeExceeded"));
}

/// A stack that is stopped while a mail is on its way must not forget it, nor send all of yesterday's again.
#[tokio::test]
async fn a_new_run_goes_on_where_the_last_one_stopped() {
    let world = World::new();
    let mut reader = world.reader(source());
    world.put(&["a"]).await;
    while reader.turn(0).await.unwrap() {}
    world.put(&["b"]).await;
    world.will_answer([no()]);
    reader.turn(0).await.unwrap_err();
    drop(reader);
    world.told();
    let mut reader = world.reader(source());
    while reader.turn(0).await.unwrap() {}
    assert_eq!(world.told(), [["INSERT b"]]);
}

#[tokio::test]
async fn a_table_without_a_stream_is_said_to_have_none() {
    let world = World::new();
    let off = json!({ "TableName": "One", "StreamSpecification": { "StreamEnabled": false } });
    world.documents.call("UpdateTable", &off).await.unwrap();
    let mut reader = world.reader(source());
    assert_eq!(reader.turn(0).await, Err("the table One has no stream".to_owned()));
}
