//! What is off unless it is asked for, and what may never be seen in a log of AWS's own.

use serde_json::{Value, json};

use super::{AUTH, of_type, read};

/// The parts that cost money, take something of the account, or need something that the account may not have.
#[test]
fn what_not_every_account_has_is_off_until_it_is_asked_for() {
    let template = read(AUTH);
    for (parameter, default) in [
        ("HashingConcurrency", json!(0)),
        ("KmsKeyArn", json!("")),
        ("PermissionsBoundary", json!("")),
        ("DomainName", json!("")),
        ("AlarmEmail", json!("")),
        ("AccessLogs", json!("disabled")),
        ("Tracing", json!("disabled")),
        ("Mail", json!("disabled")),
        ("Events", json!("disabled")),
        ("Firewall", json!("disabled")),
    ] {
        assert_eq!(template["Parameters"][parameter]["Default"], default, "{parameter}");
    }
    for (condition, kinds) in [
        (
            "WithFirewall",
            &["AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation", "AWS::WAFv2::LoggingConfiguration"][..],
        ),
        ("CustomDomain", &["AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping"]),
        ("AccountLogsRole", &["AWS::ApiGateway::Account"]),
        ("AlarmsByEmail", &["AWS::SNS::Subscription"]),
        ("WithRelay", &["AWS::Events::EventBus"]),
    ] {
        for kind in kinds {
            for (name, resource) in of_type(&template, kind) {
                assert_eq!(resource["Condition"], condition, "{name}");
            }
        }
    }
    for (name, queue) in of_type(&template, "AWS::SQS::Queue") {
        let condition = if name == "RelayFailures" { "WithRelay" } else { "WithMail" };
        assert_eq!(queue["Condition"], condition, "{name}");
    }
}

/// In an account whose administrators let nobody make a role without a boundary, one role without it fails the deployment.
#[test]
fn every_role_takes_the_boundary_that_the_account_asks_for() {
    let template = read(AUTH);
    let roles = of_type(&template, "AWS::IAM::Role");
    for (name, role) in &roles {
        let bounded = json!({"Fn::If": ["Bounded", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]});
        assert_eq!(role["Properties"]["PermissionsBoundary"], bounded, "{name}");
    }
    // SAM makes a role of its own for a function that names none.
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        assert!(!function["Properties"]["Role"].is_null(), "{name}");
    }
    assert_eq!(
        template["Conditions"]["Bounded"]["Fn::Not"][0]["Fn::Equals"],
        json!([{"Ref": "PermissionsBoundary"}, ""])
    );
}

/// API Gateway takes no stage with access logs before the account has a role for them, and a first deployment would fail by chance.
#[test]
fn the_stage_waits_for_the_role_that_its_access_logs_are_written_by() {
    let template = read(AUTH);
    let resources = &template["Resources"];
    let logs =
        &resources["AuthApi"]["Properties"]["AccessLogSetting"]["Fn::If"][1]["DestinationArn"]["Fn::If"];
    // The condition under which the role is made is the one under which it is named: CloudFormation makes what is named first.
    assert_eq!(logs[0], resources["ApiGatewayAccount"]["Condition"]);
    let named = logs[1]["Fn::Select"][1]["Fn::Split"][1]["Fn::Sub"].as_str().expect("a text");
    assert_eq!(
        (&logs[1]["Fn::Select"][0], &logs[1]["Fn::Select"][1]["Fn::Split"][0]),
        (&json!(0), &json!("|"))
    );
    assert_eq!(named, "${AccessLogGroup.Arn}|${ApiGatewayAccount}");
    assert_eq!(logs[2]["Fn::GetAtt"], "AccessLogGroup.Arn");
}

/// A reservation that was forgotten for one of them leaves the account's concurrency open to a flood.
#[test]
fn every_function_that_hashes_a_password_can_be_bounded_in_number_and_in_calls() {
    let template = read(AUTH);
    let settings = &template["Resources"]["AuthApi"]["Properties"]["MethodSettings"];
    let mut hashing = 0;
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        // A whole CPU is given to hashing, and to nothing else.
        if function["Properties"]["MemorySize"].is_null() {
            continue;
        }
        hashing += 1;
        assert_eq!(
            function["Properties"]["ReservedConcurrentExecutions"]["Fn::If"][0], "HashingReserved",
            "{name}"
        );
        let events = function["Properties"]["Events"].as_object().expect("it has events");
        for event in events.values() {
            let path = event["Properties"]["Path"].as_str().expect("a path").replace('/', "~1");
            // An answer to a preflight hashes nothing.
            if event["Properties"]["Method"] == "OPTIONS" {
                continue;
            }
            let bounded = settings.as_array().expect("settings").iter().any(|setting| {
                let setting = setting["Fn::If"].get(1).unwrap_or(setting);
                setting["ResourcePath"] == format!("/{path}")
                    && setting["ThrottlingRateLimit"] == json!({"Ref": "HashingCallsPerSecond"})
            });
            assert!(bounded, "{name}: {path} has no limit of its own");
        }
    }
    assert_eq!(hashing, 6);
}

#[test]
fn no_log_of_the_gateway_or_the_firewall_holds_a_token_or_a_cookie() {
    let template = read(AUTH);
    let format = &template["Resources"]["AuthApi"]["Properties"]["AccessLogSetting"]["Fn::If"][1]["Format"];
    let format = format.as_str().expect("a format");
    serde_json::from_str::<Value>(format).expect("the format is JSON");
    // Headers, queries, bodies, and paths with ids in them, come by none of these.
    for variable in format.split("$context.").skip(1) {
        let name: String = variable.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '.').collect();
        let known = [
            "requestId",
            "requestTime",
            "identity.sourceIp",
            "httpMethod",
            "resourcePath",
            "status",
            "error.responseType",
            "wafResponseCode",
            "responseLength",
            "responseLatency",
        ];
        assert!(known.contains(&name.as_str()), "{name}");
    }
    for (name, logs) in of_type(&template, "AWS::WAFv2::LoggingConfiguration") {
        for header in ["authorization", "cookie", "x-csrf-token"] {
            let fields = logs["Properties"]["RedactedFields"].as_array().expect("redacted fields");
            assert!(
                fields.contains(&json!({"SingleHeader": {"Name": header}})),
                "{name}: {header} is logged"
            );
        }
    }
}

#[test]
fn every_log_group_ends_and_is_under_the_key_of_those_who_have_one() {
    for (name, group) in of_type(&read(AUTH), "AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{name}");
        assert_eq!(group["Properties"]["KmsKeyId"]["Fn::If"][0], "CustomerKey", "{name}");
    }
}
