//! DynamoDB, one file per kind of item.
//!
//! Rules that hold in every file here:
//!
//! - **TTL is a broom, not a clock.** DynamoDB removes expired items hours or days late, and until then they are read
//!   and updated like any other: every read and every condition compares the item's own time with `now`.
//! - An update never creates what it meant to change: `attribute_exists(pk)`.
//! - Every check-then-write is one conditional write, and harmless when the SDK repeats it. What meets another write at its
//!   item is made again (`change`, `transaction`).
//! - A decision reads with `ConsistentRead`, and never from an index.
//! - *Unprocessed* is not *absent*: such keys are asked for again, and then the read has failed.

mod address;
mod attempts;
mod attempts_key;
mod batch;
mod breached;
mod ceremony;
mod challenge;
mod change;
mod credential;
mod edit;
mod epoch;
mod error;
mod event;
mod factor;
mod factor_change;
mod facts;
mod give_back;
mod item;
mod log;
mod login;
mod mail;
mod mail_window;
mod operate;
mod pages;
mod passkey;
mod profile;
mod rate;
mod redeem;
mod retry;
mod rules;
mod run;
mod scan;
mod session;
mod sweep;
mod ticket;
mod transaction;
mod user;

pub use address::AddressCommit;
pub use attempts::{Reservation, Taken, Wanted};
pub use attempts_key::AttemptsKey;
pub use breached::{BreachedList, LoadedList, SHARDS_AT_ONCE};
pub use ceremony::{CEREMONY_LASTS, Ceremony, CeremonyKind};
pub use challenge::Challenge;
pub use credential::Credential;
pub use edit::UserMoved;
pub use epoch::{EpochChange, PasswordCommit, PasswordCommitted};
pub use error::StoreError;
pub use event::EventRow;
pub use factor::{FactorRows, FactorState, RecoveryCodes, TotpFactor};
pub use factor_change::{FactorChange, FactorCommit, FactorCommitted};
pub use facts::Facts;
pub use log::LoggedEvent;
pub use mail::CODE_TRIES;
pub use mail_window::MailWindow;
pub use operate::{AccessChange, AccountAttempts, UserDeleted};
pub use redeem::{PasswordOf, Redeemed, ResetCommit, Verified};
pub use rules::StoredRules;
pub use scan::{PageKey, Segment, UserPage};
pub use session::{Rotated, Rotation, SessionRows};
pub use user::{NewUser, USERS_AT_ONCE, UserCreated};

use crate::patience::Patience;

/// The tables' names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Users, credentials, security logs. Durable.
    pub identity: String,
    /// Sessions, attempts, counted calls. Everything in it may expire.
    pub sessions: String,
}

/// The two tables.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    tables: Tables,
    patience: Patience,
}

impl Store {
    /// The tables of these names, reached through this client.
    #[must_use]
    pub fn new(client: aws_sdk_dynamodb::Client, tables: Tables) -> Self {
        let patience = Patience::of(client.config().timeout_config());
        Self { client, tables, patience }
    }

    /// How long a call may take, and a place that others hold.
    #[must_use]
    pub const fn patience(&self) -> Patience {
        self.patience
    }

    /// The same tables, waited for so long by those who ask for more than one call. Each call has the patience of the client.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Puts an item that nobody changes afterwards: a try that arrives late writes what stands there.
    async fn put(&self, operation: &'static str, table: &str, item: item::Item) -> Result<(), StoreError> {
        retry::past_conflicts(|| async {
            let put = self.client.put_item().table_name(table).set_item(Some(item.clone()));
            put.send().await.map_err(|error| StoreError::from_sdk(operation, &error))
        })
        .await
        .map(drop)
    }

    /// Puts an item that nobody else has the key of, and that is changed later. A try that arrives late finds it there, and must not
    /// bring back how it began.
    async fn put_once(
        &self,
        operation: &'static str,
        table: &str,
        item: item::Item,
    ) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)");
        change::conditional(operation, || put.clone().send()).await.map(drop)
    }
}
