use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::Target;
use super::{Depth, QueueReader, Queues};
use nova_template::{Pattern, Queue, QueueSource};

const MAIN: &str = "arn:main:Main";
const DEAD: &str = "arn:main:Dead";

fn queues() -> Queues {
    let queue = |name: &str, dead_letters| Queue {
        name: name.to_owned(),
        arn: format!("arn:main:{name}"),
        url: format!("https://sqs/1/{name}"),
        visibility_seconds: 30,
        retention_seconds: 3600,
        delay_seconds: 0,
        wait_seconds: 0,
        dead_letters,
    };
    Queues::new([queue("Main", Some((DEAD.to_owned(), 2))), queue("Dead", None)].into_iter())
}

fn source() -> QueueSource {
    QueueSource { queue: MAIN.to_owned(), batch_size: 10, filters: Vec::new(), reports_failures: true }
}

type Told = Arc<Mutex<Vec<Vec<String>>>>;

/// A function that fails the messages whose body is `bad`, and crashes at `crash`.
fn reader(queues: &Queues, source: QueueSource) -> (QueueReader, Told) {
    let told = Told::default();
    let seen = told.clone();
    let target = Target::new(move |event: Value| {
        let records = event["Records"].as_array().unwrap().clone();
        let body = |record: &Value| record["body"].as_str().unwrap().to_owned();
        let bodies: Vec<_> = records.iter().map(body).collect();
        let crashes = bodies.iter().any(|body| body == "crash");
        seen.lock().unwrap().push(bodies);
        let bad = records.iter().filter(|record| record["body"] == "bad");
        let bad: Vec<_> = bad.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        async move { if crashes { Err("crash".to_owned()) } else { Ok(json!({ "batchItemFailures": bad })) } }
    });
    (QueueReader::new(source, target, queues.clone()), told)
}

fn bodies(queues: &Queues, arn: &str, now_ms: u64) -> Vec<String> {
    queues.receive(arn, 10, None, now_ms).into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn what_is_done_is_gone_and_what_failed_comes_again_once_it_is_seen_again() {
    let queues = queues();
    let (reader, told) = reader(&queues, source());
    for body in ["good", "bad"] {
        queues.send(MAIN, body.to_owned(), None, 0).unwrap();
    }
    assert_eq!(reader.turn(0).await, Ok(true));
    assert_eq!(reader.turn(29_999).await, Ok(false));
    assert_eq!(reader.turn(30_000).await, Ok(true));
    assert_eq!(*told.lock().unwrap(), [vec!["good", "bad"], vec!["bad"]]);
}

/// A mail that can't be sent must end where somebody sees it, and not be tried for ever.
#[tokio::test]
async fn a_message_that_failed_too_often_is_a_dead_letter() {
    let queues = queues();
    let (reader, told) = reader(&queues, source());
    queues.send(MAIN, "crash".to_owned(), None, 0).unwrap();
    for now in [0, 30_000] {
        assert_eq!(reader.turn(now).await, Err("crash".to_owned()));
    }
    assert_eq!(reader.turn(60_000).await, Ok(false));
    assert_eq!(told.lock().unwrap().len(), 2);
    assert_eq!(bodies(&queues, DEAD, 60_000), ["crash"]);
    assert_eq!(queues.depth(MAIN, 60_000), Depth::default());
}

#[tokio::test]
async fn a_message_that_no_filter_wants_is_thrown_away() {
    let queues = queues();
    let filters = vec![Pattern::parse(&json!({ "body": { "kind": ["mail"] } })).unwrap()];
    let (reader, told) = reader(&queues, QueueSource { filters, ..source() });
    for body in [r#"{"kind":"mail"}"#, r#"{"kind":"other"}"#, "text"] {
        queues.send(MAIN, body.to_owned(), None, 0).unwrap();
    }
    while reader.turn(0).await.unwrap() {}
    assert_eq!(*told.lock().unwrap(), [[r#"{"kind":"mail"}"#]]);
    assert_eq!(queues.depth(MAIN, 0), Depth::default());
}

#[test]
fn a_message_is_seen_when_its_delay_is_over_and_not_after_its_retention() {
    let queues = queues();
    queues.send(MAIN, "later".to_owned(), Some(5), 0).unwrap();
    assert!(bodies(&queues, MAIN, 4_999).is_empty());
    assert_eq!(queues.depth(MAIN, 0), Depth { delayed: 1, ..Depth::default() });
    assert_eq!(bodies(&queues, MAIN, 5_000), ["later"]);
    assert_eq!(queues.depth(MAIN, 5_000), Depth { received: 1, ..Depth::default() });
    assert!(bodies(&queues, MAIN, 3_600_000).is_empty());
}

/// Who took too long must not delete a message that somebody else has by now.
#[test]
fn an_old_receipt_deletes_nothing() {
    let queues = queues();
    queues.send(MAIN, "one".to_owned(), None, 0).unwrap();
    let old = queues.receive(MAIN, 1, None, 0).remove(0).receipt;
    let new = queues.receive(MAIN, 1, None, 30_000).remove(0).receipt;
    queues.delete(MAIN, &old);
    assert_eq!(queues.depth(MAIN, 30_000).received, 1);
    assert!(!queues.show_after(MAIN, &old, 0, 30_000));
    queues.delete(MAIN, &new);
    assert_eq!(queues.depth(MAIN, 30_000).received, 0);
}
