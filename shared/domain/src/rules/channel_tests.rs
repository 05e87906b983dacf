//! Who is let in to which channels, one by one and all at once.

use serde_json::json;

use super::*;
use crate::{
    rules::{Access, Caching, Rule},
    user::Profile,
};

const READ: &str = r#"{"permission":"chat:read"}"#;
const ADMINS: &str = r#"{"roles":["admin"]}"#;
const PUBLIC: &str = r#"{"public":true}"#;
const MFA: &str = r#"{"mfa":true}"#;

fn rules(rules: &[(&str, &str)]) -> Rules {
    let rule = |(line, (route, conditions)): (u32, &(&str, &str))| Rule {
        line,
        route: Route::parse(route).unwrap(),
        access: serde_json::from_str::<Access>(conditions).unwrap(),
    };
    Rules { rules: (1..).zip(rules).map(rule).collect(), caching: Caching::Never }
}

fn reader() -> Profile {
    serde_json::from_value(json!({
        "userId": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "a@example.com", "name": "A", "role": "user",
        "status": "active", "permissions": ["chat:read"], "epoch": 1, "createdAt": "2026-01-01T00:00:00Z",
        "passwordChangedAt": "2026-01-01T00:00:00Z",
    }))
    .unwrap()
}

fn ask(rules: &Rules, call: &str) -> Verdict {
    let (method, path) = call.split_once(' ').unwrap();
    let reader = reader();
    let asking = Asking { user: Some(&reader), address: None, shown: None };
    rules.decide_operation(Operation::parse(method, path).unwrap(), asking)
}

fn lets_in(rules: &Rules, call: &str) -> bool {
    ask(rules, call).is_allowed()
}

#[test]
fn each_operation_has_rules_of_its_own_and_any_reaches_none() {
    let each =
        rules(&[("CONNECT $events", "{}"), ("SUBSCRIBE /chat/{room}", "{}"), ("PUBLISH /chat/*", "{}")]);
    let any = rules(&[("ANY /*", PUBLIC), ("GET /chat/{room}", PUBLIC), ("CONNECT $connect", PUBLIC)]);
    for (call, line) in [("CONNECT $events", 1), ("SUBSCRIBE /chat/1", 2), ("PUBLISH /chat/1", 3)] {
        assert_eq!(ask(&each, call), Verdict { line: Some(line), answer: Ok(()) }, "{call}");
        assert_eq!(ask(&any, call), Verdict { line: None, answer: Err(Refusal::Forbidden) }, "{call}");
    }
    assert!(!lets_in(&each, "SUBSCRIBE /chat/1/2") && lets_in(&each, "PUBLISH /chat/1/2"));
    assert_eq!(Operation::parse("CONNECT", "$connect"), None);
    assert_eq!(Operation::parse("GET", "/chat/1"), None);
}

/// UPnP has a method of that name, and whoever calls an HTTP API may send any.
#[test]
fn a_rule_for_channels_opens_no_path_of_an_http_api() {
    let rules = rules(&[("SUBSCRIBE /*", PUBLIC), ("PUBLISH /*", PUBLIC), ("CONNECT $events", PUBLIC)]);
    let asking = Asking { user: None, address: None, shown: None };
    for (method, path) in [("SUBSCRIBE", "/chat/1"), ("PUBLISH", "/chat/1"), ("CONNECT", "/chat/1")] {
        assert!(!rules.decide(method, None, path, asking).is_allowed(), "{method}");
    }
}

#[test]
fn a_channel_has_one_spelling_but_for_its_first_slash() {
    let open = rules(&[("SUBSCRIBE /*", "{}"), ("PUBLISH /*", "{}")]);
    for channel in ["/chat/room-1", "chat/room-1", "/chat", "chat", "/a/b/c/d/e"] {
        for operation in ["SUBSCRIBE", "PUBLISH"] {
            assert!(lets_in(&open, &format!("{operation} {channel}")), "{operation} {channel}");
        }
    }
    for channel in [
        "",
        "/",
        "//",
        "//chat",
        "/chat/",
        "/chat//1",
        "/chat/.",
        "/chat/..",
        "/chat/../admin",
        "/chat/%31",
        "/chat/%2a",
        "/chat/1 ",
        " /chat/1",
        "/chat/1;a=b",
        "/chat\\1",
        "/chat/{room}",
        "/chat/é",
        "/chat/\u{0}",
        "/chat/1?a",
        "/chat/1#a",
        "/chat/a.b",
        "/chat/a_b",
        "*/chat",
        "/*/chat",
        "/chat/*/x",
        "/chat/**",
        "/chat/a*",
        "/chat/*a",
        "/chat/*/",
        "//*",
        "/chat//*",
        "/%2a",
        "/chat/%2A",
        "/chat/\u{ff0a}",
    ] {
        for operation in ["SUBSCRIBE", "PUBLISH"] {
            assert!(!lets_in(&open, &format!("{operation} {channel}")), "{operation} {channel:?}");
        }
    }
}

