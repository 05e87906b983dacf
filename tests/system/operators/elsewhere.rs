//! A deployed stack: found by its name, its profile and its region; and what is said when it can't be.
//!
//! A stand-in answers as AWS does. That these are AWS's answers is what its documentation says; nobody here has an account.

use std::path::Path;
use std::process::Stdio;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{fresh, printed};
use crate::support::program::{Ended, command, run};
use crate::support::stack::System;

/// An AWS that gives one answer to everything, until the test's runtime ends.
async fn standin(status: u16, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer =
        format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && client.read_exact(&mut byte).await.is_ok() {
                    head.extend(byte);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                drop(client.read_exact(&mut body).await);
                drop(client.write_all(answer.as_bytes()).await);
            });
        }
    });
    url
}

/// DynamoDB's way to say no.
async fn refusing(code: &str) -> String {
    let message = "User: arn:aws:iam::123456789012:user/canary is not authorized";
    standin(400, &format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{message}"}}"#))
        .await
}

/// What CloudFormation says of a stack with these outputs.
fn stack_of(outputs: &[(&str, &str)]) -> String {
    let outputs: String = outputs
        .iter()
        .map(|(key, value)| {
            format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
        })
        .collect();
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>nova-auth</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    )
}

/// `nova` on a machine that has no AWS configuration but this.
fn on_aws(words: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut nova = command("nova", words);
    let nothing = Path::new("/nonexistent");
    nova.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", nothing);
    nova.envs(environment.iter().copied()).stdin(Stdio::null());
    nova
}

const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "canary-id"),
    ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
    ("AWS_REGION", "eu-central-1"),
];

const TABLES: [&str; 4] = ["--identity-table", "Identity", "--sessions-table", "Sessions"];

/// Runs it with credentials, against one address for all of AWS.
async fn against(url: &str, words: &[&str]) -> Ended {
    let environment = [&KEYS[..], &[("AWS_ENDPOINT_URL", url)]].concat();
    run(on_aws(words, &environment), "").await
}

#[track_caller]
fn says(ended: &Ended, parts: &[&str]) {
    let line = ended.complaint();
    // Who did not say which system has used the command wrongly.
    let code = if line.contains("no target") { 2 } else { 1 };
    assert_eq!(ended.code, Some(code), "{line}");
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("canary") && !line.contains("Error {") && !line.contains("SdkError"), "{line}");
}

#[tokio::test]
async fn a_stack_is_found_by_its_name_in_the_region_of_a_profile() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let (config, credentials) = (fresh("config"), fresh("credentials"));
    std::fs::write(&config, "[profile ops]\nregion = eu-west-1\n").unwrap();
    std::fs::write(&credentials, "[ops]\naws_access_key_id = id\naws_secret_access_key = secret\n").unwrap();
    let outputs = [
        ("IdentityTableName", "IdentityTable"),
        ("SessionsTableName", "SessionsTable"),
        ("AccessKeysSecretArn", "AccessKeysSecret"),
        ("RefreshKeysSecretArn", "RefreshKeysSecret"),
    ];
    let cloudformation = standin(200, &stack_of(&outputs)).await;
    let environment = [
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", &cloudformation),
        ("AWS_ENDPOINT_URL_DYNAMODB", system.stack.dynamodb_url()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", system.stack.secretsmanager_url()),
    ];
    let there = ["--stack", "nova-auth", "--profile", "ops"];
    let shown = run(on_aws(&[&["user", "show", &sara.email], &there[..]].concat(), &environment), "").await;
    assert!(printed(&shown).contains("sara@example.com"), "{shown:?}");
    let keys = run(on_aws(&[&["keys", "list"], &there[..]].concat(), &environment), "").await;
    assert!(printed(&keys).contains("access-1"), "{keys:?}");
    let unknown = ["user", "list", "--stack", "nova-auth", "--profile", "nobody", "--region", "eu-west-1"];
    says(&run(on_aws(&unknown, &environment), "").await, &["there is no profile nobody", "there are: ops"]);
}

/// `nova user show` of a stack with these outputs, against this Amazon SES.
async fn shown_beside(system: &System, user: &str, outputs: &[(&str, &str)], ses: &str) -> String {
    let tables = [("IdentityTableName", "IdentityTable"), ("SessionsTableName", "SessionsTable")];
    let cloudformation = standin(200, &stack_of(&[&tables[..], outputs].concat())).await;
    let services = [
        ("AWS_ENDPOINT_URL", ses),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", &cloudformation),
        ("AWS_ENDPOINT_URL_DYNAMODB", system.stack.dynamodb_url()),
    ];
    let words = ["user", "show", user, "--stack", "nova-auth"];
    // The tables of `nova local` are in its own region.
    let environment = [&KEYS[..2], &[("AWS_REGION", "us-east-1")], &services[..]].concat();
    printed(&run(on_aws(&words, &environment), "").await)
}

