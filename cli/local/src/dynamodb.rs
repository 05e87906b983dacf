//! DynamoDB's protocol over the database in this process.
//!
//! It stands in for the database's own server, which lets every page of every site in (`Access-Control-Allow-Origin: *`) and can't
//! be told otherwise. An SDK sees no difference; how a body that no SDK sends is refused is worded more plainly.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use dynoxide::auth_material::{self, AuthMaterial};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::expressions;
use crate::guard;
use crate::random;

/// DynamoDB's own limit.
const LARGEST: usize = 16 * 1024 * 1024;

/// An operation that DynamoDB has not, or that this database has not.
const UNKNOWN: &str = "com.amazon.coral.service#UnknownOperationException";

/// Calls of a database, for programs on this machine.
pub(crate) fn router(database: Database) -> Router {
    Router::new()
        .route("/", post(call))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(axum::middleware::from_fn(guard::by_programs))
        .with_state(database)
}

async fn call(State(database): State<Database>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let target = text("x-amz-target").unwrap_or_default();
    let operation = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."]
        .into_iter()
        .find_map(|service| target.strip_prefix(service))
        .unwrap_or_default();
    let credentials = AuthMaterial {
        authorization: text("authorization"),
        query: uri.query().unwrap_or_default(),
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key(header::DATE),
    };
    if let Some(refusal) = auth_material::validate(credentials) {
        return answer(StatusCode::BAD_REQUEST, refusal);
    }
    match guarded(&database, operation, &body) {
        None => answer(StatusCode::BAD_REQUEST, json!({ "__type": UNKNOWN }).to_string()),
        Some(Ok(found)) => answer(StatusCode::OK, found),
        Some(Err(error)) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
            answer(status, error.to_json())
        }
    }
}

fn answer(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Ok(id) = HeaderValue::from_str(&random::uuid()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

pub(crate) type Answer = Result<String, DynoxideError>;

/// As [`dispatch`], for a request whose expressions are no larger than DynamoDB takes them.
fn guarded(database: &Database, operation: &str, body: &[u8]) -> Option<Answer> {
    let found = match expressions::check(body) {
        Ok(found) => found,
        Err(problem) => return Some(Err(DynoxideError::ValidationException(problem))),
    };
    expressions::run(found, || dispatch(database, operation, body))
        .unwrap_or_else(|error| Some(Err(DynoxideError::InternalServerError(error.to_string()))))
}

/// `None`: there is no such operation.
pub(crate) fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Option<Answer> {
    Some(match operation {
        "BatchExecuteStatement" => with(body, |request| database.batch_execute_statement(request)),
        "BatchGetItem" => with(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => with(body, |request| database.batch_write_item(request)),
        "CreateTable" => with(body, |request| database.create_table(request)),
        "DeleteItem" => with(body, |request| database.delete_item(request)),
        "DeleteTable" => with(body, |request| database.delete_table(request)),
        "DescribeStream" => with(body, |request| database.describe_stream(request)),
        "DescribeTable" => with(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => with(body, |request| database.describe_time_to_live(request)),
        "ExecuteStatement" => with(body, |request| database.execute_statement(request)),
        "ExecuteTransaction" => with(body, |request| database.execute_transaction(request)),
        "GetItem" => with(body, |request| database.get_item(request)),
        "GetRecords" => with(body, |request| database.get_records(request)),
        "GetShardIterator" => with(body, |request| database.get_shard_iterator(request)),
        "ListStreams" => with(body, |request| database.list_streams(request)),
        "ListTables" => with(body, |request| database.list_tables(request)),
        "ListTagsOfResource" => with(body, |request| database.list_tags_of_resource(request)),
        "PutItem" => with(body, |request| database.put_item(request)),
        "Query" => with(body, |request| database.query(request)),
        "Scan" => with(body, |request| database.scan(request)),
        "TagResource" => with(body, |request| database.tag_resource(request)),
        "TransactGetItems" => with(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => with(body, |request| database.transact_write_items(request)),
        "UntagResource" => with(body, |request| database.untag_resource(request)),
        "UpdateItem" => with(body, |request| database.update_item(request)),
        "UpdateTable" => with(body, |request| database.update_table(request)),
        "UpdateTimeToLive" => with(body, |request| database.update_time_to_live(request)),
        _ => return None,
    })
}

fn with<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    run: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> Answer {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::to_string(&run(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The database marks in its texts what DynamoDB calls invalid, and not merely unreadable.
fn unreadable(text: &str) -> DynoxideError {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let marked = |mark: &str| text.strip_prefix(mark).map(str::to_owned);
    let invalid = ["VALIDATION:", "VALIDATION_AS_READ:", "VALIDATION_REQUEST:"].into_iter().find_map(marked);
    let malformed = ["SERIALIZATION:", "SERIALIZATION_AS_READ:"].into_iter().find_map(marked);
    let plain = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    match (invalid, malformed) {
        (Some(text), _) => DynoxideError::ValidationException(text),
        (None, Some(text)) => DynoxideError::SerializationException(text),
        (None, None) if plain.iter().any(|part| text.contains(part)) => {
            DynoxideError::ValidationException(text.to_owned())
        }
        (None, None) => DynoxideError::SerializationException(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_as_long_as_dynamodb_takes_it_is_read_and_a_longer_one_is_refused() {
        let database = Database::memory().unwrap();
        let table = json!({
            "TableName": "One",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }]
        });
        guarded(&database, "CreateTable", table.to_string().as_bytes()).unwrap().unwrap();
        let put = |condition: &str| {
            let request = json!({
                "TableName": "One",
                "Item": { "name": { "S": "a" } },
                "ConditionExpression": condition,
                "ExpressionAttributeValues": { ":b": { "S": "b" } },
            });
            guarded(&database, "PutItem", request.to_string().as_bytes()).unwrap()
        };
        // 150 comparisons, 149 times AND, and one NOT.
        let longest = format!("NOT {}", vec!["x<>:b"; 150].join(" AND "));
        assert!(matches!(put(&longest), Ok(_) | Err(DynoxideError::ConditionalCheckFailedException(..))));
        let refused = put(&format!("NOT {longest}"));
        assert!(
            matches!(&refused, Err(DynoxideError::ValidationException(said)) if said.contains("301")),
            "{refused:?}"
        );
    }

    /// An SDK tells these apart by their type, and retries none of them.
    #[test]
    fn what_cannot_be_done_is_said_as_dynamodb_says_it() {
        let database = Database::memory().unwrap();
        let kind = |operation: &str, body: &str| {
            let error = dispatch(&database, operation, body.as_bytes()).unwrap().unwrap_err();
            let error: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
            let message = error.get("message").or(error.get("Message")).unwrap().to_string();
            assert!(!message.contains("VALIDATION") && !message.contains("SERIALIZATION:"), "{message}");
            error["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned()
        };
        assert_eq!(kind("GetItem", "{"), "SerializationException");
        assert_eq!(kind("GetItem", r#"{"TableName": 1}"#), "SerializationException");
        let put = |value: &str| format!(r#"{{"TableName": "One", "Item": {{"name": {value}}}}}"#);
        assert_eq!(kind("PutItem", &put(r#"{"NULL": false}"#)), "ValidationException");
        assert_eq!(kind("PutItem", &put("{}")), "ValidationException");
        assert_eq!(kind("PutItem", &put(r#"{"S": "a"}"#)), "ResourceNotFoundException");
        assert!(dispatch(&database, "BackUp", b"{}").is_none());
    }
}
