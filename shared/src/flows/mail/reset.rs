//! Another password, by the link or the code of a mail: every session ends, and a second factor, if there is one, is asked for as before.

use super::{
    notice,
    redeem::{Proof, Proven, Redemption, with_proof},
};
use crate::{
    domain::{
        mail::{MailKind, Notice},
        moment::Moment,
        password::Password,
        refusal::Refusal,
        security_event::SecurityEvent,
    },
    flows::{FlowError, Requester, journal::announce, new_password::NewPassword},
    store::{PasswordOf, Redeemed, ResetCommit},
};

/// What somebody sends who has read the mail.
#[derive(Debug)]
pub struct Reset {
    /// What they show.
    pub proof: Proof,
    /// The password as it shall be.
    pub new: Password,
    /// Who is calling.
    pub caller: Requester,
}

impl Reset {
    const fn new_password(&self) -> NewPassword<'_> {
        NewPassword { field: "newPassword", password: &self.new }
    }
}

/// Sets a password.
///
/// # Errors
/// Of the refusals: those of [`with_proof`], and `Invalid` with every rule that the new password breaks.
pub async fn reset(service: &Redemption, moment: &Moment, reset: &Reset) -> Result<(), FlowError> {
    let of = (MailKind::Reset, &reset.proof);
    with_proof(service, moment, &reset.caller, of, Some(reset.new_password()), async |moment, proven| {
        set(service, moment, &proven, reset).await
    })
    .await
}

async fn set(service: &Redemption, moment: &Moment, proven: &Proven, reset: &Reset) -> Result<(), FlowError> {
    let Proven { key, mail, prepared } = proven;
    let email = &mail.email;
    let secrets = [reset.new.verifiable_bytes()];
    let used_by = service.links.use_of(key, mail, prepared, &secrets, moment.now).await?;
    let used_by = used_by.ok_or(Refusal::MailTokenInvalid)?;
    if proven.was_used_by(&used_by, moment)? {
        return Ok(());
    }
    let Some(bound) = proven.credential(service).await? else {
        return proven.is_used_by(service, &used_by, moment).await;
    };
    reset.new_password().check_for(&service.password_policy, email)?;
    let hash = service.hasher.hash(&reset.new).await?;
    let kind = SecurityEvent::AuthnPasswordReset;
    let event = service.journal.entry(kind, moment, bound.user_id, &reset.caller.device);
    let (notice_key, notice) = notice(Notice::PasswordChanged, email, reset.caller.language, moment)?;
    let commit = ResetCommit {
        key,
        used_by: &used_by,
        email,
        bound: &bound,
        hash: &hash,
        of: PasswordOf::Active,
        event: &event,
        notice: Some((&notice_key, &notice)),
        now: moment.now,
    };
    match service.store.commit_reset(&commit).await? {
        Redeemed::Done => {
            announce(&event);
            // Who can read the mailbox is not who was guessing.
            service.gate().forget(email, moment).await;
            Ok(())
        }
        // Beside the same request, repeated, the link may be used by it.
        Redeemed::Refused => proven.is_used_by(service, &used_by, moment).await,
    }
}
