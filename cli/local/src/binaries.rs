//! The functions' binaries: found, or built once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// Where the functions' binaries are.
#[derive(Clone, Debug, Default)]
pub enum Binaries {
    /// Beside the executable that runs; what is missing there is built, in that executable's profile.
    #[default]
    Beside,
    /// In this directory, and nowhere else.
    Dir(PathBuf),
    /// Each at its own place, by the function's package name. Tests know it from cargo's output.
    Explicit(BTreeMap<String, PathBuf>),
}

/// A function has no binary.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// It is not there, and must not be built.
    #[error("there is no binary for the function {name} at {}", path.display())]
    Missing {
        /// The function's package.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It is nothing that can be built here.
    #[error(
        "the function {0} is not a Rust package of this workspace, so it can't be built here: run its \
         code in your own server, and pass --upstream {0}=http://127.0.0.1:8080"
    )]
    Foreign(String),
    /// No path was given for it.
    #[error("there is no binary for the function {0}")]
    Unknown(String),
    /// The compiler refused it; what it said is on the standard error already.
    #[error("cannot build function {0}")]
    Build(String),
    /// There is no cargo to build it with.
    #[error("cannot build function {name}: cannot run {cargo}: {source}")]
    NoCargo {
        /// The functions' packages.
        name: String,
        /// The command.
        cargo: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The place of this executable is not known.
    #[error("cannot find this program's own path: {0}")]
    NoPlace(std::io::Error),
}

/// The binary of each of these functions. `all` are the packages that a build names, the missing ones among
/// them: a smaller set would build the dependencies with other features, all over again. `foreign` are those of them that
/// are no packages of the workspace, with their functions' names: nobody should wait for a build to hear that.
pub(crate) async fn find(
    binaries: &Binaries,
    no_build: bool,
    all: &BTreeSet<String>,
    foreign: &BTreeMap<String, String>,
    workspace: &Path,
) -> Result<BTreeMap<String, PathBuf>, BinariesError> {
    let dir = match binaries {
        Binaries::Explicit(paths) => {
            return all.iter().map(|name| explicit(paths, name)).collect();
        }
        Binaries::Dir(dir) => dir.clone(),
        Binaries::Beside => beside()?,
    };
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for name in all {
        let path = dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        // The process is started in the binary's own directory: a relative path would lead astray.
        match path.canonicalize() {
            Ok(path) if path.is_file() => drop(found.insert(name.clone(), path)),
            _ => missing.push((name.clone(), path)),
        }
    }
    if let Some(function) = missing.iter().find_map(|(name, _)| foreign.get(name)) {
        return Err(BinariesError::Foreign(function.clone()));
    }
    if let Some((name, path)) = missing.first().cloned() {
        if no_build || matches!(binaries, Binaries::Dir(_)) {
            return Err(BinariesError::Missing { name, path });
        }
        let missing: Vec<String> = missing.into_iter().map(|(name, _)| name).collect();
        let own: BTreeSet<String> = all.iter().filter(|name| !foreign.contains_key(*name)).cloned().collect();
        let mut built = build(&dir, &own, &missing, workspace).await?;
        for name in missing {
            let path = built.remove(&name).ok_or_else(|| BinariesError::Build(name.clone()))?;
            found.insert(name, path);
        }
    }
    Ok(found)
}

fn explicit(paths: &BTreeMap<String, PathBuf>, name: &str) -> Result<(String, PathBuf), BinariesError> {
    let path = paths.get(name).ok_or_else(|| BinariesError::Unknown(name.to_owned()))?;
    match path.canonicalize() {
        Ok(found) => Ok((name.to_owned(), found)),
        Err(_) => Err(BinariesError::Missing { name: name.to_owned(), path: path.clone() }),
    }
}

fn beside() -> Result<PathBuf, BinariesError> {
    let own = std::env::current_exe().map_err(BinariesError::NoPlace)?;
    let dir = own.parent().unwrap_or(Path::new("/"));
    // A test binary lies one level deeper than the programs.
    Ok(if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir }.to_owned())
}

