//! The inspection in a process of its own: what a hostile file can do to a library ends there.
//!
//! Libraries that read files may loop, allocate, overflow the stack or panic. A process with limits turns each of that into
//! one answer, *refused*, which `catch_unwind` can't do for the first three. It has an empty environment, so that nothing that
//! reads a stranger's file holds the role's credentials, and what it writes is understood as a verdict or as nothing.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};

use super::inspect_for;
use crate::{
    kind::Kind,
    reason::Reason,
    rules::{LARGEST_BYTES, Metadata},
    upload::Verdict,
};

/// How long an inspection may take, from the first byte to the verdict.
pub const LONGEST: Duration = Duration::from_secs(10);

/// The memory that it may have.
const MOST_MEMORY: u64 = 512 * 1024 * 1024;

/// The argument by which a program becomes an inspection.
const ARGUMENT: &str = "inspect-standard-input";

/// The longest verdict in writing.
const LONGEST_VERDICT: u64 = 64;

/// The limits that hold inside.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time, from the first byte to the verdict.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: LONGEST }
    }
}

/// Becomes an inspection, if that is what this process was started for. A program that inspects calls this first of all.
#[must_use]
pub fn inside(arguments: impl IntoIterator<Item = String>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next().as_deref() != Some(ARGUMENT) {
        return None;
    }
    let kind = arguments.next().as_deref().and_then(Kind::named);
    let metadata = arguments.next().as_deref().and_then(Metadata::named);
    let asked = kind.zip(metadata).filter(|_| limit().is_ok());
    let verdict = asked.and_then(|(kind, metadata)| read_and_inspect(kind, metadata));
    let written =
        verdict.is_some_and(|verdict| std::io::stdout().write_all(verdict.as_str().as_bytes()).is_ok());
    Some(if written { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Without its limits, nothing is inspected.
fn limit() -> rustix::io::Result<()> {
    let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, at_most(MOST_MEMORY))?;
    setrlimit(Resource::Cpu, at_most(LONGEST.as_secs()))?;
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))
}

fn read_and_inspect(kind: Kind, metadata: Metadata) -> Option<Verdict> {
    let mut file = Vec::new();
    std::io::stdin().lock().take(LARGEST_BYTES + 1).read_to_end(&mut file).ok()?;
    if file.len() as u64 > LARGEST_BYTES {
        return None;
    }
    Some(inspect_for(&file, kind, metadata).map_or_else(Verdict::No, |()| Verdict::Yes))
}

/// Hides this process's environment from others of the same user. The inspections that it starts are such.
///
/// # Errors
/// The system does not do so.
pub fn hide_environment() -> std::io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// An inspection that takes a file as it arrives.
#[derive(Debug)]
pub struct Contained {
    process: Child,
    input: Option<ChildStdin>,
    until: tokio::time::Instant,
}

impl Contained {
    /// Starts an inspection: this program, in a process of its own.
    ///
    /// # Errors
    /// There is no process to be had. That is nobody's verdict: it may be tried again.
    pub fn start(program: &Path, kind: Kind, metadata: Metadata, limits: Limits) -> std::io::Result<Self> {
        let mut process = Command::new(program)
            .args([ARGUMENT, kind.name(), metadata.name()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take();
        Ok(Self { process, input, until: tokio::time::Instant::now() + limits.time })
    }

    /// Hands on a part of the file. One that it does not want any more is no error: its verdict tells.
    pub async fn take(&mut self, part: &[u8]) {
        let Some(input) = &mut self.input else { return };
        let written = tokio::time::timeout_at(self.until, input.write_all(part)).await;
        if !matches!(written, Ok(Ok(()))) {
            self.input = None;
        }
    }

    /// The verdict, when all of the file is handed on. Whatever is none is a no.
    pub async fn verdict(mut self) -> Verdict {
        drop(self.input.take());
        let until = self.until;
        let verdict = tokio::time::timeout_at(until, self.read()).await;
        verdict.ok().flatten().unwrap_or(Verdict::No(Reason::Unreadable))
    }

    async fn read(&mut self) -> Option<Verdict> {
        let mut written = Vec::new();
        let output = self.process.stdout.take()?;
        output.take(LONGEST_VERDICT).read_to_end(&mut written).await.ok()?;
        let ended = self.process.wait().await.ok()?;
        let written = String::from_utf8(written).ok()?;
        ended.success().then(|| Verdict::of_str(&written))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a file whose inspection does this.
    async fn verdict_of(script: &str, time: Duration) -> Verdict {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("inspection");
        // Another process writes it: what one of this process's other threads starts meanwhile would inherit a file that is open for
        // writing, and such a file can't be run.
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
        let mut writing = std::process::Command::new("/bin/sh");
        assert!(writing.args(["-c", write]).arg(&file).arg(script).status().unwrap().success());
        let mut contained = Contained::start(&file, Kind::Png, Metadata::Keep, Limits { time }).unwrap();
        for _ in 0..64 {
            contained.take(&[0; 65_536]).await;
        }
        contained.verdict().await
    }

    #[tokio::test]
    async fn a_verdict_is_believed_only_of_an_inspection_that_ended_well() {
        let (no, while_asked) = (Verdict::No(Reason::Unreadable), Duration::from_secs(20));
        for (name, script, expected) in [
            ("yes", "cat >/dev/null; printf OK", Verdict::Yes),
            ("no", "cat >/dev/null; printf MACROS", Verdict::No(Reason::Macros)),
            ("failed", "cat >/dev/null; printf OK; exit 1", no),
            ("killed", "cat >/dev/null; printf OK; kill -9 $$", no),
            ("silent", "cat >/dev/null", no),
            ("unknown", "cat >/dev/null; printf 'OK\\n'", no),
            ("talkative", "cat >/dev/null; yes OK | head -c 100000", no),
            // It does not read to the end, and its verdict counts all the same.
            ("early", "printf POLYGLOT", Verdict::No(Reason::Polyglot)),
            (
                "informed",
                "cat >/dev/null; env | grep -qv '^\\(PWD\\|SHLVL\\|_\\|OLDPWD\\)=' || printf OK",
                Verdict::Yes,
            ),
        ] {
            assert_eq!(verdict_of(script, while_asked).await, expected, "{name}");
        }
    }

    #[tokio::test]
    async fn an_inspection_that_does_not_end_is_a_no_in_time() {
        let begun = std::time::Instant::now();
        let verdict = verdict_of("exec sleep 600", Duration::from_millis(300)).await;
        assert_eq!(verdict, Verdict::No(Reason::Unreadable));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_program_that_was_not_started_for_it_goes_on_as_what_it_is() {
        let start = |arguments: &[&str]| inside(arguments.iter().map(|text| (*text).to_owned()));
        assert!(start(&["upload-inspect"]).is_none());
        assert!(start(&["upload-inspect", "image/png", ARGUMENT]).is_none());
    }
}
