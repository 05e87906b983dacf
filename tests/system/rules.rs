//! Rules, from the file that an API's team writes to what its users may do.

use nova_auth::app::start_time;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::program::{Ended, command, run};
use crate::support::rows::{IDENTITY, SESSIONS};
use crate::support::stack::{Pair, System, User};
use crate::support::written::Written;

const RULES: &str = "\
- route: GET /whoami
- route: GET /notes
  permission: notes:read
- route: POST /notes
  permission: notes:write
- route: ANY /admin/*
  roles: [admin]
  addresses: [127.0.0.2, 2001:db8::/32]
";

/// A system whose APIs have what rules they are given, and else deny.
async fn system() -> System {
    System::start_with(|options| drop(options.parameters.insert("NoRules".to_owned(), "deny".to_owned())))
        .await
}

/// Runs `nova rules` on a system, with this rules file.
async fn nova(system: &System, rules: &str, arguments: &[&str]) -> Ended {
    let file = Written::new("rules.yaml", rules);
    let (path, local) = (file.display().to_string(), format!("--local={}", system.stack.dynamodb_url()));
    let mut all = vec!["rules"];
    all.extend(arguments.iter().map(|argument| match *argument {
        "FILE" => path.as_str(),
        "LOCAL" => local.as_str(),
        other => other,
    }));
    run(command("nova", &all), "").await
}

async fn put(system: &System, rules: &str) {
    for api in ["NotesApi", "TokenNotesApi"] {
        let stored = nova(system, rules, &["put", "LOCAL", "--api", api, "--uncached", "FILE"]).await;
        assert!(stored.success, "{stored:?}");
        assert!(
            stored.stdout.contains("within 60 s"),
            "who stores rules has to know when they are in force: {stored:?}"
        );
    }
}

/// Gives a user another role or other permissions, as an operator would.
async fn change(system: &System, user: &User, name: &str, value: Value) {
    system.rows.set(IDENTITY, &format!("USER#{}", user.id), "PROFILE", name, value).await;
}

#[tokio::test]
async fn a_user_may_call_what_the_rules_say_and_is_told_why_not_the_rest() {
    let system = system().await;
    put(&system, RULES).await;
    let (near, far) = (Client::at(2), Client::at(3));
    let (reader, admin) = (system.user_who_may("reader", &["notes:read"]).await, system.user("admin").await);
    change(&system, &admin, "role", json!({"S": "admin"})).await;
    let reads = system.login(&near, &reader).await;
    let rules = system.login(&near, &admin).await;
    for (client, pair, method, path, status, code) in [
        (&near, &reads, "GET", "/whoami", 200, ""),
        (&near, &reads, "GET", "/notes", 200, ""),
        (&near, &reads, "POST", "/notes", 403, "FORBIDDEN_PERMISSION"),
        (&near, &reads, "GET", "/admin/report", 403, "FORBIDDEN_ROLE"),
        (&near, &rules, "POST", "/notes", 201, ""),
        (&near, &rules, "GET", "/admin/report", 200, ""),
        (&far, &rules, "GET", "/admin/report", 403, "FORBIDDEN_ADDRESS"),
    ] {
        let request = client.request(method, &system.notes(path)).bearer_auth(&pair.access);
        let request = if method == "POST" { request.json(&json!({"text": "x"})) } else { request };
        let answer = client.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{method} {path}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_gone_with_the_next_call_of_the_same_token() {
    let system = system().await;
    put(&system, RULES).await;
    let (sara, client) = (system.user_who_may("sara", &["notes:read"]).await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(client.get(&system.notes("/notes"), Some(&pair.access)).await.status, 200);
    change(&system, &sara, "permissions", json!({"SS": ["other:read"]})).await;
    client.get(&system.notes("/notes"), Some(&pair.access)).await.expect(403, "FORBIDDEN_PERMISSION");
}

#[tokio::test]
async fn an_authorizer_that_is_told_no_address_denies_what_an_address_rule_is_about() {
    let system = system().await;
    put(&system, "- route: GET /whoami\n  addresses: [127.0.0.0/8]\n").await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(client.get(&system.notes("/whoami"), Some(&pair.access)).await.status, 200);
    client.get(&system.token_notes("/whoami"), Some(&pair.access)).await.expect(403, "FORBIDDEN_ADDRESS");
}

#[tokio::test]
async fn an_api_without_rules_denies_everything_and_its_first_rules_are_in_force_at_once() {
    let system = system().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    client.get(&system.notes("/whoami"), Some(&pair.access)).await.expect(403, "FORBIDDEN");
    put(&system, RULES).await;
    assert_eq!(client.get(&system.notes("/whoami"), Some(&pair.access)).await.status, 200);
}

#[tokio::test]
async fn the_log_says_what_was_decided_and_why_and_nothing_of_the_token() {
    let system = system().await;
    put(&system, RULES).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    client.get(&system.notes("/notes"), Some(&pair.access)).await.expect(403, "FORBIDDEN_PERMISSION");
    let logs = system.stop().await;
    let decided = logs.lines().find(|line| line.contains("\"decision\":")).unwrap();
    for part in ["\"decision\":\"deny\"", "\"code\":\"FORBIDDEN_PERMISSION\"", "\"rule\":2", &sara.id] {
        assert!(decided.contains(part), "{part} in {decided}");
    }
    assert!(!logs.contains(&pair.access) && !logs.contains(&sara.email));
}

/// The user's one session, shown something so many seconds ago.
async fn show(system: &System, user: &User, name: &str, seconds: i64) {
    let pk = format!("USER#{}", user.id);
    let mut session = system.rows.one(SESSIONS, &pk, "SESSION#").await;
    session[name] = json!({"N": (start_time().as_millisecond() - seconds * 1000).to_string()});
    system.rows.put(SESSIONS, &session).await;
}

#[tokio::test]
async fn a_step_up_is_asked_for_in_the_answer_and_written_down() {
    let system = system().await;
    let rules = "\
- route: GET /whoami
  fresh: 10m
- route: DELETE /notes
  permission: notes:write
  mfa: required
  fresh: 10m
";
    put(&system, rules).await;
    let client = Client::at(2);
    let (sara, rami) = (system.user_who_may("sara", &["notes:write"]).await, system.user("rami").await);
    let pair = system.login(&client, &sara).await;
    let whoami = async || client.get(&system.notes("/whoami"), Some(&pair.access)).await;
    let delete = async |pair: &Pair| {
        client.send(client.request("DELETE", &system.notes("/notes")).bearer_auth(&pair.access)).await
    };
    assert_eq!(whoami().await.status, 200);
    show(&system, &sara, "authTime", 700).await;
    let late = whoami().await;
    late.expect(403, "STEP_UP_REQUIRED");
    let challenge = r#"Bearer error="insufficient_user_authentication""#;
    assert_eq!(late.header("www-authenticate"), format!(r#"{challenge}, max_age="600""#));
    let none = delete(&pair).await;
    none.expect(403, "STEP_UP_REQUIRED");
    let both = format!(r#"{challenge}, acr_values="urn:nova:2", max_age="600""#);
    assert_eq!(none.header("www-authenticate"), both);
    show(&system, &sara, "factorTime", 5).await;
    assert_eq!(delete(&pair).await.status, 200);
    whoami().await.expect(403, "STEP_UP_REQUIRED");
    // Who may not anyway is asked for nothing.
    let other = delete(&system.login(&client, &rami).await).await;
    other.expect(403, "FORBIDDEN_PERMISSION");
    assert_eq!(other.header("www-authenticate"), "");
    let logs = system.stop().await;
    let refused = |line: &&str| line.contains("\"decision\":\"deny\"") && line.contains(&sara.id);
    let decided: Vec<&str> = logs.lines().filter(refused).collect();
    assert_eq!(decided.len(), 3, "{decided:?}");
    assert!(decided.iter().all(|line| line.contains("\"code\":\"STEP_UP_REQUIRED\"")), "{decided:?}");
}

#[tokio::test]
async fn where_only_refusals_are_logged_a_yes_leaves_no_line_and_a_no_is_counted_as_before() {
    let system = System::start_with(|options| {
        for (name, value) in [("NoRules", "deny"), ("DecisionLog", "refusals")] {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await;
    put(&system, RULES).await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pair = system.login(&client, &sara).await;
    assert_eq!(client.get(&system.notes("/whoami"), Some(&pair.access)).await.status, 200);
    client.get(&system.notes("/notes"), Some(&pair.access)).await.expect(403, "FORBIDDEN_PERMISSION");
    let logs = system.stop().await;
    let decisions: Vec<_> = logs.lines().filter(|line| line.contains("\"decision\":")).collect();
    let [refusal] = decisions[..] else { panic!("{decisions:?}") };
    assert!(refusal.contains("\"decision\":\"deny\"") && refusal.contains("\"authz_fail\":1"), "{refusal}");
}

#[tokio::test]
async fn rules_that_a_kept_answer_would_get_wrong_are_not_stored() {
    let system = system().await;
    let rules = "- route: GET /notes/secret\n  roles: [admin]\n- route: GET /notes/*\n";
    let refused = nova(&system, rules, &["put", "LOCAL", "--api", "NotesApi", "FILE"]).await;
    assert!(refused.complaint().contains("lines 3 and 1"), "{refused:?}");
    let nothing = nova(&system, rules, &["show", "LOCAL", "--api", "NotesApi"]).await;
    assert_eq!(nothing.complaint(), "error: NotesApi has no rules (NoRules decides what happens)");
    let stored = nova(&system, rules, &["put", "LOCAL", "--api", "NotesApi", "--uncached", "FILE"]).await;
    assert!(stored.success, "{stored:?}");
    let shown = nova(&system, rules, &["show", "LOCAL", "--api", "NotesApi"]).await;
    assert!(shown.stdout.contains("uncached") && shown.stdout.contains(rules.trim_end()), "{shown:?}");
}

#[tokio::test]
async fn a_mistake_in_the_file_is_shown_with_its_line_and_what_to_write() {
    let system = system().await;
    let rules = "- route: GET /a\n- route: GET /b\n  role: admin\n";
    let refused = nova(&system, rules, &["check", "--file", "FILE"]).await;
    assert!(!refused.success, "{refused:?}");
    for part in ["line 3: unknown key `role`", "    3 |   role: admin", "write `roles: [admin]`"] {
        assert!(refused.stderr.contains(part), "{part} in {}", refused.stderr);
    }
}

#[tokio::test]
async fn an_operator_is_told_why_a_user_may_or_may_not_make_a_call() {
    let system = system().await;
    let sara = system.user_who_may("sara", &["notes:read"]).await;
    for (call, from, said) in [
        ("GET /notes", "10.1.2.3", "line 2: GET /notes\nallowed"),
        ("POST /notes", "10.1.2.3", "line 4: POST /notes\ndenied: FORBIDDEN_PERMISSION"),
        ("GET /other", "10.1.2.3", "no rule matches\ndenied: FORBIDDEN"),
    ] {
        let arguments = ["check", "LOCAL", "--file", "FILE", "--as", &sara.email, call, "--from", from];
        let explained = nova(&system, RULES, &arguments).await;
        assert!(explained.success && explained.stdout.contains(said), "{said} in {explained:?}");
    }
}

#[tokio::test]
async fn rules_are_held_against_the_template_of_their_api() {
    let system = system().await;
    let template =
        crate::support::binaries::workspace().join("tests/consumer/template.yaml").display().to_string();
    let fits = nova(&system, RULES, &["check", "--file", "FILE", "--template", &template]).await;
    // The second API has a TOKEN authorizer, but no route that the address rule is about.
    assert!(fits.success && fits.stdout.contains("TokenNotesApi: note: line 2"), "{fits:?}");
    let public = "- route: GET /whoami\n  public: true\n";
    let refused = nova(&system, public, &["check", "--file", "FILE", "--template", &template]).await;
    assert!(!refused.success && refused.stdout.contains("line 1: GET /whoami is public"), "{refused:?}");
}

/// A kept answer outlives an age, and a step-up.
#[tokio::test]
async fn rules_about_sessions_are_stored_for_answers_that_are_not_kept_and_explained() {
    let system = system().await;
    let rules = "- route: GET /whoami\n- route: GET /notes\n  mfa: required\n  fresh: 10m\n";
    for arguments in [
        &["put", "LOCAL", "--api", "NotesApi", "FILE"][..],
        &["check", "--file", "FILE"],
        &["check", "--file", "FILE", "GET /notes"],
    ] {
        let refused = nova(&system, rules, arguments).await;
        assert!(
            refused.code == Some(1) && refused.stderr.contains("line 2: a cached answer outlives"),
            "{refused:?}"
        );
    }
    let stored = nova(&system, rules, &["put", "LOCAL", "--api", "NotesApi", "--uncached", "FILE"]).await;
    assert!(stored.success, "{stored:?}");
    let sara = system.user("sara").await;
    for (session, code, said) in [
        (
            &[][..],
            5,
            "denied: STEP_UP_REQUIRED: Confirm your identity to continue. It takes a second factor, shown at most 10m ago.",
        ),
        (&["--acr", "1"], 5, "who has just shown the password"),
        (&["--acr", "2"], 0, "allowed"),
        (&["--acr", "2", "--auth-age", "10m"], 0, "who showed a second factor 10m ago"),
        (&["--acr", "2", "--auth-age", "11m"], 5, "denied: STEP_UP_REQUIRED"),
        (&["--auth-age", "1m"], 5, "who showed the password 1m ago"),
        (&["--acr", "3"], 2, ""),
        (&["--auth-age", "soon"], 2, ""),
    ] {
        let call = [
            "check",
            "LOCAL",
            "--file",
            "FILE",
            "--uncached",
            "--as",
            &sara.email,
            "GET /notes",
            "--expect",
            "allow",
        ];
        let ended = nova(&system, rules, &[&call[..], session].concat()).await;
        assert_eq!(ended.code, Some(code), "{session:?}: {ended:?}");
        assert!(ended.stdout.contains(said), "{session:?}: {ended:?}");
    }
}

#[tokio::test]
async fn what_is_expected_of_a_call_decides_the_exit_code() {
    let system = system().await;
    let sara = system.user_who_may("sara", &["notes:read"]).await;
    for (call, expected, code) in [
        ("GET /notes", "allow", 0),
        ("GET /notes", "deny", 5),
        ("POST /notes", "deny", 0),
        ("POST /notes", "allow", 5),
    ] {
        let arguments = ["check", "LOCAL", "--file", "FILE", "--as", &sara.email, call, "--expect", expected];
        let ended = nova(&system, RULES, &arguments).await;
        assert_eq!(ended.code, Some(code), "{call} {expected}: {ended:?}");
        // Why, whatever was expected.
        assert!(ended.stdout.contains("line "), "{ended:?}");
        assert_eq!(ended.stderr.contains(&format!("expected {expected}, got ")), code == 5, "{ended:?}");
    }
    // Without a user: nobody is let in, and no system is needed.
    let nobody = ["check", "--file", "FILE", "GET /notes", "--expect", "deny"];
    assert_eq!(nova(&system, RULES, &nobody).await.code, Some(0));
    let no_call = ["check", "--file", "FILE", "--expect", "deny"];
    assert_eq!(nova(&system, RULES, &no_call).await.code, Some(2));
}

/// `nova rules test` over these two files.
async fn table(rules: &str, table: &str, more: &[&str]) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.yaml"), rules).unwrap();
    std::fs::write(dir.path().join("rules.test.yaml"), table).unwrap();
    let mut nova = command("nova", &[&["rules", "test", "rules.test.yaml"], more].concat());
    nova.current_dir(&dir);
    run(nova, "").await
}

#[tokio::test]
async fn a_table_of_expectations_is_held_against_the_rules_beside_it_without_any_system() {
    let good = "\
users:
  reader: {role: user, permissions: [notes:read]}
tests:
  - {call: GET /notes, who: reader, expect: allow}
  - {call: POST /notes, who: reader, expect: FORBIDDEN_PERMISSION}
  - {call: POST /notes, who: reader, expect: deny}
  - {call: GET /notes, who: anonymous, expect: UNAUTHORIZED}
  - {call: GET /other, who: {role: admin}, expect: FORBIDDEN}
  - {call: GET /admin/x, who: {role: admin}, from: 127.0.0.2, expect: allow}
  - {call: GET /admin/x, who: {role: admin}, from: 127.0.0.3, expect: FORBIDDEN_ADDRESS}
  - {call: GET /admin/x, who: {role: admin}, expect: FORBIDDEN_ADDRESS}
  - {call: GET /admin/x, who: reader, from: 127.0.0.2, expect: FORBIDDEN_ROLE}
";
    let ended = table(RULES, good, &[]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (Some(0), "OK: 9 expectations\n", "")
    );
    let json = table(RULES, good, &["--json"]).await;
    let lines: Vec<Value> = json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(
        lines[1],
        json!({
            "line": 5, "call": "POST /notes", "who": "reader", "from": null, "acr": null, "authAge": null,
            "expected": "FORBIDDEN_PERMISSION",
            "decision": "FORBIDDEN_PERMISSION", "rulesLine": 4, "holds": true,
        })
    );
}

#[tokio::test]
async fn an_expectation_that_does_not_hold_is_named_with_the_rule_that_decided_and_a_code_of_its_own() {
    let wrong = "\
tests:
  - {call: GET /notes, who: {role: user}, expect: allow}
  - {call: GET /other, who: anonymous, from: 10.0.0.1, expect: allow}
  - {call: GET /whoami, who: {role: user}, expect: deny}
  - {call: GET /whoami, who: {role: user}, expect: allow}
";
    let ended = table(RULES, wrong, &[]).await;
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let said = "\
rules.test.yaml line 2: GET /notes by role user: expected allow, got FORBIDDEN_PERMISSION
    rules.yaml line 2: GET /notes
rules.test.yaml line 3: GET /other by anonymous from 10.0.0.1: expected allow, got FORBIDDEN
    no rule of rules.yaml is about it
rules.test.yaml line 4: GET /whoami by role user: expected deny, got allow
    rules.yaml line 1: GET /whoami
";
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (said, "error: 3 of 4 expectations failed\n"));
}

#[tokio::test]
async fn a_table_or_rules_that_cannot_be_read_pass_no_test() {
    let faulty = table(RULES, "tests:\n  - {call: GET /notes, who: sara, expect: allow}\n", &[]).await;
    assert_eq!(faulty.code, Some(1), "{faulty:?}");
    for part in ["rules.test.yaml: line 2: `sara` is nobody", "    2 |   - {call: GET /notes", "anonymous"] {
        assert!(faulty.stderr.contains(part), "{part} in {faulty:?}");
    }
    let one = "tests:\n  - {call: GET /notes/secret, who: {role: user}, expect: allow}\n";
    // What can't be stored has nothing to be tested: kept, these rules would be others.
    let unfit = "- route: GET /notes/secret\n  roles: [admin]\n- route: GET /notes/*\n";
    let refused = table(unfit, one, &[]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("lines 3 and 1"), "{refused:?}");
    assert_eq!(table(unfit, one, &["--uncached"]).await.code, Some(5));
    let missing = table(RULES, one, &["--rules", "none.yaml"]).await;
    assert!(missing.code == Some(1) && missing.stderr.contains("none.yaml"), "{missing:?}");
}

/// No template has it, and its rules need no `--uncached`: nothing of it is kept.
#[tokio::test]
async fn rules_for_an_event_api_are_taken_explained_and_tested_like_the_others() {
    let rules = "\
- route: CONNECT $events
- route: SUBSCRIBE /chat/secret
  roles: [admin]
- route: SUBSCRIBE /chat/*
  permission: chat:read
- route: PUBLISH /chat/{room}
  permission: chat:write
- route: CONNECT $connect
  public: true
";
    let expected = "\
users:
  reader: {role: user, permissions: [chat:read]}
  admin: {role: admin}
tests:
  - {call: CONNECT $events, who: reader, expect: allow}
  - {call: CONNECT $events, who: anonymous, expect: UNAUTHORIZED}
  - {call: SUBSCRIBE /chat/1, who: reader, expect: allow}
  - {call: SUBSCRIBE /chat/secret, who: reader, expect: FORBIDDEN_ROLE}
  - {call: SUBSCRIBE /chat/*, who: reader, expect: FORBIDDEN_ROLE}
  - {call: SUBSCRIBE /chat/*, who: admin, expect: allow}
  - {call: SUBSCRIBE /*, who: admin, expect: FORBIDDEN}
  - {call: PUBLISH /chat/1, who: reader, expect: FORBIDDEN_PERMISSION}
  - {call: PUBLISH /chat/*, who: admin, expect: FORBIDDEN}
  - {call: GET /chat/1, who: admin, expect: FORBIDDEN}
  - {call: CONNECT $connect, who: anonymous, expect: allow}
";
    let tested = table(rules, expected, &[]).await;
    assert!(tested.success && tested.stdout.contains("OK: 11 expectations"), "{tested:?}");
    let other = expected.replace("who: admin, expect: allow", "who: admin, expect: deny");
    assert!(!table(rules, &other, &[]).await.success);
    let file = Written::new("rules.yaml", rules);
    let check = async |call: &str| {
        run(command("nova", &["rules", "check", "--file", file.to_str().unwrap(), call]), "").await
    };
    let explained = check("PUBLISH /chat/1").await;
    assert!(explained.stdout.contains("line 6: PUBLISH /chat/{room}"), "{explained:?}");
    assert!(explained.stdout.contains("UNAUTHORIZED"), "{explained:?}");
    assert!(check("CONNECT $connect").await.stdout.contains("allowed"));
    assert!(check("PUBLISH /chat/%31").await.stdout.contains("no rule matches"));
}

#[tokio::test]
async fn the_samples_expectations_hold() {
    let file = crate::support::binaries::workspace().join("tests/consumer/rules.test.yaml");
    let ended = run(command("nova", &["rules", "test", "--uncached", file.to_str().unwrap()]), "").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "OK: 13 expectations\n"), "{ended:?}");
}

/// A method whose token API Gateway verifies by itself asks no authorizer: no rule can hold there, and none has to.
#[tokio::test]
async fn rules_are_not_asked_for_where_a_rest_apis_jwt_authorizer_decides() {
    let sample = crate::support::binaries::workspace().join("tests/consumer/jwt-rest/template.yaml");
    let mixed = "  Nova:\n    Type: AWS::ApiGateway::Authorizer\n    Properties: {RestApiId: !Ref JwtRestApi, Type: REQUEST, IdentitySource: \
                 method.request.header.Authorization, AuthorizerResultTtlInSeconds: 0, AuthorizerCredentials: arn:aws:iam::123456789012:role/r, \
                 AuthorizerUri: 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:\
                 A/invocations'}\n  PostWhoami:\n    Type: AWS::ApiGateway::Method\n    Properties: {RestApiId: !Ref JwtRestApi, ResourceId: \
                 !Ref Whoami, HttpMethod: POST, AuthorizationType: CUSTOM, AuthorizerId: !Ref Nova, Integration: {Type: AWS_PROXY, Uri: \
                 !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${JwtRestFunction.Arn}/invocations'}}\nOutputs:\n";
    let text = std::fs::read_to_string(&sample).unwrap().replace("Outputs:\n", mixed);
    let check = async |rules: &str| check(rules, &text).await;
    let own = "- route: POST /whoami\n- route: GET /health\n  public: true\n";
    let fits = check(own).await;
    assert!(fits.success && !fits.stdout.contains("GET /whoami"), "{fits:?}");
    let idle = check(&format!("{own}- route: GET /whoami\n")).await;
    assert!(idle.stdout.contains("note: line 4: the API has no route GET /whoami"), "{idle:?}");
}

/// A template of an HTTP API with an authorizer of these settings, and a route for these.
fn http_api(authorizer: &str, routes: &[&str]) -> String {
    let mut template = format!(
        "Resources:\n  Http:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      Auth:\n        DefaultAuthorizer: Nova\n        \
         Authorizers:\n          Nova:\n            FunctionArn: arn:aws:lambda:us-east-1:123456789012:function:Authorizer\n            \
         FunctionInvokeRole: arn:aws:iam::123456789012:role/invoke\n            AuthorizerPayloadFormatVersion: '2.0'\n            \
         {authorizer}\n  Function:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: function\n      Events:\n"
    );
    for (number, route) in routes.iter().enumerate() {
        let (method, path) = route.split_once(' ').unwrap();
        template.push_str(&format!(
            "        Route{number}: {{Type: HttpApi, Properties: {{ApiId: !Ref Http, Method: {method}, Path: '{path}'}}}}\n"
        ));
    }
    template
}

/// What `nova rules check --template` says of these rules and this template.
async fn check(rules: &str, template: &str) -> Ended {
    let (file, template) = (Written::new("rules.yaml", rules), Written::new("template.yaml", template));
    let (rules, template) = (file.display().to_string(), template.display().to_string());
    run(command("nova", &["rules", "check", "--file", &rules, "--template", &template]), "").await
}

#[tokio::test]
async fn answers_that_an_http_api_would_keep_for_other_calls_are_found_in_its_template() {
    let sources = |context: &str| {
        format!("Identity: {{Headers: [Authorization], Context: [{context}], ReauthorizeEvery: 60}}")
    };
    let by = |source: &str| format!("Identity: {{{source}, ReauthorizeEvery: 60}}");
    let simple = |context: &str| format!("EnableSimpleResponses: true\n            {}", sources(context));
    let notes = "- route: GET /notes\n";
    let near = "- route: GET /notes\n  addresses: [10.0.0.0/8]\n";
    let all = "- route: ANY /*\n";
    for (name, rules, authorizer, routes, missing) in [
        ("iam", notes, sources(""), ["GET /notes"], ""),
        ("simple", notes, simple(""), ["GET /notes"], "add $context.routeKey to"),
        ("by-route", notes, simple("routeKey"), ["GET /notes"], ""),
        ("any", all, simple("routeKey"), ["ANY /notes"], "add $context.httpMethod to"),
        ("one-segment", all, simple("routeKey"), ["GET /notes/{id}"], "add $context.path to"),
        ("greedy", all, simple("routeKey"), ["GET /{proxy+}"], "add $context.path to"),
        ("all", all, simple("routeKey, httpMethod, path"), ["ANY /{proxy+}"], ""),
        ("address", near, sources(""), ["GET /notes"], "add $context.identity.sourceIp to"),
        ("address-known", near, sources("identity.sourceIp"), ["GET /notes"], ""),
        // One user's answer would serve everybody at the same address, or with the same word in another header.
        (
            "no-token",
            near,
            by("Context: [identity.sourceIp]"),
            ["GET /notes"],
            "add the header Authorization to",
        ),
        ("other-header", notes, by("Headers: [X-Key]"), ["GET /notes"], "add the header Authorization to"),
        ("token-in-lower-case", notes, by("Headers: [authorization]"), ["GET /notes"], ""),
        // The rule is about one of the paths that the route takes.
        ("address-greedy", near, sources(""), ["GET /{proxy+}"], "add $context.identity.sourceIp to"),
    ] {
        let checked = check(rules, &http_api(&authorizer, &routes)).await;
        assert_eq!(checked.success, missing.is_empty(), "{name}: {checked:?}");
        assert!(checked.stdout.contains(missing), "{name}: {checked:?}");
        let told = checked.stdout.contains("HttpResponses=simple");
        assert_eq!(told, authorizer.contains("EnableSimpleResponses"), "{name}: {checked:?}");
    }
}

#[tokio::test]
async fn too_many_calls_of_the_authentication_api_are_told_when_to_come_back() {
    let system = System::start_with(|options| {
        options.parameters.insert("ApiRateLimit".to_owned(), "2".to_owned());
        // A window that no test is long enough to see the end of.
        options.parameters.insert("ApiRateSeconds".to_owned(), "3600".to_owned());
    })
    .await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    let pairs: Vec<Pair> = vec![system.login(&client, &sara).await, system.login(&client, &sara).await];
    let refused = system.try_login(&client, &sara.email, crate::support::stack::PASSWORD).await;
    refused.expect(429, "API_RATE_LIMITED");
    assert_eq!(refused.header("ratelimit-policy"), "\"api\";q=2;w=3600");
    assert!(refused.header("ratelimit").starts_with("\"api\";r=0;t="), "{:?}", refused.headers);
    assert!(refused.seconds("retry-after") <= 3600);
    // Another address is another client, and logging out is never refused.
    system.login(&Client::at(3), &sara).await;
    for pair in &pairs {
        assert_eq!(system.logout(&client, Some(&pair.access), &json!({})).await.status, 200);
    }
}
