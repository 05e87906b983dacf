//! One process of a function, in the environment that Lambda gives it and in no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::logs::LogSink;
use nova_template::{Function, REGION};

/// What a process wrote last is waited for this long after its end: a child of its own may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How to start a function.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) function: Function,
    pub(crate) program: PathBuf,
    /// Variables over the template's: the endpoints of this stack, and what the options add.
    pub(crate) environment: BTreeMap<String, String>,
    /// Region and credentials of an engine that is not in this process.
    pub(crate) identity: Credentials,
    pub(crate) logs: LogSink,
}

/// Variables over all others, which may be secrets.
#[derive(Clone, Default)]
pub(crate) struct Credentials(pub(crate) BTreeMap<String, String>);

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    id: Option<u32>,
    exited: watch::Receiver<Option<String>>,
    /// Never sent on: its end is the signal.
    _alive: watch::Sender<()>,
}

impl Launch {
    /// Starts a process that takes its events from `runtime_api`. The handle ends when the process has.
    pub(crate) fn start(&self, runtime_api: &str) -> std::io::Result<(Process, JoinHandle<()>)> {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.variables())
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .current_dir(self.program.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A Ctrl-C in the terminal is for this process, which then ends the others in order.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        let id = child.id();
        let (alive, dropped) = watch::channel(());
        let (exit, exited) = watch::channel(None);
        let logs = self.logs.clone();
        let watcher = tokio::spawn(watch_over(child, self.function.binary.clone(), logs, dropped, exit));
        Ok((Process { id, exited, _alive: alive }, watcher))
    }

    /// Its environment, but for where it is to ask for events.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let function = &self.function;
        let name = &function.logical_id;
        let root = self.program.parent().unwrap_or(Path::new("/")).display().to_string();
        let given = [
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_megabytes.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            // The SDK signs with them; nobody here checks the signature. Each function has its own, as it has its own role on
            // AWS: whoever sees a call sees whose it is.
            ("AWS_ACCESS_KEY_ID", name.clone()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_SESSION_TOKEN", "local".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("LAMBDA_TASK_ROOT", root),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
            ("TZ", ":UTC".to_owned()),
        ];
        let mut variables = function.environment.clone();
        variables.extend(self.environment.clone());
        variables.extend(given.map(|(name, value)| (name.to_owned(), value)));
        variables.extend(self.identity.0.clone());
        variables
    }
}

impl Process {
    /// The operating system's number for it; none once it has ended, when another may have it.
    pub(crate) fn id(&self) -> Option<u32> {
        self.id.filter(|_| self.ended().is_none())
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        self.exited.borrow().clone()
    }

    /// Waits for its end, and says how it ended.
    pub(crate) async fn wait(&self) -> String {
        let mut exited = self.exited.clone();
        match exited.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or_default(),
            Err(_) => "it is gone".to_owned(),
        }
    }
}

async fn watch_over(
    mut child: Child,
    name: String,
    logs: LogSink,
    mut dropped: watch::Receiver<()>,
    exit: watch::Sender<Option<String>>,
) {
    let last = Arc::new(Mutex::new(String::new()));
    let out = child.stdout.take().map(|out| tokio::spawn(copy(out, name.clone(), logs.clone(), None)));
    let err = child.stderr.take().map(|err| tokio::spawn(copy(err, name, logs, Some(last.clone()))));
    let status = tokio::select! {
        status = child.wait() => status,
        _ = dropped.changed() => {
            // It may have ended by itself just now: then there is nothing to end, and that is fine.
            drop(child.start_kill());
            child.wait().await
        }
    };
    for reader in [out, err].into_iter().flatten() {
        drop(tokio::time::timeout(LAST_WORDS, reader).await);
    }
    let last = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
    exit.send_replace(Some(describe(status, &last)));
}

fn describe(status: std::io::Result<ExitStatus>, last: &str) -> String {
    let how = match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    if last.is_empty() { how } else { format!("{how}: {last}") }
}

async fn copy(stream: impl AsyncRead + Unpin, name: String, logs: LogSink, last: Option<Arc<Mutex<String>>>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        logs.line(&name, text);
        if let Some(last) = &last
            && !text.trim().is_empty()
        {
            text.clone_into(&mut last.lock().unwrap_or_else(PoisonError::into_inner));
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(program: &str) -> Launch {
        let function = Function {
            logical_id: "LoginFunction".to_owned(),
            binary: "login".to_owned(),
            code: None,
            timeout_seconds: 3,
            memory_megabytes: 256,
            environment: BTreeMap::from([
                ("OWN".to_owned(), "template".to_owned()),
                ("AWS_REGION".to_owned(), "elsewhere".to_owned()),
            ]),
        };
        let environment = BTreeMap::from([("OWN".to_owned(), "options".to_owned())]);
        let identity = Credentials::default();
        Launch { function, program: program.into(), environment, identity, logs: LogSink::memory() }
    }

    #[tokio::test]
    async fn a_process_sees_the_environment_of_lambda_and_nothing_of_ours() {
        let launch = launch("/usr/bin/env");
        let (process, _) = launch.start("127.0.0.1:1").unwrap();
        assert_eq!(process.wait().await, "exit status: 0");
        let text = launch.logs.text();
        for line in [
            "login: AWS_LAMBDA_FUNCTION_NAME=LoginFunction\n",
            "login: AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256\n",
            "login: AWS_LAMBDA_RUNTIME_API=127.0.0.1:1\n",
            "login: AWS_REGION=us-east-1\n",
            "login: OWN=options\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("CARGO"), "{text}");
    }

    #[tokio::test]
    async fn dropping_a_process_ends_it() {
        let (process, watcher) = launch("/usr/bin/yes").start("127.0.0.1:1").unwrap();
        let exited = process.exited.clone();
        assert!(process.ended().is_none());
        drop(process);
        watcher.await.unwrap();
        assert!(exited.borrow().as_ref().unwrap().contains("signal: 9"));
    }
}
