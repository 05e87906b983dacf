//! A WebSocket that a device keeps open, on which it asks again and again who it is: who is told that is connected still.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::caller::send;
use super::history::{Act, Answer, Event};
use super::system::Failure;
use super::world::{Access, World};

/// How often it asks.
const EVERY: Duration = Duration::from_secs(2);

/// Longer than any function may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection of one session, until somebody ends it.
pub(crate) struct Socket {
    pub(crate) session: String,
    task: JoinHandle<()>,
}

impl Socket {
    /// A connection by access token, or by a ticket that this client asks for.
    pub(crate) fn open(world: Arc<World>, user: u32, access: Access, by_ticket: Option<Client>) -> Socket {
        let session = access.session.clone();
        let task = tokio::spawn(async move {
            // Who isn't let in is no matter of connections; the next step tries again.
            let connected = match by_ticket {
                Some(http) => connect_by_ticket(&world, &http, &access.token).await,
                None => connect(&world.sockets, &access.token).await,
            };
            if let Ok(stream) = connected {
                speak(&world, user, &access, stream).await;
            }
        });
        Socket { session, task }
    }

    /// Whether it has ended, or never began.
    pub(crate) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Goes away without a word, as a laptop does that is shut.
    pub(crate) async fn leave(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// Connects as a browser does.
pub(crate) async fn connect(url: &str, token: &str) -> Result<Stream, Failure> {
    let mut request = url.into_client_request()?;
    let protocols = format!("nova, nova.bearer.{token}").parse()?;
    request.headers_mut().insert("sec-websocket-protocol", protocols);
    Ok(connect_async(request).await?.0)
}

async fn connect_by_ticket(world: &World, http: &Client, token: &str) -> Result<Stream, Failure> {
    let ask = http.post(format!("{}/api/auth/tickets", world.auth)).bearer_auth(token);
    let reply = send(ask.json(&json!({"api": "ChatApi"}))).await;
    let ticket = reply.text("/data/ticket");
    if ticket.is_empty() {
        return Err("no ticket".into());
    }
    Ok(connect_async(format!("{}?ticket={ticket}", world.sockets)).await?.0)
}

async fn speak(world: &World, user: u32, access: &Access, mut stream: Stream) {
    loop {
        tokio::time::sleep(EVERY).await;
        let begin = world.recorder.clock.now();
        let told = ask(&mut stream).await;
        let end = world.recorder.clock.now();
        let (answer, told) = match told {
            Some(told) if told.pointer("/success") == Some(&json!(true)) => {
                let id = told.pointer("/data/userId").and_then(Value::as_str).unwrap_or_default();
                (Answer::Yes, Some(world.number_of(id)))
            }
            Some(_) => (Answer::Broken("message".to_owned()), None),
            None => (Answer::No("closed".to_owned()), None),
        };
        let is_over = matches!(answer, Answer::No(_));
        let session = Some(access.session.clone());
        let act = Act::Speak { told };
        world.recorder.note(Event {
            begin,
            end,
            user,
            session,
            keys: Vec::new(),
            expires: None,
            act,
            answer,
        });
        if is_over {
            return;
        }
    }
}

/// `None`: the connection has ended.
async fn ask(stream: &mut Stream) -> Option<Value> {
    stream.send(Message::text(r#"{"action":"whoami"}"#)).await.ok()?;
    let answered = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).ok(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap_or(Some(Value::Null))
}
