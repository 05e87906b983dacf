//! Making a user.

use std::collections::BTreeSet;

use super::{
    FlowError,
    journal::{Journal, announce},
    new_password::NewPassword,
};
use crate::{
    domain::{
        email::Email,
        ids::UserId,
        moment::Moment,
        name::PersonName,
        password::Password,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::Device,
        user::{Profile, Role, Status, check_permissions},
    },
    entropy,
    password_policy::PasswordPolicy,
    passwords::Hasher,
    store::{Credential, NewUser, Store, UserCreated},
};

/// The user to make.
#[derive(Debug)]
pub struct Registration {
    /// The address that nobody has yet.
    pub email: Email,
    pub name: PersonName,
    /// The password, which the policy still has to accept.
    pub password: Password,
    pub role: Role,
    /// `feature:action`, each.
    pub permissions: BTreeSet<String>,
    /// Who is making the user, for the security log.
    pub device: Device,
    /// The security log.
    pub journal: Journal,
}

/// Makes an active user at epoch 1.
///
/// # Errors
/// Of the refusals: `Invalid` with every rule that the password breaks or with permissions that nobody may have, `EmailTaken`.
pub async fn create_user(
    store: &Store,
    hasher: Hasher,
    policy: &PasswordPolicy,
    moment: &Moment,
    new: Registration,
) -> Result<Profile, FlowError> {
    NewPassword { field: "password", password: &new.password }.check(policy, &new.email).await?;
    check_permissions(&new.permissions).map_err(|fault| Refusal::field("permissions", fault))?;
    let password_hash = hasher.hash(&new.password).await?;
    let profile = Profile {
        id: UserId::new(entropy::uuid(moment.now)?),
        email: new.email,
        name: new.name,
        role: new.role,
        status: Status::Active,
        permissions: new.permissions,
        epoch: 1,
        created_at: moment.now,
        last_login_at: None,
        password_changed_at: moment.now,
        email_verified_at: None,
        factors: BTreeSet::new(),
        kept: None,
    };
    let credential = Credential::new(profile.id, password_hash);
    let event = new.journal.entry(SecurityEvent::UserCreated, moment, profile.id, &new.device);
    let user = NewUser { profile: &profile, credential: &credential, event: &event };
    match store.create_user(&user).await? {
        UserCreated::Done => {
            announce(&event);
            Ok(profile)
        }
        UserCreated::EmailTaken => Err(Refusal::EmailTaken.into()),
    }
}
