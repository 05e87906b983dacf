//! Who gets a form, and who gets none.

use serde_json::json;

use super::files::{declared, picture};
use super::world::{PNG, World};

#[tokio::test]
async fn a_form_is_for_those_who_may_and_for_what_the_rules_allow() {
    let world = World::new().await;
    let file = picture(b"a");
    let body = declared("avatar", PNG, &file);
    let anonymous = world.client.post(&world.url("/uploads"), &body).await;
    anonymous.expect(401, "UNAUTHORIZED");
    let reader = world.system.user("reader").await;
    let reader = world.system.login(&world.client, &reader).await;
    let request = world.client.request("POST", &world.url("/uploads")).bearer_auth(&reader.access);
    world.client.send(request.json(&body)).await.expect(403, "FORBIDDEN_PERMISSION");
    for (member, value, status, code) in [
        ("contentType", json!("image/svg+xml"), 415, "UPLOAD_TYPE_REFUSED"),
        ("contentType", json!("text/html"), 415, "UPLOAD_TYPE_REFUSED"),
        ("size", json!(2 * 1024 * 1024 + 1), 413, "UPLOAD_TOO_LARGE"),
        ("size", json!(0), 413, "UPLOAD_TOO_LARGE"),
        ("size", json!(-1), 400, "VALIDATION_FAILED"),
        ("size", json!("7"), 400, "VALIDATION_FAILED"),
        ("purpose", json!("other"), 400, "VALIDATION_FAILED"),
        ("fileName", json!("../a.png"), 400, "VALIDATION_FAILED"),
        ("sha256", json!("00"), 400, "VALIDATION_FAILED"),
    ] {
        let mut wrong = body.clone();
        wrong[member] = value.clone();
        let refused = world.ask(&wrong).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{member}: {value}");
    }
    let granted = world.ask(&body).await;
    granted.expect_status(201);
    assert_eq!(granted.body["data"]["expiresIn"], 120);
    assert!(!granted.text("/data/fields/policy").is_empty());
    let key = granted.text("/data/fields/key");
    assert_eq!(key, format!("in/{}/{}", world.sara.id, granted.text("/data/uploadId")));
    let id = granted.text("/data/uploadId");
    assert_eq!(world.show(&id, "en").await.text("/data/state"), "granted");
    world.content(&id, &world.pair.access).await.expect(409, "UPLOAD_NOT_READY");
    world
        .content("0190163d-8694-739b-aea5-966c26f8ad90", &world.pair.access)
        .await
        .expect(404, "UPLOAD_NOT_FOUND");
    world.content("x", &world.pair.access).await.expect(404, "UPLOAD_NOT_FOUND");
}

#[tokio::test]
async fn the_quota_of_a_day_is_a_429_until_the_next() {
    let world = World::new().await;
    let body = declared("avatar", PNG, &picture(b"a"));
    for _ in 0..20 {
        world.ask(&body).await.expect_status(201);
    }
    let refused = world.ask(&body).await;
    refused.expect(429, "UPLOAD_QUOTA");
    assert!(refused.seconds("retry-after") <= 86_400);
}

#[tokio::test]
async fn a_front_end_of_another_origin_may_call_only_if_it_is_on_the_list() {
    let world = World::new().await;
    let ask = async |origin: &str| {
        let request = world.client.request("OPTIONS", &world.url("/uploads")).header("origin", origin);
        world.client.send(request.header("access-control-request-method", "POST")).await
    };
    let refused = ask("https://evil.example").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (204, ""));
}
