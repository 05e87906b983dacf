//! What a decision is made on, read in **one** consistent `BatchGetItem` over both tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    types::{Get, TransactGetItem},
};

use super::{
    Store, StoreError, StoredRules, batch::consistent, item, profile, retry::past_conflicts, rules, session,
};
use crate::domain::{
    ids::{SessionId, UserId},
    rules::Rules,
    session::Session,
    user::Profile,
};

/// The rows as they were found.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The user, if there is one.
    pub profile: Option<Profile>,
    /// The session, if there is one.
    pub session: Option<Session>,
    /// The rules of the API that was named, if it has some.
    pub rules: Option<Rules>,
}

const OPERATION: &str = "read a decision's facts";

impl Store {
    /// Reads user and session; and the rules of an API, where one is named.
    ///
    /// # Errors
    /// [`StoreError`], also when keys stay unprocessed until the deadline: that is no answer.
    pub async fn facts(
        &self,
        user: UserId,
        session: SessionId,
        rules_of: Option<&str>,
    ) -> Result<Facts, StoreError> {
        let mut identity = vec![profile::key(user)];
        identity.extend(rules_of.map(rules::key));
        let wanted = HashMap::from([
            (self.tables.identity.clone(), consistent(identity)?),
            (self.tables.sessions.clone(), consistent(vec![session::key(user, session)])?),
        ]);
        let mut facts = Facts::default();
        for found in self.read_all(wanted).await? {
            let sk = found.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str).unwrap_or_default();
            match sk {
                "PROFILE" => facts.profile = Some(item::read(OPERATION, found)?),
                "RULES" => facts.rules = Some(item::read::<StoredRules>(OPERATION, found)?.rules),
                _ => facts.session = Some(item::read(OPERATION, found)?),
            }
        }
        Ok(facts)
    }

    /// Reads user and session once more, as they are at one moment. A batch may see one half of a transaction, however
    /// often it is asked; this read sees all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`], also when other transactions are in the way for too long.
    pub async fn snapshot(&self, user: UserId, session: SessionId) -> Result<Facts, StoreError> {
        const OPERATION: &str = "read a snapshot";
        let get = |table: &str, key| {
            let get = Get::builder().table_name(table).set_key(Some(key)).build();
            get.map(|get| TransactGetItem::builder().get(get).build())
                .map_err(|_| StoreError::Malformed { operation: OPERATION })
        };
        let wanted = vec![
            get(&self.tables.identity, profile::key(user))?,
            get(&self.tables.sessions, session::key(user, session))?,
        ];
        past_conflicts(|| async {
            let asked = self.client.transact_get_items().set_transact_items(Some(wanted.clone()));
            let answer = match asked.send().await {
                Ok(answer) => answer,
                // A read has no conditions: what cancels it is a write at one of its items.
                Err(SdkError::ServiceError(answer)) if answer.err().is_transaction_canceled_exception() => {
                    return Err(StoreError::canceled(OPERATION, "TransactionConflict"));
                }
                Err(error) => return Err(StoreError::from_sdk(OPERATION, &error)),
            };
            let mut found = answer.responses.unwrap_or_default().into_iter().map(|response| response.item);
            let (profile, session) = (found.next().flatten(), found.next().flatten());
            Ok(Facts {
                profile: profile.map(|row| item::read(OPERATION, row)).transpose()?,
                session: session.map(|row| item::read(OPERATION, row)).transpose()?,
                ..Facts::default()
            })
        })
        .await
    }
}
