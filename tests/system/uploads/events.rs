//! The sample events of `events/` for the functions of uploads: each is taken as its name promises.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nova_auth_uploads::upload::{State, Verdict};
use serde_json::{Value, json};

use super::files::PIXEL;
use super::world::{World, post};
use crate::support::binaries::workspace;
use crate::support::client::Answer;
use crate::support::engine;

/// Where an upload is, in the words of the samples.
struct Place<'p> {
    user: &'p str,
    upload: &'p str,
    version: &'p str,
}

fn event(world: &World, file: &str, place: &Place<'_>) -> Value {
    let text = fs::read_to_string(workspace().join("events").join(file)).unwrap();
    let filled = text
        .replace("REPLACE_WITH_ACCESS_TOKEN", &world.pair.access)
        .replace("REPLACE_WITH_QUARANTINE_BUCKET", "quarantinebucket")
        .replace("REPLACE_WITH_USER_ID", place.user)
        .replace("REPLACE_WITH_UPLOAD_ID", place.upload)
        .replace("REPLACE_WITH_VERSION_ID", place.version);
    assert!(!filled.contains("REPLACE"), "{file}: a placeholder that nobody knows");
    serde_json::from_str(&filled).unwrap()
}

/// Sends what a proxy event says.
async fn send(world: &World, file: &str, place: &Place<'_>) -> Answer {
    let event = event(world, file, place);
    let text = |name: &str| event[name].as_str().unwrap();
    assert_eq!(event["resource"], event["requestContext"]["resourcePath"], "{file}");
    let mut request = world.client.request(text("httpMethod"), &world.url(text("path")));
    for name in ["Content-Type", "Authorization", "Accept-Language"] {
        let value = event["headers"][name].as_str();
        assert_eq!(value, event["multiValueHeaders"][name][0].as_str(), "{file}: {name}");
        request = value.iter().fold(request, |request, value| request.header(name, *value));
    }
    world.client.send(request.body(event["body"].as_str().unwrap_or_default().to_owned())).await
}

/// Calls a function with a sample, and gives its answer.
async fn invoke(world: &World, function: &str, file: &str, place: &Place<'_>) -> Value {
    let services = world.system.stack.services_url();
    let call = reqwest::Client::new()
        .post(format!("{services}/2015-03-31/functions/{function}/invocations"))
        .header("authorization", "AWS4-HMAC-SHA256 Credential=local")
        .body(event(world, file, place).to_string());
    let answer = call.send().await.unwrap();
    assert!(answer.headers().get("x-amz-function-error").is_none(), "{file}");
    answer.json().await.unwrap()
}

/// With queues, so that no scanner answers before the samples do.
#[tokio::test]
async fn every_event_of_uploads_is_taken_as_its_name_promises() {
    // Streams are read from the database in this process.
    if engine::is_amazons() {
        return;
    }
    let world = World::with_queues().await;
    let nowhere = Place { user: "", upload: "", version: "" };
    send(&world, "upload-grant.rest.not-found.json", &nowhere).await.expect(404, "UPLOAD_NOT_FOUND");
    for sample in ["upload-verdict.bus.json", "upload-verdict.queue.json"] {
        let granted = send(&world, "upload-grant.rest.json", &nowhere).await;
        granted.expect_status(201);
        assert_eq!(post(&granted, &STANDARD.decode(PIXEL).unwrap(), "a.png").await, 201);
        let upload = granted.text("/data/uploadId");
        world.received(&upload).await;
        let version = world.row(&upload).await.upload.version.unwrap();
        let place = Place { user: &world.sara.id.to_string(), upload: &upload, version: version.as_str() };
        let shown = send(&world, "upload-grant.rest.show.json", &place).await;
        assert_eq!(shown.text("/data/state"), "received");
        // It was inspected when it came: a second time changes nothing.
        assert_eq!(
            invoke(&world, "UploadInspectFunction", "upload-inspect.bus.json", &place).await,
            json!({})
        );
        let answer = invoke(&world, "UploadVerdictFunction", sample, &place).await;
        let failures = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
        assert_eq!((failures, world.row(&upload).await.upload.malware), (0, Some(Verdict::Yes)), "{sample}");
        let answer = invoke(&world, "UploadVerdictFunction", "upload-verdict.stream.json", &place).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
        // At once, whether the table's own stream was faster or not.
        assert_eq!(world.row(&upload).await.upload.state, State::Clean);
    }
}
