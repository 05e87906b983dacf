//! What `template.yaml` promises and no deployment test would notice losing: keys that stay, rights that stay narrow,
//! answers that stay in the envelope.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test helpers may fail the test that calls them"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

const AUTH: &str = "template.yaml";
const CONSUMER: &str = "tests/consumer/template.yaml";
const HTTP_CONSUMER: &str = "tests/consumer/http/template.yaml";
const WEBSOCKET_CONSUMER: &str = "tests/consumer/websocket/template.yaml";

/// The headers that every answer carries, whoever gives it.
const HEADERS: &[&str] =
    &["Cache-Control", "Strict-Transport-Security", "X-Content-Type-Options", "X-Request-Id"];

/// CloudFormation generates a secret anew whenever this property differs from the deployed one in anything at all. Every
/// token that is out would lose its key, and everybody would be logged out: an edit here must be meant.
#[test]
fn the_first_keys_are_generated_from_properties_that_never_change() {
    let template = read(AUTH);
    for (secret, kid) in [("AccessKeysSecret", "access-1"), ("RefreshKeysSecret", "refresh-1")] {
        assert_eq!(
            template["Resources"][secret]["Properties"]["GenerateSecretString"],
            json!({
                "SecretStringTemplate": format!(r#"{{"kty":"oct","alg":"HS256","use":"sig","kid":"{kid}"}}"#),
                "GenerateStringKey": "k",
                "PasswordLength": 64,
                "ExcludePunctuation": true,
                "IncludeSpace": false,
            }),
            "{secret}: this logs every user of every deployed stack out"
        );
    }
}

#[test]
fn users_and_keys_outlive_the_stack() {
    let template = read(AUTH);
    for name in ["IdentityTable", "AccessKeysSecret", "RefreshKeysSecret"] {
        let resource = &template["Resources"][name];
        assert_eq!(resource["DeletionPolicy"], "Retain", "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
    let identity = &template["Resources"]["IdentityTable"]["Properties"];
    assert_eq!(identity["DeletionProtectionEnabled"], true);
    assert_eq!(identity["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
}

#[test]
fn every_table_is_encrypted_and_swept_by_the_attribute_that_the_code_writes() {
    for (name, table) in of_type(&read(AUTH), "AWS::DynamoDB::Table") {
        let properties = &table["Properties"];
        assert_eq!(properties["SSESpecification"]["SSEEnabled"], true, "{name}");
        assert_eq!(
            properties["TimeToLiveSpecification"],
            json!({"AttributeName": "expiresAt", "Enabled": true}),
            "{name}"
        );
        assert_eq!(
            properties["KeySchema"],
            json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]),
            "{name}"
        );
    }
}

/// `shared/src/config.rs` lists them in a table at its head.
#[test]
fn the_template_sets_the_variables_that_the_code_reads_and_no_others() {
    let template = read(AUTH);
    let functions = of_type(&template, "AWS::Serverless::Function");
    let own = functions.values().map(|function| &function["Properties"]);
    let set: BTreeSet<_> = own
        .chain([&template["Globals"]["Function"]])
        .flat_map(|properties| keys(&properties["Environment"]["Variables"]))
        .collect();
    let config = fs::read_to_string(root().join("shared/src/config.rs")).expect("config.rs can be read");
    let documented: BTreeSet<_> =
        config.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect();
    assert_eq!(set, documented);
}

#[test]
fn every_parameter_says_what_it_is_and_has_a_default() {
    for path in [AUTH, CONSUMER, HTTP_CONSUMER, WEBSOCKET_CONSUMER] {
        for (name, parameter) in entries(&read(path)["Parameters"]) {
            assert!(parameter["Description"].is_string(), "{path}: {name} has no description");
            assert!(!parameter["Default"].is_null(), "{path}: {name} has no default");
        }
    }
}

#[test]
fn no_statement_has_a_wildcard_for_its_action_or_resource() {
    for Right { role, statement } in rights() {
        for pattern in texts(&statement["Action"]) {
            assert!(!pattern.contains('*'), "{role} may {pattern}");
        }
        for key in ["NotAction", "NotResource"] {
            assert!(statement[key].is_null(), "{role} has a {key}");
        }
        for resource in resources(&statement) {
            assert!(
                resource["Ref"].is_string() || resource["Fn::GetAtt"].is_string(),
                "{role}: {resource} is not one resource of this stack"
            );
        }
    }
}

/// `ForAllValues` alone is true of a request that has no key, like a scan.
#[test]
fn every_dynamodb_statement_names_the_keys_it_may_touch() {
    let tables = ["IdentityTable.Arn", "SessionsTable.Arn"];
    for Right { role, statement } in rights_to("dynamodb:") {
        for table in resources(&statement) {
            assert!(
                table["Fn::GetAtt"].as_str().is_some_and(|arn| tables.contains(&arn)),
                "{role}: {statement}"
            );
        }
        assert_eq!(
            statement["Condition"]["Null"],
            json!({"dynamodb:LeadingKeys": "false"}),
            "{role}: {statement}"
        );
        let prefixes = leading_keys(&statement);
        assert!(!prefixes.is_empty(), "{role}: {statement}");
        for prefix in prefixes {
            let kind = prefix.strip_suffix("#*").unwrap_or_default();
            assert!(
                !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_uppercase()),
                "{role}: {prefix} is not the prefix of one kind of item"
            );
        }
    }
}

/// The keys of a batch or a transaction must all match within one statement.
#[test]
fn an_action_on_a_table_stands_in_one_statement_with_all_its_prefixes() {
    let mut seen = BTreeMap::new();
    for Right { role, statement } in rights_to("dynamodb:") {
        for table in resources(&statement) {
            for action in texts(&statement["Action"]) {
                let place = (role.clone(), action.to_owned(), table.to_string());
                if let Some(other) = seen.insert(place, statement.to_string()) {
                    panic!("{role}: {action} is split between {other} and {statement}");
                }
            }
        }
    }
}

#[test]
fn only_those_who_verify_or_set_passwords_reach_their_hashes_and_who_registers_reads_none() {
    for Right { role, statement } in rights_to("dynamodb:") {
        for pattern in leading_keys(&statement) {
            let literal = pattern.split(['*', '?']).next().unwrap_or_default();
            let reaches = "EMAIL#".starts_with(literal) || literal.starts_with("EMAIL#");
            let may = ["LoginRole", "PasswordRole", "RegisterRole"].contains(&role.as_str());
            assert!(!reaches || may, "{role} reaches EMAIL# by {pattern}");
            let writes = texts(&statement["Action"]).all(|action| action == "dynamodb:PutItem");
            assert!(!reaches || role != "RegisterRole" || writes, "{role} reads EMAIL# by {pattern}");
        }
    }
}

#[test]
fn the_authorizer_reads_and_counts_and_changes_nothing_else() {
    let reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem"];
    for Right { role, statement } in rights_to("dynamodb:") {
        if role == "TokenAuthorizerRole" {
            let counts = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                == json!(["RATE#*"]);
            for action in texts(&statement["Action"]) {
                assert!(reads.contains(&action) || (counts && action == "dynamodb:UpdateItem"), "{action}");
            }
        }
    }
}

#[test]
fn the_authorizer_has_neither_the_name_nor_the_use_of_the_refresh_keys() {
    let template = read(AUTH);
    let variable = |place: &Value| place["Environment"]["Variables"]["REFRESH_KEYS_SECRET"].clone();
    assert!(variable(&template["Globals"]["Function"]).is_null(), "all functions get it");
    for (function, may) in [
        ("Login", true),
        ("Refresh", true),
        ("Logout", true),
        ("RotateKeys", true),
        ("CsrfToken", true),
        ("Sessions", false),
        ("Password", false),
        ("Register", false),
        ("TokenAuthorizer", false),
        ("Jwks", false),
    ] {
        let named = !variable(&template["Resources"][format!("{function}Function")]["Properties"]).is_null();
        let read = rights_to("secretsmanager:").any(|right| {
            right.role == format!("{function}Role")
                && right.statement["Resource"].to_string().contains("RefreshKeysSecret")
        });
        assert_eq!((named, read), (may, may), "{function}");
    }
}

#[test]
fn only_the_rotation_writes_keys_and_it_reaches_nothing_else() {
    for Right { role, statement } in rights() {
        let writes = texts(&statement["Action"])
            .any(|action| action.starts_with("secretsmanager:") && action != "secretsmanager:GetSecretValue");
        assert_eq!(writes, role == "RotateKeysRole" && !is_of(&statement, "logs:"), "{role}: {statement}");
        assert!(role != "RotateKeysRole" || !is_of(&statement, "dynamodb:"), "{statement}");
    }
}

fn is_of(statement: &Value, service: &str) -> bool {
    texts(&statement["Action"]).any(|action| action.starts_with(service))
}

#[test]
fn both_rings_are_rotated_on_a_schedule_and_by_secrets_manager_of_this_account_alone() {
    let template = read(AUTH);
    let schedules = of_type(&template, "AWS::SecretsManager::RotationSchedule");
    let rotated: BTreeSet<_> =
        schedules.values().map(|one| one["Properties"]["SecretId"]["Ref"].to_string()).collect();
    assert_eq!(
        rotated,
        of_type(&template, "AWS::SecretsManager::Secret").keys().map(|name| format!("\"{name}\"")).collect()
    );
    for (name, schedule) in schedules {
        assert_eq!(schedule["DependsOn"], "RotateKeysPermission", "{name}");
        let properties = &schedule["Properties"];
        assert_eq!(
            properties["RotationLambdaARN"],
            json!({"Fn::GetAtt": "RotateKeysFunction.Arn"}),
            "{name}"
        );
        // A deployment that changes nothing of the keys must not rotate them.
        assert_eq!(properties["RotateImmediatelyOnUpdate"], false, "{name}");
    }
    let permission = &template["Resources"]["RotateKeysPermission"]["Properties"];
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({"Ref": "AWS::AccountId"}));
}

/// A function without a role of its own would get one from SAM, with rights that this template does not show.
#[test]
fn every_function_has_its_own_role_and_log_group() {
    let template = read(AUTH);
    for (logical_id, function) in of_type(&template, "AWS::Serverless::Function") {
        let name = logical_id.strip_suffix("Function").expect("functions are named <Name>Function");
        let properties = &function["Properties"];
        assert_eq!(properties["Role"], json!({"Fn::GetAtt": format!("{name}Role.Arn")}));
        assert!(properties["Policies"].is_null(), "{logical_id}: SAM ignores Policies beside a Role");
        assert_eq!(properties["LoggingConfig"]["LogGroup"], json!({"Ref": format!("{name}LogGroup")}));
        assert!(
            !template["Resources"][format!("{name}LogGroup")]["Properties"]["RetentionInDays"].is_null(),
            "the log of {logical_id} is kept for ever"
        );
    }
}

#[test]
fn every_function_is_a_package_of_its_name() {
    for path in [AUTH, CONSUMER, HTTP_CONSUMER, WEBSOCKET_CONSUMER] {
        let beside = root().join(path).parent().expect("a template stands in a folder").to_path_buf();
        for (logical_id, function) in of_type(&read(path), "AWS::Serverless::Function") {
            let code = function["Properties"]["CodeUri"].as_str().expect("CodeUri is a path");
            let name = function["Metadata"]["BuildProperties"]["Binary"].as_str().expect("Binary is a name");
            let manifest =
                fs::read_to_string(beside.join(code).join("Cargo.toml")).expect("CodeUri is a package");
            assert!(code.ends_with(name), "{logical_id}");
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{logical_id}");
            assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda", "{logical_id}");
        }
    }
}

#[test]
fn every_function_has_an_event_to_try_it_with_and_every_event_a_function() {
    let template = read(AUTH);
    let functions: BTreeSet<_> = of_type(&template, "AWS::Serverless::Function")
        .values()
        .filter_map(|function| function["Properties"]["CodeUri"].as_str()?.strip_prefix("functions/"))
        .map(str::to_owned)
        .collect();
    let mut tried = BTreeSet::new();
    for entry in fs::read_dir(root().join("events")).expect("events/ is a folder") {
        let path = entry.expect("events/ can be listed").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("events have plain names");
        let mut parts = file.split('.');
        tried.insert(parts.next().unwrap_or_default().to_owned());
        assert!(
            parts.next().is_some_and(|kind| ["rest", "http1", "http2", "ws", "rotation"].contains(&kind))
                && file.ends_with(".json"),
            "{file} is not <function>.<rest|http1|http2|ws|rotation>[.<outcome>].json"
        );
        let text = fs::read_to_string(&path).expect("events can be read");
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    assert_eq!(tried, functions);
}

#[test]
fn another_stack_finds_the_authorizer_by_its_two_exports() {
    let template = read(AUTH);
    let exports: BTreeMap<_, _> = entries(&template["Outputs"])
        .filter(|(_, output)| !output["Export"].is_null())
        .map(|(_, output)| {
            (output["Export"]["Name"]["Fn::Sub"].to_string(), output["Value"]["Fn::GetAtt"].to_string())
        })
        .collect();
    let pair = |name: &str, value: &str| (json!(name).to_string(), json!(value).to_string());
    assert_eq!(
        exports,
        BTreeMap::from([
            pair("${AWS::StackName}-AuthorizerArn", "TokenAuthorizerFunction.Arn"),
            pair("${AWS::StackName}-AuthorizerInvokeRoleArn", "AuthorizerInvokeRole.Arn"),
        ])
    );
    // Imported within the account, or another account's by a parameter.
    let check = |choice: &Value, export: &str, parameter: &str, at: &str| {
        let choice = &choice["Fn::If"];
        assert_eq!(choice[0], "SameAccount", "{at}");
        assert_eq!(choice[1]["Fn::ImportValue"]["Fn::Sub"], format!("${{AuthStack}}-{export}"), "{at}");
        assert_eq!(choice[2]["Ref"], parameter, "{at}");
    };
    for (path, kind) in [(CONSUMER, "AWS::Serverless::Api"), (HTTP_CONSUMER, "AWS::Serverless::HttpApi")] {
        let apis = of_type(&read(path), kind);
        assert!(!apis.is_empty(), "{path}");
        for (api, resource) in apis {
            let authorizer = &resource["Properties"]["Auth"]["Authorizers"]["NovaAuth"];
            check(&authorizer["FunctionArn"], "AuthorizerArn", "AuthorizerArn", &api);
            let role = "AuthorizerInvokeRoleArn";
            check(&authorizer["FunctionInvokeRole"], role, role, &api);
            assert_eq!(authorizer["Identity"]["ReauthorizeEvery"], 0, "{api}: left out, it would be 300 s");
        }
    }
    let template = read(WEBSOCKET_CONSUMER);
    let authorizer = &template["Resources"]["ChatAuthorizer"]["Properties"];
    let uri = &authorizer["AuthorizerUri"]["Fn::Sub"][1]["Authorizer"];
    check(uri, "AuthorizerArn", "AuthorizerArn", "ChatApi");
    let role = "AuthorizerInvokeRoleArn";
    check(&authorizer["AuthorizerCredentialsArn"], role, role, "ChatApi");
}

#[test]
fn what_the_gateway_refuses_reads_like_an_answer_of_ours() {
    for path in [AUTH, CONSUMER] {
        for (api, resource) in of_type(&read(path), "AWS::Serverless::Api") {
            let responses = &resource["Properties"]["GatewayResponses"];
            assert!(!responses["DEFAULT_5XX"].is_null(), "{path}: {api} lets AWS's own bodies out");
            for (kind, response) in entries(responses) {
                let at = format!("{path}: {api}: {kind}");
                let body = response["ResponseTemplates"]["application/json"].as_str().expect("a body");
                let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{at}: {error}"));
                assert_eq!(
                    keys(&body).collect::<BTreeSet<_>>(),
                    BTreeSet::from(["success", "code", "message"]),
                    "{at}"
                );
                assert_eq!(body["success"], false, "{at}");
                assert_envelope_texts(&body, &at);
                let headers: BTreeSet<_> = keys(&response["ResponseParameters"]["Headers"]).collect();
                for header in HEADERS {
                    assert!(headers.contains(header), "{at} lacks {header}");
                }
            }
        }
    }
}

/// A body says something itself, or passes on what the authorizer said, but never a part of each.
fn assert_envelope_texts(body: &Value, at: &str) {
    let (code, message) =
        (body["code"].as_str().unwrap_or_default(), body["message"].as_str().unwrap_or_default());
    if code.starts_with('$') {
        assert_eq!((code, message), ("$context.authorizer.code", "$context.authorizer.message"), "{at}");
    } else {
        assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{at}: {code}");
        assert!(!message.is_empty() && !message.contains('$'), "{at}: {message}");
    }
}

/// One statement of a role's policies.
struct Right {
    role: String,
    statement: Value,
}

fn rights() -> impl Iterator<Item = Right> {
    let template = read(AUTH);
    let roles = of_type(&template, "AWS::IAM::Role");
    let mut rights = Vec::new();
    for (role, resource) in roles {
        assert!(
            resource["Properties"]["ManagedPolicyArns"].is_null(),
            "{role} has rights that are not written here"
        );
        for policy in resource["Properties"]["Policies"].as_array().expect("a role has policies") {
            for statement in
                policy["PolicyDocument"]["Statement"].as_array().expect("a policy has statements")
            {
                assert_eq!(statement["Effect"], "Allow", "{role}");
                rights.push(Right { role: role.clone(), statement: statement.clone() });
            }
        }
    }
    assert!(rights.len() > 15, "the roles were not found");
    rights.into_iter()
}

fn rights_to(service: &'static str) -> impl Iterator<Item = Right> {
    rights().filter(move |right| texts(&right.statement["Action"]).any(|action| action.starts_with(service)))
}

fn leading_keys(statement: &Value) -> Vec<String> {
    texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
        .map(str::to_owned)
        .collect()
}

/// What a statement is about: a list, or the one resource that stands alone.
fn resources(statement: &Value) -> Vec<Value> {
    let resource = &statement["Resource"];
    resource.as_array().cloned().unwrap_or_else(|| vec![resource.clone()])
}

/// The strings of a list, or the one string that stands alone.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().chain(value.is_string().then_some(value)).filter_map(Value::as_str)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    entries(value).map(|(name, _)| name)
}

fn of_type(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let found: BTreeMap<_, _> = entries(&template["Resources"])
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.to_owned(), resource.clone()))
        .collect();
    assert!(!found.is_empty(), "the template has no {kind}");
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A template as JSON, its short tags (`!Ref x`) in the long form (`{"Ref": "x"}`).
fn read(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    to_json(documents.first().expect("a template is one document"))
}

fn to_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(to_json).collect(),
        Yaml::Mapping(pairs) => {
            Value::Object(pairs.iter().map(|(key, value)| (key_of(key), to_json(value))).collect())
        }
        Yaml::Tagged(tag, value) if tag.suffix == "Ref" => json!({"Ref": to_json(value)}),
        Yaml::Tagged(tag, value) => json!({format!("Fn::{}", tag.suffix): to_json(value)}),
        other => panic!("{other:?} has no place in a template"),
    }
}

/// The unquoted key `Null`, say, would be no string, and mean nothing to IAM.
fn key_of(key: &Yaml<'_>) -> String {
    key.as_str().unwrap_or_else(|| panic!("{key:?} is no string")).to_owned()
}
