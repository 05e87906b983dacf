//! `nova local` as a program: what it prints, what it runs, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::support::binaries::{path, workspace};
use crate::support::client::Client;
use crate::support::program::{Running, command, run};
use crate::support::rows::Rows;
use crate::support::stack::PASSWORD;

/// `nova local` on free ports, with the functions that lie beside it.
fn arguments(more: &[&str]) -> Vec<String> {
    let template = workspace().join("template.yaml").display().to_string();
    let fixed = ["local", "--port", "0", "--dynamodb-port", "0", "--no-build", "--template", &template];
    fixed.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// `nova`, with its standard error among what it prints.
fn loud<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" 2>&1"]).arg(path("nova")).args(arguments);
    shell.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    shell.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).kill_on_drop(true);
    shell
}

/// The value of one of the lines that scripts read.
fn url<'l>(lines: &'l [String], name: &str) -> &'l str {
    lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap()
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
    let expected = [&["dynamodb", "secretsmanager", "services"], &apis[..], &["ready"]].concat();
    assert_eq!(kinds, expected);
    for line in &words {
        let scheme = if line.contains(&"ChatApi") { "ws" } else { "http" };
        assert!(line.last().unwrap().starts_with(&format!("{scheme}://127.0.0.1:")), "{line:?}");
    }
    let (ready, client) = (*words[7].last().unwrap(), Client::at(2));
    assert_eq!(words[3].last().unwrap(), &ready);
    let login = client.post(&format!("{ready}/api/auth/login"), &json!({})).await;
    login.expect(400, "VALIDATION_FAILED");
    let notes = client.get(&format!("{}/whoami", words[4][2]), Some("a.b.c")).await;
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
async fn a_mistyped_parameter_of_an_attached_template_is_told_and_not_passed_over() {
    let sockets = workspace().join("tests/consumer/websocket/template.yaml").display().to_string();
    let words = ["--attach", &sockets, "--attach-parameter-overrides", "Events=enabled", "Event=enabled"];
    let ended = run(command("nova", &arguments(&words)), "").await;
    assert_eq!(ended.complaint(), "error: no attached template has a parameter Event");
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

/// The limits of the template lock for a quarter of an hour, which is no fun for somebody who tries things out.
#[tokio::test]
async fn five_typos_lock_nobody_out_here_and_the_templates_limits_do_when_they_are_asked_for() {
    let strict =
        ["--parameter-overrides", "BcryptCost=10", "LoginMaxAttempts=5", "LoginMaxAttemptsPerAddress=5"];
    for (overrides, status) in [(&strict[..2], 200), (&strict[..], 429)] {
        let mut nova = Running::start(command("nova", &arguments(overrides)));
        let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
        let tables = lines[0].strip_prefix("dynamodb ").unwrap();
        let local = format!("--local={tables}");
        let create = [
            "user",
            "create",
            &local,
            "--email",
            "sara@example.com",
            "--name",
            "Sara",
            "--bcrypt-cost",
            "10",
        ];
        assert!(run(command("nova", &create), PASSWORD).await.success);
        let url = format!("{}/api/auth/login", lines.last().unwrap().strip_prefix("ready ").unwrap());
        let client = Client::at(2);
        for _ in 0..5 {
            let wrong = json!({"email": "sara@example.com", "password": "Str0ng-enouhg!"});
            client.post(&url, &wrong).await.expect(401, "INVALID_CREDENTIALS");
        }
        Rows::at(tables).age_attempts("127.0.0.2").await;
        let right = client.post(&url, &json!({"email": "sara@example.com", "password": PASSWORD})).await;
        assert_eq!(right.status, status, "{}", right.body);
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
            format!("error: port {port} is in use; choose another with {flag}, or 0 for any free port")
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
        assert!(line.starts_with("error: ") && line.contains(&template), "{line}");
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
        assert!(line.starts_with("error: ") && line.contains(said), "{line}");
        assert!(line.ends_with(&format!("give another with --parameter-overrides {name}=VALUE")), "{line}");
    }
}

#[tokio::test]
async fn a_function_without_a_binary_is_named_in_one_line() {
    let dir = directory("no-binaries").display().to_string();
    let ended = run(command("nova", &arguments(&["--bin-dir", &dir])), "").await;
    assert_eq!(
        ended.complaint(),
        format!("error: there is no binary for the function csrf-token at {dir}/csrf-token")
    );
}

/// The statuses of the walk.
const STATUSES: [&str; 16] = [
    "200", "401", "200", "200", "403", "200", "200", "200", "200", "401", "401", // the reset
    "200", "202", "200", "401", "401",
];

/// The demonstration, up to its last line.
async fn walked(nova: &mut Running) -> Vec<String> {
    let mut lines = nova.lines_until(|line| line.contains("Demo done")).await;
    lines.extend(nova.lines_until(|line| line.starts_with("curl ")).await);
    lines
}

fn statuses(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("< ")?.split(' ').next()).collect()
}

