//! Making a passkey, and judging the answers of those that there are.
//!
//! No endpoint calls this yet: a stack takes passkeys where its service has a relying party, and none has one so far.

use serde_json::Value;

use super::{
    super::{
        FlowError,
        authenticate::{Authenticated, authenticate_enrolling},
        journal::announce,
    },
    Change, FactorRequest, MAX_ROUNDS, again, commit, contended,
    recovery::NewCodes,
    require_fresh,
};
use crate::{
    domain::{
        ids::{SessionId, UserId},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Device,
    },
    entropy,
    service::FactorService,
    store::{CEREMONY_LASTS, Ceremony, CeremonyKind, FactorChange, FactorCommitted, FactorRows},
    webauthn::{
        AssertionResponse, Challenge, Expected, PasskeyRefused, RegistrationResponse, RelyingParty,
        StoredPasskey, UserEntity,
    },
};

/// A user may have so many passkeys.
pub const MOST_PASSKEYS: usize = 20;

/// What became of a new passkey.
#[derive(Debug)]
pub enum Registered {
    /// It counts from now on. The recovery codes, where these are the user's first.
    Done(Option<NewCodes>),
    /// The answer is not one that can be taken.
    Refused(PasskeyRefused),
    /// It is somebody's already.
    Taken,
}

/// Draws a challenge and remembers whom it is for.
///
/// # Errors
/// That there is no randomness or no storage; then none is given out.
pub(in super::super) async fn begin(
    service: &FactorService,
    moment: &Moment,
    kind: CeremonyKind,
    of: Option<(UserId, SessionId)>,
) -> Result<Challenge, FlowError> {
    begin_for(service, moment, kind, of.map(|(user, _)| user), of.map(|(_, session)| session)).await
}

/// The same, where it may be a user who has no session.
///
/// # Errors
/// As [`begin`].
pub(in super::super) async fn begin_for(
    service: &FactorService,
    moment: &Moment,
    kind: CeremonyKind,
    user_id: Option<UserId>,
    session_id: Option<SessionId>,
) -> Result<Challenge, FlowError> {
    let challenge = Challenge::from_bytes(entropy::bytes()?);
    let ceremony = Ceremony { kind, user_id, session_id, ends: moment.now + CEREMONY_LASTS };
    service.auth.store.begin_ceremony(&challenge, &ceremony).await?;
    Ok(challenge)
}

/// Who asks for passkeys here.
///
/// # Errors
/// `NotFound`: the stack takes none.
pub(in super::super) fn relying_party(service: &FactorService) -> Result<&RelyingParty, Refusal> {
    service.passkeys.as_ref().ok_or(Refusal::NotFound)
}

/// What a browser makes a passkey by.
///
/// # Errors
/// Of the refusals: `NotFound`, those of [`authenticate_enrolling`], `StepUpRequired`, `FactorLimit`.
pub async fn passkey_options(
    service: &FactorService,
    moment: &Moment,
    request: &FactorRequest,
) -> Result<Value, FlowError> {
    let us = relying_party(service)?;
    let who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    require_fresh(&who, moment)?;
    let rows = service.auth.store.factors(who.profile.id).await?;
    room_for_one_more(&rows)?;
    let of = Some((who.profile.id, who.session.session_id));
    let challenge = begin(service, moment, CeremonyKind::Register, of).await?;
    let user = UserEntity {
        id: who.profile.id,
        name: who.profile.email.as_str(),
        display_name: who.profile.name.as_str(),
    };
    Ok(us.creation_options(&user, &rows.passkeys, &challenge))
}

fn room_for_one_more(rows: &FactorRows) -> Result<(), FlowError> {
    if rows.passkeys.len() < MOST_PASSKEYS { Ok(()) } else { Err(Refusal::FactorLimit.into()) }
}

