//! `MAIL#<sha256>` / `<kind>#<id>`: a mail to be sent, and what became of its link.
//!
//! The row is the outbox: its insertion is what the sender is told of. Nothing in it makes a link.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{SignedDuration, Timestamp};

use super::{
    Store, StoreError,
    attempts::one,
    change::{Updated, conditional, updated},
    item,
};
use crate::domain::{
    attempts::Entry,
    mail::{Mail, MailDigest, MailKey, MailKind, Prepared},
};

/// A row stays a while after its end, so that a late answer can still be told from a foreign one.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

/// Who sends a mail has this long before somebody else may.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// A code may be guessed this often.
pub const CODE_TRIES: u32 = 5;

/// The code is looked for in this many of the newest rows.
const ROWS_OF_A_CODE: usize = 3;

pub(super) fn key(mail: &MailKey) -> item::Item {
    item::key(mail.pk(), mail.sk())
}

pub(super) fn row(operation: &'static str, at: &MailKey, mail: &Mail) -> Result<item::Item, StoreError> {
    item::write(operation, key(at), mail, Some(mail.ends + KEPT_AFTER_END))
}

impl Store {
    /// Makes sure that the table can be reached: a read of nothing, made during init so that the first request finds the
    /// connection open.
    pub async fn warm_up_mail(&self) -> Result<(), StoreError> {
        let nothing = item::key("MAIL#warm-up", "MAIL#warm-up");
        let read = self.client.get_item().table_name(&self.tables.sessions).set_key(Some(nothing));
        read.send().await.map_err(|error| StoreError::from_sdk("warm up", &error))?;
        Ok(())
    }

    /// Asks for a mail. `false`: there is a row of this key already.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be sent or not.
    pub async fn put_mail(&self, at: &MailKey, mail: &Mail) -> Result<bool, StoreError> {
        const OPERATION: &str = "ask for a mail";
        let row = row(OPERATION, at, mail)?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sessions)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(pk)");
        Ok(conditional(OPERATION, || put.clone().send()).await?.is_some())
    }

    /// A row, whether or not its time is over.
    pub async fn mail(&self, at: &MailKey) -> Result<Option<Mail>, StoreError> {
        const OPERATION: &str = "read a mail";
        let get = self
            .client
            .get_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(at)))
            .consistent_read(true);
        let answer = get.send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        answer.item.map(|row| item::read(OPERATION, row)).transpose()
    }

    /// The newest rows of a kind in a mailbox, the newest first: those that a code may be of.
    pub async fn newest_mails(
        &self,
        mailbox: &MailDigest,
        kind: MailKind,
    ) -> Result<Vec<(MailKey, Mail)>, StoreError> {
        const OPERATION: &str = "read mails";
        let query = self
            .client
            .query()
            .table_name(&self.tables.sessions)
            .key_condition_expression("pk = :mailbox AND begins_with(sk, :kind)")
            .expression_attribute_values(":mailbox", item::text(MailKey::partition(mailbox)))
            .expression_attribute_values(":kind", item::text(format!("{}#", kind.name())))
            // Ids begin with their time.
            .scan_index_forward(false)
            .limit(i32::try_from(ROWS_OF_A_CODE).unwrap_or(i32::MAX))
            .consistent_read(true);
        let answer = query.send().await.map_err(|error| StoreError::from_sdk(OPERATION, &error))?;
        let read = |row: item::Item| {
            let text = |name: &str| row.get(name)?.as_s().ok().cloned();
            let key = text("pk").zip(text("sk")).and_then(|(pk, sk)| MailKey::parse(&pk, &sk).ok());
            Ok((key.ok_or(StoreError::Malformed { operation: OPERATION })?, item::read(OPERATION, row)?))
        };
        answer.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Takes a mail to send it: nobody else does for a minute. What its link is computed from is written now, before the link
    /// is out; a row that has it already keeps it. `None`: it was sent, its time is over, nobody is there, or somebody else has it.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be taken.
    pub async fn lease_mail(
        &self,
        at: &MailKey,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<Option<Mail>, StoreError> {
        const OPERATION: &str = "take a mail";
        let mut set =
            "SET mailLease = :lease, bound = if_not_exists(bound, :bound), kid = if_not_exists(kid, :kid)"
                .to_owned();
        let mut values = item::Item::from([
            (":lease".to_owned(), item::millis(now + LEASE)),
            (":kid".to_owned(), item::text(prepared.kid.clone())),
            (":now".to_owned(), item::millis(now)),
        ]);
        let bound = serde_dynamo::to_attribute_value(prepared.bound);
        values
            .insert(":bound".to_owned(), bound.map_err(|_| StoreError::Malformed { operation: OPERATION })?);
        if let Some(user) = prepared.user_id {
            set.push_str(", linkUserId = if_not_exists(linkUserId, :user)");
            values.insert(":user".to_owned(), item::text(user.to_string()));
        }
        let lease = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(at)))
            .update_expression(set)
            .condition_expression(
                "attribute_exists(pk) AND ends > :now AND attribute_not_exists(sentAt) AND attribute_not_exists(nobody) \
                 AND (attribute_not_exists(mailLease) OR mailLease <= :now)",
            )
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew);
        let row = conditional(OPERATION, || lease.clone().send()).await?.and_then(|answer| answer.attributes);
        row.map(|row| item::read(OPERATION, row)).transpose()
    }

    /// Remembers that a mail was handed over.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be sent once more.
    pub async fn mark_mail_sent(&self, at: &MailKey, now: Timestamp) -> Result<(), StoreError> {
        self.mark_mail("mark a mail as sent", at, "sentAt", item::millis(now)).await
    }

    /// Remembers that nobody is there to write to.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be looked up once more.
    pub async fn mark_mail_nobody(&self, at: &MailKey) -> Result<(), StoreError> {
        self.mark_mail("mark a mail as nobody's", at, "nobody", AttributeValue::Bool(true)).await
    }

    async fn mark_mail(
        &self,
        operation: &'static str,
        at: &MailKey,
        name: &str,
        value: AttributeValue,
    ) -> Result<(), StoreError> {
        let mark = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(at)))
            .update_expression("SET #mark = :value")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#mark", name)
            .expression_attribute_values(":value", value);
        conditional(operation, || mark.clone().send()).await.map(drop)
    }

    /// Takes one of the five tries of a row's code, before the code is compared. `false`: there is none left, or the row's time
    /// is over.
    ///
    /// # Errors
    /// [`StoreError`]; then the try may be taken.
    pub async fn reserve_code_try(
        &self,
        at: &MailKey,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "reserve a try of a code";
        let reserve = self
            .client
            .update_item()
            .table_name(&self.tables.sessions)
            .set_key(Some(key(at)))
            .update_expression("ADD tries :me")
            .condition_expression(
                "attribute_exists(pk) AND ends > :now AND \
                 (attribute_not_exists(tries) OR size(tries) < :max OR contains(tries, :me_once))",
            )
            .expression_attribute_values(":me", one(entry))
            .expression_attribute_values(":me_once", item::text(entry.as_str()))
            .expression_attribute_values(":max", item::number(CODE_TRIES))
            .expression_attribute_values(":now", item::millis(now));
        let reserved = updated(OPERATION, reserve).await?;
        Ok(matches!(reserved, Updated::Took(_)))
    }
}
