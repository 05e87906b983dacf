//! A policy that API Gateway keeps says what the rules say: for every user, on every path, for Allow and for Deny.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of a test may fail it")]

use std::collections::BTreeSet;

use ipnet::IpNet;
use jiff::Timestamp;
use nova_auth_domain::address::ClientAddress;
use nova_auth_domain::assurance::Shown;
use nova_auth_domain::policy::{MethodArn, Policy};
use nova_auth_domain::refusal::Refusal;
use nova_auth_domain::rules::{Access, Asking, Caching, Method, Route, Rule, Rules};
use nova_auth_domain::user::Profile;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// IAM's evaluation, written from its documentation and knowing nothing of how policies are made: of the statements
/// whose action and resource match, one Deny decides; without one, one Allow does; otherwise it is no.
fn iam_allows(policy: &serde_json::Value, arn: &str) -> bool {
    let texts = |value: &serde_json::Value| -> Vec<String> {
        match value {
            serde_json::Value::String(text) => vec![text.clone()],
            serde_json::Value::Array(items) => {
                items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
            }
            other => panic!("neither text nor list: {other}"),
        }
    };
    let effects: BTreeSet<&str> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|statement| {
            texts(&statement["Action"]).iter().any(|action| glob(action.as_bytes(), b"execute-api:Invoke"))
                && texts(&statement["Resource"])
                    .iter()
                    .any(|resource| glob(resource.as_bytes(), arn.as_bytes()))
        })
        .map(|statement| statement["Effect"].as_str().unwrap())
        .collect();
    effects.contains("Allow") && !effects.contains("Deny")
}

/// `*`: any text. `?`: any one character. By recursion, as one would explain it.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            glob(rest, text) || text.split_first().is_some_and(|(_, tail)| glob(pattern, tail))
        }
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((one, rest)), Some((other, tail))) => one == other && glob(rest, tail),
        _ => false,
    }
}

#[test]
fn the_evaluator_of_this_test_is_iams() {
    let policy =
        |statements: &str| serde_json::from_str(&format!("{{\"Statement\":[{statements}]}}")).unwrap();
    let allow = r#"{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"a/*/c"}"#;
    let deny = r#"{"Action":["execute-api:*"],"Effect":"Deny","Resource":["a/x/c","b"]}"#;
    assert!(iam_allows(&policy(allow), "a/b/c"));
    assert!(iam_allows(&policy(allow), "a/b/b/c"));
    assert!(!iam_allows(&policy(allow), "a/b/d"));
    assert!(!iam_allows(&policy(&format!("{allow},{deny}")), "a/x/c"));
    assert!(iam_allows(&policy(&format!("{allow},{deny}")), "a/y/c"));
    assert!(!iam_allows(&policy(deny), "c"));
    assert!(!iam_allows(&policy(&allow.replace("execute-api:Invoke", "s3:GetObject")), "a/b/c"));
    assert!(glob(b"a?c", b"abc") && !glob(b"a?c", b"ac") && glob(b"**", b"") && !glob(b"", b"a"));
}

/// Few words, so that routes meet.
fn segment() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "ab"])
}

fn route() -> impl Strategy<Value = Route> {
    let path = (vec(prop_oneof![3 => segment(), 1 => Just("{id}")], 0..4), any::<bool>());
    let method = select(vec!["GET", "GET", "POST", "ANY"]);
    (method, path).prop_map(|(method, (segments, any_depth))| {
        let mut path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if any_depth {
            path.push_str("/*");
        }
        let path = if path.is_empty() { "/" } else { &path };
        Route::parse(&format!("{method} {path}")).unwrap()
    })
}

const NETWORKS: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "192.0.2.7/32"];

/// Conditions on the session are in `by_session` of a hundred: under kept answers they make a set of rules unfit.
fn access(by_session: f64) -> impl Strategy<Value = Access> {
    let conditions = (
        subsequence(vec!["admin", "editor"], 0..=2),
        option::of(select(vec!["notes:read", "notes:write"])),
        subsequence(NETWORKS.to_vec(), 0..=2),
        proptest::bool::weighted(by_session),
        option::weighted(by_session, select(vec![60_u32, 600, 86_400])),
    );
    let conditions = conditions.prop_map(|(roles, permission, addresses, mfa, fresh)| Access {
        public: false,
        roles: roles.into_iter().map(|role| role.parse().unwrap()).collect(),
        permission: permission.map(|text| text.to_owned().try_into().unwrap()),
        addresses: addresses.into_iter().map(|network| network.parse::<IpNet>().unwrap()).collect(),
        mfa,
        fresh: fresh.map(|seconds| seconds.try_into().unwrap()),
    });
    prop_oneof![6 => conditions, 2 => Just(Access::default()), 1 => Just(Access { public: true, ..Access::default() })]
}

