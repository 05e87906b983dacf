use serde_json::{Value, json};

use super::{Rotators, start};
use crate::clock::Clock;
use crate::server::Server;
use crate::storage::Storage;
use nova_template::{Secret, SecretValue};

const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:Keys-local0";

async fn stand_in(storage: &Storage) -> Server {
    let secret = |name: &str, arn: &str, value| Secret {
        name: name.to_owned(),
        arn: arn.to_owned(),
        value,
        rotation: None,
    };
    let secrets = [
        secret("Keys", ARN, SecretValue::Given("one".to_owned())),
        secret("Bare", "arn:bare", SecretValue::Empty),
    ];
    start(&secrets, storage.documents(), Clock::manual(1_700_000_000_500), Rotators::default()).await.unwrap()
}

async fn call(server: &Server, operation: &str, input: Value) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .post(server.url())
        .header("x-amz-target", format!("secretsmanager.{operation}"))
        .body(input.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_secret_is_found_by_its_arn_and_by_its_name() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    for id in [ARN, "Keys"] {
        let (status, answer) = call(&server, "GetSecretValue", json!({ "SecretId": id })).await;
        assert_eq!((status, answer["SecretString"].as_str()), (200, Some("one")));
        assert_eq!(answer["ARN"], ARN);
        assert_eq!(answer["VersionStages"], json!(["AWSCURRENT"]));
        assert_eq!(answer["CreatedDate"], 1_700_000_000.5);
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_the_words_of_the_service() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    for id in ["Nobody", "Bare"] {
        let (status, answer) = call(&server, "GetSecretValue", json!({ "SecretId": id })).await;
        assert_eq!((status, answer["__type"].as_str()), (400, Some("ResourceNotFoundException")));
        assert!(answer["Message"].as_str().unwrap().starts_with("Secrets Manager can't find"));
    }
    let (status, answer) = call(&server, "DeleteSecret", json!({ "SecretId": ARN })).await;
    assert_eq!((status, answer["__type"].as_str()), (400, Some("UnknownOperationException")));
}

#[tokio::test]
async fn a_rotation_goes_through_its_calls() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    let (_, before) = call(&server, "GetSecretValue", json!({ "SecretId": ARN })).await;
    let pending = json!({
        "SecretId": ARN, "ClientRequestToken": "token-2", "SecretString": "two", "VersionStages": ["AWSPENDING"]
    });
    let (status, answer) = call(&server, "PutSecretValue", pending).await;
    assert_eq!((status, answer["VersionId"].as_str()), (200, Some("token-2")));
    let asked = json!({ "SecretId": ARN, "VersionStage": "AWSPENDING" });
    assert_eq!(call(&server, "GetSecretValue", asked).await.1["SecretString"], "two");
    let moved = json!({
        "SecretId": ARN, "VersionStage": "AWSCURRENT", "MoveToVersionId": "token-2",
        "RemoveFromVersionId": before["VersionId"]
    });
    assert_eq!(call(&server, "UpdateSecretVersionStage", moved).await.0, 200);
    let (_, described) = call(&server, "DescribeSecret", json!({ "SecretId": ARN })).await;
    let first = before["VersionId"].as_str().unwrap();
    assert_eq!(described["VersionIdsToStages"][first], json!(["AWSPREVIOUS"]));
    assert_eq!(described["VersionIdsToStages"]["token-2"], json!(["AWSCURRENT", "AWSPENDING"]));
}

#[tokio::test]
async fn a_secret_that_no_function_rotates_is_not_rotated() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    let (status, answer) = call(&server, "RotateSecret", json!({ "SecretId": ARN })).await;
    assert_eq!((status, answer["__type"].as_str()), (400, Some("InvalidRequestException")));
    let (_, described) = call(&server, "DescribeSecret", json!({ "SecretId": ARN })).await;
    assert_eq!(described["RotationEnabled"], false);
    assert_eq!(described["VersionIdsToStages"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_has_the_data_finds_the_secrets() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    assert_eq!(storage.documents().get("secretsmanager-url").unwrap(), Some(server.url()));
}

#[tokio::test]
async fn secrets_outlive_the_stand_in_when_the_storage_does() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    call(&server, "PutSecretValue", json!({ "SecretId": ARN, "SecretString": "two" })).await;
    server.stop().await;
    let server = stand_in(&storage).await;
    let (_, answer) = call(&server, "GetSecretValue", json!({ "SecretId": ARN })).await;
    assert_eq!(answer["SecretString"], "two");
}

/// The signing keys are in here.
#[tokio::test]
async fn no_page_of_a_browser_reaches_the_secrets() {
    let storage = Storage::start(&[], None, 0).await.unwrap();
    let server = stand_in(&storage).await;
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("host", "evil.example:8001")]
    {
        let request = reqwest::Client::new().post(server.url()).header(name, value);
        let request = request.header("x-amz-target", "secretsmanager.GetSecretValue");
        let answer = request.body(json!({ "SecretId": ARN }).to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}: {value}");
        assert!(!answer.text().await.unwrap().contains("one"), "{name}: {value}");
    }
}
