//! The user of `nova local --demo`.

use std::collections::BTreeSet;
use std::error::Error;

use nova_auth::domain::email::Email;
use nova_auth::domain::password::Password;
use nova_auth::domain::user::{Role, Status};
use nova_auth::flows::operator::Operator;
use nova_auth::flows::set_status::set_status;
use nova_auth::passwords::verify_now;
use nova_auth::store::{AccessChange, Store};

use super::create::{DEMO_PERMISSION, create_for_demo};
use super::password::PasswordArgs;
use super::{LogArgs, UserName, find, moment, operator};
use crate::failure::refused;
use crate::place::Target;

/// Makes the user; one that a file has kept is made what the walk needs again, whatever was changed of them: the password, the
/// role, the permission, the status, and failed logins. Says whether anything was.
///
/// # Errors
/// The one line that says why not.
pub(crate) async fn prepare_for_demo(
    dynamodb_url: &str,
    email: &str,
    password: &str,
) -> Result<bool, Box<dyn Error>> {
    if create_for_demo(dynamodb_url, email, password).await? {
        return Ok(false);
    }
    let store = Target::local(dynamodb_url).store().await?;
    let email = Email::parse(email).map_err(|_| "the demo's address is none")?;
    put_back(&store, &email, &Password::new(password.to_owned())).await
}

async fn put_back(store: &Store, email: &Email, password: &Password) -> Result<bool, Box<dyn Error>> {
    let log = LogArgs::default();
    let user = find(store, &UserName::Email(email.clone())).await?;
    let mut changed = false;
    if user.status != Status::Active {
        let (moment, device) = (moment()?, Operator::device());
        let set = set_status(store, &moment, user.id, &user.email, Status::Active, &device, log.journal());
        set.await.map_err(refused)?;
        changed = true;
    }
    let permission = BTreeSet::from([DEMO_PERMISSION.to_owned()]);
    let role = (user.role != Role::default()).then(|| AccessChange::Role(Role::default()));
    let grant = (!user.permissions.is_superset(&permission)).then_some(AccessChange::Grant(permission));
    for change in role.into_iter().chain(grant) {
        let moment = moment()?;
        operator(store, &moment, log).change_access(user.id, &change, false).await.map_err(refused)?;
        changed = true;
    }
    let moment = moment()?;
    let operator = operator(store, &moment, log);
    let attempts = store.account_attempts(email, moment.now).await?;
    if attempts.window.is_some() || attempts.run > 0 {
        operator.unlock(email, user.id).await.map_err(refused)?;
    }
    let kept = store.credential(email).await?;
    let hash = kept.and_then(|kept| kept.password_hash);
    if !hash.is_some_and(|hash| verify_now(password, &hash)) {
        let rules = PasswordArgs::default();
        let policy = rules.policy().into();
        operator.set_password(&user, password, &policy, rules.hasher()).await.map_err(refused)?;
        changed = true;
    }
    Ok(changed)
}
