//! The authorizer, asked by every kind of API in its own words: the same decision, in the form that this API takes.

use std::{fs, sync::Arc, time::Duration};

use nova_auth::{
    authorizer::{AuthorizerError, answer},
    domain::rules::{Caching, Rules, file},
    store::StoredRules,
};
use serde_json::{Value, json};

use nova_test_support::engine;

use super::{
    faults::{Fault, on},
    world::{Pair, World, time},
};

/// A kind of event: its file in `events/`, its route, and what the API takes as an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) file: &'static str,
    pub(super) route: &'static str,
    pub(super) simple: bool,
}

pub(super) const KINDS: [Kind; 6] = [
    Kind { file: "rest.token", route: "GET /whoami", simple: false },
    Kind { file: "rest.request", route: "GET /whoami", simple: false },
    Kind { file: "http1", route: "GET /whoami", simple: false },
    Kind { file: "http2", route: "GET /whoami", simple: false },
    Kind { file: "http2", route: "GET /whoami", simple: true },
    Kind { file: "ws", route: "CONNECT $connect", simple: false },
];

/// AppSync Events, which has words of its own for an answer: `appsync`.
pub(super) const APPSYNC: Kind =
    Kind { file: "appsync.publish", route: "PUBLISH /chat/{room}", simple: true };

/// The context of a yes.
pub(super) const OF_USER: [&str; 7] = ["acr", "authTime", "email", "epoch", "role", "sessionId", "userId"];

const API: &str = "EXAMPLEAPI";
const PLACEHOLDER: &str = "REPLACE_WITH_ACCESS_TOKEN";

impl Kind {
    pub(super) async fn world(self) -> Arc<World> {
        World::with(&[("HTTP_RESPONSES", if self.simple { "simple" } else { "iam" })]).await
    }

    pub(super) fn event(self, token: Option<&str>) -> Value {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
        let text = fs::read_to_string(format!("{folder}/token-authorizer.{}.json", self.file)).unwrap();
        assert!(text.contains(PLACEHOLDER));
        let mut event: Value =
            serde_json::from_str(&text.replace(PLACEHOLDER, token.unwrap_or_default())).unwrap();
        if token.is_none() {
            for map in ["headers", "multiValueHeaders"] {
                let Some(headers) = event.get_mut(map).and_then(Value::as_object_mut) else { continue };
                headers.retain(|name, _| {
                    !name.eq_ignore_ascii_case("authorization") && name != "Sec-WebSocket-Protocol"
                });
            }
            if event["type"] == "TOKEN" {
                event["authorizationToken"] = json!("");
            }
        }
        event
    }

    /// Yes, with the whole context, and a policy for the one route.
    pub(super) fn assert_allows(self, answer: &Result<Value, AuthorizerError>, arn: &Value) {
        let answer = answer.as_ref().unwrap_or_else(|error| panic!("{self:?}: {error:?}"));
        let context = answer["context"].as_object().unwrap();
        assert_eq!(names(&answer["context"]), OF_USER, "{self:?}");
        assert!(context.values().all(Value::is_string), "API Gateway passes on flat strings: {answer}");
        if self.simple {
            assert_eq!(names(answer), ["context", "isAuthorized"]);
            assert_eq!(answer["isAuthorized"], true);
        } else {
            assert_eq!(names(answer), ["context", "policyDocument", "principalId"]);
            assert_eq!(
                answer["policyDocument"],
                json!({"Version": "2012-10-17", "Statement":
                    [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": [arn]}]})
            );
        }
    }

    pub(super) fn assert_denies(self, answer: &Result<Value, AuthorizerError>, code: &str) {
        self.assert_denies_with(answer, code, &["code", "message"]);
    }

    /// No, with this code and nothing in its context but these.
    pub(super) fn assert_denies_with(
        self,
        answer: &Result<Value, AuthorizerError>,
        code: &str,
        context: &[&str],
    ) {
        let answer = answer.as_ref().unwrap_or_else(|error| panic!("{self:?}: {error:?}"));
        assert_eq!(names(&answer["context"]), context, "{self:?}");
        assert_eq!(answer["context"]["code"], code, "{self:?}");
        if self.simple {
            assert_eq!(answer["isAuthorized"], false);
        } else {
            assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Deny");
            assert_eq!(answer["policyDocument"]["Statement"][0]["Resource"], json!(["*"]));
        }
    }
}

pub(super) fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

pub(super) async fn put(world: &World, caching: Caching, yaml: &str) {
    let rules = Rules { rules: file::read(yaml).unwrap(), caching };
    let stored = StoredRules { rules, source: yaml.to_owned(), stored_at: time(0) };
    world.service.store.put_rules(API, &stored).await.unwrap();
}

pub(super) async fn ask(world: &World, second: i64, event: &Value) -> Result<Value, AuthorizerError> {
    let answered = answer(&world.authorizer, &event.to_string(), &world.at(second)).await;
    answered.map(|response| serde_json::to_value(response).unwrap())
}

/// A world of this kind with a user logged in, and its one rule with these conditions.
pub(super) async fn scene(kind: Kind, conditions: &str) -> (Arc<World>, Pair) {
    let world = kind.world().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, &format!("- route: {}\n{conditions}", kind.route)).await;
    (world, pair)
}

pub(super) fn arn(event: &Value) -> Value {
    if event["version"] == "2.0" { event["routeArn"].clone() } else { event["methodArn"].clone() }
}

#[tokio::test]
async fn whoever_may_is_let_in_and_named() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "").await;
        let event = kind.event(Some(pair.access.expose()));
        kind.assert_allows(&ask(&world, 1, &event).await, &arn(&event));
    }
}

