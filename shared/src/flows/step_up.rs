//! Step-up: somebody who is logged in shows once more who they are, and the *same* session is worth more.

use std::future::ready;

use super::{
    FlowError, Requester,
    authenticate::{Authenticated, authenticate_call},
    current_password,
    factors::prove::{FactorProof, Proven, Purpose, prove},
    journal::announce,
};
use crate::{
    domain::{
        factors::Amr, moment::Moment, password::Password, refusal::Refusal, security_event::SecurityEvent,
        session::Session,
    },
    keys::{IssuedAccess, Token},
    service::{FactorService, StepsUp, TriesFactors},
};

/// What is shown.
#[derive(Debug)]
pub enum StepUpProof {
    /// The password: the session is fresh again, and no stronger.
    Password(Password),
    /// A second factor.
    Factor(FactorProof),
}

#[derive(Debug)]
pub struct StepUp {
    /// The access token of the session.
    pub access: Token,
    /// What is shown.
    pub proof: StepUpProof,
    /// Who is calling.
    pub caller: Requester,
}

/// A session that was stepped up.
#[derive(Debug)]
pub struct SteppedUp {
    /// A new access token of it.
    pub access: IssuedAccess,
    pub session: Session,
}

/// Steps a session up.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], `AddressLimited`, `LoginLocked`, `CurrentPasswordInvalid`, `SecondFactorLocked`,
/// `SecondFactorInvalid`.
pub async fn step_up(
    service: &FactorService<impl StepsUp>,
    moment: &Moment,
    step: &StepUp,
) -> Result<SteppedUp, FlowError> {
    let auth = &service.auth;
    auth.access().ready(moment.now).await?;
    let who = authenticate_call(auth, moment, &step.access).await?;
    let (shown, factor) = match &step.proof {
        StepUpProof::Password(password) => {
            current_password::with_password(auth, moment, &step.caller, &who, password).await?;
            (&[Amr::Pwd][..], false)
        }
        StepUpProof::Factor(proof) => (shown_factor(service, moment, &who, step, proof).await?, true),
    };
    let stepped = auth.store().step_up(&who.session, shown, factor, moment.now).await?;
    let session = stepped.ok_or(Refusal::TokenRevoked)?;
    let entry = auth.journal().entry(SecurityEvent::AuthnStepUp, moment, who.profile.id, &step.caller.device);
    let entry = entry.of_session(session.session_id);
    // Without its entry nobody is told that it took: shown again, it stands in the log.
    auth.store().put_event(&entry).await?;
    announce(&entry);
    Ok(SteppedUp {
        access: auth.access().issue(&who.profile, &session, auth.lifetimes(), moment.now).await?,
        session,
    })
}

async fn shown_factor(
    service: &FactorService<impl TriesFactors>,
    moment: &Moment,
    who: &Authenticated,
    step: &StepUp,
    proof: &FactorProof,
) -> Result<&'static [Amr], FlowError> {
    let (user, device) = (who.profile.id, &step.caller.device);
    let purpose = Purpose::step_up(who.session.session_id);
    let then = |()| async {
        let proven = prove(service, moment, user, (proof, purpose), device).await?;
        Ok(proven.map(Proven::amr))
    };
    service.auth.factor_gate().with_place((user, device), moment, ready(Ok(())), then).await
}
