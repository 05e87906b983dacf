//! What a warm decision executes, counted by callgrind. A time depends on what else the machine does; this hardly does.
//!
//! One process makes some decisions and another twice as many: what the second executed more is theirs, without the start.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nova_auth::keys::KeyAlgorithm;
use nova_local::Binaries;
use serde::Serialize;
use tempfile::TempDir;
use tokio::process::Command;

use super::callgrind::Profile;
use super::measure::ask;
use super::scene::{Operation, Scene};

/// After so many, a process is warm.
const WARM: u64 = 5;

/// So many functions are named.
const DEAREST: usize = 10;

#[derive(Debug, Serialize)]
struct Count {
    algorithm: &'static str,
    /// Of one decision.
    instructions: u64,
    /// The functions that executed most of them, themselves. Without symbols in the binary they have no names.
    dearest: Vec<(String, u64)>,
}

/// Counts, and says what was counted.
///
/// # Errors
/// Valgrind or the binary is missing, or a decision was no yes.
pub(super) async fn run(
    template: PathBuf,
    bin_dir: Option<PathBuf>,
    quick: bool,
    json: bool,
) -> Result<(), Box<dyn Error>> {
    let beside = || Ok::<_, std::io::Error>(std::env::current_exe()?.parent().map(Path::to_owned));
    let bin_dir = match bin_dir {
        Some(dir) => dir,
        None => beside()?.ok_or("this program has no directory")?,
    };
    let wrapped = Wrapped::new(&std::path::absolute(bin_dir)?).await?;
    let mut scene = Scene::start(template, Binaries::Dir(wrapped.dir.path().to_owned())).await?;
    let calls = if quick { 5 } else { 100 };
    let mut counts = Vec::new();
    for algorithm in KeyAlgorithm::ALL {
        scene.sign_with(algorithm).await?;
        let fewer = wrapped.profile(&scene, calls).await?;
        let more = wrapped.profile(&scene, 2 * calls).await?;
        let instructions = more.total().saturating_sub(fewer.total()) / calls;
        let mut dearest = more.beyond(&fewer, calls);
        dearest.truncate(DEAREST);
        counts.push(Count { algorithm: algorithm.name(), instructions, dearest });
    }
    scene.bench.stop().await;
    let text = if json { serde_json::to_string_pretty(&counts)? + "\n" } else { text(&counts) };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn text(counts: &[Count]) -> String {
    let mut text = "Instructions of a warm decision, by callgrind\n".to_owned();
    for Count { algorithm, instructions, dearest } in counts {
        text += &format!("\n{algorithm:<8}{instructions:>11}\n");
        for (name, cost) in dearest {
            text += &format!("{cost:>19}  {name}\n");
        }
    }
    text
}

/// A directory with a program for each function that runs the real one in callgrind.
struct Wrapped {
    dir: TempDir,
}

impl Wrapped {
    async fn new(binaries: &Path) -> Result<Wrapped, Box<dyn Error>> {
        let found = Command::new("valgrind").arg("--version").output().await;
        found.map_err(|error| format!("valgrind counts the instructions, and can't be run: {error}"))?;
        let wrapped = Wrapped { dir: tempfile::tempdir()? };
        for function in Operation::ALL.map(Operation::function) {
            let program = binaries.join(function);
            // The others stay where they are; nobody starts them.
            if function == Operation::Decision.function() && !program.is_file() {
                return Err(format!("there is no binary at {}", program.display()).into());
            }
            wrapped.write(function, &program)?;
        }
        Ok(wrapped)
    }

    fn write(&self, function: &str, program: &Path) -> std::io::Result<()> {
        let (file, out) = (self.dir.path().join(function), self.out());
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        // No debugger is let in: its pipes would stay behind when the process is ended.
        let script = format!(
            "#!/bin/sh\nexec valgrind -q --tool=callgrind --vgdb=no --callgrind-out-file={} {}\n",
            quoted(&out),
            quoted(program)
        );
        std::fs::write(&file, script)?;
        #[cfg(unix)]
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(())
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("callgrind.out")
    }

    /// What a process executes that makes so many decisions when it is warm.
    async fn profile(&self, scene: &Scene, calls: u64) -> Result<Profile, Box<dyn Error>> {
        let worker = scene.bench.worker(Operation::Decision.function(), &[]).await?;
        for _ in 0..WARM + calls {
            ask(scene, &worker, Operation::Decision).await?;
        }
        let id = worker.process_id().ok_or("the process has ended")?;
        // Callgrind writes its file when the process ends, by this signal too.
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        worker.gone().await;
        Ok(Profile::read(&self.out())?)
    }
}