#[tokio::test]
async fn whoever_may_not_is_told_why() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "  permission: notes:write\n").await;
        let event = kind.event(Some(pair.access.expose()));
        kind.assert_denies(&ask(&world, 1, &event).await, "FORBIDDEN_PERMISSION");
    }
}

#[tokio::test]
async fn an_address_rule_lets_in_its_own_and_nobody_else_nor_an_event_without_an_address() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "  addresses: [192.0.2.0/24]\n").await;
        let event = kind.event(Some(pair.access.expose()));
        let near = ask(&world, 1, &event).await;
        if kind.file == "rest.token" {
            kind.assert_denies(&near, "FORBIDDEN_ADDRESS");
            continue;
        }
        kind.assert_allows(&near, &arn(&event));
        let elsewhere: Value =
            serde_json::from_str(&event.to_string().replace("192.0.2.10", "198.51.100.9")).unwrap();
        kind.assert_denies(&ask(&world, 2, &elsewhere).await, "FORBIDDEN_ADDRESS");
    }
}

#[tokio::test]
async fn without_a_token_that_counts_it_is_a_401() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "").await;
        let refused = Err(AuthorizerError::Unauthorized);
        let good = pair.access.expose();
        assert_eq!(ask(&world, 1, &kind.event(None)).await, refused, "{kind:?}: none");
        for bad in ["", "x", "a.b.c", &good[1..], &format!("{good}x")] {
            assert_eq!(ask(&world, 1, &kind.event(Some(bad))).await, refused, "{kind:?}: {bad}");
        }
        let event = kind.event(Some(good));
        assert!(ask(&world, 904, &event).await.is_ok(), "{kind:?}: within its time");
        assert_eq!(ask(&world, 905, &event).await, refused, "{kind:?}: expired");
        world.logout(&world.at(2), &pair).await.unwrap();
        assert_eq!(ask(&world, 3, &event).await, refused, "{kind:?}: revoked");
    }
}

#[tokio::test]
async fn a_bad_token_is_a_401_even_where_none_is_needed() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "  public: true\n").await;
        let anonymous = ask(&world, 1, &kind.event(None)).await.unwrap();
        assert_eq!(anonymous["context"], json!({}), "{kind:?}");
        for bad in ["x", &pair.access.expose()[1..]] {
            let answer = ask(&world, 1, &kind.event(Some(bad))).await;
            assert_eq!(answer, Err(AuthorizerError::Unauthorized), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn with_storage_or_keys_out_of_reach_it_is_neither_yes_nor_no() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "").await;
        let event = kind.event(Some(pair.access.expose()));
        world.vault.set_failing(true);
        assert_eq!(ask(&world, 1, &event).await, Err(AuthorizerError::Failed), "{kind:?}: keys");
        world.vault.set_failing(false);
        world.wire.script(on("BatchGetItem").every_call(), Fault::server_error());
        assert_eq!(ask(&world, 1, &event).await, Err(AuthorizerError::Failed), "{kind:?}: storage");
    }
}