fn rules(caching: Caching) -> impl Strategy<Value = Rules> {
    let by_session = if caching == Caching::Never { 0.3 } else { 0.03 };
    vec((route(), access(by_session)), 1..6).prop_map(move |rules| Rules {
        rules: (1..).zip(rules).map(|(line, (route, access))| Rule { line, route, access }).collect(),
        caching,
    })
}

fn user() -> impl Strategy<Value = Option<Profile>> {
    let user =
        (select(vec!["user", "editor", "admin"]), subsequence(vec!["notes:read", "notes:write"], 0..=2));
    option::weighted(0.9, user).prop_map(|user| {
        user.map(|(role, permissions)| {
            let id = "0190163d-8694-739b-aea5-966c26f8ad90";
            serde_json::from_value(serde_json::json!({
                "userId": id, "email": "a@example.com", "name": "A", "role": role, "status": "active",
                "permissions": permissions, "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
                "passwordChangedAt": "2026-01-01T00:00:00Z",
            }))
            .unwrap()
        })
    })
}

fn address() -> impl Strategy<Value = Option<ClientAddress>> {
    let known =
        select(vec!["10.1.2.3", "10.9.9.9", "2001:db8::7", "192.0.2.7", "198.51.100.1", "::ffff:10.1.0.1"]);
    option::weighted(0.8, known).prop_map(|text| text.map(ClientAddress::parse))
}

/// What a session was shown, at some times before and after those that the rules ask for.
fn shown() -> impl Strategy<Value = Option<Shown>> {
    let second = || select(vec![0, 13_600, 99_400, 99_399, 99_940, 100_000, 200_000]);
    let shown = (second(), option::of(second()));
    option::weighted(0.9, shown).prop_map(|shown| {
        shown.map(|(authenticated, factor)| {
            let at = |second| Timestamp::from_second(second).unwrap();
            Shown { authenticated_at: at(authenticated), factor_at: factor.map(at), now: at(100_000) }
        })
    })
}

/// What servers read in several ways, or only look as if they did.
const ODD: [&str; 36] = [
    ".",
    "..",
    "...",
    "a..b",
    "%2e%2e",
    ".%2E",
    "a%2Fb",
    "a%2fb",
    "a%5Cb",
    "a%5cb",
    "a\\b",
    "%00",
    "a%0d",
    "%1F",
    "%7f",
    "%ff",
    "%",
    "%2",
    "%zz",
    "%%32e",
    "%2%65",
    "%u002e",
    "%252e%252E",
    "a%252Fb",
    "%2561",
    "50%25.pdf",
    "50%25%20off",
    "%25%32e",
    "..;",
    "..%3b",
    "a;b",
    ".;",
    "%c0%ae",
    "%E0%80%AE",
    "%61",
    "*?",
];

/// Paths that routes mean, those that only a wildcard reaches, and those that can be read in several ways.
fn path() -> impl Strategy<Value = String> {
    let odd = select(ODD.to_vec());
    let segments = vec(prop_oneof![8 => segment(), 2 => Just("c"), 1 => Just(""), 2 => odd], 0..5);
    segments.prop_map(|segments| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if path.is_empty() { "/".to_owned() } else { path }
    })
}

fn arn(method: Method, path: &str) -> String {
    format!("arn:aws:execute-api:us-east-1:123456789012:a1b2c3/v1/{}{path}", method.name())
}

/// The answer about `asked`: whether it is yes, and its policy.
fn answer(rules: &Rules, asked: &str, resource: Option<&str>, asking: Asking<'_>) -> (bool, Policy) {
    let (verdict, policy) = rules.answer(MethodArn::parse(asked).unwrap(), resource, asking);
    (verdict.is_allowed(), policy)
}

