//! Authorize: may this user call this method of that API?
//!
//! User, session and (where none are kept) the API's rules are read in one round trip; the call is counted
//! beside it, where there is a limit.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    FlowError,
    authenticate::{Authenticated, Claimed, Confirmed, confirm, identify},
};
use crate::{
    domain::{
        address::ClientAddress,
        ids::TicketId,
        moment::Moment,
        policy::{MethodArn, Policy},
        refusal::Refusal,
        rules::{Asking, Caching, Operation, Rules, Verdict},
    },
    gate::Counted,
    keys::Token,
    service::Authorizer,
    store::StoreError,
};

/// What a client shows of itself.
#[derive(Debug)]
pub enum Credential {
    Access(Token),
    /// A ticket to connect, which is used up by that.
    Ticket(Token),
}

impl Credential {
    /// What the client sent.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Access(token) | Self::Ticket(token) => token.expose(),
        }
    }
}

/// One call of an attached API.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What the client shows of itself, if anything.
    pub credential: Option<&'a Credential>,
    /// What is called.
    pub target: Target<'a>,
    /// The client's address, where the event says it.
    pub address: Option<ClientAddress>,
}

/// What is called of an attached API.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A method, at API Gateway.
    Method {
        /// The method that is being called.
        method: MethodArn<'a>,
        /// The resource of the API that the path was routed to, where the event says it.
        resource: Option<&'a str>,
    },
    /// A connection or a channel of an event API, at AppSync.
    Event {
        /// The API's id.
        api: &'a str,
        /// What is done there.
        operation: Operation<&'a str>,
    },
}

impl<'a> Target<'a> {
    /// The API's id, by which its rules are stored.
    #[must_use]
    pub const fn api(self) -> &'a str {
        match self {
            Self::Method { method, .. } => method.api_id,
            Self::Event { api, .. } => api,
        }
    }
}

/// The answer about one call.
#[derive(Debug)]
pub struct Decision {
    /// The user, unless the route is public and nobody said who they are.
    pub who: Option<Authenticated>,
    /// What may be called, as API Gateway is told. AppSync is told nothing but the answer.
    pub policy: Policy,
    /// Yes, or why not.
    pub answer: Result<(), Refusal>,
    /// The line of the rules that decided.
    pub line: Option<u32>,
    /// Whether rules were asked, so that another route may have another answer.
    pub by_route: bool,
    /// Whether API Gateway may keep the answer for another call, which it then must not say too much about.
    pub caching: Caching,
}

/// Decides about one call.
///
/// # Errors
/// Of the refusals: `TokenMissing` and those of [`super::authenticate::authenticate`], which all are API Gateway's 401.
pub async fn authorize(service: &Authorizer, moment: &Moment, call: Call<'_>) -> Result<Decision, FlowError> {
    let api = call.target.api();
    let kept = service.rules.get(api, moment.now);
    let rules_of = kept.is_none().then_some(api);
    let (who, rules, rate) = match call.credential {
        Some(credential) => {
            let shown = read(service, moment, credential, api).await?;
            let counted = Counted::user(shown.claimed.user);
            let (read, used, rate) = tokio::join!(
                confirm(&service.store, moment, shown.claimed, rules_of),
                use_up(service, moment, shown.ticket),
                service.rate_limit.count(&service.store, &counted, moment.now),
            );
            // A ticket of which nobody knows whether it was used before opens nothing, whatever else is right.
            let is_first = used?;
            let (who, rules) = read?;
            if !is_first {
                return Err(Refusal::TokenInvalid.into());
            }
            (Some(who), rules, rate?)
        }
        None => {
            let rules = match rules_of {
                Some(api) => service.store.rules(api).await?.map(|stored| stored.rules),
                None => None,
            };
            let counted = call.address.map_or(Counted::address(ClientAddress::Unknown), Counted::address);
            (None, rules, service.rate_limit.count(&service.store, &counted, moment.now).await?)
        }
    };
    let rules = rules.map(|rules| service.rules.keep(api, rules, moment.now)).or(kept);
    let decision = match who {
        Some(Confirmed::Enrolling(who)) => enrol_first(who),
        Some(Confirmed::Whole(who)) => decide(service, moment, call, Some(who), rules)?,
        None => decide(service, moment, call, None, rules)?,
    };
    Ok(match rate {
        Some(quota) => Decision {
            policy: Policy::deny(),
            answer: decision.answer.and(Err(Refusal::ApiRateLimited(quota))),
            ..decision
        },
        None => decision,
    })
}

