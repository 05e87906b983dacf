//! A WebSocket API of another team that attaches the authorizer: who may connect, and how the connections of a session end.
//! That no order of the two leaves a connection open is in `sockets`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use nova_local::{Clock, Options};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::binaries;
use crate::support::client::Client;
use crate::support::program::{command, run};
use crate::support::stack::{PASSWORD, System, User};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn system() -> System {
    System::start_with(attached).await
}

/// Attaches the sample, and takes tickets.
pub(crate) fn attached(options: &mut Options) {
    options.attach.push(binaries::workspace().join("tests/consumer/websocket/template.yaml"));
    options.parameters.insert("Tickets".to_owned(), "enabled".to_owned());
}

/// Connects as a browser does: the token is among the subprotocols.
pub(crate) async fn connect(system: &System, protocols: Option<&str>) -> Result<Socket, (u16, Value)> {
    let mut request = system.stack.api("ChatApi").unwrap().into_client_request().unwrap();
    if let Some(protocols) = protocols {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, response)) => {
            // Never the subprotocol that carries the token.
            assert_eq!(response.headers()["sec-websocket-protocol"], "nova");
            Ok(socket)
        }
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            Err((response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default()))
        }
        Err(error) => panic!("{error}"),
    }
}

fn with(token: &str) -> String {
    format!("nova, nova.bearer.{token}")
}

async fn connected(system: &System, token: &str) -> Socket {
    connect(system, Some(&with(token))).await.unwrap()
}

async fn refusal(system: &System, protocols: Option<&str>) -> (u16, String) {
    let (status, body) = connect(system, protocols).await.unwrap_err();
    (status, body["message"].as_str().unwrap_or_default().to_owned())
}

async fn send(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// The next message; `None` when the connection is ended instead.
async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return None,
        }
    }
}

async fn ask(socket: &mut Socket, message: &Value) -> Option<Value> {
    send(socket, message).await;
    next(socket).await
}

async fn is_of(socket: &mut Socket, user: &User) -> bool {
    ask(socket, &json!({ "action": "whoami" }))
        .await
        .is_some_and(|answer| answer["data"]["userId"] == user.id)
}

#[tokio::test]
async fn a_live_session_connects_and_is_known_in_every_message() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let mut socket = connected(&system, &pair.access).await;
    for _ in 0..2 {
        assert!(is_of(&mut socket, &sara).await);
    }
    for unknown in [json!({ "action": "$connect" }), json!({ "action": "$disconnect" }), json!("no action")] {
        assert_eq!(ask(&mut socket, &unknown).await.unwrap()["code"], "NOT_FOUND", "{unknown}");
    }
}

#[tokio::test]
async fn nobody_else_connects() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let unauthorized = (401, "Unauthorized".to_owned());
    assert_eq!(refusal(&system, None).await, unauthorized, "no subprotocols: nobody is asked");
    assert_eq!(refusal(&system, Some("nova")).await, unauthorized, "no token");
    assert_eq!(refusal(&system, Some("nova, nova.bearer.x.y.z")).await, unauthorized, "a bad token");
    let two = format!("{}, nova.bearer.{}", with(&pair.access), pair.access);
    assert_eq!(refusal(&system, Some(&two)).await, unauthorized, "two tokens");
    assert_eq!(refusal(&system, Some(&with(&pair.refresh))).await, unauthorized, "the other kind of token");
    system.logout(&client, Some(&pair.access), &json!({})).await;
    assert_eq!(refusal(&system, Some(&with(&pair.access))).await, unauthorized, "a revoked session");
    let logs = system.stop().await;
    assert_eq!(logs.matches("\"decision\":").count(), 5);
    assert!(!logs.contains(&pair.access) && !logs.contains(&pair.refresh));
}

#[tokio::test]
async fn a_ticket_opens_one_connection_and_stands_in_no_log() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let ask = client.request("POST", &system.auth("tickets")).bearer_auth(&pair.access);
    let made = client.send(ask.json(&json!({"api": "ChatApi"}))).await;
    made.expect_status(200);
    assert_eq!(made.body["data"]["expiresIn"], 30);
    let ticket = made.text("/data/ticket");
    let mut socket = connect(&system, Some(&format!("nova, nova.ticket.{ticket}"))).await.unwrap();
    assert!(is_of(&mut socket, &sara).await);
    let again = refusal(&system, Some(&format!("nova, nova.ticket.{ticket}"))).await;
    assert_eq!(again, (401, "Unauthorized".to_owned()));
    for api in ["", "a/b", "arn:aws"] {
        let ask = client.request("POST", &system.auth("tickets")).bearer_auth(&pair.access);
        client.send(ask.json(&json!({"api": api}))).await.expect(400, "VALIDATION_FAILED");
    }
    client.post(&system.auth("tickets"), &json!({"api": "ChatApi"})).await.expect(401, "AUTH_TOKEN_MISSING");
    assert!(!system.stop().await.contains(&ticket));
}

#[tokio::test]
async fn whom_the_rules_deny_is_told_403_before_there_is_a_connection() {
    let system = system().await;
    system.store_rules("ChatApi", "- route: CONNECT $connect\n  roles: [admin]\n").await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(refusal(&system, Some(&with(&pair.access))).await, (403, "Forbidden".to_owned()));
}

