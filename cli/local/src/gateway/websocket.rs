//! A WebSocket API: the upgrade (authorizer, `$connect`), then each message to the route that it is for, then
//! `$disconnect`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html>

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts as _, Request, State};
use axum::http::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout};

use super::authorizer::{Guard, guards};
use super::call::Call;
use super::connections::{Connections, MAX_MESSAGE, Out};
use super::policy::connect_arn;
use super::refusal::{Refusal, set};
use super::websocket_event::{Connection, Message};
use super::{Setup, body};
use crate::clock::Clock;
use crate::pool::Pool;
use crate::random;
use nova_template::{Api, Route, scalar_text};

/// API Gateway waits this long for a function, whatever the function's own time-out is.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(29);
/// A connection that is quiet for this long is ended, and so is one of this age.
const IDLE_LIMIT: Duration = Duration::from_secs(10 * 60);
const AGE_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// The largest frame; a message may have several.
const MAX_FRAME: usize = 32 * 1024;
/// A client is waited for this long to close its side.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One WebSocket API that is served.
#[derive(Debug)]
pub(super) struct WebSockets {
    api: Api,
    /// The keys that lead to the route's name in a message.
    selection: Vec<String>,
    guards: BTreeMap<String, Guard>,
    pools: BTreeMap<String, Arc<Pool>>,
    connections: Arc<Connections>,
    port: u16,
    clock: Clock,
}

impl WebSockets {
    pub(super) fn new(api: Api, selection: &str, setup: &Setup<'_>) -> Result<WebSockets, String> {
        let plain = selection.replace("${", "$").replace('}', "");
        let path = plain.strip_prefix("$request.body.").filter(|path| !path.is_empty()).ok_or_else(|| {
            format!("RouteSelectionExpression {selection}: only $request.body.… is understood here")
        })?;
        Ok(WebSockets {
            selection: path.split('.').map(str::to_owned).collect(),
            guards: guards(&api, setup)?,
            pools: setup.pools.clone(),
            connections: setup.connections.clone(),
            port: setup.port,
            clock: setup.clock.clone(),
            api,
        })
    }

    pub(super) fn router(self) -> Router {
        Router::new().fallback(handle).with_state(Arc::new(self))
    }

    fn route(&self, key: &str) -> Option<&Route> {
        self.api.routes.iter().find(|route| route.path == key)
    }

    /// The route of a message: the one that it names, else `$default`, to which everything goes that is no JSON.
    fn route_of(&self, message: &Message) -> Option<&Route> {
        let named = || {
            let Message::Text(text) = message else { return None };
            let value: Value = serde_json::from_str(text).ok()?;
            let name =
                self.selection.iter().try_fold(&value, |value, key| value.get(key)).and_then(scalar_text)?;
            // No message gets itself taken for a connection's beginning or end.
            self.route(&name).filter(|route| route.method == "MESSAGE")
        };
        named().or_else(|| self.route("$default"))
    }

    /// Authorizer and `$connect`. The protocol is the one that the function chose.
    async fn connect(&self, connection: &mut Connection) -> Result<Option<String>, (u16, &'static str)> {
        let Some(route) = self.route("$connect") else { return Ok(None) };
        if let Some(name) = &route.authorizer {
            // Every authorizer that a route names has its guard; were one missing, nobody would pass.
            let guard = self.guards.get(name).ok_or((500, "Internal server error"))?;
            let arn = connect_arn(&self.api.logical_id, &self.api.stage);
            let call = &connection.call;
            let header = |name: &str| call.header(name).map(str::to_owned);
            let identity = guard.identity(&connection.connect_context(), header, call);
            let allowed = guard.judge(&arn, identity, |_| connection.authorize(&arn)).await;
            let allowed = allowed.map_err(|refused| match refused.refusal {
                Refusal::Unauthorized => (401, "Unauthorized"),
                Refusal::AccessDenied { .. } => (403, "Forbidden"),
                _ => (500, "Internal server error"),
            })?;
            connection.authorizer = Some(allowed.context());
        }
        let answer =
            self.invoke(&route.function, connection.connect()).await.ok_or((502, "Internal server error"))?;
        let status = answer.get("statusCode").and_then(scalar_text).and_then(|text| text.parse().ok());
        match status {
            Some(200..300) => Ok(protocol(&answer)),
            Some(status @ 300..600) => Err((status, "Forbidden")),
            _ => Err((502, "Internal server error")),
        }
    }

