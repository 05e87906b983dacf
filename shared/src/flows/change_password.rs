//! Setting another password: this session goes on with its tokens, every other one ends.
//!
//! The current password is asked for and counted like a login's: a stolen access token must not be a way around the
//! limits on guessing. A login that verified the old password and ends after the change fails its own condition.

use super::{
    Caller, FlowError,
    attempts::{self, Place},
    authenticate::{Authenticated, authenticate, authenticate_call},
    current_password,
    journal::announce,
    mail::notice,
    new_password::NewPassword,
};
use crate::{
    domain::{
        mail::Notice, moment::Moment, password::Password, refusal::Refusal, security_event::SecurityEvent,
    },
    keys::Token,
    service::AuthService,
    store::{PasswordCommit, PasswordCommitted, StoreError},
};

/// What somebody who is logged in typed.
#[derive(Debug)]
pub struct PasswordChange {
    /// The access token of the session that goes on.
    pub access: Token,
    /// The password as it is.
    pub current: Password,
    /// The password as it shall be.
    pub new: Password,
    /// Who is calling.
    pub caller: Caller,
}

/// How often the change starts again because what it read was changed meanwhile.
const MAX_ROUNDS: u32 = 3;

/// Sets a password.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], `Invalid` with every rule that the new password breaks,
/// `AddressLimited`, `LoginLocked`, `CurrentPasswordInvalid`.
pub async fn change_password(
    service: &AuthService,
    moment: &Moment,
    change: &PasswordChange,
) -> Result<(), FlowError> {
    let who = authenticate_call(service, moment, &change.access).await?;
    NewPassword { field: "newPassword", password: &change.new }
        .check(&service.policy, &who.profile.email)
        .await?;
    // The call was counted as the user's.
    let limit = service.attempts.address;
    let address = attempts::enter_address(&service.store, limit, None, moment, change.caller.address).await?;
    let outcome = at_address(service, &address, who, change).await;
    if outcome.as_ref().is_err_and(|error| !is_wrong_password(error)) {
        attempts::leave(&service.store, &address).await;
    }
    outcome
}

/// The rest, with a place for the address taken.
async fn at_address(
    service: &AuthService,
    address: &Place,
    who: Authenticated,
    change: &PasswordChange,
) -> Result<(), FlowError> {
    let email = &who.profile.email.clone();
    let account =
        attempts::enter_account(&service.store, service.attempts.account, &address.moment, email).await?;
    let outcome = at_account(service, address, &account, who, change).await;
    if outcome.as_ref().is_err_and(|error| !is_wrong_password(error)) {
        attempts::leave(&service.store, &account).await;
    }
    outcome
}

/// The rest, with both places taken; it starts again where the truth has moved on.
async fn at_account(
    service: &AuthService,
    address: &Place,
    account: &Place,
    mut who: Authenticated,
    change: &PasswordChange,
) -> Result<(), FlowError> {
    for _ in 0..MAX_ROUNDS {
        match try_change(service, address, account, &who, change).await? {
            PasswordCommitted::Done => return Ok(()),
            PasswordCommitted::Changed => {
                who = authenticate(&service.store, &service.access, &account.moment, &change.access).await?;
            }
        }
    }
    Err(StoreError::Unavailable { operation: "change a password", reason: "contention".into() }.into())
}

async fn try_change(
    service: &AuthService,
    address: &Place,
    account: &Place,
    who: &Authenticated,
    change: &PasswordChange,
) -> Result<PasswordCommitted, FlowError> {
    let moment = &account.moment;
    let (user, email) = (who.profile.id, &who.profile.email);
    let credential = current_password::verify(service, account, &change.caller, who, &change.current).await?;
    let hash = service.hasher.hash(&change.new).await?;
    let kind = SecurityEvent::AuthnPasswordChange;
    let event = service.journal.entry(kind, moment, user, &change.caller.device);
    let event = event.of_session(who.session.session_id);
    // The user is told, where the stack sends mail: somebody else may have done it.
    let notice = service.mail.then(|| notice(Notice::PasswordChanged, email, change.caller.language, moment));
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
    let (committed, ()) =
        tokio::join!(service.store.commit_password(&commit), attempts::forgive(service, address, account));
    let committed = committed?;
    if committed == PasswordCommitted::Done {
        announce(&event);
    }
    Ok(committed)
}

/// A guess was made: only then both places stay taken.
const fn is_wrong_password(error: &FlowError) -> bool {
    matches!(error, FlowError::Refused(Refusal::CurrentPasswordInvalid(_)))
}
