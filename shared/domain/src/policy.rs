//! What an authorizer answers to API Gateway: an IAM policy, which allows some things and denies some, or denies everything.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The policy of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: &'static str,
    effect: Effect,
    resource: Resources,
}

/// What a statement is about.
#[derive(Debug, Clone)]
pub struct Resources {
    texts: Cow<'static, [String]>,
    /// The same as JSON, where it was written beforehand.
    json: Option<&'static RawValue>,
}

impl Resources {
    /// Resources that many policies have, and their JSON.
    pub(crate) const fn written(texts: &'static [String], json: &'static RawValue) -> Self {
        Self { texts: Cow::Borrowed(texts), json: Some(json) }
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}

impl From<Vec<String>> for Resources {
    fn from(texts: Vec<String>) -> Self {
        Self { texts: texts.into(), json: None }
    }
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Eq for Resources {}

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.json {
            Some(json) => json.serialize(serializer),
            None => self.texts.serialize(serializer),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
}

impl Policy {
    /// Allows these resources and nothing else.
    #[must_use]
    pub fn allow(resources: Vec<String>) -> Self {
        Self::of(Effect::Allow, resources)
    }

    /// Allows these resources, except where one of the others denies them.
    #[must_use]
    pub fn allow_except(resources: Vec<String>, denied: impl Into<Resources>) -> Self {
        let mut policy = Self::of(Effect::Allow, resources);
        policy.statement.extend(Self::of(Effect::Deny, denied).statement);
        policy
    }

    /// Denies everything.
    #[must_use]
    pub fn deny() -> Self {
        Self::of(Effect::Deny, vec!["*".to_owned()])
    }

    /// How long it is as JSON.
    pub(crate) fn bytes(&self) -> usize {
        let mut length = Length(0);
        // INVARIANT: a policy is texts and lists, which JSON can always say, and counting does not fail.
        serde_json::to_writer(&mut length, self).map_or(usize::MAX, |()| length.0)
    }

    fn of(effect: Effect, resource: impl Into<Resources>) -> Self {
        Self {
            version: "2012-10-17",
            statement: vec![Statement { action: "execute-api:Invoke", effect, resource: resource.into() }],
        }
    }

    /// Whether IAM would let this policy invoke `arn`: an explicit Deny wins, and what no statement names is denied.
    #[must_use]
    pub fn allows(&self, arn: &str) -> bool {
        let subject = Subject::new(arn);
        let says = |effect| {
            self.statement
                .iter()
                .filter(|statement| statement.effect == effect)
                .any(|statement| statement.resource.texts().any(|pattern| subject.matches(pattern)))
        };
        says(Effect::Allow) && !says(Effect::Deny)
    }
}

/// Counts what is written, and keeps none of it.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A text that is held against many patterns.
pub(crate) struct Subject<'t> {
    text: &'t str,
    has: [bool; 256],
}

impl<'t> Subject<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let mut has = [false; 256];
        for byte in text.bytes() {
            if let Some(has) = has.get_mut(usize::from(byte)) {
                *has = true;
            }
        }
        Self { text, has }
    }

    /// [`matches`]; and quickly, where a pattern asks for what the text has nowhere. So does nearly every pattern of an odd
    /// path, in its last characters.
    pub(crate) fn matches(&self, pattern: &str) -> bool {
        let can =
            |byte| matches!(byte, b'*' | b'?') || self.has.get(usize::from(byte)).is_some_and(|has| *has);
        pattern.bytes().rev().all(can) && matches(pattern, self.text)
    }
}

/// IAM's wildcards: `*` is any text, `/` and `:` included, `?` is one character.
///
/// Only the last `*` is ever tried again: what an earlier one could take in its place, this one can take too. It goes by
/// bytes, since a decision asks it dozens of times: a character is told from another by them, and only `?` has to know how many.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.as_bytes(), text.as_bytes());
    let mut last_star = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', rest)), _) => {
                let Some(from) = skip(rest, text) else { return false };
                last_star = Some((rest, from));
                (pattern, text) = (rest, from);
                continue;
            }
            (Some((symbol, rest)), Some((byte, tail))) if symbol == byte => {
                (pattern, text) = (rest, tail);
                continue;
            }
            (Some((b'?', rest)), Some(_)) => {
                (pattern, text) = (rest, after_character(text));
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        // It does not fit so: the last star takes one character more.
        let Some((after, from)) = last_star.filter(|(_, from)| !from.is_empty()) else { return false };
        let Some(next) = skip(after, after_character(from)) else { return false };
        last_star = Some((after, next));
        (pattern, text) = (after, next);
    }
}

