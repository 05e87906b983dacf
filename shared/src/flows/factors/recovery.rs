//! Recovery codes: shown once, and kept as MACs.

use std::collections::BTreeSet;

use super::{
    super::{FlowError, authenticate::authenticate_enrolling},
    Change, FactorRequest, MAX_ROUNDS, again, commit, contended, require_fresh,
};
use crate::{
    domain::{
        factors::recovery::{CODE_BYTES, CODES, RecoveryCode},
        ids::UserId,
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
    },
    entropy,
    keys::KeysError,
    service::{ChangesFactors, FactorService},
    store::{FactorChange, FactorCommitted, FactorRows, RecoveryCodes},
};

/// Recovery codes that were just made.
pub struct NewCodes {
    codes: Vec<RecoveryCode>,
    kept: RecoveryCodes,
}

/// They are secrets.
impl std::fmt::Debug for NewCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCodes").finish_non_exhaustive()
    }
}

impl NewCodes {
    /// Makes ten for the user's first factor: who has some keeps them.
    pub(super) async fn unless_there(
        service: &FactorService<impl Sized>,
        moment: &Moment,
        user: UserId,
        rows: &FactorRows,
    ) -> Result<Option<Self>, FlowError> {
        match rows.recovery {
            None => Self::make(service, moment, user).await.map(Some),
            Some(_) => Ok(None),
        }
    }

    /// Makes ten.
    pub(super) async fn make(
        service: &FactorService<impl Sized>,
        moment: &Moment,
        user: UserId,
    ) -> Result<Self, FlowError> {
        let kid = service.keys.signer(moment.now).await?;
        let mut codes = Vec::with_capacity(CODES);
        let mut macs = BTreeSet::new();
        for _ in 0..CODES {
            let code = RecoveryCode::from_bytes(&entropy::bytes::<CODE_BYTES>()?);
            let mac = service.keys.recovery_mac(&kid, user, &code, moment.now).await?;
            macs.insert(mac.ok_or(KeysError::NoSigner)?);
            codes.push(code);
        }
        let kept = RecoveryCodes { kid, codes: macs, created_at: moment.now, last_used: None, used_by: None };
        Ok(Self { codes, kept })
    }

    pub(super) const fn kept(&self) -> &RecoveryCodes {
        &self.kept
    }

    /// The codes as people read them. This is the one time that they are shown.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        self.codes.iter().map(RecoveryCode::grouped).collect()
    }
}

/// Makes new recovery codes in the place of those before.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`], `StepUpRequired`, `FactorNotFound` where the user has no factor that they would
/// stand in for.
pub async fn renew_recovery_codes(
    service: &FactorService<impl ChangesFactors>,
    moment: &Moment,
    request: &FactorRequest,
) -> Result<NewCodes, FlowError> {
    let mut who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    for _ in 0..MAX_ROUNDS {
        if who.profile.factors.is_empty() {
            return Err(Refusal::FactorNotFound.into());
        }
        require_fresh(&who, moment)?;
        let codes = NewCodes::make(service, moment, who.profile.id).await?;
        let change = Change {
            session: &who.session,
            change: FactorChange::Recovery(codes.kept()),
            recovery: None,
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