#[tokio::test]
async fn a_decision_is_one_round_trip_whoever_asks() {
    for kind in KINDS {
        let (world, pair) = scene(kind, "").await;
        let event = kind.event(Some(pair.access.expose()));
        world.assert_alive(0, &pair).await;
        world.wire.set_latency(Duration::from_millis(20));
        // The rules are one more unit, and no further trip.
        for (second, units) in [(1, 3.0), (2, 2.0)] {
            world.wire.reset();
            assert!(ask(&world, second, &event).await.is_ok());
            let sent = world.wire.sent();
            let calls: Vec<_> = sent.iter().map(|sent| sent.operation.as_str()).collect();
            assert_eq!(calls, ["BatchGetItem"], "{kind:?}");
            let read: f64 = sent.iter().map(|sent| sent.units).sum();
            let counted = engine::is_amazons() || (read - units).abs() < f64::EPSILON;
            assert!(counted, "{kind:?}: {read} read units at {second}");
        }
    }
}

const KEPT: &str =
    "- route: GET /whoami\n- route: GET /secret\n  permission: secrets:read\n- route: CONNECT $connect\n";

#[tokio::test]
async fn a_policy_that_may_be_kept_lists_every_route_that_its_user_may_call() {
    for kind in KINDS.into_iter().filter(|kind| !kind.simple) {
        let world = kind.world().await;
        let (_, pair) = world.logged_in().await;
        put(&world, Caching::Allowed, KEPT).await;
        let event = kind.event(Some(pair.access.expose()));
        let answer = ask(&world, 1, &event).await.unwrap();
        let stage = arn(&event).as_str().unwrap().split('/').take(2).collect::<Vec<_>>().join("/");
        assert_eq!(
            answer["policyDocument"]["Statement"][0]["Resource"],
            json!([format!("{stage}/GET/whoami"), format!("{stage}/$connect")]),
            "{kind:?}"
        );
        // A call that a kept policy allows may follow one that it denies, and needs its caller; and the other way round. What
        // opens a WebSocket is not kept.
        let of_both = ["acr", "authTime", "code", "email", "epoch", "message", "role", "sessionId", "userId"];
        let wanted = if kind.file == "ws" { &OF_USER[..] } else { &of_both[..] };
        assert_eq!(names(&answer["context"]), wanted, "{kind:?}");
    }
}

/// A simple response is kept under its identity sources, and would be given to every route.
#[tokio::test]
async fn a_simple_response_that_may_be_kept_is_given_only_where_it_is_kept_by_route() {
    let kind = KINDS[4];
    for caching in [Caching::Allowed, Caching::Never] {
        let world = kind.world().await;
        let (_, pair) = world.logged_in().await;
        put(&world, caching, KEPT).await;
        let mut event = kind.event(Some(pair.access.expose()));
        let secret = json!({"routeKey": "GET /secret", "routeArn": arn(&event).as_str().unwrap().replace("whoami", "secret")});
        for is_source in [false, true] {
            for (route, allowed) in [("GET /whoami", true), ("GET /secret", false)] {
                if !allowed {
                    event["routeArn"] = secret["routeArn"].clone();
                }
                event["routeKey"] = json!(route);
                event["identitySource"] = json!(["Bearer …", if is_source { route } else { "192.0.2.10" }]);
                let answer = ask(&world, 1, &event).await;
                if caching == Caching::Allowed && !is_source {
                    assert_eq!(answer, Err(AuthorizerError::Failed), "{route}");
                } else {
                    assert_eq!(answer.unwrap()["isAuthorized"], allowed, "{route}");
                }
            }
            event = kind.event(Some(pair.access.expose()));
        }
    }
}

#[tokio::test]
async fn a_token_in_the_query_of_a_websocket_counts_only_where_it_was_switched_on() {
    let kind = KINDS[5];
    for (switch, lets_in) in [("off", false), ("on", true)] {
        let world = World::with(&[("WEBSOCKET_TOKEN_QUERY", switch)]).await;
        let (_, pair) = world.logged_in().await;
        put(&world, Caching::Never, "- route: CONNECT $connect\n").await;
        let mut event = kind.event(None);
        event["queryStringParameters"] = json!({"access_token": pair.access.expose()});
        assert_eq!(ask(&world, 1, &event).await.is_ok(), lets_in, "{switch}");
    }
}

#[tokio::test]
async fn only_opening_a_websocket_is_asked_about_and_no_rule_for_paths_lets_it_open() {
    let kind = KINDS[5];
    let (world, pair) = scene(kind, "").await;
    let event = kind.event(Some(pair.access.expose())).to_string();
    for other in ["$disconnect", "$default", "send", "CONNECT/$connect", "GET/$connect"] {
        let event: Value = serde_json::from_str(&event.replace("$connect", other)).unwrap();
        let answer = ask(&world, 1, &event).await;
        assert!(
            answer.as_ref().is_err() || answer.as_ref().unwrap()["context"]["code"] == "FORBIDDEN",
            "{other}: {answer:?}"
        );
    }
    let world = kind.world().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, "- route: ANY /*\n").await;
    kind.assert_denies(&ask(&world, 1, &kind.event(Some(pair.access.expose()))).await, "FORBIDDEN");
}

