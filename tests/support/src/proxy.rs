//! A DynamoDB that can be made to fail, one operation at a time: it stands between the functions and the real one.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::dynamodb;

/// The proxy. It serves until the test's runtime ends.
#[derive(Debug, Clone)]
pub struct Proxy {
    url: String,
    /// What it calls the real one with.
    access_key: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The real one, once it is known.
    target: String,
    /// The operations that fail, by their names.
    failing: Vec<String>,
    /// The operations that are throttled, and how often still.
    throttled: Vec<(String, u32)>,
    /// The operations that are done and whose answers get lost, and how often still.
    lost: Vec<(String, u32)>,
    /// What was called since it was asked last.
    called: Vec<String>,
    /// All that was called, with its caller and what it asked for.
    seen: Vec<Call>,
}

/// One call, as IAM would look at it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The logical id of the function, in small letters: `nova local` gives each an access key of that name.
    pub caller: String,
    pub operation: String,
    /// Its input.
    pub body: serde_json::Value,
}

impl Proxy {
    /// Starts it; calls can be forwarded once [`Proxy::forward_to`] says where to.
    pub async fn start() -> Proxy {
        Proxy::with_key("local").await
    }

    /// One that calls the real one with this access key, whatever it is called with.
    pub async fn with_key(access_key: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let access_key = access_key.to_owned();
        let proxy = Proxy { url, access_key, state: Arc::default() };
        let own = proxy.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let own = own.clone();
                // A connection that breaks off is the client's affair.
                tokio::spawn(async move { drop(own.serve(client).await) });
            }
        });
        proxy
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn forward_to(&self, url: &str) {
        url.clone_into(&mut self.state.lock().unwrap().target);
    }

    /// From now on these operations fail, as often as they are tried, and no others.
    pub fn fail(&self, operations: &[&str]) {
        self.state.lock().unwrap().failing = operations.iter().map(|name| (*name).to_owned()).collect();
    }

    /// The next calls of this operation, so many, are throttled: nothing is done.
    pub fn throttle(&self, operation: &str, times: u32) {
        self.state.lock().unwrap().throttled.push((operation.to_owned(), times));
    }

    /// The next calls of this operation, so many, are done, and their answers get lost.
    pub fn lose_answers(&self, operation: &str, times: u32) {
        self.state.lock().unwrap().lost.push((operation.to_owned(), times));
    }

    /// The operations that were called since this was asked last.
    pub fn called(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().called)
    }

    /// All the calls so far, with whose they were.
    pub fn seen(&self) -> Vec<Call> {
        self.state.lock().unwrap().seen.clone()
    }

    async fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let (mut client, mut onward) = (BufReader::new(client), None);
        while let Some((operation, caller, body)) = read_request(&mut client).await? {
            let input = serde_json::from_slice(&body).unwrap_or_default();
            self.state.lock().unwrap().seen.push(Call { caller, operation: operation.clone(), body: input });
            let answer = self.answer(&mut onward, &operation, body).await;
            client.write_all(&answer).await?;
        }
        Ok(())
    }

    async fn answer(&self, onward: &mut Option<Onward>, operation: &str, body: Vec<u8>) -> Vec<u8> {
        let (target, fails, is_throttled, is_lost) = {
            let mut state = self.state.lock().unwrap();
            state.called.push(operation.to_owned());
            let fails = state.failing.iter().any(|name| name == operation);
            let is_throttled = spend(&mut state.throttled, operation);
            let is_lost = !is_throttled && spend(&mut state.lost, operation);
            (state.target.clone(), fails, is_throttled, is_lost)
        };
        if is_throttled {
            return response(400, br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}"#);
        }
        if fails {
            let body =
                br#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"down"}"#;
            return response(500, body);
        }
        let (status, answer) = self.forward(onward, &target, operation, body).await;
        if is_lost {
            return response(500, br#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#);
        }
        response(status, &answer)
    }

    /// Makes the call of the real one, on the connection that the last one was made on while it lasts.
    async fn forward(
        &self,
        onward: &mut Option<Onward>,
        target: &str,
        operation: &str,
        body: Vec<u8>,
    ) -> (u16, Bytes) {
        if let Some(kept) = onward
            && kept.ready().await.is_err()
        {
            *onward = None;
        }
        let connection = match onward {
            Some(kept) => kept,
            None => onward.insert(connect(target).await),
        };
        let mut request = hyper::Request::post("/").header("host", host(target));
        for (name, value) in dynamodb::headers(&self.access_key, operation) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let answer = connection.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    }
}

/// A connection to the real one.
type Onward = SendRequest<Full<Bytes>>;

async fn connect(target: &str) -> Onward {
    let stream = TcpStream::connect(host(target)).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    // It ends with its sender, or is seen to have ended when the next call is made.
    tokio::spawn(async move { drop(connection.await) });
    sender
}

fn host(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

/// Whether there is one more of this operation, which is spent then.
fn spend(counts: &mut [(String, u32)], operation: &str) -> bool {
    let left = counts.iter_mut().find(|(name, left)| name == operation && *left > 0);
    left.map(|(_, left)| *left -= 1).is_some()
}

fn response(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The next request of the SDK: its operation, its caller and its body. `None` at the end of the connection.
async fn read_request(
    client: &mut BufReader<TcpStream>,
) -> std::io::Result<Option<(String, String, Vec<u8>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(None),
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    client.read_exact(&mut body).await?;
    let operation = header("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or_default();
    let named = OPERATIONS.iter().find(|name| name.eq_ignore_ascii_case(operation)).unwrap();
    let credential = header("authorization").and_then(|value| value.split_once("credential="));
    let caller = credential.and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default().to_owned();
    Ok(Some(((*named).to_owned(), caller, body)))
}

const OPERATIONS: [&str; 16] = [
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
    "Query",
    "Scan",
    "CreateTable",
    "DescribeTable",
    "UpdateTable",
    "ListTables",
    "DescribeTimeToLive",
    "UpdateTimeToLive",
];
