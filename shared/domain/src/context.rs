//! What the authorizer tells the API behind it, and how that API reads it: flat strings, since API Gateway passes on
//! nothing else.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    email::Email,
    ids::{SessionId, UserId},
    user::Role,
};

/// The context of an Allow, and (with nothing but `code` and `message`, and what a step-up has to show) of a Deny. A policy that may be kept has all of it,
/// since it meets calls that it allows and calls that it denies.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's address, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The user's role, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The user's epoch: sessions of an older one have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// What the session was shown; of a Deny: what it has to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// When the user last showed who they are, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<String>,
    /// How long ago that may be at most, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<String>,
    /// What has to be shown, as a `WWW-Authenticate` says it (RFC 9470).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// Why it was denied, for the API's gateway response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// It holds an address.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

/// Who is calling a function of an attached API, as the authorizer found out: all of it, or nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    /// The user's address, as it was at the decision.
    pub email: Email,
    /// The user's role, as it was at the decision.
    pub role: Role,
    /// The session, by which an open WebSocket is found when it is revoked.
    pub session_id: SessionId,
    /// The user's epoch at the decision. An event of a later one ends the session, unless it names it as the one that goes on. None: an
    /// older authorizer did not say it.
    pub epoch: Option<u64>,
    /// What the session was shown, by its name ([`Acr::name`](crate::factors::Acr::name)). None: an older authorizer did not say it.
    pub acr: Option<String>,
    /// When the user last showed who they are, in seconds since 1970. None: an older authorizer did not say it.
    pub auth_time: Option<u64>,
}

