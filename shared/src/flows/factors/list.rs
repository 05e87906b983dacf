//! The second factors of a user, without anything secret.

use jiff::Timestamp;

use super::{super::FlowError, FactorRequest};
use crate::{
    domain::{factors::FactorKind, ids::FactorId, moment::Moment},
    flows::authenticate::authenticate_enrolling,
    service::{Callers, FactorService},
};

/// A factor as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFactor {
    pub id: FactorId,
    pub kind: FactorKind,
    /// What its user calls it.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// All of a user's factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFactors {
    /// Those that count.
    pub factors: Vec<ListedFactor>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

/// Lists the factors of the user of this token.
///
/// # Errors
/// Of the refusals: those of [`authenticate_enrolling`].
pub async fn list_factors(
    service: &FactorService<impl Callers>,
    moment: &Moment,
    request: &FactorRequest,
) -> Result<ListedFactors, FlowError> {
    let who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    let rows = service.auth.store().factors(who.profile.id).await?;
    let passkeys = rows.passkeys.into_iter().map(|passkey| ListedFactor {
        id: passkey.factor_id(),
        kind: FactorKind::Passkey,
        name: Some(passkey.name).filter(|name| !name.is_empty()),
        created_at: passkey.created_at,
        last_used_at: passkey.last_used_at,
    });
    let factors =
        rows.totp.into_iter().filter(crate::store::TotpFactor::is_active).map(|factor| ListedFactor {
            id: factor.factor_id,
            kind: FactorKind::Totp,
            name: factor.name,
            created_at: factor.created_at,
            last_used_at: factor.last_used_at,
        });
    Ok(ListedFactors {
        factors: factors.chain(passkeys).collect(),
        recovery_codes: rows.recovery.map_or(0, |codes| codes.codes.len()),
    })
}
