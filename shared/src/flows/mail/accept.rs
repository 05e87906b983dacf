//! An invitation: an operator made the user, and the user sets the first password. Nobody else ever knows it.

use super::redeem::{Proof, Proven, Redemption, with_proof};
use crate::{
    domain::{
        mail::MailKind, moment::Moment, name::PersonName, password::Password, refusal::Refusal,
        security_event::SecurityEvent, user::Profile,
    },
    flows::{FlowError, Requester, journal::announce, new_password::NewPassword},
    store::{PasswordOf, Redeemed, ResetCommit},
};

/// What somebody sends who was invited.
#[derive(Debug)]
pub struct Acceptance {
    /// What they show.
    pub proof: Proof,
    pub password: Password,
    /// What they want to be called, if it is not what the operator wrote.
    pub name: Option<PersonName>,
    /// Who is calling.
    pub caller: Requester,
}

impl Acceptance {
    const fn new_password(&self) -> NewPassword<'_> {
        NewPassword { field: "password", password: &self.password }
    }
}

/// Makes an invited user an active one, and gives them.
///
/// # Errors
/// Of the refusals: those of [`with_proof`], and `Invalid` with every rule that the password breaks.
pub async fn accept(
    service: &Redemption,
    moment: &Moment,
    acceptance: &Acceptance,
) -> Result<Profile, FlowError> {
    let of = (MailKind::Invite, &acceptance.proof);
    with_proof(
        service,
        moment,
        &acceptance.caller,
        of,
        Some(acceptance.new_password()),
        async |moment, proven| {
            activate(service, moment, &proven, acceptance).await?;
            let user = proven.prepared.user_id.ok_or(Refusal::MailTokenInvalid)?;
            Ok(service.store.profile(user).await?.ok_or(Refusal::MailTokenInvalid)?)
        },
    )
    .await
}

async fn activate(
    service: &Redemption,
    moment: &Moment,
    proven: &Proven,
    acceptance: &Acceptance,
) -> Result<(), FlowError> {
    let Proven { key, mail, prepared } = proven;
    let secrets = [acceptance.password.verifiable_bytes()];
    let used_by = service.links.use_of(key, mail, prepared, &secrets, moment.now).await?;
    let used_by = used_by.ok_or(Refusal::MailTokenInvalid)?;
    if proven.was_used_by(&used_by, moment)? {
        return Ok(());
    }
    let Some(bound) = proven.credential(service).await? else {
        return proven.is_used_by(service, &used_by, moment).await;
    };
    acceptance.new_password().check_for(&service.password_policy, &mail.email)?;
    let hash = service.hasher.hash(&acceptance.password).await?;
    let kind = SecurityEvent::UserUpdated;
    let event = service.journal.entry(kind, moment, bound.user_id, &acceptance.caller.device);
    let commit = ResetCommit {
        key,
        used_by: &used_by,
        email: &mail.email,
        bound: &bound,
        hash: &hash,
        of: PasswordOf::Invited(acceptance.name.as_ref()),
        event: &event,
        notice: None,
        now: moment.now,
    };
    match service.store.commit_reset(&commit).await? {
        Redeemed::Done => announce(&event),
        Redeemed::Refused => proven.is_used_by(service, &used_by, moment).await?,
    }
    Ok(())
}
