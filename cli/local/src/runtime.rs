//! The Lambda Runtime API: what one process of a function asks for events, and answers to.
//!
//! Each process has a port of its own, so that nobody has to guess who is asking: `AWS_LAMBDA_RUNTIME_API` takes
//! a host and a port in every runtime, and a path in only some.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use crate::guard;
use crate::server::{BindError, Server, bind};

/// Lambda takes answers of up to 6 MB.
const MAX_ANSWER: usize = 6 * 1024 * 1024;

/// One event on its way to a process.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) request_id: String,
    pub(crate) event: Bytes,
    pub(crate) deadline_ms: u64,
    pub(crate) function_arn: String,
    pub(crate) trace_id: String,
}

/// What a function made of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It answered.
    Response(Bytes),
    /// It reported an error.
    Error(FunctionError),
}

/// An error that a function reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The error's kind, as the function calls it.
    pub kind: String,
    pub message: String,
}

/// The Runtime API of one process.
#[derive(Debug)]
pub(crate) struct Endpoint {
    server: Server,
    events: mpsc::Sender<Delivery>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    events: tokio::sync::Mutex<mpsc::Receiver<Delivery>>,
    state: watch::Sender<Start>,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    times: Mutex<Times>,
}

/// When a process asked and answered, for those who measure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// It asked for its first event.
    pub(crate) ready: Option<Instant>,
    /// It was given its last event.
    pub(crate) given: Option<Instant>,
    /// Its last answer had come.
    pub(crate) answered: Option<Instant>,
}

/// How far the start of a process has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It has not asked for an event yet.
    Initializing,
    Ready,
    /// It reported that it can't.
    Failed(FunctionError),
}

impl Endpoint {
    /// Opens the API on a port of its own.
    pub(crate) async fn open() -> Result<Endpoint, BindError> {
        let (events, queue) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            events: tokio::sync::Mutex::new(queue),
            state: watch::Sender::new(Start::Initializing),
            current: Mutex::new(None),
            times: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(axum::middleware::from_fn(guard::by_programs))
            .with_state(shared.clone());
        let (listener, address) = bind(0, "--port").await?;
        Ok(Endpoint { server: Server::serve(listener, address, router), events, shared })
    }

    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` wants them.
    pub(crate) fn address(&self) -> String {
        self.server.url().replacen("http://", "", 1)
    }

    /// Waits until the process asks for its first event, or says that it can't.
    pub(crate) async fn started(&self) -> Start {
        let mut state = self.shared.state.subscribe();
        match state.wait_for(|state| *state != Start::Initializing).await {
            Ok(state) => state.clone(),
            // The sender lives in `self`.
            Err(_) => Start::Initializing,
        }
    }

    /// When the process asked and answered.
    pub(crate) fn times(&self) -> Times {
        *self.shared.times()
    }

    /// Gives the process an event; what it makes of it comes through the receiver.
    pub(crate) async fn deliver(&self, delivery: Delivery) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        *self.shared.current() = Some((delivery.request_id.clone(), sender));
        // The receiver of the queue lives in `self.shared`.
        drop(self.events.send(delivery).await);
        receiver
    }
}

impl Shared {
    fn current(&self) -> std::sync::MutexGuard<'_, Option<(String, oneshot::Sender<Outcome>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the answer to the event that is under way, and to no other.
    fn settle(&self, id: &str, outcome: Outcome) -> Response {
        let mut current = self.current();
        match current.take() {
            Some((expected, sender)) if expected == id => {
                self.times().answered = Some(Instant::now());
                // Whoever asked may have given up; the process is none the wiser.
                drop(sender.send(outcome));
                (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
            }
            other => {
                *current = other;
                let refusal =
                    json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
                (StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response()
            }
        }
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.times().ready.get_or_insert_with(Instant::now);
    shared.state.send_replace(Start::Ready);
    let delivery = shared.events.lock().await.recv().await;
    shared.times().given = Some(Instant::now());
    match delivery {
        Some(delivery) => (
            [
                ("Lambda-Runtime-Aws-Request-Id", delivery.request_id),
                ("Lambda-Runtime-Deadline-Ms", delivery.deadline_ms.to_string()),
                ("Lambda-Runtime-Invoked-Function-Arn", delivery.function_arn),
                ("Lambda-Runtime-Trace-Id", delivery.trace_id),
                ("Content-Type", "application/json".to_owned()),
            ],
            delivery.event,
        )
            .into_response(),
        // The stack stops and ends the process, which would panic at an answer that brings no event.
        None => std::future::pending().await,
    }
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    match to_bytes(body, MAX_ANSWER).await {
        Ok(answer) => shared.settle(&id, Outcome::Response(answer)),
        Err(_) => {
            let error = FunctionError {
                kind: "Function.ResponseSizeTooLarge".to_owned(),
                message: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
                    .to_owned(),
            };
            drop(shared.settle(&id, Outcome::Error(error)));
            StatusCode::PAYLOAD_TOO_LARGE.into_response()
        }
    }
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    let error = read_error(body).await;
    shared.settle(&id, Outcome::Error(error))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let error = read_error(body).await;
    shared.state.send_replace(Start::Failed(error));
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

async fn read_error(body: Body) -> FunctionError {
    let bytes = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    FunctionError { kind: text("errorType"), message: text("errorMessage") }
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
