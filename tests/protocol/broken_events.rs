//! Events broken in every way: the answer is never a panic, and never yes without a token that counts.

use nova_auth::{authorizer::answer, domain::rules::Caching};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{
    event_kinds::{APPSYNC, KINDS, Kind, put},
    world::World,
};

const RULES: &str = "- route: GET /whoami\n- route: CONNECT $connect\n- route: PUBLISH /chat/{room}\n";

/// Something done to an event.
#[derive(Debug, Clone)]
enum Break {
    /// A member or an item, wherever it is, is something else.
    Replace(Index, Value),
    Remove(Index),
    /// The name of a member is another one.
    Rename(Index, String),
    /// A member is put into a map.
    Add(Index, String, Value),
    /// The text ends here.
    Cut(Index),
    /// A byte is another one.
    Byte(Index, u8),
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        select(
            [
                "REQUEST",
                "TOKEN",
                "1.0",
                "2.0",
                "$connect",
                "$default",
                "GET /whoami",
                "ANY /{proxy+}",
                "Bearer a.b.c",
                "nova.bearer.a.b.c",
                "arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI/v1/GET/whoami",
                "arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI/*/GET/*",
                "arn:aws:execute-api:eu-central-1:123456789012:EXAMPLEAPI/v1/DELETE/admin",
                "/whoami",
                "/admin/../whoami",
                "EVENT_PUBLISH",
                "EVENT_SUBSCRIBE",
                "EVENT_CONNECT",
                "/chat/*",
                "/chat/1",
                "/chat/%2A",
                "chat/2",
                "/secret/1",
                "\u{0}",
            ]
            .as_slice()
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 22] = [
        "type",
        "version",
        "methodArn",
        "routeArn",
        "routeKey",
        "resource",
        "headers",
        "multiValueHeaders",
        "authorization",
        "AUTHORIZATION",
        "Sec-WebSocket-Protocol",
        "requestContext",
        "identity",
        "identitySource",
        "authorizationToken",
        "queryStringParameters",
        "access_token",
        "eventType",
        "apiId",
        "operation",
        "channel",
        "channelNamespaceName",
    ];
    prop_oneof![select(KNOWN.as_slice()).prop_map(str::to_owned), "\\PC{0,8}"]
}

fn breaks() -> impl Strategy<Value = Vec<Break>> {
    let one = prop_oneof![
        6 => (any::<Index>(), value()).prop_map(|(at, value)| Break::Replace(at, value)),
        3 => any::<Index>().prop_map(Break::Remove),
        3 => (any::<Index>(), name()).prop_map(|(at, name)| Break::Rename(at, name)),
        3 => (any::<Index>(), name(), value()).prop_map(|(at, name, value)| Break::Add(at, name, value)),
        1 => any::<Index>().prop_map(Break::Cut),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Break::Byte(at, byte)),
    ];
    prop::collection::vec(one, 1..5)
}

/// Every place of a value, as a JSON pointer (RFC 6901).
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn broken(event: &Value, breaks: &[Break]) -> String {
    let mut event = event.clone();
    for one in breaks {
        let mut all = Vec::new();
        places(&event, "", &mut all);
        let place_of = |at: &Index| all[at.index(all.len())].as_str();
        match one {
            Break::Replace(at, value) => *event.pointer_mut(place_of(at)).unwrap() = value.clone(),
            Break::Remove(at) => drop(take(&mut event, place_of(at))),
            Break::Rename(at, name) => {
                let place = place_of(at).to_owned();
                if let Some(value) = take(&mut event, &place)
                    && let Some(Value::Object(map)) =
                        place.rsplit_once('/').and_then(|(parent, _)| event.pointer_mut(parent))
                {
                    map.insert(name.clone(), value);
                }
            }
            Break::Add(at, name, value) => {
                if let Some(Value::Object(map)) = event.pointer_mut(place_of(at)) {
                    map.insert(name.clone(), value.clone());
                }
            }
            Break::Cut(_) | Break::Byte(..) => {}
        }
    }
    let mut text = event.to_string().into_bytes();
    for one in breaks {
        match one {
            Break::Cut(at) if !text.is_empty() => text.truncate(at.index(text.len())),
            Break::Byte(at, byte) if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] = *byte;
            }
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn take(event: &mut Value, place: &str) -> Option<Value> {
    let (parent, name) = place.rsplit_once('/')?;
    match event.pointer_mut(parent)? {
        Value::Object(members) => members.remove(&name.replace("~1", "/").replace("~0", "~")),
        Value::Array(items) => name.parse().ok().map(|index: usize| items.remove(index)),
        _ => None,
    }
}

/// What the answer lets be called; empty for anything but yes.
fn granted(answer: &Value) -> Vec<String> {
    let statements = answer["policyDocument"]["Statement"].as_array().cloned().unwrap_or_default();
    let allowed = statements.iter().filter(|statement| statement["Effect"] == "Allow");
    let resources = allowed.flat_map(|statement| statement["Resource"].as_array().cloned().unwrap());
    let simple = (answer["isAuthorized"] == true).then(|| json!("simple"));
    // AppSync keeps what does not say otherwise.
    assert!(answer.get("handlerContext").is_none() || answer["ttlOverride"] == 0, "{answer}");
    resources.chain(simple).map(|resource| resource.as_str().unwrap().to_owned()).collect()
}

/// Breaks the events of every kind; `check` is told of each, and of what it opened.
fn every_broken_event(cases: u32, token: impl Fn(&str) -> Option<String>, check: impl Fn(&str, &[String])) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for kind in KINDS.into_iter().chain([APPSYNC]) {
        let (world, event) = runtime.block_on(prepared(kind, &token));
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let checked = TestRunner::new(config).run(&breaks(), |breaks| {
            let text = broken(&event, &breaks);
            let answered = runtime.block_on(answer(&world.authorizer, &text, &world.at(60)));
            world.wire.reset();
            let answer = answered.map_or(Value::Null, |response| serde_json::to_value(response).unwrap());
            check(&text, &granted(&answer));
            Ok(())
        });
        checked.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    }
}