#[tokio::test]
async fn the_demonstration_walks_the_main_job_and_goes_on_serving() {
    let mut nova = Running::start(command("nova", &arguments(&["--demo"])));
    let lines = walked(&mut nova).await;
    let walk = lines.join("\n");
    for step in
        ["# 1. Log in", "# 2. Call an API", "# 3. Refresh", "# 4. Log out", "# 5. A forgotten password"]
    {
        assert!(walk.contains(step), "{step} in {walk}");
    }
    assert_eq!(statuses(&lines), STATUSES);
    // What it says to try can be tried.
    let (url, rest) = lines.last().unwrap().strip_prefix("curl -s ").unwrap().split_once(' ').unwrap();
    let body = rest.split_once("-d '").unwrap().1.trim_end_matches('\'');
    let answer = Client::at(2).post(url, &serde_json::from_str(body).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // So can what the page offers.
    let config = Client::at(2).get(&url.replace("api/auth/login", "_local/config.json"), None).await;
    assert_eq!(config.body["demo"].to_string(), body);
    assert!(nova.terminate().await.success);
}

#[tokio::test]
async fn a_person_is_told_what_to_do_next_and_a_script_is_not_disturbed() {
    let mut nova = Running::start(loud(&arguments(&[])));
    let mut lines = nova.lines_until(|line| line.starts_with("ready ")).await;
    lines.extend(nova.lines_until(|line| line == "Press Ctrl-C to stop.").await);
    let page = format!("Open {}/ in a browser", url(&lines, "ready"));
    assert!(lines.iter().any(|line| line.starts_with(&page)), "{lines:?}");
    // What it says to type makes a user.
    let make = lines.iter().find_map(|line| line.strip_prefix("Create a user: ")).unwrap();
    let bin = path("nova").parent().unwrap().display();
    let made = Command::new("sh").args(["-c", &format!("PATH={bin}:$PATH; {make}")]).output().await.unwrap();
    assert!(made.status.success(), "{make}: {made:?}");
    let login = json!({"email": "sara@example.com", "password": "Str0ng-enough!"});
    let answer = Client::at(2).post(&format!("{}/api/auth/login", url(&lines, "ready")), &login).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    nova.terminate().await;
}

#[tokio::test]
async fn the_demonstration_speaks_the_language_that_is_asked_for_and_no_log_is_in_it() {
    let is_arabic = |line: &&String| line.chars().any(|c| ('\u{600}'..='\u{6ff}').contains(&c));
    for (more, arabic) in [(&["--demo"][..], false), (&["--demo", "--language", "ar"], true)] {
        let mut nova = Running::start(loud(&arguments(more)));
        let lines = walked(&mut nova).await;
        let refusals = lines.iter().filter(|line| line.starts_with("< 40"));
        for refusal in refusals {
            assert_eq!(is_arabic(&refusal), arabic, "{refusal}");
        }
        let logged: Vec<_> = lines.iter().filter(|line| line.contains("\"level\"")).collect();
        assert!(logged.is_empty(), "{logged:?}");
        assert_eq!(statuses(&lines), STATUSES);
        nova.terminate().await;
    }
    let mut nova = Running::start(loud(&arguments(&["--demo", "--logs"])));
    let lines = walked(&mut nova).await;
    assert!(lines.iter().any(|line| line.contains("\"level\"")), "{lines:?}");
    nova.terminate().await;
}

#[tokio::test]
async fn the_demonstration_survives_a_file_in_which_its_user_was_changed() {
    let file = directory("demo").join("nova.db").display().to_string();
    let again = arguments(&["--demo", "--data", &file]);
    let mut nova = Running::start(command("nova", &again));
    let lines = walked(&mut nova).await;
    let local = format!("--local={}", url(&lines, "dynamodb"));
    for (words, input) in
        [(&["password"][..], "An0ther-word!"), (&["role"], ""), (&["revoke"], ""), (&["disable"], "")]
    {
        let last: &[&str] = match words {
            ["role"] => &["admin"],
            ["revoke"] => &["notes:read"],
            _ => &[],
        };
        let words = [&["user"], words, &[&local, "demo@example.com"], last].concat();
        let changed = run(command("nova", &words), input).await;
        assert!(changed.success, "{changed:?}");
    }
    nova.terminate().await;
    let mut nova = Running::start(command("nova", &again));
    let lines = walked(&mut nova).await;
    assert!(lines.iter().any(|line| line.contains("with changes")), "{lines:?}");
    assert_eq!(statuses(&lines), STATUSES);
    nova.terminate().await;
}

#[tokio::test]
async fn a_file_that_another_one_keeps_its_data_in_is_refused() {
    let file = directory("one-file").join("nova.db").display().to_string();
    let both = arguments(&["--data", &file]);
    let mut nova = Running::start(command("nova", &both));
    nova.lines_until(|line| line.starts_with("ready ")).await;
    let ended = run(command("nova", &both), "").await;
    assert_eq!(
        ended.complaint(),
        format!("error: another `nova local` is using {file}: stop it, or name another file with --data")
    );
    nova.terminate().await;
    let mut nova = Running::start(command("nova", &both));
    nova.lines_until(|line| line.starts_with("ready ")).await;
    nova.terminate().await;
}

/// A template of another team, whose function is no Rust package.
fn another_language(name: &str) -> String {
    let template = "\
Resources:
  HelloApi:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Auth:
        DefaultAuthorizer: NovaAuth
        Authorizers:
          NovaAuth:
            FunctionPayloadType: REQUEST
            FunctionArn: {Fn::ImportValue: nova-auth-AuthorizerArn}
            FunctionInvokeRole: {Fn::ImportValue: nova-auth-AuthorizerInvokeRoleArn}
            DisableFunctionDefaultPermissions: true
            Identity: {Headers: [Authorization], ReauthorizeEvery: 0}
  HelloFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Runtime: python3.13
      Handler: app.handler
      Events:
        Hello: {Type: Api, Properties: {RestApiId: !Ref HelloApi, Method: GET, Path: /hello}}
";
    let dir = directory(name);
    fs::write(dir.join("template.yaml"), template).unwrap();
    dir.join("template.yaml").display().to_string()
}

#[tokio::test]
async fn an_attached_api_without_rules_is_said_to_be_denied_until_it_has_some() {
    let template = another_language("no-rules");
    let server = ["--upstream", "HelloFunction=http://127.0.0.1:9", "--attach", &template];
    let mut nova = Running::start(loud(&arguments(&server)));
    let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
    let note = lines.iter().find(|line| line.starts_with("note: HelloApi has no rules")).unwrap();
    let put = format!("nova rules put --local={} --api HelloApi FILE", url(&lines, "dynamodb"));
    assert!(note.contains("every call will be denied") && note.ends_with(&put), "{note}");
    nova.terminate().await;
    let open = [&server[..], &["--parameter-overrides", "NoRules=authenticated"]].concat();
    let mut nova = Running::start(loud(&arguments(&open)));
    let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
    assert!(lines.iter().any(|line| line.contains("any active user may call every route")), "{lines:?}");
    nova.terminate().await;
    let sample = workspace().join("tests/consumer/template.yaml").display().to_string();
    let mut nova = Running::start(loud(&arguments(&["--attach", &sample])));
    let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
    assert!(!lines.iter().any(|line| line.starts_with("note: ")), "{lines:?}");
    nova.terminate().await;
}

#[tokio::test]
async fn a_function_of_another_language_is_refused_in_one_line_that_says_how_it_is_served() {
    let template = another_language("no-package");
    let ended = run(command("nova", &arguments(&["--attach", &template])), "").await;
    let line = ended.complaint();
    assert!(
        line.starts_with("error: the function HelloFunction is not a Rust package of this workspace"),
        "{line}"
    );
    assert!(line.ends_with("--upstream HelloFunction=http://127.0.0.1:8080"), "{line}");
    for (wrong, said) in [
        ("HelloFunction", "NAME=URL"),
        ("HelloFunction=8080", "http://HOST:PORT"),
        ("HelloFunction=https://127.0.0.1:8080", "http://HOST:PORT"),
    ] {
        let ended = run(command("nova", &arguments(&["--attach", &template, "--upstream", wrong])), "").await;
        assert!(ended.code == Some(2) && ended.stderr.contains(said), "{ended:?}");
    }
}

/// A development server of any language: it answers with the context that it was handed.
async fn development_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let context = |line: &str| line.strip_prefix("x-amzn-request-context: ").map(str::to_owned);
            let contexts: Vec<String> = head.lines().filter_map(context).collect();
            let body = format!("[{}]", contexts.join(","));
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            client.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_development_server_serves_a_functions_routes_behind_the_authorizer() {
    let template = another_language("upstream");
    let rules = Path::new(&template).with_file_name("rules.yaml");
    fs::write(rules, "- route: GET /hello\n  permission: notes:read\n").unwrap();
    let server = format!("HelloFunction={}", development_server().await);
    let mut nova =
        Running::start(command("nova", &arguments(&["--attach", &template, "--upstream", &server])));
    let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
    let local = format!("--local={}", url(&lines, "dynamodb"));
    let (client, hello) = (Client::at(2), format!("{}/hello", url(&lines, "api HelloApi")));
    let mut tokens = Vec::new();
    for (name, more) in [("may", &["--permission", "notes:read"][..]), ("may-not", &[])] {
        let email = format!("{name}@example.com");
        let words = [&["user", "create", &local, "--email", &email, "--name", name], more].concat();
        let made = run(command("nova", &words), "Str0ng-enough!").await;
        assert!(made.success, "{made:?}");
        let login = json!({"email": email, "password": "Str0ng-enough!"});
        let pair = client.post(&format!("{}/api/auth/login", url(&lines, "ready")), &login).await;
        tokens.push(pair.body["data"]["accessToken"].as_str().unwrap().to_owned());
    }
    assert_eq!(client.get(&hello, None).await.status, 401);
    assert_eq!(client.get(&hello, Some(&tokens[1])).await.status, 403);
    let forged = client.request("GET", &hello).bearer_auth(&tokens[0]);
    let forged = forged.header("x-amzn-request-context", r#"{"authorizer":{"email":"boss@example.com"}}"#);
    let answer = client.send(forged).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body.as_array().unwrap().len(), 1);
    assert_eq!(answer.body[0]["authorizer"]["email"], "may@example.com");
    assert_eq!(answer.body[0]["authorizer"]["role"], "user");
    nova.terminate().await;
}

/// The engine is the one of `nova local`, by itself: what counts is that it is another process's.
#[tokio::test]
async fn the_tables_can_be_in_another_dynamodb_and_are_there_the_next_time() {
    let engine = nova_local::Storage::start(&[], None, 0).await.unwrap();
    let template = workspace().join("template.yaml").display().to_string();
    let keys = directory("engine").join("keys.db").display().to_string();
    let words = [
        "local",
        "--port",
        "0",
        "--no-build",
        "--template",
        &template,
        "--dynamodb",
        engine.url(),
        "--data",
        &keys,
    ];
    let words = words.map(str::to_owned);
    let local = format!("--local={}", engine.url());
    for again in [false, true] {
        let mut nova = Running::start(command("nova", &words));
        let lines = nova.lines_until(|line| line.starts_with("ready ")).await;
        assert_eq!(url(&lines, "dynamodb"), engine.url());
        if !again {
            let make = ["user", "create", &local, "--email", "sara@example.com", "--name", "Sara"];
            let made = run(command("nova", &make), "Str0ng-enough!").await;
            assert!(made.success, "{made:?}");
        }
        let login = json!({"email": "sara@example.com", "password": "Str0ng-enough!"});
        let client = Client::at(2);
        let pair = client.post(&format!("{}/api/auth/login", url(&lines, "ready")), &login).await;
        assert_eq!(pair.status, 200, "{}", pair.body);
        let token = pair.body["data"]["accessToken"].as_str().unwrap();
        let log = client.get(&format!("{}/_local/security-log", url(&lines, "ready")), Some(token)).await;
        assert!(!log.body["data"]["events"].as_array().unwrap().is_empty(), "{}", log.body);
        // Who has the URL of the tables finds the keys.
        let keys = run(command("nova", &["keys", "list", &local, "--json"]), "").await;
        let rings: Vec<Value> = keys.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<_> = rings.iter().map(|key| key["ring"].as_str().unwrap()).collect();
        assert_eq!(names, ["access", "refresh"], "{keys:?}");
        nova.terminate().await;
    }
    engine.stop().await;
    let gone = run(command("nova", &words), "").await;
    assert!(gone.complaint().contains("the table IdentityTable: no answer"), "{gone:?}");
    let no_url = run(command("nova", &["local", "--dynamodb", "8000"]), "").await;
    assert!(no_url.complaint().contains("expected http://HOST:PORT"), "{no_url:?}");
    let both =
        run(command("nova", &["local", "--dynamodb", "http://127.0.0.1:1", "--dynamodb-port", "1"]), "")
            .await;
    assert_eq!(both.code, Some(2), "{both:?}");
}
