//! What the authorizer makes of an event, and what it says of it in the log.

use std::time::Instant;

use super::{AuthorizerError, AuthorizerEvent, AuthorizerResponse, Called, EventKind};
use crate::{
    domain::{ids::UserId, moment::Moment, policy::MethodArn, refusal::Refusal},
    flows::{
        FlowError,
        authorize::{Call, Target, authorize},
    },
    http::error::Problem,
    runtime::Function,
    service::Authorizer,
    settings::DecisionLog,
    telemetry::{self, Metric},
};

/// The verdict that lets somebody in.
const ALLOW: &str = "allow";

impl Function for Authorizer {
    type Answer = AuthorizerResponse;
    type Error = AuthorizerError;

    async fn answer(&self, event: &str, moment: Moment) -> Result<AuthorizerResponse, AuthorizerError> {
        answer(self, event, &moment).await
    }
}

/// Decides about one event, whatever is in it, and says so in the log: never with the token, nor with the path.
pub async fn answer(
    service: &Authorizer,
    event: &str,
    moment: &Moment,
) -> Result<AuthorizerResponse, AuthorizerError> {
    let begun = Instant::now();
    let mut said = Said::default();
    let answered = decide(service, event, moment, &mut said).await;
    if answered.is_ok() && said.verdict == ALLOW {
        if service.decision_log == DecisionLog::All {
            said.briefly(moment);
        }
    } else {
        said.at_length(moment, begun, &answered);
    }
    answered.or_else(|failed| match (failed, said.kind) {
        // To AppSync an error is ours, whatever it says.
        (NoDecision::Flow(FlowError::Refused(refusal)), Some(EventKind::AppSync)) => {
            Ok(AuthorizerResponse::unauthenticated(refusal, service.edge.default_language))
        }
        (NoDecision::Flow(FlowError::Refused(_)), _) => Err(AuthorizerError::Unauthorized),
        _ => Err(AuthorizerError::Failed),
    })
}

fn code(refusal: &Refusal) -> &'static str {
    Problem::Refused(refusal.clone()).row().1
}

/// What the log line says of a decision.
#[derive(Debug, Default)]
struct Said {
    kind: Option<EventKind>,
    verdict: &'static str,
    code: &'static str,
    line: Option<u32>,
    user: Option<UserId>,
}

impl Said {
    /// A yes, in as few bytes as say who and by which rule: nearly every line that the authorizer writes is one. It needs no
    /// metric: it is the rest of Lambda's `Invocations`. The time is CloudWatch's, and how long it took is Lambda's `Duration`.
    fn briefly(&self, moment: &Moment) {
        tracing::info!(
            target: telemetry::BRIEF,
            decision = ALLOW,
            rule = self.line,
            user.id = self.user.map(tracing::field::display),
            request.id = moment.request.as_str(),
        );
    }

    /// Anything else, with what it counts as.
    fn at_length(&self, moment: &Moment, begun: Instant, answered: &Result<AuthorizerResponse, NoDecision>) {
        let (verdict, code, metric) = match answered {
            Ok(_) => (self.verdict, self.code, Metric::AuthzFail),
            Err(NoDecision::Flow(FlowError::Refused(refusal))) => {
                ("unauthorized", code(refusal), Metric::AuthorizerUnauthorized)
            }
            Err(failed) => {
                tracing::error!(error = %failed, request.id = moment.request.as_str(), "no decision");
                ("error", "INTERNAL_ERROR", Metric::AuthorizerError)
            }
        };
        tracing::info!(
            metric = metric.name(),
            decision = verdict,
            code,
            event.kind = self.kind.map(tracing::field::debug),
            rule = self.line,
            user.id = self.user.map(tracing::field::display),
            request.id = moment.request.as_str(),
            duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            "decided"
        );
    }
}

/// What can go wrong before, while and after deciding.
#[derive(Debug, thiserror::Error)]
enum NoDecision {
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Event(#[from] super::Unreadable),
    #[error("the event names no method for which a policy could be made")]
    Method,
    #[error(transparent)]
    Response(#[from] super::WouldSpread),
}

async fn decide(
    service: &Authorizer,
    event: &str,
    moment: &Moment,
    said: &mut Said,
) -> Result<AuthorizerResponse, NoDecision> {
    let event = AuthorizerEvent::read(event, &service.edge)?;
    said.kind = Some(event.kind);
    let target = match &event.called {
        Called::Method { arn, resource } => {
            let method = MethodArn::parse(arn).ok_or(NoDecision::Method)?;
            Target::Method { method, resource: resource.as_deref() }
        }
        Called::Event { api, operation } => Target::Event { api, operation: operation.as_ref() },
    };
    let credential =
        event.credential.as_ref().map_err(|refusal: &Refusal| FlowError::Refused(refusal.clone()))?;
    let call = Call { credential: credential.as_ref(), target, address: event.address };
    let decision = authorize(service, moment, call).await?;
    (said.verdict, said.code) = match &decision.answer {
        Ok(()) => (ALLOW, "OK"),
        Err(refusal) => ("deny", code(refusal)),
    };
    said.line = decision.line;
    said.user = decision.who.as_ref().map(|who| who.profile.id);
    Ok(AuthorizerResponse::new(decision, &event, service.http_responses)?)
}