/// The text from where what follows a star can begin at the earliest.
fn skip<'t>(pattern: &[u8], text: &'t [u8]) -> Option<&'t [u8]> {
    match pattern.first() {
        None => Some(&[]),
        Some(b'*' | b'?') => Some(text),
        Some(literal) => text.get(text.iter().position(|byte| byte == literal)?..),
    }
}

/// The text without its first character.
fn after_character(text: &[u8]) -> &[u8] {
    let is_within = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let length = 1 + text.iter().skip(1).take_while(|byte| is_within(byte)).count();
    text.get(length..).unwrap_or_default()
}

/// The ARN of a method, `arn:aws:execute-api:region:account:api/stage/METHOD/path`, taken apart; or that of opening a
/// WebSocket, `…:api/stage/$connect`, whose method is `CONNECT` and whose path `/$connect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodArn<'a> {
    /// The whole ARN.
    pub text: &'a str,
    pub api_id: &'a str,
    pub method: &'a str,
    /// The path, with its slash.
    pub path: &'a str,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub(crate) partition: &'a str,
    /// Up to and with the stage.
    stage_arn: &'a str,
}

impl<'a> MethodArn<'a> {
    /// Reads an ARN as API Gateway sends it.
    ///
    /// Wildcards before the path are refused: a pattern built of these parts would allow more than it says. The one exception is
    /// a stage of `*`, as the events of Lambda's console have it: in a policy it is written `?`, one character.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(4, '/');
        let (api, stage, method, path) = (parts.next()?, parts.next()?, parts.next()?, parts.next());
        let is_literal = |part: &str| !part.is_empty() && !part.contains(['*', '?']);
        let names: Vec<&str> = api.split(':').collect();
        let ["arn", partition, "execute-api", _, _, api_id] = names[..] else { return None };
        let is_stage = stage == "*" || is_literal(stage);
        if !names.iter().all(|part| is_literal(part)) || !is_stage || !is_literal(method) {
            return None;
        }
        let stage_arn = text.get(..api.len() + 1 + stage.len())?;
        let (method, path) = match path {
            None if method == "$connect" => ("CONNECT", text.get(stage_arn.len()..)?),
            // Our own name for that is not a method of any API.
            _ if method == "CONNECT" => return None,
            Some(_) => (method, text.get(stage_arn.len() + 1 + method.len()..)?),
            // The root without its slash.
            None => (method, "/"),
        };
        Some(Self { text, api_id, method, path, partition, stage_arn })
    }

    /// Every method of this API and stage.
    #[must_use]
    pub fn whole_stage(&self) -> String {
        format!("{}/*", self.stage_arn())
    }

    /// The ARN up to and with the stage, as a pattern that matches itself.
    #[must_use]
    pub fn stage_arn(&self) -> Cow<'a, str> {
        literal(self.stage_arn)
    }

    /// The whole ARN, as a pattern that matches itself.
    #[must_use]
    pub fn literal(&self) -> String {
        literal(self.text).into_owned()
    }
}