#[test]
fn a_wildcard_subscription_is_not_let_in_as_one_channel() {
    for (route, wildcard, is_about_all) in [
        ("SUBSCRIBE /chat/{room}", "/chat/*", false),
        ("SUBSCRIBE /chat/{room}", "chat/*", false),
        ("SUBSCRIBE /{a}/{b}", "/chat/*", false),
        ("SUBSCRIBE /{namespace}", "/*", false),
        ("SUBSCRIBE /chat/lobby", "/chat/*", false),
        ("SUBSCRIBE /chat", "/chat/*", false),
        ("SUBSCRIBE /chat/{room}/*", "/chat/*", false),
        ("SUBSCRIBE /chat/{room}/*", "/*", false),
        ("PUBLISH /chat/*", "/chat/*", false),
        ("SUBSCRIBE /chat/*", "/chat/*", true),
        ("SUBSCRIBE /chat/*", "chat/*", true),
        ("SUBSCRIBE /chat/*", "/chat/1/*", true),
        ("SUBSCRIBE /{namespace}/*", "/chat/*", true),
        ("SUBSCRIBE /chat/{room}/*", "/chat/1/*", true),
        ("SUBSCRIBE /chat/*", "/*", false),
        ("SUBSCRIBE /chat/*", "/chats/*", false),
        ("SUBSCRIBE /*", "/chat/*", true),
        ("SUBSCRIBE /*", "/*", true),
        ("SUBSCRIBE /*", "*", true),
    ] {
        let rules = rules(&[(route, "{}")]);
        assert_eq!(lets_in(&rules, &format!("SUBSCRIBE {wildcard}")), is_about_all, "{route} {wildcard}");
        assert!(!lets_in(&rules, &format!("PUBLISH {wildcard}")), "{route} {wildcard}");
    }
}

/// It hears them all: the rule that closes one of them closes it.
#[test]
fn a_wildcard_subscription_hears_no_channel_that_its_subscriber_could_not_hear_alone() {
    let secret = |first: &str| rules(&[(first, ADMINS), ("SUBSCRIBE /chat/*", READ)]);
    for first in [
        "SUBSCRIBE /chat/secret",
        "SUBSCRIBE /chat/{room}",
        "SUBSCRIBE /chat/a/b/c",
        "SUBSCRIBE /{any}/secret",
        "SUBSCRIBE /chat/secret/*",
        "SUBSCRIBE /{any}/{room}/*",
        // Nobody says whether it is among them.
        "SUBSCRIBE /chat",
    ] {
        let verdict = ask(&secret(first), "SUBSCRIBE /chat/*");
        assert_eq!(verdict, Verdict { line: Some(1), answer: Err(Refusal::ForbiddenRole) }, "{first}");
    }
    for elsewhere in ["SUBSCRIBE /secret/*", "PUBLISH /chat/secret", "ANY /chat/secret", "SUBSCRIBE /chats"] {
        let verdict = ask(&secret(elsewhere), "SUBSCRIBE /chat/*");
        assert_eq!(verdict, Verdict { line: Some(2), answer: Ok(()) }, "{elsewhere}");
    }
    // Behind the rule about all of them no rule is asked, here as elsewhere; but that one is not about the first.
    let behind = rules(&[("SUBSCRIBE /chat/*", READ), ("SUBSCRIBE /*", ADMINS), ("SUBSCRIBE /chat", ADMINS)]);
    assert_eq!(ask(&behind, "SUBSCRIBE /chat/*").line, Some(2));
    assert_eq!(ask(&behind, "SUBSCRIBE /chat/1/*"), Verdict { line: Some(1), answer: Ok(()) });
    // A public part lets in, and does not open the rest.
    let part = rules(&[("SUBSCRIBE /chat/lobby", PUBLIC), ("SUBSCRIBE /chat/*", READ)]);
    assert!(lets_in(&part, "SUBSCRIBE /chat/*"));
    assert!(!lets_in(&rules(&[("SUBSCRIBE /chat/lobby", PUBLIC)]), "SUBSCRIBE /chat/*"));
}

#[test]
fn a_step_up_is_asked_of_nobody_whom_it_would_not_let_in() {
    let stepped = |last: &str| {
        rules(&[
            ("SUBSCRIBE /chat/payments", MFA),
            ("SUBSCRIBE /chat/secret", last),
            ("SUBSCRIBE /chat/*", READ),
        ])
    };
    let asked = ask(&stepped(READ), "SUBSCRIBE /chat/*");
    assert!(matches!(asked.answer, Err(Refusal::StepUpRequired { second_factor: true, .. })), "{asked:?}");
    assert_eq!(ask(&stepped(ADMINS), "SUBSCRIBE /chat/*").answer, Err(Refusal::ForbiddenRole));
    let uncovered = rules(&[("SUBSCRIBE /chat/payments", MFA)]);
    assert_eq!(ask(&uncovered, "SUBSCRIBE /chat/*").answer, Err(Refusal::Forbidden));
}

/// They are in no policy, so no kept answer says anything of them, and nothing in them is in a policy's way.
#[test]
fn rules_for_channels_are_stored_for_kept_answers_and_stand_in_no_policy() {
    let channels =
        [("SUBSCRIBE /chat/secret", ADMINS), ("SUBSCRIBE /chat/{room}", READ), ("PUBLISH /chat/*", READ)];
    let mut all = rules(&[&channels[..], &[("CONNECT $events", "{}"), ("GET /notes", "{}")]].concat());
    all.caching = Caching::Allowed;
    assert_eq!(all.unfit(), []);
    let reader = reader();
    let asking = Asking { user: Some(&reader), address: None, shown: None };
    let arn = "arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI/v1/GET/notes";
    let policy = all.answer(crate::policy::MethodArn::parse(arn).unwrap(), None, asking).1;
    let policy = serde_json::to_value(policy).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], json!([arn]));
}

#[test]
fn a_rule_for_channels_that_is_never_asked_is_a_mistake() {
    let hidden = rules(&[("SUBSCRIBE /chat/*", READ), ("SUBSCRIBE /chat/{room}", READ)]);
    assert_eq!(hidden.unfit().len(), 1);
    let others =
        rules(&[("SUBSCRIBE /chat/*", READ), ("PUBLISH /chat/{room}", READ), ("CONNECT $connect", READ)]);
    assert_eq!(others.unfit(), []);
}