/// Who may not ask SES still sees the user; what could not be asked is not said to be well.
#[tokio::test]
async fn whether_mail_reaches_a_user_is_asked_of_a_stack_that_sends_some_and_a_refusal_is_told() {
    let system = System::start().await;
    let sara = system.user("sara").await;
    let sends =
        [("LinkKeysSecretArn", "arn:aws:secretsmanager:us-east-1:123456789012:secret:LinkKeysSecret")];
    let listed = r#"{"SuppressedDestination":{"EmailAddress":"sara@example.com","Reason":"COMPLAINT","LastUpdateTime":1.6E9}}"#;
    let missing = r#"{"__type":"NotFoundException"}"#;
    let denied = r#"{"__type":"AccessDeniedException","message":"canary"}"#;
    for (status, answer, line) in [
        (200, listed, "suppressed by Amazon SES since 2026-01-01T00:00:00Z (complaint): none arrives"),
        (404, missing, "not suppressed by Amazon SES"),
        (403, denied, "Amazon SES could not be asked: these credentials lack ses:GetSuppressedDestination"),
    ] {
        let ses = standin(status, answer).await;
        let shown = shown_beside(&system, &sara.email, &sends, &ses).await;
        assert!(shown.contains(&format!("\nmail           {line}\n")), "{shown}");
        let shown = shown_beside(&system, &sara.email, &[], &ses).await;
        assert!(shown.contains("sara@example.com") && !shown.contains("\nmail  "), "{shown}");
    }
}

#[tokio::test]
async fn what_is_missing_is_asked_for_by_the_flag_that_says_it() {
    let nothing = run(on_aws(&["user", "list"], &[]), "").await;
    says(&nothing, &["no target", "--stack", "--identity-table", "--local"]);
    let keys = run(on_aws(&["keys", "list"], &[]), "").await;
    says(&keys, &["no target", "--stack", "--access-keys-secret", "--local"]);
    let stack = ["user", "list", "--stack", "nova-auth"];
    says(&run(on_aws(&stack, &[]), "").await, &["no region", "--region"]);
    let region = [&stack[..], &["--region", "eu-central-1"]].concat();
    says(&run(on_aws(&region, &[]), "").await, &["no AWS credentials", "--profile", "aws sso login"]);
}

