//! A real browser, driven by WebDriver (W3C): Chromium without a window, and its own driver.
//!
//! A few calls over the HTTP client that is here anyway. The crates for this bring a licence that is not ours (MPL), or switch
//! on features of serde_json for everything that is built beside them, the functions under test too.

mod engine;

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use engine::{Engine, Tools};

/// Set where a browser that is missing is a failure: `.ci/run` does.
const REQUIRED: &str = "NOVA_REQUIRE_BROWSER";
/// How long the driver looks for an element before it says that there is none. Nothing here takes as long.
const PATIENCE_MS: u32 = 60_000;
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one tab. A test that fails gives it to no other one: it ends with it.
pub(crate) struct Chromium {
    http: reqwest::Client,
    engine: Engine,
    /// The test's own part of the browser.
    own: Option<Context>,
}

/// Cookies, storage and tabs that nobody else sees.
struct Context {
    id: Value,
    /// The tab that is there without any test.
    empty: Tab,
    tools: Mutex<Tools>,
}

/// A tab, by its handle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tab(Value);

impl Chromium {
    /// A browser that knows nothing yet; `None`, and a line that says so, where there is none.
    pub(crate) async fn start() -> Option<Chromium> {
        let mut chromium = match engine::idle() {
            Some(engine) => Chromium { http: reqwest::Client::new(), engine, own: None },
            None => Chromium::start_alone().await?,
        };
        chromium.settle().await;
        Some(chromium)
    }

    /// The same in the first profile of a browser that no other test had or will have, as people use it.
    pub(crate) async fn start_alone() -> Option<Chromium> {
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
        // Another program may take the free port that it found: then it ends, and is started again.
        let mut ready = None;
        for _ in 0..5 {
            if ready.is_none() {
                ready = Engine::start(&program).await;
            }
        }
        let engine = ready.expect("chromedriver does not start");
        let mut chromium = Chromium { http: reqwest::Client::new(), engine, own: None };
        let opened = chromium.command("POST", "", capabilities()).await;
        let session = format!("{}/{}", chromium.engine.session, opened["sessionId"].as_str().unwrap());
        chromium.engine.session = session;
        chromium.command("POST", "/timeouts", json!({"implicit": PATIENCE_MS, "script": PATIENCE_MS})).await;
        let address = opened["capabilities"]["goog:chromeOptions"]["debuggerAddress"].as_str().unwrap();
        let version = chromium.http.get(format!("http://{address}/json/version")).send().await.unwrap();
        let version: Value = version.json().await.unwrap();
        chromium.engine.tools = version["webSocketDebuggerUrl"].as_str().unwrap().to_owned();
        Some(chromium)
    }

    /// Makes a part of the browser that is the test's own, and goes to a tab there.
    async fn settle(&mut self) {
        let mut tools = Tools::connect(&self.engine.tools).await;
        let made = tools.order("Target.createBrowserContext", json!({"disposeOnDetach": true})).await;
        let (id, empty) = (made["browserContextId"].clone(), self.tab().await);
        let window = json!({"url": "about:blank", "browserContextId": id, "newWindow": true});
        let tab = Tab(tools.order("Target.createTarget", window).await["targetId"].clone());
        self.own = Some(Context { id, empty, tools: Mutex::new(tools) });
        self.switch_to(&tab).await;
        // Whatever the tests before had to complain of.
        self.command("POST", "/se/log", json!({"type": "browser"})).await;
    }

    async fn try_command(&self, method: &str, path: &str, body: Value) -> Result<Value, Value> {
        let url = format!("{}{path}", self.engine.session);
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
        let tab = match &self.own {
            Some(own) => {
                let page = json!({"url": "about:blank", "browserContextId": own.id});
                Tab(own.tools.lock().await.order("Target.createTarget", page).await["targetId"].clone())
            }
            None => {
                let opened = self.command("POST", "/window/new", json!({"type": "tab"})).await;
                Tab(opened["handle"].clone())
            }
        };
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

    /// Ends what the test did, and leaves the browser to the next one.
    pub(crate) async fn close(mut self) {
        let Some(own) = self.own.take() else { return };
        self.switch_to(&own.empty).await;
        let mut tools = own.tools.into_inner();
        tools.order("Target.disposeBrowserContext", json!({"browserContextId": own.id})).await;
        self.engine.give_back();
    }
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
