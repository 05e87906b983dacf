//! The client of browsers, `clients/web`: its own tests, which are JavaScript. What needs a browser is in `page/tabs.rs`.

use std::io::Write as _;
use std::process::Command;

use crate::support::binaries::workspace;

/// The oldest Node.js that has what browsers have.
const OLDEST: u32 = 20;

/// Node's major version, where it is there.
fn node() -> Option<u32> {
    let output = Command::new("node").args(["-p", "process.versions.node"]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.split('.').next()?.parse().ok()
}

/// `clients/web/test/run`, which CI runs, brings a Node.js along and checks the types, too.
#[test]
fn what_the_client_of_browsers_promises_it_does() {
    let version = node();
    if version.is_none_or(|version| version < OLDEST) {
        // Past the test harness, which keeps what is printed by a test that passes.
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED the browser client's tests: Node.js {OLDEST} is needed, and there is {version:?}"
        ));
        return;
    }
    let client = workspace().join("clients/web");
    let folder = std::fs::read_dir(client.join("test")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let tests: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    assert!(tests.len() >= 4, "{tests:?}");
    let output = Command::new("node").arg("--test").args(tests).current_dir(client).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("pass ") && !said.contains("pass 0"), "{said}");
}
