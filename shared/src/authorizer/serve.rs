//! The loop of the authorizer's function.

use std::time::Instant;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;

use super::{AuthorizerError, AuthorizerEvent, AuthorizerResponse};
use crate::{
    app::{Authorizer, StartError},
    domain::{moment::Moment, policy::MethodArn, refusal::Refusal},
    flows::{
        FlowError,
        authorize::{Call, Decision, authorize},
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
    let decided = decide(service, event, moment).await;
    let code = |refusal: &Refusal| Problem::Refused(refusal.clone()).row().1;
    // What is allowed needs no metric: it is the rest of Lambda's `Invocations`.
    let (verdict, code, metric) = match &decided {
        Ok((Decision { answer: Ok(()), .. }, _)) => ("allow", "OK", None),
        Ok((Decision { answer: Err(refusal), .. }, _)) => ("deny", code(refusal), Some(Metric::AuthzFail)),
        Err(NoDecision::Flow(FlowError::Refused(refusal))) => {
            ("unauthorized", code(refusal), Some(Metric::AuthorizerUnauthorized))
        }
        Err(failed) => {
            tracing::error!(error = %failed, request.id = moment.request.as_str(), "no decision");
            ("error", "INTERNAL_ERROR", Some(Metric::AuthorizerError))
        }
    };
    let decision = decided.as_ref().ok().map(|(decision, _)| decision);
    tracing::info!(
        metric = metric.map(Metric::name),
        decision = verdict,
        code,
        rule.line = decision.and_then(|decision| decision.line),
        user.id = decision
            .and_then(|decision| decision.who.as_ref())
            .map(|who| tracing::field::display(who.profile.id)),
        request.id = moment.request.as_str(),
        duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        "decided"
    );
    match decided {
        Ok((decision, event)) => Ok(AuthorizerResponse::new(decision, event.language)),
        Err(NoDecision::Flow(FlowError::Refused(_))) => Err(AuthorizerError::Unauthorized),
        Err(_) => Err(AuthorizerError::Failed),
    }
}

/// What can go wrong before and while deciding.
#[derive(Debug, thiserror::Error)]
enum NoDecision {
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Event(#[from] super::Unreadable),
    #[error("the event names no method that a policy could be made for")]
    Method,
}

async fn decide(
    service: &Authorizer,
    event: &str,
    moment: &Moment,
) -> Result<(Decision, AuthorizerEvent), NoDecision> {
    let event = AuthorizerEvent::read(event, &service.edge)?;
    let method = MethodArn::parse(&event.method_arn).ok_or(NoDecision::Method)?;
    let token = event.token.as_ref().map_err(|refusal: &Refusal| FlowError::Refused(refusal.clone()))?;
    let call =
        Call { token: token.as_ref(), method, resource: event.resource.as_deref(), address: event.address };
    let decision = authorize(service, moment, call).await?;
    Ok((decision, event))
}
