//! What each function needs of the tables, and what its role in the template gives it.

use serde_json::Value;

use crate::template::{AUTH, entries, of_type, read, texts};

/// What the functions of the version before this one need. An update changes the roles first, and the functions after them: until
/// it is through, old ones run with the new rights, and a right that they lack is a decision that fails.
pub const BEFORE: &[(&str, &str, &str, &[&str])] = &[
    ("Login", "Sessions", "UpdateItem", &["RATE"]),
    ("Logout", "Sessions", "PutItem", &["REVOKED"]),
    ("Password", "Sessions", "BatchGetItem", &["REVOKED"]),
    ("Recover", "Sessions", "UpdateItem", &["RATE"]),
    ("Redeem", "Sessions", "UpdateItem", &["RATE"]),
    ("Register", "Sessions", "DeleteItem", &["ATTEMPTS"]),
    ("Register", "Sessions", "UpdateItem", &["RATE"]),
    ("Sessions", "Sessions", "BatchGetItem", &["REVOKED"]),
    ("TokenAuthorizer", "Sessions", "BatchGetItem", &["REVOKED"]),
];

/// What each function does with each table, by the prefixes of the partition keys. Everything that is not here is a right too
/// many, and whatever is missing a function that fails: this is to be changed together with what a function does.
pub const NEEDS: &[(&str, &str, &str, &[&str])] = &[
    ("Email", "Identity", "BatchGetItem", &["USER"]),
    ("Email", "Identity", "GetItem", &["EMAIL", "USER"]),
    ("Email", "Identity", "PutItem", &["EVENT"]),
    ("Email", "Identity", "UpdateItem", &["USER"]),
    ("Email", "Sessions", "BatchGetItem", &["USER"]),
    ("Email", "Sessions", "DeleteItem", &["ATTEMPTS"]),
    ("Email", "Sessions", "GetItem", &["USER"]),
    ("Email", "Sessions", "PutItem", &["MAIL"]),
    ("Email", "Sessions", "UpdateItem", &["ATTEMPTS", "MAILS", "RATE"]),
    ("Factors", "Identity", "BatchGetItem", &["USER"]),
    ("Factors", "Identity", "DeleteItem", &["FACTOR", "PASSKEY"]),
    ("Factors", "Identity", "GetItem", &["USER"]),
    ("Factors", "Identity", "PutItem", &["EVENT", "FACTOR", "PASSKEY"]),
    ("Factors", "Identity", "Query", &["FACTOR"]),
    ("Factors", "Identity", "UpdateItem", &["FACTOR", "USER"]),
    ("Factors", "Sessions", "BatchGetItem", &["USER"]),
    ("Factors", "Sessions", "GetItem", &["USER"]),
    ("Factors", "Sessions", "PutItem", &["CEREMONY", "MAIL"]),
    ("Factors", "Sessions", "UpdateItem", &["CEREMONY", "RATE", "USER"]),
    ("Introspect", "Identity", "BatchGetItem", &["API", "USER"]),
    ("Introspect", "Identity", "GetItem", &["USER"]),
    ("Introspect", "Sessions", "BatchGetItem", &["USER"]),
    ("Introspect", "Sessions", "GetItem", &["USER"]),
    ("Login", "Breached", "GetItem", &["BREACHED"]),
    ("Login", "Identity", "GetItem", &["EMAIL", "USER"]),
    ("Login", "Identity", "PutItem", &["EVENT"]),
    ("Login", "Identity", "UpdateItem", &["EMAIL"]),
    ("Login", "Sessions", "DeleteItem", &["ATTEMPTS"]),
    ("Login", "Sessions", "GetItem", &["USER"]),
    ("Login", "Sessions", "PutItem", &["LOGIN", "USER"]),
    ("Login", "Sessions", "Query", &["USER"]),
    ("Login", "Sessions", "UpdateItem", &["ATTEMPTS", "USER"]),
    ("LoginFactor", "Identity", "BatchGetItem", &["USER"]),
    ("LoginFactor", "Identity", "GetItem", &["EMAIL", "USER"]),
    ("LoginFactor", "Identity", "PutItem", &["EVENT"]),
    ("LoginFactor", "Identity", "Query", &["FACTOR"]),
    ("LoginFactor", "Identity", "UpdateItem", &["FACTOR", "USER"]),
    ("LoginFactor", "Sessions", "BatchGetItem", &["USER"]),
    ("LoginFactor", "Sessions", "DeleteItem", &["ATTEMPTS"]),
    ("LoginFactor", "Sessions", "GetItem", &["LOGIN", "USER"]),
    ("LoginFactor", "Sessions", "PutItem", &["MAIL", "USER"]),
    ("LoginFactor", "Sessions", "Query", &["USER"]),
    ("LoginFactor", "Sessions", "UpdateItem", &["ATTEMPTS", "CEREMONY", "LOGIN", "RATE", "USER"]),
    ("Logout", "Identity", "PutItem", &["EVENT"]),
    ("Logout", "Sessions", "GetItem", &["USER"]),
    ("Logout", "Sessions", "UpdateItem", &["USER"]),
    ("Passkey", "Identity", "BatchGetItem", &["USER"]),
    ("Passkey", "Identity", "GetItem", &["FACTOR", "PASSKEY", "USER"]),
    ("Passkey", "Identity", "PutItem", &["EVENT"]),
    ("Passkey", "Identity", "Query", &["FACTOR"]),
    ("Passkey", "Identity", "UpdateItem", &["FACTOR"]),
    ("Passkey", "Sessions", "BatchGetItem", &["USER"]),
    ("Passkey", "Sessions", "GetItem", &["LOGIN", "USER"]),
    ("Passkey", "Sessions", "PutItem", &["CEREMONY", "USER"]),
    ("Passkey", "Sessions", "Query", &["USER"]),
    ("Passkey", "Sessions", "UpdateItem", &["CEREMONY", "RATE", "USER"]),
    ("Password", "Breached", "GetItem", &["BREACHED"]),
    ("Password", "Identity", "BatchGetItem", &["USER"]),
    ("Password", "Identity", "GetItem", &["EMAIL", "USER"]),
    ("Password", "Identity", "PutItem", &["EVENT"]),
    ("Password", "Identity", "UpdateItem", &["EMAIL", "USER"]),
    ("Password", "Sessions", "BatchGetItem", &["USER"]),
    ("Password", "Sessions", "DeleteItem", &["ATTEMPTS"]),
    ("Password", "Sessions", "GetItem", &["USER"]),
    ("Password", "Sessions", "PutItem", &["MAIL"]),
    ("Password", "Sessions", "UpdateItem", &["ATTEMPTS", "RATE", "USER"]),
    ("Recover", "Sessions", "PutItem", &["MAIL"]),
    ("Recover", "Sessions", "UpdateItem", &["MAILS"]),
    ("Redeem", "Breached", "GetItem", &["BREACHED"]),
    ("Redeem", "Identity", "DeleteItem", &["EMAIL"]),
    ("Redeem", "Identity", "GetItem", &["EMAIL", "USER"]),
    ("Redeem", "Identity", "PutItem", &["EMAIL", "EVENT", "USER"]),
    ("Redeem", "Identity", "UpdateItem", &["EMAIL", "USER"]),
    ("Redeem", "Sessions", "DeleteItem", &["ATTEMPTS"]),
    ("Redeem", "Sessions", "GetItem", &["MAIL", "USER"]),
    ("Redeem", "Sessions", "PutItem", &["MAIL"]),
    ("Redeem", "Sessions", "Query", &["MAIL"]),
    ("Redeem", "Sessions", "UpdateItem", &["ATTEMPTS", "MAIL", "USER"]),
    ("Refresh", "Identity", "GetItem", &["USER"]),
    ("Refresh", "Identity", "PutItem", &["EVENT"]),
    ("Refresh", "Sessions", "GetItem", &["USER"]),
    ("Refresh", "Sessions", "UpdateItem", &["RATE", "USER"]),
    ("Register", "Breached", "GetItem", &["BREACHED"]),
    ("Register", "Identity", "PutItem", &["EMAIL", "EVENT", "USER"]),
    ("Register", "Sessions", "GetItem", &["USER"]),
    ("Register", "Sessions", "PutItem", &["MAIL"]),
    ("Register", "Sessions", "UpdateItem", &["ATTEMPTS", "MAILS"]),
    ("Relay", "Identity", "GetItem", &["USER"]),
    ("Relay", "Sessions", "GetItem", &["USER"]),
    ("SendMail", "Identity", "GetItem", &["EMAIL", "USER"]),
    ("SendMail", "Sessions", "GetItem", &["MAIL", "USER"]),
    ("SendMail", "Sessions", "PutItem", &["MAIL"]),
    ("SendMail", "Sessions", "Query", &["USER"]),
    ("SendMail", "Sessions", "UpdateItem", &["MAIL", "MAILS"]),
    ("Sessions", "Identity", "BatchGetItem", &["USER"]),
    ("Sessions", "Identity", "GetItem", &["USER"]),
    ("Sessions", "Identity", "PutItem", &["EVENT"]),
    ("Sessions", "Identity", "UpdateItem", &["USER"]),
    ("Sessions", "Sessions", "BatchGetItem", &["USER"]),
    ("Sessions", "Sessions", "GetItem", &["USER"]),
    ("Sessions", "Sessions", "Query", &["USER"]),
    ("Sessions", "Sessions", "UpdateItem", &["RATE", "USER"]),
    ("Ticket", "Identity", "BatchGetItem", &["USER"]),
    ("Ticket", "Identity", "GetItem", &["USER"]),
    ("Ticket", "Sessions", "BatchGetItem", &["USER"]),
    ("Ticket", "Sessions", "GetItem", &["USER"]),
    ("Ticket", "Sessions", "UpdateItem", &["RATE"]),
    ("TokenAuthorizer", "Identity", "BatchGetItem", &["API", "USER"]),
    ("TokenAuthorizer", "Identity", "GetItem", &["USER"]),
    ("TokenAuthorizer", "Sessions", "BatchGetItem", &["USER"]),
    ("TokenAuthorizer", "Sessions", "GetItem", &["USER"]),
    ("TokenAuthorizer", "Sessions", "PutItem", &["TICKET"]),
    ("TokenAuthorizer", "Sessions", "UpdateItem", &["RATE"]),
];

