//! What an event of AppSync Events asks about.
//!
//! AWS's guide ("Configuring authorization and authentication to secure Event APIs",
//! <https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html>) says what is in it. Whatever is only
//! nearly such an event is none: nothing is guessed of what AppSync would do next.

use serde_json::Value;

use super::kind::{Called, Unreadable};
use crate::domain::rules::Operation;

/// What the events of API Gateway have, and AppSync's have not.
const OF_OTHERS: [&str; 5] = ["type", "version", "methodArn", "routeArn", "routeKey"];

/// What is asked about; nothing if the event is no event of AppSync Events. It is one if it names one of its operations.
///
/// # Errors
/// [`Unreadable`]: it names one, and the rest does not go with it.
pub(super) fn called(event: &Value) -> Result<Option<Called>, Unreadable> {
    let context = |name: &str| event.get("requestContext").and_then(|context| context.get(name));
    let operation: fn(String) -> Operation<String> = match context("operation").and_then(Value::as_str) {
        Some("EVENT_CONNECT") => |_| Operation::Connect,
        Some("EVENT_SUBSCRIBE") => Operation::Subscribe,
        Some("EVENT_PUBLISH") => Operation::Publish,
        _ => return Ok(None),
    };
    if OF_OTHERS.iter().any(|name| event.get(name).is_some_and(|value| !value.is_null())) {
        return Err(Unreadable);
    }
    let api = context("apiId").and_then(Value::as_str).filter(|api| is_id(api)).ok_or(Unreadable)?.to_owned();
    let channel = text_or_none(context("channel"))?;
    let namespace = text_or_none(context("channelNamespaceName"))?;
    let operation = operation(channel.unwrap_or_default().to_owned());
    let fits = match (&operation, channel) {
        (Operation::Connect, None) => namespace.is_none(),
        (Operation::Subscribe(_) | Operation::Publish(_), Some(channel)) => {
            !channel.is_empty() && namespace.is_none_or(|namespace| is_in(channel, namespace))
        }
        _ => false,
    };
    if fits { Ok(Some(Called::Event { api, operation })) } else { Err(Unreadable) }
}

/// A text. AWS's guide has null where there is none, and others leave it out.
fn text_or_none(value: Option<&Value>) -> Result<Option<&str>, Unreadable> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Unreadable),
    }
}

/// Whether it may be the id of an API: its rules are read by it.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a channel is in this namespace: the event must not say two things.
fn is_in(channel: &str, namespace: &str) -> bool {
    channel.strip_prefix('/').unwrap_or(channel).split('/').next() == Some(namespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(context: &Value) -> Value {
        json!({
            "authorizationToken": "a.b.c",
            "requestContext": context,
            "requestHeaders": {"host": "example.appsync-api.eu-central-1.amazonaws.com"},
        })
    }

    fn context(operation: &str, channel: Value) -> Value {
        json!({"apiId": "a1b2", "accountId": "123456789012", "requestId": "r", "operation": operation, "channel": channel})
    }

    #[test]
    fn each_operation_is_read_with_its_channel() {
        let one = |channel: &str| channel.to_owned();
        for (operation, channel, read) in [
            ("EVENT_CONNECT", json!(null), Operation::Connect),
            ("EVENT_SUBSCRIBE", json!("/chat/*"), Operation::Subscribe(one("/chat/*"))),
            ("EVENT_PUBLISH", json!("chat/1"), Operation::Publish(one("chat/1"))),
        ] {
            let called = Called::Event { api: "a1b2".to_owned(), operation: read };
            assert_eq!(super::called(&event(&context(operation, channel))), Ok(Some(called)), "{operation}");
        }
    }

    #[test]
    fn null_and_nothing_are_the_same_and_a_namespace_is_the_channels() {
        let mut connect = event(&context("EVENT_CONNECT", json!(null)));
        connect["requestContext"].as_object_mut().unwrap().remove("channel");
        assert!(called(&connect).unwrap().is_some());
        connect["requestContext"]["channelNamespaceName"] = json!(null);
        assert!(called(&connect).unwrap().is_some());
        let mut publish = event(&context("EVENT_PUBLISH", json!("/chat/1")));
        for (namespace, fits) in
            [("chat", true), ("news", false), ("cha", false), ("", false), ("/chat", false)]
        {
            publish["requestContext"]["channelNamespaceName"] = json!(namespace);
            assert_eq!(called(&publish).is_ok(), fits, "{namespace}");
        }
    }

    #[test]
    fn what_is_only_nearly_one_is_none() {
        let with = |name: &str, value: Value| {
            let mut event = event(&context("EVENT_PUBLISH", json!("/chat/1")));
            let map = if OF_OTHERS.contains(&name) { &mut event } else { &mut event["requestContext"] };
            map[name] = value;
            event
        };
        assert!(called(&with("accountId", json!(null))).is_ok());
        for broken in [
            with("apiId", json!(null)),
            with("apiId", json!("")),
            with("apiId", json!(1)),
            with("apiId", json!("a#b")),
            with("apiId", json!(["a1b2"])),
            with("channel", json!(null)),
            with("channel", json!("")),
            with("channel", json!(1)),
            with("channel", json!(["/chat/1"])),
            with("channelNamespaceName", json!(["chat"])),
            with("type", json!("REQUEST")),
            with("type", json!(1)),
            with("version", json!("2.0")),
            with("methodArn", json!("arn:aws:execute-api:eu-central-1:123456789012:a1b2/v1/GET/notes")),
            with("routeArn", json!("")),
            event(&context("EVENT_SUBSCRIBE", json!(null))),
            event(&context("EVENT_CONNECT", json!("/chat/1"))),
            event(&context("EVENT_CONNECT", json!(""))),
        ] {
            assert_eq!(called(&broken), Err(Unreadable), "{broken}");
        }
        // These name none of its operations, and are left to the others.
        for other in ["", "EVENT_DELETE", "event_publish", "EVENT_PUBLISH ", "PUBLISH"] {
            assert_eq!(called(&event(&context(other, json!("/chat/1")))), Ok(None), "{other}");
        }
        for other in [json!(null), json!([]), json!({}), json!({"operation": ["EVENT_PUBLISH"]})] {
            assert_eq!(called(&event(&other)), Ok(None), "{other}");
        }
    }
}
