//! An answer that API Gateway keeps is the fresh one, on every path that can be written, whichever was asked first: over
//! the cache of `nova local`, with paths as they are and not as an HTTP library would tidy them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::client::Client;
use crate::support::stack::System;
use crate::support::written::Written;

const RULES: &str = "\
- route: ANY /admin/*
  roles: [admin]
- route: GET /files/*
- route: GET /reports/one
- route: GET /whoami
";

/// Paths that a request of today can hold, each of which servers read in several ways, or in one.
const WRITTEN: [&str; 40] = [
    "/files/a",
    "/files/",
    "/files",
    "/files/50%25.pdf",
    "/files/50%25%20off.pdf",
    "/files/%D9%85%D9%84%D9%81",
    "/files/a%20b",
    "/files/a..b",
    "/files/...",
    "/files/../admin/users",
    "/files/./a",
    "/files/..",
    "/files/.",
    "/files/%2e%2e/admin/users",
    "/files/%2E%2E/admin/users",
    "/files/.%2e/admin/users",
    "/files/a%2Fb",
    "/files/a%2fb",
    "/files//x",
    "//files/x",
    "/files/%252e%252e/admin/users",
    "/files/a%252Fb",
    "/files/a%255cb",
    "/files/%2541",
    "/files/a%5Cb",
    "/files/a%5cb",
    "/files/a\\b",
    "/files/..\\admin",
    "/files/a%00",
    "/files/a%0d%0ab",
    "/files/a%7f",
    "/files/..;/admin/users",
    "/files/..%3B/admin/users",
    "/files/%c0%ae%c0%ae/admin/users",
    "/files/%u002e%u002e/admin/users",
    "/files/a%zz",
    "/files/a%",
    "/files/%ff",
    "/reports/one",
    "/reports/two",
];

/// What every order is tried with: let in and not.
const PLAIN: [&str; 4] = ["/files/a", "/whoami", "/admin/users", "/reports/one"];

/// The same REST API twice, over one authorizer. One keeps answers, by token and by a header that a test chooses.
fn template() -> String {
    let mut template =
        "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\nParameters:\n  \
         AuthStack: {Type: String, Default: nova-auth}\nResources:\n"
            .to_owned();
    let mut events = String::new();
    for (api, identity) in [
        ("Fresh", "Headers: [Authorization], ReauthorizeEvery: 0"),
        ("Kept", "Headers: [Authorization, X-Case], ReauthorizeEvery: 300"),
    ] {
        write!(
            template,
            "  {api}:\n    Type: AWS::Serverless::Api\n    Properties:\n      StageName: v1\n      Auth:\n        \
             DefaultAuthorizer: Nova\n        Authorizers:\n          Nova:\n            FunctionPayloadType: REQUEST\n            \
             FunctionArn: {{'Fn::ImportValue': !Sub '${{AuthStack}}-AuthorizerArn'}}\n            \
             FunctionInvokeRole: {{'Fn::ImportValue': !Sub '${{AuthStack}}-AuthorizerInvokeRoleArn'}}\n            \
             Identity: {{{identity}}}\n"
        )
        .unwrap();
        for (number, route) in ["/{proxy+}", "/reports/{id}", "/files/{id}", "/admin"].iter().enumerate() {
            writeln!(
                events,
                "        {api}{number}: {{Type: Api, Properties: {{RestApiId: !Ref {api}, Method: ANY, Path: '{route}'}}}}"
            )
            .unwrap();
        }
    }
    template.push_str(
        "  Function:\n    Type: AWS::Serverless::Function\n    Metadata:\n      BuildProperties: {Binary: notes}\n    \
         Properties:\n      CodeUri: notes\n      Runtime: provided.al2023\n      Handler: bootstrap\n      MemorySize: 128\n      \
         Timeout: 10\n      Events:\n",
    );
    template + &events
}

struct Scene {
    system: System,
    token: String,
    fresh: BTreeMap<String, bool>,
}

impl Scene {
    async fn new() -> Scene {
        let template = Written::new("template.yaml", &template());
        let system = System::start_with(|options| options.attach = vec![template.to_owned()]).await;
        for api in ["Fresh", "Kept"] {
            system.store_kept_rules(api, RULES).await;
        }
        let sara = system.user("sara").await;
        let token = system.login(&Client::at(2), &sara).await.access;
        Scene { system, token, fresh: BTreeMap::new() }
    }

    /// Whether a request with exactly this path passes the authorizer.
    async fn passes(&self, api: &str, case: &str, path: &str) -> bool {
        let address = self.system.stack.api(api).unwrap().trim_start_matches("http://").to_owned();
        let token = &self.token;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nX-Case: {case}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["200", "403", "404"].contains(&status), "{path}: {answer}");
        status != "403"
    }

    async fn fresh(&mut self, path: &str) -> bool {
        if let Some(known) = self.fresh.get(path) {
            return *known;
        }
        let passes = self.passes("Fresh", "-", path).await;
        self.fresh.insert(path.to_owned(), passes);
        passes
    }

    /// The paths in this order, all answered by what the first one left in the cache.
    async fn assert_kept_is_fresh(&mut self, case: &str, paths: &[&str]) {
        let mut differ = Vec::new();
        for path in paths {
            let (kept, fresh) = (self.passes("Kept", case, path).await, self.fresh(path).await);
            if kept != fresh {
                differ.push(format!(
                    "{path}: {}",
                    if kept { "kept yes, fresh no" } else { "kept no, fresh yes" }
                ));
            }
        }
        assert!(differ.is_empty(), "after {}:\n{}", paths[0], differ.join("\n"));
    }
}

/// Paths of pieces, as many as there are seeds of the runner.
fn generated(count: usize) -> Vec<String> {
    let piece = select(vec![
        "/", "/", "/", ".", "..", "a", "admin", "%2e", "%2E", "%2f", "%2F", "%5c", "%25", "%252", "%255",
        "5c", "2e", "e", "%", "%20", "%61", "%00", "%7f", "%C0%AE", "\\", ";", "%3b", "%u002e", "%D9%85",
        "+", "~",
    ]);
    let path = prop::collection::vec(piece, 1..7).prop_map(|pieces| format!("/files/{}", pieces.concat()));
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| path.new_tree(&mut runner).unwrap().current()).collect()
}

#[tokio::test]
async fn a_kept_answer_is_the_fresh_one_on_every_path_that_can_be_written() {
    let mut scene = Scene::new().await;
    let generated = generated(120);
    for (case, first) in PLAIN.iter().enumerate() {
        let mut paths = vec![*first];
        paths.extend(WRITTEN);
        paths.extend(generated.iter().map(String::as_str));
        scene.assert_kept_is_fresh(&format!("after-{case}"), &paths).await;
    }
}

#[tokio::test]
async fn a_path_that_is_denied_whoever_asks_leaves_an_answer_that_is_right_for_the_others() {
    let mut scene = Scene::new().await;
    let generated = generated(60);
    for (case, odd) in WRITTEN.into_iter().chain(generated.iter().map(String::as_str)).enumerate() {
        let mut paths = vec![odd];
        paths.extend(PLAIN);
        scene.assert_kept_is_fresh(&format!("before-{case}"), &paths).await;
    }
}

#[tokio::test]
async fn what_is_meant_is_let_in_and_what_leads_elsewhere_is_not() {
    let mut scene = Scene::new().await;
    for (path, passes) in [
        ("/files/a", true),
        ("/files/50%25.pdf", true),
        ("/files/50%25%20off.pdf", true),
        ("/files/%D9%85%D9%84%D9%81", true),
        ("/admin/users", false),
        ("/files/../admin/users", false),
        ("/files/%2e%2e/admin/users", false),
        ("/files/a%2Fb", false),
        ("/files//x", false),
        ("/files/%252e%252e/admin/users", false),
        ("/files/a%5Cb", false),
        ("/files/a%00", false),
        ("/files/..;/admin/users", false),
    ] {
        assert_eq!(scene.fresh(path).await, passes, "{path}");
    }
}
