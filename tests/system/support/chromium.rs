//! A real browser, driven by WebDriver (W3C): Chromium without a window, and its own driver.
//!
//! A few calls over the HTTP client that is here anyway. The crates for this bring a licence that is not ours (MPL), or switch
//! on features of serde_json for everything that is built beside them, the functions under test too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;

/// Set where a browser that is missing is a failure: `.ci/run` does.
const REQUIRED: &str = "NOVA_REQUIRE_BROWSER";
/// How long the driver looks for an element before it says that there is none. Nothing here takes as long.
const PATIENCE_MS: u32 = 60_000;
/// The driver ends a browser that does not end by itself long before.
const PATIENCE: Duration = Duration::from_secs(60);
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A running browser with one tab.
pub(crate) struct Chromium {
    http: reqwest::Client,
    /// The URL of the session.
    session: String,
    driver: Child,
    /// The temporary files of both, some of which neither removes. Goes after they have ended.
    _temporary: TempDir,
}

/// A tab, by its handle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tab(Value);

impl Chromium {
    /// Starts a browser; `None`, and a line that says so, where there is none.
    pub(crate) async fn start() -> Option<Chromium> {
        let Some(program) = find("chromedriver") else {
            assert!(std::env::var_os(REQUIRED).is_none(), "there is no chromedriver, and {REQUIRED} is set");
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Past the test harness, which keeps what is printed by a test that passes.
            drop(writeln!(
                std::io::stderr(),
                "SKIPPED {test}: there is no chromedriver (Debian: apt-get install chromium chromium-driver)"
            ));
            return None;
        };
        let temporary = tempfile::tempdir().unwrap();
        // Another program may take the free port that it found: then it ends, and is started again.
        let mut ready = None;
        for _ in 0..5 {
            if ready.is_none() {
                ready = drive(&program, temporary.path()).await;
            }
        }
        let (driver, port) = ready.expect("chromedriver does not start");
        let mut chromium = Chromium {
            http: reqwest::Client::new(),
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            _temporary: temporary,
        };
        let opened = chromium.command("POST", "", capabilities()).await;
        chromium.session = format!("{}/{}", chromium.session, opened["sessionId"].as_str().unwrap());
        chromium.command("POST", "/timeouts", json!({"implicit": PATIENCE_MS, "script": PATIENCE_MS})).await;
        Some(chromium)
    }

    async fn try_command(&self, method: &str, path: &str, body: Value) -> Result<Value, Value> {
        let url = format!("{}{path}", self.session);
        let request = self.http.request(method.parse().unwrap(), url);
        let request = if method == "POST" { request.json(&body) } else { request };
        let response = request.send().await.unwrap();
        let is_good = response.status().is_success();
        let value = response.json::<Value>().await.unwrap()["value"].take();
        if is_good { Ok(value) } else { Err(value) }
    }

    async fn command(&self, method: &str, path: &str, body: Value) -> Value {
        let sent = body.to_string();
        match self.try_command(method, path, body).await {
            Ok(value) => value,
            Err(problem) => panic!("{method} {path} {sent}: {} {}", problem["error"], problem["message"]),
        }
    }

    /// Loads a page.
    pub(crate) async fn load(&self, url: &str) {
        self.command("POST", "/url", json!({"url": url})).await;
    }

    /// Loads the page of this tab again.
    pub(crate) async fn reload(&self) {
        self.command("POST", "/refresh", json!({})).await;
    }

    /// Gives the browser a device that keeps passkeys and knows its user, or does not.
    pub(crate) async fn add_authenticator(&self, knows_its_user: bool) {
        self.add_device(knows_its_user, true).await;
    }

    /// One that answers with passkeys only where it is told which, as older security keys do.
    pub(crate) async fn add_device_without_memory(&self) {
        self.add_device(true, false).await;
    }

