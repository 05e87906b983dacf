//! `EMAIL#<normalised>` / `CREDENTIAL`: the password of an address. The key makes the address unique.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Store, StoreError, batch::consistent, item};
use crate::domain::{email::Email, ids::UserId, mail::Bound, password::PasswordHash};

/// Whose address it is, and the hash of the password.
#[derive(Clone, PartialEq)]
pub struct Credential {
    /// Whose address it is.
    pub user_id: UserId,
    /// The password's hash. `None`: the row holds none that can be read, and no password is the right one.
    pub password_hash: Option<PasswordHash>,
    /// The hash as the row spells it, which may be in another way than we do: conditions compare rows.
    stored: Option<AttributeValue>,
}

impl Credential {
    #[must_use]
    pub fn new(user_id: UserId, password_hash: PasswordHash) -> Self {
        let stored = Some(item::text(password_hash.as_str()));
        Self { user_id, password_hash: Some(password_hash), stored }
    }

    /// What a link in mail is bound to that is to die with this password.
    #[must_use]
    pub fn bound(&self) -> Bound {
        Bound::to(self.stored.as_ref().and_then(|hash| hash.as_s().ok()).map_or("", String::as_str))
    }

    /// What the row's hash has to equal for the row to be the one that was read.
    pub(super) fn stored(&self) -> Option<AttributeValue> {
        self.stored.clone()
    }

    /// The same, of a hash that a password was verified against. A row without one equals nothing.
    pub(super) fn verified(&self) -> AttributeValue {
        self.stored().unwrap_or(AttributeValue::Null(true))
    }

    pub(super) fn row(&self, email: &Email) -> item::Item {
        let mut row = key(email);
        row.insert("userId".to_owned(), item::text(self.user_id.to_string()));
        row.extend(self.stored.clone().map(|hash| ("passwordHash".to_owned(), hash)));
        row
    }

    /// Reads a row. Whose it is has to be there; the hash may be anything.
    pub(super) fn read(operation: &'static str, row: &item::Item) -> Result<Self, StoreError> {
        let text = |name| row.get(name).and_then(|value| value.as_s().ok());
        let user_id = text("userId").and_then(|id| id.parse().ok());
        Ok(Self {
            user_id: user_id.ok_or(StoreError::Malformed { operation })?,
            password_hash: text("passwordHash").and_then(|hash| PasswordHash::parse(hash).ok()),
            stored: row.get("passwordHash").cloned(),
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, password_hash, .. } = self;
        f.debug_struct("Credential").field("user_id", user_id).field("password_hash", password_hash).finish()
    }
}

pub(super) fn key(email: &Email) -> item::Item {
    item::key(format!("EMAIL#{}", email.as_str()), "CREDENTIAL")
}

impl Store {
    /// The credential of an address, as it is now.
    pub async fn credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        const OPERATION: &str = "read credential";
        let row = self.credential_row(OPERATION, email).await?;
        row.map(|row| Credential::read(OPERATION, &row)).transpose()
    }

    /// The credential's row, with what other versions put into it.
    pub(super) async fn credential_row(
        &self,
        operation: &'static str,
        email: &Email,
    ) -> Result<Option<item::Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.identity)
            .set_key(Some(key(email)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(operation, &error))?;
        Ok(answer.item)
    }

    /// The credentials of up to 100 addresses, by address; those that nobody has are not among them. `None`: somebody has
    /// the address, and the row can't be read.
    ///
    /// # Errors
    /// [`StoreError`]; part of an answer is none.
    pub async fn credentials(
        &self,
        emails: &[&Email],
    ) -> Result<HashMap<String, Option<Credential>>, StoreError> {
        const OPERATION: &str = "read credentials";
        // DynamoDB refuses a batch that names one key twice.
        let distinct: BTreeSet<_> = emails.iter().map(|email| email.as_str()).collect();
        if distinct.is_empty() {
            return Ok(HashMap::new());
        }
        let keys =
            distinct.into_iter().map(|email| item::key(format!("EMAIL#{email}"), "CREDENTIAL")).collect();
        let wanted = HashMap::from([(self.tables.identity.clone(), consistent(keys)?)]);
        let mut found = HashMap::new();
        for row in self.read_all(wanted).await? {
            let address =
                row.get("pk").and_then(|pk| pk.as_s().ok()?.strip_prefix("EMAIL#").map(str::to_owned));
            let address = address.ok_or(StoreError::Malformed { operation: OPERATION })?;
            found.insert(address, Credential::read(OPERATION, &row).ok());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$04$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX";

    fn row(hash: Option<AttributeValue>) -> item::Item {
        let mut row = item::key("EMAIL#a@example.com", "CREDENTIAL");
        row.insert("userId".to_owned(), item::text("0190163d-8694-739b-aea5-966c26f8ad90"));
        row.extend(hash.map(|hash| ("passwordHash".to_owned(), hash)));
        row
    }

    #[test]
    fn a_row_is_compared_by_its_own_spelling_and_verified_by_ours() {
        let read = Credential::read("test", &row(Some(item::text(HASH)))).unwrap();
        assert_eq!(read.verified(), item::text(HASH));
        assert!(read.password_hash.is_some_and(|hash| hash.as_str() != HASH));
    }

    #[test]
    fn whatever_a_row_holds_for_a_hash_it_is_known_whose_the_address_is() {
        for hash in [None, Some(item::number(7)), Some(item::text("")), Some(item::text("$2x$04$canary"))] {
            let read = Credential::read("test", &row(hash.clone())).unwrap();
            assert_eq!((&read.password_hash, &read.stored), (&None, &hash));
            assert_eq!(read.row(&Email::parse("a@example.com").unwrap()), row(hash));
            assert!(!format!("{read:?}").contains("canary"));
        }
        let mut nobodys = row(Some(item::text(HASH)));
        nobodys.remove("userId");
        assert_eq!(Credential::read("test", &nobodys), Err(StoreError::Malformed { operation: "test" }));
    }
}