async fn prepared(kind: Kind, token: impl Fn(&str) -> Option<String>) -> (std::sync::Arc<World>, Value) {
    let world = kind.world().await;
    let (_, pair) = world.logged_in().await;
    put(&world, Caching::Never, RULES).await;
    let token = token(pair.access.expose());
    (world, kind.event(token.as_deref()))
}

#[test]
fn no_broken_event_without_a_good_token_opens_anything() {
    for bad in [None, Some("a.b.c")] {
        every_broken_event(
            600,
            |_| bad.map(str::to_owned),
            |event, opened| {
                assert!(opened.is_empty(), "{event} opens {opened:?}");
            },
        );
    }
    // One letter of the signature is another one.
    let forged = |good: &str| {
        let (rest, last) = good.split_at(good.len() - 2);
        Some(format!("{rest}{}{}", if last.starts_with('A') { 'B' } else { 'A' }, &last[1..]))
    };
    every_broken_event(600, forged, |event, opened| assert!(opened.is_empty(), "{event} opens {opened:?}"));
}

/// Whether it publishes to one channel of those that the rules let be published to.
fn is_ruled_channel(context: &Value) -> bool {
    let channel = context["channel"].as_str().unwrap_or_default();
    let room = channel.strip_prefix('/').unwrap_or(channel).strip_prefix("chat/").unwrap_or_default();
    let is_one = !room.is_empty() && room.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    context["apiId"] == "EXAMPLEAPI" && context["operation"] == "EVENT_PUBLISH" && is_one
}

/// With a good token in it: what is opened is the route that the event names, of the API that it names, and a route that
/// the rules let be called.
#[test]
fn no_broken_event_with_a_good_token_opens_more_than_its_route() {
    let opened_at_all = std::cell::Cell::new(0);
    every_broken_event(
        400,
        |good| Some(good.to_owned()),
        |event, opened| {
            for resource in opened {
                opened_at_all.set(opened_at_all.get() + 1);
                let event: Value = serde_json::from_str(event).unwrap();
                if event["requestContext"]["operation"].is_string() && event.get("type").is_none() {
                    assert!(is_ruled_channel(&event["requestContext"]), "{event}");
                    continue;
                }
                let arns = ["routeArn", "methodArn"].map(|name| event[name].as_str().unwrap_or_default());
                assert!(
                    resource == "simple" || arns.contains(&resource.as_str()),
                    "{event} opens {resource}"
                );
                let is_ruled = |arn: &str| {
                    arn.contains(":EXAMPLEAPI/")
                        && (arn.ends_with("/GET/whoami") || arn.ends_with("/$connect"))
                };
                let arn = if resource == "simple" { arns[0] } else { resource.as_str() };
                assert!(is_ruled(arn), "{event} opens {arn}");
            }
        },
    );
    // Otherwise nothing was tested: most of what is broken does not decide.
    assert!(opened_at_all.get() > 300, "{}", opened_at_all.get());
}
