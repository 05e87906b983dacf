//! A browser and its driver, which outlive the test that started them: to start them is most of what a test of a page costs.
//!
//! One test has them at a time, and what it did is gone when the next one gets them: it works in a browser context of its own, which
//! has its own cookies, storage, cache and tabs. Two tests at once have two browsers.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Those that no test has at the moment.
static IDLE: Mutex<Vec<Engine>> = Mutex::new(Vec::new());

/// Starts the driver in a group of its own, which its browser joins, waits for the end of the standard input, however it comes, and
/// ends all of the group. A driver that is ended alone leaves its browser behind, and both leave files.
const KEEPER: &str = r#"
setsid "$0" --port=0 & driver=$!
cat > /dev/null
kill -s KILL -- "-$driver"
wait "$driver"
# What takes note of crashes is in a group of its own, and ends after its browser.
sleep 1
rm -rf -- "$TMPDIR"
"#;

/// A running driver with a session, whose browser has one empty tab and what a test opens.
#[derive(Debug)]
pub(super) struct Engine {
    /// The URL of the session.
    pub(super) session: String,
    /// Where the browser takes the commands of its own tools.
    pub(super) tools: String,
    /// Its end is the end of all.
    _keeper: ChildStdin,
}

/// One that was there already.
pub(super) fn idle() -> Option<Engine> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

impl Engine {
    /// Starts a driver, which has no session yet; `None` where it ended at once.
    pub(super) async fn start(driver: &Path) -> Option<Engine> {
        let temporary = tempfile::tempdir().unwrap().keep();
        let mut command = Command::new("sh");
        // Whoever interrupts the tests at a terminal interrupts their group.
        command.args(["-c", KEEPER]).arg(driver).env("TMPDIR", temporary).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = command.spawn().unwrap();
        let (said, port) = tokio::sync::oneshot::channel();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap()).lines().map_while(Result::ok);
        let stdin = keeper.stdin.take().unwrap();
        // What it says later must not fill the pipe; and whoever has ended is waited for.
        std::thread::spawn(move || {
            let port = lines.find_map(|line| {
                let port = line.split("started successfully on port ").nth(1)?;
                Some(port.trim_end_matches('.').to_owned())
            });
            drop(said.send(port));
            lines.for_each(drop);
            drop(keeper.wait());
        });
        let port = port.await.unwrap()?;
        let session = format!("http://127.0.0.1:{port}/session");
        Some(Engine { session, tools: String::new(), _keeper: stdin })
    }

    /// The next test may have it.
    pub(super) fn give_back(self) {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }
}

/// The protocol of Chromium's own tools, spoken with the browser itself: WebDriver knows of no contexts.
pub(super) struct Tools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
}

impl Tools {
    pub(super) async fn connect(url: &str) -> Tools {
        Tools { socket: connect_async(url).await.unwrap().0, asked: 0 }
    }

    pub(super) async fn order(&mut self, name: &str, parameters: Value) -> Value {
        self.asked += 1;
        let order = json!({"id": self.asked, "method": name, "params": parameters});
        self.socket.send(Message::text(order.to_string())).await.unwrap();
        loop {
            let message = self.socket.next().await.expect("the browser has ended").unwrap();
            let mut answer: Value = serde_json::from_str(message.to_text().unwrap()).unwrap_or_default();
            if answer["id"] == self.asked {
                assert!(answer["error"].is_null(), "{name}: {answer}");
                return answer["result"].take();
            }
        }
    }
}
