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
        refusal::{FieldFault, Refusal},
        security_event::SecurityEvent,
    },
    flows::{Caller, FlowError},
    store::{Credential, EventRow, Redeemed, ResetCommit},
    telemetry,
};

/// What somebody sends who has read the mail.
#[derive(Debug)]
pub struct Reset {
    /// What they show.
    pub proof: Proof,
    /// The password as it shall be.
    pub new: Password,
    /// The tag of the language that the user is told of it in.
    pub language: &'static str,
    /// Who is calling.
    pub caller: Caller,
}

/// Sets a password.
///
/// # Errors
/// Of the refusals: those of [`with_proof`], and `Invalid` with every rule that the new password breaks.
pub async fn reset(service: &Redemption, moment: &Moment, reset: &Reset) -> Result<(), FlowError> {
    let of = (MailKind::Reset, &reset.proof);
    with_proof(service, moment, &reset.caller, of, async |moment, proven| {
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
    let bound = bound(service, proven).await?;
    service.policy.check(&reset.new, email).map_err(|faults| {
        Refusal::Invalid(faults.into_iter().map(|fault| FieldFault { field: "newPassword", fault }).collect())
    })?;
    let hash = service.hasher.hash(&reset.new).await?;
    let kind = SecurityEvent::AuthnPasswordReset;
    let keep_until = moment.now + service.security_log;
    let event = EventRow::new(kind, moment, bound.user_id, &reset.caller.device, keep_until);
    let (notice_key, notice) = notice(Notice::PasswordChanged, email, reset.language, moment)?;
    let commit = ResetCommit {
        key,
        used_by: &used_by,
        email,
        bound: &bound,
        hash: &hash,
        event: &event,
        notice: (&notice_key, &notice),
        now: moment.now,
    };
    match service.store.commit_reset(&commit).await? {
        Redeemed::Done => {
            telemetry::security_event(kind, moment, Some(bound.user_id), None);
            forgive(service, moment, proven).await;
            Ok(())
        }
        // Beside the same request, repeated, the link may be used by it.
        Redeemed::Refused => again(service, moment, proven, &used_by).await,
    }
}

/// The credential that the link is bound to, if it is still the one.
async fn bound(service: &Redemption, proven: &Proven) -> Result<Credential, FlowError> {
    let credential = service.store.credential(&proven.mail.email).await?;
    let is_bound = |found: &Credential| {
        Some(found.user_id) == proven.prepared.user_id && found.bound() == proven.prepared.bound
    };
    credential.filter(is_bound).ok_or_else(|| Refusal::MailTokenInvalid.into())
}

async fn again(
    service: &Redemption,
    moment: &Moment,
    proven: &Proven,
    used_by: &str,
) -> Result<(), FlowError> {
    let mail = service.store.mail(&proven.key).await?.ok_or(Refusal::MailTokenInvalid)?;
    let now = Proven { key: proven.key, mail, prepared: proven.prepared.clone() };
    if now.was_used_by(used_by, moment)? { Ok(()) } else { Err(Refusal::MailTokenInvalid.into()) }
}

/// Who can read the mailbox is not who was guessing: the account's failures are forgotten. That this could not be written locks
/// nobody out for longer than a wrong password would.
async fn forgive(service: &Redemption, moment: &Moment, proven: &Proven) {
    if let Err(error) = service.store.forget_attempts(&proven.mail.email, None).await {
        tracing::error!(error = %error, request.id = moment.request.as_str(), "attempts were not cleared");
    }
}
