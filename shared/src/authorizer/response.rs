//! What goes out: own types, since API Gateway wants no nulls and a missing effect must never become Allow.

use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::{
    domain::{context::Context, policy::Policy, refusal::Refusal, rules::Caching},
    flows::{authenticate::Authenticated, authorize::Decision},
    http::error::Problem,
    messages::Language,
};

/// The answer of a REST API's authorizer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerResponse {
    principal_id: String,
    policy_document: Policy,
    context: Context,
}

impl AuthorizerResponse {
    /// The answer that says this decision.
    #[must_use]
    pub fn new(decision: Decision, language: Language) -> Self {
        let Decision { who, policy, answer, caching, .. } = decision;
        let context = match answer {
            Ok(()) => who.as_ref().map(of_user).unwrap_or_default(),
            Err(refusal @ Refusal::ApiRateLimited(_)) => of_refusal(refusal, language),
            // An answer that is kept meets other routes, for which another reason may be true, or none.
            Err(_) if caching == Caching::Allowed => of_refusal(Refusal::Forbidden, language),
            Err(refusal) => of_refusal(refusal, language),
        };
        let principal_id = who.map_or_else(|| "anonymous".to_owned(), |who| who.profile.id.to_string());
        Self { principal_id, policy_document: policy, context }
    }
}

fn of_user(who: &Authenticated) -> Context {
    Context {
        user_id: Some(who.profile.id.to_string()),
        email: Some(who.profile.email.as_str().to_owned()),
        role: Some(who.profile.role.as_str().to_owned()),
        session_id: Some(who.session.session_id.to_string()),
        ..Context::default()
    }
}

fn of_refusal(refusal: Refusal, language: Language) -> Context {
    let problem = Problem::Refused(refusal);
    Context {
        code: Some(problem.row().1.to_owned()),
        message: Some(problem.message(language)),
        ..Context::default()
    }
}

/// No answer, in the two ways that API Gateway can tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizerError {
    /// 401.
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
