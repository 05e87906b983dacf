//! Making a passkey, and judging the answers of those that there are.

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
        refusal::{Fault, FieldFault, Refusal},
        security_event::SecurityEvent,
        session::Device,
    },
    entropy,
    service::{Callers, ChangesFactors, FactorService, HasJournal, HasStore},
    store::{CEREMONY_LASTS, Ceremony, CeremonyKind, FactorChange, FactorCommitted, FactorRows},
    webauthn::{
        AssertionResponse, Challenge, Expected, PasskeyRefused, RegistrationResponse, RelyingParty,
        StoredPasskey, UserEntity,
    },
};

/// A user may have so many passkeys.
pub const MOST_PASSKEYS: usize = 20;

/// Draws a challenge and remembers whom it is for: a session, a user whose password was right, or anybody.
///
/// # Errors
/// That there is no randomness or no storage; then none is given out.
pub(in super::super) async fn begin(
    auth: &impl HasStore,
    moment: &Moment,
    kind: CeremonyKind,
    (user_id, session_id): (Option<UserId>, Option<SessionId>),
) -> Result<Challenge, FlowError> {
    let challenge = Challenge::from_bytes(entropy::bytes()?);
    let ceremony = Ceremony { kind, user_id, session_id, ends: moment.now + CEREMONY_LASTS };
    auth.store().begin_ceremony(&challenge, &ceremony).await?;
    Ok(challenge)
}

/// Who asks for passkeys here.
///
/// # Errors
/// `NotFound`: the stack takes none.
fn relying_party(service: &FactorService<impl Sized>) -> Result<&RelyingParty, Refusal> {
    service.passkeys.as_ref().ok_or(Refusal::NotFound)
}

/// What a browser makes a passkey by.
///
/// # Errors
/// Of the refusals: `NotFound`, those of [`authenticate_enrolling`], `StepUpRequired`, `FactorLimit`.
pub async fn passkey_options(
    service: &FactorService<impl Callers>,
    moment: &Moment,
    request: &FactorRequest,
) -> Result<Value, FlowError> {
    let us = relying_party(service)?;
    let who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    require_fresh(&who, moment)?;
    let rows = service.auth.store().factors(who.profile.id).await?;
    room_for_one_more(&rows)?;
    let of = (Some(who.profile.id), Some(who.session.session_id));
    let challenge = begin(&service.auth, moment, CeremonyKind::Register, of).await?;
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

/// Registers the passkey that a browser made. The recovery codes, where these are the user's first.
///
/// # Errors
/// Of the refusals: `NotFound`, those of [`authenticate_enrolling`], `StepUpRequired`, `FactorLimit`, `PasskeyExists`, and `Invalid`
/// for an answer that is not right or not to a challenge that this session was given.
pub async fn register_passkey(
    service: &FactorService<impl ChangesFactors>,
    moment: &Moment,
    request: &FactorRequest,
    name: Option<String>,
    answer: &RegistrationResponse,
) -> Result<Option<NewCodes>, FlowError> {
    let us = relying_party(service)?;
    let mut who = authenticate_enrolling(&service.auth, moment, &request.access).await?;
    require_fresh(&who, moment)?;
    let passkey = match verified(service, moment, us, &who, answer).await? {
        Ok(passkey) => passkey.stored(name.unwrap_or_default(), moment.now),
        Err(refused) => {
            tracing::warn!(reason = %refused, request.id = moment.request.as_str(), "a passkey was refused");
            return Err(Refusal::Invalid(vec![FieldFault { field: "passkey", fault: Fault::Invalid }]).into());
        }
    };
    for _ in 0..MAX_ROUNDS {
        require_fresh(&who, moment)?;
        let rows = service.auth.store().factors(who.profile.id).await?;
        room_for_one_more(&rows)?;
        let codes = NewCodes::unless_there(service, moment, who.profile.id, &rows).await?;
        let change = Change {
            session: &who.session,
            change: FactorChange::AddPasskey(&passkey),
            recovery: codes.as_ref().map(NewCodes::kept),
            without_recovery: false,
            event: SecurityEvent::AuthnFactorAdded,
        };
        match commit(service, moment, request, &who, change).await? {
            FactorCommitted::Done => return Ok(codes),
            FactorCommitted::Taken => return Err(Refusal::PasskeyExists.into()),
            // Its row is in the way as well as its owner's: no other try would find anything else.
            FactorCommitted::Changed if is_here(&rows, &passkey) => return Err(Refusal::PasskeyExists.into()),
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
    service: &FactorService<impl HasStore>,
    moment: &Moment,
    us: &RelyingParty,
    who: &Authenticated,
    answer: &RegistrationResponse,
) -> Result<Result<crate::webauthn::NewPasskey, PasskeyRefused>, FlowError> {
    let challenge = match answer.challenge() {
        Ok(challenge) => challenge,
        Err(refused) => return Ok(Err(refused)),
    };
    let ceremony = service.auth.store().take_ceremony(&challenge, CeremonyKind::Register, moment).await?;
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
    auth: &(impl HasStore + HasJournal),
    us: &RelyingParty,
    moment: &Moment,
    challenge: &Challenge,
    expected: Expected,
    (row, answer): (&StoredPasskey, &AssertionResponse),
    device: &Device,
) -> Result<bool, FlowError> {
    let (Expected::Of(user) | Expected::Discovered(user)) = expected;
    match us.verify_assertion(challenge, expected, row, answer) {
        Ok(asserted) => Ok(auth.store().use_passkey(user, row, &asserted, moment).await?),
        Err(refused) => {
            tracing::warn!(reason = %refused, request.id = moment.request.as_str(), "a passkey was refused");
            if refused == PasskeyRefused::Cloned {
                let entry = auth.journal().entry(SecurityEvent::AuthnPasskeyClone, moment, user, device);
                auth.store().put_event(&entry).await?;
                announce(&entry);
            }
            Ok(false)
        }
    }
}
