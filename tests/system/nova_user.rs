//! `nova user create`: an account from the command line.

use serde_json::Value;

use crate::support::client::Client;
use crate::support::program::{Ended, command, run};
use crate::support::rows::IDENTITY;
use crate::support::stack::{PASSWORD, Pair, System};

async fn create(system: &System, email: &str, password: &str, more: &[&str]) -> Ended {
    let local = format!("--local={}", system.stack.dynamodb_url());
    let mut arguments = vec!["user", "create", &local, "--email", email, "--name", "Sara"];
    arguments.extend(more);
    if !more.contains(&"--bcrypt-cost") {
        arguments.extend(["--bcrypt-cost", "10"]);
    }
    run(command("nova", &arguments), password).await
}

#[tokio::test]
async fn an_operator_makes_a_user_who_can_log_in_with_the_password_from_standard_input() {
    let system = System::start().await;
    let more = ["--role", "admin", "--permission", "notes:read", "--permission", "notes:write"];
    let made = create(&system, "Sara@Example.com", &format!("{PASSWORD}\n"), &more).await;
    assert!(made.success, "{made:?}");
    let id = made.stdout.strip_prefix("created ").unwrap().trim_end();
    let login = system.try_login(&Client::at(2), "sara@example.com", PASSWORD).await;
    let access = Pair::of(&login).access;
    assert_eq!(login.text("/data/user/id"), id);
    assert_eq!(system.whoami(&Client::at(2), &access).await.text("/data/role"), "admin");
    let profile = system.rows.one(IDENTITY, &format!("USER#{id}"), "PROFILE").await;
    assert_eq!(profile["permissions"]["SS"].as_array().unwrap().len(), 2);
    for output in [&made.stdout, &made.stderr] {
        assert!(!output.contains(PASSWORD), "{made:?}");
    }
}

/// Windows PowerShell 5.1 puts a byte order mark before what it pipes.
#[tokio::test]
async fn a_byte_order_mark_before_a_piped_password_is_no_part_of_it() {
    let system = System::start().await;
    let marked = format!("\u{feff}{PASSWORD}\r\n");
    let made = create(&system, "sara@example.com", &marked, &[]).await;
    assert!(made.success, "{made:?}");
    assert_eq!(system.try_login(&Client::at(2), "sara@example.com", PASSWORD).await.status, 200);
    let local = format!("--local={}", system.stack.dynamodb_url());
    let other = "\u{feff}An0ther-password!\r\n";
    let words = ["user", "password", &local, "sara@example.com", "--bcrypt-cost", "10"];
    assert!(run(command("nova", &words), other).await.success);
    assert_eq!(system.try_login(&Client::at(2), "sara@example.com", "An0ther-password!").await.status, 200);
}

#[tokio::test]
async fn there_is_no_way_to_give_a_password_where_every_user_of_the_machine_could_read_it() {
    let system = System::start().await;
    for argument in [&["--password", PASSWORD][..], &[PASSWORD]] {
        let refused = create(&system, "sara@example.com", PASSWORD, argument).await;
        assert!(!refused.success, "{refused:?}");
    }
    let nothing = create(&system, "sara@example.com", "", &[]).await;
    assert_eq!(nothing.complaint(), "error: no password on standard input");
    assert_eq!(system.rows.like(IDENTITY, "", "").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_password_that_the_policy_refuses_is_refused_with_all_its_faults() {
    let system = System::start().await;
    let bad = create(&system, "sara@example.com", "pass", &[]).await;
    let line = bad.complaint();
    for fault in [
        "password: The password must have at least 8 characters.",
        "password: The password must have upper and lower case letters.",
        "password: The password must have a digit.",
        "password: The password must have a special character: one that is neither a letter nor a digit.",
    ] {
        assert!(line.contains(fault), "{fault} in {line}");
    }
    let long = format!("Aa1!{}", "x".repeat(69));
    let bad = create(&system, "sara@example.com", &long, &[]).await;
    assert_eq!(bad.complaint(), "error: password: The password must not be longer than 72 bytes.");
    let short = create(&system, "sara@example.com", PASSWORD, &["--password-profile", "nist"]).await;
    assert_eq!(short.complaint(), "error: password: The password must have at least 15 characters.");
    assert_eq!(system.rows.like(IDENTITY, "", "").await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_address_that_is_somebodys_already_stays_theirs() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let taken = create(&system, " SARA@example.com", "An0ther-password!", &["--role", "admin"]).await;
    assert_eq!(taken.complaint(), "error: The email is already in use.");
    let login = system.try_login(&Client::at(2), &sara.email, PASSWORD).await;
    assert_eq!(login.text("/data/user/id"), sara.id);
    assert_eq!(login.text("/data/user/role"), "user");
    assert_eq!(system.rows.like(IDENTITY, "USER#", "PROFILE").await.len(), 1);
}

#[tokio::test]
async fn what_is_written_wrongly_is_named() {
    let system = System::start().await;
    for (email, more, named) in [
        ("sara@example.com", &["--permission", "notes"][..], "a permission is feature:action"),
        ("sara@example.com", &["--permission", "Notes:read"], "a permission is feature:action"),
        ("sara@example.com", &["--role", "Big Boss"], "a role is 1 to 32 lower-case letters"),
        ("sara@example.com", &["--bcrypt-cost", "9"], "9 is not in 10..=15"),
        ("sara", &[], "error: email: The value is not valid."),
    ] {
        let refused = create(&system, email, PASSWORD, more).await;
        assert!(!refused.success && refused.stderr.contains(named), "{named}: {refused:?}");
    }
    let empty =
        run(command("nova", &["user", "create", "--email", "a@example.com", "--name", "A"]), "x").await;
    assert_eq!(
        empty.complaint(),
        "error: no target: pass --local, --stack NAME, or both --identity-table and --sessions-table"
    );
    let nowhere = ["user", "create", "--local=http://127.0.0.1:1", "--email", "a@example.com", "--name", "A"];
    let nowhere = run(command("nova", &nowhere), PASSWORD).await;
    assert!(nowhere.complaint().contains("cannot connect to nova local"), "{nowhere:?}");
    assert_eq!(system.rows.like(IDENTITY, "", "").await, Vec::<Value>::new());
}
