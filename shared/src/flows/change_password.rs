//! Setting another password: this session goes on with its tokens, every other one ends.
//!
//! The current password is asked for and counted like a login's: a stolen access token must not be a way around the
//! limits on guessing. A login that verified the old password and ends after the change fails its own condition.

use super::{
    FlowError, Requester,
    authenticate::{Authenticated, authenticate, authenticate_call},
    current_password,
    journal::announce,
    mail::notice,
    new_password::NewPassword,
};
use crate::{
    domain::{mail::Notice, moment::Moment, password::Password, security_event::SecurityEvent},
    gate::{Forgiven, Places, Tried},
    keys::Token,
    service::ChangesPasswords,
    store::{PasswordCommit, PasswordCommitted, StoreError},
};

/// What somebody who is logged in typed.
#[derive(Debug)]
pub struct PasswordChange {
    /// The access token of the session that goes on.
    pub access: Token,
    pub current: Password,
    /// The password as it shall be.
    pub new: Password,
    /// Who is calling.
    pub caller: Requester,
}

/// How often the change starts again because what it read was changed meanwhile.
const MAX_ROUNDS: u32 = 3;

/// Sets a password.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], `Invalid` with every rule that the new password breaks,
/// `AddressLimited`, `LoginLocked`, `CurrentPasswordInvalid`.
pub async fn change_password(
    service: &impl ChangesPasswords,
    moment: &Moment,
    change: &PasswordChange,
) -> Result<(), FlowError> {
    let who = authenticate_call(service, moment, &change.access).await?;
    NewPassword { field: "newPassword", password: &change.new }
        .check(service.password_policy(), &who.profile.email)
        .await?;
    current_password::with_places(service, moment, &change.caller, &who, |places| {
        with_places(service, places, who.clone(), change)
    })
    .await
}

/// The rest, with both places taken; it starts again where the truth has moved on.
async fn with_places(
    service: &impl ChangesPasswords,
    places: Places<'_>,
    mut who: Authenticated,
    change: &PasswordChange,
) -> Result<Tried<()>, FlowError> {
    for _ in 0..MAX_ROUNDS {
        let Some((committed, forgiven)) = try_change(service, &places, &who, change).await? else {
            return Ok(Tried::Wrong(Some(who.profile.id)));
        };
        match committed {
            PasswordCommitted::Done => return Ok(Tried::Right(forgiven, Ok(()))),
            PasswordCommitted::Changed => {
                let (store, tokens, moment) = (service.store(), service.access(), places.moment());
                who = authenticate(store, tokens, moment, &change.access).await?;
            }
        }
    }
    Err(StoreError::Unavailable { operation: "change a password", reason: "contention".into() }.into())
}

/// Tries it once. `None`: the current password is wrong.
async fn try_change(
    service: &impl ChangesPasswords,
    places: &Places<'_>,
    who: &Authenticated,
    change: &PasswordChange,
) -> Result<Option<(PasswordCommitted, Forgiven)>, FlowError> {
    let moment = places.moment();
    let (user, email) = (who.profile.id, &who.profile.email);
    let verified = current_password::verify(service, moment, who, &change.current).await?;
    let Some(credential) = verified else { return Ok(None) };
    let hash = service.hasher().hash(&change.new).await?;
    let kind = SecurityEvent::AuthnPasswordChange;
    let event = service.journal().entry(kind, moment, user, &change.caller.device);
    let event = event.of_session(who.session.session_id);
    // The user is told, where the stack sends mail: somebody else may have done it.
    let language = change.caller.language;
    let notice = service.mail().then(|| notice(Notice::PasswordChanged, email, language, moment));
    let notice = notice.transpose()?;
    let commit = PasswordCommit {
        email,
        verified: &credential,
        hash: &hash,
        session: &who.session,
        event: &event,
        notice: notice.as_ref().map(|(key, mail)| (key, mail)),
        now: moment.now,
    };
    let (committed, forgiven) = tokio::join!(service.store().commit_password(&commit), places.forgive());
    let committed = committed?;
    if committed == PasswordCommitted::Done {
        announce(&event);
    }
    Ok(Some((committed, forgiven)))
}
