//! What an operation asks of DynamoDB: its calls, and the capacity that they take, as DynamoDB itself says
//! (`ReturnConsumedCapacity`). A proxy between function and tables adds that to each call, and counts.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::measure::{ask, variables};
use super::scene::{Operation, Scene};

/// What one operation asks of DynamoDB.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Calls {
    /// How often each call is made.
    pub(super) calls: BTreeMap<String, u32>,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
    /// Round trips one after the other.
    pub(super) rounds: u32,
}

/// Counts what each operation asks for, in a process that has answered before; and the first decision of a process,
/// which reads the rules as well.
///
/// # Errors
/// A function did not answer.
pub(super) async fn count(scene: &Scene) -> Result<BTreeMap<&'static str, Calls>, Box<dyn Error>> {
    let counter = Counter::start(scene.bench.dynamodb_url(), scene.client.clone()).await?;
    let mut counted = BTreeMap::new();
    for operation in Operation::ALL {
        let through = [("AWS_ENDPOINT_URL_DYNAMODB", counter.url.as_str())];
        let all: Vec<_> = variables(operation).iter().copied().chain(through).collect();
        let worker = scene.bench.worker(operation.function(), &all).await?;
        let rounds = operation.rounds();
        counter.take();
        ask(scene, &worker, operation).await?;
        let first = counter.take();
        if operation == Operation::Decision {
            counted.insert("first decision", Calls { rounds, ..first });
        }
        ask(scene, &worker, operation).await?;
        counted.insert(operation.name(), Calls { rounds, ..counter.take() });
        worker.stop().await;
    }
    Ok(counted)
}

/// The proxy. It ends when it is dropped.
struct Counter {
    url: String,
    counted: Arc<Mutex<Calls>>,
    _serving: JoinSet<()>,
}

#[derive(Clone)]
struct Through {
    target: String,
    client: reqwest::Client,
    counted: Arc<Mutex<Calls>>,
}

impl Counter {
    async fn start(target: &str, client: reqwest::Client) -> std::io::Result<Counter> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let counted = Arc::<Mutex<Calls>>::default();
        let through = Through { target: target.to_owned(), client, counted: counted.clone() };
        let router = axum::Router::new().fallback(pass).with_state(through);
        let mut serving = JoinSet::new();
        // It serves for as long as it is there.
        serving.spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Counter { url, counted, _serving: serving })
    }

    /// What was counted since this was asked last.
    fn take(&self) -> Calls {
        std::mem::take(&mut *locked(&self.counted))
    }
}

fn locked(counted: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(State(through): State<Through>, headers: HeaderMap, body: Bytes) -> Response {
    match through.send(&headers, &body).await {
        Ok((status, answer)) => {
            (status, [("content-type", "application/x-amz-json-1.0")], answer).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Through {
    async fn send(&self, headers: &HeaderMap, body: &[u8]) -> Result<(StatusCode, Vec<u8>), Box<dyn Error>> {
        let mut request: Value = serde_json::from_slice(body)?;
        let members = request.as_object_mut().ok_or("the request is not an object")?;
        members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        let mut onward = self.client.post(&self.target).body(request.to_string());
        for name in ["x-amz-target", "content-type", "authorization", "x-amz-date", "x-amz-security-token"] {
            if let Some(value) = headers.get(name) {
                onward = onward.header(name, value.as_bytes());
            }
        }
        let answer = onward.send().await?;
        let (status, answer) = (answer.status().as_u16(), answer.bytes().await?);
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let call = target.rsplit('.').next().unwrap_or_default();
        self.note(call, &serde_json::from_slice(&answer).unwrap_or_default());
        Ok((StatusCode::from_u16(status)?, answer.to_vec()))
    }

    fn note(&self, call: &str, answer: &Value) {
        let units = units(answer);
        let mut counted = locked(&self.counted);
        *counted.calls.entry(call.to_owned()).or_default() += 1;
        if matches!(call, "GetItem" | "BatchGetItem" | "TransactGetItems" | "Query") {
            counted.read_units += units;
        } else {
            counted.write_units += units;
        }
    }
}

/// One table's, or those of all the tables of a batch or transaction.
fn units(answer: &Value) -> f64 {
    let consumed = answer.get("ConsumedCapacity");
    let one = |consumed: &Value| consumed.get("CapacityUnits").and_then(Value::as_f64).unwrap_or_default();
    match consumed {
        Some(Value::Array(tables)) => tables.iter().map(one).sum(),
        Some(table) => one(table),
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capacity_of_every_table_is_counted() {
        let two = json!({"ConsumedCapacity": [{"CapacityUnits": 2.0}, {"CapacityUnits": 1.0}]});
        assert_eq!(units(&two), 3.0);
        assert_eq!(units(&json!({"ConsumedCapacity": {"CapacityUnits": 4.0}})), 4.0);
        assert_eq!(units(&json!({})), 0.0);
    }
}
