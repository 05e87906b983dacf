//! The authorizer, asked by an event API of AppSync: the same decision, in AppSync's words, which keeps none of it.

use std::{fs, sync::Arc};

use nova_auth::{
    authorizer::{AuthorizerError, answer},
    domain::{rules::Caching, user::Status},
    flows::ticket::ticket,
};
use serde_json::{Value, json};

use super::{
    event_kinds::{OF_USER, names, put},
    faults::{Fault, on},
    log::Log,
    rows::s,
    world::{Pair, Person, World},
};

/// Whoever may read may listen, whoever is logged in may connect and write.
const RULES: &str = "\
- route: CONNECT $events
- route: SUBSCRIBE /chat/secret
  roles: [admin]
- route: SUBSCRIBE /chat/{room}
- route: PUBLISH /chat/*
";

/// An event of `events/`, with this token.
fn event(operation: &str, token: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let text = fs::read_to_string(format!("{folder}/token-authorizer.appsync.{operation}.json")).unwrap();
    serde_json::from_str(&text.replace("REPLACE_WITH_ACCESS_TOKEN", token)).unwrap()
}

fn at(operation: &str, channel: &str, pair: &Pair) -> Value {
    let mut event = event(operation, pair.access.expose());
    event["requestContext"]["channel"] = json!(channel);
    event["requestContext"]["channelNamespaceName"] = json!(null);
    event
}

/// What AppSync is told. Whatever it is, it may not be kept, and has no more in it than AppSync reads.
async fn ask(world: &World, second: i64, event: &Value) -> Result<Value, AuthorizerError> {
    let answered = answer(&world.authorizer, &event.to_string(), &world.at(second)).await;
    let answer = serde_json::to_value(answered?).unwrap();
    assert_eq!(names(&answer), ["handlerContext", "isAuthorized", "ttlOverride"]);
    assert_eq!(answer["ttlOverride"], json!(0), "it would be kept: {answer}");
    let context = answer["handlerContext"].as_object().unwrap();
    assert!(context.values().all(Value::is_string), "flat strings: {answer}");
    Ok(answer)
}

async fn code(world: &World, second: i64, event: &Value) -> String {
    let answer = ask(world, second, event).await.unwrap();
    if answer["isAuthorized"] == true {
        assert_eq!(names(&answer["handlerContext"]), OF_USER);
        return "OK".to_owned();
    }
    assert_eq!(answer["isAuthorized"], false);
    assert_eq!(names(&answer["handlerContext"]), ["code", "message"], "{answer}");
    answer["handlerContext"]["code"].as_str().unwrap().to_owned()
}

async fn scene(caching: Caching, yaml: &str) -> (Arc<World>, Person, Pair) {
    let world = World::new().await;
    let (person, pair) = world.logged_in().await;
    put(&world, caching, yaml).await;
    (world, person, pair)
}

#[tokio::test]
async fn whoever_may_connect_subscribe_or_publish_is_let_in_and_named() {
    for caching in [Caching::Never, Caching::Allowed] {
        let (world, person, pair) = scene(caching, RULES).await;
        for operation in ["connect", "subscribe", "publish"] {
            for token in [pair.access.expose().to_owned(), format!("Bearer {}", pair.access.expose())] {
                let answer = ask(&world, 1, &event(operation, &token)).await.unwrap();
                assert_eq!(answer["isAuthorized"], true, "{operation}: {answer}");
                assert_eq!(names(&answer["handlerContext"]), OF_USER);
                assert_eq!(answer["handlerContext"]["userId"], person.id.to_string());
                assert_eq!(answer["handlerContext"]["acr"], "urn:nova:1");
            }
        }
    }
}

#[tokio::test]
async fn whoever_may_not_is_told_why_and_nothing_else() {
    // However the rules were stored: no answer to AppSync is kept.
    for caching in [Caching::Never, Caching::Allowed] {
        let (world, _, pair) = scene(caching, RULES).await;
        for (operation, channel, told) in [
            ("subscribe", "/chat/secret", "FORBIDDEN_ROLE"),
            ("subscribe", "chat/secret", "FORBIDDEN_ROLE"),
            ("subscribe", "/news/1", "FORBIDDEN"),
            ("subscribe", "/chat/lobby/1", "FORBIDDEN"),
            ("subscribe", "/chat/lobby/", "FORBIDDEN"),
            ("subscribe", "/chat//lobby", "FORBIDDEN"),
            ("publish", "/chat/%73ecret", "FORBIDDEN"),
            ("publish", "/chat/*", "FORBIDDEN"),
            ("publish", "/news/1", "FORBIDDEN"),
            ("publish", "/chat/secret", "OK"),
        ] {
            assert_eq!(code(&world, 1, &at(operation, channel, &pair)).await, told, "{operation} {channel}");
        }
    }
}

#[tokio::test]
async fn a_rule_for_one_channel_lets_nobody_subscribe_to_all_of_them() {
    let (world, _, pair) = scene(Caching::Never, RULES).await;
    for channel in ["/chat/*", "chat/*", "/*", "/chat/lobby/*", "/chat/**"] {
        assert_ne!(code(&world, 1, &at("subscribe", channel, &pair)).await, "OK", "{channel}");
    }
    let rule = "- route: SUBSCRIBE /chat/*\n";
    for (yaml, told) in [
        (rule.to_owned(), "OK"),
        // It would hear what is said in secret.
        (format!("- route: SUBSCRIBE /chat/secret\n  roles: [admin]\n{rule}"), "FORBIDDEN_ROLE"),
    ] {
        let (world, _, pair) = scene(Caching::Never, &yaml).await;
        assert_eq!(code(&world, 1, &at("subscribe", "/chat/*", &pair)).await, told, "{yaml}");
        assert_ne!(code(&world, 1, &at("subscribe", "/*", &pair)).await, "OK", "{yaml}");
        assert_eq!(code(&world, 1, &at("subscribe", "/chat/lobby", &pair)).await, "OK", "{yaml}");
    }
}

#[tokio::test]
async fn a_revoked_session_is_refused_on_its_next_publish() {
    let (world, person, pair) = scene(Caching::Never, RULES).await;
    let publish = event("publish", pair.access.expose());
    assert_eq!(code(&world, 1, &publish).await, "OK");
    world.logout(&world.at(2), &pair).await.unwrap();
    for operation in ["publish", "subscribe", "connect"] {
        assert_eq!(
            code(&world, 3, &event(operation, pair.access.expose())).await,
            "TOKEN_REVOKED",
            "{operation}"
        );
    }
    let again = world.login(&world.at(4), &person).await.unwrap();
    let publish = event("publish", again.access.expose());
    assert_eq!(code(&world, 5, &publish).await, "OK");
    world.set_status(&world.at(6), &person, Status::Disabled).await.unwrap();
    let answer = ask(&world, 7, &publish).await.unwrap();
    assert_eq!(answer["isAuthorized"], false, "{answer}");
}

#[tokio::test]
async fn who_shows_no_token_that_counts_is_told_no_and_not_an_error() {
    let (world, _, pair) = scene(Caching::Never, RULES).await;
    let good = pair.access.expose();
    for bad in
        ["", "x", "a.b.c", "Bearer", "Basic abc", &good[1..], &format!("{good}x"), &format!("{good} {good}")]
    {
        let answer = ask(&world, 1, &event("publish", bad)).await.unwrap();
        assert_eq!(answer["isAuthorized"], false, "{bad}");
        assert_eq!(names(&answer["handlerContext"]), ["code", "message"], "{bad}");
    }
    assert_eq!(code(&world, 904, &event("publish", good)).await, "OK");
    assert_eq!(code(&world, 905, &event("publish", good)).await, "TOKEN_EXPIRED");
    // Where none is needed, a bad one is still refused.
    let (world, _, _) = scene(Caching::Never, "- route: PUBLISH /chat/*\n  public: true\n").await;
    let anonymous = ask(&world, 1, &event("publish", "")).await.unwrap();
    assert_eq!((&anonymous["isAuthorized"], &anonymous["handlerContext"]), (&json!(true), &json!({})));
    for bad in [json!("a.b.c"), json!("Basic abc"), json!(7), json!(["x"]), json!({})] {
        let mut event = event("publish", "");
        event["authorizationToken"] = bad;
        assert_eq!(ask(&world, 1, &event).await.unwrap()["isAuthorized"], false, "{event}");
    }
}

#[tokio::test]
async fn a_ticket_opens_nothing_at_an_event_api() {
    let world = World::with(&[("TICKETS", "enabled"), ("WEBSOCKET_TOKEN_QUERY", "on")]).await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: CONNECT $events\n- route: CONNECT $connect\n").await;
    let made = ticket(&world.service, &world.at(1), &pair.access, "EXAMPLEAPI").await.unwrap();
    let made = made.token.expose();
    for token in [made.to_owned(), format!("Bearer {made}"), format!("nova.ticket.{made}")] {
        assert_ne!(code(&world, 2, &event("connect", &token)).await, "OK");
    }
    let mut elsewhere = event("connect", "");
    elsewhere["queryStringParameters"] = json!({"ticket": made, "access_token": pair.access.expose()});
    elsewhere["headers"] = json!({"authorization": format!("Bearer {}", pair.access.expose())});
    assert_ne!(code(&world, 2, &elsewhere).await, "OK");
}

#[tokio::test]
async fn any_and_rules_for_other_apis_reach_no_channel_and_the_other_way_round() {
    let others = "- route: ANY /*\n  public: true\n- route: GET /chat/{room}\n- route: CONNECT $connect\n";
    let (world, _, pair) = scene(Caching::Never, others).await;
    for operation in ["connect", "subscribe", "publish"] {
        assert_eq!(
            code(&world, 1, &event(operation, pair.access.expose())).await,
            "FORBIDDEN",
            "{operation}"
        );
    }
    // A client of an HTTP API can send `PUBLISH`, and whatever else it likes.
    let channels =
        "- route: PUBLISH /*\n- route: SUBSCRIBE /*\n- route: CONNECT $events\n- route: GET /other\n";
    for caching in [Caching::Never, Caching::Allowed] {
        let (world, _, pair) = scene(caching, channels).await;
        for call in
            ["PUBLISH/chat/1", "SUBSCRIBE/chat/1", "$events", "CONNECT/$events", "GET/chat/1", "$connect"]
        {
            let event = json!({
                "type": "TOKEN", "authorizationToken": format!("Bearer {}", pair.access.expose()),
                "methodArn": format!("arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI/v1/{call}"),
            });
            let answered = answer(&world.authorizer, &event.to_string(), &world.at(1)).await;
            let Ok(answer) = answered else { continue };
            let said = serde_json::to_string(&answer).unwrap();
            assert!(said.contains("\"code\"") && !said.contains("chat"), "{call}: {said}");
            assert!(
                !said.contains("/PUBLISH") && !said.contains("/SUBSCRIBE") && !said.contains("$events"),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn an_address_rule_denies_since_no_event_says_an_address() {
    let yaml = "- route: PUBLISH /chat/*\n  addresses: [0.0.0.0/0, '::/0']\n";
    let (world, _, pair) = scene(Caching::Never, yaml).await;
    let mut event = event("publish", pair.access.expose());
    assert_eq!(code(&world, 1, &event).await, "FORBIDDEN_ADDRESS");
    // What is nearly one is the client's own word.
    event["requestHeaders"]["x-forwarded-for"] = json!("192.0.2.10");
    event["requestContext"]["identity"] = json!({"sourceIp": "192.0.2.10"});
    assert_eq!(code(&world, 1, &event).await, "FORBIDDEN_ADDRESS");
}

#[tokio::test]
async fn a_rule_about_the_session_holds_and_its_refusal_says_no_more_than_the_others() {
    let (world, person, pair) = scene(Caching::Never, "- route: PUBLISH /chat/*\n  mfa: required\n").await;
    let publish = event("publish", pair.access.expose());
    assert_eq!(code(&world, 1, &publish).await, "STEP_UP_REQUIRED");
    world.rows.set_session(person.id, "state", s("enrolling")).await;
    assert_eq!(code(&world, 2, &publish).await, "MFA_ENROLMENT_REQUIRED");
}

#[tokio::test]
async fn an_event_that_is_only_nearly_appsyncs_is_no_event() {
    let (world, _, pair) = scene(Caching::Never, RULES).await;
    let good = event("publish", pair.access.expose());
    assert_eq!(code(&world, 1, &good).await, "OK");
    let mut broken = Vec::new();
    for (place, value) in [
        ("/requestContext/operation", json!("EVENT_UNSUBSCRIBE")),
        ("/requestContext/operation", json!("event_publish")),
        ("/requestContext/operation", json!(null)),
        ("/requestContext/operation", json!(["EVENT_PUBLISH"])),
        ("/requestContext/operation", json!("EVENT_CONNECT")),
        ("/requestContext/apiId", json!(null)),
        ("/requestContext/apiId", json!("")),
        ("/requestContext/channel", json!(null)),
        ("/requestContext/channel", json!("")),
        ("/requestContext/channel", json!(["/chat/1"])),
        ("/requestContext/channelNamespaceName", json!("news")),
        ("/requestContext", json!("EVENT_PUBLISH")),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(place).unwrap() = value;
        broken.push(event);
    }
    let arn = "arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI/v1/GET/whoami";
    for (name, value) in
        [("methodArn", arn), ("routeArn", arn), ("type", "REQUEST"), ("type", "TOKEN"), ("version", "2.0")]
    {
        let mut event = good.clone();
        event[name] = json!(value);
        broken.push(event);
    }
    // A GraphQL API of AppSync, by another authorizer's mistake.
    broken.push(json!({
        "authorizationToken": pair.access.expose(),
        "requestContext": {"apiId": "EXAMPLEAPI", "accountId": "123456789012", "requestId": "r",
            "queryString": "query { notes }", "operationName": "notes", "variables": {}},
        "requestHeaders": {},
    }));
    for event in broken {
        assert_eq!(ask(&world, 1, &event).await, Err(AuthorizerError::Failed), "{event}");
    }
}

#[tokio::test]
async fn with_storage_or_keys_out_of_reach_it_is_an_error_which_is_no_yes() {
    let (world, _, pair) = scene(Caching::Never, RULES).await;
    let publish = event("publish", pair.access.expose());
    world.vault.set_failing(true);
    assert_eq!(ask(&world, 1, &publish).await, Err(AuthorizerError::Failed));
    world.vault.set_failing(false);
    world.wire.script(on("BatchGetItem").every_call(), Fault::server_error());
    assert_eq!(ask(&world, 1, &publish).await, Err(AuthorizerError::Failed));
}

#[tokio::test]
async fn a_decision_is_one_round_trip_and_counted_with_the_users_other_calls() {
    let world = World::with(&[("API_RATE_LIMIT", "2")]).await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, RULES).await;
    let publish = event("publish", pair.access.expose());
    let mut codes = Vec::new();
    for second in [120, 121, 122] {
        world.wire.reset();
        codes.push(code(&world, second, &publish).await);
        let sent = world.wire.sent();
        let reads: Vec<_> = sent.iter().filter(|sent| sent.operation == "BatchGetItem").collect();
        assert_eq!((reads.len(), sent.iter().map(|sent| sent.round).max()), (1, Some(1)), "{sent:?}");
    }
    assert_eq!(codes, ["OK", "OK", "API_RATE_LIMITED"]);
}

#[tokio::test]
async fn without_rules_every_user_is_let_in_where_that_is_switched_on_and_nobody_else() {
    for (no_rules, told) in [("authenticated", "OK"), ("deny", "FORBIDDEN")] {
        let world = World::with(&[("NO_RULES", no_rules)]).await;
        let (_, pair) = world.logged_in().await;
        let publish = event("publish", pair.access.expose());
        assert_eq!(code(&world, 1, &publish).await, told);
        assert_ne!(code(&world, 1, &event("publish", "")).await, "OK");
        world.logout(&world.at(2), &pair).await.unwrap();
        assert_eq!(code(&world, 3, &publish).await, "TOKEN_REVOKED");
    }
}

#[tokio::test]
async fn each_decision_is_a_line_of_the_log_without_the_token_and_the_channel() {
    let (world, person, pair) = scene(Caching::Never, RULES).await;
    let (log, good) = (Log::of_this_thread(), pair.access.expose());
    code(&world, 1, &event("publish", good)).await;
    code(&world, 1, &at("subscribe", "/chat/secret", &pair)).await;
    code(&world, 1, &event("connect", &format!("{good}x"))).await;
    let mut broken = event("publish", good);
    broken["requestContext"]["apiId"] = json!("");
    ask(&world, 1, &broken).await.unwrap_err();
    let log = log.text();
    for said in [
        "decision=\"allow\" rule=5",
        "metric=\"authz_fail\" decision=\"deny\" code=\"FORBIDDEN_ROLE\" event.kind=AppSync rule=2",
        "metric=\"authorizer_unauthorized\" decision=\"unauthorized\" code=\"TOKEN_INVALID\" event.kind=AppSync",
        "metric=\"authorizer_error\" decision=\"error\"",
        &format!("user.id={}", person.id),
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
    for secret in good.split('.').chain(["secret", "lobby", "/chat"]) {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
