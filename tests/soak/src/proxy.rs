//! What stands between the functions and their tables, or their keys, and does to calls what the plan says.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::history::{Recorder, SECOND};
use super::killer::Killer;
use super::plan::{Burst, Dice, Fault, Service};

/// A call is held for up to this long, which is longer than the functions wait for one attempt (1.5 s).
const HELD: (u64, u64) = (200, 2_500);

/// The proxy of one service. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<State>,
    _serving: JoinSet<()>,
}

/// A call as it came.
#[derive(Debug)]
struct Call {
    head: Parts,
    body: Bytes,
}

/// Headers that are of one connection, and that each makes for itself.
const OF_A_CONNECTION: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// How often each call met each fault.
pub(crate) type Met = BTreeMap<(Fault, String), u64>;

#[derive(Debug)]
struct State {
    service: Service,
    target: OnceLock<String>,
    client: reqwest::Client,
    bursts: Vec<Burst>,
    recorder: Arc<Recorder>,
    killer: Arc<Killer>,
    dice: Mutex<Dice>,
    met: Mutex<Met>,
    calls: Mutex<u64>,
}

/// The connection ends here, without an answer.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped")
    }
}

impl std::error::Error for Dropped {}

type Answer = Response<Full<Bytes>>;

impl Proxy {
    /// Starts one; it passes calls on once [`Proxy::forward_to`] says where to.
    pub(crate) async fn start(
        service: Service,
        bursts: &[Burst],
        seed: u64,
        recorder: Arc<Recorder>,
        killer: Arc<Killer>,
    ) -> std::io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        // Its own connections go soon after they are needed: those of `nova local` are counted.
        let client = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(1)).build();
        let state = Arc::new(State {
            service,
            target: OnceLock::new(),
            client: client.map_err(std::io::Error::other)?,
            bursts: bursts.iter().filter(|burst| burst.service == service).cloned().collect(),
            recorder,
            killer,
            dice: Mutex::new(Dice::of(seed, 100)),
            met: Mutex::default(),
            calls: Mutex::default(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, state.clone()));
        Ok(Proxy { url, state, _serving: serving })
    }

    pub(crate) fn forward_to(&self, url: &str) {
        // There is one target, and this is said once.
        drop(self.state.target.set(url.to_owned()));
    }

    /// What it did to calls.
    pub(crate) fn met(&self) -> Met {
        locked(&self.state.met).clone()
    }

    /// How many calls it saw.
    pub(crate) fn calls(&self) -> u64 {
        *locked(&self.state.calls)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        connections.spawn(serve(stream, peer, state.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { state.pass(peer, request).await }
    });
    // A connection that breaks off is what is wanted, or the caller's affair.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

impl State {
    async fn pass(self: Arc<Self>, peer: SocketAddr, request: Request<Incoming>) -> Result<Answer, Dropped> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or(head.method.as_str());
        let operation = operation.to_owned();
        let call = Call { head, body };
        *locked(&self.calls) += 1;
        let Some(fault) = self.draw(&operation) else { return self.forward(call).await };
        *locked(&self.met).entry((fault, operation)).or_default() += 1;
        // What is on its way arrives also when whoever sent it has gone.
        let call = tokio::spawn(async move { self.suffer(fault, peer, call).await });
        call.await.unwrap_or(Err(Dropped))
    }

    /// Whether something happens to this call, and what.
    fn draw(&self, operation: &str) -> Option<Fault> {
        let now = self.recorder.clock.now();
        let burst = self.bursts.iter().find(|burst| burst.begin <= now && now < burst.end)?;
        let is_met = locked(&self.dice).between(0, 100) < burst.percent;
        let fits = match burst.fault {
            Fault::Unprocessed => operation == "BatchGetItem",
            Fault::Conflict => operation == "TransactWriteItems",
            _ => true,
        };
        is_met.then_some(if fits { burst.fault } else { Fault::Throttled })
    }

    async fn suffer(&self, fault: Fault, peer: SocketAddr, call: Call) -> Result<Answer, Dropped> {
        match fault {
            Fault::Throttled => Ok(self.refusal(400, "ThrottlingException")),
            Fault::Failed => Ok(self.internal()),
            Fault::Dropped => Err(Dropped),
            Fault::Conflict => Ok(conflict(&call.body)),
            Fault::Unprocessed => Ok(unprocessed(&call.body)),
            Fault::FailedAfter => self.forward(call).await.map(|_| self.internal()),
            Fault::DroppedAfter => self.forward(call).await.and(Err(Dropped)),
            Fault::Slow => {
                self.hold().await;
                self.forward(call).await
            }
            Fault::SlowAfter => {
                let answer = self.forward(call).await;
                self.hold().await;
                answer
            }
            Fault::Killed => {
                self.killer.kill_owner(peer.port());
                Err(Dropped)
            }
            Fault::KilledAfter => {
                let answer = self.forward(call).await;
                self.killer.kill_owner(peer.port());
                answer.and(Err(Dropped))
            }
        }
    }

    async fn hold(&self) {
        let (least, most) = HELD;
        let held = locked(&self.dice).between(least, most);
        let now = self.recorder.clock.now();
        self.recorder.disturb(now, now + held * 1000 + 2 * SECOND, "a held call");
        tokio::time::sleep(Duration::from_millis(held)).await;
    }

    async fn forward(&self, call: Call) -> Result<Answer, Dropped> {
        let target = self.target.get().ok_or(Dropped)?;
        let Call { head, body } = call;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        // All of its headers, its host too: S3's signatures are of that.
        let mut onward = self.client.request(head.method, format!("{target}{path}")).body(body);
        for (name, value) in head.headers.iter().filter(|(name, _)| !OF_A_CONNECTION.contains(&name.as_str()))
        {
            onward = onward.header(name, value);
        }
        let answer = onward.send().await.map_err(|_| Dropped)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for name in OF_A_CONNECTION {
            headers.remove(name);
        }
        let bytes = answer.bytes().await.map_err(|_| Dropped)?;
        let mut response = Response::new(Full::new(bytes));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    fn internal(&self) -> Answer {
        let kind = match self.service {
            Service::DynamoDb => "InternalServerError",
            Service::SecretsManager => "InternalServiceError",
            Service::Objects => "InternalError",
        };
        self.refusal(500, kind)
    }

    fn refusal(&self, status: u16, kind: &str) -> Answer {
        let kind = match self.service {
            Service::DynamoDb => format!("com.amazonaws.dynamodb.v20120810#{kind}"),
            Service::SecretsManager => kind.to_owned(),
            Service::Objects => return objects_refusal(status),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response(status, Bytes::from(json!({"__type": kind, "message": "a fault of the soak"}).to_string()))
    }
}

/// S3 speaks XML, and asks a caller who comes too often to slow down.
fn objects_refusal(status: u16) -> Answer {
    let (status, code) = match status {
        400 => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    };
    let body = format!("<Error><Code>{code}</Code><Message>a fault of the soak</Message></Error>");
    let mut response = response(status, Bytes::from(body));
    let kind = hyper::header::HeaderValue::from_static("application/xml");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}

/// Nothing of a batch was processed.
fn unprocessed(body: &[u8]) -> Answer {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = json!({"Responses": {}, "UnprocessedKeys": asked.get("RequestItems")});
    response(StatusCode::OK, Bytes::from(answer.to_string()))
}

/// Each of a transaction's items met another transaction.
fn conflict(body: &[u8]) -> Answer {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = asked.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len);
    let reasons = vec![json!({"Code": "TransactionConflict", "Message": "a fault of the soak"}); items];
    let answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "a fault of the soak",
        "CancellationReasons": reasons,
    });
    response(StatusCode::BAD_REQUEST, Bytes::from(answer.to_string()))
}

fn response(status: StatusCode, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}
