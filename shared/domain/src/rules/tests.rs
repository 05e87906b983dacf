//! Whom a rule lets in, and by which of its names a path is held against the rules.

use serde_json::json;

use super::*;
use crate::policy::{MethodArn, Policy};

fn user(role: &str, permissions: &[&str]) -> Profile {
    serde_json::from_value(json!({
        "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A", "role": role,
        "status": "active", "permissions": permissions, "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
        "passwordChangedAt": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn access(conditions: &str) -> Access {
    serde_json::from_str(conditions).unwrap()
}

fn rules(caching: Caching, rules: &[(&str, &str)]) -> Rules {
    let rule = |(line, (route, conditions)): (u32, &(&str, &str))| Rule {
        line,
        route: Route::parse(route).unwrap(),
        access: access(conditions),
    };
    Rules { rules: (1..).zip(rules).map(rule).collect(), caching }
}

const READ: &str = r#"{"permission":"notes:read"}"#;
const ADMINS: &str = r#"{"roles":["admin"]}"#;
const NEAR: &str = r#"{"addresses":["10.0.0.0/8"]}"#;

#[test]
fn a_rule_lets_in_whom_it_names_and_tells_everybody_else_what_they_lack() {
    let (reader, nobody_special, admin) =
        (user("user", &["notes:read"]), user("user", &[]), user("admin", &[]));
    let missing = || Refusal::ForbiddenPermission { feature: "notes".to_owned(), action: "read".to_owned() };
    let near_readers = r#"{"permission":"notes:read","addresses":["10.0.0.0/8"]}"#;
    let near_admins = r#"{"roles":["admin"],"addresses":["10.0.0.0/8","2001:db8::/32"]}"#;
    for (conditions, who, address, answer) in [
        (r#"{"public":true}"#, None, None, Ok(())),
        ("{}", None, Some("10.1.2.3"), Err(Refusal::TokenMissing)),
        ("{}", Some(&nobody_special), None, Ok(())),
        (READ, None, None, Err(Refusal::TokenMissing)),
        (READ, Some(&reader), None, Ok(())),
        (READ, Some(&nobody_special), None, Err(missing())),
        // An admin has every permission, and is no member of a list that does not name the role.
        (READ, Some(&admin), None, Ok(())),
        (ADMINS, Some(&admin), None, Ok(())),
        (ADMINS, Some(&reader), None, Err(Refusal::ForbiddenRole)),
        (r#"{"roles":["editor","user"]}"#, Some(&admin), None, Err(Refusal::ForbiddenRole)),
        (r#"{"roles":["editor","user"]}"#, Some(&reader), None, Ok(())),
        (NEAR, Some(&admin), Some("10.1.2.3"), Ok(())),
        (NEAR, Some(&admin), Some("::ffff:10.1.2.3"), Ok(())),
        (NEAR, Some(&admin), Some("11.1.2.3"), Err(Refusal::ForbiddenAddress)),
        // Who comes from nowhere is not near.
        (NEAR, Some(&admin), None, Err(Refusal::ForbiddenAddress)),
        (NEAR, Some(&admin), Some("test-invoke-source-ip"), Err(Refusal::ForbiddenAddress)),
        // All of them together.
        (near_readers, Some(&reader), Some("10.1.2.3"), Ok(())),
        (near_readers, Some(&reader), Some("11.1.2.3"), Err(Refusal::ForbiddenAddress)),
        (near_readers, Some(&nobody_special), Some("10.1.2.3"), Err(missing())),
        (near_admins, Some(&admin), Some("2001:db8::7"), Ok(())),
        (near_admins, Some(&reader), Some("2001:db8::7"), Err(Refusal::ForbiddenRole)),
    ] {
        let asking = Asking { user: who, address: address.map(ClientAddress::parse), shown: None };
        let access = access(conditions);
        let case = format!("{conditions} {:?} {address:?}", who.map(|user| user.role.as_str()));
        assert_eq!(access.admits(asking), answer, "{case}");
        assert_eq!(access.lets_in(asking), answer.is_ok(), "a kept answer: {case}");
    }
}

fn shown(authenticated: i64, factor: Option<i64>) -> Option<Shown> {
    let at = |second| jiff::Timestamp::from_second(second).unwrap();
    Some(Shown { authenticated_at: at(authenticated), factor_at: factor.map(at), now: at(1_000) })
}

#[test]
fn a_step_up_is_asked_for_last_and_only_of_whom_it_lets_in() {
    let user = user("user", &["notes:read"]);
    let near = Some(ClientAddress::parse("10.1.2.3"));
    let step_up = |second_factor, seconds: Option<u32>| {
        let max_age = seconds.map(|seconds| seconds.try_into().unwrap());
        Err(Refusal::StepUpRequired { second_factor, max_age })
    };
    let recent = shown(990, Some(990));
    for (conditions, shown, answer) in [
        (r#"{"mfa":true}"#, shown(990, None), step_up(true, None)),
        (r#"{"mfa":true}"#, None, step_up(true, None)),
        (r#"{"mfa":true}"#, recent, Ok(())),
        (r#"{"fresh":60}"#, shown(900, Some(900)), step_up(false, Some(60))),
        (r#"{"fresh":60}"#, shown(940, None), Ok(())),
        (r#"{"mfa":true,"fresh":60}"#, shown(990, Some(900)), step_up(true, Some(60))),
        (r#"{"mfa":true,"fresh":60}"#, recent, Ok(())),
        (r#"{"mfa":true,"roles":["admin"]}"#, shown(990, None), Err(Refusal::ForbiddenRole)),
        (
            r#"{"fresh":60,"permission":"notes:write"}"#,
            shown(0, None),
            Err(Refusal::ForbiddenPermission { feature: "notes".to_owned(), action: "write".to_owned() }),
        ),
        (r#"{"mfa":true,"addresses":["192.0.2.0/24"]}"#, shown(990, None), Err(Refusal::ForbiddenAddress)),
        (r#"{"mfa":true,"addresses":["10.0.0.0/8"]}"#, shown(990, None), step_up(true, None)),
    ] {
        let asking = Asking { user: Some(&user), address: near, shown };
        let access = access(conditions);
        assert_eq!(access.admits(asking), answer, "{conditions} {shown:?}");
        assert_eq!(access.lets_in(asking), answer.is_ok(), "{conditions} {shown:?}");
        let nobody = Asking { user: None, ..asking };
        assert_eq!(access.admits(nobody), Err(Refusal::TokenMissing), "{conditions}");
    }
}

/// One name of the path asks for a step-up, and another is a no: the step-up would be for nothing.
#[test]
fn no_step_up_is_asked_for_where_another_name_of_the_path_is_a_no() {
    let rules = rules(
        Caching::Never,
        &[
            ("GET /notes/secret", ADMINS),
            ("GET /a", r#"{"fresh":60}"#),
            ("GET /a/*", "{}"),
            ("GET /b", ADMINS),
            ("GET /b/*", r#"{"mfa":true}"#),
            ("GET /notes/{id}", r#"{"mfa":true}"#),
        ],
    );
    let user = user("user", &[]);
    let asking = Asking { user: Some(&user), address: None, shown: shown(0, None) };
    let second_factor = || Err(Refusal::StepUpRequired { second_factor: true, max_age: None });
    let age = Some(60.try_into().unwrap());
    for (resource, path, answer) in [
        (None, "/notes/1", second_factor()),
        (Some("/notes/{id}"), "/notes/1", second_factor()),
        (Some("/notes/{id}"), "/notes/secret", Err(Refusal::ForbiddenRole)),
        (None, "/notes/%73ecret", Err(Refusal::ForbiddenRole)),
        (Some("/notes/{id}"), "/other", Err(Refusal::Forbidden)),
        (None, "/b/", Err(Refusal::ForbiddenRole)),
        (None, "/b/1", second_factor()),
        (None, "/a/", Err(Refusal::StepUpRequired { second_factor: false, max_age: age })),
    ] {
        assert_eq!(rules.decide("GET", resource, path, asking).answer, answer, "{resource:?} {path}");
    }
}

#[test]
fn no_name_of_a_path_is_a_way_around_the_rule_of_another() {
    let rules = rules(
        Caching::Never,
        &[("GET /notes/secret", ADMINS), ("GET /notes/{id}", "{}"), ("GET /open/*", r#"{"public":true}"#)],
    );
    let user = user("user", &[]);
    let asking = Asking { user: Some(&user), address: None, shown: None };
    for (resource, path, line, answer) in [
        (None, "/notes/1", Some(2), Ok(())),
        (Some("/notes/{id}"), "/notes/1", Some(2), Ok(())),
        (Some("/notes/1"), "/notes/1", Some(2), Ok(())),
        // `{proxy+}` is where a path was routed to, and names nothing.
        (Some("/{proxy+}"), "/notes/1", Some(2), Ok(())),
        (Some("/{proxy+}"), "/notes/secret", Some(1), Err(Refusal::ForbiddenRole)),
        // Each name by itself is a no, whatever the others are.
        (Some("/other"), "/notes/1", None, Err(Refusal::Forbidden)),
        (Some("/notes/{id}"), "/other", None, Err(Refusal::Forbidden)),
        (None, "/notes/%73ecret", Some(1), Err(Refusal::ForbiddenRole)),
        (Some("/notes/{id}"), "/notes/%73ecret", Some(1), Err(Refusal::ForbiddenRole)),
        (Some("/notes/{id}"), "/notes/a%2Fb", None, Err(Refusal::Forbidden)),
    ] {
        let verdict = rules.decide("GET", resource, path, asking);
        assert_eq!(verdict, Verdict { line, answer: answer.clone() }, "{resource:?} {path}");
        assert_eq!(verdict.is_allowed(), answer.is_ok(), "{resource:?} {path}");
    }
    assert_eq!(rules.decide("get", None, "/notes/1", asking).answer, Err(Refusal::Forbidden));
}

#[test]
fn a_rule_stands_for_another_only_if_everybody_it_lets_in_is_let_in_there() {
    let editors = r#"{"roles":["editor"]}"#;
    for (one, other, verdict) in [
        (editors, r#"{"roles":["editor","admin"]}"#, true),
        (r#"{"roles":["editor","admin"]}"#, editors, false),
        ("{}", editors, false),
        (editors, READ, false),
        (ADMINS, READ, true),
        ("{}", READ, false),
        (r#"{"roles":["admin","editor"]}"#, READ, false),
        (NEAR, r#"{"addresses":["10.0.0.0/7"]}"#, true),
        (NEAR, r#"{"addresses":["10.1.0.0/16"]}"#, false),
        ("{}", NEAR, false),
        (NEAR, "{}", true),
        (r#"{"public":true}"#, "{}", false),
        ("{}", r#"{"public":true}"#, true),
        (r#"{"mfa":true}"#, "{}", true),
        ("{}", r#"{"mfa":true}"#, false),
        (r#"{"fresh":60}"#, r#"{"fresh":600}"#, true),
        (r#"{"fresh":600}"#, r#"{"fresh":60}"#, false),
        (r#"{"fresh":60}"#, "{}", true),
        ("{}", r#"{"fresh":60}"#, false),
        (r#"{"mfa":true,"roles":["admin"]}"#, READ, true),
        (ADMINS, r#"{"mfa":true}"#, false),
    ] {
        assert_eq!(access(one).implies(&access(other)), verdict, "{one} {other}");
    }
}

const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2/v1/GET/notes";

/// The policy of an answer about [`ARN`].
fn granted(rules: &Rules, role: &str, allowed: bool) -> Policy {
    let user = user(role, &[]);
    rules.grant(
        MethodArn::parse(ARN).unwrap(),
        Asking { user: Some(&user), address: None, shown: None },
        allowed,
    )
}

#[test]
fn an_answer_that_is_kept_allows_all_that_its_user_may_call_and_nothing_else() {
    let rules = rules(
        Caching::Allowed,
        &[("GET /notes", "{}"), ("POST /admin", ADMINS), ("CONNECT $connect", "{}"), ("ANY /open/*", "{}")],
    );
    let policy = granted(&rules, "user", true);
    for (call, allowed) in [
        ("GET/notes", true),
        ("$connect", true),
        ("DELETE/open/a/b", true),
        ("POST/notes", false),
        ("POST/admin", false),
        ("GET/", false),
    ] {
        assert_eq!(policy.allows(&ARN.replace("GET/notes", call)), allowed, "{call}");
    }
    assert!(granted(&rules, "admin", true).allows(&ARN.replace("GET/notes", "POST/admin")));
}

#[test]
fn an_answer_that_is_not_kept_is_about_the_one_call_if_it_is_a_yes() {
    let rules = rules(Caching::Never, &[("GET /*", "{}")]);
    let policy = granted(&rules, "user", true);
    assert!(policy.allows(ARN) && !policy.allows(&format!("{ARN}/1")));
    assert!(!granted(&rules, "user", false).allows(ARN));
    // A star that a client sends is a character, and no wildcard.
    let starred = ARN.replace("notes", "notes*");
    let user = user("user", &[]);
    let asking = Asking { user: Some(&user), address: None, shown: None };
    let policy = rules.grant(MethodArn::parse(&starred).unwrap(), asking, true);
    assert!(policy.allows(&starred) && !policy.allows(&ARN.replace("notes", "notes-of-others")));
}

/// API Gateway answers 500 to what it does not take; whoever may call nothing gets a policy that says so.
#[test]
fn what_api_gateway_would_not_take_is_a_denial() {
    assert_eq!(granted(&rules(Caching::Allowed, &[("GET /notes", ADMINS)]), "user", false), Policy::deny());
    let of = |last: usize| {
        let long = (b'a'..b'l').map(|letter| format!("GET /{}", char::from(letter).to_string().repeat(480)));
        let routes: Vec<_> =
            long.chain(["GET /notes".to_owned(), format!("GET /{}", "z".repeat(last))]).collect();
        let routes: Vec<(&str, &str)> = routes.iter().map(|route| (route.as_str(), "{}")).collect();
        granted(&rules(Caching::Allowed, &routes), "user", true)
    };
    let of_bytes = |bytes: usize| of(1 + bytes - of(1).bytes());
    assert_eq!(of_bytes(grant::MAX_POLICY_BYTES).bytes(), grant::MAX_POLICY_BYTES);
    assert!(of_bytes(grant::MAX_POLICY_BYTES).allows(ARN));
    assert_eq!(of_bytes(grant::MAX_POLICY_BYTES + 1), Policy::deny());
    assert_eq!(of_bytes(3 * grant::MAX_POLICY_BYTES), Policy::deny());
}
