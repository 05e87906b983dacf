//! The password of somebody who is logged in, asked for once more: a stolen access token must not be a way around the limits on
//! guessing, so that a wrong one counts like a login's.

use super::{
    Caller, FlowError,
    attempts::{self, Place},
    authenticate::Authenticated,
    readable,
};
use crate::{
    domain::{moment::Moment, password::Password, refusal::Refusal},
    service::AuthService,
    store::Credential,
};

/// Verifies the password, with a place for the address and for the account taken, and gives the credential that it was verified
/// against. The account's failures are forgotten if it is right.
///
/// # Errors
/// Of the refusals: `AddressLimited`, `LoginLocked`, `CurrentPasswordInvalid`.
pub(super) async fn with_password(
    service: &AuthService,
    moment: &Moment,
    caller: &Caller,
    who: &Authenticated,
    password: &Password,
) -> Result<Credential, FlowError> {
    let (store, email) = (&service.store, &who.profile.email);
    // The call was counted as the user's.
    let address =
        attempts::enter_address(store, service.attempts.address, None, moment, caller.address).await?;
    let account = match attempts::enter_account(store, service.attempts.account, &address.moment, email).await
    {
        Ok(account) => account,
        Err(error) => {
            attempts::leave(store, &address).await;
            return Err(error);
        }
    };
    match verify(service, &account, caller, who, password).await {
        Ok(credential) => {
            attempts::forgive(service, &address, &account).await;
            Ok(credential)
        }
        // A guess was made: it counts.
        Err(refused @ FlowError::Refused(Refusal::CurrentPasswordInvalid(_))) => Err(refused),
        Err(other) => {
            attempts::leave(store, &account).await;
            attempts::leave(store, &address).await;
            Err(other)
        }
    }
}

/// The credential that the password is right for.
///
/// # Errors
/// `CurrentPasswordInvalid`, and the failure is held against account and address.
pub(super) async fn verify(
    service: &AuthService,
    account: &Place,
    caller: &Caller,
    who: &Authenticated,
    password: &Password,
) -> Result<Credential, FlowError> {
    let (user, email) = (who.profile.id, &who.profile.email);
    // A credential of somebody else under this address would be a defect of ours; it verifies nothing.
    let credential = service.store.credential(email).await?.filter(|credential| credential.user_id == user);
    let hash = readable(credential.as_ref(), &account.moment);
    let verified = service.hasher.verify(password, hash).await?;
    match credential.filter(|_| verified) {
        Some(credential) => Ok(credential),
        None => {
            let quota = attempts::count_failure(service, account, email, Some(user), &caller.device).await;
            Err(Refusal::CurrentPasswordInvalid(quota).into())
        }
    }
}
