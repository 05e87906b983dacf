//! Authorize: may this user call this method of that API?

use super::{FlowError, authenticate::authenticate};
use crate::{
    app::Authorizer,
    config::NoRules,
    domain::{
        moment::Moment,
        policy::{MethodArn, Policy},
        refusal::Refusal,
        user::Profile,
    },
    keys::Token,
};

/// The answer to an authenticated user.
#[derive(Debug)]
pub struct Decision {
    /// The user.
    pub profile: Profile,
    /// The user's session.
    pub session: String,
    /// What the user may call.
    pub policy: Policy,
    /// Whether that includes the method that is being called.
    pub allowed: bool,
}

/// Decides about one call.
///
/// # Errors
/// Of the refusals: `TokenMissing` and those of [`authenticate`].
pub async fn authorize(
    service: &Authorizer,
    moment: &Moment,
    token: Option<&Token>,
    method: MethodArn<'_>,
) -> Result<Decision, FlowError> {
    let token = token.ok_or(Refusal::TokenMissing)?;
    let who = authenticate(&service.store, &service.access, moment, token).await?;
    let policy = match service.no_rules {
        NoRules::Authenticated => Policy::allow(vec![method.whole_stage()]),
        NoRules::Deny => Policy::deny(),
    };
    // The policy is held against the very method that was asked for before it is sent: if the two disagree, it is no.
    let allowed = policy.allows(method.text);
    let policy = if allowed { policy } else { Policy::deny() };
    Ok(Decision { profile: who.profile, session: who.session.session_id.to_string(), policy, allowed })
}