    async fn add_device(&self, knows_its_user: bool, keeps: bool) {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": keeps, "hasUserVerification": true,
            "isUserVerified": knows_its_user, "isUserConsenting": true,
            // As the passkeys of people are: shared between their devices.
            "defaultBackupEligibility": true, "defaultBackupState": true,
        });
        self.command("POST", "/webauthn/authenticator", options).await;
    }

    /// Makes this tab as narrow as a phone.
    pub(crate) async fn become_a_phone(&self) {
        let metrics = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        self.order("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Runs a script in this tab before those of every page that it loads from now on.
    pub(crate) async fn run_first(&self, script: &str) {
        self.order("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    /// Takes the network away from this tab, or gives it back.
    pub(crate) async fn be_offline(&self, offline: bool) {
        let conditions =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        // Without the first, a tab says that it is offline and still loads.
        self.order("Network.enable", json!({})).await;
        self.order("Network.emulateNetworkConditions", conditions).await;
    }

    /// Of the protocol of Chromium's own tools.
    async fn order(&self, name: &str, parameters: Value) {
        self.command("POST", "/goog/cdp/execute", json!({"cmd": name, "params": parameters})).await;
    }

    /// Opens another tab, and goes to it.
    pub(crate) async fn open_tab(&self) -> Tab {
        let opened = self.command("POST", "/window/new", json!({"type": "tab"})).await;
        let tab = Tab(opened["handle"].clone());
        self.switch_to(&tab).await;
        tab
    }

    /// The tab that is looked at.
    pub(crate) async fn tab(&self) -> Tab {
        Tab(self.command("GET", "/window", Value::Null).await)
    }

    /// Looks at another tab.
    pub(crate) async fn switch_to(&self, tab: &Tab) {
        self.command("POST", "/window", json!({"handle": tab.0})).await;
    }

    async fn find(&self, using: &str, value: &str) -> String {
        let found = self.command("POST", "/element", json!({"using": using, "value": value})).await;
        format!("/element/{}", found[ELEMENT].as_str().unwrap())
    }

    /// Waits for an element.
    pub(crate) async fn see(&self, selector: &str) {
        self.find("css selector", selector).await;
    }

    /// Waits for an element that has this text somewhere in it.
    pub(crate) async fn see_text(&self, id: &str, text: &str) {
        self.find("xpath", &format!("//*[@id='{id}'][contains(., \"{text}\")]")).await;
    }

    /// Waits for an element, and gives its text.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let element = self.find("css selector", selector).await;
        let text = self.command("GET", &format!("{element}/text"), Value::Null).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits for an element, and clicks it.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find("css selector", selector).await;
        self.command("POST", &format!("{element}/click"), json!({})).await;
    }

    /// Types into a field.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = self.find("css selector", selector).await;
        self.command("POST", &format!("{element}/value"), json!({"text": text})).await;
    }

    /// What a script in the page returns, or what its promise comes to.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", json!({"script": script, "args": []})).await
    }

    /// The cookies of this page, those too that no script reads.
    pub(crate) async fn cookies(&self) -> Vec<Value> {
        self.command("GET", "/cookie", Value::Null).await.as_array().unwrap().clone()
    }

    /// Asserts that the browser had nothing to complain of in any tab: no violated policy, no error of a script, and no
    /// failed request but those with these statuses.
    pub(crate) async fn assert_quiet(&self, statuses: &[u16]) {
        let log = self.command("POST", "/se/log", json!({"type": "browser"})).await;
        let is_expected = |entry: &Value| {
            let message = entry["message"].as_str().unwrap_or_default();
            let status = |status: &u16| message.contains(&format!("status of {status} "));
            entry["source"] == "network" && statuses.iter().any(status)
        };
        let is_advice = |entry: &Value| entry["level"] == "DEBUG" || entry["source"] == "recommendation";
        let complaints: Vec<_> =
            log.as_array().unwrap().iter().filter(|entry| !is_advice(entry) && !is_expected(entry)).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// Ends the browser and its driver.
    pub(crate) async fn close(self) {
        self.command("DELETE", "", Value::Null).await;
    }

    /// The same where nothing can be awaited: the driver answers when the browser has ended, or has none any more.
    fn end_session(&self) -> std::io::Result<usize> {
        let (address, path) = self.session.trim_start_matches("http://").split_once('/').unwrap_or_default();
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "DELETE /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        stream.read(&mut [0])
    }
}

/// A test that fails must leave no browser behind either.
impl Drop for Chromium {
    /// A driver that is ended leaves its browser behind: the session ends first.
    fn drop(&mut self) {
        drop(self.end_session());
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// A driver and its port; `None` where it ended at once.
async fn drive(program: &Path, temporary: &Path) -> Option<(Child, String)> {
    let mut command = Command::new(program);
    command.arg("--port=0").env("TMPDIR", temporary);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().unwrap();
    let mut lines = BufReader::new(ChildStdout::from_std(driver.stdout.take().unwrap()).unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(port) = line.split("started successfully on port ").nth(1) {
            // What it says later is read by nobody, and must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((driver, port.trim_end_matches('.').to_owned()));
        }
    }
    driver.wait().unwrap();
    None
}

fn capabilities() -> Value {
    let mut arguments = vec![
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--lang=en",
        "--window-size=1280,900",
    ];
    // Chromium's sandbox refuses to run as root; the pages here are our own.
    if is_root() {
        arguments.push("--no-sandbox");
    }
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file())
}