    async fn invoke(&self, function: &str, event: Value) -> Option<Value> {
        let called = self.pools.get(function)?.invoke(Bytes::from(event.to_string()));
        let answer = timeout(INTEGRATION_LIMIT, called).await.ok()?.ok()?;
        serde_json::from_slice(&answer).ok()
    }

    /// What the client is sent for a message: nothing, unless its route has a response, or fails.
    async fn answer(&self, connection: &Connection, message: &Message) -> Option<Bytes> {
        let request_id = random::uuid();
        let failed = |text: &str| {
            let answer = json!({ "message": text, "connectionId": connection.id, "requestId": request_id });
            Some(Bytes::from(answer.to_string()))
        };
        let Some(route) = self.route_of(message) else { return failed("Forbidden") };
        let event = connection.message(&route.path, message, &request_id, self.clock.now_ms());
        match self.invoke(&route.function, event).await {
            None => failed("Internal server error"),
            Some(answer) if route.responds => {
                let body = answer.get("body").and_then(Value::as_str).filter(|body| !body.is_empty());
                body.map(|body| Bytes::from(body.to_owned()))
            }
            Some(_) => None,
        }
    }

    async fn reply(
        self: Arc<Self>,
        connection: Arc<Connection>,
        message: Message,
        out: UnboundedSender<Out>,
    ) {
        if let Some(answer) = self.answer(&connection, &message).await {
            drop(out.send(Out::Message(answer)));
        }
    }

    /// A connection from its beginning to its end.
    async fn attend(
        self: Arc<Self>,
        connection: Arc<Connection>,
        mut socket: WebSocket,
        (out, mut told): (UnboundedSender<Out>, UnboundedReceiver<Out>),
    ) {
        let ends = Instant::now() + AGE_LIMIT;
        let mut quiet = Instant::now() + IDLE_LIMIT;
        let (status, reason) = loop {
            let turn = tokio::select! {
                frame = socket.recv() => read(&mut socket, frame).await,
                told = told.recv() => tell(&mut socket, told).await,
                () = sleep_until(quiet.min(ends)) => {
                    drop(close(&mut socket, 1001, "Going away").await);
                    Turn::End(1001, "Going away".to_owned())
                }
            };
            let message = match turn {
                Turn::Message(message) => message,
                Turn::Told => continue,
                Turn::Alive => {
                    quiet = Instant::now() + IDLE_LIMIT;
                    continue;
                }
                Turn::End(status, reason) => break (status, reason),
            };
            quiet = Instant::now() + IDLE_LIMIT;
            self.connections.touch(&connection.id, self.clock.now_ms());
            // Messages don't wait for each other: nothing says in which order their functions are done.
            tokio::spawn(self.clone().reply(connection.clone(), message, out.clone()));
        };
        self.connections.remove(&connection.id);
        // The client's own close is answered while its last frames are read.
        drop(timeout(LAST_WORDS, async { while let Some(Ok(_)) = socket.recv().await {} }).await);
        if let Some(route) = self.route("$disconnect") {
            let event = connection.disconnect(status, &reason, self.clock.now_ms());
            self.invoke(&route.function, event).await;
        }
    }
}

/// What happened last on a connection.
enum Turn {
    /// The client sent a message.
    Message(Message),
    /// It showed that it is there, and said nothing.
    Alive,
    /// It was sent something, which does not make it less idle.
    Told,
    /// It ended: the status and the reason that `$disconnect` hears.
    End(u16, String),
}

