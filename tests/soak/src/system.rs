//! The system under test: a `nova local` of its own, with the sample APIs beside it, and `nova` as its operator.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::files::Files;
use super::proc;

/// Where the links lead.
pub(crate) const APP: &str = "https://app.example.com";

/// Why something could not be done.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Neither a start nor a command of the operator takes this long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Of an access token; short, so that tokens expire while a run goes on.
pub(crate) const ACCESS_TOKEN_SECONDS: u64 = 120;

/// What has to be known for a start.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    /// Where `nova` and the functions are.
    pub(crate) bin_dir: &'a Path,
    pub(crate) template: &'a Path,
    /// Where the functions find their tables and their keys: the proxies, if there are any.
    pub(crate) faults: Option<Faults<'a>>,
    /// Where it may put its data.
    pub(crate) directory: &'a Path,
    /// Where what it logs goes; nowhere by default.
    pub(crate) log: Option<&'a Path>,
    /// Another DynamoDB, in which the tables are made.
    pub(crate) dynamodb: Option<&'a str>,
}

/// The proxies between the functions and what they need.
#[derive(Debug)]
pub(crate) struct Faults<'a> {
    pub(crate) dynamodb: &'a str,
    pub(crate) secrets: &'a str,
    pub(crate) objects: &'a str,
}

/// A running `nova local`.
#[derive(Debug)]
pub(crate) struct System {
    child: Child,
    /// Read to its end, so that it never writes into a pipe that nobody reads.
    _output: Lines<BufReader<ChildStdout>>,
    urls: BTreeMap<String, String>,
    nova: PathBuf,
    http: reqwest::Client,
}

impl<'a> Setup<'a> {
    /// A system without faults, on tables in memory.
    pub(crate) fn of(files: &'a Files, directory: &'a Path) -> Setup<'a> {
        Setup {
            bin_dir: &files.bin_dir,
            template: &files.template,
            faults: None,
            directory,
            log: files.log.as_deref(),
            dynamodb: None,
        }
    }

    fn command(&self, nova: &Path) -> Command {
        let beside = self.template.parent().unwrap_or(Path::new("."));
        let mut command = Command::new(nova);
        command.args(["local", "--port", "0", "--no-build"]);
        command.arg("--template").arg(self.template).arg("--bin-dir").arg(self.bin_dir);
        for sample in
            ["consumer/template.yaml", "consumer/http/template.yaml", "consumer/websocket/template.yaml"]
        {
            command.arg("--attach").arg(beside.join("tests").join(sample));
        }
        command.arg("--attach").arg(beside.join("tests/soak/kept/template.yaml"));
        // Connections end by events alone: their age would hide one that was lost.
        command.args(["--attach-parameter-overrides", "Events=enabled", "MaxConnectionSeconds=7200"]);
        command.args(["--parameter-overrides", "BcryptCost=10", "ApiRateLimit=100000"]);
        command.arg(format!("AccessTokenSeconds={ACCESS_TOKEN_SECONDS}"));
        command.args([
            "Tickets=enabled",
            "Introspection=enabled",
            "Registration=open",
            "MfaPolicy=optional",
            "PasskeyRpId=example.org",
            "DeviceCookies=enabled",
        ]);
        match self.dynamodb {
            Some(url) => {
                command.args(["--dynamodb", url]);
            }
            None => {
                command.args(["Events=enabled", "Mail=enabled", "NewDeviceMail=enabled"]);
                command.arg(format!("AppUrl={APP}")).arg("MailFrom=no-reply@example.com");
                command.args(["--dynamodb-port", "0", "--data"]).arg(self.directory.join("data.db"));
                command.arg("--attach").arg(beside.join("uploads/template.yaml"));
            }
        }
        if let Some(Faults { dynamodb, secrets, objects }) = self.faults {
            command.arg("--env").arg(format!("AWS_ENDPOINT_URL_DYNAMODB={dynamodb}"));
            command.arg("--env").arg(format!("AWS_ENDPOINT_URL_SECRETS_MANAGER={secrets}"));
            command.arg("--env").arg(format!("AWS_ENDPOINT_URL_S3={objects}"));
        }
        command
    }
}

impl System {
    pub(crate) async fn start(setup: &Setup<'_>) -> Result<System, Failure> {
        let nova = setup.bin_dir.join("nova");
        let mut command = setup.command(&nova);
        let log = match setup.log {
            Some(path) => Stdio::from(std::fs::File::create(path)?),
            None => Stdio::null(),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {}: {error}", nova.display()))?;
        let stdout = child.stdout.take().ok_or("it has no output")?;
        let mut output = BufReader::new(stdout).lines();
        let urls = tokio::time::timeout(PATIENCE, announced(&mut output)).await??;
        // No connection of ours stays open: those of `nova local` are counted.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
        Ok(System { child, _output: output, urls, nova, http })
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// `ready`, `dynamodb`, `secretsmanager`, `objects`, or an API by its name.
    pub(crate) fn url(&self, name: &str) -> Result<String, Failure> {
        Ok(self.urls.get(name).ok_or_else(|| format!("nova local has no {name}"))?.clone())
    }

    /// `nova …`, on this system; with this on its standard input. What it prints, or its complaint.
    pub(crate) async fn operate(&self, arguments: &[&str], input: &str) -> Result<String, Failure> {
        let mut command = Command::new(&self.nova);
        command.args(arguments).arg(format!("--local={}", self.url("dynamodb")?)).env("BCRYPT_COST", "10");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await??;
        if ended.status.success() {
            return Ok(String::from_utf8(ended.stdout)?);
        }
        Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned().into())
    }

    /// The ring in force, as it is kept.
    pub(crate) async fn ring(&self, secret: &str) -> Result<Value, Failure> {
        let answer = self.secrets("GetSecretValue", &json!({"SecretId": secret})).await?;
        let text = answer.get("SecretString").and_then(Value::as_str).ok_or("the secret has no value")?;
        Ok(serde_json::from_str(text)?)
    }

    /// Puts a ring in force by hand.
    pub(crate) async fn put_ring(&self, secret: &str, ring: &Value) -> Result<(), Failure> {
        let input = json!({"SecretId": secret, "SecretString": ring.to_string()});
        self.secrets("PutSecretValue", &input).await.map(drop)
    }

    async fn secrets(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        let target = format!("secretsmanager.{operation}");
        let request = self.http.post(self.url("secretsmanager")?).header("x-amz-target", target);
        Ok(request.body(input.to_string()).send().await?.error_for_status()?.json().await?)
    }

    /// Asks it to end, as an operating system does; whether it ended well, and in time.
    pub(crate) async fn stop(mut self) -> bool {
        let asked = self.child.id().is_some_and(proc::terminate);
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        asked && ended.is_ok_and(|status| status.is_ok_and(|status| status.success()))
    }
}

async fn announced(output: &mut Lines<BufReader<ChildStdout>>) -> Result<BTreeMap<String, String>, Failure> {
    let mut urls = BTreeMap::new();
    while let Some(line) = output.next_line().await? {
        let mut words = line.rsplitn(2, ' ');
        if let (Some(url), Some(name)) = (words.next(), words.next()) {
            let name = name.trim_start_matches("api ").to_owned();
            let is_last = name == "ready";
            urls.insert(name, url.to_owned());
            if is_last {
                return Ok(urls);
            }
        }
    }
    Err("nova local ended before it was ready; --log FILE keeps what it says".into())
}
