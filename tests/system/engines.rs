//! Where the two engines that the tests run on differ, as far as it concerns this project (docs/reliability.md has the table):
//! a difference that goes away is seen here, and the code or the table follows.

use nova_local::Storage;
use serde_json::{Value, json};

use crate::support::binaries::workspace;
use crate::support::engine::{self, is_amazons};
use crate::support::rows::{IDENTITY, Rows, SESSIONS};

/// What one of them says, and what the other.
fn amazons_or<T>(amazons: T, the_others: T) -> T {
    if is_amazons() { amazons } else { the_others }
}

async fn tables() -> (Storage, Rows) {
    let template = workspace().join("template.yaml");
    let storage = engine::storage(&template).await;
    let rows = Rows::at(storage.url());
    (storage, rows)
}

fn key(pk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": "PROFILE"}})
}

/// The code of an error, or nothing.
fn code((status, body): &(u16, Value)) -> &str {
    assert_eq!(*status == 200, body.get("__type").is_none(), "{body}");
    body["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default()
}

/// Documented: a read of nothing costs what a read of the smallest item does.
#[tokio::test]
async fn an_absent_key_of_a_batch_costs_nothing_on_amazons_engine() {
    let (_storage, rows) = tables().await;
    let keys = json!({"Keys": [key("USER#nobody")], "ConsistentRead": true});
    let request = json!({"RequestItems": {IDENTITY: keys}, "ReturnConsumedCapacity": "TOTAL"});
    let (status, body) = rows.ask("BatchGetItem", &request).await;
    assert_eq!(status, 200, "{body}");
    let units: f64 = body["ConsumedCapacity"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|of| of["CapacityUnits"].as_f64())
        .sum();
    assert_eq!(units.to_string(), amazons_or("0", "1"), "{body}");
}

/// Documented: each write of a transaction costs two.
#[tokio::test]
async fn a_transaction_costs_two_units_a_table_on_amazons_engine_however_many_items_it_writes() {
    let (_storage, rows) = tables().await;
    let put = |pk: &str| json!({"Put": {"TableName": IDENTITY, "Item": key(pk)}});
    let items = [put("USER#a"), put("USER#b"), put("USER#c")];
    let request = json!({"TransactItems": items, "ReturnConsumedCapacity": "TOTAL"});
    let (status, body) = rows.ask("TransactWriteItems", &request).await;
    assert_eq!(status, 200, "{body}");
    let units = body["ConsumedCapacity"][0]["CapacityUnits"].as_f64().unwrap();
    assert_eq!(units.to_string(), amazons_or("2", "6"), "{body}");
}

#[tokio::test]
async fn a_key_that_begins_with_nothing_is_refused_by_amazons_engine() {
    let (_storage, rows) = tables().await;
    let request = json!({
        "TableName": IDENTITY,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
        "ExpressionAttributeValues": {":pk": {"S": "USER#a"}, ":sk": {"S": ""}},
    });
    let answer = rows.ask("Query", &request).await;
    assert_eq!(code(&answer), amazons_or("ValidationException", ""), "{answer:?}");
}

#[tokio::test]
async fn a_condition_that_compares_an_attribute_with_itself_is_refused_by_amazons_engine() {
    let (_storage, rows) = tables().await;
    let put = json!({"TableName": IDENTITY, "Item": key("USER#a"), "ConditionExpression": "email = email"});
    let answer = rows.ask("PutItem", &put).await;
    assert_eq!(
        code(&answer),
        amazons_or("ValidationException", "ConditionalCheckFailedException"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_transaction_finds_an_item_without_the_attributes_it_asks_for_on_amazons_engine_only() {
    let (_storage, rows) = tables().await;
    rows.put(IDENTITY, &key("USER#a")).await;
    let get = json!({"Get": {"TableName": IDENTITY, "Key": key("USER#a"), "ProjectionExpression": "epoch"}});
    let (status, body) = rows.ask("TransactGetItems", &json!({"TransactItems": [get]})).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["Responses"][0].get("Item"), amazons_or(Some(&json!({})), None), "{body}");
}

#[tokio::test]
async fn time_to_live_that_is_on_already_is_refused_by_amazons_engine() {
    let (_storage, rows) = tables().await;
    let on = json!({
        "TableName": SESSIONS,
        "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": true},
    });
    // Here the tables' own is on already, or not.
    drop(rows.ask("UpdateTimeToLive", &on).await);
    let again = rows.ask("UpdateTimeToLive", &on).await;
    assert_eq!(code(&again), amazons_or("ValidationException", ""), "{again:?}");
}
