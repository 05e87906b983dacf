//! A table's stream, a queue and a bus of a template, each calling a real process.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use nova_local::{Binaries, LogSink, Options, Stack};
use nova_template::{SourceKind, Template};
use serde_json::{Value, json};

fn fixture() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources.yaml")
}

async fn call(url: &str, target: &str, body: Value) -> Value {
    let answer = reqwest::Client::new()
        .post(url)
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0")
        .header("x-amz-date", "20260101T000000Z")
        .body(body.to_string());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{target}");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

async fn stack(attach: Vec<std::path::PathBuf>) -> Stack {
    let exe = std::env::current_exe().unwrap();
    let puppet = exe.parent().unwrap().parent().unwrap().join("examples/puppet");
    let stack = Stack::start(Options {
        binaries: Binaries::Explicit(BTreeMap::from([("puppet".to_owned(), puppet)])),
        logs: LogSink::memory(),
        attach,
        ..Options::in_memory(fixture())
    });
    stack.await.unwrap()
}

fn event(source: &str) -> Value {
    json!({ "Source": source, "DetailType": "t", "Detail": "{}", "EventBusName": "nova-auth-events" })
}

#[tokio::test]
async fn a_record_a_message_and_an_event_each_reach_the_function_and_others_do_not() {
    let stack = stack(Vec::new()).await;
    let services = stack.services_url();
    for key in ["kept", "told#1"] {
        let item = json!({ "TableName": "Things", "Item": { "pk": { "S": key } } });
        call(stack.dynamodb_url(), "DynamoDB_20120810.PutItem", item).await;
    }
    let found = call(&services, "AmazonSQS.GetQueueUrl", json!({ "QueueName": "Work" })).await;
    let message = json!({ "QueueUrl": found["QueueUrl"], "MessageBody": "a message" });
    call(&services, "AmazonSQS.SendMessage", message).await;
    let events = json!({ "Entries": [event("other"), event("app"), event("ruled")] });
    assert_eq!(call(&services, "AWSEvents.PutEvents", events).await["FailedEntryCount"], 0);
    let all = async {
        loop {
            let logs = stack.logs();
            if ["told#1", "a message", r#""source":"app""#, r#""source":"ruled""#]
                .iter()
                .all(|wanted| logs.contains(wanted))
            {
                return logs;
            }
            tokio::task::yield_now().await;
        }
    };
    let logs = tokio::time::timeout(std::time::Duration::from_secs(30), all).await.unwrap();
    assert!(!logs.contains("kept") && !logs.contains(r#""source":"other""#), "{logs}");
    assert!(logs.contains("arn:aws:dynamodb:us-east-1:123456789012:table/Things/stream/local"), "{logs}");
    assert_eq!(stack.told().len(), 4);
    stack.stop().await;
}

#[tokio::test]
async fn an_event_waits_in_the_queue_of_another_stack_whose_rule_means_it_and_no_other_event_does() {
    let stack = stack(vec![fixture().with_file_name("listener/template.yaml")]).await;
    let services = stack.services_url();
    let events = json!({ "Entries": [event("other"), event("app")] });
    assert_eq!(call(&services, "AWSEvents.PutEvents", events).await["FailedEntryCount"], 0);
    // The queue's own time to wait: whoever asks before the event is there gets it all the same.
    let queue = "https://sqs.us-east-1.amazonaws.com/123456789012/Heard";
    let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
    let heard = call(&services, "AmazonSQS.ReceiveMessage", receive).await;
    let bodies: Vec<Value> = heard["Messages"].as_array().unwrap().iter().map(body).collect();
    assert_eq!(bodies.iter().map(|body| &body["source"]).collect::<Vec<_>>(), ["app"], "{bodies:?}");
    stack.stop().await;
}

fn body(message: &Value) -> Value {
    serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()
}

#[test]
fn the_settings_of_a_source_are_those_of_the_template() {
    let template = Template::load(&fixture()).unwrap();
    assert_eq!(template.buses, ["nova-auth-events"]);
    assert_eq!(template.tables[0].stream.as_deref(), Some("NEW_IMAGE"));
    let work = template.queues.iter().find(|queue| queue.name == "Work").unwrap();
    assert_eq!(work.dead_letters, Some(("arn:aws:sqs:us-east-1:123456789012:the-dead".to_owned(), 1)));
    let names: Vec<_> = template.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["Queue", "Rule", "Stream"]);
    let puppet = template.functions.iter().find(|function| function.logical_id == "Puppet").unwrap();
    assert_eq!(puppet.environment["QUEUE"], "https://sqs.us-east-1.amazonaws.com/123456789012/Work");
    let SourceKind::Stream(stream) = &template.sources[2].kind else { panic!("a stream") };
    assert_eq!((stream.table.as_str(), stream.batch_size, stream.retries), ("Things", 5, Some(3)));
    assert!(stream.bisects && stream.reports_failures && stream.on_failure.is_some());
}

#[test]
fn a_source_that_cannot_be_read_is_named() {
    let text = std::fs::read_to_string(fixture()).unwrap();
    for (from, to, problem) in [
        ("!GetAtt Things.StreamArn", "nowhere", "the event Stream: Stream is not a table's stream: nowhere"),
        ("BatchSize: 5", "BatchSize: 0", "the event Stream: BatchSize is not a number: 0"),
        (
            r#"{"prefix":"told#"}"#,
            r#"{"like":"told#"}"#,
            "the event Stream: a filter's Pattern: dynamodb: Keys: pk: S: the operator like is not supported here",
        ),
        ("Pattern: { source: [app] }", "Pattern: {}", "the event Rule: a pattern is a map with a key"),
        ("maxReceiveCount: 1", "maxReceiveCount: 0", "RedrivePolicy has no maxReceiveCount"),
        (
            "EventPattern: { source: [ruled] }",
            "EventPattern: { source: [{ like: x }] }",
            "ByRule: EventPattern: source: the operator like is not supported here",
        ),
        (
            "Id: function,",
            "Id: function, InputPath: $.detail,",
            "ByRule: InputPath of a target is not supported here",
        ),
        (
            "Arn: !GetAtt Puppet.Arn }",
            "Arn: !Sub \"arn:aws:sns:us-east-1:123456789012:topic\" }",
            "ByRule: a target is neither a queue nor a function: arn:aws:sns:",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Template::from_text(Path::new("t.yaml"), &text.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}
