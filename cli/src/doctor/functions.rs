//! The functions: whether they run, and on what.

use serde_json::Value;

use super::checklist::FUNCTIONS;
use super::deployed::Deployed;
use super::finding::Finding;
use crate::place::call::{Calls, Failed, Service};

/// What of the stack each variable names: for a table its name, for a secret its ARN.
const PLACES: [(&str, &str); 9] = [
    ("IDENTITY_TABLE", "IdentityTable"),
    ("SESSIONS_TABLE", "SessionsTable"),
    ("BREACHED_TABLE", "BreachedTable"),
    ("ACCESS_KEYS_SECRET", "AccessKeysSecret"),
    ("REFRESH_KEYS_SECRET", "RefreshKeysSecret"),
    ("LINK_KEYS_SECRET", "LinkKeysSecret"),
    ("FACTOR_KEYS_SECRET", "FactorKeysSecret"),
    ("MAIL_QUEUE_URL", "MailQueue"),
    ("EVENT_BUS", "EventBus"),
];

/// What every function has.
const OF_ALL: [&str; 3] = ["IDENTITY_TABLE", "SESSIONS_TABLE", "ACCESS_KEYS_SECRET"];

/// Looks at every function of a stack.
pub(super) async fn look(calls: &Calls, stack: &Deployed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = 0;
    let places: Vec<_> =
        PLACES.iter().filter_map(|(variable, place)| Some((*variable, stack.physical(place)?))).collect();
    for (logical, physical) in stack.of_type("AWS::Lambda::Function") {
        let found = match calls.get(Service::Lambda, &format!("/2015-03-31/functions/{physical}")).await {
            Ok(function) => problem(&function, &places)
                .map(|(problem, remedy)| Finding::fail(FUNCTIONS, problem, remedy.replace("NAME", physical))),
            Err(Failed::NotThere) => Some(Finding::fail(FUNCTIONS, "it is gone", "deploy again")),
            Err(failed) => Some(Finding::unseen(FUNCTIONS, &failed, "lambda:GetFunction")),
        };
        seen += 1;
        findings.extend(found.map(|finding| finding.of(logical)));
    }
    if seen == 0 {
        findings.push(Finding::fail(FUNCTIONS, "the stack has no functions", "is it a stack of Nova Auth?"));
    } else if findings.is_empty() {
        findings.push(Finding::pass(FUNCTIONS, format!("{seen} functions")));
    }
    findings
}

/// What is wrong with a function, and what to do about it.
fn problem(function: &Value, places: &[(&str, &str)]) -> Option<(String, &'static str)> {
    let text = |pointer: &str| function.pointer(pointer).and_then(Value::as_str);
    if function.pointer("/Concurrency/ReservedConcurrentExecutions").and_then(Value::as_u64) == Some(0) {
        return Some((
            "it is closed: every call of it is rejected".to_owned(),
            "aws lambda delete-function-concurrency --function-name NAME",
        ));
    }
    // Absent: a function that was made before AWS told of states.
    if let Some(state) = text("/Configuration/State").filter(|state| !["Active", "Inactive"].contains(state))
    {
        return Some((format!("it is {state}"), "aws lambda get-function --function-name NAME says why"));
    }
    if text("/Configuration/LastUpdateStatus") == Some("Failed") {
        return Some((
            "its last update failed".to_owned(),
            "aws lambda get-function --function-name NAME says why; deploy again",
        ));
    }
    let by_hand = "deploy again; detect drift of the stack";
    let variables = function.pointer("/Configuration/Environment/Variables").and_then(Value::as_object);
    let told = |name: &str| variables.and_then(|all| all.get(name)).and_then(Value::as_str);
    for (variable, physical) in places {
        let is_lacking = OF_ALL.contains(variable) && told(variable).is_none();
        if is_lacking || told(variable).is_some_and(|told| told != *physical) {
            return Some((
                format!("its {variable} is not the stack's: somebody changed it by hand"),
                by_hand,
            ));
        }
    }
    let elsewhere = |(name, value): &(&String, &Value)| {
        name.starts_with("AWS_ENDPOINT_URL") && value.as_str() != Some("")
    };
    if let Some((variable, _)) = variables.into_iter().flatten().find(elsewhere) {
        return Some((format!("its {variable} does not point to AWS: somebody changed it by hand"), by_hand));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLACES: [(&str, &str); 5] = [
        ("IDENTITY_TABLE", "identity"),
        ("SESSIONS_TABLE", "sessions"),
        ("ACCESS_KEYS_SECRET", "arn:access"),
        ("REFRESH_KEYS_SECRET", "arn:refresh"),
        ("LINK_KEYS_SECRET", "arn:link"),
    ];

    /// A function that is well, with these variables beside its own.
    fn function(more: &[(&str, &str)]) -> Value {
        let mut variables = json!({"AWS_ENDPOINT_URL_DYNAMODB": ""});
        for (name, value) in PLACES.iter().chain(more) {
            variables[*name] = json!(value);
        }
        json!({"Configuration": {
            "State": "Active", "LastUpdateStatus": "Successful", "Environment": {"Variables": variables},
        }})
    }

    #[test]
    fn a_function_that_is_closed_failed_or_changed_is_told() {
        let good = function(&[]);
        let changed = |pointer: &str, value: Value| {
            let mut function = good.clone();
            *function.pointer_mut(pointer).unwrap() = value;
            problem(&function, &PLACES)
        };
        assert_eq!(problem(&good, &PLACES), None);
        assert!(changed("/Configuration/State", json!("Failed")).is_some());
        assert!(changed("/Configuration/LastUpdateStatus", json!("Failed")).is_some());
        assert!(changed("/Configuration/Environment", json!({"Variables": {}})).is_some());
        let mut closed = good.clone();
        closed["Concurrency"] = json!({"ReservedConcurrentExecutions": 0});
        assert!(problem(&closed, &PLACES).unwrap().0.contains("closed"));
        closed["Concurrency"] = json!({"ReservedConcurrentExecutions": 20});
        assert_eq!(problem(&closed, &PLACES), None);
    }

    /// Sessions that are revoked in one table, and looked up in another, live on.
    #[test]
    fn a_function_that_works_on_other_tables_or_keys_than_the_stacks_is_told() {
        for (variable, _) in PLACES {
            let (told, _) = problem(&function(&[(variable, "another")]), &PLACES).unwrap();
            assert!(told.starts_with(&format!("its {variable} is not the stack's")), "{told}");
        }
        let mut without = function(&[]);
        let variables = without.pointer_mut("/Configuration/Environment/Variables").unwrap();
        variables.as_object_mut().unwrap().remove("REFRESH_KEYS_SECRET");
        assert_eq!(problem(&without, &PLACES), None, "not every function has the refresh keys");
        let variables = without.pointer_mut("/Configuration/Environment/Variables").unwrap();
        variables.as_object_mut().unwrap().remove("SESSIONS_TABLE");
        assert!(problem(&without, &PLACES).unwrap().0.contains("SESSIONS_TABLE"));
    }

    #[test]
    fn a_function_that_is_sent_to_another_service_than_aws_is_told() {
        for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_STS"] {
            let (told, _) = problem(&function(&[(variable, "https://example.org")]), &PLACES).unwrap();
            assert!(told.contains(variable) && !told.contains("example.org"), "{told}");
        }
    }
}