#[tokio::test]
async fn dropping_a_session_ends_all_its_connections_and_no_other() {
    let system = system().await;
    let (sara, eve, client) = (system.user("sara").await, system.user("eve").await, Client::at(2));
    let (phone, laptop) = (system.login(&client, &sara).await, system.login(&client, &sara).await);
    let theirs = system.login(&client, &eve).await;
    let (mut one, mut two) =
        (connected(&system, &phone.access).await, connected(&system, &phone.access).await);
    let mut other = connected(&system, &laptop.access).await;
    let mut eves = connected(&system, &theirs.access).await;
    let session = ask(&mut one, &json!({ "action": "whoami" })).await.unwrap()["data"]["sessionId"].clone();
    // Nobody ends a session of somebody else.
    let nothing = ask(&mut eves, &json!({ "action": "drop", "sessionId": session })).await.unwrap();
    assert_eq!(nothing["data"]["dropped"], 0);
    // From the laptop the phone is signed out: its session is revoked, and its connections end.
    system.logout(&client, Some(&phone.access), &json!({})).await;
    assert!(is_of(&mut one, &sara).await, "a revocation alone does not reach what is open");
    let dropped = ask(&mut other, &json!({ "action": "drop", "sessionId": session })).await.unwrap();
    assert_eq!(dropped["data"]["dropped"], 2);
    assert_eq!((next(&mut one).await, next(&mut two).await), (None, None));
    assert!(is_of(&mut other, &sara).await && is_of(&mut eves, &eve).await);
    assert_eq!(refusal(&system, Some(&with(&phone.access))).await.0, 401, "and it does not come back");
}

/// Ends the connection by its own session's `drop`.
pub(crate) async fn dropped(socket: &mut Socket) {
    send(socket, &json!({ "action": "drop" })).await;
    while next(socket).await.is_some() {}
}

#[tokio::test]
async fn a_client_that_logs_out_ends_its_own_connections() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let (mut one, mut two) = (connected(&system, &pair.access).await, connected(&system, &pair.access).await);
    send(&mut one, &json!({ "action": "drop" })).await;
    assert_eq!((next(&mut one).await, next(&mut two).await), (None, None));
}

#[tokio::test]
async fn a_connection_older_than_an_access_token_has_to_be_made_again() {
    let now = u64::try_from(nova_auth::app::start_time().as_millisecond()).unwrap();
    let time = Arc::new(AtomicU64::new(now));
    let clock = Clock::Manual(time.clone());
    let system = System::start_with(|options| {
        options.attach.push(binaries::workspace().join("tests/consumer/websocket/template.yaml"));
        options.clock = clock;
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    let mut socket = connected(&system, &pair.access).await;
    time.fetch_add(900_000, Ordering::SeqCst);
    assert!(is_of(&mut socket, &sara).await);
    time.fetch_add(1, Ordering::SeqCst);
    send(&mut socket, &json!({ "action": "whoami" })).await;
    // It may still hear why; it does not hear who it is.
    if let Some(answer) = next(&mut socket).await {
        assert_eq!(answer["code"], "TOKEN_EXPIRED");
        assert_eq!(next(&mut socket).await, None);
    }
}

/// One that listens to the event bus, and takes every retry of a refresh for a theft.
pub(crate) fn listening(options: &mut Options) {
    attached(options);
    options.parameters.insert("Events".to_owned(), "enabled".to_owned());
    options.parameters.insert("RefreshGraceSeconds".to_owned(), "0".to_owned());
    options.attached_parameters.insert("Events".to_owned(), "enabled".to_owned());
}

/// The connection ends, though its client says nothing.
pub(crate) async fn ends(socket: &mut Socket, why: &str) {
    let end = tokio::time::timeout(Duration::from_secs(60), next(socket)).await;
    assert_eq!(end.ok(), Some(None), "{why}: it is open still");
}

#[tokio::test]
async fn connections_end_with_their_session_however_it_ended_and_no_others_do() {
    let system = System::start_with(listening).await;
    let (sara, eve, client) = (system.user("sara").await, system.user("eve").await, Client::at(2));
    let (mut pairs, mut sockets) = (Vec::new(), Vec::new());
    for user in [&sara, &sara, &sara, &sara, &eve] {
        let pair = system.login(&client, user).await;
        sockets.push(connected(&system, &pair.access).await);
        pairs.push(pair);
    }
    let [out, stolen, other, kept, eves] = &mut sockets[..] else { panic!("five sockets") };
    system.logout(&client, Some(&pairs[0].access), &json!({})).await;
    ends(out, "a logout").await;
    for _ in 0..2 {
        system.refresh(&client, &pairs[1].refresh).await;
    }
    ends(stolen, "a theft").await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": "An0ther-phrase?"});
    let change = client.request("POST", &system.auth("password")).bearer_auth(&pairs[3].access).json(&body);
    client.send(change).await.expect_status(200);
    ends(other, "a change of password").await;
    assert!(is_of(kept, &sara).await, "the session that changed it goes on");
    let local = format!("--local={}", system.stack.dynamodb_url());
    let disabled = run(command("nova", &["user", "disable", &local, &sara.email]), "").await;
    assert_eq!(disabled.code, Some(0), "{disabled:?}");
    ends(kept, "an operator").await;
    assert!(is_of(eves, &eve).await);
    let everywhere = client.request("DELETE", &system.auth("sessions")).bearer_auth(&pairs[4].access);
    client.send(everywhere).await.expect_status(200);
    ends(eves, "everywhere").await;
}
