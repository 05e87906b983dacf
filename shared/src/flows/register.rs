//! Registration: a stranger makes a user of their own, where the operator has switched that on.
//!
//! A place for the address is taken before any hashing, like a login's, so that nobody floods the functions with hashes;
//! a registration that succeeds gives it back, and one that finds the address of the user taken does not: it has told a
//! stranger that somebody has an account, and that shall not be asked often. Both cost one hash and one transaction.

use std::collections::BTreeSet;

use super::{
    Caller, FlowError,
    attempts::{enter_address, leave},
    create_user::{Registration, create_user},
};
use crate::{
    app::AuthService,
    domain::{
        email::Email,
        moment::Moment,
        name::PersonName,
        password::Password,
        refusal::Refusal,
        user::{Profile, Role},
    },
    rate_limit,
};

/// What somebody typed who wants to be a user.
#[derive(Debug)]
pub struct Applicant {
    /// The name.
    pub name: PersonName,
    /// The address.
    pub email: Email,
    /// The password, which the policy still has to accept.
    pub password: Password,
    /// Who is calling.
    pub caller: Caller,
}

/// Whether anybody may register at all. It is asked before anything else of a request is looked at.
///
/// # Errors
/// `RegistrationClosed`.
pub const fn admit(service: &AuthService) -> Result<(), Refusal> {
    if service.registration { Ok(()) } else { Err(Refusal::RegistrationClosed) }
}

/// Makes a user of the role `user` with no permissions.
///
/// # Errors
/// Of the refusals: `RegistrationClosed`, `ApiRateLimited`, `AddressLimited`, `Invalid` with every rule that the password
/// breaks, `EmailTaken`.
pub async fn register(
    service: &AuthService,
    moment: &Moment,
    applicant: Applicant,
) -> Result<Profile, FlowError> {
    admit(service)?;
    let caller = rate_limit::Caller::address(applicant.caller.address);
    service.rate_limit.check(&caller, moment.now).map_err(Refusal::ApiRateLimited)?;
    let (place, counted) = tokio::join!(
        enter_address(&service.store, service.attempts.address, moment, applicant.caller.address),
        service.rate_limit.count(&service.store, &caller, moment.now),
    );
    let place = place?;
    let made = match counted {
        Ok(Some(Err(quota))) => Err(Refusal::ApiRateLimited(quota).into()),
        Ok(_) => create(service, &place.moment, applicant).await,
        Err(error) => Err(error.into()),
    };
    if !matches!(made, Err(FlowError::Refused(Refusal::EmailTaken))) {
        leave(&service.store, &place).await;
    }
    made
}

async fn create(service: &AuthService, moment: &Moment, applicant: Applicant) -> Result<Profile, FlowError> {
    let new = Registration {
        email: applicant.email,
        name: applicant.name,
        password: applicant.password,
        role: Role::default(),
        permissions: BTreeSet::new(),
        device: applicant.caller.device,
        security_log: service.security_log,
    };
    create_user(&service.store, service.hasher, service.policy, moment, new).await
}