/// One statement of a role's policies.
pub struct Right {
    pub role: String,
    pub statement: Value,
}

/// Every statement of every role.
pub fn rights() -> impl Iterator<Item = Right> {
    let template = read(AUTH);
    let mut rights = Vec::new();
    let mut add = |role: &str, policy: &Value| {
        for statement in policy["Statement"].as_array().expect("a policy has statements") {
            // `[condition, statement, none]`: it counts whether or not the condition holds.
            let statement = statement["Fn::If"].get(1).unwrap_or(statement);
            assert_eq!(statement["Effect"], "Allow", "{role}");
            let mut statement = statement.clone();
            let keys = statement.pointer_mut("/Condition/ForAllValues:StringLike/dynamodb:LeadingKeys");
            for key in keys.and_then(Value::as_array_mut).into_iter().flatten() {
                *key = key["Fn::If"].get(1).unwrap_or(key).clone();
            }
            rights.push(Right { role: role.to_owned(), statement });
        }
    };
    for (role, resource) in of_type(&template, "AWS::IAM::Role") {
        let properties = &resource["Properties"];
        // The account's role for API Gateway's logs is no function's, and AWS wants it to be this one.
        let not_ours = role == "ApiGatewayLogsRole";
        assert!(
            not_ours || properties["ManagedPolicyArns"].is_null(),
            "{role} has rights that are not written here"
        );
        assert!(!not_ours || resource["Condition"] == "AccountLogsRole", "it is asked for");
        for policy in properties["Policies"].as_array().into_iter().flatten() {
            add(&role, &policy["PolicyDocument"]);
        }
    }
    for (name, resource) in of_type(&template, "AWS::IAM::Policy") {
        for role in resource["Properties"]["Roles"].as_array().expect("a policy is somebody's") {
            let role = role["Fn::If"].get(1).unwrap_or(role);
            let role = role["Ref"].as_str().unwrap_or_else(|| panic!("{name}: {role}"));
            add(role, &resource["Properties"]["PolicyDocument"]);
        }
    }
    // Rights that are written in other ways would not be seen here.
    for (name, resource) in entries(&template["Resources"]) {
        let unseen = ["AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"].map(Value::from);
        assert!(!name.starts_with("Fn::") && !unseen.contains(&resource["Type"]), "{name} is not read");
    }
    assert!(rights.len() > 15, "the roles were not found");
    rights.into_iter()
}

/// Those that allow something of a service.
pub fn rights_to(service: &'static str) -> impl Iterator<Item = Right> {
    rights().filter(move |right| texts(&right.statement["Action"]).any(|action| action.starts_with(service)))
}
