//! What each function's role may do, by IAM's own evaluation of what is deployed: all that the function needs, and nothing
//! else. IAM simulates the calls; none is made, and nothing is read.

use super::checklist::{DENIED, NEEDED};
use super::deployed::Deployed;
use super::finding::Finding;
use super::needs::{self, Needs, Place, Right};
use super::xml;
use crate::place::call::{Calls, Failed, Service};

/// What is asked about a table, with a key of each kind, and with none (as a scan has none).
const TABLE_ACTIONS: &[&str] = &[
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "DeleteTable",
    "GetItem",
    "PartiQLDelete",
    "PartiQLInsert",
    "PartiQLSelect",
    "PartiQLUpdate",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
    "UpdateTable",
];

/// What can return the item that it writes, or fails on.
const RETURNING_ACTIONS: &[&str] = &["ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"];

/// What is asked about a secret.
const SECRET_ACTIONS: &[&str] = &[
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DescribeSecret",
    "GetSecretValue",
    "PutResourcePolicy",
    "PutSecretValue",
    "RotateSecret",
    "UpdateSecret",
    "UpdateSecretVersionStage",
];

/// A kind of key that no item has.
const NO_KIND: &str = "NONE#";

/// The name of a place as IAM knows it.
fn arn(place: Place, stack: &Deployed) -> Option<String> {
    let physical = stack.physical(place.name())?;
    Some(if place.is_table() {
        let Deployed { partition, region, account, .. } = stack;
        format!("arn:{partition}:dynamodb:{region}:{account}:table/{physical}")
    } else {
        physical.to_owned()
    })
}

/// Looks at the role of every function.
pub(super) async fn look(calls: &Calls, stack: &Deployed) -> Vec<Finding> {
    let read = needs::of_the_template().and_then(|needs| Ok((needs, needs::optional()?)));
    let (needs, optional) = match read {
        Ok(read) => read,
        Err(problem) => {
            let unknown =
                |check| Finding::unknown(check, problem.clone(), "this nova was built with another template");
            return vec![unknown(NEEDED), unknown(DENIED)];
        }
    };
    let mut findings = Vec::new();
    for (function, rights) in &needs {
        let is_there = || stack.physical(&format!("{function}Function")).is_some();
        if optional.contains(function) && !is_there() {
            continue;
        }
        match of_function(calls, stack, function, rights, &needs).await {
            Ok(Judged { lacking, excess }) => {
                findings.push(verdict(NEEDED, function, &lacking, "may not"));
                findings.push(verdict(DENIED, function, &excess, "may also"));
            }
            Err(Failed::NotThere) => findings.push(
                Finding::fail(
                    NEEDED,
                    "the stack has no role for it, or nothing that it works on",
                    "deploy again",
                )
                .of(function),
            ),
            Err(failed) => {
                let unseen =
                    |check| Finding::unseen(check, &failed, "iam:SimulatePrincipalPolicy").of(function);
                findings.extend([NEEDED, DENIED].map(unseen));
            }
        }
    }
    findings
}

fn verdict(check: &'static str, function: &str, wrong: &[String], may: &str) -> Finding {
    if wrong.is_empty() {
        return Finding::pass(check, "as it should be").of(function);
    }
    let remedy =
        "deploy again; detect drift of the role, and look for policies that were added to it by hand";
    Finding::fail(check, format!("{may}: {}", wrong.join(", ")), remedy).of(function)
}

/// Where a role differs from what it should be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Judged {
    lacking: Vec<String>,
    excess: Vec<String>,
}

async fn of_function(
    calls: &Calls,
    stack: &Deployed,
    function: &str,
    rights: &[Right],
    needs: &Needs,
) -> Result<Judged, Failed> {
    let role = stack.physical(&format!("{function}Role")).ok_or(Failed::NotThere)?;
    let role = format!("arn:{}:iam::{}:role/{role}", stack.partition, stack.account);
    let mut judged = Judged::default();
    for place in Place::ALL {
        let arn = match arn(place, stack) {
            Some(arn) => arn,
            None if place.is_optional() => continue,
            None => return Err(Failed::NotThere),
        };
        let kinds = needs::kinds(needs, place).into_iter().chain(place.is_table().then_some(NO_KIND));
        for key in kinds.map(Some).chain([None]) {
            let asked = Asked { place, arn: &arn, key, returned: None };
            let allowed = simulate(calls, &role, &asked).await?;
            judge(rights, place, key, &allowed, &mut judged);
            let Some(key) = key.filter(|key| gives_nothing_back(rights, place, key)) else { continue };
            let asked = Asked { returned: Some("ALL_OLD"), ..asked };
            let returning = simulate(calls, &role, &asked).await?;
            judge_returned(rights, place, key, &returning, &mut judged);
        }
    }
    Ok(judged)
}

