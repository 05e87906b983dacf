//! `nova local` as a program: what it prints, what it runs, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::binaries::workspace;
use crate::support::client::Client;
use crate::support::program::{Running, command, run};

/// `nova local` on free ports, with the functions that lie beside it.
fn arguments(more: &[&str]) -> Vec<String> {
    let template = workspace().join("template.yaml").display().to_string();
    let fixed = ["local", "--port", "0", "--dynamodb-port", "0", "--no-build", "--template", &template];
    fixed.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// A directory of this test's own, empty.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

/// The processes that this one has started and that still run.
fn children(of: u32) -> Vec<u32> {
    let numbers =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(|process| parent(*process) == Some(of)).collect()
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[tokio::test]
async fn it_says_where_everything_is_serves_it_and_ends_with_all_its_processes() {
    let attached = workspace().join("tests/consumer/template.yaml").display().to_string();
    let sockets = workspace().join("tests/consumer/websocket/template.yaml").display().to_string();
    let attach = arguments(&["--attach", &attached, "--attach", &sockets]);
    let mut nova = Running::start(command("nova", &attach));
    let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
    let words: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
    let kinds: Vec<_> = words.iter().map(|line| line[..line.len() - 1].join(" ")).collect();
    let apis = ["api AuthApi", "api NotesApi", "api TokenNotesApi", "api ChatApi"];
    let expected = [&["dynamodb", "secretsmanager"], &apis[..], &["ready"]].concat();
    assert_eq!(kinds, expected);
    for line in &words {
        let scheme = if line.contains(&"ChatApi") { "ws" } else { "http" };
        assert!(line.last().unwrap().starts_with(&format!("{scheme}://127.0.0.1:")), "{line:?}");
    }
    let (ready, client) = (*words[6].last().unwrap(), Client::at(2));
    assert_eq!(words[2].last().unwrap(), &ready);
    let login = client.post(&format!("{ready}/api/auth/login"), &json!({})).await;
    login.expect(400, "VALIDATION_FAILED");
    let notes = client.get(&format!("{}/whoami", words[3][2]), Some("a.b.c")).await;
    notes.expect(401, "UNAUTHORIZED");

    let functions = children(nova.id());
    assert!(functions.len() >= 2, "{functions:?}");
    let ended = nova.terminate().await;
    assert!(ended.success && ended.stdout.is_empty(), "{ended:?}");
    for process in functions {
        assert_eq!(parent(process), None, "a function still runs");
    }
}

#[tokio::test]
async fn what_is_stored_in_a_file_is_there_the_next_time() {
    let file = directory("kept").join("nova.db").display().to_string();
    let mut before: Option<Value> = None;
    for _ in 0..2 {
        let mut nova = Running::start(command("nova", &arguments(&["--data", &file])));
        let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
        let url = lines[1].strip_prefix("secretsmanager ").unwrap();
        let request = Client::at(2).request("POST", url);
        let request = request.header("x-amz-target", "secretsmanager.GetSecretValue");
        let secret =
            Client::at(2).send(request.body(json!({"SecretId": "AccessKeysSecret"}).to_string())).await;
        let key = secret.body["SecretString"].clone();
        assert!(key.is_string(), "{}", secret.body);
        assert!(before.as_ref().is_none_or(|before| *before == key), "everybody was logged out");
        before = Some(key);
        nova.terminate().await;
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_flag_that_chooses_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--port", "--dynamodb-port"] {
        let mut arguments = arguments(&[]);
        let place = arguments.iter().position(|argument| argument == flag).unwrap();
        arguments[place + 1].clone_from(&port);
        let ended = run(command("nova", &arguments), "").await;
        assert_eq!(
            ended.complaint(),
            format!("nova: port {port} is in use: choose another with {flag}, or 0 for any free one")
        );
    }
}

#[tokio::test]
async fn a_template_that_cannot_be_used_is_named_in_one_line() {
    let dir = directory("templates");
    let broken = dir.join("broken.yaml");
    fs::write(&broken, "Resources: [\n").unwrap();
    let empty = dir.join("empty.yaml");
    fs::write(&empty, "Resources: {}\n").unwrap();
    for template in [dir.join("missing.yaml"), broken, empty, dir.clone()] {
        let template = template.display().to_string();
        let ended = run(command("nova", &["local", "--template", &template]), "").await;
        let line = ended.complaint();
        assert!(line.starts_with("nova: ") && line.contains(&template), "{line}");
    }
    let mut lost = command("nova", &["local"]);
    lost.current_dir("/");
    let ended = run(lost, "").await;
    assert!(ended.complaint().contains("--template"), "{ended:?}");
}

/// It used to say `ready`, with functions that could not start.
#[tokio::test]
async fn a_parameter_that_a_deployment_would_refuse_is_named_in_one_line() {
    for (given, said) in [
        ("Registration=maybe", "Parameter 'Registration' must be one of AllowedValues: closed, open"),
        ("BcryptCost=99", "Parameter 'BcryptCost' must be a number not greater than 15"),
        (
            "AllowedOrigins=https://*.example.com",
            "Parameter 'AllowedOrigins' failed to satisfy constraint: origins",
        ),
        (
            "TrustedProxies=10.0.0.0/8;192.168.0.0/16",
            "Parameter 'TrustedProxies' failed to satisfy constraint: addresses",
        ),
    ] {
        let ended = run(command("nova", &arguments(&["--parameter-overrides", given])), "").await;
        let (line, name) = (ended.complaint(), given.split('=').next().unwrap());
        assert!(line.starts_with("nova: ") && line.contains(said), "{line}");
        assert!(line.ends_with(&format!("give another with --parameter-overrides {name}=VALUE")), "{line}");
    }
}

#[tokio::test]
async fn a_function_without_a_binary_is_named_in_one_line() {
    let dir = directory("no-binaries").display().to_string();
    let ended = run(command("nova", &arguments(&["--bin-dir", &dir])), "").await;
    assert_eq!(
        ended.complaint(),
        format!("nova: there is no binary of the function csrf-token at {dir}/csrf-token")
    );
}

#[tokio::test]
async fn the_demonstration_walks_the_main_job_and_goes_on_serving() {
    let mut nova = Running::start(command("nova", &arguments(&["--demo"])));
    let mut lines = nova.lines_until(|line| line.contains("Ctrl-C")).await;
    lines.extend(nova.lines_until(|line| line.starts_with("curl ")).await);
    let walk = lines.join("\n");
    for step in ["# 1. Log in", "# 2. Call an API", "# 3. Refresh", "# 4. Log out"] {
        assert!(walk.contains(step), "{step} in {walk}");
    }
    let statuses: Vec<_> =
        lines.iter().filter_map(|line| line.strip_prefix("< ")?.split(' ').next()).collect();
    assert_eq!(statuses, ["200", "401", "200", "200", "403", "200", "200", "200", "200", "401", "401"]);
    // What it says to try can be tried.
    let (url, rest) = lines.last().unwrap().strip_prefix("curl -s ").unwrap().split_once(' ').unwrap();
    let body = rest.split_once("-d '").unwrap().1.trim_end_matches('\'');
    let answer = Client::at(2).post(url, &serde_json::from_str(body).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(nova.terminate().await.success);
}
