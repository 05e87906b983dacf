//! What goes out: own types, since API Gateway wants no nulls and a missing effect must never become Allow.
//!
//! AppSync has one way to say no, and keeps answers for as long as they say, or else for as long as its API says. It is told to
//! keep none: what is kept says yes to whom was logged out since.

use serde::{Serialize, Serializer};

use super::event::AuthorizerEvent;
use super::kind::EventKind;
use crate::{
    domain::{assurance::Demand, context::Context, policy::Policy, refusal::Refusal, rules::Caching},
    flows::{authenticate::Authenticated, authorize::Decision},
    http::error::Problem,
    messages::Language,
    runtime::Diagnostic,
    settings::HttpResponses,
};

/// The authorizer's answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum AuthorizerResponse {
    /// A policy: what REST and WebSocket APIs take, and HTTP APIs unless they were told otherwise.
    Iam(IamResponse),
    /// Yes or no about one route: an HTTP API with `EnableSimpleResponses`.
    Simple(SimpleResponse),
    /// Yes or no about one operation at an event API of AppSync.
    Event(EventResponse),
}

/// All that somebody may call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IamResponse {
    principal_id: String,
    policy_document: Policy,
    context: Context,
}

/// Yes or no.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleResponse {
    is_authorized: bool,
    context: Context,
}

/// Yes or no, in AppSync's words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventResponse {
    is_authorized: bool,
    handler_context: Context,
    ttl_override: NotKept,
}

/// For how many seconds AppSync may keep an answer.
#[derive(Debug)]
struct NotKept;

impl Serialize for NotKept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(0)
    }
}

impl EventResponse {
    fn yes(who: Option<&Authenticated>) -> Self {
        let handler_context = who.map(of_user).unwrap_or_default();
        Self { is_authorized: true, handler_context, ttl_override: NotKept }
    }

    fn no(refusal: Refusal, language: Language) -> Self {
        let Context { code, message, .. } = of_refusal(refusal, language);
        let handler_context = Context { code, message, ..Context::default() };
        Self { is_authorized: false, handler_context, ttl_override: NotKept }
    }
}

/// An answer that API Gateway might keep for routes that it is not about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a simple response may be kept for other calls: add $context.routeKey to the identity sources (for a route of any \
     method $context.httpMethod too, for one of many paths $context.path too), or store the rules with --uncached (and \
     ReauthorizeEvery 0)"
)]
pub struct WouldSpread;

impl AuthorizerResponse {
    /// The answer that says this decision, in the form that whoever asked takes.
    pub fn new(
        decision: Decision,
        event: &AuthorizerEvent,
        responses: HttpResponses,
    ) -> Result<Self, WouldSpread> {
        let Decision { who, policy, answer, caching, by_route, .. } = decision;
        if event.kind == EventKind::AppSync {
            return Ok(Self::Event(match answer {
                Ok(()) => EventResponse::yes(who.as_ref()),
                Err(refusal) => EventResponse::no(refusal, event.language),
            }));
        }
        let is_authorized = answer.is_ok();
        let is_simple = event.kind == EventKind::Http2 && responses == HttpResponses::Simple;
        // A policy that is kept meets calls that it allows and calls that it denies, whichever it was made for. So its context
        // has what either of them needs: who is calling, and what a Deny shows.
        let meets_both =
            by_route && caching == Caching::Allowed && !is_simple && event.kind != EventKind::WebSocket;
        let user = who.as_ref().map(of_user).unwrap_or_default();
        let context = match answer {
            // True of every route for as long as it is kept.
            Err(refusal @ (Refusal::ApiRateLimited(_) | Refusal::MfaEnrolmentRequired)) => {
                of_refusal(refusal, event.language)
            }
            _ if meets_both => {
                let Context { code, message, .. } = of_refusal(Refusal::Forbidden, event.language);
                Context { code, message, ..user }
            }
            Ok(()) => user,
            // Another reason may be true of the next route, or none.
            Err(_) if caching == Caching::Allowed => of_refusal(Refusal::Forbidden, event.language),
            Err(refusal) => of_refusal(refusal, event.language),
        };
        if is_simple {
            let may_be_kept = by_route && caching == Caching::Allowed;
            return if may_be_kept && !event.kept_by_route {
                Err(WouldSpread)
            } else {
                Ok(Self::Simple(SimpleResponse { is_authorized, context }))
            };
        }
        let principal_id = who.map_or_else(|| "anonymous".to_owned(), |who| who.profile.id.to_string());
        Ok(Self::Iam(IamResponse { principal_id, policy_document: policy, context }))
    }

    /// What AppSync is told where API Gateway gets [`AuthorizerError::Unauthorized`].
    #[must_use]
    pub fn unauthenticated(refusal: Refusal, language: Language) -> Self {
        Self::Event(EventResponse::no(refusal, language))
    }
}

fn of_user(who: &Authenticated) -> Context {
    Context {
        user_id: Some(who.profile.id.to_string()),
        email: Some(who.profile.email.as_str().to_owned()),
        role: Some(who.profile.role.as_str().to_owned()),
        session_id: Some(who.session.session_id.to_string()),
        epoch: Some(who.profile.epoch.to_string()),
        acr: Some(who.session.acr().name().to_owned()),
        auth_time: Some(who.session.authenticated_at().as_second().to_string()),
        ..Context::default()
    }
}

fn of_refusal(refusal: Refusal, language: Language) -> Context {
    let problem = Problem::Refused(refusal);
    let demand = problem.demand();
    Context {
        acr: demand.and_then(Demand::acr).map(|acr| acr.name().to_owned()),
        max_age: demand.and_then(|demand| demand.max_age).map(|age| age.seconds().to_string()),
        challenge: demand.map(Demand::challenge),
        code: Some(problem.row().1.to_owned()),
        message: Some(problem.message(language)),
        ..Context::default()
    }
}

/// No answer, in the two ways that API Gateway can tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizerError {
    Unauthorized,
    /// 500. The cause stands in the log and not here.
    Failed,
}

impl From<AuthorizerError> for Diagnostic {
    fn from(error: AuthorizerError) -> Self {
        let (kind, text) = match error {
            // Exactly this text: API Gateway compares it.
            AuthorizerError::Unauthorized => ("Unauthorized", "Unauthorized"),
            AuthorizerError::Failed => ("AuthorizerFailed", "the authorizer could not decide"),
        };
        Self { error_type: kind.to_owned(), error_message: text.to_owned() }
    }
}
