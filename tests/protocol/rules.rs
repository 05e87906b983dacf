//! Rules in the authorizer: what reading them costs, how long they are kept, what spelling is no way around them; and the
//! limit on calls.

use std::time::Duration;

use nova_auth::{
    authorizer::{AuthorizerError, answer},
    domain::{
        refusal::Refusal,
        rules::{Caching, Rules, file},
    },
    store::StoredRules,
};
use serde_json::{Value, json};

use nova_test_support::engine;

use super::{
    answers::refusal,
    rows::{IDENTITY, s},
    world::{Pair, World, time},
};

const API: &str = "a1b2c3";

async fn put(world: &World, caching: Caching, yaml: &str) {
    let rules = Rules { rules: file::read(yaml).unwrap(), caching };
    let stored = StoredRules { rules, source: yaml.to_owned(), stored_at: time(0) };
    assert!(world.service.store.put_rules(API, &stored).await.unwrap());
}

#[tokio::test]
async fn rules_of_a_later_version_can_be_replaced_though_they_can_t_be_read() {
    let world = World::new().await;
    put(&world, Caching::Never, "- route: GET /notes\n").await;
    world.rows.set(IDENTITY, &format!("API#{API}"), "RULES", "rules", s("{\"later\":true}")).await;
    assert!(world.service.store.rules(API).await.is_err());
    put(&world, Caching::Never, "- route: GET /whoami\n").await;
    assert_eq!(world.service.store.rules(API).await.unwrap().unwrap().source, "- route: GET /whoami\n");
}

/// What the authorizer answers about a call, as API Gateway reads it.
async fn ask(
    world: &World,
    second: i64,
    pair: Option<&Pair>,
    resource: &str,
    path: &str,
) -> Result<Value, AuthorizerError> {
    let mut event = json!({
        "type": "REQUEST",
        "methodArn": format!("arn:aws:execute-api:us-east-1:123456789012:{API}/v1/GET{path}"),
        "resource": resource,
        "headers": {"accept-language": "en"},
        "requestContext": {"identity": {"sourceIp": "10.1.2.3"}},
    });
    if let Some(pair) = pair {
        event["headers"]["authorization"] = format!("Bearer {}", pair.access.expose()).into();
    }
    let answered = answer(&world.authorizer, &event.to_string(), &world.at(second)).await;
    answered.map(|response| serde_json::to_value(response).unwrap())
}

fn effect(answer: &Value) -> &str {
    answer["policyDocument"]["Statement"][0]["Effect"].as_str().unwrap()
}

async fn is_allowed(world: &World, second: i64, pair: &Pair, path: &str) -> bool {
    let answer = ask(world, second, Some(pair), path, path).await.unwrap();
    let allowed = answer["context"].get("code").is_none();
    assert_eq!(allowed, answer["context"].get("userId").is_some(), "{answer}");
    allowed
}

#[tokio::test]
async fn rules_are_read_with_the_rest_and_kept_for_a_minute() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /notes\n").await;
    world.assert_alive(0, &pair).await;
    world.wire.set_latency(Duration::from_millis(20));
    for (second, units) in [(10, 3.0), (11, 2.0), (69, 2.0), (70, 3.0)] {
        world.wire.reset();
        assert!(is_allowed(&world, second, &pair, "/notes").await);
        let sent = world.wire.sent();
        assert_eq!(sent.iter().map(|sent| sent.round).max(), Some(1), "at {second}");
        let read: f64 = sent.iter().map(|sent| sent.units).sum();
        assert!(engine::is_amazons() || (read - units).abs() < f64::EPSILON, "{read} read units at {second}");
    }
}

#[tokio::test]
async fn that_an_api_has_no_rules_is_denied_and_never_kept() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    assert!(!is_allowed(&world, 1, &pair, "/notes").await);
    put(&world, Caching::Never, "- route: GET /notes\n").await;
    assert!(is_allowed(&world, 2, &pair, "/notes").await, "the new rules are not in force");
}

#[tokio::test]
async fn rules_that_were_put_are_in_force_within_a_minute() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /notes\n").await;
    assert!(is_allowed(&world, 1, &pair, "/notes").await);
    put(&world, Caching::Never, "- route: GET /notes\n  roles: [admin]\n").await;
    assert!(!is_allowed(&world, 61, &pair, "/notes").await);
}

