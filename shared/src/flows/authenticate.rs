//! Authenticate: who is it, as of now? One round trip.

use super::FlowError;
use crate::{
    domain::{
        claims::AccessClaims,
        ids::{AccessId, SessionId, UserId},
        moment::Moment,
        refusal::Refusal,
        rules::Rules,
        session::{Session, Standing, State, standing},
        user::Profile,
    },
    gate::Counted,
    keys::{AccessTokens, Token},
    service::Callers,
    store::{Facts, Store, StoreError},
};

/// A user with a session that counts.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The user, as the table has it now.
    pub profile: Profile,
    pub session: Session,
}

/// A session that counts, by what it opens. Whoever takes one that only enrols has to say so.
#[derive(Debug)]
pub enum Confirmed {
    /// Everything that its user may.
    Whole(Authenticated),
    /// The enrolment of a second factor, and what lists and ends sessions.
    Enrolling(Authenticated),
}

impl Confirmed {
    /// The user, unless a second factor has to be enrolled first.
    ///
    /// # Errors
    /// `MfaEnrolmentRequired`.
    pub fn whole(self) -> Result<Authenticated, Refusal> {
        match self {
            Self::Whole(who) => Ok(who),
            Self::Enrolling(_) => Err(Refusal::MfaEnrolmentRequired),
        }
    }

    /// The user, even if the session opens nothing but the enrolment.
    #[must_use]
    pub fn whole_or_enrolling(self) -> Authenticated {
        match self {
            Self::Whole(who) | Self::Enrolling(who) => who,
        }
    }
}

/// Whose a token says it is. The tables say whether that still counts.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    pub user: UserId,
    pub session: SessionId,
    /// The access token, which may have been logged out by itself.
    pub token: Option<AccessId>,
}

impl Claimed {
    /// What an access token says.
    #[must_use]
    pub const fn of(claims: &AccessClaims) -> Self {
        Self { user: claims.sub, session: claims.sid, token: Some(claims.jti) }
    }
}

/// Holds an access token against the tables.
///
/// # Errors
/// Of the refusals: `TokenInvalid`, `TokenExpired`, `TokenRevoked`, `UserInactive`, `MfaEnrolmentRequired`.
pub async fn authenticate(
    store: &Store,
    tokens: &AccessTokens,
    moment: &Moment,
    token: &Token,
) -> Result<Authenticated, FlowError> {
    let claims = identify(tokens, moment, token).await?;
    Ok(confirm(store, moment, Claimed::of(&claims), None).await?.0.whole()?)
}

/// The same, for a call of an endpoint of ours: the call is counted beside the read, and refused if it is one too many.
///
/// # Errors
/// Of the refusals: those of [`authenticate`], and `ApiRateLimited`.
pub async fn authenticate_call(
    service: &impl Callers,
    moment: &Moment,
    token: &Token,
) -> Result<Authenticated, FlowError> {
    Ok(call(service, moment, token).await?.whole()?)
}

/// The same, for the few endpoints that a session that only enrols may call: enrolment itself, and what ends sessions.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`] but `MfaEnrolmentRequired`.
pub async fn authenticate_enrolling(
    service: &impl Callers,
    moment: &Moment,
    token: &Token,
) -> Result<Authenticated, FlowError> {
    Ok(call(service, moment, token).await?.whole_or_enrolling())
}

async fn call(service: &impl Callers, moment: &Moment, token: &Token) -> Result<Confirmed, FlowError> {
    let claims = identify(service.access(), moment, token).await?;
    confirm_call(service, moment, &claims, async || Ok(())).await.map(|(who, ())| who)
}

/// Confirms the claims of a token, counts the call, and does something beside it that changes nothing.
///
/// # Errors
/// Of the refusals: `TokenRevoked`, `UserInactive`, `ApiRateLimited`.
pub(super) async fn confirm_call<T>(
    service: &impl Callers,
    moment: &Moment,
    claims: &AccessClaims,
    beside: impl AsyncFnOnce() -> Result<T, StoreError>,
) -> Result<(Confirmed, T), FlowError> {
    let (gate, user) = (service.gate(), Counted::user(claims.sub));
    gate.check(&user, moment)?;
    let (confirmed, counted, beside) = tokio::join!(
        confirm(service.store(), moment, Claimed::of(claims), None),
        gate.count(&user, moment),
        beside(),
    );
    let (who, _) = confirmed?;
    counted?;
    Ok((who, beside?))
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
    claimed: Claimed,
    rules_of: Option<&str>,
) -> Result<(Confirmed, Option<Rules>), FlowError> {
    let mut facts = store.facts(claimed.user, claimed.session, rules_of).await?;
    let rules = facts.rules.take();
    let mut decision = decide(facts, moment, claimed.token);
    if matches!(decision, Err(Doubt::HalfSeen)) {
        // A batch may see one half of a transaction (a password change raises both epochs).
        decision = decide(store.snapshot(claimed.user, claimed.session).await?, moment, claimed.token);
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

fn decide(facts: Facts, moment: &Moment, token: Option<AccessId>) -> Result<Confirmed, Doubt> {
    let is_revoked = |session: &Session| token.is_some_and(|token| session.has_revoked(token));
    let session = facts.session.filter(|session| session.is_open(moment.now) && !is_revoked(session));
    let Some(session) = session else { return Err(Doubt::Refused(Refusal::TokenRevoked)) };
    match (standing(facts.profile.as_ref(), &session), facts.profile) {
        (Standing::Good, Some(profile)) => {
            let is_whole = session.state == State::Active;
            let who = Authenticated { profile, session };
            Ok(if is_whole { Confirmed::Whole(who) } else { Confirmed::Enrolling(who) })
        }
        (Standing::EpochsApart, _) => Err(Doubt::HalfSeen),
        _ => Err(Doubt::Refused(Refusal::UserInactive)),
    }
}
