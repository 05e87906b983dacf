//! The HTTP client under the SDK. It records every try of every call, and does to it what a test scripted.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Map, Value, json};

use super::faults::{Fault, Which};
use super::sent::Sent;

/// The wire between one instance and DynamoDB.
#[derive(Clone)]
pub(super) struct Wire {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    sent: Vec<Sent>,
    answered_round: u32,
    rules: Vec<(Which, Fault)>,
    latency: Duration,
}

impl Wire {
    pub(super) fn new(inner: SharedHttpClient) -> Self {
        Self { inner, state: Arc::default() }
    }

    pub(super) fn shared(self) -> SharedHttpClient {
        SharedHttpClient::new(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on this befalls those calls. The first rule that applies to a try is the one that counts.
    pub(super) fn script(&self, which: Which, fault: Fault) {
        self.state().rules.push((which, fault));
    }

    /// Nothing happens to calls any more, and none was made.
    pub(super) fn reset(&self) {
        let mut state = self.state();
        let latency = state.latency;
        *state = State { latency, ..State::default() };
    }

    /// Every answer takes this long, so that rounds do not depend on who happens to be faster.
    pub(super) fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Every try since the reset.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// How many tries of an operation were made since the reset.
    pub(super) fn count(&self, operation: &str) -> usize {
        self.state().sent.iter().filter(|sent| sent.operation == operation).count()
    }

    /// Notes a try, and says what befalls it.
    fn note(&self, request: &HttpRequest, body: Value) -> (usize, Option<Fault>) {
        let mut state = self.state();
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let sent = Sent {
            operation: header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned(),
            invocation: header("amz-sdk-invocation-id"),
            body,
            round: state.answered_round + 1,
            units: 0.0,
        };
        let fault =
            state.rules.iter_mut().find_map(|(which, fault)| which.befalls(&sent).then(|| fault.clone()));
        state.sent.push(sent);
        (state.sent.len() - 1, fault)
    }

    fn answered(&self, index: usize, units: f64) {
        let mut state = self.state();
        // A call that was made before a reset has no place any more.
        let Some(sent) = state.sent.get_mut(index) else { return };
        sent.units = units;
        let round = sent.round;
        state.answered_round = state.answered_round.max(round);
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Line { wire: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Line {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = Line { wire: self.wire.clone(), inner: self.inner.clone() };
        HttpConnectorFuture::new(async move { line.carry(request).await })
    }
}

impl Line {
    async fn carry(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let body: Value =
            serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let (index, fault) = self.wire.note(&request, body.clone());
        let answer = self.befallen(&request, body, fault).await;
        let latency = self.wire.state().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let units = answer.as_ref().map_or(0.0, |(_, body)| units(body));
        self.wire.answered(index, units);
        answer.map(|(status, body)| response(status, &body))
    }

    async fn befallen(
        &self,
        request: &HttpRequest,
        body: Value,
        fault: Option<Fault>,
    ) -> Result<(u16, Value), ConnectorError> {
        match fault {
            None => self.send(request, &body).await,
            Some(Fault::Hold(gate)) => {
                gate.pass().await;
                self.send(request, &body).await
            }
            Some(Fault::HoldAnswer(gate)) => {
                let answer = self.send(request, &body).await;
                gate.pass().await;
                answer
            }
            Some(Fault::LoseAnswer) => {
                self.send(request, &body).await?;
                Err(ConnectorError::io("the connection broke".into()))
            }
            Some(Fault::Late(gate)) => {
                let line = Line { wire: self.wire.clone(), inner: self.inner.clone() };
                let request = request.try_clone().unwrap();
                tokio::spawn(async move {
                    gate.is_open().await;
                    drop(line.send(&request, &body).await);
                    gate.arrive();
                });
                Err(ConnectorError::io("the connection broke".into()))
            }
            Some(Fault::SendTwice) => {
                self.send(request, &body).await?;
                self.send(request, &body).await
            }
            Some(Fault::Answer(status, answer)) => Ok((status, answer)),
            Some(Fault::Unprocessed(skipped)) => self.send_in_part(request, body, skipped).await,
            Some(Fault::Alter(change)) => {
                let (status, mut answer) = self.send(request, &body).await?;
                change(&mut answer);
                Ok((status, answer))
            }
        }
    }

    /// Sends it, asking for the capacity that it takes.
    async fn send(&self, request: &HttpRequest, body: &Value) -> Result<(u16, Value), ConnectorError> {
        let mut body = body.clone();
        body["ReturnConsumedCapacity"] = json!("TOTAL");
        let bytes = body.to_string().into_bytes();
        let mut sent = request.try_clone().unwrap();
        sent.headers_mut().insert("content-length", bytes.len().to_string());
        *sent.body_mut() = SdkBody::from(bytes);
        let answer = self.inner.call(sent).await?;
        let status = answer.status().as_u16();
        let bytes = ByteStream::new(answer.into_body()).collect().await;
        let bytes = bytes.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// Sends a batch without the keys that `skipped` says, and reports them as unprocessed.
    async fn send_in_part(
        &self,
        request: &HttpRequest,
        body: Value,
        skipped: fn(&Value) -> bool,
    ) -> Result<(u16, Value), ConnectorError> {
        let (mut left, mut asked) = (Map::new(), Map::new());
        for (table, wanted) in body["RequestItems"].as_object().unwrap() {
            let (out, in_time): (Vec<Value>, Vec<Value>) =
                wanted["Keys"].as_array().unwrap().iter().cloned().partition(&skipped);
            for (keys, part) in [(out, &mut left), (in_time, &mut asked)] {
                if !keys.is_empty() {
                    let mut wanted = wanted.clone();
                    wanted["Keys"] = json!(keys);
                    part.insert(table.clone(), wanted);
                }
            }
        }
        let mut answer = if asked.is_empty() {
            (200, json!({ "Responses": {} }))
        } else {
            let mut body = body;
            body["RequestItems"] = json!(asked);
            self.send(request, &body).await?
        };
        answer.1["UnprocessedKeys"] = json!(left);
        Ok(answer)
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let mut response =
        HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string().into_bytes()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

/// One table's, or those of all the tables of a batch or transaction.
fn units(answer: &Value) -> f64 {
    let consumed = &answer["ConsumedCapacity"];
    let one = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or(0.0);
    consumed.as_array().map_or_else(|| one(consumed), |tables| tables.iter().map(one).sum())
}
