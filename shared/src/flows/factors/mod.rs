//! The second factors of a user who is logged in: listed, enrolled, replaced and removed.
//!
//! Every change raises the user's epoch in the transaction that it is: this session goes on, every other one ends, and so does a
//! login that is under way. Whoever changes something has just shown who they are; and whoever has a factor has just shown that:
//! a stolen session and a password are not enough to add another.

pub mod enrol;
pub mod list;
pub mod passkey;
pub mod prove;
pub mod recovery;
pub mod remove;

use super::{
    FlowError, Requester,
    authenticate::{Authenticated, Claimed, confirm, identify},
    mail::notice,
};
use crate::{
    domain::{
        assurance::{Demand, MaxAge},
        mail::{Mail, MailKey, Notice},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Session,
    },
    keys::Token,
    service::{Callers, ChangesFactors, FactorService},
    store::{FactorChange, FactorCommit, FactorCommitted, RecoveryCodes, StoreError},
};

/// Who changes their second factors.
#[derive(Debug)]
pub struct FactorRequest {
    /// The access token of the session that goes on.
    pub access: Token,
    /// Who is calling.
    pub caller: Requester,
}

/// How often a change starts again because what it read was changed meanwhile.
const MAX_ROUNDS: u32 = 3;

fn contended() -> FlowError {
    StoreError::Unavailable { operation: "change second factors", reason: "contention".into() }.into()
}

/// Insists that the user has just shown who they are: by a second factor, where they have one.
///
/// # Errors
/// `StepUpRequired`.
fn require_fresh(who: &Authenticated, moment: &Moment) -> Result<(), FlowError> {
    let (second_factor, max_age) = (!who.profile.factors.is_empty(), Some(MaxAge::TEN_MINUTES));
    let demand = Demand { second_factor, max_age };
    if demand.is_met(Some(who.session.shown(moment.now))) {
        return Ok(());
    }
    Err(Refusal::StepUpRequired { second_factor, max_age }.into())
}

/// The user and the session, read again; the session may be one that only enrols.
async fn again(
    service: &FactorService<impl Callers>,
    moment: &Moment,
    request: &FactorRequest,
) -> Result<Authenticated, FlowError> {
    let claims = identify(service.auth.access(), moment, &request.access).await?;
    Ok(confirm(service.auth.store(), moment, Claimed::of(&claims), None).await?.0.whole_or_enrolling())
}

/// What a change of factors is besides the change itself.
struct Change<'a> {
    session: &'a Session,
    change: FactorChange<'a>,
    recovery: Option<&'a RecoveryCodes>,
    without_recovery: bool,
    event: SecurityEvent,
}

/// Writes a change, its entry in the security log and the mail that tells the user.
async fn commit(
    service: &FactorService<impl ChangesFactors>,
    moment: &Moment,
    request: &FactorRequest,
    who: &Authenticated,
    change: Change<'_>,
) -> Result<FactorCommitted, FlowError> {
    let auth = &service.auth;
    let event = auth.journal().entry(change.event, moment, who.profile.id, &request.caller.device);
    let event = event.of_session(who.session.session_id);
    let told = || notice(Notice::FactorsChanged, &who.profile.email, request.caller.language, moment);
    let told: Option<(MailKey, Mail)> = auth.mail().then(told).transpose()?;
    let committed = auth
        .store()
        .commit_factor(&FactorCommit {
            session: change.session,
            change: change.change,
            recovery: change.recovery,
            without_recovery: change.without_recovery,
            event: &event,
            notice: told.as_ref().map(|(key, mail)| (key, mail)),
            now: moment.now,
        })
        .await?;
    if committed == FactorCommitted::Done {
        super::journal::announce(&event);
    }
    Ok(committed)
}
