//! A small evaluator of IAM's statements, in the shapes that `template.yaml` is written in.
//!
//! Where `NOVA_TEST_IAM` names a directory, the questions and our answers are written there: `tests/iam/run` asks somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use nova_template::{ACCOUNT, REGION};
use serde_json::{Value, json};

use crate::needs::rights;
use crate::template::{entries, texts};

/// What IAM decides about: whose role, which action, on which table, and the partition keys that it touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub role: String,
    pub action: String,
    pub resource: String,
    /// All of them, if there are any: a scan has none.
    pub keys: Vec<String>,
    /// What it wants to have back of an item.
    pub returns: Option<String>,
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
pub type Policies = BTreeMap<String, Vec<Value>>;

/// Whether statements allow a request: one of them does, and none denies it.
pub fn allows(statements: &[Value], request: &Request) -> bool {
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
pub fn policies() -> Policies {
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
pub fn arn(name: &str) -> String {
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
pub fn keep(name: &str, policies: &Policies, cases: &[(Request, bool)]) {
    let Some(place) = place() else { return };
    let cases = cases.iter().map(|(request, allowed)| {
        json!({"policy": request.role, "action": request.action, "resource": request.resource,
            "keys": request.keys, "returns": request.returns, "allowed": allowed})
    });
    let text = json!({"policies": policies, "cases": cases.collect::<Value>()}).to_string();
    std::fs::write(place.join(name), text).expect("the directory is there");
}

/// What was seen, each key as one of its kind; and of each call what must not be allowed instead.
pub fn keep_seen(policies: &Policies, made: &BTreeSet<Request>) {
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
