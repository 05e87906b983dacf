//! An address is shown to be somebody's: of a registration, which makes its user only now, or of a user who is there already.

use std::collections::BTreeSet;

use super::redeem::{Proof, Proven, Redemption, with_proof};
use crate::{
    domain::{
        ids::UserId,
        mail::{Bound, MailKind},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        user::{Profile, Role, Status},
    },
    entropy,
    flows::{FlowError, Requester, journal::announce},
    store::{Credential, NewUser, Redeemed, Verified},
};

/// Takes the link or the code of a mail that asks whose the address is, and gives the user.
///
/// # Errors
/// Of the refusals: those of [`with_proof`].
pub async fn verify(
    service: &Redemption,
    moment: &Moment,
    caller: &Requester,
    proof: &Proof,
) -> Result<Profile, FlowError> {
    with_proof(service, moment, caller, (MailKind::Verify, proof), None, async |moment, proven| {
        let used_by = proven.used_by(service, moment).await?;
        if proven.was_used_by(&used_by, moment)? {
            return whose(service, &proven).await;
        }
        let verified = match proven.prepared.user_id {
            None => make(service, moment, caller, &proven, &used_by).await?,
            Some(user) => mark(service, moment, &proven, (user, &used_by)).await?,
        };
        match verified {
            Redeemed::Done => whose(service, &proven).await,
            // Beside the same request, repeated, the link may be used by it.
            Redeemed::Refused => {
                proven.is_used_by(service, &used_by, moment).await?;
                whose(service, &proven).await
            }
        }
    })
    .await
}

/// Makes the user of a registration. Of two people who registered one address, the first who clicks is the user.
async fn make(
    service: &Redemption,
    moment: &Moment,
    caller: &Requester,
    proven: &Proven,
    used_by: &str,
) -> Result<Redeemed, FlowError> {
    let Proven { key, mail, prepared } = proven;
    let (Some(name), Some(hash)) = (mail.name.clone(), mail.password_hash.clone()) else {
        return Err(Refusal::MailTokenInvalid.into());
    };
    if prepared.bound != Bound::to(hash.as_str()) {
        return Err(Refusal::MailTokenInvalid.into());
    }
    let profile = Profile {
        id: UserId::new(entropy::uuid(moment.now)?),
        email: mail.email.clone(),
        name,
        role: Role::default(),
        status: Status::Active,
        permissions: BTreeSet::new(),
        epoch: 1,
        created_at: moment.now,
        last_login_at: None,
        password_changed_at: mail.created_at,
        email_verified_at: Some(moment.now),
        factors: BTreeSet::new(),
        kept: None,
    };
    let credential = Credential::new(profile.id, hash);
    let kind = SecurityEvent::UserCreated;
    let event = service.journal.entry(kind, moment, profile.id, &caller.device);
    let user = NewUser { profile: &profile, credential: &credential, event: &event };
    let made = service.store.commit_registration(key, used_by, &user, moment.now).await?;
    if made == Redeemed::Done {
        announce(&event);
    }
    Ok(made)
}

/// The address of a user counts as shown, if it is still theirs.
async fn mark(
    service: &Redemption,
    moment: &Moment,
    proven: &Proven,
    (user, used_by): (UserId, &str),
) -> Result<Redeemed, FlowError> {
    let verified = Verified { key: &proven.key, used_by, user, email: &proven.mail.email, now: moment.now };
    Ok(service.store.commit_verification(&verified).await?)
}

/// The user whose address it is now.
async fn whose(service: &Redemption, proven: &Proven) -> Result<Profile, FlowError> {
    let credential = service.store.credential(&proven.mail.email).await?.ok_or(Refusal::MailTokenInvalid)?;
    let profile = service.store.profile(credential.user_id).await?;
    Ok(profile.ok_or(Refusal::MailTokenInvalid)?)
}
