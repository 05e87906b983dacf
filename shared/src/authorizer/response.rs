//! What goes out: own types, since API Gateway wants no nulls and a missing effect must never become Allow.

use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::{
    domain::{context::Context, policy::Policy},
    flows::authorize::Decision,
    messages::{Language, message},
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
        let principal_id = decision.profile.id.to_string();
        let context = if decision.allowed {
            Context {
                user_id: Some(principal_id.clone()),
                email: Some(decision.profile.email.as_str().to_owned()),
                role: Some(decision.profile.role.as_str().to_owned()),
                session_id: Some(decision.session),
                ..Context::default()
            }
        } else {
            Context {
                code: Some("FORBIDDEN".to_owned()),
                message: Some(message("FORBIDDEN", language, &[])),
                ..Context::default()
            }
        };
        Self { principal_id, policy_document: decision.policy, context }
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
