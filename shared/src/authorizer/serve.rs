//! The loop of the authorizer's function.

use std::time::Instant;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;

use super::{AuthorizerError, AuthorizerEvent, AuthorizerResponse, EventKind};
use crate::{
    app::{Authorizer, StartError},
    domain::{ids::UserId, moment::Moment, policy::MethodArn, refusal::Refusal},
    flows::{
        FlowError,
        authorize::{Call, authorize},
    },
    http::{error::Problem, moment_of},
    telemetry::Metric,
};

/// Answers authorizer events until Lambda ends the process.
///
/// # Errors
/// The Lambda runtime can't be reached any more.
pub async fn serve(service: &Authorizer) -> Result<(), StartError> {
    let answer = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        answer(service, event.payload.get(), &moment_of(&event.context)).await
    });
    lambda_runtime::run(answer).await.map_err(|error| StartError::Runtime(error.to_string()))
}

/// Decides about one event, whatever is in it, and says so in the log: never with the token, nor with the path.
///
/// # Errors
/// [`AuthorizerError`].
pub async fn answer(
    service: &Authorizer,
    event: &str,
    moment: &Moment,
) -> Result<AuthorizerResponse, AuthorizerError> {
    let begun = Instant::now();
    let mut said = Said::default();
    let answered = decide(service, event, moment, &mut said).await;
    // What is allowed needs no metric: it is the rest of Lambda's `Invocations`.
    let (verdict, code, metric) = match &answered {
        Ok(_) => (said.verdict, said.code, (said.verdict != "allow").then_some(Metric::AuthzFail)),
        Err(NoDecision::Flow(FlowError::Refused(refusal))) => {
            ("unauthorized", code(refusal), Some(Metric::AuthorizerUnauthorized))
        }
        Err(failed) => {
            tracing::error!(error = %failed, request.id = moment.request.as_str(), "no decision");
            ("error", "INTERNAL_ERROR", Some(Metric::AuthorizerError))
        }
    };
    tracing::info!(
        metric = metric.map(Metric::name),
        decision = verdict,
        code,
        event.kind = said.kind.map(tracing::field::debug),
        rule.line = said.line,
        user.id = said.user.map(tracing::field::display),
        request.id = moment.request.as_str(),
        duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        "decided"
    );
    answered.map_err(|failed| match failed {
        NoDecision::Flow(FlowError::Refused(_)) => AuthorizerError::Unauthorized,
        _ => AuthorizerError::Failed,
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

/// What can go wrong before, while and after deciding.
#[derive(Debug, thiserror::Error)]
enum NoDecision {
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Event(#[from] super::Unreadable),
    #[error("the event names no method that a policy could be made for")]
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
    let method = MethodArn::parse(&event.method_arn).ok_or(NoDecision::Method)?;
    let token = event.token.as_ref().map_err(|refusal: &Refusal| FlowError::Refused(refusal.clone()))?;
    let call =
        Call { token: token.as_ref(), method, resource: event.resource.as_deref(), address: event.address };
    let decision = authorize(service, moment, call).await?;
    (said.verdict, said.code) = match &decision.answer {
        Ok(()) => ("allow", "OK"),
        Err(refusal) => ("deny", code(refusal)),
    };
    said.line = decision.line;
    said.user = decision.who.as_ref().map(|who| who.profile.id);
    Ok(AuthorizerResponse::new(decision, &event, service.http_responses)?)
}
