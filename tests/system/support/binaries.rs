//! The binaries of the workspace, as cargo says where it put them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub(crate) use nova_test_support::workspace;
use serde_json::Value;

/// Every binary by its name: up to date with the sources, whoever built what before.
pub(crate) fn all() -> &'static BTreeMap<String, PathBuf> {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// One binary.
pub(crate) fn path(name: &str) -> &'static Path {
    &all()[name]
}

/// The same packages, features, profile and directory as the test's own build: nothing but the binaries is left to do.
fn build() -> BTreeMap<String, PathBuf> {
    let own = std::env::current_exe().unwrap();
    // <target directory>/<profile>/deps/system-…
    let profile_dir = own.ancestors().nth(2).unwrap();
    let (target_dir, profile) = (profile_dir.parent().unwrap(), profile_dir.file_name().unwrap());
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(workspace())
        .args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"])
        .arg("--target-dir")
        .arg(target_dir)
        .stdin(Stdio::null());
    if profile == "release" {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the functions do not build");
    String::from_utf8(output.stdout).unwrap().lines().filter_map(executable).collect()
}

fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message["executable"].as_str()?;
    Some((message["target"]["name"].as_str()?.to_owned(), path.into()))
}