/// Holds what is allowed against what is needed.
fn judge(rights: &[Right], place: Place, key: Option<&str>, allowed: &[String], judged: &mut Judged) {
    let actions = if place.is_table() { TABLE_ACTIONS } else { SECRET_ACTIONS };
    for action in actions {
        let mut given = rights.iter().filter(|right| {
            right.place == place
                && right.actions.iter().any(|known| known == action)
                && key.map_or(!place.is_table(), |key| right.keys.iter().any(|known| known == key))
        });
        let (needed, lacked) =
            (given.clone().next().is_some(), given.any(|right| !right.optional || place.is_optional()));
        let what = match key {
            Some(key) => format!("{action} {key}… of {}", place.name()),
            None if place.is_table() => format!("{action} of {} without a key", place.name()),
            None => format!("{action} of {}", place.name()),
        };
        match (needed, allowed.iter().any(|allowed| allowed == action)) {
            // What only some stacks give is not missed here.
            (true, false) if lacked => judged.lacking.push(what),
            (false, true) => judged.excess.push(what),
            _ => {}
        }
    }
}

/// Whether some write on these keys may return nothing.
fn gives_nothing_back(rights: &[Right], place: Place, key: &str) -> bool {
    rights
        .iter()
        .any(|right| right.place == place && !right.returns && right.keys.iter().any(|known| known == key))
}

/// Holds against what is needed which writes may return an item. Whether they are allowed at all is judged elsewhere.
fn judge_returned(rights: &[Right], place: Place, key: &str, allowed: &[String], judged: &mut Judged) {
    for action in RETURNING_ACTIONS {
        let may = rights.iter().any(|right| {
            right.place == place
                && right.returns
                && right.actions.iter().any(|known| known == action)
                && right.keys.iter().any(|known| known == key)
        });
        if !may && allowed.iter().any(|allowed| allowed == action) {
            judged.excess.push(format!("{action} {key}… of {} and be given the item", place.name()));
        }
    }
}

/// What IAM is asked about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    place: Place,
    arn: &'a str,
    key: Option<&'a str>,
    /// The `ReturnValues` of the call.
    returned: Option<&'a str>,
}

/// Which of the actions the role may do there.
async fn simulate(calls: &Calls, role: &str, asked: &Asked<'_>) -> Result<Vec<String>, Failed> {
    let (service, actions) = match (asked.place.is_table(), asked.returned) {
        (true, None) => ("dynamodb", TABLE_ACTIONS),
        (true, Some(_)) => ("dynamodb", RETURNING_ACTIONS),
        (false, _) => ("secretsmanager", SECRET_ACTIONS),
    };
    let mut parameters = vec![
        ("PolicySourceArn".to_owned(), role.to_owned()),
        ("ResourceArns.member.1".to_owned(), asked.arn.to_owned()),
        ("MaxItems".to_owned(), "1000".to_owned()),
    ];
    for (n, action) in (1..).zip(actions) {
        parameters.push((format!("ActionNames.member.{n}"), format!("{service}:{action}")));
    }
    let key = asked.key.map(|key| ("dynamodb:LeadingKeys", "stringList", format!("{key}doctor")));
    let returned = asked.returned.map(|values| ("dynamodb:ReturnValues", "string", values.to_owned()));
    for (n, (name, kind, value)) in (1..).zip(key.into_iter().chain(returned)) {
        let entry = |part: &str, value: &str| (format!("ContextEntries.member.{n}.{part}"), value.to_owned());
        parameters.push(entry("ContextKeyName", name));
        parameters.push(entry("ContextKeyType", kind));
        parameters.push(entry("ContextKeyValues.member.1", &value));
    }
    let answer = calls.form(Service::Iam, "SimulatePrincipalPolicy", &parameters).await?;
    let allowed = read(&answer)?;
    // Half an answer would pass for a denial.
    if allowed.len() != actions.len() {
        return Err(Failed::Other("an answer about other calls".into()));
    }
    Ok(allowed.into_iter().filter_map(|(action, is_allowed)| is_allowed.then_some(action)).collect())
}