/// Lambda's console tries an authorizer with the first of these events, API Gateway's "Test authorizer" with the others.
#[tokio::test]
async fn the_events_of_the_consoles_get_a_decision() {
    let arn = |stage: &str| format!("arn:aws:execute-api:us-east-1:123456789012:{API}/{stage}/GET/");
    let token = |stage: &str, value: &str| json!({"type": "TOKEN", "authorizationToken": value, "methodArn": arn(stage)});
    let request = |value: &str| {
        json!({
            "type": "REQUEST", "methodArn": arn("ESTestInvoke-stage"), "resource": "/", "path": "/", "httpMethod": "GET",
            "headers": {"Authorization": value}, "multiValueHeaders": {"Authorization": [value]}, "queryStringParameters": {},
            "multiValueQueryStringParameters": {}, "pathParameters": {}, "stageVariables": {},
            "requestContext": {
                "resourceId": "test-invoke-resource-id", "resourcePath": "/", "httpMethod": "GET", "path": "/",
                "stage": "test-invoke-stage", "domainPrefix": "testPrefix", "domainName": "testPrefix.testDomainName",
                "apiId": API, "protocol": "HTTP/1.1", "requestId": "test-invoke-request",
                "identity": {"sourceIp": "test-invoke-source-ip", "userAgent": "aws-internal/3", "accessKey": "test-invoke-access-key"},
            },
        })
    };
    for caching in [Caching::Never, Caching::Allowed] {
        let world = World::new().await;
        let (_, pair) = world.logged_in().await;
        let bearer = format!("Bearer {}", pair.access.expose());
        let events = |value: &str| [token("*", value), token("ESTestInvoke-stage", value), request(value)];
        for event in events(&bearer) {
            let denied = ask(&world, 1, &event).await.unwrap();
            assert_eq!(denied["context"]["code"], "FORBIDDEN", "without rules: {denied}");
        }
        put(&world, caching, "- route: GET /\n- route: GET /notes/*\n").await;
        for event in events(&bearer) {
            let allowed = ask(&world, 2, &event).await.unwrap();
            assert!(allowed["context"]["userId"].is_string(), "{event}");
            let resources = allowed["policyDocument"]["Statement"][0]["Resource"].to_string();
            // No stage of more than one letter is meant by a stage of `*`.
            assert!(!resources.contains("/*/GET") && resources.contains("/GET/"), "{resources}");
        }
        for bad in ["incoming-client-token", "", "Bearer a.b.c"] {
            for event in events(bad) {
                assert_eq!(ask(&world, 3, &event).await, Err(AuthorizerError::Unauthorized), "{event}");
            }
        }
    }
}

#[tokio::test]
async fn a_websocket_is_opened_whatever_version_its_event_has() {
    let kind = KINDS[5];
    let (world, pair) = scene(kind, "").await;
    for version in ["1.1", "3.0", ""] {
        let mut event = kind.event(Some(pair.access.expose()));
        event["version"] = json!(version);
        kind.assert_allows(&ask(&world, 1, &event).await, &arn(&event));
        let mut other = kind.event(None);
        other["version"] = json!(version);
        assert_eq!(ask(&world, 1, &other).await, Err(AuthorizerError::Unauthorized), "{version}");
    }
}

#[tokio::test]
async fn what_is_called_is_never_read_from_the_raw_path() {
    for kind in KINDS.into_iter().filter(|kind| kind.file != "rest.token") {
        let (world, pair) = scene(kind, "").await;
        let mut event = kind.event(Some(pair.access.expose()));
        // A custom domain's prefix, the stage, another's path: the ARN and the route say what is called.
        for path in ["/base/whoami", "/v1/whoami", "/admin", "//", "/%2e%2e/whoami"] {
            for (place, name) in [("", "path"), ("", "rawPath"), ("requestContext", "path")] {
                let map = if place.is_empty() { &mut event } else { &mut event[place] };
                map[name] = json!(path);
            }
            if event["requestContext"]["http"].is_object() {
                event["requestContext"]["http"]["path"] = json!(path);
            }
            kind.assert_allows(&ask(&world, 1, &event).await, &arn(&event));
        }
    }
}