/// One build of all the packages; the paths come from cargo's own messages.
async fn build(
    dir: &Path,
    all: &BTreeSet<String>,
    missing: &[String],
    workspace: &Path,
) -> Result<BTreeMap<String, PathBuf>, BinariesError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(workspace).args(["build", "--message-format=json"]);
    command.args(["-p", "nova"]);
    for name in all {
        command.args(["-p", name]);
    }
    // An executable outside of a target directory was installed: that is a release.
    let profile = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if profile != "debug" {
        command.arg("--release");
    }
    if let ("debug" | "release", Some(target)) = (profile, dir.parent()) {
        command.arg("--target-dir").arg(target);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let no_cargo = |source| BinariesError::NoCargo {
        name: missing.join(", "),
        cargo: cargo.to_string_lossy().into_owned(),
        source,
    };
    let mut child = command.spawn().map_err(no_cargo)?;
    let (mut built, mut broken) = (BTreeMap::new(), BTreeSet::new());
    if let Some(messages) = child.stdout.take() {
        let mut lines = BufReader::new(messages).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            read_message(&line, &mut built, &mut broken);
        }
    }
    if child.wait().await.map_err(no_cargo)?.success() {
        return Ok(built);
    }
    let named: Vec<String> = all.intersection(&broken).cloned().collect();
    Err(BinariesError::Build(if named.is_empty() { missing } else { &named }.join(", ")))
}

fn read_message(line: &str, built: &mut BTreeMap<String, PathBuf>, broken: &mut BTreeSet<String>) {
    let message: Value = serde_json::from_str(line).unwrap_or_default();
    let Some(name) = message.pointer("/target/name").and_then(Value::as_str) else { return };
    if let Some(path) = message.get("executable").and_then(Value::as_str) {
        built.insert(name.to_owned(), path.into());
    }
    if message.pointer("/message/level").and_then(Value::as_str) == Some("error") {
        broken.insert(name.to_owned());
    }
    // With its messages as JSON, cargo leaves it to the reader to show what the compiler said.
    if let Some(rendered) = message.pointer("/message/rendered").and_then(Value::as_str) {
        drop(std::io::stderr().write_all(rendered.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn a_missing_binary_that_must_not_be_built_is_named() {
        let (all, none) = (names(&["no-such-function"]), BTreeMap::new());
        let error = find(&Binaries::Beside, true, &all, &none, Path::new("/")).await.unwrap_err();
        assert!(error.to_string().starts_with("there is no binary for the function no-such-function at "));
        let dir = Binaries::Dir("/nowhere".into());
        let error = find(&dir, false, &all, &none, Path::new("/")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no binary for the function no-such-function at /nowhere/no-such-function"
        );
        let explicit = Binaries::Explicit(BTreeMap::new());
        let error = find(&explicit, false, &all, &none, Path::new("/")).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no binary for the function no-such-function");
    }

    #[tokio::test]
    async fn a_function_that_is_no_package_of_the_workspace_is_named_with_a_way_and_nothing_is_built() {
        let foreign = BTreeMap::from([("hello".to_owned(), "HelloFunction".to_owned())]);
        for binaries in [Binaries::Beside, Binaries::Dir("/nowhere".into())] {
            let error =
                find(&binaries, false, &names(&["a", "hello"]), &foreign, Path::new("/")).await.unwrap_err();
            let line = error.to_string();
            assert!(
                line.starts_with("the function HelloFunction is not a Rust package of this workspace"),
                "{line}"
            );
            assert!(line.ends_with("pass --upstream HelloFunction=http://127.0.0.1:8080"), "{line}");
        }
    }

    #[test]
    fn cargo_tells_what_was_built_and_what_broke() {
        let (mut built, mut broken) = (BTreeMap::new(), BTreeSet::new());
        for line in [
            r#"{"reason":"compiler-artifact","target":{"name":"login"},"executable":"/t/login"}"#,
            r#"{"reason":"compiler-artifact","target":{"name":"shared"},"executable":null}"#,
            r#"{"reason":"compiler-message","target":{"name":"refresh"},"message":{"level":"error"}}"#,
            r#"{"reason":"compiler-message","target":{"name":"logout"},"message":{"level":"warning"}}"#,
            "no json",
        ] {
            read_message(line, &mut built, &mut broken);
        }
        assert_eq!(built, BTreeMap::from([("login".to_owned(), PathBuf::from("/t/login"))]));
        assert_eq!(broken, names(&["refresh"]));
    }
}