#[tokio::test]
async fn a_missing_table_a_denied_action_and_stale_credentials_are_told_apart() {
    let words = [&["user", "list"], &TABLES[..]].concat();
    let missing = against(&refusing("ResourceNotFoundException").await, &words).await;
    says(&missing, &["not found: tables Identity and Sessions in eu-central-1", "--region"]);
    let denied = against(&refusing("AccessDeniedException").await, &words).await;
    says(&denied, &["list users", "access denied to", "docs/operators.md"]);
    let stale = against(&refusing("ExpiredTokenException").await, &words).await;
    says(&stale, &["ExpiredTokenException", "these credentials have expired", "aws sso login"]);
    let unknown = against(&refusing("UnrecognizedClientException").await, &words).await;
    says(&unknown, &["AWS rejected these credentials", "--profile"]);
    let secrets = ["keys", "list", "--access-keys-secret", "a", "--refresh-keys-secret", "r"];
    let denied = against(&standin(400, r#"{"__type":"AccessDeniedException"}"#).await, &secrets).await;
    says(&denied, &["access denied to", "secrets a and r in eu-central-1"]);
}

#[tokio::test]
async fn a_stack_that_is_not_there_or_not_ours_is_said_to_be_so() {
    let words = ["user", "list", "--stack", "elsewhere"];
    let error = |code: &str| {
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>canary</Message></Error></ErrorResponse>"
        )
    };
    let missing = against(&standin(400, &error("ValidationError")).await, &words).await;
    says(&missing, &["no stack elsewhere in eu-central-1"]);
    let denied = against(&standin(403, &error("AccessDenied")).await, &words).await;
    says(&denied, &["access denied: cloudformation:DescribeStacks", "by name"]);
    let other = against(&standin(200, &stack_of(&[("Url", "x")])).await, &words).await;
    says(&other, &["no output IdentityTableName", "--identity-table"]);
}

/// A profile of each kind, and what is said of it where it gives no credentials.
const PROFILES: &str = "\
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/ops
mfa_serial = arn:aws:iam::123456789012:mfa/me
source_profile = keys
[profile above-mfa]
role_arn = arn:aws:iam::123456789012:role/more
source_profile = mfa
[profile role]
role_arn = arn:aws:iam::123456789012:role/ops
source_profile = keys
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = ops
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example/start
[profile console]
login_session = arn:aws:iam::123456789012:user/me
[profile command]
credential_process = /nonexistent/command
[profile empty]
output = json
[profile keys]
aws_access_key_id = id
aws_secret_access_key = canary
";

#[tokio::test]
async fn why_a_profile_gives_no_credentials_is_said_with_what_to_do_about_it() {
    let config = fresh("profiles");
    std::fs::write(&config, PROFILES).unwrap();
    let sts = standin(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>").await;
    let environment = [
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_STS", &sts),
    ];
    let mfa = ["needs an MFA code", "aws configure export-credentials --profile"];
    for (profile, parts) in [
        ("nobody", &["there is no profile nobody", "above-mfa, command, console"][..]),
        ("mfa", &mfa),
        ("above-mfa", &mfa),
        ("role", &["did not let the profile role assume its role"]),
        ("sso", &["the profile sso needs a new login: `aws sso login --profile sso`"]),
        ("console", &["`aws login --profile console`", "export-credentials --profile console"]),
        ("command", &["the command that the profile command names"]),
        ("empty", &["the profile empty has no credentials", "aws configure --profile empty"]),
    ] {
        let words = [&["user", "list"], &TABLES[..], &["--profile", profile]].concat();
        says(&run(on_aws(&words, &environment), "").await, parts);
        let named = [&environment[..], &[("AWS_PROFILE", profile)]].concat();
        says(&run(on_aws(&[&["user", "list"], &TABLES[..]].concat(), &named), "").await, parts);
    }
}

/// A proxy that says what it was asked for and hands nothing on.
async fn proxy() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = asked.clone();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let mut line = String::new();
                let read = tokio::io::AsyncBufReadExt::read_line(&mut client, &mut line);
                drop(read.await);
                seen.lock().unwrap().push(line.trim_end().to_owned());
                drop(
                    client
                        .write_all(b"HTTP/1.1 407 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                        .await,
                );
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_asked_for_aws_and_for_nothing_that_it_excepts() {
    let words = [&["user", "list"], &TABLES[..]].concat();
    let dynamodb = "dynamodb.eu-central-1.amazonaws.com";
    let tunnel = format!("CONNECT {dynamodb}:443 HTTP/1.1");
    let named = [("HTTPS_PROXY", "http://user:canary@"), ("https_proxy", ""), ("ALL_PROXY", "http://")];
    // Each of them tries to connect for a while, and so does the next one.
    let asking = named.map(async |(name, value)| {
        let (address, asked) = proxy().await;
        let value = format!("{value}{address}");
        let ended = run(on_aws(&words, &[&KEYS[..], &[(name, &value)]].concat()), "").await;
        says(&ended, &["(connection)", &format!("does the proxy in {name} let you through")]);
        let asked = asked.lock().unwrap();
        assert!(!asked.is_empty() && asked.iter().all(|line| *line == tunnel), "{name}: {asked:?}");
    });
    // Without TLS the other variable counts; what is excepted is reached without it.
    let without_tls = async {
        let refusing = refusing("AccessDeniedException").await;
        let (address, asked) = proxy().await;
        let value = format!("http://{address}");
        let through =
            [&KEYS[..], &[("AWS_ENDPOINT_URL", refusing.as_str()), ("HTTP_PROXY", &value)]].concat();
        assert_eq!(run(on_aws(&words, &through), "").await.code, Some(1));
        assert!(asked.lock().unwrap().iter().any(|line| line.starts_with(&format!("POST {refusing}"))));
        asked.lock().unwrap().clear();
        let around = [&through[..], &[("NO_PROXY", "example.com,127.0.0.1")]].concat();
        says(&run(on_aws(&words, &around), "").await, &["access denied to"]);
        assert_eq!(asked.lock().unwrap().len(), 0);
    };
    tokio::join!(join_all(asking), without_tls);
}

#[tokio::test]
async fn a_proxy_that_is_none_is_an_error_and_no_way_around_it_and_is_not_quoted() {
    let words = [&["user", "list"], &TABLES[..]].concat();
    let refusing = refusing("AccessDeniedException").await;
    for value in ["socks5://canary@127.0.0.1:1", "http://", "a canary"] {
        let environment =
            [&KEYS[..], &[("AWS_ENDPOINT_URL", refusing.as_str()), ("HTTPS_PROXY", value)]].concat();
        says(
            &run(on_aws(&words, &environment), "").await,
            &["HTTPS_PROXY names no proxy", "http://HOST:PORT"],
        );
    }
}

#[tokio::test]
async fn a_nova_local_is_never_asked_through_a_proxy() {
    let system = System::start().await;
    let (address, asked) = proxy().await;
    let (value, local) = (format!("http://{address}"), format!("--local={}", system.stack.dynamodb_url()));
    for words in [["user", "list", &local], ["keys", "list", &local]] {
        let environment = [("HTTP_PROXY", value.as_str()), ("HTTPS_PROXY", &value), ("ALL_PROXY", &value)];
        printed(&run(on_aws(&words, &environment), "").await);
    }
    assert_eq!(asked.lock().unwrap().len(), 0);
}
