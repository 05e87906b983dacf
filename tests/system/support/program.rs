//! The programs of the workspace, run as a person runs them.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::binaries;

/// Nothing here takes this long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program that has ended leaves.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The one line of its standard error, where it failed and said nothing else.
    #[track_caller]
    pub(crate) fn complaint(&self) -> &str {
        assert!(!self.success && self.stdout.is_empty(), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.is_empty() && !line.contains('\n'), "not one line: {}", self.stderr);
        line
    }
}

/// A binary with these arguments, and nothing of this process's environment but the path and where temporary files go.
pub(crate) fn command<A: AsRef<OsStr>>(binary: &str, arguments: &[A]) -> Command {
    let mut command = Command::new(binaries::path(binary));
    let is_kept = |name: &OsStr| name == "PATH" || name == "TMPDIR";
    command.args(arguments).env_clear().envs(std::env::vars_os().filter(|(name, _)| is_kept(name)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a program to its end, with this on its standard input.
pub(crate) async fn run(command: Command, input: &str) -> Ended {
    run_within(PATIENCE, command, input).await
}

/// The same for one that has much to do.
pub(crate) async fn run_within(patience: Duration, mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read it may have ended already.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    let output = tokio::time::timeout(patience, child.wait_with_output()).await.expect("it hangs").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let success = output.status.success();
    Ended { success, code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A program that goes on running.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        // Nobody reads it, and a full pipe would stop the program.
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// What it prints, up to the first line that fits; panics if it ends before.
    pub(crate) async fn lines_until(&mut self, fits: impl Fn(&str) -> bool) -> Vec<String> {
        let mut seen = Vec::new();
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                seen.push(line);
                if seen.last().is_some_and(|line| fits(line)) {
                    return;
                }
            }
            panic!("it ended");
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("it hangs");
        seen
    }

    /// Asks it to end as an operating system does, and waits until it has; with what else it printed.
    pub(crate) async fn terminate(mut self) -> Ended {
        let kill = format!("kill -TERM {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it hangs").unwrap();
        let mut stdout = String::new();
        self.lines.into_inner().read_to_string(&mut stdout).await.unwrap();
        Ended { success: status.success(), code: status.code(), stdout, stderr: String::new() }
    }
}