#[tokio::test]
async fn no_spelling_of_a_path_is_a_way_around_a_rule() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: ANY /admin/*\n  roles: [admin]\n- route: ANY /*\n").await;
    let denied = async |resource: &str, path: &str| {
        let answer = ask(&world, 1, Some(&pair), resource, path).await.unwrap();
        assert_eq!(effect(&answer), "Deny", "{resource} {path}: {answer}");
    };
    for path in [
        "/admin/x",
        "/%61dmin/x",
        "/admin%2Fx",
        "//admin/x",
        "/./admin/x",
        "/x/../admin/x",
        "/x/%2e%2e/admin/x",
        "/admin%5Cx",
        "/admin;a=b/x",
        "/admin%3Ba/x",
        "/.;/admin/x",
        "/x/..;/admin/x",
        "/%2561dmin/x",
        "/admin/%00",
    ] {
        denied("/{proxy+}", path).await;
    }
    // The path looks harmless and the resource is not, and the other way around.
    denied("/admin/{id}", "/other/x").await;
    denied("/{a}/{b}", "/admin/x").await;
    let fine = ask(&world, 1, Some(&pair), "/{proxy+}", "/other/a%20b").await.unwrap();
    assert_eq!(effect(&fine), "Allow", "{fine}");
}

/// Whether API Gateway lets a call of this path through by an answer, kept or not.
fn lets_through(answer: &Value, path: &str) -> bool {
    let arn = format!("arn:aws:execute-api:us-east-1:123456789012:{API}/v1/GET{path}");
    let fits = |pattern: &Value| {
        let pattern = regex_lite::escape(pattern.as_str().unwrap()).replace("\\*", ".*").replace("\\?", ".");
        regex_lite::Regex::new(&format!("(?s)^{pattern}$")).unwrap().is_match(&arn)
    };
    let says = |effect: &str| {
        let statements = answer["policyDocument"]["Statement"].as_array().unwrap().iter();
        let mut about = statements.filter(|statement| statement["Effect"] == effect);
        about.any(|statement| statement["Resource"].as_array().unwrap().iter().any(fits))
    };
    says("Allow") && !says("Deny")
}

/// API Gateway keeps the answer for the user's other calls: it must say all of it, whichever was asked about.
#[tokio::test]
async fn a_call_that_is_denied_is_answered_with_all_that_its_user_may_call() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Allowed, "- route: ANY /admin/*\n  roles: [admin]\n- route: GET /files/*\n").await;
    let plain = ask(&world, 1, Some(&pair), "/{proxy+}", "/files/a").await.unwrap();
    assert!(lets_through(&plain, "/files/a"), "{plain}");
    let names: Vec<_> = plain["context"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["acr", "authTime", "code", "email", "epoch", "message", "role", "sessionId", "userId"]
    );
    for path in [
        "/admin/x",
        "/files/../admin/x",
        "/files//a",
        "/files/%2e%2e/admin",
        "/files/a%2Fb",
        "/files/a%5Cb",
        "/files/%00",
        "//a",
        "/x",
    ] {
        assert!(!lets_through(&plain, path), "{path}");
        let first = ask(&world, 1, Some(&pair), "/{proxy+}", path).await.unwrap();
        assert_eq!(first, plain, "{path}");
    }
}

/// A kept policy sees the path and not the resource, so the fresh answer must not depend on it.
#[tokio::test]
async fn where_answers_are_kept_the_path_decides_and_no_resource() {
    for (caching, allowed) in [(Caching::Allowed, true), (Caching::Never, false)] {
        let world = World::new().await;
        let (_, pair) = world.logged_in().await;
        put(&world, caching, "- route: GET /reports/one\n").await;
        for (resource, allowed) in [("/reports/one", true), ("/reports/{id}", allowed)] {
            let answer = ask(&world, 1, Some(&pair), resource, "/reports/one").await.unwrap();
            assert_eq!(
                answer["context"].get("userId").is_some(),
                allowed,
                "{caching:?} {resource}: {answer}"
            );
        }
    }
}

/// REST APIs take `/admin/` for `/admin`.
#[tokio::test]
async fn a_slash_at_the_end_is_no_way_around_a_rule() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /admin\n  roles: [admin]\n- route: GET /*\n").await;
    for (path, allowed) in
        [("/admin", false), ("/admin/", false), ("/admin;x/", false), ("/%61dmin/", false), ("/other/", true)]
    {
        let answer = ask(&world, 1, Some(&pair), "/{proxy+}", path).await.unwrap();
        assert_eq!(answer["context"].get("userId").is_some(), allowed, "{path}: {answer}");
    }
}

/// `50%.pdf`. What could be decoded twice is another matter.
#[tokio::test]
async fn a_percent_sign_in_a_name_is_let_in_kept_or_not() {
    for caching in [Caching::Allowed, Caching::Never] {
        let world = World::new().await;
        let (_, pair) = world.logged_in().await;
        put(&world, caching, "- route: ANY /files/*\n").await;
        for (path, allowed) in [
            ("/files/50%25.pdf", true),
            ("/files/50%25", true),
            ("/files/50%25%20off.pdf", true),
            ("/files/50%25discount.pdf", true),
            ("/files/%252e%252e/a", false),
            ("/files/a%252Fb", false),
            ("/files/a%255cb", false),
            ("/files/%252525", false),
        ] {
            let answer = ask(&world, 1, Some(&pair), "/{proxy+}", path).await.unwrap();
            assert_eq!(lets_through(&answer, path), allowed, "{caching:?} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_may_be_kept_gives_no_reason_that_another_route_does_not_have() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    let yaml = "- route: GET /secret\n  permission: secrets:read\n- route: GET /notes\n";
    put(&world, Caching::Allowed, yaml).await;
    let kept = ask(&world, 1, Some(&pair), "/secret", "/secret").await.unwrap();
    assert_eq!(kept["context"]["code"], "FORBIDDEN");
    // It is kept for the user's next call, which it allows.
    assert_eq!(
        kept["policyDocument"]["Statement"][0]["Resource"],
        json!(["arn:aws:execute-api:us-east-1:123456789012:a1b2c3/v1/GET/notes"])
    );
    put(&world, Caching::Never, yaml).await;
    let told = ask(&world, 62, Some(&pair), "/secret", "/secret").await.unwrap();
    assert_eq!(told["context"]["code"], "FORBIDDEN_PERMISSION");
    assert_eq!(told["context"]["message"], "You are not allowed to read in secrets.");
}

#[tokio::test]
async fn a_public_route_needs_no_token_and_a_bad_one_is_a_401_even_there() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /health\n  public: true\n- route: GET /notes\n").await;
    let open = ask(&world, 1, None, "/health", "/health").await.unwrap();
    assert_eq!((effect(&open), &open["principalId"]), ("Allow", &json!("anonymous")));
    assert!(open["context"].get("userId").is_none(), "{open}");
    assert_eq!(ask(&world, 1, None, "/notes", "/notes").await, Err(AuthorizerError::Unauthorized));
    world.logout(&world.at(2), &pair).await.unwrap();
    assert_eq!(ask(&world, 3, Some(&pair), "/health", "/health").await, Err(AuthorizerError::Unauthorized));
}

#[tokio::test]
async fn rules_that_cannot_be_read_are_no_rules_and_no_answer() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /notes\n").await;
    world.rows.set(IDENTITY, &format!("API#{API}"), "RULES", "rules", s("{\"rules\":[{}]}")).await;
    assert_eq!(ask(&world, 1, Some(&pair), "/notes", "/notes").await, Err(AuthorizerError::Failed));
}

/// IAM's `*` crosses `/`. No command stores rules that it would say too much of; if some got into the table by another
/// way, the policy is held against the call before it is sent.
#[tokio::test]
async fn where_a_wildcard_reaches_further_than_its_rule_nothing_is_allowed() {
    let world = World::new().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Allowed, "- route: GET /notes/{id}\n").await;
    let answer = ask(&world, 1, Some(&pair), "/notes/{id}", "/notes/1").await.unwrap();
    assert_eq!(effect(&answer), "Allow");
    let answer = ask(&world, 1, Some(&pair), "/notes/{id}/secrets", "/notes/1/secrets").await.unwrap();
    assert_eq!((effect(&answer), &answer["context"]["code"]), ("Deny", &json!("FORBIDDEN")));
}

#[tokio::test]
async fn without_rules_every_user_is_let_in_where_that_is_switched_on_and_nobody_else() {
    let world = World::with(&[("NO_RULES", "authenticated")]).await;
    let (_, pair) = world.logged_in().await;
    assert!(is_allowed(&world, 1, &pair, "/notes").await);
    // The policy is what API Gateway goes by.
    assert_eq!(effect(&ask(&world, 1, Some(&pair), "/notes", "/notes").await.unwrap()), "Allow");
    assert!(ask(&world, 1, None, "/notes", "/notes").await.is_err());
    world.logout(&world.at(2), &pair).await.unwrap();
    assert!(ask(&world, 3, Some(&pair), "/notes", "/notes").await.is_err());
}

#[tokio::test]
async fn calls_beyond_the_limit_are_denied_until_the_window_is_over() {
    let world = World::with(&[("API_RATE_LIMIT", "3")]).await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: GET /notes\n").await;
    let mut codes = Vec::new();
    for second in [120, 121, 122, 123, 139, 140] {
        let answer = ask(&world, second, Some(&pair), "/notes", "/notes").await.unwrap();
        let code = answer["context"]["code"].as_str().unwrap_or("OK");
        // The policy is what API Gateway goes by; the code is what it tells.
        assert_eq!(effect(&answer), if code == "OK" { "Allow" } else { "Deny" }, "at {second}");
        codes.push(code.to_owned());
    }
    // Windows are whole minutes of the clock; one of them begins at second 140 of this test.
    assert_eq!(codes, ["OK", "OK", "OK", "API_RATE_LIMITED", "API_RATE_LIMITED", "OK"]);
}

#[tokio::test]
async fn logins_beyond_the_limit_are_refused_and_hold_no_place() {
    let world = World::with(&[("API_RATE_LIMIT", "2")]).await;
    let person = world.person("amal").await;
    for second in [121, 122] {
        world.login(&world.at(second), &person).await.unwrap();
    }
    for second in [123, 124] {
        let refused = refusal(world.login(&world.at(second), &person).await);
        assert!(matches!(refused, Refusal::ApiRateLimited(_)), "{refused:?}");
    }
    world.login(&world.at(185), &person).await.unwrap();
}
