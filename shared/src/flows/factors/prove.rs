//! A second factor is shown: found among those of its user, verified, and used up.

use super::{
    super::{FlowError, journal::announce},
    passkey::judge,
};
use crate::{
    domain::{
        factors::{Amr, recovery::RecoveryCode, totp::TotpCode},
        ids::{SessionId, UserId},
        moment::Moment,
        security_event::SecurityEvent,
        session::Device,
    },
    service::{FactorService, HasJournal, HasStore},
    store::{Ceremony, CeremonyKind, FactorRows, TotpFactor},
    webauthn::{AssertionResponse, Expected},
};

/// A second factor, as it is shown.
#[derive(Debug)]
pub enum FactorProof {
    /// A code of an authenticator app.
    Code(TotpCode),
    Recovery(RecoveryCode),
    /// What a browser answered of a passkey.
    Passkey(Box<AssertionResponse>),
}

/// What a challenge of a passkey has to be given out for.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Purpose {
    kind: CeremonyKind,
    session: Option<SessionId>,
}

impl Purpose {
    /// The second step of a login.
    pub(in super::super) const LOGIN: Self = Self { kind: CeremonyKind::Login, session: None };

    /// Stepping this session up.
    pub(in super::super) const fn step_up(session: SessionId) -> Self {
        Self { kind: CeremonyKind::StepUp, session: Some(session) }
    }
}

/// A factor that was right and is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Proven {
    /// A code of an authenticator app.
    Totp,
    /// A recovery code.
    Recovery,
    /// A passkey that stays in its device, or one that is shared between several.
    Passkey {
        /// Whether it is shared.
        shared: bool,
    },
}

impl Proven {
    /// How the user showed who they are.
    pub(crate) const fn amr(self) -> &'static [Amr] {
        match self {
            Self::Totp => &[Amr::Otp],
            Self::Recovery => &[Amr::Recovery],
            Self::Passkey { shared: false } => &[Amr::Hwk, Amr::User],
            Self::Passkey { shared: true } => &[Amr::Swk, Amr::User],
        }
    }
}

/// Verifies a second factor of a user and uses it up: of several at once, one is right. `None`: it is wrong, used or old.
///
/// # Errors
/// That storage or keys failed; then it may be used up.
pub(in super::super) async fn prove(
    service: &FactorService<impl HasStore + HasJournal>,
    moment: &Moment,
    user: UserId,
    (proof, purpose): (&FactorProof, Purpose),
    device: &Device,
) -> Result<Option<Proven>, FlowError> {
    let rows = service.auth.store().factors(user).await?;
    let proven = match proof {
        FactorProof::Code(code) => totp(service, moment, user, &rows, code).await?,
        FactorProof::Recovery(code) => recovery(service, moment, user, &rows, code).await?,
        FactorProof::Passkey(answer) => {
            passkey(service, moment, (user, purpose), &rows, answer, device).await?
        }
    };
    if proven == Some(Proven::Recovery) {
        let entry = service.auth.journal().entry(SecurityEvent::AuthnRecoveryCode, moment, user, device);
        service.auth.store().put_event(&entry).await?;
        announce(&entry);
    }
    Ok(proven)
}

async fn totp(
    service: &FactorService<impl HasStore>,
    moment: &Moment,
    user: UserId,
    rows: &FactorRows,
    code: &TotpCode,
) -> Result<Option<Proven>, FlowError> {
    let mut right = None;
    // Every app is asked, whichever it is.
    for factor in rows.totp.iter().filter(|factor| factor.is_active()) {
        let Some(secret) = opened(service, moment, user, factor).await? else { continue };
        if let Some(step) = secret.step_of(code, moment.now, factor.last_step) {
            right.get_or_insert((factor, step, secret));
        }
    }
    let Some((factor, step, secret)) = right else { return Ok(None) };
    // A key that is on its way out takes nothing with it: the secret is sealed again by whoever uses it.
    let resealed = match service.keys.is_outdated(&factor.secret, moment.now).await? {
        true => Some(service.keys.seal(user, factor.factor_id, &secret, moment.now).await?),
        false => None,
    };
    let store = service.auth.store();
    let used = store.use_totp_step(user, factor.factor_id, step, resealed.as_ref(), moment).await?;
    Ok(used.then_some(Proven::Totp))
}

/// The secret of an authenticator app. One that does not open verifies nothing; the operator hears of it.
pub(super) async fn opened(
    service: &FactorService<impl Sized>,
    moment: &Moment,
    user: UserId,
    factor: &TotpFactor,
) -> Result<Option<crate::domain::factors::totp::TotpSecret>, FlowError> {
    let secret = service.keys.open(user, factor.factor_id, &factor.secret, moment.now).await?;
    if secret.is_none() {
        tracing::error!(
            user.id = %user,
            factor.id = %factor.factor_id,
            key.id = factor.secret.kid,
            request.id = moment.request.as_str(),
            "the secret of an authenticator app does not open: its key is gone. `nova factor reset` lets its user enrol again"
        );
    }
    Ok(secret)
}

async fn recovery(
    service: &FactorService<impl HasStore>,
    moment: &Moment,
    user: UserId,
    rows: &FactorRows,
    code: &RecoveryCode,
) -> Result<Option<Proven>, FlowError> {
    let Some(kept) = &rows.recovery else { return Ok(None) };
    let Some(mac) = service.keys.recovery_mac(&kept.kid, user, code, moment.now).await? else {
        return Ok(None);
    };
    // A recovery code stands in for a factor: who has none has none to stand in for.
    let used = rows.has_factor() && service.auth.store().use_recovery_code(user, &mac, moment).await?;
    Ok(used.then_some(Proven::Recovery))
}

/// A passkey of a user who is known by other means, whom its challenge was given out to.
async fn passkey(
    service: &FactorService<impl HasStore + HasJournal>,
    moment: &Moment,
    (user, purpose): (UserId, Purpose),
    rows: &FactorRows,
    answer: &AssertionResponse,
    device: &Device,
) -> Result<Option<Proven>, FlowError> {
    let Some(row) = rows.passkeys.iter().find(|row| row.credential_id == *answer.credential()) else {
        return Ok(None);
    };
    let (Some(us), Ok(challenge)) = (&service.passkeys, answer.challenge()) else { return Ok(None) };
    let ceremony = service.auth.store().take_ceremony(&challenge, purpose.kind, moment).await?;
    let is_ours = |of: Ceremony| of.user_id == Some(user) && of.session_id == purpose.session;
    if !ceremony.is_some_and(is_ours) {
        return Ok(None);
    }
    let used =
        judge(&service.auth, us, moment, &challenge, Expected::Of(user), (row, answer), device).await?;
    Ok(used.then_some(Proven::Passkey { shared: row.backup_eligible }))
}