/// It holds an address.
impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Why an event does not say who is calling. The values that it has are not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCaller {
    /// Nobody said who they are: the route has no authorizer, or is public and was called without a token.
    #[error("the authorizer named no caller")]
    Anonymous,
    /// A part of it is missing, or not of its type: this is no context of Nova Auth.
    #[error("the authorizer's context has no valid {0}")]
    Invalid(&'static str),
}

impl Caller {
    /// Reads the event that API Gateway sends to a function behind the authorizer: of a REST API, of an HTTP API in
    /// payload 1.0 or 2.0, or of a WebSocket API, whose every message says it again.
    ///
    /// # Errors
    /// [`NoCaller`]. A function that needs to know its caller answers 401 or 500 then, and does nothing else.
    pub fn of_event(event: &Value) -> Result<Self, NoCaller> {
        let authorizer = event.get("requestContext").and_then(|context| context.get("authorizer"));
        let context = match event.get("version").and_then(Value::as_str) {
            Some("2.0") => authorizer.and_then(|authorizer| authorizer.get("lambda")),
            _ => authorizer,
        };
        let text = |name| context.and_then(|context| context.get(name)).and_then(Value::as_str);
        let names = ["userId", "email", "role", "sessionId"];
        if !names.iter().any(|name| context.is_some_and(|context| context.get(name).is_some())) {
            return Err(NoCaller::Anonymous);
        }
        let [user_id, email, role, session_id] = names;
        Ok(Self {
            user_id: read(user_id, text(user_id).and_then(|id| id.parse().ok()))?,
            email: read(email, text(email).and_then(|email| Email::parse(email).ok()))?,
            role: read(role, text(role).and_then(|role| role.parse().ok()))?,
            session_id: read(session_id, text(session_id).and_then(|id| id.parse().ok()))?,
            epoch: perhaps(context, "epoch", number)?,
            acr: perhaps(context, "acr", |text| is_word(text).then(|| text.to_owned()))?,
            auth_time: perhaps(context, "authTime", number)?,
        })
    }
}

/// What an older authorizer leaves out.
fn perhaps<T>(
    context: Option<&Value>,
    name: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, NoCaller> {
    let Some(value) = context.and_then(|context| context.get(name)) else { return Ok(None) };
    read(name, value.as_str().and_then(parse)).map(Some)
}

/// Digits alone: Rust would take a sign, too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A name without blanks.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn read<T>(name: &'static str, value: Option<T>) -> Result<T, NoCaller> {
    value.ok_or(NoCaller::Invalid(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

    fn context() -> Value {
        json!({"userId": ID, "email": "sara@example.com", "role": "user", "sessionId": ID})
    }

    fn event(version: Option<&str>, authorizer: &Value) -> Value {
        json!({"version": version, "requestContext": {"authorizer": authorizer}})
    }

    #[test]
    fn the_caller_is_found_in_an_event_of_every_kind_of_api() {
        let mut flat = context();
        flat["principalId"] = json!(ID);
        flat["integrationLatency"] = json!(7);
        for event in
            [event(None, &flat), event(Some("1.0"), &flat), event(Some("2.0"), &json!({"lambda": context()}))]
        {
            let caller = Caller::of_event(&event).unwrap();
            assert_eq!(caller.user_id.to_string(), ID);
            assert_eq!((caller.email.as_str(), caller.role.as_str()), ("sara@example.com", "user"));
        }
    }

    #[test]
    fn an_epoch_that_is_not_said_is_none_and_one_that_is_no_number_is_no_context_of_ours() {
        let mut context = context();
        assert_eq!(Caller::of_event(&event(None, &context)).unwrap().epoch, None);
        context["epoch"] = json!("7");
        assert_eq!(Caller::of_event(&event(None, &context)).unwrap().epoch, Some(7));
        for epoch in [json!(""), json!("-1"), json!("x"), json!(7), json!(null)] {
            context["epoch"] = epoch.clone();
            let answer = Caller::of_event(&event(None, &context));
            assert_eq!(answer, Err(NoCaller::Invalid("epoch")), "{epoch}");
        }
    }

    #[test]
    fn half_an_identity_is_none() {
        for name in ["userId", "email", "role", "sessionId"] {
            for value in [json!(null), json!(""), json!("a b"), json!(7), json!([ID]), json!({})] {
                let mut context = context();
                context[name] = value.clone();
                let answer = Caller::of_event(&event(None, &context));
                assert_eq!(answer, Err(NoCaller::Invalid(name)), "{name} {value}");
            }
            let mut context = context();
            context.as_object_mut().unwrap().remove(name);
            assert_eq!(Caller::of_event(&event(None, &context)), Err(NoCaller::Invalid(name)));
        }
    }

    #[test]
    fn what_names_nobody_says_so() {
        for event in [
            json!(null),
            json!([]),
            json!({}),
            json!({"requestContext": null}),
            event(None, &json!(null)),
            event(None, &json!({"principalId": "anonymous", "integrationLatency": 1})),
            // Another authorizer's context, or the other shape of event: nothing is picked out of it.
            event(Some("2.0"), &context()),
            event(None, &json!({"lambda": context()})),
        ] {
            assert_eq!(Caller::of_event(&event), Err(NoCaller::Anonymous), "{event}");
        }
    }

    /// The same events as for the readers in other languages: whoever is somebody to one of them is nobody else to another.
    #[test]
    fn every_language_reads_the_same_caller() {
        let rows: Vec<Value> =
            serde_json::from_str(include_str!("../../../clients/caller/test/events.json")).unwrap();
        assert!(rows.len() > 60);
        for row in rows {
            let answer = match Caller::of_event(&row["event"]) {
                Err(NoCaller::Anonymous) => json!({"anonymous": true}),
                Err(NoCaller::Invalid(name)) => json!({ "invalid": name }),
                Ok(caller) => json!({"caller": {
                    "userId": caller.user_id.to_string(), "email": caller.email.as_str(), "role": caller.role.as_str(),
                    "sessionId": caller.session_id.to_string(), "acr": caller.acr, "authTime": caller.auth_time,
                    "epoch": caller.epoch,
                }}),
            };
            let expected: Value = ["anonymous", "invalid", "caller"]
                .iter()
                .filter_map(|kind| Some(((*kind).to_owned(), row.get(*kind)?.clone())))
                .collect::<serde_json::Map<_, _>>()
                .into();
            assert_eq!(answer, expected, "{}", row["name"]);
        }
    }

    #[test]
    fn neither_the_caller_nor_an_error_shows_an_address() {
        let mut context = context();
        let shown = format!("{:?}", Caller::of_event(&event(None, &context)).unwrap());
        assert!(!shown.contains("sara"), "{shown}");
        context["role"] = json!("sara example");
        let error = Caller::of_event(&event(None, &context)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sara"));
    }

    #[test]
    fn what_a_log_shows_of_a_call_is_enough_to_find_it() {
        let caller = Caller::of_event(&event(None, &context())).unwrap();
        assert_eq!(format!("{caller:?}"), format!("Caller {{ user_id: UserId({ID}), .. }}"));
        let context: Context = serde_json::from_value(context()).unwrap();
        assert_eq!(format!("{context:?}"), format!("Context {{ session_id: Some({ID:?}), .. }}"));
    }
}
