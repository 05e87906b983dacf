//! The password of somebody who is logged in, asked for once more: a stolen access token must not be a way around the limits on
//! guessing, so that a wrong one counts like a login's.

use std::future::ready;

use super::{FlowError, Requester, authenticate::Authenticated, readable};
use crate::{
    domain::{moment::Moment, password::Password, refusal::Refusal},
    gate::{Places, Shown, Tried},
    service::TriesPasswords,
    store::Credential,
};

/// Takes a place for the address and one for the account, and does `then`, which verifies the password and whatever it is asked for.
///
/// # Errors
/// Of the refusals: `AddressLimited`, `LoginLocked`, `CurrentPasswordInvalid`, and those of `then`.
pub(super) async fn with_places<'a, T, Then>(
    service: &'a impl TriesPasswords,
    moment: &Moment,
    caller: &Requester,
    who: &Authenticated,
    then: impl FnOnce(Places<'a>) -> Then,
) -> Result<T, FlowError>
where
    Then: Future<Output = Result<Tried<T>, FlowError>>,
{
    let shown = Shown {
        email: &who.profile.email,
        address: caller.address,
        device: &caller.device,
        known: None,
        // The call was counted as the user's.
        is_counted: false,
        wrong: Refusal::CurrentPasswordInvalid,
    };
    let (read, complete) = (|| ready(Ok(())), |()| ready(Ok(())));
    service.password_gate().with_places(shown, moment, read, complete, |places, ()| then(places)).await
}

/// Verifies the password, and gives the credential that it was verified against.
///
/// # Errors
/// Of the refusals: `AddressLimited`, `LoginLocked`, `CurrentPasswordInvalid`.
pub(super) async fn with_password(
    service: &impl TriesPasswords,
    moment: &Moment,
    caller: &Requester,
    who: &Authenticated,
    password: &Password,
) -> Result<Credential, FlowError> {
    with_places(service, moment, caller, who, |places| async move {
        match verify(service, places.moment(), who, password).await? {
            Some(credential) => Ok(Tried::Right(places.forgive().await, Ok(credential))),
            None => Ok(Tried::Wrong(Some(who.profile.id))),
        }
    })
    .await
}

/// The credential that the password is right for. `None`: it is wrong.
pub(super) async fn verify(
    service: &impl TriesPasswords,
    moment: &Moment,
    who: &Authenticated,
    password: &Password,
) -> Result<Option<Credential>, FlowError> {
    // A credential of somebody else under this address would be a defect of ours; it verifies nothing.
    let credential = service.store().credential(&who.profile.email).await?;
    let credential = credential.filter(|credential| credential.user_id == who.profile.id);
    let hash = readable(credential.as_ref(), moment);
    let verified = service.hasher().verify(password, hash).await?;
    Ok(credential.filter(|_| verified))
}