/// The actions of an answer, without their service, and whether each is allowed.
fn read(answer: &str) -> Result<Vec<(String, bool)>, Failed> {
    xml::members(answer, "EvaluationResults", |result| {
        let action = result.text("EvalActionName")?;
        let (_, action) = action.split_once(':')?;
        Some((action.to_owned(), result.text("EvalDecision")? == "allowed"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After the example in IAM's API reference.
    const ANSWER: &str = r#"<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
      <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>
        <member><MatchedStatements><member><SourcePolicyId>login</SourcePolicyId></member></MatchedStatements>
          <MissingContextValues/><EvalResourceName>arn:aws:dynamodb:eu-central-1:1:table/t</EvalResourceName>
          <EvalDecision>allowed</EvalDecision><EvalActionName>dynamodb:GetItem</EvalActionName></member>
        <member><MatchedStatements/><EvalDecision>implicitDeny</EvalDecision>
          <EvalActionName>dynamodb:Scan</EvalActionName></member>
      </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"#;

    #[test]
    fn an_answer_of_iam_is_read_with_its_decisions() {
        let read = read(ANSWER).unwrap();
        assert_eq!(read, [("GetItem".to_owned(), true), ("Scan".to_owned(), false)]);
    }

    #[test]
    fn what_a_role_lacks_and_what_it_has_too_much_are_told_apart() {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let place = Place::IdentityTable;
        let (actions, keys) = (owned(&["GetItem", "PutItem"]), owned(&["USER#"]));
        let rights = [Right { place, actions, keys, returns: true, optional: false }];
        let judged = |key, allowed: &[&str]| {
            let mut judged = Judged::default();
            let allowed: Vec<_> = allowed.iter().map(|action| (*action).to_owned()).collect();
            judge(&rights, Place::IdentityTable, key, &allowed, &mut judged);
            (judged.lacking, judged.excess)
        };
        let none = Vec::<String>::new();
        assert_eq!(judged(Some("USER#"), &["GetItem", "PutItem"]), (none.clone(), none.clone()));
        assert_eq!(judged(Some("USER#"), &["GetItem"]).0, ["PutItem USER#… of IdentityTable"]);
        assert_eq!(judged(Some("EMAIL#"), &["GetItem"]).1, ["GetItem EMAIL#… of IdentityTable"]);
        // A condition that is true of a request without keys would let a scan through.
        assert_eq!(judged(None, &["Scan"]).1, ["Scan of IdentityTable without a key"]);
        assert_eq!(judged(None, &[]), (none.clone(), none));
    }

    /// A right that is not asked about is one that somebody may have given by hand, and that nobody sees.
    #[test]
    fn every_action_that_reads_or_writes_items_or_keys_is_asked_about() {
        let items = ["GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect"];
        let writes = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem"];
        let statements = ["PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"];
        for action in items.iter().chain(&writes).chain(&statements) {
            let mut judged = Judged::default();
            judge(&[], Place::IdentityTable, Some("USER#"), &[(*action).to_owned()], &mut judged);
            assert_eq!(judged.excess, [format!("{action} USER#… of IdentityTable")]);
        }
        let secrets = ["GetSecretValue", "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage"];
        let around = ["RotateSecret", "DeleteSecret", "PutResourcePolicy", "DeleteResourcePolicy"];
        for action in secrets.iter().chain(&around) {
            let mut judged = Judged::default();
            judge(&[], Place::AccessKeysSecret, None, &[(*action).to_owned()], &mut judged);
            assert_eq!(judged.excess, [format!("{action} of AccessKeysSecret")]);
        }
    }

    /// A policy that somebody added by hand, without the condition, gives the hashes to whoever may put them.
    #[test]
    fn a_write_that_may_return_an_item_though_it_should_not_is_an_excess() {
        let place = Place::IdentityTable;
        let right = |action: &str, key: &str, returns| Right {
            place,
            actions: vec![action.to_owned()],
            keys: vec![key.to_owned()],
            returns,
            optional: false,
        };
        let rights = [right("PutItem", "EMAIL#", false), right("UpdateItem", "EMAIL#", true)];
        assert!(gives_nothing_back(&rights, place, "EMAIL#") && !gives_nothing_back(&rights, place, "USER#"));
        let mut judged = Judged::default();
        let allowed = ["PutItem", "UpdateItem"].map(str::to_owned);
        judge_returned(&rights, place, "EMAIL#", &allowed, &mut judged);
        assert_eq!(judged.excess, ["PutItem EMAIL#… of IdentityTable and be given the item"]);
        let mut judged = Judged::default();
        judge_returned(&rights, place, "EMAIL#", &["UpdateItem".to_owned()], &mut judged);
        assert_eq!(judged, Judged::default());
    }

    /// A stack without breached passwords is well; one whose role may read them is, too.
    #[test]
    fn what_only_some_stacks_give_is_missed_nowhere_and_too_much_nowhere() {
        let place = Place::SessionsTable;
        let (actions, keys) = (vec!["GetItem".to_owned()], vec!["USER#".to_owned()]);
        let rights = [Right { place, actions, keys, returns: true, optional: true }];
        for allowed in [&[][..], &["GetItem".to_owned()]] {
            let mut judged = Judged::default();
            judge(&rights, place, Some("USER#"), allowed, &mut judged);
            assert_eq!(judged, Judged::default(), "{allowed:?}");
        }
    }

    #[test]
    fn a_secret_needs_no_key() {
        let actions = vec!["GetSecretValue".to_owned()];
        let place = Place::AccessKeysSecret;
        let rights = [Right { place, actions, keys: Vec::new(), returns: true, optional: false }];
        let mut judged = Judged::default();
        judge(&rights, Place::AccessKeysSecret, None, &["GetSecretValue".to_owned()], &mut judged);
        judge(&rights, Place::RefreshKeysSecret, None, &["GetSecretValue".to_owned()], &mut judged);
        assert_eq!(judged.lacking, Vec::<String>::new());
        assert_eq!(judged.excess, ["GetSecretValue of RefreshKeysSecret"]);
    }

    #[test]
    fn every_action_that_is_needed_is_asked_about() {
        let needs = needs::of_the_template().unwrap();
        for right in needs.values().flatten() {
            let asked = if right.place.is_table() { TABLE_ACTIONS } else { SECRET_ACTIONS };
            assert!(right.actions.iter().all(|action| asked.contains(&action.as_str())), "{right:?}");
            assert!(right.keys.iter().all(|key| key != NO_KIND));
        }
    }
}
