use serde_json::{Value, json};

use super::super::{Buses, Queues};
use super::{RESTS_PER_SECOND, Services};
use crate::clock::Clock;
use nova_template::Queue;

fn services() -> Services {
    let queue = Queue {
        name: "Main".to_owned(),
        arn: "arn:aws:sqs:us-east-1:123456789012:Main".to_owned(),
        url: "https://sqs.us-east-1.amazonaws.com/123456789012/Main".to_owned(),
        visibility_seconds: 30,
        retention_seconds: 3600,
        delay_seconds: 0,
        wait_seconds: 0,
        dead_letters: None,
    };
    Services {
        queues: Queues::new([queue].into_iter()),
        buses: Buses::new(["Bus".to_owned()].into_iter()),
        clock: Clock::manual(0),
    }
}

fn sqs(services: &Services, operation: &str, mut input: Value) -> Result<Value, &'static str> {
    input["QueueUrl"] = json!("https://sqs.us-east-1.amazonaws.com/123456789012/Main");
    services.sqs(operation, input.as_object().unwrap(), 0).map_err(|(kind, _)| kind)
}

#[test]
fn a_batch_is_sent_received_and_deleted() {
    let services = services();
    let entries = json!([{ "Id": "0", "MessageBody": "one" }, { "Id": "1", "MessageBody": "" }]);
    let sent = sqs(&services, "SendMessageBatch", json!({ "Entries": entries })).unwrap();
    assert_eq!(sent["Successful"][0]["MD5OfMessageBody"], "f97c5d29941bfb1b2fdab0874906ab82");
    assert_eq!(sent["Failed"][0]["Id"], "1");
    let found = sqs(&services, "ReceiveMessage", json!({ "MaxNumberOfMessages": 10 })).unwrap();
    assert_eq!(found["Messages"][0]["Body"], "one");
    let depth = sqs(&services, "GetQueueAttributes", json!({})).unwrap();
    assert_eq!(depth["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1");
    let entries = json!([{ "Id": "0", "ReceiptHandle": found["Messages"][0]["ReceiptHandle"] }]);
    sqs(&services, "DeleteMessageBatch", json!({ "Entries": entries })).unwrap();
    assert_eq!(services.queues.depth("arn:aws:sqs:us-east-1:123456789012:Main", 0), Default::default());
}

#[test]
fn a_batch_is_limited_as_on_aws() {
    let services = services();
    let entry = |id: usize| json!({ "Id": id.to_string(), "MessageBody": "one" });
    let batch = |entries: Vec<Value>| sqs(&services, "SendMessageBatch", json!({ "Entries": entries }));
    assert_eq!(batch((0..11).map(entry).collect()), Err("com.amazonaws.sqs#TooManyEntriesInBatchRequest"));
    assert_eq!(batch(vec![entry(1), entry(1)]), Err("com.amazonaws.sqs#BatchEntryIdsNotDistinct"));
    assert_eq!(sqs(&services, "CreateQueue", json!({})), Err("UnknownOperationException"));
}

#[test]
fn an_event_that_is_refused_is_told_apart_from_one_that_is_taken() {
    let services = services();
    let event =
        |detail: &str| json!({ "Source": "a", "DetailType": "b", "Detail": detail, "EventBusName": "Bus" });
    let input = json!({ "Entries": [event("{}"), event("no")] });
    let answer = services.events("PutEvents", input.as_object().unwrap(), 0).unwrap();
    assert_eq!(answer["FailedEntryCount"], 1);
    assert!(answer["Entries"][0]["EventId"].is_string());
    assert_eq!(answer["Entries"][1]["ErrorCode"], "MalformedDetail");
}

#[test]
fn who_waits_for_a_message_waits_as_long_as_the_call_or_its_queue_says_and_nobody_longer_than_twenty_seconds()
{
    let mut services = services();
    let rests = |services: &Services, operation: &str, input: Value| {
        services.rests(operation, input.as_object().unwrap())
    };
    let call = |seconds: u64| json!({ "QueueUrl": "Main", "WaitTimeSeconds": seconds });
    assert_eq!(rests(&services, "ReceiveMessage", json!({ "QueueUrl": "Main" })), 0);
    assert_eq!(rests(&services, "ReceiveMessage", call(3)), 3 * RESTS_PER_SECOND);
    assert_eq!(rests(&services, "ReceiveMessage", call(3600)), 20 * RESTS_PER_SECOND);
    assert_eq!(rests(&services, "DeleteMessage", call(3)), 0);
    let waits = Queue { wait_seconds: 5, ..services.queues.find("Main").unwrap() };
    services.queues = Queues::new([waits].into_iter());
    assert_eq!(rests(&services, "ReceiveMessage", json!({ "QueueUrl": "Main" })), 5 * RESTS_PER_SECOND);
    assert_eq!(rests(&services, "ReceiveMessage", call(0)), 0);
}
