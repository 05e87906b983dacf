//! A list of leaked passwords: made and put by an operator, and refused by the service.

use std::time::Duration;

use serde_json::json;

use crate::support::chromium::Chromium;
use crate::support::client::Client;
use crate::support::engine::is_amazons;
use crate::support::program::{Ended, command, run, run_within};
use crate::support::stack::{PASSWORD, System};

const LEAKED: &str = "Leaked-phrase-7!";

/// `nova` on the tables of a system.
async fn nova(system: &System, words: &[&str], input: &str) -> Ended {
    let local = format!("--local={}", system.stack.dynamodb_url());
    run(command("nova", &[words, &[local.as_str()]].concat()), input).await
}

async fn system(mode: &str) -> System {
    System::start_with(|options| {
        options.page = true;
        for (name, value) in [("BreachedPasswords", mode), ("Registration", "open")] {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await
}

#[tokio::test]
async fn a_list_that_an_operator_puts_is_what_the_service_and_the_operator_refuse() {
    // So many rows take many minutes there; what the flows ask of them runs on it too (`protocol/breached.rs`).
    if is_amazons() {
        return;
    }
    let system = system("required").await;
    let client = Client::at(2);
    let register = async |email: &str, password: &str| {
        let body = json!({"name": "Sara", "email": email, "password": password});
        client.post(&system.auth("register"), &body).await
    };
    // Nobody has put a list yet: no password is set, and whoever has one logs in.
    let sara = system.user("sara").await;
    register("amal@example.com", PASSWORD).await.expect(503, "SERVICE_UNAVAILABLE");
    system.try_login(&client, &sara.email, PASSWORD).await.expect_status(200);
    let not_yet = nova(&system, &["passwords", "check"], LEAKED).await;
    assert!(!not_yet.success && not_yet.stderr.contains("nova passwords put"), "{not_yet:?}");

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("filter");
    let build = ["passwords", "build", "--from", "-", "--plain", "--out", folder.to_str().unwrap()];
    let built = run(command("nova", &build), &format!("{LEAKED}\n{PASSWORD}\n")).await;
    assert!(built.success, "{built:?}");
    // 65,536 rows, and a database that was built to be debugged.
    let put =
        ["passwords", "put", folder.to_str().unwrap(), &format!("--local={}", system.stack.dynamodb_url())];
    let put = run_within(Duration::from_secs(600), command("nova", &put), "").await;
    assert!(put.success && put.stdout.contains("2 breached passwords"), "{put:?}");

    register("amal@example.com", LEAKED).await.expect(400, "VALIDATION_FAILED");
    let refused = register("amal@example.com", LEAKED).await;
    assert_eq!(refused.text("/errors/0/code"), "PASSWORD_BREACHED", "{}", refused.body);
    register("amal@example.com", "An0ther-phrase?").await.expect_status(201);
    let create = ["user", "create", "--email", "dina@example.com", "--name", "Dina", "--bcrypt-cost", "10"];
    let created = nova(&system, &create, LEAKED).await;
    assert!(!created.success && created.stderr.contains("list of leaked passwords"), "{created:?}");
    // Set before it leaked.
    let login = system.try_login(&client, &sara.email, PASSWORD).await;
    assert_eq!((login.status, login.body["data"]["passwordChangeAdvised"].as_bool()), (200, Some(true)));
    let login = system.try_login(&client, "amal@example.com", "An0ther-phrase?").await;
    assert_eq!((login.status, login.body["data"].get("passwordChangeAdvised")), (200, None));
    if let Some(chromium) = Chromium::start().await {
        chromium.load(system.stack.url()).await;
        chromium.type_into("#email", &sara.email).await;
        chromium.type_into("#password", PASSWORD).await;
        chromium.click("#sign-in [type=submit]").await;
        chromium.see_text("notice", "list of leaked passwords").await;
        chromium.close().await;
    }
    let check = nova(&system, &["passwords", "check"], LEAKED).await;
    assert!(!check.success && check.stderr.contains("in the list"), "{check:?}");
    for said in [&put, &built, &created, &check] {
        assert!(!said.stdout.contains(LEAKED) && !said.stderr.contains(LEAKED), "{said:?}");
    }
}

#[tokio::test]
async fn a_system_without_a_table_of_leaked_passwords_says_which_parameter_makes_one() {
    let system = System::start().await;
    let check = nova(&system, &["passwords", "check"], LEAKED).await;
    assert!(!check.success && check.stderr.contains("BreachedPasswords"), "{check:?}");
}
