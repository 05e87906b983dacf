//! Removing a second factor. With the last one the recovery codes go.

use super::{
    super::{FlowError, authenticate::authenticate_enrolling},
    Change, FactorRequest, MAX_ROUNDS, again, commit, contended, require_fresh,
};
use crate::{
    domain::{
        factors::FactorKind, ids::FactorId, moment::Moment, refusal::Refusal, security_event::SecurityEvent,
    },
    service::{ChangesFactors, FactorService},
    store::{FactorChange, FactorCommitted, FactorRows},
};

/// Removes a factor.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`], `StepUpRequired`, `FactorNotFound`.
pub async fn remove_factor(
    service: &FactorService<impl ChangesFactors>,
    moment: &Moment,
    request: &FactorRequest,
    id: FactorId,
) -> Result<(), FlowError> {
    let mut who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    for _ in 0..MAX_ROUNDS {
        require_fresh(&who, moment)?;
        let rows = service.auth.store().factors(who.profile.id).await?;
        let (change, last) = removal(&rows, id).ok_or(Refusal::FactorNotFound)?;
        let kind = match change {
            FactorChange::RemovePasskey { .. } => FactorKind::Passkey,
            _ => FactorKind::Totp,
        };
        let others = who.profile.factors.iter().any(|other| *other != kind);
        let change = Change {
            session: &who.session,
            change,
            recovery: None,
            without_recovery: last && !others,
            event: SecurityEvent::AuthnFactorRemoved,
        };
        match commit(service, moment, request, &who, change).await? {
            FactorCommitted::Done => return Ok(()),
            FactorCommitted::Changed | FactorCommitted::Taken => {
                who = again(service, moment, request).await?;
            }
        }
    }
    Err(contended())
}

/// The removal of the factor of this id, and whether it is the last one of its kind.
fn removal(rows: &FactorRows, id: FactorId) -> Option<(FactorChange<'_>, bool)> {
    if let Some(passkey) = rows.passkeys.iter().find(|passkey| passkey.factor_id() == id) {
        let last = rows.passkeys.len() == 1;
        return Some((FactorChange::RemovePasskey { passkey, last }, last));
    }
    let mut active = rows.totp.iter().filter(|factor| factor.is_active());
    let last = active.clone().count() == 1;
    let factor = active.find(|factor| factor.factor_id == id)?.factor_id;
    Some((FactorChange::RemoveTotp { factor, last }, last))
}
