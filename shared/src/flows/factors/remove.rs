//! Removing a second factor. With the last one the recovery codes go.

use super::{
    super::{FlowError, authenticate::authenticate_enrolling},
    Change, FactorRequest, MAX_ROUNDS, again, commit, contended, require_fresh,
};
use crate::{
    domain::{
        factors::FactorKind, ids::FactorId, moment::Moment, refusal::Refusal, security_event::SecurityEvent,
    },
    service::FactorService,
    store::{FactorChange, FactorCommitted},
};

/// Removes a factor.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`], `StepUpRequired`, `FactorNotFound`.
pub async fn remove_factor(
    service: &FactorService,
    moment: &Moment,
    request: &FactorRequest,
    id: FactorId,
) -> Result<(), FlowError> {
    let mut who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    for _ in 0..MAX_ROUNDS {
        require_fresh(&who, moment)?;
        let rows = service.auth.store.factors(who.profile.id).await?;
        let active: Vec<_> = rows.totp.iter().filter(|factor| factor.is_active()).collect();
        if !active.iter().any(|factor| factor.factor_id == id) {
            return Err(Refusal::FactorNotFound.into());
        }
        let last = active.len() == 1;
        let others = who.profile.factors.iter().any(|kind| *kind != FactorKind::Totp);
        let change = Change {
            session: &who.session,
            change: FactorChange::RemoveTotp { factor: id, last },
            recovery: None,
            without_recovery: last && !others,
            event: SecurityEvent::AuthnFactorRemoved,
        };
        match commit(service, moment, request, &who, change).await? {
            FactorCommitted::Done => return Ok(()),
            FactorCommitted::Changed => {
                who = again(service, moment, request).await?;
            }
        }
    }
    Err(contended())
}
