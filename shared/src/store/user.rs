//! Making a user: CREDENTIAL, PROFILE and the first entry of the security log, all or nothing.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};

use super::{Credential, EventRow, Store, StoreError, credential, item, profile, transaction::Transacted};
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
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_user(&self, user: &NewUser<'_>) -> Result<UserCreated, StoreError> {
        const OPERATION: &str = "create a user";
        let put = |row| {
            let put = Put::builder()
                .table_name(&self.tables.identity)
                .set_item(Some(row))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(|_| StoreError::Malformed { operation: OPERATION })?;
            Ok::<_, StoreError>(TransactWriteItem::builder().put(put).build())
        };
        let credential = item::write(OPERATION, credential::key(&user.profile.email), user.credential, None)?;
        let writes = vec![
            put(credential)?,
            put(profile_row(OPERATION, user.profile)?)?,
            TransactWriteItem::builder().put(self.event_put(OPERATION, user.event)?).build(),
        ];
        Ok(match self.transact(OPERATION, writes).await? {
            Transacted::Done => UserCreated::Done,
            Transacted::ConditionsFailed(_) => UserCreated::EmailTaken,
        })
    }
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
