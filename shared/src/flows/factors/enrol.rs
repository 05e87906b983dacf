//! Enrolling an authenticator app: its secret is shown once, and counts from its first code on.

use super::{
    super::{FlowError, authenticate::authenticate_enrolling},
    Change, FactorRequest, MAX_ROUNDS, again, commit, contended,
    prove::opened,
    recovery::NewCodes,
    require_fresh,
};
use crate::{
    domain::{
        attempts::Quota,
        factors::{
            STEP_LIFE,
            totp::{SECRET_BYTES, TotpCode, TotpSecret},
        },
        ids::FactorId,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
    },
    entropy,
    flows::authenticate::Authenticated,
    service::{Callers, ChangesFactors, FactorService, HasAttempts},
    store::{FactorChange, FactorCommitted, FactorRows, FactorState, TotpFactor},
};

/// A user may have so many authenticator apps.
pub const MOST_TOTP: usize = 5;

/// An authenticator app that its user has to scan or type.
pub struct PendingTotp {
    pub id: FactorId,
    /// The secret, in base32.
    pub secret: String,
    /// What the QR code says.
    pub uri: String,
}

/// It holds a secret.
impl std::fmt::Debug for PendingTotp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingTotp").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes the secret of an authenticator app.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`], `StepUpRequired`, `FactorLimit`.
pub async fn enrol_totp(
    service: &FactorService<impl Callers>,
    moment: &Moment,
    request: &FactorRequest,
    name: Option<String>,
) -> Result<PendingTotp, FlowError> {
    let who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    require_fresh(&who, moment)?;
    let rows = service.auth.store().factors(who.profile.id).await?;
    let pending = rows.totp.iter().filter(|factor| factor.is_pending(moment.now)).count();
    room_for_one_more(&rows)?;
    if pending >= MOST_TOTP {
        return Err(Refusal::FactorLimit.into());
    }
    let id = FactorId::new(entropy::uuid(moment.now)?);
    let secret = TotpSecret::from_bytes(entropy::bytes::<SECRET_BYTES>()?);
    let factor = TotpFactor {
        factor_id: id,
        state: FactorState::Pending,
        name,
        secret: service.keys.seal(who.profile.id, id, &secret, moment.now).await?,
        last_step: None,
        used_by: None,
        created_at: moment.now,
        last_used_at: None,
        ends: Some(moment.now + STEP_LIFE),
    };
    service.auth.store().put_pending_totp(who.profile.id, &factor).await?;
    let uri = secret.uri(&service.name, who.profile.email.as_str()).unwrap_or_default();
    Ok(PendingTotp { id, secret: secret.base32(), uri })
}

fn room_for_one_more(rows: &FactorRows) -> Result<(), FlowError> {
    let active = rows.totp.iter().filter(|factor| factor.is_active()).count();
    if active < MOST_TOTP { Ok(()) } else { Err(Refusal::FactorLimit.into()) }
}

/// Confirms an authenticator app by its first code. The recovery codes, where these are the user's first.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`], `StepUpRequired`, `FactorNotFound`, `FactorLimit`, `SecondFactorInvalid`.
pub async fn confirm_totp(
    service: &FactorService<impl ChangesFactors + HasAttempts>,
    moment: &Moment,
    request: &FactorRequest,
    id: FactorId,
    code: &TotpCode,
) -> Result<Option<NewCodes>, FlowError> {
    let mut who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    for _ in 0..MAX_ROUNDS {
        require_fresh(&who, moment)?;
        let rows = service.auth.store().factors(who.profile.id).await?;
        let step = first_step(service, moment, &who, &rows, id, code).await?;
        room_for_one_more(&rows)?;
        let codes = NewCodes::unless_there(service, moment, who.profile.id, &rows).await?;
        let change = Change {
            session: &who.session,
            change: FactorChange::ConfirmTotp { factor: id, step },
            recovery: codes.as_ref().map(NewCodes::kept),
            without_recovery: false,
            event: SecurityEvent::AuthnFactorAdded,
        };
        match commit(service, moment, request, &who, change).await? {
            FactorCommitted::Done => return Ok(codes),
            FactorCommitted::Changed | FactorCommitted::Taken => {
                who = again(service, moment, request).await?;
            }
        }
    }
    Err(contended())
}

/// The step of the first code. It is a guess at nothing: whoever enrols knows the secret, so that no place is taken.
async fn first_step(
    service: &FactorService<impl HasAttempts>,
    moment: &Moment,
    who: &Authenticated,
    rows: &FactorRows,
    id: FactorId,
    code: &TotpCode,
) -> Result<i64, FlowError> {
    let factor = rows.totp.iter().find(|factor| factor.factor_id == id && factor.is_pending(moment.now));
    let factor = factor.ok_or(Refusal::FactorNotFound)?;
    let secret = opened(service, moment, who.profile.id, factor).await?.ok_or(Refusal::FactorNotFound)?;
    let wrong = || Refusal::SecondFactorInvalid(Quota::unused("factor", service.auth.attempts().account));
    Ok(secret.step_of(code, moment.now, None).ok_or_else(wrong)?)
}
