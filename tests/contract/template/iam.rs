//! What our evaluator of IAM's statements says of every role, and of random policies that somebody else is asked about
//! (`tests/iam/run`).

use std::collections::BTreeSet;

use nova_test_support::iam::{Policies, Request, allows, arn, keep, policies};
use nova_test_support::needs::{BEFORE, NEEDS};
use nova_test_support::random::Random;
use serde_json::{Value, json};

const ACTIONS: &[&str] = &[
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
];

/// What AWS has the key `dynamodb:ReturnValues` for: of a read it is not asked.
fn may_return(action: &str) -> bool {
    ["ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"].iter().any(|name| action.ends_with(name))
}

fn is_needed(role: &str, table: &str, action: &str, kind: &str) -> bool {
    NEEDS.iter().chain(BEFORE).any(|(function, on, does, kinds)| {
        format!("{function}Role") == role && *on == table && *does == action && kinds.contains(&kind)
    })
}

/// The other table, too: where a function may do there what it does here, that stands in what it needs.
#[test]
fn no_role_may_do_more_with_any_kind_of_item_on_any_table_than_its_function_needs() {
    let (policies, mut cases) = (policies(), Vec::new());
    let kinds = NEEDS.iter().chain(BEFORE).flat_map(|(.., kinds)| *kinds).copied();
    let kinds: BTreeSet<_> = kinds.chain(["OTHER"]).collect();
    let places = ACTIONS.iter().flat_map(|action| [(*action, "Identity"), (*action, "Sessions")]);
    let places: Vec<_> =
        policies.keys().flat_map(|role| places.clone().map(move |place| (role, place))).collect();
    for (role, (action, table)) in places {
        let mut ask = |kind: Option<&str>, returns: Option<&str>, expected: Option<bool>| {
            let request = Request {
                role: role.clone(),
                action: format!("dynamodb:{action}"),
                resource: arn(&format!("{table}Table.Arn")),
                keys: kind.map(|kind| format!("{kind}#x")).into_iter().collect(),
                returns: returns.map(str::to_owned),
            };
            let allowed = allows(&policies[role], &request);
            assert!(expected.is_none_or(|expected| expected == allowed), "{request:?} is allowed: {allowed}");
            cases.push((request, allowed));
        };
        ask(None, None, Some(false));
        for kind in &kinds {
            let needed = is_needed(role, table, action, kind);
            ask(Some(kind), None, Some(needed));
            if may_return(action) {
                ask(Some(kind), Some("NONE"), Some(needed));
                // What may come back is another test's: here the two evaluators have to agree.
                ask(Some(kind), Some("ALL_OLD"), if needed { None } else { Some(false) });
            }
        }
    }
    assert!(cases.len() > 5_000, "{}", cases.len());
    keep("needs.json", &policies, &cases);
}

/// Some of `from`, at least one.
fn some(random: &mut Random, from: &[&str]) -> Value {
    let all: Vec<_> = (0..=random.below(3)).map(|_| json!(random.pick(from))).collect();
    // One value may stand alone, without a list.
    if all.len() == 1 && random.below(2) == 0 { all[0].clone() } else { Value::Array(all) }
}

const ASKED: &[&str] =
    &["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];

fn statement(random: &mut Random) -> Value {
    let effect = if random.below(4) == 0 { "Deny" } else { "Allow" };
    let tables = ["IdentityTable.Arn", "SessionsTable.Arn"].map(arn);
    let tables = [&*tables[0], &*tables[1], "arn:aws:dynamodb:*:*:table/Sess*"];
    let mut statement =
        json!({"Effect": effect, "Action": some(random, ASKED), "Resource": some(random, &tables)});
    let condition = &mut statement["Condition"];
    if random.below(6) > 0 {
        let operator = *random.pick(&[
            "ForAllValues:StringLike",
            "ForAllValues:StringLike",
            "ForAllValues:StringEquals",
        ]);
        let patterns = ["USER#*", "USER#?", "EMAIL#*", "*#1", "U*#*2", "USER#1", "EVENT#1", "*"];
        condition[operator]["dynamodb:LeadingKeys"] = some(random, &patterns);
    }
    if random.below(3) > 0 {
        condition["Null"]["dynamodb:LeadingKeys"] = json!(random.pick(&["false", "false", "true"]));
    }
    if random.below(2) == 0 {
        let operator = *random.pick(&["StringEquals", "StringEqualsIfExists", "StringEqualsIfExists"]);
        condition[operator]["dynamodb:ReturnValues"] = some(random, &["NONE", "ALL_OLD", "UPDATED_NEW"]);
    }
    if statement["Condition"].is_null() {
        statement.as_object_mut().expect("it is one").remove("Condition");
    }
    statement
}

fn request(random: &mut Random, role: &str) -> Request {
    let action = *random.pick(ASKED);
    let keys = ["USER#1", "USER#22", "USER#", "EMAIL#1", "EVENT#1", "user#1", "USER#1*"];
    // Of a batch that reads, AWS has no such key.
    let returns =
        if action.contains("Get") { None } else { *random.pick(&[None, Some("NONE"), Some("ALL_OLD")]) };
    Request {
        role: role.to_owned(),
        action: action.to_owned(),
        resource: random.pick(&["IdentityTable.Arn", "SessionsTable.Arn"].map(arn)).clone(),
        keys: (0..random.below(4)).map(|_| (*random.pick(&keys)).to_owned()).collect(),
        returns: returns.map(str::to_owned),
    }
}

/// An evaluator that always says the same would agree with itself.
#[test]
fn of_the_random_requests_that_others_are_asked_about_many_are_allowed_and_many_are_not() {
    let (mut random, mut policies, mut cases) = (Random(20_261_129), Policies::new(), Vec::new());
    for number in 0..400 {
        let name = format!("Random{number}");
        let statements: Vec<_> = (0..=random.below(4)).map(|_| statement(&mut random)).collect();
        for _ in 0..5 {
            let asked = request(&mut random, &name);
            let allowed = allows(&statements, &asked);
            cases.push((asked, allowed));
        }
        policies.insert(name, statements);
    }
    let allowed = cases.iter().filter(|(_, allowed)| *allowed).count();
    assert!((200..cases.len() - 200).contains(&allowed), "{allowed}");
    keep("random.json", &policies, &cases);
}
