//! What a Lambda authorizer answers, and whether its policy allows a call.

use serde_json::{Map, Value};

/// The action that calling a route is.
const INVOKE: &str = "execute-api:Invoke";

/// The answer of an authorizer, checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grant {
    pub(super) principal: String,
    /// Passed on to the function behind the route: as strings, or as it was by HTTP APIs.
    pub(super) context: Map<String, Value>,
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    Policy(Vec<Statement>),
    /// `isAuthorized`, which holds for whatever the answer is kept for.
    Simple(bool),
}

#[derive(Clone, Debug, PartialEq)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// What a policy says of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

impl Grant {
    /// Reads the answer to a REST or WebSocket API. The error says what API Gateway would not take.
    pub(super) fn parse(answer: &[u8]) -> Result<Grant, String> {
        let grant = Grant::parse_http(answer)?;
        let mut context = Map::new();
        for (name, value) in &grant.context {
            let text = nova_template::scalar_text(value)
                .ok_or_else(|| format!("its context is not flat: {name}"))?;
            context.insert(name.clone(), Value::String(text));
        }
        Ok(Grant { context, ..grant })
    }

    /// Reads the answer to an HTTP API, whose context may hold anything.
    pub(super) fn parse_http(answer: &[u8]) -> Result<Grant, String> {
        let answer = read(answer)?;
        let principal = answer.get("principalId").and_then(Value::as_str).ok_or("it has no principalId")?;
        let document = answer.get("policyDocument").ok_or("it has no policyDocument")?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().map(statement).collect::<Result<_, _>>()?,
            Some(single @ Value::Object(_)) => vec![statement(single)?],
            _ => return Err("its policy has no Statement".to_owned()),
        };
        let (principal, context) = (principal.to_owned(), context(&answer)?);
        Ok(Grant { principal, context, verdict: Verdict::Policy(statements) })
    }

    /// Reads a simple response.
    pub(super) fn parse_simple(answer: &[u8]) -> Result<Grant, String> {
        let answer = read(answer)?;
        let is_authorized = answer.get("isAuthorized").and_then(Value::as_bool);
        let is_authorized = is_authorized.ok_or("it has no isAuthorized that is true or false")?;
        let (principal, context) = (String::new(), context(&answer)?);
        Ok(Grant { principal, context, verdict: Verdict::Simple(is_authorized) })
    }

    /// Evaluates the policy as IAM does: a Deny wins, and what nothing allows is denied.
    pub(super) fn effect(&self, method_arn: &str) -> Effect {
        let statements = match &self.verdict {
            Verdict::Policy(statements) => statements,
            Verdict::Simple(true) => return Effect::Allow,
            Verdict::Simple(false) => return Effect::ImplicitDeny,
        };
        let mut effect = Effect::ImplicitDeny;
        for statement in statements.iter().filter(|statement| statement.covers(method_arn)) {
            if !statement.allow {
                return Effect::ExplicitDeny;
            }
            effect = Effect::Allow;
        }
        effect
    }
}

impl Statement {
    fn covers(&self, method_arn: &str) -> bool {
        // Actions are told apart without regard to case, resources with it.
        let invoke = INVOKE.to_ascii_lowercase();
        self.actions.iter().any(|action| matches(&action.to_ascii_lowercase(), &invoke))
            && self.resources.iter().any(|resource| matches(resource, method_arn))
    }
}

fn read(answer: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(answer).map_err(|error| format!("it is not JSON: {error}"))
}

fn context(answer: &Value) -> Result<Map<String, Value>, String> {
    match answer.get("context") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(given)) => Ok(given.clone()),
        Some(_) => Err("its context is not a map".to_owned()),
    }
}