/// A text as a pattern. Not everything that evaluates policies can quote a wildcard, but `?` is one character whatever it is.
fn literal(text: &str) -> Cow<'_, str> {
    if text.contains('*') { text.replace('*', "?").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/GET/notes";

    #[test]
    fn a_policy_is_written_as_api_gateway_reads_it() {
        assert_eq!(
            serde_json::to_value(Policy::deny()).unwrap(),
            serde_json::json!({"Version": "2012-10-17", "Statement":
                [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": ["*"]}]})
        );
    }

    #[test]
    fn the_whole_stage_is_this_api_and_this_stage_and_no_other() {
        let policy = Policy::allow(vec![MethodArn::parse(ARN).unwrap().whole_stage()]);
        assert!(policy.allows(ARN));
        for other in ["a1b2/v2/GET/notes", "a1b2x/v1/GET/notes", "a1b/v1/GET/notes", "a1b2/v1"] {
            let arn = ARN.replace("a1b2/v1/GET/notes", other);
            assert!(!policy.allows(&arn), "{arn}");
        }
    }

    #[test]
    fn nothing_is_allowed_by_a_denial() {
        assert!(!Policy::deny().allows(ARN));
        assert!(!Policy::allow(vec![]).allows(ARN));
    }

    #[test]
    fn wildcards_match_as_in_iam() {
        for (pattern, text, verdict) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("a?c", "ac", false),
            ("a?c", "abc", true),
            ("*/GET/*", "x/GET/y/z", true),
            ("**a", "bba", true),
            ("", "a", false),
            ("a*b*c", "aXbXbYc", true),
            ("a*b*c", "aXcXb", false),
            ("a*?", "a", false),
            ("*?م", "xxم", true),
        ] {
            assert_eq!(matches(pattern, text), verdict, "{pattern} {text}");
        }
    }

    /// The same by trying everything, as one would explain it.
    fn explained(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                explained(rest, text) || text.split_first().is_some_and(|(_, tail)| explained(pattern, tail))
            }
            (Some((symbol, rest)), Some((c, tail))) => {
                (*symbol == '?' || symbol == c) && explained(rest, tail)
            }
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn the_quick_way_finds_what_trying_everything_finds(pattern in "[ab*?]{0,8}", text in "[abم]{0,10}") {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            let verdict = explained(&characters(&pattern), &characters(&text));
            proptest::prop_assert_eq!(matches(&pattern, &text), verdict);
            proptest::prop_assert_eq!(Subject::new(&text).matches(&pattern), verdict);
        }
    }

    #[test]
    fn a_policy_is_as_long_as_its_json() {
        for policy in [Policy::deny(), Policy::allow(vec!["a\"/*".to_owned(), "م".to_owned()])] {
            assert_eq!(policy.bytes(), serde_json::to_string(&policy).unwrap().len());
        }
    }

    #[test]
    fn an_arn_that_could_widen_a_policy_is_refused() {
        for arn in [
            "",
            "arn:aws:execute-api:us-east-1:123456789012:*/v1/GET/x",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2/v*/GET/x",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2/?/GET/x",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2/**/GET/x",
            "arn:aws:execute-api:*:123456789012:a1b2/v1/GET/x",
            "arn:aws:lambda:us-east-1:123456789012:a1b2/v1/GET/x",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1",
            "arn:aws:execute-api:us-east-1:123456789012:/v1/GET/",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/*/x",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/CONNECT/$connect",
        ] {
            assert_eq!(MethodArn::parse(arn), None, "{arn}");
        }
        let stage =
            MethodArn::parse("arn:aws:execute-api:us-east-1:123456789012:a1b2/$default/GET/x/y").unwrap();
        assert_eq!((stage.api_id, stage.method, stage.path), ("a1b2", "GET", "/x/y"));
        let root = MethodArn::parse("arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/GET/").unwrap();
        assert_eq!(root.path, "/");
        let connect = "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/$connect";
        let connect = MethodArn::parse(connect).unwrap();
        assert_eq!((connect.api_id, connect.method, connect.path), ("a1b2", "CONNECT", "/$connect"));
    }

    #[test]
    fn the_root_is_the_root_with_its_slash_or_without() {
        let root = MethodArn::parse("arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/GET").unwrap();
        assert_eq!((root.method, root.path), ("GET", "/"));
        assert_eq!(root.stage_arn(), "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1");
    }

    /// `…:ymy8tbxw7b/*/GET/` is what Lambda's console tries an authorizer with.
    #[test]
    fn a_stage_that_is_a_star_is_read_and_widens_no_policy() {
        let arn = ARN.replace("/v1/", "/*/");
        let method = MethodArn::parse(&arn).unwrap();
        assert_eq!((method.api_id, method.method, method.path), ("a1b2", "GET", "/notes"));
        let policy = Policy::allow(vec![method.whole_stage(), method.literal()]);
        assert!(policy.allows(&arn));
        assert!(!policy.allows(ARN));
    }

    #[test]
    fn what_is_allowed_except_for_something_is_denied_there() {
        let policy = Policy::allow_except(vec!["a*".to_owned()], vec!["*b".to_owned()]);
        assert!(policy.allows("ac") && !policy.allows("ab") && !policy.allows("c"));
    }
}
