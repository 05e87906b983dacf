//! The line between a browser and the service: it counts what goes over it, and loses answers when it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The line. It holds until the test's runtime ends.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    url: String,
    target: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// All requests so far.
    seen: Vec<Seen>,
    /// Requests that are answered, and whose answers never arrive.
    lost: Vec<String>,
}

/// A request.
#[derive(Debug, Clone)]
struct Seen {
    /// `POST /api/auth/refresh`.
    name: String,
    /// Its cookies, in one line.
    cookies: String,
}

impl Line {
    /// A line to the service at this URL.
    pub(crate) async fn to(url: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let target = url.trim_start_matches("http://").to_owned();
        let line = Line { url: own, target, state: Arc::default() };
        let served = line.clone();
        tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                let line = served.clone();
                // A connection that breaks off is the browser's affair.
                tokio::spawn(async move { drop(line.serve(browser).await) });
            }
        });
        line
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The answer to the next such request gets lost.
    pub(crate) fn lose_answer(&self, name: &str) {
        self.state.lock().unwrap().lost.push(name.to_owned());
    }

    /// The cookies of each such request.
    pub(crate) fn cookies(&self, name: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.seen.iter().filter(|seen| seen.name == name).map(|seen| seen.cookies.clone()).collect()
    }

    /// One request, and its connection is over: a browser asks again by itself only on one that was used before.
    async fn serve(&self, browser: TcpStream) -> std::io::Result<()> {
        let mut browser = BufReader::new(browser);
        let Some((seen, sent)) = read(&mut browser).await? else { return Ok(()) };
        let name = seen.name.clone();
        self.state.lock().unwrap().seen.push(seen);
        let mut service = TcpStream::connect(&self.target).await?;
        service.write_all(&sent).await?;
        let mut answer = Vec::new();
        service.read_to_end(&mut answer).await?;
        if !self.loses(&name) {
            browser.write_all(&answer).await?;
        }
        browser.shutdown().await
    }

    fn loses(&self, name: &str) -> bool {
        let lost = &mut self.state.lock().unwrap().lost;
        let at = lost.iter().position(|lost| lost == name);
        at.map(|at| lost.remove(at)).is_some()
    }
}

/// A request, and all of it as it is passed on.
async fn read(browser: &mut BufReader<TcpStream>) -> std::io::Result<Option<(Seen, Vec<u8>)>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if browser.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let header = |name: &str| {
        let values = head.iter().filter_map(|line| line.split_once(':'));
        values
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect::<String>()
    };
    let name = head.first().and_then(|line| line.rsplit_once(' ')).map_or("", |(name, _)| name).to_owned();
    let cookies = header("cookie");
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    browser.read_exact(&mut body).await?;
    head.retain(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut sent = head.concat().into_bytes();
    sent.extend_from_slice(b"Connection: close\r\n\r\n");
    sent.extend_from_slice(&body);
    Ok(Some((Seen { name, cookies }, sent)))
}
