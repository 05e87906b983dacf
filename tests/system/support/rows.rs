//! The tables, read and rewritten through DynamoDB's own protocol.

use jiff::Timestamp;
use nova_auth::domain::attempts::IN_FLIGHT;
use nova_test_support::dynamodb;
use serde_json::{Value, json};

pub(crate) const IDENTITY: &str = "IdentityTable";
pub(crate) const SESSIONS: &str = "SessionsTable";

/// The rows of a stack.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    http: reqwest::Client,
    url: String,
}

impl Rows {
    /// The rows behind a DynamoDB URL.
    pub(crate) fn at(url: &str) -> Rows {
        Rows { http: reqwest::Client::new(), url: url.to_owned() }
    }

    /// What an operation answers: its status, and its body.
    pub(crate) async fn ask(&self, operation: &str, input: &Value) -> (u16, Value) {
        let headers = dynamodb::headers("local", operation).into_iter();
        let request = self.http.post(&self.url).body(input.to_string());
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    async fn call(&self, operation: &str, input: &Value) -> Value {
        let (status, answer) = self.ask(operation, input).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// Every row of a table whose key begins like this.
    pub(crate) async fn like(&self, table: &str, pk: &str, sk: &str) -> Vec<Value> {
        let found = self.call("Scan", &json!({"TableName": table, "ConsistentRead": true})).await;
        let begins = |row: &Value, name: &str, prefix: &str| {
            row[name]["S"].as_str().is_some_and(|key| key.starts_with(prefix))
        };
        let rows = found["Items"].as_array().unwrap().iter();
        rows.filter(|row| begins(row, "pk", pk) && begins(row, "sk", sk)).cloned().collect()
    }

    /// Every window of attempts whose key begins like this. An item outlives its window: calls are counted in it.
    pub(crate) async fn windows(&self, pk: &str) -> Vec<Value> {
        let rows = self.like(SESSIONS, pk, "WINDOW").await.into_iter();
        rows.filter(|row| !row["hits"].is_null() || !row["windowEnd"].is_null()).collect()
    }

    /// The one row of a table whose key begins like this.
    pub(crate) async fn one(&self, table: &str, pk: &str, sk: &str) -> Value {
        let mut rows = self.like(table, pk, sk).await;
        assert_eq!(rows.len(), 1, "{pk} {sk}: {rows:?}");
        rows.remove(0)
    }

    /// Writes a row, in the place of the one that has its key.
    pub(crate) async fn put(&self, table: &str, row: &Value) {
        self.call("PutItem", &json!({"TableName": table, "Item": row})).await;
    }

    /// Rewrites one attribute of the one row whose key begins like this.
    pub(crate) async fn set(&self, table: &str, pk: &str, sk: &str, attribute: &str, value: Value) {
        let mut row = self.one(table, pk, sk).await;
        assert!(!row[attribute].is_null(), "there is no {attribute} in {row}");
        row[attribute] = value;
        self.put(table, &row).await;
    }

    /// Moves a time of the one row whose key begins like this, in milliseconds, by so many seconds.
    pub(crate) async fn shift(&self, table: &str, pk: &str, sk: &str, attribute: &str, seconds: i64) {
        let row = self.one(table, pk, sk).await;
        let time = number(&row[attribute]) + seconds * 1000;
        self.set(table, pk, sk, attribute, json!({"N": time.to_string()})).await;
    }

    /// Time passes for those who hold the places of an address: none is in flight any more, so that nobody waits for one of them.
    pub(crate) async fn age_attempts(&self, address: &str) {
        let pk = format!("ATTEMPTS#ADDRESS#{address}");
        let window = self.one(SESSIONS, &pk, "WINDOW").await;
        let older = |hit: &Value| {
            let (made, request) = hit.as_str().unwrap().split_once('#').unwrap();
            let made = Timestamp::from_millisecond(made.parse().unwrap()).unwrap() - IN_FLIGHT;
            format!("{}#{request}", made.as_millisecond())
        };
        let hits: Vec<_> = window["hits"]["SS"].as_array().unwrap().iter().map(older).collect();
        self.set(SESSIONS, &pk, "WINDOW", "hits", json!({"SS": hits})).await;
    }

    /// Deletes the one row whose key begins like this.
    pub(crate) async fn delete(&self, table: &str, pk: &str, sk: &str) {
        let row = self.one(table, pk, sk).await;
        let key = json!({"pk": row["pk"], "sk": row["sk"]});
        self.call("DeleteItem", &json!({"TableName": table, "Key": key})).await;
    }
}

/// A number of a row.
pub(crate) fn number(value: &Value) -> i64 {
    value["N"].as_str().unwrap().parse().unwrap()
}
