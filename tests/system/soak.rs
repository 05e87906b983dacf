//! A short run of `nova-soak`, so that it can't rot: mixed traffic, bursts of faults, kills and a rotation, and a judge. What its
//! failure would mean stands in its report: a wrong decision, an honest client logged out, a leak, or something left behind.
//! Long runs are made by hand (docs/reliability.md).

use std::time::Duration;

use serde_json::Value;

use crate::support::binaries;
use crate::support::program::command;

/// The run itself takes half a minute; what it waits for at both ends depends on what else the machine does.
const PATIENCE: Duration = Duration::from_secs(400);

/// Functions have 10 s for an answer, and inspections of files as long. A machine that runs all the other tests at once may not leave
/// them that, so that here, and only here, a call may fail though nothing was done to the system.
const OF_A_BUSY_MACHINE: [&str; 2] =
    ["a call failed though nothing was wrong", "a harmless file could not be read in time"];

#[tokio::test(flavor = "multi_thread")]
async fn half_a_minute_of_faults_makes_no_decision_wrong_and_logs_nobody_out() {
    let template = binaries::workspace().join("template.yaml").display().to_string();
    let arguments = ["--minutes", "0.5", "--clients", "9", "--seed", "3", "--json", "--template", &template];
    let run = command("nova-soak", &arguments).output();
    let ended = tokio::time::timeout(PATIENCE, run).await.expect("it hangs").unwrap();
    let (text, complaint) =
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{complaint}"));
    let wrong: Vec<_> = report["wrong"].as_object().unwrap().keys().collect();
    assert!(
        wrong.iter().all(|what| OF_A_BUSY_MACHINE.contains(&what.as_str())),
        "{wrong:?} {}",
        report["examples"]
    );

    // It is worth something only if all of it took place.
    let answered = |call: &str, answer: &str| report["calls"][call][answer].as_u64().unwrap_or_default();
    for call in ["login", "refresh", "decision"] {
        assert!(answered(call, "yes") > 0, "{call}: {}", report["calls"]);
    }
    // Of what not everybody has, the beginning at least: how far it comes in half a minute is up to the machine.
    for call in ["begin a factor", "operator: invite", "ask for a form"] {
        assert!(report["calls"][call].is_object(), "{call}: {}", report["calls"]);
    }
    let ends = ["logout", "end one session", "end all sessions", "change password"];
    assert!(ends.iter().any(|call| answered(call, "yes") > 0), "{}", report["calls"]);
    assert!(answered("decision", "no: UNAUTHORIZED") > 0, "{}", report["calls"]);
    let sum = |part: &str| -> u64 {
        report[part].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
    };
    assert!(sum("faults") > 0 && sum("kills") > 0, "{} {}", report["faults"], report["kills"]);
    assert!(report["storage_calls"].as_u64() > Some(0) && report["secrets_calls"].as_u64() > Some(0));
    assert_eq!((&report["rotations"]["rotated"], &report["rotations"]["dropped"]), (&2.into(), &2.into()));
    assert_eq!((&report["left"], &report["ended_well"]), (&0.into(), &true.into()));
    for secret in ["eyJ", "Kettle!"] {
        assert!(!text.contains(secret) && !complaint.contains(secret), "{secret}");
    }
}