/// The policy of an answer about `asked`, as JSON.
fn policy(rules: &Rules, asked: &str, allowed: bool, asking: Asking<'_>) -> serde_json::Value {
    serde_json::to_value(rules.grant(MethodArn::parse(asked).unwrap(), asking, allowed)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_global_rejects: 1_000_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_kept_answer_is_the_fresh_one_on_every_path(
        rules in rules(Caching::Allowed).prop_filter("rules that would be stored", |rules| rules.unfit().is_empty()),
        user in user(),
        address in address(),
        asked in path(),
        others in vec((select(Method::ANY.to_vec()), path(), option::of(path())), 12),
        shown in shown(),
        later in shown(),
    ) {
        let asking = Asking { user: user.as_ref(), address, shown };
        let policy = answer(&rules, &arn(Method::Get, &asked), None, asking).1;
        let kept = serde_json::to_value(&policy).unwrap();
        for (method, path, resource) in others {
            let elsewhere = arn(method, &path);
            // Kept or not, the session has aged and was stepped up meanwhile.
            let asking = Asking { shown: later, ..asking };
            let fresh = rules.decide(method.name(), resource.as_deref(), &path, asking).is_allowed();
            prop_assert_eq!(iam_allows(&kept, &elsewhere), fresh, "{} {}", method.name(), path);
            prop_assert_eq!(answer(&rules, &elsewhere, resource.as_deref(), asking), (fresh, policy.clone()), "{}", path);
        }
    }

    #[test]
    fn an_answer_that_is_not_kept_is_about_the_one_path(
        rules in rules(Caching::Never),
        user in user(),
        address in address(),
        shown in shown(),
        path in path(),
    ) {
        let asking = Asking { user: user.as_ref(), address, shown };
        let allowed = rules.decide("GET", None, &path, asking).is_allowed();
        let asked = arn(Method::Get, &path);
        let answer = policy(&rules, &asked, allowed, asking);
        prop_assert_eq!(iam_allows(&answer, &asked), allowed);
        let elsewhere = arn(Method::Get, &format!("{path}/elsewhere"));
        prop_assert!(!iam_allows(&answer, &elsewhere));
    }

    #[test]
    fn a_step_up_is_asked_only_of_whom_it_lets_in(
        rules in rules(Caching::Never),
        user in user(),
        address in address(),
        shown in shown(),
        resource in option::of(path()),
        path in path(),
    ) {
        let now = Timestamp::from_second(100_000).unwrap();
        let all = Some(Shown { authenticated_at: now, factor_at: Some(now), now });
        let asked = arn(Method::Get, &path);
        let of = |shown| {
            let asking = Asking { user: user.as_ref(), address, shown };
            rules.answer(MethodArn::parse(&asked).unwrap(), resource.as_deref(), asking).0.answer
        };
        let (is, stepped_up) = (of(shown), of(all));
        let wanted = if matches!(is, Err(Refusal::StepUpRequired { .. })) { Ok(()) } else { is };
        prop_assert_eq!(stepped_up, wanted);
    }

    #[test]
    fn what_is_stored_is_read_as_it_was_and_what_is_unfit_for_its_session_is_not_stored(
        rules in prop_oneof![rules(Caching::Never), rules(Caching::Allowed)],
    ) {
        let by_session = rules.rules.iter().any(|rule| !rule.access.demand().is_nothing());
        match serde_json::to_string(&rules) {
            Ok(stored) => prop_assert_eq!(serde_json::from_str::<Rules>(&stored).unwrap(), rules),
            Err(_) => prop_assert!(by_session && rules.caching == Caching::Allowed && !rules.unfit().is_empty()),
        }
    }

    #[test]
    fn our_own_evaluation_before_sending_is_iams(
        rules in rules(Caching::Allowed),
        user in user(),
        address in address(),
        shown in shown(),
        path in path(),
    ) {
        let asking = Asking { user: user.as_ref(), address, shown };
        let asked = arn(Method::Get, &path);
        let policy = rules.grant(MethodArn::parse(&asked).unwrap(), asking, true);
        prop_assert_eq!(policy.allows(&asked), iam_allows(&serde_json::to_value(&policy).unwrap(), &asked));
    }
}

/// The property above would hold for rules that nobody can store: enough of the random ones must be fit.
#[test]
fn the_random_rules_are_not_all_refused() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let fit = (0..1_000)
        .filter(|_| rules(Caching::Allowed).new_tree(&mut runner).unwrap().current().unfit().is_empty());
    let fit = fit.count();
    assert!((100..900).contains(&fit), "{fit} of 1000 random rule sets can be stored");
}
