//! Authenticate: who is it, as of now? One round trip.

use super::FlowError;
use crate::{
    domain::{
        moment::Moment,
        refusal::Refusal,
        session::{Session, Standing, standing},
        user::Profile,
    },
    keys::{AccessTokens, Token},
    store::{Facts, Store},
};

/// A user with a session that counts.
#[derive(Debug)]
pub struct Authenticated {
    /// The user, as the table has it now.
    pub profile: Profile,
    /// The session.
    pub session: Session,
}

/// Holds an access token against the tables.
///
/// # Errors
/// Of the refusals: `TokenInvalid`, `TokenExpired`, `TokenRevoked`, `UserInactive`.
pub async fn authenticate(
    store: &Store,
    tokens: &AccessTokens,
    moment: &Moment,
    token: &Token,
) -> Result<Authenticated, FlowError> {
    let verified = tokens
        .verify(token, moment.now)
        .await
        .map_err(|rejected| FlowError::rejected(rejected, Refusal::TokenInvalid))?;
    if verified.expired {
        return Err(Refusal::TokenExpired.into());
    }
    let claims = verified.claims;
    let mut decision = decide(store.facts(claims.sub, claims.sid, Some(claims.jti)).await?, moment);
    if matches!(decision, Err(Doubt::HalfSeen)) {
        // A batch may see one half of a transaction (a password change raises both epochs). The blacklist was asked.
        decision = decide(store.snapshot(claims.sub, claims.sid).await?, moment);
    }
    decision.map_err(|doubt| match doubt {
        Doubt::Refused(refusal) => refusal.into(),
        Doubt::HalfSeen => Refusal::TokenRevoked.into(),
    })
}

enum Doubt {
    Refused(Refusal),
    HalfSeen,
}

fn decide(facts: Facts, moment: &Moment) -> Result<Authenticated, Doubt> {
    let session = facts.session.filter(|session| session.is_live(moment.now) && !facts.blacklisted);
    let Some(session) = session else { return Err(Doubt::Refused(Refusal::TokenRevoked)) };
    match (standing(facts.profile.as_ref(), &session), facts.profile) {
        (Standing::Good, Some(profile)) => Ok(Authenticated { profile, session }),
        (Standing::EpochsApart, _) => Err(Doubt::HalfSeen),
        _ => Err(Doubt::Refused(Refusal::UserInactive)),
    }
}