/// Registers the passkey that a browser made.
///
/// # Errors
/// Of the refusals: `NotFound`, those of [`authenticate_enrolling`], `StepUpRequired`, `FactorLimit`.
pub async fn register_passkey(
    service: &FactorService,
    moment: &Moment,
    request: &FactorRequest,
    name: String,
    answer: &RegistrationResponse,
) -> Result<Registered, FlowError> {
    let us = relying_party(service)?;
    let mut who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    require_fresh(&who, moment)?;
    let passkey = match verified(service, moment, us, &who, answer).await? {
        Ok(passkey) => passkey.stored(name, moment.now),
        Err(refused) => return Ok(Registered::Refused(refused)),
    };
    for _ in 0..MAX_ROUNDS {
        require_fresh(&who, moment)?;
        let rows = service.auth.store.factors(who.profile.id).await?;
        room_for_one_more(&rows)?;
        let codes = match rows.recovery {
            None => Some(NewCodes::make(service, moment, who.profile.id).await?),
            Some(_) => None,
        };
        let change = Change {
            session: &who.session,
            change: FactorChange::AddPasskey(&passkey),
            recovery: codes.as_ref().map(NewCodes::kept),
            without_recovery: false,
            event: SecurityEvent::AuthnFactorAdded,
        };
        match commit(service, moment, request, &who, change).await? {
            FactorCommitted::Done => return Ok(Registered::Done(codes)),
            FactorCommitted::Taken => return Ok(Registered::Taken),
            // The passkey that was made may be here already, by this very request.
            FactorCommitted::Changed if is_here(&rows, &passkey) => return Ok(Registered::Taken),
            FactorCommitted::Changed => who = again(service, moment, request).await?,
        }
    }
    Err(contended())
}

fn is_here(rows: &FactorRows, passkey: &StoredPasskey) -> bool {
    rows.passkeys.iter().any(|row| row.credential_id == passkey.credential_id)
}

/// The passkey, if the answer is to a challenge that this session was given.
async fn verified(
    service: &FactorService,
    moment: &Moment,
    us: &RelyingParty,
    who: &Authenticated,
    answer: &RegistrationResponse,
) -> Result<Result<crate::webauthn::NewPasskey, PasskeyRefused>, FlowError> {
    let challenge = match answer.challenge() {
        Ok(challenge) => challenge,
        Err(refused) => return Ok(Err(refused)),
    };
    let ceremony = service.auth.store.take_ceremony(&challenge, CeremonyKind::Register, moment).await?;
    let is_ours = ceremony.is_some_and(|ceremony| {
        ceremony.user_id == Some(who.profile.id) && ceremony.session_id == Some(who.session.session_id)
    });
    if !is_ours {
        return Ok(Err(PasskeyRefused::Challenge));
    }
    Ok(us.verify_registration(&challenge, answer))
}

/// Whether a passkey's answer is right, and its counter still the one that it was held against: it is raised by that.
///
/// A right signature with a counter that has not risen stands in the security log: there may be a copy.
///
/// # Errors
/// That storage failed; then the counter may be raised.
pub(in super::super) async fn judge(
    service: &FactorService,
    moment: &Moment,
    challenge: &Challenge,
    expected: Expected,
    (row, answer): (&StoredPasskey, &AssertionResponse),
    device: &Device,
) -> Result<bool, FlowError> {
    let Some(us) = &service.passkeys else { return Ok(false) };
    let (Expected::Of(user) | Expected::Discovered(user)) = expected;
    match us.verify_assertion(challenge, expected, row, answer) {
        Ok(asserted) => Ok(service.auth.store.use_passkey(user, row, &asserted, moment).await?),
        Err(refused) => {
            tracing::warn!(reason = %refused, request.id = moment.request.as_str(), "a passkey was refused");
            if refused == PasskeyRefused::Cloned {
                let entry =
                    service.auth.journal.entry(SecurityEvent::AuthnPasskeyClone, moment, user, device);
                service.auth.store.put_event(&entry).await?;
                announce(&entry);
            }
            Ok(false)
        }
    }
}
