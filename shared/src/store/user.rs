//! Making a user: CREDENTIAL, PROFILE and the first entry of the security log, all or nothing.

use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure};

use super::{
    Credential, EventRow, Store, StoreError, item, profile,
    transaction::{Transacted, Write},
};
use crate::domain::user::Profile;

/// What is written.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// The user.
    pub profile: &'a Profile,
    /// The password of the profile's address.
    pub credential: &'a Credential,
    /// The entry of the security log.
    pub event: &'a EventRow,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCreated {
    /// The user is there.
    Done,
    /// The address is somebody's already.
    EmailTaken,
}

impl Store {
    /// Writes a user whose address nobody has.
    pub async fn create_user(&self, user: &NewUser<'_>) -> Result<UserCreated, StoreError> {
        const OPERATION: &str = "create a user";
        let writes = self.writes_of(OPERATION, user, ReturnValuesOnConditionCheckFailure::None)?;
        Ok(match self.transact(OPERATION, writes.into()).await? {
            Transacted::Done => UserCreated::Done,
            Transacted::ConditionsFailed(_) => UserCreated::EmailTaken,
        })
    }

    /// Writes up to [`USERS_AT_ONCE`] users of different addresses, each whole or not at all, and says of each what became
    /// of it. A user whose address somebody has already stays out, and the others go in without them. When it is called
    /// again with the same users because an answer was lost, it finds its own writes and calls them done.
    ///
    /// # Errors
    /// [`StoreError`]; then some may be there, and the call can be repeated.
    pub async fn create_users(&self, users: &[NewUser<'_>]) -> Result<Vec<UserCreated>, StoreError> {
        const OPERATION: &str = "create users";
        let mut done: Vec<Option<UserCreated>> = vec![None; users.len()];
        // Every round either ends it or decides about somebody.
        loop {
            let open: Vec<_> = users.iter().zip(&mut done).filter(|(_, done)| done.is_none()).collect();
            if open.is_empty() {
                break;
            }
            let mut writes = Vec::with_capacity(open.len() * WRITES_OF_A_USER);
            for (user, _) in &open {
                writes.extend(self.writes_of(
                    OPERATION,
                    user,
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )?);
            }
            match self.transact(OPERATION, writes).await? {
                Transacted::Done => open.into_iter().for_each(|(_, done)| *done = Some(UserCreated::Done)),
                Transacted::ConditionsFailed(reasons) => {
                    let mut decided = false;
                    for ((user, done), reasons) in open.into_iter().zip(reasons.chunks(WRITES_OF_A_USER)) {
                        if reasons.iter().any(Option::is_some) {
                            decided = true;
                            *done = Some(if is_there(user, reasons) {
                                UserCreated::Done
                            } else {
                                UserCreated::EmailTaken
                            });
                        }
                    }
                    if !decided {
                        return Err(StoreError::Malformed { operation: OPERATION });
                    }
                }
            }
        }
        Ok(done.into_iter().map(|done| done.unwrap_or(UserCreated::EmailTaken)).collect())
    }

    /// The writes that make a user.
    pub(super) fn writes_of(
        &self,
        operation: &'static str,
        user: &NewUser<'_>,
        on_failure: ReturnValuesOnConditionCheckFailure,
    ) -> Result<[Write; WRITES_OF_A_USER], StoreError> {
        let put = |row| {
            Put::builder()
                .table_name(&self.tables.identity)
                .set_item(Some(row))
                .condition_expression("attribute_not_exists(pk)")
                .return_values_on_condition_check_failure(on_failure.clone())
                .into()
        };
        Ok([
            put(user.credential.row(&user.profile.email)),
            put(profile_row(operation, user.profile)?),
            self.event_put(operation, user.event)?,
        ])
    }
}

/// CREDENTIAL, PROFILE, EVENT.
const WRITES_OF_A_USER: usize = 3;

/// How many users one transaction takes: DynamoDB allows it 100 writes.
pub const USERS_AT_ONCE: usize = 25;

/// Whether the credential that stood in the way is this very user's: an earlier try took, and its answer was lost.
fn is_there(user: &NewUser<'_>, reasons: &[Option<CancellationReason>]) -> bool {
    let found = reasons.first().and_then(|reason| reason.as_ref()?.item()?.get("userId")?.as_s().ok());
    found.is_some_and(|id| *id == user.profile.id.to_string())
}

/// Permissions are a DynamoDB set, so that granting and revoking one are single, repeatable writes.
fn profile_row(operation: &'static str, profile: &Profile) -> Result<item::Item, StoreError> {
    let mut row = item::write(operation, profile::key(profile.id), profile, None)?;
    if !profile.permissions.is_empty() {
        let set = AttributeValue::Ss(profile.permissions.iter().cloned().collect());
        row.insert("permissions".to_owned(), set);
    }
    Ok(row)
}
