//! Another address or name for a user, who stays who they are.

use aws_sdk_dynamodb::types::{Delete, Put, ReturnValuesOnConditionCheckFailure, Update};

use super::{
    Credential, EventRow, Store, StoreError, credential, item, profile,
    transaction::{Transacted, Write},
};
use crate::domain::{
    email::Email,
    ids::UserId,
    mail::{Mail, MailKey},
    name::PersonName,
    user::Profile,
};

/// What became of a change of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserMoved {
    /// The user logs in with the new address from now on.
    Done,
    /// The new address is somebody else's.
    EmailTaken,
    /// The user has no password at the address that was read.
    NoCredential,
    /// The user is another by now: all of it has to be read again.
    Changed,
}

impl Store {
    /// Gives a user another name. `false`: there is no such user.
    ///
    /// # Errors
    /// [`StoreError`]; then it may not have taken effect. It can be repeated.
    pub async fn rename_user(
        &self,
        user: UserId,
        name: &PersonName,
        event: &EventRow,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "rename a user";
        let update = Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user)))
            .update_expression("SET #name = :name")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", item::text(name.as_str()));
        let writes = vec![update.into(), self.event_put(OPERATION, event)?];
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }

    /// CREDENTIAL goes from the old address to the new one, which nobody has; PROFILE takes the address, and the name, and
    /// every session ends with its epoch; EVENT, and the mail that tells the user, are put: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect.
    pub async fn move_user(
        &self,
        user: &Profile,
        (email, name): (&Email, &PersonName),
        event: &EventRow,
        notice: Option<&(MailKey, Mail)>,
    ) -> Result<UserMoved, StoreError> {
        const OPERATION: &str = "change an address";
        let Some(mut row) = self.credential_row(OPERATION, &user.email).await? else {
            return Ok(UserMoved::NoCredential);
        };
        let verified = Credential::read(OPERATION, &row)?;
        if verified.user_id != user.id {
            return Ok(UserMoved::NoCredential);
        }
        // The row as it is: a later version may keep more in it.
        row.extend(credential::key(email));
        let mut writes = vec![
            self.credential_put(row),
            self.credential_delete(&user.email, &verified),
            self.address_update(user, email, name),
            self.event_put(OPERATION, event)?,
        ];
        if let Some((key, mail)) = notice {
            writes.push(self.mail_put(OPERATION, (key, mail))?);
        }
        let Transacted::ConditionsFailed(mut reasons) = self.transact(OPERATION, writes).await? else {
            return Ok(UserMoved::Done);
        };
        let is_unchanged = reasons.iter().skip(1).all(Option::is_none);
        let taken = reasons.first_mut().and_then(Option::take);
        let owner = taken.and_then(|reason| reason.item?.remove("userId")?.as_s().ok().cloned());
        // Beside a change of ours that took, and whose answer was lost, the address is our own.
        let is_ours = owner.is_some_and(|owner| owner == user.id.to_string());
        Ok(if is_unchanged && !is_ours { UserMoved::EmailTaken } else { UserMoved::Changed })
    }

    fn credential_put(&self, row: item::Item) -> Write {
        Put::builder()
            .table_name(&self.tables.identity)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .into()
    }

    /// Only the very hash that was carried over: a password that was set meanwhile would be lost.
    fn credential_delete(&self, email: &Email, read: &Credential) -> Write {
        let delete = Delete::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(credential::key(email)))
            .expression_attribute_values(":user", item::text(read.user_id.to_string()));
        match read.stored() {
            Some(hash) => delete
                .condition_expression("userId = :user AND passwordHash = :read")
                .expression_attribute_values(":read", hash),
            None => delete.condition_expression("userId = :user AND attribute_not_exists(passwordHash)"),
        }
        .into()
    }

    fn address_update(&self, user: &Profile, email: &Email, name: &PersonName) -> Write {
        Update::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user.id)))
            .update_expression("SET email = :email, #name = :name, epoch = epoch + :one")
            .condition_expression("attribute_exists(pk) AND email = :old AND #name = :was")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":email", item::text(email.as_str()))
            .expression_attribute_values(":old", item::text(user.email.as_str()))
            .expression_attribute_values(":name", item::text(name.as_str()))
            .expression_attribute_values(":was", item::text(user.name.as_str()))
            .expression_attribute_values(":one", item::number(1))
            .into()
    }
}
