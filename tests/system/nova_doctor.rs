//! `nova doctor` on one machine: what is as it should be passes, what is not fails with its remedy, and what nobody can tell from here is
//! not said to be well. (What it says of an account is tried where there is one: `.ci/deploy`.)

use std::collections::BTreeMap;
use std::fs;

use aws_sdk_dynamodb::types::{StreamSpecification, TimeToLiveSpecification};
use nova_auth::aws::Clients;
use nova_auth::config::AwsConfig;
use nova_auth::patience::Patience;
use secrecy::SecretString;
use serde_json::Value;

use crate::support::binaries::workspace;
use crate::support::program::{Ended, command, run};
use crate::support::stack::System;

async fn doctor(system: &System, arguments: &[&str]) -> Ended {
    let local = format!("--local={}", system.stack.dynamodb_url());
    run(command("nova", &[&["doctor", &local], arguments].concat()), "").await
}

fn clients(system: &System) -> Clients {
    let config = AwsConfig {
        service_urls: Default::default(),
        region: "us-east-1".to_owned(),
        access_key_id: "local".to_owned(),
        secret_access_key: SecretString::from("local"),
        session_token: None,
        dynamodb_url: Some(system.stack.dynamodb_url().to_owned()),
        secrets_manager_url: Some(system.stack.secretsmanager_url().to_owned()),
        ca_bundle: None,
        patience: Patience::DEPLOYED,
    };
    Clients::new(&config).unwrap()
}

/// The checks of an answer, with how they ended.
fn outcomes(ended: &Ended) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().map(|finding| (text(finding, "check"), text(finding, "outcome"))).collect()
}

async fn listed() -> Vec<(String, String)> {
    let list = run(command("nova", &["doctor", "--list", "--json"]), "").await;
    assert!(list.success, "{list:?}");
    let list: Value = serde_json::from_str(&list.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = list["checks"].as_array().unwrap().iter();
    checks.map(|one| (text(&one["check"]), text(&one["meaning"]))).collect()
}

/// A check that is not on the list nobody acts upon; a line of the list that nothing checks lets people feel safe.
#[tokio::test]
async fn the_checklist_for_production_is_what_the_doctor_checks() {
    let document = fs::read_to_string(workspace().join("docs/production-checklist.md")).unwrap();
    let rows: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| {
            let mut cells = row.split(" | ");
            let check = cells.next().unwrap().trim_end_matches('`').to_owned();
            (check, cells.next().unwrap().to_owned())
        })
        .collect();
    assert_eq!(rows, listed().await);
}