/// What came from the client.
async fn read(socket: &mut WebSocket, frame: Option<Result<Frame, axum::Error>>) -> Turn {
    match frame {
        Some(Ok(Frame::Text(text))) => Turn::Message(Message::Text(text.as_str().to_owned())),
        Some(Ok(Frame::Binary(bytes))) => Turn::Message(Message::Binary(bytes.to_vec())),
        Some(Ok(Frame::Close(Some(frame)))) => Turn::End(frame.code, frame.reason.as_str().to_owned()),
        Some(Ok(Frame::Close(None))) => Turn::End(1005, "Client-side close frame status not set".to_owned()),
        Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Turn::Alive,
        Some(Err(error)) => {
            // Too large a message is the one failure that a client can still be told about.
            drop(close(socket, 1009, "Message too long").await);
            Turn::End(1006, error.to_string())
        }
        None => Turn::End(1006, String::new()),
    }
}

/// Hands on what the client is told, through `@connections` or as an answer.
async fn tell(socket: &mut WebSocket, told: Option<Out>) -> Turn {
    let Some(Out::Message(bytes)) = told else {
        drop(close(socket, 1000, "Connection Closed Normally").await);
        return Turn::End(1000, "Connection Closed Normally".to_owned());
    };
    let frame = match String::from_utf8(bytes.to_vec()) {
        Ok(text) => Frame::Text(text.into()),
        Err(_) => Frame::Binary(bytes),
    };
    match socket.send(frame).await {
        Ok(()) => Turn::Told,
        Err(_) => Turn::End(1006, String::new()),
    }
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) -> Result<(), axum::Error> {
    socket.send(Frame::Close(Some(CloseFrame { code, reason: reason.into() }))).await
}

/// The subprotocol in the answer of `$connect`: without it a browser that asked for one gives up.
fn protocol(answer: &Value) -> Option<String> {
    let headers = answer.get("headers")?.as_object()?;
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"));
    found.and_then(|(_, value)| scalar_text(value))
}

async fn handle(
    State(api): State<Arc<WebSockets>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (mut parts, sent) = request.into_parts();
    let call = Call::new(&parts, peer, api.port, api.clock.now_ms());
    let stage = format!("/{}", api.api.stage);
    // With the stage in front, as on AWS, or without it, as every API of this machine.
    let staged = call.path.strip_prefix(&stage).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let path = staged.unwrap_or(&call.path).to_owned();
    if let Some(id) = path.strip_prefix("/@connections/") {
        let id = percent_decode_str(id).decode_utf8_lossy().into_owned();
        return api.connections.manage(&id, &call, body::read(sent).await);
    }
    let id = Connection::new_id();
    let refuse = |(status, message): (u16, &str)| refusal(status, message, &id, &call.request_id);
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) if path.is_empty() || path == "/" => upgrade,
        _ => return refuse((403, "Forbidden")),
    };
    let (name, stage) = (api.api.logical_id.clone(), api.api.stage.clone());
    let mut connection =
        Connection { api: name, stage, id: id.clone(), call: call.clone(), authorizer: None };
    let protocol = match api.connect(&mut connection).await {
        Ok(protocol) => protocol,
        Err(refused) => return refuse(refused),
    };
    let ways = api.connections.open(&id, &call);
    let (failed, failed_id) = (api.connections.clone(), id.clone());
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_FRAME)
        .on_failed_upgrade(move |_| failed.remove(&failed_id));
    let mut response = upgrade.on_upgrade(move |socket| api.attend(Arc::new(connection), socket, ways));
    if let Some(protocol) = protocol {
        set(&mut response, "sec-websocket-protocol", &protocol);
    }
    response
}

/// An upgrade that is refused.
fn refusal(status: u16, message: &str, id: &str, request_id: &str) -> Response<Body> {
    let text = json!({ "message": message, "connectionId": id, "requestId": request_id }).to_string();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, "content-type", "application/json");
    response
}
