//! Authenticate: who is it, as of now? One round trip.

use super::FlowError;
use crate::{
    domain::{
        claims::AccessClaims,
        moment::Moment,
        refusal::Refusal,
        rules::Rules,
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
    let claims = identify(tokens, moment, token).await?;
    Ok(confirm(store, moment, &claims, None).await?.0)
}

/// What a token of ours says that is in time: who it was made for, not whether they still count.
///
/// # Errors
/// Of the refusals: `TokenInvalid`, `TokenExpired`.
pub async fn identify(
    tokens: &AccessTokens,
    moment: &Moment,
    token: &Token,
) -> Result<AccessClaims, FlowError> {
    let verified = tokens
        .verify(token, moment.now)
        .await
        .map_err(|rejected| FlowError::rejected(rejected, Refusal::TokenInvalid))?;
    if verified.expired { Err(Refusal::TokenExpired.into()) } else { Ok(verified.claims) }
}

/// Whether the user and the session of a token count now; and, read in the same round trip, the rules of an API.
///
/// # Errors
/// Of the refusals: `TokenRevoked`, `UserInactive`.
pub async fn confirm(
    store: &Store,
    moment: &Moment,
    claims: &AccessClaims,
    rules_of: Option<&str>,
) -> Result<(Authenticated, Option<Rules>), FlowError> {
    let mut facts = store.facts(claims.sub, claims.sid, claims.jti, rules_of).await?;
    let rules = facts.rules.take();
    let mut decision = decide(facts, moment);
    if matches!(decision, Err(Doubt::HalfSeen)) {
        // A batch may see one half of a transaction (a password change raises both epochs). The blacklist was asked.
        decision = decide(store.snapshot(claims.sub, claims.sid).await?, moment);
    }
    match decision {
        Ok(who) => Ok((who, rules)),
        Err(Doubt::Refused(refusal)) => Err(refusal.into()),
        Err(Doubt::HalfSeen) => Err(Refusal::TokenRevoked.into()),
    }
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