/// What a credential says, and the ticket that has to be used up, with its end.
struct Read {
    claimed: Claimed,
    ticket: Option<(TicketId, Timestamp)>,
}

async fn read(
    service: &Authorizer,
    moment: &Moment,
    credential: &Credential,
    api: &str,
) -> Result<Read, FlowError> {
    let ticket = match credential {
        Credential::Access(token) => {
            let claims = identify(&service.access, moment, token).await?;
            return Ok(Read { claimed: Claimed::of(&claims), ticket: None });
        }
        Credential::Ticket(ticket) => ticket,
    };
    let verified = service.access.verify_ticket(ticket, api, moment.now).await;
    let verified = verified.map_err(|rejected| FlowError::rejected(rejected, Refusal::TokenInvalid))?;
    let claims = verified.claims;
    let ends = Timestamp::from_second(claims.exp).map_err(|_| Refusal::TokenInvalid)?;
    if verified.expired {
        return Err(Refusal::TokenExpired.into());
    }
    let claimed = Claimed { user: claims.sub, session: claims.sid, token: None };
    Ok(Read { claimed, ticket: Some((claims.jti, ends)) })
}

async fn use_up(
    service: &Authorizer,
    moment: &Moment,
    ticket: Option<(TicketId, Timestamp)>,
) -> Result<bool, StoreError> {
    match ticket {
        Some((ticket, ends)) => service.store.use_ticket(ticket, ends, moment).await,
        None => Ok(true),
    }
}

/// The user has to enrol a second factor, and may call nothing before, public or not: so it is true of every route for as
/// long as it is kept.
fn enrol_first(who: Authenticated) -> Decision {
    Decision {
        who: Some(who),
        policy: Policy::deny(),
        answer: Err(Refusal::MfaEnrolmentRequired),
        line: None,
        by_route: false,
        caching: Caching::Allowed,
    }
}

fn decide(
    service: &Authorizer,
    moment: &Moment,
    call: Call<'_>,
    who: Option<Authenticated>,
    rules: Option<Arc<Rules>>,
) -> Result<Decision, FlowError> {
    let asking = Asking {
        user: who.as_ref().map(|who| &who.profile),
        address: call.address,
        shown: who.as_ref().map(|who| who.session.shown(moment.now)),
    };
    let (Verdict { line, answer }, policy, caching) = match (&rules, call.target) {
        (Some(rules), Target::Method { method, resource }) => {
            let (verdict, policy) = rules.answer(method, resource, asking);
            (verdict, policy, rules.caching)
        }
        // Nothing of it is kept, however the rules were stored.
        (Some(rules), Target::Event { operation, .. }) => {
            (rules.decide_operation(operation, asking), Policy::deny(), Caching::Never)
        }
        (None, target) => {
            let (policy, answer) = without_rules(service, target, asking);
            (Verdict { line: None, answer }, policy, Caching::Allowed)
        }
    };
    // Nobody said who they are, and it matters: that is a 401, whatever the rules would say to somebody.
    if who.is_none() && answer.is_err() {
        return Err(Refusal::TokenMissing.into());
    }
    Ok(Decision { who, policy, answer, line, by_route: rules.is_some(), caching })
}

fn without_rules(
    service: &Authorizer,
    target: Target<'_>,
    asking: Asking<'_>,
) -> (Policy, Result<(), Refusal>) {
    let answer = service.no_rules.answer(asking.user.is_some());
    let policy = match target {
        Target::Method { method, .. } if answer.is_ok() => Policy::allow(vec![method.whole_stage()]),
        _ => Policy::deny(),
    };
    (policy, answer)
}
