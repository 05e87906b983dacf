//! Registration: a stranger makes a user of their own, where the operator has switched that on.
//!
//! A place for the address is taken before any hashing, like a login's, so that nobody floods the functions with hashes;
//! a registration that succeeds gives it back, and one that finds the address of the user taken does not: it has told a
//! stranger that somebody has an account, and that shall not be asked often. Both cost one hash and one transaction.

use std::collections::BTreeSet;

use super::{
    FlowError, Requester,
    create_user::{Registration, create_user},
    mail,
    new_password::NewPassword,
};
use crate::{
    domain::{
        email::Email,
        mail::{Mail, MailKind},
        moment::Moment,
        name::PersonName,
        password::Password,
        refusal::Refusal,
        user::{Profile, Role},
    },
    service::{HasRegistration, Registers},
    settings::SelfRegistration,
};

/// What somebody typed who wants to be a user.
#[derive(Debug)]
pub struct Applicant {
    pub name: PersonName,
    /// The address.
    pub email: Email,
    /// The password, which the policy still has to accept.
    pub password: Password,
    /// Who is calling.
    pub caller: Requester,
}

/// What came of a registration.
#[derive(Debug)]
pub enum Registered {
    /// The user is there.
    Made(Box<Profile>),
    /// The user is made by the link in a mail, if nobody has the address.
    Asked,
}

/// Whether anybody may register at all. It is asked before anything else of a request is looked at.
///
/// # Errors
/// `RegistrationClosed`.
pub fn admit(service: &impl HasRegistration) -> Result<(), Refusal> {
    match service.registration() {
        SelfRegistration::Closed => Err(Refusal::RegistrationClosed),
        SelfRegistration::Open | SelfRegistration::Confirmed => Ok(()),
    }
}

/// Makes a user of the role `user` with no permissions; or, where addresses are to be confirmed, asks for the mail that does that, and
/// learns of nobody whether they have an account.
///
/// # Errors
/// Of the refusals: `RegistrationClosed`, `ApiRateLimited`, `AddressLimited`, `Invalid` with every rule that the password
/// breaks, and `EmailTaken`, or `MailLimited` instead.
pub async fn register(
    service: &impl Registers,
    moment: &Moment,
    applicant: Applicant,
) -> Result<Registered, FlowError> {
    admit(service)?;
    let from = (applicant.caller.address, service.attempts().address);
    let then = |moment: Moment| async move {
        match service.registration() {
            SelfRegistration::Closed => Err(Refusal::RegistrationClosed.into()),
            SelfRegistration::Confirmed => ask_to_confirm(service, &moment, applicant).await,
            SelfRegistration::Open => create(service, &moment, applicant).await,
        }
    };
    service.gate().with_address(from, moment, Refusal::EmailTaken, then).await
}

/// Everything that the user is to be goes into the mail's row, the password as a hash: the user who has the address already, and nobody,
/// cost the same.
async fn ask_to_confirm(
    service: &impl Registers,
    moment: &Moment,
    applicant: Applicant,
) -> Result<Registered, FlowError> {
    let Applicant { name, email, password, caller } = applicant;
    NewPassword { field: "password", password: &password }.check(service.password_policy(), &email).await?;
    mail::count_mails_from(service.store(), moment, caller.address).await?;
    let hash = service.hasher().hash(&password).await?;
    let key = mail::new_key(MailKind::Verify, &email, moment)?;
    let row = Mail::new(MailKind::Verify, email, caller.language, moment);
    mail::ask(service.store(), moment, &key, &Mail { name: Some(name), password_hash: Some(hash), ..row })
        .await?;
    Ok(Registered::Asked)
}

async fn create(
    service: &impl Registers,
    moment: &Moment,
    applicant: Applicant,
) -> Result<Registered, FlowError> {
    let new = Registration {
        email: applicant.email,
        name: applicant.name,
        password: applicant.password,
        role: Role::default(),
        permissions: BTreeSet::new(),
        device: applicant.caller.device,
        journal: *service.journal(),
    };
    let made =
        create_user(service.store(), *service.hasher(), service.password_policy(), moment, new).await?;
    Ok(Registered::Made(Box::new(made)))
}
