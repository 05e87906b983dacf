//! The functions: whether they run, and on what.

use serde_json::Value;

use super::call::{Calls, Failed, Service};
use super::checklist::FUNCTIONS;
use super::deployed::Deployed;
use super::finding::Finding;

/// Looks at every function of a stack.
pub(super) async fn look(calls: &Calls, stack: &Deployed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = 0;
    let table = stack.outputs.get("IdentityTableName").map(String::as_str).unwrap_or_default();
    for (logical, physical) in stack.of_type("AWS::Lambda::Function") {
        let found = match calls.get(Service::Lambda, &format!("/2015-03-31/functions/{physical}")).await {
            Ok(function) => problem(&function, table)
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
fn problem(function: &Value, identity_table: &str) -> Option<(String, &'static str)> {
    let text = |pointer: &str| function.pointer(pointer).and_then(Value::as_str);
    if function.pointer("/Concurrency/ReservedConcurrentExecutions").and_then(Value::as_u64) == Some(0) {
        return Some((
            "it is closed: no call of it is taken".to_owned(),
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
    let told = text("/Configuration/Environment/Variables/IDENTITY_TABLE");
    if !identity_table.is_empty() && told != Some(identity_table) {
        return Some((
            "its IDENTITY_TABLE is not the stack's: somebody changed it by hand".to_owned(),
            "deploy again; detect drift of the stack",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_that_is_closed_failed_or_changed_is_told() {
        let good = json!({"Configuration": {
            "State": "Active", "LastUpdateStatus": "Successful", "Environment": {"Variables": {"IDENTITY_TABLE": "identity"}},
        }});
        let changed = |pointer: &str, value: Value| {
            let mut function = good.clone();
            *function.pointer_mut(pointer).unwrap() = value;
            problem(&function, "identity")
        };
        assert_eq!(problem(&good, "identity"), None);
        assert!(changed("/Configuration/State", json!("Failed")).is_some());
        assert!(changed("/Configuration/LastUpdateStatus", json!("Failed")).is_some());
        assert!(changed("/Configuration/Environment", json!({"Variables": {}})).is_some());
        let mut closed = good.clone();
        closed["Concurrency"] = json!({"ReservedConcurrentExecutions": 0});
        assert!(problem(&closed, "identity").unwrap().0.contains("closed"));
        closed["Concurrency"] = json!({"ReservedConcurrentExecutions": 20});
        assert_eq!(problem(&closed, "identity"), None);
    }
}