#[tokio::test]
async fn a_good_system_passes_what_can_be_checked_here_and_says_what_can_not() {
    let system = System::start().await;
    let ended = doctor(&system, &["--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let outcomes = outcomes(&ended);
    let checks: Vec<_> = listed().await.into_iter().map(|(check, _)| check).collect();
    let mut found: Vec<_> = outcomes.keys().cloned().collect();
    found.sort_by_key(|check| checks.iter().position(|known| known == check));
    assert_eq!(found, checks, "a check was passed over");
    let passed: Vec<_> =
        outcomes.iter().filter(|(_, outcome)| *outcome == "pass").map(|(check, _)| check).collect();
    assert_eq!(
        passed,
        [
            "access-keys",
            "identity-table",
            "identity-table.expiry",
            "refresh-keys",
            "sessions-table",
            "sessions-table.expiry",
            "stack"
        ]
    );
    assert!(outcomes.values().all(|outcome| ["pass", "not_checked"].contains(&outcome.as_str())));

    let lines = doctor(&system, &[]).await;
    assert!(lines.stdout.ends_with("7 pass, 0 fail, 32 not checked\n"), "{lines:?}");
    let secret =
        clients(&system).secrets_manager.get_secret_value().secret_id("AccessKeysSecret").send().await;
    let key: Value = serde_json::from_str(secret.unwrap().secret_string().unwrap()).unwrap();
    for ended in [&ended, &lines] {
        assert!(!ended.stdout.contains(key["k"].as_str().unwrap()), "it prints a key");
    }
}

#[tokio::test]
async fn a_stream_that_was_switched_off_is_told_where_there_are_events_and_no_mail() {
    let system = System::start_with(|options| {
        options.parameters.insert("Events".to_owned(), "enabled".to_owned());
    })
    .await;
    let found = outcomes(&doctor(&system, &["--json"]).await);
    assert_eq!((found["mail.streams"].as_str(), found["mail.sender"].as_str()), ("pass", "not_checked"));
    let off = StreamSpecification::builder().stream_enabled(false).build().unwrap();
    let call = clients(&system).dynamodb.update_table().table_name("SessionsTable");
    call.stream_specification(off).send().await.unwrap();
    let ended = doctor(&system, &["--json"]).await;
    assert_eq!((outcomes(&ended)["mail.streams"].as_str(), ended.code), ("fail", Some(5)));
}

#[tokio::test]
async fn of_mail_the_ring_and_the_streams_are_looked_at_on_one_machine_and_the_rest_says_why_not() {
    let system = System::start_with_mail().await;
    let found = outcomes(&doctor(&system, &["--json"]).await);
    let mail: BTreeMap<_, _> = found
        .iter()
        .filter(|(check, _)| check.starts_with("mail.") || check.starts_with("link-"))
        .map(|(check, outcome)| (check.as_str(), outcome.as_str()))
        .collect();
    let expected = [
        ("link-keys", "pass"),
        ("link-keys.rotation", "not_checked"),
        ("mail.account", "not_checked"),
        ("mail.bus", "not_checked"),
        ("mail.dkim", "not_checked"),
        ("mail.lost", "not_checked"),
        ("mail.queue", "not_checked"),
        ("mail.sender", "not_checked"),
        ("mail.sources", "not_checked"),
        ("mail.streams", "pass"),
        ("mail.suppression", "not_checked"),
    ];
    assert_eq!(mail, expected.into());

    let clients = clients(&system);
    let off = StreamSpecification::builder().stream_enabled(false).build().unwrap();
    let call = clients.dynamodb.update_table().table_name("IdentityTable");
    call.stream_specification(off).send().await.unwrap();
    let call = clients.secrets_manager.put_secret_value().secret_id("LinkKeysSecret");
    call.secret_string("{}").send().await.unwrap();
    let ended = doctor(&system, &["--json"]).await;
    let found = outcomes(&ended);
    let failed: Vec<_> =
        found.iter().filter(|(_, outcome)| *outcome == "fail").map(|(check, _)| check).collect();
    assert_eq!(failed, ["link-keys"], "{ended:?}");
    // The Sessions table's stream is looked at after it, and is well.
    assert_eq!(ended.stderr, "error: 2 checks failed\n");
    let lines = doctor(&system, &[]).await.stdout;
    assert!(lines.contains("FAIL         mail.streams IdentityTable"), "{lines}");
}

#[tokio::test]
async fn what_is_broken_fails_with_its_remedy_and_the_rest_is_looked_at_all_the_same() {
    let system = System::start().await;
    let clients = clients(&system);
    let off = TimeToLiveSpecification::builder().attribute_name("expiresAt").enabled(false).build().unwrap();
    let call = clients.dynamodb.update_time_to_live().table_name("SessionsTable");
    call.time_to_live_specification(off).send().await.unwrap();
    let call = clients.secrets_manager.put_secret_value().secret_id("AccessKeysSecret");
    call.secret_string(r#"{"kty":"oct","alg":"HS256","kid":"weak","k":"c2hvcnQ"}"#).send().await.unwrap();

    let ended = doctor(&system, &["--json"]).await;
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(ended.stderr, "error: 2 checks failed\n");
    let outcomes = outcomes(&ended);
    let failed: Vec<_> =
        outcomes.iter().filter(|(_, outcome)| *outcome == "fail").map(|(check, _)| check).collect();
    assert_eq!(failed, ["access-keys", "sessions-table.expiry"]);
    assert_eq!(outcomes["refresh-keys"], "pass");

    let lines = doctor(&system, &[]).await.stdout;
    let (_, rest) = lines.split_once("FAIL         sessions-table.expiry").unwrap();
    assert!(
        rest.lines()
            .nth(1)
            .unwrap()
            .contains("-> aws dynamodb update-time-to-live --table-name SessionsTable")
    );
    let (_, rest) = lines.split_once("FAIL         access-keys").unwrap();
    let (finding, remedy) = (rest.lines().next().unwrap(), rest.lines().nth(1).unwrap());
    assert!(finding.contains("key weak") && !finding.contains("c2hvcnQ"), "{finding}");
    assert!(remedy.contains("\"A secret is spoilt\""), "{remedy}");
}

/// How a login that is tried ended, with what was said of it, and the users that there are then.
async fn tried(system: &System) -> (String, String, String) {
    let ended = doctor(system, &["--try-login", "--json"]).await;
    let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let found =
        document["checks"].as_array().unwrap().iter().find(|found| found["check"] == "login").unwrap();
    let text = |name: &str| found[name].as_str().unwrap().to_owned();
    let local = format!("--local={}", system.stack.dynamodb_url());
    let users = run(command("nova", &["user", "list", &local]), "").await;
    assert!(users.success, "{users:?}");
    (text("outcome"), text("detail"), users.stdout)
}

/// What IAM's simulation says of transactions is not what DynamoDB does: an account in which nobody can log in passes every other check.
#[tokio::test]
async fn a_login_that_is_tried_goes_through_every_function_of_the_main_job_and_leaves_nobody() {
    let system = System::start().await;
    let (outcome, detail, users) = tried(&system).await;
    assert_eq!((outcome.as_str(), users.contains("nova-doctor")), ("pass", false), "{detail}\n{users}");
    let logs = system.stack.logs();
    for done in ["authn_login_success", "authn_password_change", "authn_token_revoked", "\"decided\""] {
        assert!(logs.contains(done), "no {done}: {logs}");
    }
    assert_eq!(logs.matches("\"answered\"").count(), 5, "login, two refreshes, password and logout: {logs}");
}

#[tokio::test]
async fn where_everybody_needs_a_second_factor_a_login_is_tried_as_far_as_a_new_user_gets() {
    let system = System::start_with(|options| {
        options.parameters.insert("MfaPolicy".to_owned(), "required".to_owned());
    })
    .await;
    let (outcome, detail, users) = tried(&system).await;
    assert_eq!((outcome.as_str(), users.contains("nova-doctor")), ("pass", false), "{detail}\n{users}");
}

#[tokio::test]
async fn a_function_that_fails_is_named_by_its_step_and_nobody_is_left() {
    let system = System::start().await;
    let call = clients(&system).secrets_manager.put_secret_value().secret_id("RefreshKeysSecret");
    call.secret_string("{}").send().await.unwrap();
    let (outcome, detail, users) = tried(&system).await;
    assert_eq!(outcome, "fail");
    assert_eq!(detail, "a login: 500 LOGIN_FAILED");
    assert!(!users.contains("nova-doctor"), "{users}");
}

/// A machine that can't reach the API knows nothing about it.
#[tokio::test]
async fn an_api_that_does_not_answer_from_here_is_not_checked_and_nobody_is_left() {
    let system = System::start().await;
    let ended = doctor(&system, &["--try-login=http://127.0.0.1:1", "--json"]).await;
    assert_eq!((outcomes(&ended)["login"].as_str(), ended.code), ("not_checked", Some(0)));
    let (_, _, users) = tried(&system).await;
    assert!(!users.contains("nova-doctor"), "{users}");
}

#[tokio::test]
async fn a_doctor_without_a_patient_says_so_in_one_line() {
    let ended = run(command("nova", &["doctor"]), "").await;
    assert_eq!(ended.complaint(), "error: no target: pass --local or --stack NAME");
    let ended = run(command("nova", &["doctor", "--local=http://127.0.0.1:1"]), "").await;
    assert_eq!(
        ended.complaint(),
        "error: cannot connect to nova local at http://127.0.0.1:1; is it running?"
    );
}
