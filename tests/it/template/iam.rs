//! A small evaluator of IAM's statements, in the shapes that `template.yaml` is written in, and what it says of every role.
//!
//! Where `NOVA_TEST_IAM` names a directory, the questions and our answers are written there: `tests/iam/run` asks somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use nova_template::{ACCOUNT, REGION};
use serde_json::{Value, json};

use super::rights::{BEFORE, NEEDS, rights};
use super::{entries, texts};
use crate::random_input::Random;

/// What IAM decides about: whose role, which action, on which table, and the partition keys that it touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub(super) role: String,
    pub(super) action: String,
    pub(super) resource: String,
    /// All of them, if there are any: a scan has none.
    pub(super) keys: Vec<String>,
    /// What it wants to have back of an item.
    pub(super) returns: Option<String>,
}

impl Request {
    /// The values of a key in the request's context. AWS lists them for each action, and these are all that the template asks for.
    fn values(&self, key: &str) -> Vec<&str> {
        match key {
            "dynamodb:LeadingKeys" => self.keys.iter().map(String::as_str).collect(),
            "dynamodb:ReturnValues" => self.returns.as_deref().into_iter().collect(),
            // Of other services than DynamoDB.
            _ => Vec::new(),
        }
    }
}

/// Statements by the role that they are of, or by another name.
pub(super) type Policies = BTreeMap<String, Vec<Value>>;

/// Whether statements allow a request: one of them does, and none denies it.
pub(super) fn allows(statements: &[Value], request: &Request) -> bool {
    let says = |effect: &str| {
        statements.iter().any(|statement| statement["Effect"] == effect && is_about(statement, request))
    };
    says("Allow") && !says("Deny")
}

fn is_about(statement: &Value, request: &Request) -> bool {
    texts(&statement["Action"]).any(|action| action == request.action)
        && texts(&statement["Resource"])
            .any(|resource| like(resource.as_bytes(), request.resource.as_bytes()))
        && entries(&statement["Condition"]).all(|(operator, keys)| {
            entries(keys).all(|(key, wanted)| holds(operator, wanted, &request.values(key)))
        })
}

/// One line of a condition. A set that is empty satisfies `ForAllValues`, which is why `Null` stands beside it.
fn holds(operator: &str, wanted: &Value, values: &[&str]) -> bool {
    let like = |value: &&str| texts(wanted).any(|pattern| like(pattern.as_bytes(), value.as_bytes()));
    let equal = |value: &&str| texts(wanted).any(|text| text == *value);
    match operator {
        "Null" => texts(wanted).any(|null| (null == "true") == values.is_empty()),
        "ForAllValues:StringLike" => values.iter().all(like),
        "ForAllValues:StringEquals" | "StringEqualsIfExists" => values.iter().all(equal),
        "StringEquals" => !values.is_empty() && values.iter().all(equal),
        other => panic!("{other} is an operator that the evaluator does not know"),
    }
}

/// `*` stands for any characters, and `?` for one.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
        ([b'?', pattern @ ..], [_, text @ ..]) => like(pattern, text),
        ([wanted, pattern @ ..], [byte, text @ ..]) => wanted == byte && like(pattern, text),
        ([], []) => true,
        _ => false,
    }
}

/// What each role has been given, with the names of the template's resources replaced by ARNs.
pub(super) fn policies() -> Policies {
    let mut policies = Policies::new();
    for right in rights() {
        policies.entry(right.role).or_default().push(resolved(&right.statement));
    }
    policies
}

fn resolved(value: &Value) -> Value {
    if let Some(chosen) = value["Fn::If"].get(1) {
        return resolved(chosen);
    }
    if let Some(name) = value["Ref"].as_str().or_else(|| value["Fn::GetAtt"].as_str()) {
        return json!(arn(name));
    }
    let text = &value["Fn::Sub"];
    if let Some(text) = text.as_str().or_else(|| text[0].as_str()) {
        let pseudo = [("Partition", "aws"), ("Region", REGION), ("AccountId", ACCOUNT)];
        let text = pseudo
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{AWS::{name}}}"), value));
        return json!(text.replace("${", "").replace('}', ""));
    }
    match value {
        Value::Array(all) => all.iter().map(resolved).collect(),
        Value::Object(all) => {
            Value::Object(all.iter().map(|(key, value)| (key.clone(), resolved(value))).collect())
        }
        other => other.clone(),
    }
}

/// The ARN of what `!GetAtt IdentityTable.Arn` or `!Ref AccessKeysSecret` names. Only the tables' have to be as on AWS.
pub(super) fn arn(name: &str) -> String {
    match name.split_once("Table.") {
        Some((table, "Arn")) => format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}Table"),
        Some((table, _)) => format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}Table/stream/1"),
        None => format!("arn:aws:other:{REGION}:{ACCOUNT}:{name}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "it is a setting of the tests, and of no function")]
fn place() -> Option<PathBuf> {
    std::env::var("NOVA_TEST_IAM").ok().filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Writes down questions and what we say to them, for somebody else to be asked.
fn keep(name: &str, policies: &Policies, cases: &[(Request, bool)]) {
    let Some(place) = place() else { return };
    let cases = cases.iter().map(|(request, allowed)| {
        json!({"policy": request.role, "action": request.action, "resource": request.resource,
            "keys": request.keys, "returns": request.returns, "allowed": allowed})
    });
    let text = json!({"policies": policies, "cases": cases.collect::<Value>()}).to_string();
    std::fs::write(place.join(name), text).expect("the directory is there");
}

/// What was seen, each key as one of its kind; and of each call what must not be allowed instead.
pub(super) fn keep_seen(policies: &Policies, made: &BTreeSet<Request>) {
    let kinds = |request: &Request| -> BTreeSet<String> {
        request.keys.iter().filter_map(|key| Some(format!("{}#x", key.split_once('#')?.0))).collect()
    };
    let of_kinds =
        |request: &Request| Request { keys: kinds(request).into_iter().collect(), ..request.clone() };
    let calls: BTreeSet<Request> = made.iter().map(of_kinds).collect();
    let mut cases = Vec::new();
    for call in calls {
        let with = |keys: &[String]| Request { keys: keys.to_vec(), ..call.clone() };
        let foreign = "OTHER#x".to_owned();
        let both: Vec<_> = call.keys.iter().cloned().chain([foreign.clone()]).collect();
        let elsewhere = Request { resource: arn("OtherTable.Arn"), ..call.clone() };
        for refused in [with(&[foreign]), with(&both), with(&[]), elsewhere] {
            assert!(!allows(&policies[&call.role], &refused), "IAM would allow {refused:?}");
            cases.push((refused, false));
        }
        cases.push((call, true));
    }
    keep("seen.json", policies, &cases);
}

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
