//! Another address: asked for with the password, confirmed by the new mailbox, and taken back by the old one.

use super::{
    ask, new_key,
    redeem::{Proof, Proven, Redemption, with_proof},
};
use crate::{
    domain::{
        email::Email,
        mail::{Mail, MailKind},
        moment::Moment,
        password::Password,
        refusal::{Fault, Refusal},
        security_event::SecurityEvent,
        session::Session,
        user::Profile,
    },
    flows::{
        FlowError, Requester, authenticate::authenticate_call, current_password::with_password,
        journal::announce,
    },
    keys::Token,
    service::{Callers, TriesPasswords},
    store::{AddressCommit, Credential, EventRow, Redeemed},
};

/// What somebody who is logged in typed.
#[derive(Debug)]
pub struct Wish {
    /// The access token of the session that is to go on.
    pub access: Token,
    /// The address as it shall be.
    pub email: Email,
    pub password: Password,
    /// Who is calling.
    pub caller: Requester,
}

/// How often a change starts again because what it read was changed meanwhile.
const ROUNDS: u32 = 3;

/// Asks for a mail to the new address, whether or not somebody has it: whose it is, its mailbox alone is told.
///
/// # Errors
/// Of the refusals: those of [`authenticate_call`], `Invalid` for the address that the user has, those of a wrong password,
/// `MailLimited`.
pub async fn wish(
    service: &(impl Callers + TriesPasswords),
    moment: &Moment,
    wish: &Wish,
) -> Result<(), FlowError> {
    let who = authenticate_call(service, moment, &wish.access).await?;
    if who.profile.email == wish.email {
        return Err(Refusal::field("newEmail", Fault::Invalid).into());
    }
    with_password(service, moment, &wish.caller, &who, &wish.password).await?;
    let key = new_key(MailKind::Change, &wish.email, moment)?;
    let mail = Mail::new(MailKind::Change, wish.email.clone(), wish.caller.language, moment);
    let mail = Mail {
        user_id: Some(who.profile.id),
        session_id: Some(who.session.session_id),
        epoch: Some(who.profile.epoch),
        other_email: Some(who.profile.email),
        ..mail
    };
    ask(service.store(), moment, &key, &mail).await
}

/// The new mailbox confirms: the user has that address from now on, the session that asked goes on, and the old address is told.
///
/// # Errors
/// Of the refusals: those of [`with_proof`].
pub async fn confirm(
    service: &Redemption,
    moment: &Moment,
    caller: &Requester,
    proof: &Proof,
) -> Result<(), FlowError> {
    with_proof(service, moment, caller, (MailKind::Change, proof), None, async |moment, proven| {
        let used_by = proven.used_by(service, moment).await?;
        if proven.was_used_by(&used_by, moment)? {
            return Ok(());
        }
        let old = proven.mail.other_email.clone().ok_or(Refusal::MailTokenInvalid)?;
        for _ in 0..ROUNDS {
            // Moved between the two reads, perhaps by this very link: both are read again.
            let Some((user, credential)) = of(service, &proven).await? else { continue };
            // The address that the link was made for, and no later one.
            if user.email != old {
                return proven.is_used_by(service, &used_by, moment).await;
            }
            let hash = credential.password_hash.clone().ok_or(Refusal::MailTokenInvalid)?;
            let session = going_on(service, moment, &proven, &user).await?;
            // Whatever ended the session that asked ends what it asked for: it may have been a thief's. A logout does not.
            if session.is_none() && proven.mail.epoch.is_some_and(|epoch| epoch != user.epoch) {
                return proven.is_used_by(service, &used_by, moment).await;
            }
            let event = event(service, moment, caller, &user);
            let event = match &session {
                Some(session) => event.of_session(session.session_id),
                None => event,
            };
            let key = new_key(MailKind::Revert, &old, moment)?;
            let revert = Mail::new(MailKind::Revert, old.clone(), &proven.mail.language, moment);
            let revert =
                Mail { user_id: Some(user.id), other_email: Some(proven.mail.email.clone()), ..revert };
            let commit = AddressCommit {
                key: &proven.key,
                used_by: &used_by,
                user: &user,
                credential: &credential,
                email: &proven.mail.email,
                hash: &hash,
                session: session.as_ref(),
                event: &event,
                mail: (&key, &revert),
                now: moment.now,
            };
            if service.store.commit_address(&commit).await? == Redeemed::Done {
                announce(&event);
                return Ok(());
            }
            if service.store.credential(&proven.mail.email).await?.is_some() {
                break;
            }
        }
        proven.is_used_by(service, &used_by, moment).await
    })
    .await
}

/// The old mailbox takes the address back, whatever it is by now: every session ends, the password that somebody else knows is nobody's
/// any more, and a mail lets the owner set another.
///
/// # Errors
/// Of the refusals: those of [`with_proof`].
pub async fn revert(
    service: &Redemption,
    moment: &Moment,
    caller: &Requester,
    proof: &Proof,
) -> Result<(), FlowError> {
    with_proof(service, moment, caller, (MailKind::Revert, proof), None, async |moment, proven| {
        let used_by = proven.used_by(service, moment).await?;
        if proven.was_used_by(&used_by, moment)? {
            return Ok(());
        }
        let hash = service.nobodys_hash().await?;
        let old = &proven.mail.email;
        for _ in 0..ROUNDS {
            // Moved between the two reads, perhaps by this very link: both are read again.
            let Some((user, credential)) = of(service, &proven).await? else { continue };
            if user.email == *old {
                break;
            }
            let event = event(service, moment, caller, &user);
            let key = new_key(MailKind::Reset, old, moment)?;
            let mail = Mail::new(MailKind::Reset, old.clone(), &proven.mail.language, moment);
            let commit = AddressCommit {
                key: &proven.key,
                used_by: &used_by,
                user: &user,
                credential: &credential,
                email: old,
                hash: &hash,
                session: None,
                event: &event,
                mail: (&key, &mail),
                now: moment.now,
            };
            if service.store.commit_address(&commit).await? == Redeemed::Done {
                announce(&event);
                return Ok(());
            }
        }
        proven.is_used_by(service, &used_by, moment).await
    })
    .await
}

/// The user of a link, and the credential of the address that they have now; none where the address changed between the reads.
async fn of(service: &Redemption, proven: &Proven) -> Result<Option<(Profile, Credential)>, FlowError> {
    let user = proven.prepared.user_id.ok_or(Refusal::MailTokenInvalid)?;
    let profile = service.store.profile(user).await?.filter(Profile::is_active);
    let profile = profile.ok_or(Refusal::MailTokenInvalid)?;
    let credential = service.store.credential(&profile.email).await?;
    let credential = credential.filter(|credential| credential.user_id == user);
    Ok(credential.map(|credential| (profile, credential)))
}

/// The session that asked, if it is still one.
async fn going_on(
    service: &Redemption,
    moment: &Moment,
    proven: &Proven,
    user: &Profile,
) -> Result<Option<Session>, FlowError> {
    let Some(session) = proven.mail.session_id else { return Ok(None) };
    let found = service.store.session(user.id, session).await?;
    Ok(found.filter(|session| session.is_live(moment.now) && session.epoch == user.epoch))
}

fn event(service: &Redemption, moment: &Moment, caller: &Requester, user: &Profile) -> EventRow {
    service.journal.entry(SecurityEvent::UserUpdated, moment, user.id, &caller.device).moved_from(&user.email)
}
