//! A DynamoDB of one's own choice, in place of the one in this process.

use std::collections::BTreeMap;
use std::fmt;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::ask::Origin;
use crate::tables::stream_changes;
use nova_template::Table;

/// A DynamoDB that runs already.
#[derive(Clone)]
pub struct Engine {
    /// Where it is, for the functions.
    pub url: String,
    /// Region and credentials, as variables of every function: those that this engine takes.
    pub identity: BTreeMap<String, String>,
    /// Where it listens, if it is no account's: then it takes any signature, and the templates' tables are made there.
    pub own: Option<Origin>,
}

/// Without the credentials.
impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What an engine on this machine is signed for. DynamoDB Local keeps tables apart by access key and region, unless it is
/// told not to: so all functions, and the `nova` command, have the same ones.
const CREDENTIAL: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                          SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";

/// An answer that is no success.
#[derive(Debug)]
struct Failed {
    kind: String,
    message: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl Engine {
    /// One on this machine, or in a container of it.
    #[must_use]
    pub fn on_this_machine(origin: Origin) -> Engine {
        let identity = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_SESSION_TOKEN", "local"),
        ];
        let identity = identity.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Engine { url: origin.to_string(), identity: BTreeMap::from(identity), own: Some(origin) }
    }

    /// Makes a table unless it is there already; what it holds is never touched. In an account nothing is made.
    pub(crate) async fn create(&self, table: &Table) -> Result<(), String> {
        let Some(origin) = &self.own else { return Ok(()) };
        let name = json!({ "TableName": table.name });
        let described = match call(origin, "DescribeTable", &name).await {
            Ok(described) => described,
            Err(error) if error.kind == "ResourceNotFoundException" => {
                call(origin, "CreateTable", &table.definition).await.map_err(|error| error.to_string())?
            }
            Err(error) => return Err(error.to_string()),
        };
        for request in stream_changes(table, &described) {
            call(origin, "UpdateTable", &request).await.map_err(|error| error.to_string())?;
        }
        let Some(attribute) = &table.ttl_attribute else { return Ok(()) };
        let described = call(origin, "DescribeTimeToLive", &name).await.map_err(|error| error.to_string())?;
        // Switching on what is on already is an error to DynamoDB.
        if described.pointer("/TimeToLiveDescription/TimeToLiveStatus") == Some(&json!("ENABLED")) {
            return Ok(());
        }
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true }
        });
        call(origin, "UpdateTimeToLive", &request).await.map(drop).map_err(|error| error.to_string())
    }

    /// What an operation answers. Only for an engine of this machine: nothing here signs for an account.
    pub(crate) async fn call(&self, operation: &str, request: &Value) -> Result<Value, String> {
        let origin = self.own.as_ref().ok_or("the tables are an account's")?;
        call(origin, operation, request).await.map_err(|error| error.to_string())
    }
}

/// Streams are a service of their own, at the same address.
fn service_of(operation: &str) -> &'static str {
    match operation {
        "DescribeStream" | "GetRecords" | "GetShardIterator" | "ListStreams" => "DynamoDBStreams_20120810",
        _ => "DynamoDB_20120810",
    }
}

async fn call(origin: &Origin, operation: &str, request: &Value) -> Result<Value, Failed> {
    let failed = |kind: &str, message: String| Failed { kind: kind.to_owned(), message };
    let sent = Request::post("/")
        .header("host", origin.to_string().trim_start_matches("http://"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("{}.{operation}", service_of(operation)))
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", CREDENTIAL)
        .body(Body::from(request.to_string()))
        .map_err(|error| failed("no request", error.to_string()))?;
    let (parts, body) = origin.ask(sent).await.map_err(|problem| failed("no answer", problem))?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if parts.status == StatusCode::OK {
        return Ok(answer);
    }
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| answer.get(*name)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    let kind = text(["__type", "code"]);
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let kind = if kind.is_empty() { parts.status.as_str() } else { kind };
    Err(failed(kind, text(["message", "Message"])))
}
