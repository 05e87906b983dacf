//! How long an open WebSocket outlives its session: from the answer of the logout to the end of the connection.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::json;

use super::caller::{client, send};
use super::files::Files;
use super::socket::{Stream, connect};
use super::system::{Failure, Setup, System};
use super::world::password;

/// Each user has so many sessions, each with one connection.
const SESSIONS: u32 = 10;

/// How many log in at once.
const AT_ONCE: usize = 8;

/// One logs out so often: what is measured is how long one end takes, and not how many there can be.
const EVERY: Duration = Duration::from_millis(50);

/// No connection is waited for longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Closing {
    sockets: usize,
    /// Connections that were open still when nobody waited any longer.
    pub(crate) left: usize,
    /// From the answer of the logout to the end of the connection.
    median_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
}

struct Connected {
    address: u64,
    token: String,
    stream: Stream,
}

/// So many connections, of sessions that are logged out one after the other.
///
/// # Errors
/// The system did not start, or somebody could not log in or connect.
pub(crate) async fn measure(files: &Files, sockets: u32) -> Result<Closing, Failure> {
    let directory = tempfile::tempdir()?;
    let system = System::start(&Setup::of(files, directory.path())).await?;
    let (auth, chat) = (system.url("ready")?, system.url("ChatApi")?);
    let users = sockets.div_ceil(SESSIONS);
    for user in 0..users {
        let email = format!("soak-{user}@example.com");
        let create = ["user", "create", "--email", &email, "--name", "Soak"];
        system.operate(&create, &password(user, 0)).await?;
    }
    let all = stream::iter(0..sockets).map(|number| log_in(&auth, &chat, number, number % users));
    let all: Vec<_> = all.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut often = tokio::time::interval(EVERY);
    let mut waiting = Vec::new();
    for one in all {
        often.tick().await;
        let auth = auth.clone();
        waiting.push(tokio::spawn(async move {
            let answered = log_out(&auth, one.address, &one.token).await?;
            Ok::<_, Failure>(closed_after(one.stream, answered).await)
        }));
    }
    let mut times = Vec::new();
    for waited in waiting {
        times.extend(waited.await??);
    }
    times.sort_unstable();
    if !system.stop().await {
        return Err("nova local did not end well".into());
    }
    let sockets = usize::try_from(sockets)?;
    Ok(Closing {
        sockets,
        left: sockets.saturating_sub(times.len()),
        median_ms: ms_at(&times, 0.5),
        p99_ms: ms_at(&times, 0.99),
        longest_ms: ms_at(&times, 1.0),
    })
}

/// The time at a part of a sorted list, in milliseconds.
fn ms_at(times: &[Duration], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list of thousands"
    )]
    let place = (times.len().saturating_sub(1) as f64 * part).ceil() as usize;
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

async fn log_in(auth: &str, chat: &str, number: u32, user: u32) -> Result<Connected, Failure> {
    let address = u64::from(number);
    let body = json!({"email": format!("soak-{user}@example.com"), "password": password(user, 0)});
    let reply = send(client(address)?.post(format!("{auth}/api/auth/login")).json(&body)).await;
    let token = reply.text("/data/accessToken").to_owned();
    if token.is_empty() {
        return Err(format!("a login was answered {}", reply.status).into());
    }
    let stream = connect(chat, &token).await?;
    Ok(Connected { address, token, stream })
}

async fn log_out(auth: &str, address: u64, token: &str) -> Result<Instant, Failure> {
    let request = client(address)?.post(format!("{auth}/api/auth/logout")).bearer_auth(token);
    let reply = send(request.json(&json!({}))).await;
    match reply.status {
        200 => Ok(Instant::now()),
        status => Err(format!("a logout was answered {status}").into()),
    }
}

/// How long it took, if it ended in time.
async fn closed_after(mut stream: Stream, answered: Instant) -> Option<Duration> {
    let closed = async { while let Some(Ok(_)) = stream.next().await {} };
    tokio::time::timeout(PATIENCE, closed).await.ok()?;
    Some(answered.elapsed())
}

impl Closing {
    /// For people.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} connections, {} left open\nfrom the answer of the logout to the end of the connection: median {:.0} ms, 99th percentile {:.0} ms, longest {:.0} ms\n",
            self.sockets, self.left, self.median_ms, self.p99_ms, self.longest_ms
        )
    }
}