fn statement(value: &Value) -> Result<Statement, String> {
    let fields = value.as_object().ok_or("a statement is not a map")?;
    // What is not evaluated here must not be passed over: that could turn a "no" into a "yes".
    if let Some(other) =
        fields.keys().find(|name| !["Sid", "Effect", "Action", "Resource"].contains(&name.as_str()))
    {
        return Err(format!("its policy has {other}, which is not supported"));
    }
    let allow = match fields.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err("a statement's Effect is neither Allow nor Deny".to_owned()),
    };
    let list = |name: &str| match fields.get(name) {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(many)) if !many.is_empty() => many
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or(format!("{name} is not a list of strings")))
            .collect(),
        _ => Err(format!("a statement has no {name}")),
    };
    Ok(Statement { allow, actions: list("Action")?, resources: list("Resource")? })
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters, `/` and `:` too, and `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last `*` was, and how much it has taken so far: linear, whatever an authorizer sends.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|character| *character == '*')
}

/// The ARN of one call, which policies are evaluated on.
pub(super) fn method_arn(api: &str, stage: &str, method: &str, path: &str) -> String {
    use nova_template::{ACCOUNT, REGION};
    let path = path.strip_prefix('/').unwrap_or(path);
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/{stage}/{method}/{path}")
}

/// The ARN of the one moment of a WebSocket API that is authorized. It has no method.
pub(super) fn connect_arn(api: &str, stage: &str) -> String {
    use nova_template::{ACCOUNT, REGION};
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/{stage}/$connect")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:Api/v1/GET/notes/1";

    fn grant(statements: Value) -> Result<Grant, String> {
        let answer = json!({ "principalId": "u", "policyDocument": { "Statement": statements } });
        Grant::parse(answer.to_string().as_bytes())
    }

    fn effect(statements: Value) -> Effect {
        grant(statements).unwrap().effect(ARN)
    }

    fn allow(resource: &str) -> Value {
        json!({ "Effect": "Allow", "Action": INVOKE, "Resource": resource })
    }

    #[test]
    fn the_arn_of_a_call_names_api_stage_method_and_path() {
        assert_eq!(method_arn("Api", "v1", "GET", "/notes/1"), ARN);
    }

    #[test]
    fn what_nothing_allows_is_denied() {
        assert_eq!(effect(json!([])), Effect::ImplicitDeny);
        assert_eq!(effect(json!([allow(&ARN.replace("GET", "POST"))])), Effect::ImplicitDeny);
        assert_eq!(effect(json!([allow(ARN)])), Effect::Allow);
    }

    #[test]
    fn a_deny_wins_wherever_it_stands() {
        let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
        assert_eq!(effect(json!([deny, allow("*")])), Effect::ExplicitDeny);
        assert_eq!(effect(json!([allow("*"), deny])), Effect::ExplicitDeny);
    }

    #[test]
    fn wildcards_cross_slashes_and_a_question_mark_is_one_character() {
        for (resource, expected) in [
            ("*", Effect::Allow),
            ("arn:aws:execute-api:us-east-1:123456789012:Api/v1/GET/*", Effect::Allow),
            ("arn:aws:execute-api:*:*:Api/*/notes/?", Effect::Allow),
            ("arn:aws:execute-api:us-east-1:123456789012:Api/v1/GET/notes", Effect::ImplicitDeny),
            ("arn:aws:execute-api:us-east-1:123456789012:Api/v1/GET/notes/1?", Effect::ImplicitDeny),
            ("arn:aws:execute-api:us-east-1:123456789012:Other/*", Effect::ImplicitDeny),
            ("arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/notes/1", Effect::ImplicitDeny),
        ] {
            assert_eq!(effect(json!([allow(resource)])), expected, "{resource}");
        }
    }

    #[test]
    fn actions_and_resources_may_be_lists_and_a_single_statement_needs_none() {
        let lists =
            json!([{ "Effect": "Allow", "Action": ["s3:Get", "EXECUTE-API:*"], "Resource": ["x", ARN] }]);
        assert_eq!(effect(lists), Effect::Allow);
        assert_eq!(effect(allow(ARN)), Effect::Allow);
        let other =
            json!([{ "Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": "*" }]);
        assert_eq!(effect(other), Effect::ImplicitDeny);
    }

    #[test]
    fn an_answer_that_api_gateway_would_not_take_is_refused() {
        let allowed = allow("*");
        for broken in [
            json!(null),
            json!({ "policyDocument": { "Statement": [allowed] } }),
            json!({ "principalId": "u" }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [{ "Action": INVOKE, "Resource": "*" }] } }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [{ "Effect": "allow", "Action": "*", "Resource": "*" }] } }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [{ "Effect": "Allow", "Resource": "*" }] } }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": [] }] } }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": null }] } }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [allowed] }, "context": { "a": ["b"] } }),
            json!({ "principalId": "u", "policyDocument": { "Statement": [allowed] }, "context": { "a": null } }),
        ] {
            assert!(Grant::parse(broken.to_string().as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn the_context_is_passed_on_as_strings() {
        let answer = json!({
            "principalId": "u",
            "policyDocument": { "Statement": [allow("*")] },
            "context": { "s": "x", "n": 1.5, "b": true }
        });
        let context = Grant::parse(answer.to_string().as_bytes()).unwrap().context;
        let pairs: Vec<_> = context.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        assert_eq!(pairs, [("b", "true"), ("n", "1.5"), ("s", "x")]);
    }

    #[test]
    fn a_simple_response_says_yes_or_no_to_every_route_and_its_context_may_be_deep() {
        let answer = |is_authorized: Value| json!({ "isAuthorized": is_authorized, "context": { "a": [1] } });
        let parse = |answer: Value| Grant::parse_simple(answer.to_string().as_bytes());
        let yes = parse(answer(json!(true))).unwrap();
        assert_eq!((yes.effect(ARN), &yes.context["a"]), (Effect::Allow, &json!([1])));
        assert_eq!(parse(answer(json!(false))).unwrap().effect(ARN), Effect::ImplicitDeny);
        for broken in [json!(null), json!("true"), json!(1)] {
            assert!(parse(answer(broken.clone())).is_err(), "{broken}");
        }
        // A policy is no simple response, and the other way round.
        assert!(
            parse(json!({ "principalId": "u", "policyDocument": { "Statement": [allow("*")] } })).is_err()
        );
        assert!(Grant::parse_http(answer(json!(true)).to_string().as_bytes()).is_err());
    }
}
