//! A scanner of one's own, with two queues and the quarantine bucket: all that it has on AWS.

use nova_auth::app::start_time;
use nova_auth_uploads::form::Signer;
use serde_json::{Value, json};

use super::files::{document, eicar, picture};
use super::world::{DOCX, PNG, World};
use crate::support::engine;

/// What a scanner in front of ClamAV does, with EICAR as its only signature.
struct Scanner<'w>(&'w World);

impl Scanner<'_> {
    async fn sqs(&self, operation: &str, input: Value) -> Value {
        let call = reqwest::Client::new()
            .post(self.0.system.stack.services_url())
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .body(input.to_string());
        call.send().await.unwrap().json().await.unwrap()
    }

    /// The next request, and the receipt by which it is taken off the queue.
    async fn request(&self) -> (Value, Value) {
        let wait = json!({"QueueUrl": "ScanRequests", "WaitTimeSeconds": 20});
        let received = self.sqs("ReceiveMessage", wait).await;
        let message = &received["Messages"][0];
        let event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
        assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.s3"), &json!("Object Created")));
        (event["detail"].clone(), message["ReceiptHandle"].clone())
    }

    async fn read(&self, bucket: &str, key: &str, version: &str) -> Vec<u8> {
        let signer = Signer {
            region: "us-east-1".to_owned(),
            access_key_id: "scanner".to_owned(),
            secret_access_key: "local".into(),
            session_token: None,
        };
        let objects = self.0.system.stack.objects_url().unwrap();
        let link = signer.link(&format!("{objects}/{bucket}/{key}?versionId={version}"), start_time());
        // The link begins its own query.
        let (url, query) = link.as_deref().unwrap().rsplit_once('?').unwrap();
        let read = reqwest::get(format!("{url}&{query}")).await.unwrap();
        assert_eq!(read.status(), 200);
        read.bytes().await.unwrap().to_vec()
    }

    async fn answer(&self, detail: &Value, verdict: &str) {
        let verdict = json!({
            "bucket": detail["bucket"]["name"],
            "key": detail["object"]["key"],
            "versionId": detail["object"]["version-id"],
            "verdict": verdict,
        });
        self.sqs("SendMessage", json!({"QueueUrl": "ScanVerdicts", "MessageBody": verdict.to_string()}))
            .await;
    }

    async fn scan(&self) {
        let (detail, receipt) = self.request().await;
        let text = |pointer: &str| detail.pointer(pointer).unwrap().as_str().unwrap();
        let file = self.read(text("/bucket/name"), text("/object/key"), text("/object/version-id")).await;
        let is_infected = file.windows(eicar().len()).any(|part| part == eicar());
        self.answer(&detail, if is_infected { "infected" } else { "clean" }).await;
        self.sqs("DeleteMessage", json!({"QueueUrl": "ScanRequests", "ReceiptHandle": receipt})).await;
    }
}

#[tokio::test]
async fn a_scanner_of_ones_own_is_asked_and_heard_over_its_queues() {
    // Streams are read from the database in this process.
    if engine::is_amazons() {
        return;
    }
    let world = World::with_queues().await;
    let scanner = Scanner(&world);
    for (purpose, kind, file, told) in [
        ("avatar", PNG, picture(b"a note"), ("clean", "")),
        ("avatar", PNG, picture(&eicar()), ("refused", "MALWARE")),
        ("document", DOCX, document(&[("word/vbaProject.bin", b"x")]), ("refused", "MACROS")),
    ] {
        let id = world.send(purpose, kind, &file).await;
        scanner.scan().await;
        let shown = world.judged(&id).await;
        let code = shown.body["data"]["reasons"][0]["code"].as_str().unwrap_or_default();
        assert_eq!((shown.text("/data/state").as_str(), code), told, "{}", shown.body);
    }
}

/// Nothing answers in the scanner's place, and what it can't scan is refused.
#[tokio::test]
async fn a_file_that_its_scanner_has_not_seen_or_could_not_scan_is_not_clean() {
    if engine::is_amazons() {
        return;
    }
    let world = World::with_queues().await;
    let scanner = Scanner(&world);
    let id = world.send("avatar", PNG, &picture(b"a note")).await;
    let (detail, _) = scanner.request().await;
    world.received(&id).await;
    world.content(&id, &world.pair.access).await.expect(409, "UPLOAD_NOT_READY");
    // Of another version, then of this one.
    let mut other = detail.clone();
    other["object"]["version-id"] = json!("another");
    scanner.answer(&other, "clean").await;
    scanner.answer(&detail, "unscannable").await;
    let shown = world.judged(&id).await;
    let told = (shown.text("/data/state"), shown.text("/data/reasons/0/code"));
    assert_eq!(told, ("refused".to_owned(), "NOT_SCANNED".to_owned()));
}
