//! A kept answer is the fresh one, whichever path was asked first: this gateway's routes, cache and evaluation around what
//! the rules answer.

use nova_auth_domain::policy::MethodArn;
use nova_auth_domain::rules::{Access, Asking, Caching, Route as RuleRoute, Rule, Rules};
use nova_auth_domain::user::Profile;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::route::Routes;
use super::tests::{bench, token};
use super::*;
use nova_template::Route;

const ADMINS: &str = r#"{"roles":["admin"]}"#;

fn rules() -> Rules {
    let rules = [
        ("ANY /admin/*", ADMINS),
        ("GET /files/*", "{}"),
        ("GET /reports/one", "{}"),
        ("GET /open/*", r#"{"public":true}"#),
        ("GET /whoami", "{}"),
    ];
    let rule = |(line, (route, access)): (u32, &(&str, &str))| Rule {
        line,
        route: RuleRoute::parse(route).unwrap(),
        access: serde_json::from_str::<Access>(access).unwrap(),
    };
    let rules = Rules { rules: (1..).zip(&rules).map(rule).collect(), caching: Caching::Allowed };
    assert_eq!(rules.unfit(), []);
    rules
}

fn user(role: &str) -> Profile {
    serde_json::from_value(json!({
        "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A", "role": role,
        "status": "active", "epoch": 1, "createdAt": "2026-01-01T00:00:00Z", "passwordChangedAt": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn routes() -> Routes {
    let route = |path: &str| Route {
        method: "ANY".to_owned(),
        path: path.to_owned(),
        function: "Notes".to_owned(),
        authorizer: Some("Nova".to_owned()),
        scopes: Vec::new(),
        responds: false,
        payload: Payload::One,
    };
    Routes::new(&["/{proxy+}", "/files/{id}", "/reports/{id}", "/admin", "/whoami"].map(route))
}

/// What the authorizer answers about a call, as API Gateway reads it.
fn answered(rules: &Rules, arn: &str, resource: &str, user: &Profile) -> Result<Grant, Refusal> {
    let asking = Asking { user: Some(user), address: None, shown: None };
    let (_, policy) = rules.answer(MethodArn::parse(arn).unwrap(), Some(resource), asking);
    let answer = json!({ "principalId": "u", "policyDocument": policy, "context": {} });
    Grant::parse(answer.to_string().as_bytes()).map_err(|_| Refusal::AuthorizerConfigurationError)
}

/// What paths are made of: names of the rules, and what somebody may take for them.
const PIECES: [&str; 34] = [
    "/",
    ".",
    "..",
    "a",
    "one",
    "admin",
    "users",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "%5C",
    "\\",
    "%25",
    "%252e",
    "%252F",
    "2e",
    "%",
    "%20",
    "%00",
    "%0d",
    "%7f",
    "%ff",
    "%C0%AE",
    "%u002e",
    ";",
    "%3b",
    "%D9%85",
    "%61",
    "*",
    "?",
    ".pdf",
    "50%25.pdf",
];

fn path() -> impl Strategy<Value = String> {
    let base = select(vec!["/files/", "/files/", "/admin/", "/reports/", "/open/", "/", "//"]);
    let piece = select(PIECES.to_vec());
    let odd = (base, vec(piece, 0..5)).prop_map(|(base, pieces)| format!("{base}{}", pieces.concat()));
    prop_oneof![1 => select(vec!["/files/a", "/whoami", "/admin/users", "/reports/one", "/reports/two"]).prop_map(str::to_owned), 3 => odd]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_kept_answer_is_the_fresh_one_whatever_was_asked_before(
        asked in vec((select(vec!["GET", "POST"]), path()), 1..8),
        role in select(vec!["user", "admin"]),
    ) {
        let (rules, routes, user) = (rules(), routes(), user(role));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (kept, fresh) = (bench(token(), 300).guard, bench(token(), 0).guard);
        for (method, path) in asked {
            // As the gateway reads a request line.
            let path = format!("/{}", path.trim_start_matches('/'));
            let Some(matched) = routes.find(method, &path) else { continue };
            let arn = method_arn("a1b2c3", "v1", method, &path);
            let verdict = |guard: &Guard| {
                let identity = Some(vec!["Bearer a.b.c".to_owned()]);
                let ask = |_: &[String]| std::future::ready(answered(&rules, &arn, &matched.route.path, &user));
                runtime.block_on(guard.judge_by(&arn, identity, ask)).is_ok()
            };
            prop_assert_eq!(verdict(&kept), verdict(&fresh), "{} {}", method, path);
        }
    }
}
