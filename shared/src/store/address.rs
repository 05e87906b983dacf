//! Another address for a user, by the links of two mails: to the new address, which takes it; and to the old one, which takes it back.

use aws_sdk_dynamodb::types::{Delete, Put, Update};
use jiff::Timestamp;

use super::{
    Credential, EventRow, Redeemed, Store, StoreError, credential, epoch, item, profile, session,
    transaction::Write,
};
use crate::domain::{
    email::Email,
    mail::{Mail, MailKey},
    password::PasswordHash,
    session::Session,
    user::Profile,
};

/// A change of address by a link.
#[derive(Debug)]
pub struct AddressCommit<'a> {
    pub key: &'a MailKey,
    /// What the row is to remember of this request.
    pub used_by: &'a str,
    /// The user, as they were read.
    pub user: &'a Profile,
    /// The credential of their address, as it was read.
    pub credential: &'a Credential,
    /// The address that they are to have.
    pub email: &'a Email,
    /// The hash that goes with it.
    pub hash: &'a PasswordHash,
    /// The session that goes on, if one does.
    pub session: Option<&'a Session>,
    /// The entry of the security log.
    pub event: &'a EventRow,
    /// The mail that goes out with it.
    pub mail: (&'a MailKey, &'a Mail),
    /// The time of the change.
    pub now: Timestamp,
}

impl Store {
    /// MAIL is used; CREDENTIAL goes from the user's address to the other one, which nobody has; PROFILE, active and as it was read,
    /// takes the address, and every session ends with its epoch, but for SESSION, which goes on where one is named; EVENT and the
    /// mail are put: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may or may not have taken effect. The same request, repeated, finds out.
    pub async fn commit_address(&self, change: &AddressCommit<'_>) -> Result<Redeemed, StoreError> {
        const OPERATION: &str = "change an address by mail";
        let mut writes = vec![
            self.mail_use(change.key, change.used_by, change.now),
            self.new_credential(change),
            self.old_credential(change),
            self.moved_profile(change),
            self.event_put(OPERATION, change.event)?,
            self.mail_put(OPERATION, change.mail)?,
        ];
        if let Some(session) = change.session {
            writes.push(self.going_on(session, change.user));
        }
        self.redeem(OPERATION, writes).await
    }

    fn new_credential(&self, change: &AddressCommit<'_>) -> Write {
        Put::builder()
            .table_name(&self.tables.identity)
            .set_item(Some(Credential::new(change.user.id, change.hash.clone()).row(change.email)))
            .condition_expression("attribute_not_exists(pk)")
            .into()
    }

    /// Only the very hash that was read: a password that was set meanwhile would be lost.
    fn old_credential(&self, change: &AddressCommit<'_>) -> Write {
        Delete::builder()
            .table_name(&self.tables.identity)
            .set_key(Some(credential::key(&change.user.email)))
            .condition_expression("userId = :user AND passwordHash = :read")
            .expression_attribute_values(":user", item::text(change.user.id.to_string()))
            .expression_attribute_values(":read", change.credential.verified())
            .into()
    }

    fn moved_profile(&self, change: &AddressCommit<'_>) -> Write {
        let AddressCommit { user, email, now, .. } = change;
        let next = user.epoch.saturating_add(1);
        let (kept, update) = match change.session {
            Some(session) => (
                ", kept = :kept",
                Update::builder().expression_attribute_values(":kept", epoch::kept(next, session.session_id)),
            ),
            None => ("", Update::builder()),
        };
        update
            .table_name(&self.tables.identity)
            .set_key(Some(profile::key(user.id)))
            .update_expression(format!("SET email = :email, epoch = :next, emailVerifiedAt = :now{kept}"))
            .condition_expression("#status = :active AND email = :old AND epoch = :epoch")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":old", item::text(user.email.as_str()))
            .expression_attribute_values(":email", item::text(email.as_str()))
            .expression_attribute_values(":epoch", item::number(user.epoch))
            .expression_attribute_values(":next", item::number(next))
            .expression_attribute_values(":now", item::text(now.to_string()))
            .into()
    }

    fn going_on(&self, session: &Session, user: &Profile) -> Write {
        Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(session::key(session.user_id, session.session_id)))
            .update_expression("SET epoch = :next")
            .condition_expression("#state = :active AND epoch = :epoch")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":active", item::text("active"))
            .expression_attribute_values(":epoch", item::number(user.epoch))
            .expression_attribute_values(":next", item::number(user.epoch.saturating_add(1)))
            .into()
    }
}
