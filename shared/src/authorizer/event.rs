//! Authorizer events, read leniently: what is missing, null or of another type is simply not there.

use lambda_http::http::header;
use serde_json::Value;

use crate::{
    config::EdgeConfig,
    domain::{address::ClientAddress, refusal::Refusal},
    http::{bearer::bearer, client_address, headers_of_event},
    keys::Token,
    messages::Language,
};

/// What is asked of the authorizer.
#[derive(Debug)]
pub struct AuthorizerEvent {
    /// The method that is being called, as API Gateway names it.
    pub method_arn: String,
    /// The client's token: none, one, or too many.
    pub token: Result<Option<Token>, Refusal>,
    /// The resource of the API that the path was routed to. `TOKEN` events do not say.
    pub resource: Option<String>,
    /// The client's address. `TOKEN` events do not say.
    pub address: Option<ClientAddress>,
    /// The language of a Deny's message. `TOKEN` events do not say.
    pub language: Language,
}

/// The event is none of an authorizer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an authorizer event")]
pub struct Unreadable;

impl AuthorizerEvent {
    /// Reads an event of any kind that we answer.
    ///
    /// # Errors
    /// [`Unreadable`]: nothing says which method is meant.
    pub fn read(event: &str, edge: &EdgeConfig) -> Result<Self, Unreadable> {
        let default_language = edge.default_language;
        let event: Value = serde_json::from_str(event).map_err(|_| Unreadable)?;
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let method_arn = text("methodArn").ok_or(Unreadable)?.to_owned();
        match text("type") {
            Some("TOKEN") => {
                let token = bearer(text("authorizationToken"));
                Ok(Self { method_arn, token, resource: None, address: None, language: default_language })
            }
            Some("REQUEST") => {
                let headers = headers_of_event(&event);
                let header =
                    |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
                let language = Language::negotiate(header(header::ACCEPT_LANGUAGE).next(), default_language);
                let context = event.get("requestContext").unwrap_or(&Value::Null);
                Ok(Self {
                    method_arn,
                    token: bearer(header(header::AUTHORIZATION)),
                    resource: text("resource").map(str::to_owned),
                    address: Some(client_address(context, &headers, edge)),
                    language,
                })
            }
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str) -> Result<AuthorizerEvent, Unreadable> {
        let trusted_proxies = crate::domain::address::TrustedProxies::default();
        AuthorizerEvent::read(
            event,
            &EdgeConfig {
                default_language: Language::Arabic,
                trusted_proxies,
                allowed_origins: crate::domain::origin::AllowedOrigins::default(),
            },
        )
    }

    fn token(event: &str) -> Result<Option<String>, Refusal> {
        let event = read(event).unwrap();
        event.token.map(|token| token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn the_token_is_found_in_either_kind_of_event() {
        let found = Ok(Some("abc".to_owned()));
        assert_eq!(token(r#"{"type":"TOKEN","methodArn":"a","authorizationToken":"Bearer abc"}"#), found);
        assert_eq!(
            token(r#"{"type":"REQUEST","methodArn":"a","headers":{"AUTHORIZATION":"bearer abc"}}"#),
            found
        );
        assert_eq!(
            token(
                r#"{"type":"REQUEST","methodArn":"a","headers":null,"multiValueHeaders":{"authorization":["Bearer abc"]}}"#
            ),
            found
        );
    }

    #[test]
    fn two_tokens_are_one_too_many() {
        let event = r#"{"type":"REQUEST","methodArn":"a","multiValueHeaders":{"authorization":["Bearer a","Bearer b"]}}"#;
        assert_eq!(token(event), Err(Refusal::TokenInvalid));
    }

    #[test]
    fn what_is_no_authorizer_event_is_said_to_be_none() {
        for event in [
            "",
            "[]",
            "{}",
            r#"{"type":"TOKEN"}"#,
            r#"{"methodArn":"a"}"#,
            r#"{"type":"OTHER","methodArn":"a"}"#,
        ] {
            assert_eq!(read(event).err(), Some(Unreadable), "{event}");
        }
    }
}
