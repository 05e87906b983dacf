//! The functions: their packages, variables, logs and events, and how others attach the authorizer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::{AUTH, CONSUMER, HTTP_CONSUMER, UPLOADS, WEBSOCKET_CONSUMER, entries, keys, of_type, read, root};

/// `shared/src/config.rs` lists them in a table at its head.
#[test]
fn the_template_sets_the_variables_that_the_code_reads_and_no_others() {
    let template = read(AUTH);
    let functions = of_type(&template, "AWS::Serverless::Function");
    let own = functions.values().map(|function| &function["Properties"]);
    let mut set: BTreeSet<_> = own
        .chain([&template["Globals"]["Function"]])
        .flat_map(|properties| keys(&properties["Environment"]["Variables"]))
        .collect();
    let config = fs::read_to_string(root().join("shared/src/config.rs")).expect("config.rs can be read");
    let documented: BTreeSet<_> =
        config.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect();
    // AWS's own are no settings of ours. These are there, and empty, for `sam local`, which sets only what is named.
    let own: BTreeSet<_> = set.extract_if(.., |name| name.starts_with("AWS_")).collect();
    let services = ["DYNAMODB", "SECRETS_MANAGER", "SQS", "EVENTBRIDGE", "SESV2"];
    assert_eq!(
        own,
        services.map(|name| format!("AWS_ENDPOINT_URL_{name}")).iter().map(String::as_str).collect()
    );
    // The C library reads this one, before any code of ours runs.
    let libc: BTreeSet<_> = set.extract_if(.., |name| *name == "GLIBC_TUNABLES").collect();
    assert_eq!(libc.len(), 1);
    let own = functions.values().map(|function| &function["Properties"]);
    for properties in own.chain([&template["Globals"]["Function"]]) {
        let variables = entries(&properties["Environment"]["Variables"]);
        for (name, value) in variables.filter(|(name, _)| name.starts_with("AWS_")) {
            assert_eq!(value, "", "{name}");
        }
    }
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

/// SAM would give it `AWSLambdaSQSQueueExecutionRole` or the like, which may read every queue of the account.
#[test]
fn what_reads_a_queue_in_a_sample_may_read_that_queue_alone() {
    let mut found = 0;
    for path in [CONSUMER, HTTP_CONSUMER, WEBSOCKET_CONSUMER] {
        let template = read(path);
        for (name, function) in of_type(&template, "AWS::Serverless::Function") {
            let events = &function["Properties"]["Events"];
            let is_poller = |(_, event): (&str, &Value)| {
                ["SQS", "DynamoDB", "Kinesis"].contains(&event["Type"].as_str().unwrap())
            };
            if !entries(events).any(is_poller) {
                continue;
            }
            found += 1;
            let role = function["Properties"]["Role"]["Fn::GetAtt"].as_str();
            let role = role.and_then(|role| role.strip_suffix(".Arn"));
            let role = role.unwrap_or_else(|| panic!("{path}: {name} has the role that SAM makes"));
            assert!(
                function["Properties"]["Policies"].is_null(),
                "{name}: SAM ignores Policies beside a Role"
            );
            let policies = &template["Resources"][role]["Properties"]["Policies"];
            for statement in policies[0]["PolicyDocument"]["Statement"].as_array().unwrap() {
                assert!(
                    statement["Resource"].is_object(),
                    "{path}: {name} may do it to anything: {statement}"
                );
            }
        }
    }
    assert_eq!(found, 1);
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
    let mut functions = BTreeSet::new();
    for path in [AUTH, UPLOADS] {
        for function in of_type(&read(path), "AWS::Serverless::Function").values() {
            let code = function["Properties"]["CodeUri"].as_str().expect("CodeUri is a path");
            functions.extend(code.trim_start_matches("../").strip_prefix("functions/").map(str::to_owned));
        }
    }
    let mut tried = BTreeSet::new();
    for entry in fs::read_dir(root().join("events")).expect("events/ is a folder") {
        let path = entry.expect("events/ can be listed").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("events have plain names");
        let mut parts = file.split('.');
        tried.insert(parts.next().unwrap_or_default().to_owned());
        assert!(
            parts.next().is_some_and(|kind| [
                "rest", "http1", "http2", "ws", "appsync", "rotation", "stream", "queue", "bus"
            ]
            .contains(&kind))
                && file.ends_with(".json"),
            "{file} is not <function>.<rest|http1|http2|ws|appsync|rotation|stream|queue|bus>[.<outcome>].json"
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
            // What other servers call, and the event bus, of a stack that has them.
            (json!("${AWS::StackName}-IntrospectionArn").to_string(), "null".to_owned()),
            (json!("${AWS::StackName}-EventBusName").to_string(), "null".to_owned()),
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
