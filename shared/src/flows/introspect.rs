//! Introspect: what an access token is worth now, for servers that no gateway asks the authorizer for (RFC 7662); and, if
//! they say what is called, whether the rules allow it. One round trip, like a decision.

use super::{
    FlowError,
    authenticate::{Authenticated, Claimed, confirm, identify},
};
use crate::{
    domain::{
        address::ClientAddress,
        claims::AccessClaims,
        moment::Moment,
        refusal::Refusal,
        rules::{Asking, Call},
    },
    keys::Token,
    service::Introspector,
};

/// What a server wants to know of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name that the rules are stored under.
    pub api: String,
    /// What is called there.
    pub call: Call,
    /// The client's address, if the server says it. Without it no address rule lets the call in.
    pub address: Option<ClientAddress>,
}

/// A token that counts.
#[derive(Debug)]
pub struct Active {
    /// What it says.
    pub claims: AccessClaims,
    /// Its user and its session, as the tables have them now.
    pub who: Authenticated,
    /// What the rules say of the call, where one was asked about.
    pub answer: Option<Result<(), Refusal>>,
}

/// Says what a token is worth. Nothing for whatever is no access token of a session that counts: expired, revoked, of
/// another issuer, of a user who is disabled, of a session that may only enrol a second factor. Whoever asks learns no more.
///
/// # Errors
/// Nobody can tell: tables or keys are out of reach. A server has to take that for a no.
pub async fn introspect(
    service: &Introspector,
    moment: &Moment,
    token: &Token,
    question: Option<&Question>,
) -> Result<Option<Active>, FlowError> {
    match read(service, moment, token, question).await {
        Ok(active) => Ok(Some(active)),
        Err(FlowError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn read(
    service: &Introspector,
    moment: &Moment,
    token: &Token,
    question: Option<&Question>,
) -> Result<Active, FlowError> {
    let claims = identify(&service.access, moment, token).await?;
    let api = question.map(|question| question.api.as_str());
    let kept = api.and_then(|api| service.rules.get(api, moment.now));
    let rules_of = api.filter(|_| kept.is_none());
    let (confirmed, rules) = confirm(&service.store, moment, Claimed::of(&claims), rules_of).await?;
    let who = confirmed.whole()?;
    let rules = api.zip(rules).map(|(api, rules)| service.rules.keep(api, rules, moment.now)).or(kept);
    let answer = question.map(|question| {
        let asking = Asking {
            user: Some(&who.profile),
            address: question.address,
            shown: Some(who.session.shown(moment.now)),
        };
        match &rules {
            Some(rules) => rules.decide_call(&question.call.method, &question.call.path, asking).answer,
            None => service.no_rules.answer(true),
        }
    });
    Ok(Active { claims, who, answer })
}
